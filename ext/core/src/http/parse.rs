//! Request heads from bytes (RFC 9112 sections 2 to 5), by httparse, with the rules it leaves open.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use super::head::{Head, Span, Version};
use crate::config::Limits;
use crate::error::Fault;

/// Room for fields on the stack; a limit that allows more costs an allocation a request.
const FIELDS: usize = 256;
/// Bytes of a field's name. Past it: 431.
pub const LONGEST_NAME: usize = 256;

/// Parses the head that `input` begins with into `head`, and answers its length in bytes; `None` asks for more.
///
/// # Errors
/// A [`Fault`] for bytes that no further byte can turn into a request, or that exceed `limits`.
pub fn head(input: &[u8], limits: &Limits, head: &mut Head) -> Result<Option<usize>, Fault> {
    let mut room = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let mut more = Vec::new();
    let fields = if limits.fields <= FIELDS {
        &mut room[..limits.fields]
    } else {
        more.resize_with(limits.fields, MaybeUninit::uninit);
        &mut more[..]
    };
    let length = match request.parse_with_uninit_headers(input, fields) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return partial(input, limits),
        Err(Error::Version) => return later_version(input, limits, head),
        Err(error) => return Err(fault(error, input)),
    };
    let target = request.path.unwrap_or_default().as_bytes();
    if target.len() > limits.target {
        return Err(Fault::TargetTooLong);
    }
    if length > limits.head {
        return Err(Fault::HeadTooLarge);
    }
    let bytes = &input[..length];
    line_ends(bytes, 0)?;

    head.bytes.clear();
    head.bytes.extend_from_slice(bytes);
    head.method = Span::of(request.method.unwrap_or_default().as_bytes(), bytes);
    head.target = Span::of(target, bytes);
    head.version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
    head.fields.clear();
    for field in request.headers.iter() {
        if field.name.len() > LONGEST_NAME {
            return Err(Fault::HeadTooLarge);
        }
        head.fields.push((Span::of(field.name.as_bytes(), bytes), value(field.value, bytes)));
    }
    Ok(Some(length))
}

/// Whether `input` may hold a whole head, when its first `seen` bytes did not: cheaper than parsing it again.
///
/// # Errors
/// [`Fault::Malformed`] for a bare LF, which nothing that follows can mend.
pub fn may_be_complete(input: &[u8], seen: usize) -> Result<bool, Fault> {
    let from = seen.saturating_sub(3);
    let end = memchr::memmem::find(&input[from..], b"\r\n\r\n").map(|at| from + at);
    // What follows the head is none of its business, and what came before has been looked at.
    line_ends(&input[..end.unwrap_or(input.len())], from)?;
    Ok(end.is_some())
}

/// Whether the request that `input` begins with is HEAD, as far as it has come: what answers it has no body.
pub fn is_head(input: &[u8]) -> bool {
    input.starts_with(b"HEAD ")
}

/// White space after a value is not part of it (RFC 9112 section 5.1); httparse has removed that before it.
fn value(value: &[u8], bytes: &[u8]) -> Span {
    Span::of(value.trim_ascii_end(), bytes)
}

fn partial(input: &[u8], limits: &Limits) -> Result<Option<usize>, Fault> {
    if input.len() < limits.head {
        return Ok(None);
    }
    match memchr::memchr(b'\n', &input[..limits.target.min(input.len())]) {
        Some(_) => Err(Fault::HeadTooLarge),
        None => Err(Fault::TargetTooLong),
    }
}

/// A recipient may take a bare LF for a line end (RFC 9112 section 2.2). Two that differ in this disagree on where a
/// message ends, so Kino never does. Looks at `bytes` from `from` on, what is before that having been looked at.
///
/// # Errors
/// [`Fault::Malformed`] for one.
pub fn line_ends(bytes: &[u8], from: usize) -> Result<(), Fault> {
    for at in memchr::memchr_iter(b'\n', &bytes[from..]) {
        let at = from + at;
        if at == 0 || bytes[at - 1] != b'\r' {
            return Err(Fault::Malformed("a line ends with a bare LF"));
        }
    }
    Ok(())
}

