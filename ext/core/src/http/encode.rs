//! Answers' heads, and their bytes in HTTP/1 (RFC 9112 sections 4 to 7).

use super::date;
use super::framing::decimal;
use super::head::Version;
use super::plan::{Asked, BodyFraming, Decision, Plan, Stated, decide};
use super::request_id;
use super::status;
use crate::error::{Fault, HeaderFault};
use crate::text::push_decimal;

/// Where a head goes, in order: status, fields, end. A `Vec<u8>` takes it as bytes of HTTP/1; another protocol has another
/// sink, and the same rules.
pub trait Sink {
    /// The status. What was in there before is gone.
    fn status(&mut self, status: u16);

    /// One field, of which all has been checked.
    fn field(&mut self, name: &[u8], value: &[u8]);

    /// The end: what the server says of the message, and the `date` where the app has none.
    fn end(&mut self, decision: &Decision, date: Option<&[u8; date::LEN]>);

    /// The end of an interim head, which has nothing but its fields.
    fn end_interim(&mut self);
}

impl Sink for Vec<u8> {
    fn status(&mut self, status: u16) {
        self.clear();
        if status == 200 {
            self.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        } else {
            self.extend_from_slice(b"HTTP/1.1 ");
            push_decimal(self, u64::from(status));
            self.push(b' ');
            self.extend_from_slice(status::reason(status).as_bytes());
            self.extend_from_slice(b"\r\n");
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        push_field(self, name, value);
    }

    fn end(&mut self, decision: &Decision, date: Option<&[u8; date::LEN]>) {
        if let Some(length) = decision.length {
            push_length(self, length);
        } else if decision.plan.framing == BodyFraming::Chunked {
            self.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        if let Some(date) = date {
            push_field(self, b"date", date);
        }
        if let Some(option) = decision.option {
            push_field(self, b"connection", option);
        }
        self.extend_from_slice(b"\r\n");
    }

    fn end_interim(&mut self) {
        self.extend_from_slice(b"\r\n");
    }
}

/// An answer's head, given to its sink field by field.
#[derive(Debug)]
pub struct ResponseHead<'a, S = Vec<u8>> {
    sink: &'a mut S,
    status: u16,
    stated: Stated,
    is_dated: bool,
    /// The app names its request.
    is_identified: bool,
    /// The app writes what follows, in its own framing.
    is_raw: bool,
}

impl<'a, S: Sink> ResponseHead<'a, S> {
    /// Starts a head with its status in `sink`, which is emptied first.
    pub fn begin(sink: &'a mut S, status: u16) -> Self {
        sink.status(status);
        ResponseHead { sink, status, stated: Stated::default(), is_dated: false, is_identified: false, is_raw: false }
    }

    /// Adds a field of the app's. How the message is delimited and whether the connection stays open is the server's
    /// business: `content-length`, `connection: close` and `transfer-encoding: chunked` are noted, other transfer codings
    /// and `keep-alive` are dropped.
    ///
    /// # Errors
    /// A [`HeaderFault`] for a field that would break the message.
    pub fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), HeaderFault> {
        check(name, value)?;
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"date") => self.is_dated = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    self.stated.closes |= option.eq_ignore_ascii_case(b"close");
                    self.stated.upgrades |= option.eq_ignore_ascii_case(b"upgrade");
                }
                return Ok(());
            }
            10 if name.eq_ignore_ascii_case(b"keep-alive") => return Ok(()),
            12 if name.eq_ignore_ascii_case(request_id::NAME.as_bytes()) => self.is_identified = true,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = decimal(value.trim_ascii()).map_err(|_: Fault| HeaderFault::Length)?;
                if self.stated.length.replace(length).is_some_and(|other| other != length) {
                    return Err(HeaderFault::Lengths);
                }
                return Ok(());
            }
            17 if !self.is_raw && name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.stated.is_encoded |= value.trim_ascii().eq_ignore_ascii_case(b"chunked");
                return Ok(());
            }
            _ => {}
        }
        self.sink.field(name, value);
        Ok(())
    }

    /// Adds the server's own fields, after all of the app's: the id of the request, where the app gives none.
    pub fn own(&mut self, fields: &OwnFields) {
        if let Some(id) = fields.request_id.as_deref().filter(|_| !self.is_identified) {
            self.sink.field(request_id::NAME.as_bytes(), id);
        }
        if let Some(Timing { queue, app }) = fields.timing {
            let millis = |micros: u64| micros as f64 / 1000.0;
            let timing = format!("queue;dur={:.3}, app;dur={:.3}", millis(queue), millis(app));
            self.sink.field(b"server-timing", timing.as_bytes());
        }
    }

    /// Ends the head. `body` is the body's length where the server knows it.
    pub fn end(self, asked: Asked, body: Option<u64>, date: &[u8; date::LEN]) -> Plan {
        let decision = decide(self.status, self.stated, asked, body);
        self.sink.end(&decision, (!self.is_dated).then_some(date));
        decision.plan
    }

    /// Ends the head of an interim answer (RFC 9110 section 15.2).
    pub fn end_interim(self) {
        self.sink.end_interim();
    }
}

/// Only HTTP/1 gives its connection away.
impl<'a> ResponseHead<'a> {
    /// As [`ResponseHead::begin`], for an answer after whose head the app has the connection to itself: to be ended by
    /// [`ResponseHead::end_raw`].
    pub fn begin_raw(out: &'a mut Vec<u8>, status: u16) -> Self {
        ResponseHead { is_raw: true, ..ResponseHead::begin(out, status) }
    }

