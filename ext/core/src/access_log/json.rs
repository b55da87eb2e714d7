//! A line as an object of JSON: the same keys in the same order in each, `null` where there is nothing.

use super::fields::{Entry, path, protocol, push_millis, show, some};
use crate::text::{escape, push_decimal};

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let (account, request) = (entry.account, entry.account.request);
    out.extend_from_slice(b"{\"time\":\"");
    entry.wall.push_iso(out);
    out.extend_from_slice(b"\",\"peer\":\"");
    show(out, entry.peer());
    out.push(b'"');
    string(out, b"method", some(request.method()));
    filtered(entry, out, b"target", some(request.target()));
    string(out, b"protocol", request.version().map(protocol));
    number(out, b"status", account.status.into());
    number(out, b"bytes", account.sent);
    millis(out, b"queue_ms", account.times.queue);
    millis(out, b"app_ms", account.times.app);
    millis(out, b"total_ms", account.times.total);
    string(out, b"request_id", entry.request_id());
    string(out, b"traceparent", request.field("traceparent"));
    string(out, b"user_agent", request.field("user-agent"));
    filtered(entry, out, b"referer", request.field("referer"));
    match account.worker {
        Some(worker) => number(out, b"worker", worker),
        None => string(out, b"worker", None),
    }
    number(out, b"process", entry.process.into());
    string(out, b"cause", entry.cause().map(str::as_bytes));
    out.push(b'}');
}

fn key(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
}

fn string(out: &mut Vec<u8>, name: &[u8], text: Option<&[u8]>) {
    key(out, name);
    match text {
        Some(text) => escape::json(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

fn number(out: &mut Vec<u8>, name: &[u8], number: u64) {
    key(out, name);
    push_decimal(out, number);
}

fn millis(out: &mut Vec<u8>, name: &[u8], micros: Option<u64>) {
    key(out, name);
    match micros {
        Some(micros) => push_millis(out, micros),
        None => out.extend_from_slice(b"null"),
    }
}

fn filtered(entry: &Entry<'_>, out: &mut Vec<u8>, name: &[u8], target: Option<&[u8]>) {
    let Some(target) = target else { return string(out, name, None) };
    if path(target).len() == target.len() {
        return string(out, name, Some(target));
    }
    // A character may not be cut in two.
    let mut whole = Vec::with_capacity(target.len());
    entry.filter.each(target, |part| whole.extend_from_slice(part));
    string(out, name, Some(&whole));
}
