//! What a proxy says of how its client came to it: `forwarded` (RFC 7239), and the older `x-forwarded-*` fields, in the order
//! of precedence that `Rack::Request` has, so that both come to the same answer.

use std::net::{IpAddr, SocketAddr};

use super::head::Head;
use super::target;

/// How a client came to the proxy. Of each, the last value counts: it is the one that the nearest proxy has added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarded<'h> {
    /// Whether by `https`, where that is told.
    pub is_https: Option<bool>,
    /// `host` or `host:port`, never empty.
    pub host: Option<&'h [u8]>,
    /// The port, beside a host that names none. Never the one that belongs to the other scheme.
    pub port: Option<&'h [u8]>,
}

/// What the head's fields say. Whether the client is a proxy, and one to be believed, is for others to decide.
pub fn of(head: &Head) -> Forwarded<'_> {
    let mut found = Fields::default();
    for (name, value) in head.fields() {
        found.take(name, value);
    }
    found.sum_up()
}

/// The client that proxies name in `x-forwarded-for`, each of which adds whom it was asked by: the last that is none of those who
/// are `trusted`. `None` where none is named, or what is named is no address.
pub fn client(head: &Head, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut client = None;
    let fields = head.fields().filter(|(name, _)| name.len() == 15 && name.eq_ignore_ascii_case(b"x-forwarded-for"));
    let mut lists: Vec<&[u8]> = fields.map(|(_, list)| list).collect();
    lists.reverse();
    for named in lists.into_iter().flat_map(|list| list.rsplit(|&byte| byte == b',')).map(<[u8]>::trim_ascii) {
        let ip = address(named)?;
        client = Some(ip);
        if !is_trusted(ip) {
            break;
        }
    }
    client
}

/// With or without a port, which says nothing of who it is.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
    let ip: Option<IpAddr> = bare.parse().ok();
    ip.or_else(|| text.parse().ok().map(|it: SocketAddr| it.ip()))
}

/// The fields' last values.
#[derive(Default)]
struct Fields<'h> {
    standard: Standard<'h>,
    is_broken: bool,
    is_ssl: bool,
    proto: Option<bool>,
    scheme: Option<bool>,
    host: Option<&'h [u8]>,
    port: Option<&'h [u8]>,
}

/// Of RFC 7239's field.
#[derive(Clone, Copy, Default)]
struct Standard<'h> {
    is_https: Option<bool>,
    host: Option<&'h [u8]>,
}

impl<'h> Fields<'h> {
    fn take(&mut self, name: &[u8], value: &'h [u8]) {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            9 if is("forwarded") => self.is_broken |= pairs(value, &mut self.standard).is_none(),
            15 if is("x-forwarded-ssl") => self.is_ssl = value.eq_ignore_ascii_case(b"on"),
            16 if is("x-forwarded-host") => self.host = last(value).filter(|host| is_host(host)).or(self.host),
            16 if is("x-forwarded-port") => self.port = last(value).filter(|port| is_port(port)).or(self.port),
            17 if is("x-forwarded-proto") => self.proto = last_scheme(value).or(self.proto),
            18 if is("x-forwarded-scheme") => self.scheme = last_scheme(value).or(self.scheme),
            _ => {}
        }
    }

    fn sum_up(self) -> Forwarded<'h> {
        let standard = if self.is_broken { Standard::default() } else { self.standard };
        let told = self.is_ssl.then_some(true).or(standard.is_https).or(self.proto).or(self.scheme);
        // Nobody speaks http there: a port alone would be half of the truth.
        let is_https = told.or((self.port == Some(b"443")).then_some(true));
        let foreign: &[u8] = if is_https == Some(true) { b"80" } else { b"443" };
        Forwarded { is_https, host: standard.host.or(self.host), port: self.port.filter(|&port| port != foreign) }
    }
}