    /// Ends the head of an answer after which the app has the connection to itself; with a `protocol`, because the client
    /// has asked for it (RFC 9110 section 7.8).
    pub fn end_raw(self, protocol: Option<&[u8]>, date: &[u8; date::LEN]) {
        if let Some(length) = self.stated.length {
            push_length(self.sink, length);
        }
        if let Some(protocol) = protocol {
            push_field(self.sink, b"upgrade", protocol);
        }
        if !self.is_dated {
            push_field(self.sink, b"date", date);
        }
        let upgrades = protocol.is_some() || self.stated.upgrades || self.status == 101;
        push_field(self.sink, b"connection", if upgrades { b"upgrade" } else { b"close" });
        self.sink.extend_from_slice(b"\r\n");
    }
}

/// What the server adds to an app's answer where it is set up so.
#[derive(Clone, Debug, Default)]
pub struct OwnFields {
    /// The id of the request.
    pub request_id: Option<Box<[u8]>>,
    /// How long it took so far.
    pub timing: Option<Timing>,
}

/// Microseconds until a worker took a request, and from there until its answer's head.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Before.
    pub queue: u64,
    /// After.
    pub app: u64,
}

/// A whole answer of the server's own.
#[derive(Debug)]
pub struct Refusal {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Bytes of its head.
    pub head: usize,
}

impl Refusal {
    /// Bytes of its body.
    pub fn body(&self) -> usize {
        self.bytes.len() - self.head
    }
}

/// A whole answer by the server itself to the request of that id, after which the connection closes.
pub fn refusal(fault: Fault, is_head: bool, id: Option<&[u8]>, date: &[u8; date::LEN]) -> Refusal {
    let (status, text) = (fault.status(), fault.to_string());
    let mut out = Vec::with_capacity(256);
    let head = ResponseHead::begin(&mut out, status);
    head.sink.field(b"content-type", b"text/plain; charset=utf-8");
    if status == 503 {
        head.sink.field(b"retry-after", b"1");
    }
    if let Some(id) = id {
        head.sink.field(request_id::NAME.as_bytes(), id);
    }
    let asked = Asked { is_head, version: Version::Http11, keep_alive: false, is_extended: false };
    head.end(asked, Some(text.len() as u64 + 1), date);
    let head = out.len();
    if !is_head {
        out.extend_from_slice(text.as_bytes());
        out.push(b'\n');
    }
    Refusal { bytes: out, head }
}

/// The answer at `health_path`: that the server is ready, or why it isn't.
pub fn health(is_ready: &Result<(), String>, asked: Asked, date: &[u8; date::LEN]) -> (Vec<u8>, Plan) {
    let (status, text) = match is_ready {
        Ok(()) => (200, "ready\n".to_owned()),
        Err(reason) => (503, format!("not ready: {reason}\n")),
    };
    let mut out = Vec::with_capacity(256);
    let head = ResponseHead::begin(&mut out, status);
    head.sink.field(b"content-type", b"text/plain; charset=utf-8");
    head.sink.field(b"cache-control", b"no-store");
    let plan = head.end(asked, Some(text.len() as u64), date);
    if !asked.is_head {
        out.extend_from_slice(text.as_bytes());
    }
    (out, plan)
}

/// The line before a chunk of `length` bytes (RFC 9112 section 7.1).
pub fn push_chunk_size(out: &mut Vec<u8>, length: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        out.push(DIGITS[length >> (4 * place) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Adds a trailer field, which in HTTP/1 stands between the last chunk's line and the empty one (RFC 9112 section 7.1.2).
///
/// # Errors
/// A [`HeaderFault`] for one that would break the message, or that may not be a trailer since the message is understood by
/// it (RFC 9110 section 6.5.1).
pub fn trailer(sink: &mut impl Sink, name: &[u8], value: &[u8]) -> Result<(), HeaderFault> {
    const FRAMING: [&[u8]; 8] = [
        b"content-length",
        b"transfer-encoding",
        b"trailer",
        b"connection",
        b"content-encoding",
        b"content-type",
        b"content-range",
        b"set-cookie",
    ];
    if FRAMING.iter().any(|other| other.eq_ignore_ascii_case(name)) {
        return Err(HeaderFault::Trailer);
    }
    check(name, value)?;
    sink.field(name, value);
    Ok(())
}

/// The last chunk's line. Trailer fields follow it, and an empty line.
pub const LAST_CHUNK: &[u8] = b"0\r\n";

/// The interim answer that lets a client send its body (RFC 9110 section 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn check(name: &[u8], value: &[u8]) -> Result<(), HeaderFault> {
    if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
        return Err(HeaderFault::Name);
    }
    match memchr::memchr3(b'\r', b'\n', 0, value) {
        Some(_) => Err(HeaderFault::Value),
        None => Ok(()),
    }
}

fn push_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn push_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"content-length: ");
    push_decimal(out, length);
    out.extend_from_slice(b"\r\n");
}

fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let marks = b"!#$%&'*+-.^_`|~";
        let mut at = 0;
        while at < marks.len() {
            table[marks[at] as usize] = true;
            at += 1;
        }
        table
    };
    TOKEN[byte as usize]
}

#[cfg(test)]
mod tests;
