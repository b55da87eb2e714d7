//! An address to listen on, as it is written.

use std::borrow::Cow;
use std::path::Path;

use crate::error::ListenError;

/// What a URI asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address<'uri> {
    /// `tcp://host:port`; the host is an IP address without brackets, or a name.
    Tcp { host: &'uri str, port: u16 },
    /// `unix:///path`, taken as it is: no percent-encoding, no query.
    Unix(&'uri Path),
}

impl<'uri> Address<'uri> {
    pub(super) fn parse(uri: &'uri str) -> Result<Self, ListenError> {
        let unknown = || ListenError::Address(uri.to_owned());
        if let Some(path) = uri.strip_prefix("unix://") {
            let path = Path::new(path);
            // A path's last part is the file: "/", "/run/.." have none.
            let usable = path.is_absolute() && path.file_name().is_some() && !uri.contains('\0');
            return if usable { Ok(Address::Unix(path)) } else { Err(unknown()) };
        }
        let (host, port) = uri.strip_prefix("tcp://").and_then(|rest| rest.rsplit_once(':')).ok_or_else(unknown)?;
        Ok(Address::Tcp { host: host_of(host).ok_or_else(unknown)?, port: port_of(port).ok_or_else(unknown)? })
    }
}

/// The URI without the option `proxy`, and what that says: it is about connections, not about the socket.
pub(super) fn without_proxy(uri: &str) -> (Cow<'_, str>, bool) {
    let is_proxy = |option: &&str| matches!(*option, "proxy=true" | "proxy=false");
    let Some((address, options)) = uri.split_once('?') else { return (Cow::Borrowed(uri), false) };
    let speaks_proxy = options.split('&').rfind(is_proxy) == Some("proxy=true");
    let others: Vec<&str> = options.split('&').filter(|option| !is_proxy(option)).collect();
    let uri = if others.is_empty() { address.to_owned() } else { format!("{address}?{}", others.join("&")) };
    (Cow::Owned(uri), speaks_proxy)
}

/// Colons belong into brackets: `tcp://::1:80` could mean two things.
fn host_of(text: &str) -> Option<&str> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => inner.contains(':').then_some(inner),
        None => (!text.is_empty() && !text.contains([':', '[', ']', '/', '@', '?', '#'])).then_some(text),
    }
}

/// Digits only: `parse` alone would take "+80".
fn port_of(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address<'_> {
        Address::Tcp { host, port }
    }

    #[test]
    fn known_forms() {
        assert_eq!(Address::parse("tcp://127.0.0.1:9292").unwrap(), tcp("127.0.0.1", 9292));
        assert_eq!(Address::parse("tcp://localhost:0").unwrap(), tcp("localhost", 0));
        assert_eq!(Address::parse("tcp://[::1]:80").unwrap(), tcp("::1", 80));
        assert_eq!(Address::parse("tcp://[fe80::1%eth0]:80").unwrap(), tcp("fe80::1%eth0", 80));
        assert_eq!(Address::parse("unix:///run/a b.sock").unwrap(), Address::Unix(Path::new("/run/a b.sock")));
    }

    #[test]
    fn the_option_proxy_is_apart_from_the_others() {
        for (uri, rest, expected) in [
            ("tcp://a:80", "tcp://a:80", false),
            ("tcp://a:80?proxy=true", "tcp://a:80", true),
            ("tcp://a:80?proxy=false", "tcp://a:80", false),
            ("unix:///a?mode=0660&proxy=true&umask=0", "unix:///a?mode=0660&umask=0", true),
            ("tcp://a:80?proxy=yes", "tcp://a:80?proxy=yes", false),
            ("unix:///proxy=true", "unix:///proxy=true", false),
        ] {
            assert_eq!(without_proxy(uri), (Cow::Borrowed(rest), expected));
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        let wrong = [
            "",
            "9292",
            "127.0.0.1:9292",
            "http://127.0.0.1:9292",
            "tcp://",
            "tcp://127.0.0.1",
            "tcp://127.0.0.1:",
            "tcp://:9292",
            "tcp://::1:9292",
            "tcp://[::1]",
            "tcp://[127.0.0.1]:80",
            "tcp://[]:80",
            "tcp://a:65536",
            "tcp://a:+80",
            "tcp://a:-1",
            "tcp://a:80/path",
            "tcp://a@b:80",
            "unix:/run/a.sock",
            "unix://a.sock",
            "unix://",
            "unix:///",
            "unix:///run/..",
            "unix:///run/a\0b",
        ];
        for uri in wrong {
            let error = Address::parse(uri).unwrap_err();
            assert!(matches!(&error, ListenError::Address(given) if given == uri), "{uri:?}: {error}");
            assert!(error.to_string().contains("write tcp://host:port"), "{error}");
        }
    }
}