/// Takes the pairs of a `forwarded` value (RFC 7239 section 4); `None` when it is not well formed, which makes it worthless.
fn pairs<'h>(mut rest: &'h [u8], found: &mut Standard<'h>) -> Option<()> {
    loop {
        rest = rest.trim_ascii_start();
        if let Some(at) = rest.iter().position(|byte| matches!(byte, b'=' | b',' | b';')) {
            if rest[at] == b'=' {
                let (name, value, after) = pair(rest, at)?;
                if name.eq_ignore_ascii_case(b"proto") {
                    found.is_https = scheme(value).or(found.is_https);
                } else if name.eq_ignore_ascii_case(b"host") && is_host(value) {
                    found.host = Some(value);
                }
                rest = after.trim_ascii_start();
            } else if at > 0 {
                return None;
            }
        } else if !rest.is_empty() {
            return None;
        }
        match rest.split_first() {
            None => return Some(()),
            Some((b',' | b';', after)) => rest = after,
            Some(_) => return None,
        }
    }
}

/// A pair's name and value, whose `=` is at `at`, and what follows. The quotes of a value are taken off; one with a backslash
/// keeps that, and so is neither a scheme nor a host.
fn pair(text: &[u8], at: usize) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, value) = (&text[..at], &text[at + 1..]);
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let mut is_escaped = false;
        let end = quoted.iter().position(|&byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        return Some((name, &quoted[..end], &quoted[end + 1..]));
    }
    let end = value.iter().position(|byte| matches!(byte, b',' | b';')).unwrap_or(value.len());
    Some((name, value[..end].trim_ascii_end(), &value[end..]))
}

/// Whether it means TLS; `None` for what is no scheme of the web's.
fn scheme(text: &[u8]) -> Option<bool> {
    let is = |other: &str| text.eq_ignore_ascii_case(other.as_bytes());
    if is("https") || is("wss") {
        Some(true)
    } else if is("http") || is("ws") {
        Some(false)
    } else {
        None
    }
}

fn last_scheme(list: &[u8]) -> Option<bool> {
    list.rsplit(|&byte| byte == b',' || byte.is_ascii_whitespace()).find_map(scheme)
}

fn last(list: &[u8]) -> Option<&[u8]> {
    list.rsplit(|&byte| byte == b',').map(<[u8]>::trim_ascii).find(|element| !element.is_empty())
}

fn is_host(text: &[u8]) -> bool {
    !target::host_and_port(text).0.is_empty() && target::is_authority(text)
}

