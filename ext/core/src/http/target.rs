//! Request targets (RFC 9112 section 3.2).

use std::net::Ipv6Addr;

/// The parts of a request target.
#[derive(Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Host and port of an absolute-form target, which win over the `host` header (RFC 9112 section 3.2.2).
    pub authority: Option<&'a [u8]>,
    /// The path, undecoded; `*` for asterisk-form.
    pub path: &'a [u8],
    /// The query without its `?`, empty when there is none.
    pub query: &'a [u8],
}

/// Takes a target apart; `None` for one that is none of origin-form, absolute-form and asterisk-form. A fragment is part of
/// none of them.
pub fn split(target: &[u8]) -> Option<Target<'_>> {
    let (authority, rest) = match target.first()? {
        b'/' => (None, target),
        b'*' if target.len() == 1 => (None, target),
        _ => absolute(target)?,
    };
    if memchr::memchr(b'#', rest).is_some() {
        return None;
    }
    let (path, query) = match memchr::memchr(b'?', rest) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &b""[..]),
    };
    // An absolute-form target may leave its path empty, which means "/" (RFC 9110 section 4.2.3).
    Some(Target { authority, path: if path.is_empty() { b"/" } else { path }, query })
}

/// Host and port of an authority or a `host` value, without the brackets' meaning lost: `[::1]:80` gives `[::1]`.
pub fn host_and_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    let after_host = memchr::memrchr(b']', authority).unwrap_or_default();
    match memchr::memrchr(b':', &authority[after_host..]) {
        Some(colon) => {
            let colon = after_host + colon;
            let port = &authority[colon + 1..];
            (&authority[..colon], (!port.is_empty()).then_some(port))
        }
        None => (authority, None),
    }
}

fn absolute(target: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let colon = memchr::memchr(b':', target)?;
    let scheme = &target[..colon];
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return None;
    }
    let rest = target[colon..].strip_prefix(b"://")?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    let authority = &rest[..end];
    // Without a host, it names nobody (RFC 9110 section 4.2.1).
    (!host_and_port(authority).0.is_empty() && is_authority(authority)).then_some((Some(authority), &rest[end..]))
}

/// Whether it is `host`, or `host:port`, by RFC 3986 section 3.2: a name, an IPv4 address or an IPv6 one in brackets; no
/// user name (RFC 9110 section 4.2.4). Nothing at all stands for a target that has no authority (RFC 9112 section 3.2).
pub fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.strip_prefix(b"[") {
        Some(rest) => {
            let Some(end) = memchr::memchr(b']', rest) else { return false };
            let is_address = std::str::from_utf8(&rest[..end]).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
            if !is_address {
                return false;
            }
            (&b""[..], &rest[end + 1..])
        }
        None => text.split_at(memchr::memchr(b':', text).unwrap_or(text.len())),
    };
    is_name(host) && is_port(port)
}

/// A colon and at most five digits, or nothing.
fn is_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// RFC 3986's reg-name: unreserved characters, sub-delims, and bytes in percent-encoding.
fn is_name(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        let is_fine = match byte {
            b'%' => bytes.by_ref().take(2).filter(|digit| digit.is_ascii_hexdigit()).count() == 2,
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte),
        };
        if !is_fine {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_host_when_it_sees_one() {
        for right in
            ["", "h", "a.example", "h:80", "h:", "10.0.0.1:8080", "[::1]", "[2001:db8::7]:443", "a_b", "%41b", "x,y"]
        {
            assert!(is_authority(right.as_bytes()), "{right:?}");
        }
        for wrong in [
            "a b", "a/b", "u@h", "h:80:90", "h:8o", "h:123456", "[::1", "[h]", "[::1]x", "a\\b", "<h>", "%4", "%zz",
            "a?b", "\u{e9}",
        ] {
            assert!(!is_authority(wrong.as_bytes()), "{wrong:?}");
        }
    }

    fn target<'a>(authority: Option<&'a str>, path: &'a str, query: &'a str) -> Option<Target<'a>> {
        Some(Target { authority: authority.map(str::as_bytes), path: path.as_bytes(), query: query.as_bytes() })
    }

    #[test]
    fn knows_the_forms() {
        assert_eq!(split(b"/a//b?c=d?e"), target(None, "/a//b", "c=d?e"));
        assert_eq!(split(b"/a#f?q"), None);
        assert_eq!(split(b"*"), target(None, "*", ""));
        assert_eq!(split(b"http://h:1/p?q"), target(Some("h:1"), "/p", "q"));
        assert_eq!(split(b"HTTP://h?q"), target(Some("h"), "/", "q"));
        assert_eq!(split(b"h:443"), None);
        assert_eq!(split(b"ftp://h/"), None);
        assert_eq!(split(b"http:///p"), None);
        assert_eq!(split(b"http://:80/p"), None);
        assert_eq!(split(b""), None);
    }

    #[test]
    fn parts_host_and_port() {
        assert_eq!(host_and_port(b"h:80"), (&b"h"[..], Some(&b"80"[..])));
        assert_eq!(host_and_port(b"h"), (&b"h"[..], None));
        assert_eq!(host_and_port(b"h:"), (&b"h"[..], None));
        assert_eq!(host_and_port(b"[::1]:9"), (&b"[::1]"[..], Some(&b"9"[..])));
        assert_eq!(host_and_port(b"[::1]"), (&b"[::1]"[..], None));
    }
}
