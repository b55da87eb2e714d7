//! Answers' heads, and their bytes in HTTP/1 (RFC 9112 sections 4 to 7).

use super::date;
use super::framing::decimal;
use super::plan::{Asked, BodyFraming, Decision, Plan, Stated, decide};
use super::status;
use crate::error::{Fault, HeaderFault};

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
    /// The app writes what follows, in its own framing.
    is_raw: bool,
}

impl<'a, S: Sink> ResponseHead<'a, S> {
    /// Starts a head with its status in `sink`, which is emptied first.
    pub fn begin(sink: &'a mut S, status: u16) -> Self {
        sink.status(status);
        ResponseHead { sink, status, stated: Stated::default(), is_dated: false, is_raw: false }
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
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.stated.length = Some(decimal(value.trim_ascii()).map_err(|_: Fault| HeaderFault::Length)?);
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

/// A whole answer by the server itself, after which the connection closes.
pub fn refusal(fault: Fault, is_head: bool, date: &[u8; date::LEN]) -> Vec<u8> {
    let (status, text) = (fault.status(), fault.to_string());
    let mut out = Vec::with_capacity(256);
    let head = ResponseHead::begin(&mut out, status);
    head.sink.field(b"content-type", b"text/plain; charset=utf-8");
    if status == 503 {
        head.sink.field(b"retry-after", b"1");
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
        trailer(&mut out, b"digest", b"abc").unwrap();
        assert_eq!(out, b"digest: abc\r\n");
        for name in [&b"Content-Length"[..], b"transfer-encoding", b"SET-COOKIE", b"trailer"] {
            assert_eq!(trailer(&mut out, name, b"1"), Err(HeaderFault::Trailer));
        }
        assert_eq!(trailer(&mut out, b"a b", b"1"), Err(HeaderFault::Name));
        assert_eq!(trailer(&mut out, b"a", b"1\r\nb: c"), Err(HeaderFault::Value));
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
    fn a_reset_says_that_it_has_no_content() {
        let none = ("HTTP/1.1 205 Reset Content|content-length: 0||".to_owned(), plan(BodyFraming::None, true));
        for asked in [GET, HEAD] {
            assert_eq!(encode(205, &[], asked, None), none);
            assert_eq!(encode(205, &[("content-length", "7")], asked, Some(7)), none);
        }
        let (text, _) = encode(205, &[("transfer-encoding", "chunked")], GET, None);
        assert_eq!(text, none.0);
    }

    #[test]
    fn another_protocol_has_a_sink_of_its_own() {
        #[derive(Default)]
        struct Fields(Vec<(String, String)>);
        impl Sink for Fields {
            fn status(&mut self, status: u16) {
                self.field(b":status", status.to_string().as_bytes());
            }
            fn field(&mut self, name: &[u8], value: &[u8]) {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_ascii_lowercase()).unwrap();
                self.0.push((text(name), text(value)));
            }
            fn end(&mut self, decision: &Decision, _: Option<&[u8; date::LEN]>) {
                if let Some(length) = decision.length {
                    self.field(b"content-length", length.to_string().as_bytes());
                }
            }
            fn end_interim(&mut self) {}
        }
        let mut fields = Fields::default();
        let mut head = ResponseHead::begin(&mut fields, 200);
        head.field(b"Etag", b"x").unwrap();
        head.field(b"Connection", b"close").unwrap();
        assert_eq!(head.field(b"a", b"b\r\nc: d"), Err(HeaderFault::Value));
        let plan = head.end(GET, Some(5), &date::format(0));
        assert_eq!(plan.framing, BodyFraming::Sized(5));
        let expected = [(":status", "200"), ("etag", "x"), ("content-length", "5")];
        assert_eq!(fields.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
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
