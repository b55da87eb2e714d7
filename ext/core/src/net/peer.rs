//! Who is at the other end of a connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Who is at the other end of a connection. Its `Display` text is what apps read as `REMOTE_ADDR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddr {
    /// Address and port.
    Ip(IpAddr, u16),
    /// Some process of this machine. It has no address, and is shown as the loopback's, as Puma shows it: code that
    /// trusts or parses `REMOTE_ADDR` expects an IP address there.
    Unix,
}

impl PeerAddr {
    /// Whether both have the same address, whatever the port.
    pub fn is_same_host(self, other: PeerAddr) -> bool {
        match (self, other) {
            (PeerAddr::Ip(one, _), PeerAddr::Ip(another, _)) => one == another,
            (PeerAddr::Unix, PeerAddr::Unix) => true,
            (PeerAddr::Ip(..), PeerAddr::Unix) | (PeerAddr::Unix, PeerAddr::Ip(..)) => false,
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        PeerAddr::Ip(address.ip(), address.port())
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A version 4 client of a dual-stack socket is known by its version 4 address, not by ::ffff:a.b.c.d.
            PeerAddr::Ip(ip, _) => ip.to_canonical().fmt(formatter),
            PeerAddr::Unix => Ipv4Addr::LOCALHOST.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str) -> String {
        PeerAddr::from(address.parse::<SocketAddr>().unwrap()).to_string()
    }

    #[test]
    fn a_peer_reads_as_its_ip_address() {
        assert_eq!(text("192.0.2.7:1234"), "192.0.2.7");
        assert_eq!(text("[2001:db8::7]:1234"), "2001:db8::7");
        assert_eq!(text("[::ffff:192.0.2.7]:1234"), "192.0.2.7");
        assert_eq!(PeerAddr::Unix.to_string(), "127.0.0.1");
    }
}
