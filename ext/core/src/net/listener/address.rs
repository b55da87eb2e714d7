//! An address to listen on, as it is written.

use std::path::Path;

use super::parameters::{self, Kind, Options};
use crate::error::ListenError;

/// What a URI asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address<'uri> {
    /// All of it, for errors.
    pub(super) uri: &'uri str,
    pub(super) place: Place<'uri>,
    pub(super) options: Options,
}

/// Where to listen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'uri> {
    /// `tcp://host:port`, or `ssl://host:port` where TLS is spoken; the host is an IP address without brackets, or a name.
    Tcp { host: &'uri str, port: u16, is_tls: bool },
    /// `unix:///path`, taken as it is: no percent-encoding.
    File(&'uri Path),
    /// `unix://@name`: a unix socket in Linux's abstract namespace, which has no file.
    Abstract(&'uri str),
}

impl<'uri> Address<'uri> {
    pub(super) fn parse(uri: &'uri str) -> Result<Self, ListenError> {
        let unknown = || ListenError::Address(uri.to_owned());
        let (place, query) = uri.split_once('?').map_or((uri, None), |(place, query)| (place, Some(query)));
        let place = Place::parse(place).ok_or_else(unknown)?;
        let options = match query {
            Some(query) => parameters::parse(query, place.kind()).map_err(|wrong| wrong.of(uri))?,
            None => Options::default(),
        };
        Ok(Address { uri, place, options })
    }

    /// Whether it takes the clients of IPv4 alone at this port, as far as it shows. A name has such an address, or may have.
    pub(super) fn is_ipv4_at(&self, at: u16) -> bool {
        matches!(self.place, Place::Tcp { host, port, .. } if port == at && port != 0 && !host.contains(':'))
    }
}

impl<'uri> Place<'uri> {
    fn parse(text: &'uri str) -> Option<Place<'uri>> {
        if text.contains('\0') {
            return None;
        }
        match text.strip_prefix("unix://") {
            Some(name) if name.starts_with('@') => (name.len() > 1).then(|| Place::Abstract(&name[1..])),
            Some(path) => {
                let path = Path::new(path);
                // A path's last part is the file: "/", "/run/.." have none.
                (path.is_absolute() && path.file_name().is_some()).then_some(Place::File(path))
            }
            None => {
                let (is_tls, rest) = match text.strip_prefix("ssl://") {
                    Some(rest) => (true, rest),
                    None => (false, text.strip_prefix("tcp://")?),
                };
                let (host, port) = rest.rsplit_once(':')?;
                Some(Place::Tcp { host: host_of(host)?, port: port_of(port)?, is_tls })
            }
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Place::Tcp { host, is_tls, .. } => match (host.contains(':'), is_tls) {
                (true, true) => Kind::TlsIpv6,
                (true, false) => Kind::Ipv6,
                (false, true) => Kind::Tls,
                (false, false) => Kind::Tcp,
            },
            Place::File(_) => Kind::File,
            Place::Abstract(_) => Kind::Abstract,
        }
    }
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

    fn place(uri: &str) -> Place<'_> {
        Address::parse(uri).unwrap().place
    }

    fn tcp(host: &str, port: u16) -> Place<'_> {
        Place::Tcp { host, port, is_tls: false }
    }

    #[test]
    fn known_forms() {
        assert_eq!(place("tcp://127.0.0.1:9292"), tcp("127.0.0.1", 9292));
        assert_eq!(place("tcp://localhost:0"), tcp("localhost", 0));
        assert_eq!(place("tcp://[::1]:80"), tcp("::1", 80));
        assert_eq!(place("tcp://[fe80::1%eth0]:80"), tcp("fe80::1%eth0", 80));
        assert_eq!(place("ssl://[::1]:80?cert=/a"), Place::Tcp { host: "::1", port: 80, is_tls: true });
        assert_eq!(place("unix:///run/a b.sock"), Place::File(Path::new("/run/a b.sock")));
        assert_eq!(place("unix://@kino"), Place::Abstract("kino"));
        assert_eq!(place("unix:///run/a.sock?mode=0660"), Place::File(Path::new("/run/a.sock")));
        assert_eq!(place("tcp://[::]:80?ipv6only=true&backlog=5"), tcp("::", 80));
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
            "unix://@",
            "unix://@a\0b",
        ];
        for uri in wrong {
            let error = Address::parse(uri).unwrap_err();
            assert!(matches!(&error, ListenError::Address(given) if given == uri), "{uri:?}: {error}");
            assert!(error.to_string().contains("write tcp://host:port"), "{error}");
        }
    }
}
