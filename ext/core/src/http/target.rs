//! Request targets (RFC 9112 section 3.2).

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

/// Takes a target apart; `None` for one that is none of origin-form, absolute-form and asterisk-form.
pub fn split(target: &[u8]) -> Option<Target<'_>> {
    let (authority, rest) = match target.first()? {
        b'/' => (None, target),
        b'*' if target.len() == 1 => (None, target),
        _ => absolute(target)?,
    };
    // A fragment is not part of a request target; it is cut off as Puma does.
    let rest = &rest[..memchr::memchr(b'#', rest).unwrap_or(rest.len())];
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
    (!authority.is_empty()).then_some((Some(authority), &rest[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target<'a>(authority: Option<&'a str>, path: &'a str, query: &'a str) -> Option<Target<'a>> {
        Some(Target { authority: authority.map(str::as_bytes), path: path.as_bytes(), query: query.as_bytes() })
    }

    #[test]
    fn knows_the_forms() {
        assert_eq!(split(b"/a//b?c=d?e"), target(None, "/a//b", "c=d?e"));
        assert_eq!(split(b"/a#f?q"), target(None, "/a", ""));
        assert_eq!(split(b"*"), target(None, "*", ""));
        assert_eq!(split(b"http://h:1/p?q"), target(Some("h:1"), "/p", "q"));
        assert_eq!(split(b"HTTP://h?q"), target(Some("h"), "/", "q"));
        assert_eq!(split(b"h:443"), None);
        assert_eq!(split(b"ftp://h/"), None);
        assert_eq!(split(b"http:///p"), None);
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
