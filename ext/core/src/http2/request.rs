//! A request's head out of a header block's fields (RFC 9113 section 8.3), judged as one of HTTP/1 is.

use super::hpack::Fields;
use super::lines::is_of_connection;
use crate::config::Limits;
use crate::error::Fault;
use crate::http::decode::Trailers;
use crate::http::framing::{self, Framing};
use crate::http::head::{Head, Version};
use crate::http::parse::LONGEST_NAME;
use crate::http::target;
use crate::http2::upgrade;

/// The pseudo-fields.
#[derive(Default)]
struct Pseudo<'f> {
    method: Option<&'f [u8]>,
    scheme: Option<&'f [u8]>,
    authority: Option<&'f [u8]>,
    path: Option<&'f [u8]>,
    protocol: Option<&'f [u8]>,
}

/// Pseudo-fields that a request may have.
const PSEUDO: usize = 5;
/// What a field counts beside its name and its value: `: ` and a line's end on HTTP/1, and more where a list is counted (section 6.5.2).
const LINE: usize = 4;
const LISTED: usize = 32;
/// What stands around method and path in HTTP/1's first line, with the empty line at the end.
const AROUND: usize = "  HTTP/1.1\r\n\r\n".len();
/// What pseudo-fields have that a first line has not: their names, and `https`.
const NAMES: usize = 64;

/// How long a field list may be, as SETTINGS_MAX_HEADER_LIST_SIZE counts it, at most: longer ones stand for no head that is let in.
pub(super) fn longest_list(limits: &Limits) -> usize {
    limits.head.saturating_add(NAMES + (limits.fields + PSEUDO) * LISTED)
}

/// How many fields it may have.
pub(super) fn most_fields(limits: &Limits) -> usize {
    limits.fields + PSEUDO
}

/// The head, and what it says of the body.
///
/// # Errors
/// [`Fault::Malformed`] for what ends the stream (section 8.1.1), and others for what exceeds a limit.
pub(super) fn head(fields: &Fields, limits: &Limits) -> Result<(Head, Framing), Fault> {
    if fields.are_too_large() {
        return Err(Fault::HeadTooLarge);
    }
    if fields.are_too_many() {
        return Err(Fault::TooManyFields);
    }
    let mut pseudo = Pseudo::default();
    let mut regular = Vec::new();
    let mut cookies: Vec<&[u8]> = Vec::new();
    let mut host = None;
    for (name, value) in fields.iter() {
        if name.first() == Some(&b':') {
            malformed_if(
                !regular.is_empty() || host.is_some() || !cookies.is_empty(),
                "a pseudo-field follows others",
            )?;
            check_value(value)?;
            pseudo.take(name, value)?;
            continue;
        }
        check_field(name, value)?;
        match name {
            b"host" => malformed_if(host.replace(value).is_some(), "host is given more than once")?,
            // Parts of one (section 8.2.3).
            b"cookie" => cookies.push(value),
            _ => regular.push((name, value)),
        }
    }
    let cookie = cookies.join(&b"; "[..]);
    if !cookies.is_empty() {
        regular.push((b"cookie", &cookie));
    }
    if let Some(host) = pseudo.host(host)? {
        regular.insert(0, (b"host", host));
    }
    let (method, path) = pseudo.request(limits)?;
    // As HTTP/1 would have sent it.
    let length = AROUND + method.len() + path.len() + length_of(regular.iter().copied());
    if length > limits.head {
        return Err(Fault::HeadTooLarge);
    }
    if regular.len() > limits.fields {
        return Err(Fault::TooManyFields);
    }
    let Some(protocol) = pseudo.protocol else {
        let head = Head::assemble(Version::Http2, method, path, regular.into_iter());
        let framing = framing::of(&head)?;
        return Ok((head, framing));
    };
    // As the request of HTTP/1.1 that it stands for (RFC 8441 section 5): apps know that.
    regular.retain(|(name, _)| *name != upgrade::KEY.0);
    regular.extend(upgrade::fields(protocol));
    let head = Head::assemble(Version::Http2, b"GET", path, regular.into_iter()).extended();
    malformed_if(head.field("content-length").is_some(), "CONNECT has no body, and content-length is given")?;
    // Nobody waits for a 100 to be let into a tunnel.
    let framing = Framing { expects_continue: false, ..framing::of(&head)? };
    Ok((head, framing))
}

