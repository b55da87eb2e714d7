//! Answers as bytes (RFC 9112 sections 4 to 7).

use super::date;
use super::framing::decimal;
use super::head::{Head, Version};
use super::status;
use crate::error::{Fault, HeaderFault};

/// What of the request the answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The request was HEAD: the answer has no body (RFC 9110 section 9.3.2).
    pub is_head: bool,
    /// The client speaks HTTP/1.0: no chunks, and keep-alive has to be said.
    pub http10: bool,
    /// Both client and server let the connection stay open.
    pub keep_alive: bool,
}

impl Asked {
    /// Of a request head, and whether the connection may stay open.
    pub fn of(head: &Head, keep_alive: bool) -> Asked {
        Asked { is_head: head.is_head(), http10: head.version() == Version::Http10, keep_alive }
    }
}

/// How the answer's body is delimited (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No body follows the head.
    None,
    /// Exactly so many bytes.
    Sized(u64),
    /// Chunks.
    Chunked,
    /// Everything until the connection closes.
    UntilClose,
}

/// What an answer's head committed the connection to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How the body goes out.
    pub framing: BodyFraming,
    /// Whether the connection stays open after it.
    pub keep_alive: bool,
    /// The app gives the body in chunks already, by its `transfer-encoding`.
    pub is_encoded: bool,
}

/// An answer's head, written field by field into a buffer that is used again for the next one.
#[derive(Debug)]
pub struct ResponseHead<'a> {
    out: &'a mut Vec<u8>,
    status: u16,
    length: Option<u64>,
    close: bool,
    upgrade: bool,
    dated: bool,
    /// The app writes what follows, in its own framing.
    is_raw: bool,
    is_encoded: bool,
}

impl<'a> ResponseHead<'a> {
    /// Starts a head with its status line in `out`, which is emptied first.
    pub fn begin(out: &'a mut Vec<u8>, status: u16) -> Self {
        out.clear();
        if status == 200 {
            out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        } else {
            out.extend_from_slice(b"HTTP/1.1 ");
            push_decimal(out, u64::from(status));
            out.push(b' ');
            out.extend_from_slice(status::reason(status).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        ResponseHead {
            out,
            status,
            length: None,
            close: false,
            upgrade: false,
            dated: false,
            is_raw: false,
            is_encoded: false,
        }
    }

    /// The same for an answer after whose head the app has the connection to itself: to be ended by
    /// [`ResponseHead::end_raw`].
    pub fn begin_raw(out: &'a mut Vec<u8>, status: u16) -> Self {
        ResponseHead { is_raw: true, ..ResponseHead::begin(out, status) }
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
            4 if name.eq_ignore_ascii_case(b"date") => self.dated = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                }
                return Ok(());
            }
            10 if name.eq_ignore_ascii_case(b"keep-alive") => return Ok(()),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.length = Some(decimal(value.trim_ascii()).map_err(|_: Fault| HeaderFault::Length)?);
                return Ok(());
            }
            17 if !self.is_raw && name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.is_encoded |= value.trim_ascii().eq_ignore_ascii_case(b"chunked");
                return Ok(());
            }
            _ => {}
        }
        push_field(self.out, name, value);
        Ok(())
    }

    /// Ends the head. `body` is the body's length where the server knows it.
    pub fn end(mut self, asked: Asked, body: Option<u64>, date: &[u8; date::LEN]) -> Plan {
        let bodiless = self.status < 200 || matches!(self.status, 204 | 304);
        let length = self.length.or(if asked.is_head { body.filter(|&n| n > 0) } else { body });
        let length = if self.is_encoded { None } else { length };
        let framing = match length {
            _ if bodiless || asked.is_head => BodyFraming::None,
            Some(length) => BodyFraming::Sized(length),
            None if asked.http10 => BodyFraming::UntilClose,
            None => BodyFraming::Chunked,
        };
        // A 304 and the answer to HEAD may state the length that the body would have; a 204 may not (RFC 9110 section 8.6).
        match length {
            Some(length) if !bodiless || self.status == 304 && self.length.is_some() => {
                push_length(self.out, length);
            }
            None if framing == BodyFraming::Chunked => self.out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
            _ => {}
        }
        let keep_alive = asked.keep_alive && !self.close && framing != BodyFraming::UntilClose && self.status >= 200;
        self.date(date);
        if !keep_alive {
            self.out.extend_from_slice(b"connection: close\r\n");
        } else if self.upgrade {
            // Of an answer that names what the client could go on with (RFC 9110 section 7.8).
            self.out.extend_from_slice(b"connection: upgrade\r\n");
        } else if asked.http10 {
            self.out.extend_from_slice(b"connection: keep-alive\r\n");
        }
        self.out.extend_from_slice(b"\r\n");
        Plan { framing, keep_alive, is_encoded: self.is_encoded }
    }

    /// Ends the head of an answer after which the app has the connection to itself; with a `protocol`, because the client
    /// has asked for it (RFC 9110 section 7.8).
    pub fn end_raw(mut self, protocol: Option<&[u8]>, date: &[u8; date::LEN]) {
        if let Some(length) = self.length {
            push_length(self.out, length);
        }
        if let Some(protocol) = protocol {
            push_field(self.out, b"upgrade", protocol);
        }
        self.date(date);
        let upgrades = protocol.is_some() || self.upgrade || self.status == 101;
        push_field(self.out, b"connection", if upgrades { b"upgrade" } else { b"close" });
        self.out.extend_from_slice(b"\r\n");
    }

    /// Ends the head of an interim answer (RFC 9110 section 15.2).
    pub fn end_interim(self) {
        self.out.extend_from_slice(b"\r\n");
    }

    fn date(&mut self, date: &[u8; date::LEN]) {
        if !self.dated {
            push_field(self.out, b"date", date);
        }
    }
}

