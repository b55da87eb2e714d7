//! A line as an object of JSON: the same keys in the same order in each, without those of which there is nothing. (`null` for each
//! of them was a quarter of the bytes of most lines.)

use super::fields::{Entry, path, protocol, push_millis, show, some};
use crate::text::{escape, push_decimal};

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let (account, request) = (entry.account, entry.account.request);
    out.extend_from_slice(b"{\"time\":\"");
    entry.wall.push_iso(out);
    out.extend_from_slice(b"\",\"peer\":\"");
    show(out, entry.peer());
    out.push(b'"');
    string(out, br#","method":"#, some(request.method()));
    filtered(entry, out, br#","target":"#, some(request.target()));
    string(out, br#","protocol":"#, request.version().map(protocol));
    number(out, br#","status":"#, account.status.into());
    number(out, br#","bytes":"#, account.sent);
    millis(out, br#","queue_ms":"#, account.times.queue);
    millis(out, br#","app_ms":"#, account.times.app);
    millis(out, br#","total_ms":"#, account.times.total);
    string(out, br#","request_id":"#, entry.request_id());
    string(out, br#","traceparent":"#, request.field("traceparent"));
    string(out, br#","user_agent":"#, request.field("user-agent"));
    filtered(entry, out, br#","referer":"#, request.field("referer"));
    if let Some(worker) = account.worker {
        number(out, br#","worker":"#, worker);
    }
    number(out, br#","process":"#, entry.process.into());
    string(out, br#","cause":"#, entry.cause().map(str::as_bytes));
    out.push(b'}');
}

fn string(out: &mut Vec<u8>, key: &[u8], text: Option<&[u8]>) {
    if let Some(text) = text {
        out.extend_from_slice(key);
        escape::json(out, text);
    }
}

fn number(out: &mut Vec<u8>, key: &[u8], number: u64) {
    out.extend_from_slice(key);
    push_decimal(out, number);
}

fn millis(out: &mut Vec<u8>, key: &[u8], micros: Option<u64>) {
    if let Some(micros) = micros {
        out.extend_from_slice(key);
        push_millis(out, micros);
    }
}

fn filtered(entry: &Entry<'_>, out: &mut Vec<u8>, key: &[u8], target: Option<&[u8]>) {
    let Some(target) = target else { return };
    if path(target).len() == target.len() {
        return string(out, key, Some(target));
    }
    // A character may not be cut in two.
    let mut whole = Vec::with_capacity(target.len());
    entry.filter.each(target, |part| whole.extend_from_slice(part));
    string(out, key, Some(&whole));
}