/// The trailer fields of a body.
///
/// # Errors
/// As [`head`]'s; there are no pseudo-fields among them (section 8.1).
pub(super) fn trailers(fields: &Fields, limits: &Limits) -> Result<Trailers, Fault> {
    if fields.are_too_large() || length_of(fields.iter()) > limits.head {
        return Err(Fault::HeadTooLarge);
    }
    if fields.are_too_many() {
        return Err(Fault::TooManyFields);
    }
    fields.iter().map(|(name, value)| check_field(name, value).map(|()| (name.to_vec(), value.to_vec()))).collect()
}

/// What so many fields are in lines.
fn length_of<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> usize {
    fields.map(|(name, value)| name.len() + value.len() + LINE).sum()
}

impl<'f> Pseudo<'f> {
    fn take(&mut self, name: &[u8], value: &'f [u8]) -> Result<(), Fault> {
        let place = match name {
            b":method" => &mut self.method,
            b":scheme" => &mut self.scheme,
            b":authority" => &mut self.authority,
            b":path" => &mut self.path,
            b":protocol" => &mut self.protocol,
            _ => return Err(Fault::Malformed("there is a pseudo-field that requests don't have")),
        };
        malformed_if(place.replace(value).is_some(), "a pseudo-field is given more than once")
    }