/// A whole answer by the server itself, after which the connection closes.
pub fn refusal(fault: Fault, is_head: bool, date: &[u8; date::LEN]) -> Vec<u8> {
    let (status, text) = (fault.status(), fault.to_string());
    let mut out = Vec::with_capacity(256);
    let head = ResponseHead::begin(&mut out, status);
    push_field(head.out, b"content-type", b"text/plain; charset=utf-8");
    if status == 503 {
        push_field(head.out, b"retry-after", b"1");
    }
    head.end(Asked { is_head, http10: false, keep_alive: false }, Some(text.len() as u64 + 1), date);
    if is_head {
        return out;
    }
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
    out
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

/// Adds a trailer field, which stands between the last chunk's line and the empty one (RFC 9112 section 7.1.2).
///
/// # Errors
/// A [`HeaderFault`] for one that would break the message, or that may not be a trailer since the message is understood by
/// it (RFC 9110 section 6.5.1).
pub fn push_trailer(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), HeaderFault> {
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
    push_field(out, name, value);
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

fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
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
mod tests {
    use super::*;

    const GET: Asked = Asked { is_head: false, http10: false, keep_alive: true };
    const HEAD: Asked = Asked { is_head: true, ..GET };
    const OLD: Asked = Asked { http10: true, ..GET };

    fn encode(status: u16, fields: &[(&str, &str)], asked: Asked, body: Option<u64>) -> (String, Plan) {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin(&mut out, status);
        for (name, value) in fields {
            head.field(name.as_bytes(), value.as_bytes()).unwrap();
        }
        let plan = head.end(asked, body, b"Thu, 01 Jan 1970 00:00:00 GMT");
        let text = String::from_utf8(out).unwrap();
        (text.replace("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "").replace("\r\n", "|"), plan)
    }

    fn plan(framing: BodyFraming, keep_alive: bool) -> Plan {
        Plan { framing, keep_alive, is_encoded: false }
    }

    #[test]
    fn states_the_length_it_knows() {
        let expected = ("HTTP/1.1 200 OK|a: b|content-length: 5||".to_owned(), plan(BodyFraming::Sized(5), true));
        assert_eq!(encode(200, &[("a", "b")], GET, Some(5)), expected);
        assert_eq!(encode(200, &[("a", "b"), ("Content-Length", "5")], GET, None), expected);
        assert_eq!(encode(200, &[("a", "b"), ("Transfer-Encoding", "gzip")], GET, Some(5)), expected);
    }

    #[test]
    fn chunks_what_it_does_not() {
        let chunked =
            ("HTTP/1.1 404 Not Found|transfer-encoding: chunked||".to_owned(), plan(BodyFraming::Chunked, true));
        assert_eq!(encode(404, &[], GET, None), chunked);
        let closed = ("HTTP/1.1 200 OK|connection: close||".to_owned(), plan(BodyFraming::UntilClose, false));
        assert_eq!(encode(200, &[], OLD, None), closed);
    }

    #[test]
    fn leaves_the_connection_to_the_app_after_a_raw_head() {
        let raw = |status, fields: &[(&str, &str)], protocol| {
            let mut out = Vec::new();
            let mut head = ResponseHead::begin_raw(&mut out, status);
            for (name, value) in fields {
                head.field(name.as_bytes(), value.as_bytes()).unwrap();
            }
            head.end_raw(protocol, b"Thu, 01 Jan 1970 00:00:00 GMT");
            let text = String::from_utf8(out).unwrap();
            text.replace("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "").replace("\r\n", "|")
        };
        let switched = "HTTP/1.1 101 Switching Protocols|upgrade: chat|connection: upgrade||";
        assert_eq!(raw(101, &[], Some(&b"chat"[..])), switched);
        assert_eq!(raw(101, &[("upgrade", "chat"), ("connection", "Upgrade")], None), switched);
        let own = [("transfer-encoding", "chunked"), ("content-length", "5")];
        let expected = "HTTP/1.1 200 OK|transfer-encoding: chunked|content-length: 5|connection: close||";
        assert_eq!(raw(200, &own, None), expected);
    }

    #[test]
    fn says_what_the_client_could_go_on_with() {
        let fields = [("upgrade", "tls/1.2"), ("connection", "upgrade")];
        let (text, plan) = encode(426, &fields, GET, Some(0));
        assert_eq!(text, "HTTP/1.1 426 Upgrade Required|upgrade: tls/1.2|content-length: 0|connection: upgrade||");
        assert!(plan.keep_alive);
    }

    #[test]
    fn an_interim_head_has_nothing_but_its_fields() {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin(&mut out, 103);
        head.field(b"link", b"</a.css>").unwrap();
        head.end_interim();
        assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
    }

    #[test]
    fn trailers_can_break_no_message() {
        let mut out = Vec::new();
        push_trailer(&mut out, b"digest", b"abc").unwrap();
        assert_eq!(out, b"digest: abc\r\n");
        for name in [&b"Content-Length"[..], b"transfer-encoding", b"SET-COOKIE", b"trailer"] {
            assert_eq!(push_trailer(&mut out, name, b"1"), Err(HeaderFault::Trailer));
        }
        assert_eq!(push_trailer(&mut out, b"a b", b"1"), Err(HeaderFault::Name));
        assert_eq!(push_trailer(&mut out, b"a", b"1\r\nb: c"), Err(HeaderFault::Value));
        assert_eq!(out, b"digest: abc\r\n");
    }

    #[test]
    fn knows_a_body_that_is_in_chunks_already() {
        let fields = [("Transfer-Encoding", "Chunked"), ("content-length", "5")];
        let (text, plan) = encode(200, &fields, GET, Some(5));
        assert_eq!(text, "HTTP/1.1 200 OK|transfer-encoding: chunked||");
        assert_eq!(plan, Plan { framing: BodyFraming::Chunked, keep_alive: true, is_encoded: true });
        let (text, plan) = encode(200, &fields, OLD, Some(5));
        assert_eq!(text, "HTTP/1.1 200 OK|connection: close||");
        assert_eq!(plan, Plan { framing: BodyFraming::UntilClose, keep_alive: false, is_encoded: true });
    }

    #[test]
    fn sends_no_body_where_there_is_none() {
        let none = plan(BodyFraming::None, true);
        assert_eq!(
            encode(204, &[("content-length", "0")], GET, Some(0)),
            ("HTTP/1.1 204 No Content||".to_owned(), none)
        );
        assert_eq!(encode(304, &[], GET, Some(0)), ("HTTP/1.1 304 Not Modified||".to_owned(), none));
        assert_eq!(
            encode(200, &[("content-length", "9")], HEAD, Some(0)),
            ("HTTP/1.1 200 OK|content-length: 9||".to_owned(), none)
        );
        assert_eq!(encode(200, &[], HEAD, Some(9)), ("HTTP/1.1 200 OK|content-length: 9||".to_owned(), none));
        assert_eq!(encode(200, &[], HEAD, Some(0)), ("HTTP/1.1 200 OK||".to_owned(), none));
    }

    #[test]
    fn says_when_the_connection_stays_and_when_it_closes() {
        let (text, plan) = encode(200, &[("Connection", "Close")], GET, Some(0));
        assert_eq!((text.as_str(), plan.keep_alive), ("HTTP/1.1 200 OK|content-length: 0|connection: close||", false));
        let (text, plan) = encode(200, &[], OLD, Some(0));
        assert_eq!(
            (text.as_str(), plan.keep_alive),
            ("HTTP/1.1 200 OK|content-length: 0|connection: keep-alive||", true)
        );
    }

    #[test]
    fn refuses_fields_that_split_the_message() {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin(&mut out, 200);
        assert_eq!(head.field(b"a", b"b\r\nc: d"), Err(HeaderFault::Value));
        assert_eq!(head.field(b"a", b"b\nc"), Err(HeaderFault::Value));
        assert_eq!(head.field(b"a", b"\0"), Err(HeaderFault::Value));
        assert_eq!(head.field(b"a b", b"c"), Err(HeaderFault::Name));
        assert_eq!(head.field(b"", b"c"), Err(HeaderFault::Name));
        assert_eq!(head.field(b"content-length", b"x"), Err(HeaderFault::Length));
    }

    #[test]
    fn sizes_chunks_in_hexadecimal() {
        for (length, text) in [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0xabcdef, "abcdef\r\n")] {
            let mut out = Vec::new();
            push_chunk_size(&mut out, length);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn refuses_in_words() {
        let text = String::from_utf8(refusal(Fault::QueueFull, false, &date::format(0))).unwrap();
        assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        assert!(text.contains("retry-after: 1\r\n") && text.contains("connection: close\r\n"));
        assert!(text.ends_with("\r\n\r\nthe server is overloaded\n"));
        let text = String::from_utf8(refusal(Fault::QueueFull, true, &date::format(0))).unwrap();
        assert!(text.contains("content-length: 25\r\n") && text.ends_with("\r\n\r\n"));
    }
}