fn fault(error: Error, input: &[u8]) -> Fault {
    match error {
        Error::TooManyHeaders => Fault::TooManyFields,
        Error::HeaderName => Fault::Malformed("a header's name is not valid"),
        Error::HeaderValue => Fault::Malformed("a header's value is not valid"),
        Error::NewLine => Fault::Malformed("a line does not end with CR LF"),
        // A handshake record of any version of TLS (RFC 8446 section 5.1); of its two first bytes, only one may have come.
        Error::Token if matches!(input, [0x16] | [0x16, 0x03, ..]) => {
            Fault::Malformed("this port speaks HTTP, not TLS")
        }
        Error::Token => Fault::Malformed("the request line is not valid"),
        Error::Status | Error::Version => Fault::Malformed("the request line is not valid"),
    }
}

/// Versions that httparse does not know: `HTTP/1.2` is spoken to as 1.1 is (RFC 9110 section 6.2), `HTTP/2.0` is one this
/// server does not speak, `HTCPCP/1.0` is none at all.
fn later_version(input: &[u8], limits: &Limits, head: &mut Head) -> Result<Option<usize>, Fault> {
    let end = memchr::memchr(b'\r', input).unwrap_or(input.len());
    let mut parts = input[..end].split(|&byte| byte == b' ');
    let version = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(_), Some(version), None) => version.strip_prefix(b"HTTP/").unwrap_or_default(),
        _ => b"",
    };
    match version {
        [b'1', b'.', b'2'..=b'9'] => {
            let mut known = input.to_vec();
            known[end - 1] = b'1';
            self::head(&known, limits, head)
        }
        [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => Err(Fault::Version),
        _ => Err(fault(Error::Version, input)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(input: &[u8]) -> Result<Option<(usize, Head)>, Fault> {
        let mut parsed = Head::default();
        Ok(head(input, &Limits::default(), &mut parsed)?.map(|length| (length, parsed)))
    }

    #[test]
    fn takes_a_head_apart() {
        let input = b"GET /a?b HTTP/1.1\r\nHost: x\r\nEmpty:\r\nX-Y: \t v w \t\r\n\r\nrest";
        let (length, head) = parse(input).unwrap().unwrap();
        assert_eq!(&input[length..], b"rest");
        assert_eq!((head.method(), head.target(), head.version()), (&b"GET"[..], &b"/a?b"[..], Version::Http11));
        let fields: Vec<_> = head.fields().collect();
        assert_eq!(fields, [(&b"Host"[..], &b"x"[..]), (b"Empty", b""), (b"X-Y", b"v w")]);
    }

    #[test]
    fn asks_for_more() {
        assert!(parse(b"").unwrap().is_none());
        assert!(parse(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap().is_none());
    }

    #[test]
    fn names_what_is_wrong() {
        let status = |input: &[u8]| parse(input).map(|_| ()).map_err(Fault::status);
        assert_eq!(status(b"GET / HTTP/1.1\nHost: x\n\n"), Err(400));
        assert_eq!(status(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n"), Err(400));
        assert_eq!(status(b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), Err(400));
        assert_eq!(status(b"\x16\x03\x01"), Err(400));
        assert_eq!(status(b"GET / HTTP/2.0\r\n\r\n"), Err(505));
        assert_eq!(status(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Err(505));
        assert_eq!(status(b"GET / HTCPCP/1.0\r\n\r\n"), Err(400));
        assert_eq!(status(b"GET /a b HTTP/1.1\r\n\r\n"), Err(400));
        assert_eq!(parse(b"GET / HTTP/1.2\r\n\r\n").unwrap().unwrap().1.version(), Version::Http11);
    }

    #[test]
    fn takes_as_many_fields_as_the_limit_says() {
        let input = [b"GET / HTTP/1.1\r\n".as_slice(), &b"A: b\r\n".repeat(300), b"\r\n"].concat();
        let fields = |limit| {
            let mut parsed = Head::default();
            head(&input, &Limits { fields: limit, ..Limits::default() }, &mut parsed).map(|_| parsed.fields().count())
        };
        assert_eq!(fields(300), Ok(300));
        assert_eq!(fields(299), Err(Fault::TooManyFields));
    }

    #[test]
    fn keeps_its_limits() {
        let status = |input: &[u8]| parse(input).map(|_| ()).map_err(Fault::status);
        assert_eq!(status(&[b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'x'; 70_000]].concat()), Err(431));
        assert_eq!(status(&[b"GET / HTTP/1.1\r\n".as_slice(), &[b'x'; 257], b": y\r\n\r\n"].concat()), Err(431));
        assert_eq!(status(&[b"GET /".as_slice(), &[b'x'; 70_000]].concat()), Err(414));
        assert_eq!(status(&[b"GET / HTTP/1.1\r\n".as_slice(), &b"A: b\r\n".repeat(200), b"\r\n"].concat()), Err(431));
    }
}