    /// Whom the request is for. Two that name it have to agree.
    fn host(&self, host: Option<&'f [u8]>) -> Result<Option<&'f [u8]>, Fault> {
        match (self.authority, host) {
            (Some(b""), _) => Err(Fault::Malformed("the pseudo-field :authority is empty")),
            (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
                Err(Fault::Malformed("host is another than :authority"))
            }
            (authority, host) => Ok(authority.or(host)),
        }
    }

    /// Method and path.
    fn request(&self, limits: &Limits) -> Result<(&'f [u8], &'f [u8]), Fault> {
        let method = self.method.ok_or(Fault::Malformed("the pseudo-field :method is missing"))?;
        malformed_if(method.is_empty() || !method.iter().all(|&byte| is_token(byte)), "the method is not valid")?;
        match (method, self.protocol) {
            (b"CONNECT", None) => return Err(Fault::Connect),
            // RFC 8441 section 4, with all that others have.
            (b"CONNECT", Some(protocol)) => malformed_if(!is_protocol(protocol), "the protocol is not valid")?,
            (_, Some(_)) => return Err(Fault::Malformed("the pseudo-field :protocol is CONNECT's alone")),
            (_, None) => {}
        }
        let scheme = self.scheme.ok_or(Fault::Malformed("the pseudo-field :scheme is missing"))?;
        malformed_if(!is_scheme(scheme), "the scheme is not valid")?;
        let path = self.path.ok_or(Fault::Malformed("the pseudo-field :path is missing"))?;
        if path.len() > limits.target {
            return Err(Fault::TargetTooLong);
        }
        let is_right = matches!(path.first(), Some(b'/' | b'*')) && path.iter().all(|&byte| byte > b' ' && byte != 127);
        let is_right = is_right && (self.protocol.is_none() || path[0] == b'/');
        malformed_if(!is_right || target::split(path).is_none(), "the pseudo-field :path is not valid")?;
        Ok((method, path))
    }
}

/// Section 8.2.1, and what says something of a connection (section 8.2.2).
fn check_field(name: &[u8], value: &[u8]) -> Result<(), Fault> {
    if name.len() > LONGEST_NAME {
        return Err(Fault::HeadTooLarge);
    }
    let is_name = |&byte: &u8| is_token(byte) && !byte.is_ascii_uppercase();
    malformed_if(name.is_empty() || !name.iter().all(is_name), "a header's name is not valid")?;
    check_value(value)?;
    malformed_if(is_of_connection(name), "a header is of a connection of HTTP/1")?;
    malformed_if(name == b"te" && !value.eq_ignore_ascii_case(b"trailers"), "te names more than trailers")
}

fn check_value(value: &[u8]) -> Result<(), Fault> {
    let is_text = |&byte: &u8| byte == b'\t' || byte >= b' ' && byte != 127;
    malformed_if(!value.iter().all(is_text), "a header's value is not valid")?;
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    malformed_if(is_space(value.first()) || is_space(value.last()), "a header's value has space around it")
}

fn malformed_if(wrong: bool, why: &'static str) -> Result<(), Fault> {
    if wrong { Err(Fault::Malformed(why)) } else { Ok(()) }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A name, and perhaps a version (RFC 9110 section 7.8).
fn is_protocol(protocol: &[u8]) -> bool {
    let mut parts = protocol.splitn(2, |&byte| byte == b'/');
    parts.all(|part| !part.is_empty() && part.iter().all(|&byte| is_token(byte)))
}

/// RFC 3986 section 3.1.
fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::super::hpack::{Decoder, Encoder, Indexing};
    use super::*;
    use crate::http::framing::Length;

    fn fields(list: &[(&str, &str)]) -> Fields {
        let mut block = Vec::new();
        let mut encoder = Encoder::default();
        for (name, value) in list {
            encoder.field(name.as_bytes(), value.as_bytes(), Indexing::Once, &mut block);
        }
        let mut fields = Fields::new(65_536, 100);
        Decoder::default().decode(&block, &mut fields).unwrap();
        fields
    }

    const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":authority", "h:1"), (":path", "/a?b")];

    fn with(more: &[(&str, &str)]) -> Result<(Head, Framing), Fault> {
        head(&fields(&[&GET[..], more].concat()), &Limits::default())
    }

    /// With another value in the place of one that there is, or none.
    fn without(name: &str, value: Option<&str>) -> Result<(Head, Framing), Fault> {
        let changed: Vec<_> = GET
            .iter()
            .filter_map(
                |&(other, old)| if other == name { value.map(|value| (other, value)) } else { Some((other, old)) },
            )
            .collect();
        head(&fields(&changed), &Limits::default())
    }

    fn status<T>(result: Result<T, Fault>) -> u16 {
        result.map_or_else(Fault::status, |_| 200)
    }

    #[test]
    fn a_head_is_one_as_http_1_has_it() {
        let (head, framing) =
            with(&[("cookie", "a=1"), ("x-y", "z"), ("cookie", "b=2"), ("content-length", "3")]).unwrap();
        assert_eq!((head.method(), head.target(), head.version()), (&b"GET"[..], &b"/a?b"[..], Version::Http2));
        let all: Vec<_> = head.fields().collect();
        let expected: [(&[u8], &[u8]); 4] =
            [(b"host", b"h:1"), (b"x-y", b"z"), (b"content-length", b"3"), (b"cookie", b"a=1; b=2")];
        assert_eq!(all, expected);
        assert_eq!(framing.length, Length::Known(3));
        assert!(with(&[("te", "trailers"), ("host", "H:1")]).is_ok());
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for wrong in [
            ("X-Y", "z"),
            ("x y", "z"),
            ("x:y", "z"),
            ("", "z"),
            ("x", "a\nb"),
            ("x", "a\rb"),
            ("x", "a\0b"),
            ("x", " a"),
            ("x", "a\t"),
            ("connection", "close"),
            ("keep-alive", "1"),
            ("proxy-connection", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            ("host", "other"),
            (":method", "GET"),
            (":status", "200"),
            (":nonsense", "x"),
            ("content-length", "+1"),
        ] {
            assert!(matches!(with(&[wrong]), Err(Fault::Malformed(_))), "{wrong:?}");
        }
        assert_eq!(status(with(&[("x", "y"), (":path", "/")])), 400);
        assert_eq!(status(with(&[("content-length", "1"), ("content-length", "1")])), 400);
        assert_eq!(status(with(&[("host", "h:1"), ("host", "h:1")])), 400);
        for name in [":method", ":scheme", ":authority", ":path"] {
            assert_eq!(status(without(name, None)), 400, "{name}");
            assert_eq!(status(without(name, Some(""))), 400, "{name}");
        }
        for path in ["a", "/a b", "/a#b", "*", "http://h/a", "/\u{7f}"] {
            assert_eq!(status(without(":path", Some(path))), 400, "{path}");
        }
        assert_eq!(status(without(":authority", Some("u@h"))), 400);
        assert_eq!(status(without(":method", Some("G T"))), 400);
    }

    #[test]
    fn what_exceeds_a_limit_has_its_own_status() {
        assert_eq!(status(without(":path", Some(&format!("/{}", "a".repeat(20_000))))), 414);
        assert_eq!(status(with(&[(&"x".repeat(300), "y")])), 431);
        assert_eq!(status(with(&[("x", &"y".repeat(66_000))])), 431);
        assert_eq!(status(with(&[("x", "y"); 100])), 431);
        assert_eq!(status(without(":method", Some("CONNECT"))), 501);
        assert_eq!(status(with(&[("expect", "tea")])), 417);
    }

    const CONNECT: [(&str, &str); 5] = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "https"),
        (":path", "/c?d"),
        (":authority", "h"),
    ];

    fn connecting(name: &str, value: Option<&str>, more: &[(&str, &str)]) -> Result<(Head, Framing), Fault> {
        let kept = CONNECT.into_iter().filter(|(other, _)| *other != name);
        let all: Vec<_> = kept.chain(value.map(|value| (name, value))).chain(more.iter().copied()).collect();
        head(&fields(&all), &Limits::default())
    }

    #[test]
    fn an_extended_connect_is_the_request_of_http_1_that_it_stands_for() {
        let (head, framing) = connecting(
            ":protocol",
            Some("websocket"),
            &[("sec-websocket-version", "13"), ("sec-websocket-key", "mine")],
        )
        .unwrap();
        assert!(head.is_extended_connect());
        assert_eq!((head.method(), head.target(), head.version()), (&b"GET"[..], &b"/c?d"[..], Version::Http2));
        assert_eq!(framing.length, Length::None);
        let all: Vec<_> = head.fields().collect();
        let expected: [(&[u8], &[u8]); 5] = [
            (b"host", b"h"),
            (b"sec-websocket-version", b"13"),
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            upgrade::KEY,
        ];
        assert_eq!(all, expected);
        let (head, _) = connecting(":protocol", Some("connect-udp/2"), &[]).unwrap();
        assert_eq!((head.field("upgrade"), head.field("sec-websocket-key")), (Some(&b"connect-udp/2"[..]), None));
    }

    #[test]
    fn an_extended_connect_has_all_that_it_needs_and_no_body() {
        for name in [":scheme", ":path", ":authority"] {
            assert_eq!(status(connecting(name, None, &[])), 400, "{name}");
            assert_eq!(status(connecting(name, Some(""), &[])), 400, "{name}");
        }
        for protocol in ["", "a,b", "a b", "/1", "a/", "a/1/2"] {
            assert_eq!(status(connecting(":protocol", Some(protocol), &[])), 400, "{protocol}");
        }
        assert_eq!(status(connecting(":path", Some("*"), &[])), 400);
        assert_eq!(status(connecting(":method", Some("GET"), &[])), 400, "it is CONNECT's alone");
        assert_eq!(status(connecting(":protocol", None, &[])), 501, "this is no proxy");
        for wrong in
            [(":protocol", "other"), ("content-length", "0"), ("connection", "upgrade"), ("upgrade", "websocket")]
        {
            assert_eq!(status(connecting(":scheme", Some("http"), &[wrong])), 400, "{wrong:?}");
        }
        assert!(
            connecting(":scheme", Some("http"), &[("expect", "100-continue")])
                .is_ok_and(|(_, it)| !it.expects_continue)
        );
    }

    #[test]
    fn trailers_have_no_pseudo_fields() {
        assert_eq!(
            trailers(&fields(&[("x-sum", "1")]), &Limits::default()),
            Ok(vec![(b"x-sum".to_vec(), b"1".to_vec())])
        );
        for wrong in [(":path", "/"), ("X", "y"), ("connection", "x")] {
            assert_eq!(status(trailers(&fields(&[wrong]), &Limits::default())), 400, "{wrong:?}");
        }
    }

    #[test]
    fn a_head_may_be_as_long_as_one_of_http_1_and_have_as_many_fields() {
        let lines = "GET /a?b HTTP/1.1\r\nhost: h:1\r\nx: yyyyyyyyyy\r\ncookie: a=1; b=2\r\n\r\n";
        let all = fields(&[&GET[..], &[("cookie", "a=1"), ("x", "yyyyyyyyyy"), ("cookie", "b=2")]].concat());
        let within = |head_length: usize, fields: usize| {
            let limits = Limits { head: head_length, fields, ..Limits::default() };
            assert!(fields_size(&all) <= longest_list(&limits), "no head that is let in has a longer list");
            status(head(&all, &limits))
        };
        assert_eq!([within(lines.len(), 3), within(lines.len() - 1, 3), within(lines.len(), 2)], [200, 431, 431]);
        let sum = fields(&[("x-sum", "12345")]);
        let within = |head| status(trailers(&sum, &Limits { head, ..Limits::default() }));
        assert_eq!([within(14), within(13)], [200, 431]);
    }

    fn fields_size(fields: &Fields) -> usize {
        fields.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
    }
}
