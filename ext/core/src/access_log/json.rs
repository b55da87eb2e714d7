//! A line as an object of JSON: the same keys in the same order in each, without those of which there is nothing. (`null` for each
//! of them was a quarter of the bytes of most lines.)
//!
//! Each request has one, so this is written for speed: keys and what stands around them are pieces whose length is known where it is
//! compiled, and the head's fields are looked through once.

use super::fields::{Entry, path, show, some};
use crate::http::head::{Seen, Version};
use crate::text::{escape, push_decimal, push_millis};

pub(super) fn write(entry: &Entry<'_>, out: &mut Vec<u8>) {
    let (account, request) = (entry.account, entry.account.request);
    let told = Told::of(request);
    out.extend_from_slice(b"{\"time\":\"");
    out.extend_from_slice(entry.wall.iso());
    out.extend_from_slice(b"\",\"peer\":\"");
    show(out, entry.peer());
    out.push(b'"');
    string(out, br#","method":""#, some(request.method()));
    filtered(entry, out, br#","target":""#, some(request.target()));
    out.extend_from_slice(match request.version() {
        Some(Version::Http11) => br#","protocol":"HTTP/1.1","status":"#,
        Some(Version::Http2) => br#","protocol":"HTTP/2.0","status":"#,
        Some(Version::Http10) => br#","protocol":"HTTP/1.0","status":"#,
        None => br#","status":"#,
    });
    push_decimal(out, account.status.into());
    out.extend_from_slice(br#","bytes":"#);
    push_decimal(out, account.sent);
    millis(out, br#","queue_ms":"#, account.times.queue);
    millis(out, br#","app_ms":"#, account.times.app);
    millis(out, br#","total_ms":"#, account.times.total);
    string(out, br#","request_id":""#, account.request_id.or(told.request_id));
    string(out, br#","traceparent":""#, told.traceparent);
    string(out, br#","user_agent":""#, told.user_agent);
    filtered(entry, out, br#","referer":""#, told.referer);
    if let Some(worker) = account.worker {
        out.extend_from_slice(br#","worker":"#);
        push_decimal(out, worker);
    }
    out.extend_from_slice(br#","process":"#);
    out.extend_from_slice(entry.process);
    string(out, br#","cause":""#, entry.cause().map(str::as_bytes));
    out.push(b'}');
}

/// What a head's fields say. Of each name the first counts.
#[derive(Default)]
struct Told<'h> {
    request_id: Option<&'h [u8]>,
    traceparent: Option<&'h [u8]>,
    user_agent: Option<&'h [u8]>,
    referer: Option<&'h [u8]>,
}

impl<'h> Told<'h> {
    fn of(request: Seen<'h>) -> Told<'h> {
        let mut told = Told::default();
        for (name, value) in request.head().into_iter().flat_map(|head| head.fields()) {
            let (place, known) = match name.len() {
                7 => (&mut told.referer, b"referer".as_slice()),
                10 => (&mut told.user_agent, b"user-agent".as_slice()),
                11 => (&mut told.traceparent, b"traceparent".as_slice()),
                12 => (&mut told.request_id, b"x-request-id".as_slice()),
                _ => continue,
            };
            if place.is_none() && name.eq_ignore_ascii_case(known) {
                *place = Some(value);
            }
        }
        told
    }
}

/// Keys are written with the quote before the value.
#[inline(always)]
fn string(out: &mut Vec<u8>, key: &[u8], text: Option<&[u8]>) {
    if let Some(text) = text {
        out.extend_from_slice(key);
        escape::in_json(out, text);
        out.push(b'"');
    }
}

#[inline(always)]
fn millis(out: &mut Vec<u8>, key: &[u8], micros: Option<u64>) {
    if let Some(micros) = micros {
        out.extend_from_slice(key);
        push_millis(out, micros);
    }
}

#[inline(always)]
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