/// From 1 to 65535, without a sign or a zero before it.
fn is_port(text: &[u8]) -> bool {
    let is_plain = text.iter().all(u8::is_ascii_digit) && !text.starts_with(b"0");
    is_plain && std::str::from_utf8(text).is_ok_and(|text| text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::http::parse;
    use proptest::prelude::*;

    fn found(fields: &str) -> (Option<bool>, String, String) {
        let text = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n\r\n", fields.replace('\n', "\r\n"));
        let mut head = Head::default();
        assert!(parse::head(text.as_bytes(), &Limits::default(), &mut head).unwrap().is_some());
        let Forwarded { is_https, host, port } = of(&head);
        let text = |part: Option<&[u8]>| String::from_utf8_lossy(part.unwrap_or_default()).into_owned();
        (is_https, text(host), text(port))
    }

    fn expected(is_https: Option<bool>, host: &str, port: &str) -> (Option<bool>, String, String) {
        (is_https, host.to_owned(), port.to_owned())
    }

    #[test]
    fn each_field_says_what_it_is_for() {
        for (fields, https, host, port) in [
            ("a: b", None, "", ""),
            ("x-forwarded-proto: https", Some(true), "", ""),
            ("X-FORWARDED-PROTO: HTTP", Some(false), "", ""),
            ("x-forwarded-scheme: https", Some(true), "", ""),
            ("x-forwarded-ssl: on", Some(true), "", ""),
            ("x-forwarded-ssl: off", None, "", ""),
            ("x-forwarded-proto: wss", Some(true), "", ""),
            ("x-forwarded-host: a.example", None, "a.example", ""),
            ("x-forwarded-host: [::1]:8443", None, "[::1]:8443", ""),
            ("x-forwarded-port: 8080", None, "", "8080"),
            ("forwarded: for=192.0.2.1;proto=https;host=a.example", Some(true), "a.example", ""),
            (
                "forwarded: For=\"[2001:db8::1]:4711\"; Host=\"a.example:8443\" ;PROTO=https",
                Some(true),
                "a.example:8443",
                "",
            ),
        ] {
            assert_eq!(found(fields), expected(https, host, port), "{fields}");
        }
    }

    #[test]
    fn the_last_value_counts_and_the_standard_s_field_before_others() {
        for (fields, https, host) in [
            ("x-forwarded-proto: https, http", Some(false), ""),
            ("x-forwarded-proto: http\nx-forwarded-proto: https", Some(true), ""),
            ("x-forwarded-proto: https, ftp", Some(true), ""),
            ("x-forwarded-host: a.example, b.example", None, "b.example"),
            ("forwarded: proto=http;host=a, proto=https;host=b", Some(true), "b"),
            ("forwarded: proto=http\nforwarded: proto=https", Some(true), ""),
            ("x-forwarded-proto: https\nforwarded: proto=http", Some(false), ""),
            ("x-forwarded-proto: http\nx-forwarded-scheme: https", Some(false), ""),
            ("x-forwarded-proto: http\nx-forwarded-ssl: on", Some(true), ""),
            ("x-forwarded-host: a\nforwarded: host=b", None, "b"),
        ] {
            assert_eq!(found(fields), expected(https, host, ""), "{fields}");
        }
    }

    #[test]
    fn the_client_is_the_last_that_is_no_trusted_proxy() {
        let named = |fields: &str| {
            let text = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n\r\n", fields.replace('\n', "\r\n"));
            let mut head = Head::default();
            parse::head(text.as_bytes(), &Limits::default(), &mut head).unwrap().unwrap();
            let trusted: IpAddr = "10.0.0.1".parse().unwrap();
            client(&head, |ip| ip == trusted).map(|ip| ip.to_string())
        };
        for (fields, expected) in [
            ("a: b", None),
            ("x-forwarded-for: 192.0.2.1", Some("192.0.2.1")),
            ("x-forwarded-for: 192.0.2.1, 192.0.2.2", Some("192.0.2.2")),
            ("x-forwarded-for: 192.0.2.1, 10.0.0.1", Some("192.0.2.1")),
            ("x-forwarded-for: 192.0.2.1\nx-forwarded-for: 10.0.0.1", Some("192.0.2.1")),
            ("x-forwarded-for: 10.0.0.1", Some("10.0.0.1")),
            ("x-forwarded-for: [2001:db8::1]:80", Some("2001:db8::1")),
            ("x-forwarded-for: [2001:db8::1]", Some("2001:db8::1")),
            ("x-forwarded-for: 192.0.2.1:1234", Some("192.0.2.1")),
            ("x-forwarded-for: unknown", None),
            ("x-forwarded-for: 192.0.2.1, unknown, 10.0.0.1", None),
            ("x-forwarded-for:", None),
        ] {
            assert_eq!(named(fields).as_deref(), expected, "{fields}");
        }
    }

    #[test]
    fn a_port_never_contradicts_the_scheme() {
        for (fields, https, port) in [
            ("x-forwarded-port: 443", Some(true), "443"),
            ("x-forwarded-port: 80", None, "80"),
            ("x-forwarded-proto: https\nx-forwarded-port: 80", Some(true), ""),
            ("x-forwarded-proto: http\nx-forwarded-port: 443", Some(false), ""),
            ("x-forwarded-proto: https\nx-forwarded-port: 8443", Some(true), "8443"),
        ] {
            assert_eq!(found(fields), expected(https, "", port), "{fields}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_not_there() {
        for fields in [
            "x-forwarded-proto:",
            "x-forwarded-proto: javascript",
            "x-forwarded-host: a b",
            "x-forwarded-host: <script>",
            "x-forwarded-host: :80",
            "x-forwarded-port: 0",
            "x-forwarded-port: 70000",
            "x-forwarded-port: +80",
            "x-forwarded-port: 0443",
            "forwarded: proto=https;host=\"a",
            "forwarded: proto=https;nonsense",
            "forwarded: nonsense;proto=https",
            "forwarded: proto=\"https\"x",
            "forwarded: proto=https\nforwarded: host=\"a",
            "forwarded: host=\"a\\\"b\"",
            "forwarded: for=_hidden",
        ] {
            assert_eq!(found(fields), expected(None, "", ""), "{fields}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_host_or_nothing(value in "[a-z=;,\"\\\\ :.\\[\\]]{0,40}") {
            for name in ["forwarded", "x-forwarded-host"] {
                let (_, host, _) = found(&format!("{name}: {value}"));
                prop_assert!(host.is_empty() || is_host(host.as_bytes()));
            }
        }
    }
}
