//! Whose word on other clients is taken: proxies.

use std::net::IpAddr;
use std::str::FromStr;

use super::peer::PeerAddr;

/// Peers whose `forwarded` and `x-forwarded-*` fields are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    networks: Vec<Network>,
    /// Whoever may open a unix socket of ours.
    unix: bool,
}

/// Addresses that begin with the same bits. Version 4 has its place within version 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    base: u128,
    mask: u128,
}

/// What is written is neither an address, nor one with a length, nor `unix`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address such as 10.0.0.1, no network such as 10.0.0.0/8, and not \"unix\"")]
pub struct NotANetwork(String);

impl Trusted {
    /// Those that are written: `unix`, an address, or an address and the bits of it that count (RFC 4632).
    ///
    /// # Errors
    /// For the first that is none of these.
    pub fn of<'t>(written: impl IntoIterator<Item = &'t str>) -> Result<Trusted, NotANetwork> {
        let mut trusted = Trusted::default();
        for text in written {
            match text {
                "unix" => trusted.unix = true,
                text => trusted.networks.push(text.parse()?),
            }
        }
        Ok(trusted)
    }

    /// Whether it is one of them.
    pub fn includes(&self, peer: PeerAddr) -> bool {
        match peer {
            PeerAddr::Unix => self.unix,
            PeerAddr::Ip(ip, _) => {
                let bits = bits(ip);
                self.networks.iter().any(|network| bits & network.mask == network.base)
            }
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Network, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let ip: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().map_err(|_| wrong())?,
            Some(_) => return Err(wrong()),
            None => most,
        };
        if length > most {
            return Err(wrong());
        }
        let mask = u128::MAX.checked_shl(most - length).unwrap_or_default();
        Ok(Network { base: bits(ip) & mask, mask })
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn includes(written: &[&str], ip: &str) -> bool {
        Trusted::of(written.iter().copied()).unwrap().includes(PeerAddr::Ip(ip.parse().unwrap(), 1))
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        for (written, within, without) in [
            (
                "127.0.0.0/8",
                &["127.0.0.1", "127.255.255.255", "::ffff:127.0.0.1"][..],
                &["128.0.0.0", "126.255.255.255"][..],
            ),
            ("10.1.2.3", &["10.1.2.3"], &["10.1.2.2", "10.1.2.4", "::10.1.2.3"]),
            ("10.1.2.3/31", &["10.1.2.2", "10.1.2.3"], &["10.1.2.4"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::1", "2001:db8::"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("fd00::/8", &["fd00::1", "fdff::"], &["fe00::", "fc00::"]),
            ("::ffff:10.0.0.0/104", &["10.0.0.1"], &["11.0.0.1"]),
            ("::/0", &["::1", "10.0.0.1"], &[]),
        ] {
            for ip in within {
                assert!(includes(&[written], ip), "{ip} in {written}");
            }
            for ip in without {
                assert!(!includes(&[written], ip), "{ip} in {written}");
            }
        }
        assert!(includes(&["::1", "10.0.0.0/8"], "10.0.0.1"));
        assert!(!includes(&[], "127.0.0.1"));
    }

    #[test]
    fn unix_sockets_are_for_who_may_open_them() {
        let trusted = |written: &[&str]| Trusted::of(written.iter().copied()).unwrap().includes(PeerAddr::Unix);
        assert!(trusted(&["unix"]) && trusted(&["::1", "unix"]));
        assert!(!trusted(&[]) && !trusted(&["0.0.0.0/0", "::/0"]));
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "localhost",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "10.0.0.0/8/8",
            "[::1]",
            "Unix",
        ] {
            let error = Trusted::of([wrong]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{wrong:?} is no address")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_network_has_its_own_addresses(base: u32, other: u32, length in 0u32..=32) {
            let (base_ip, other_ip) = (Ipv4Addr::from(base), Ipv4Addr::from(other));
            let same = length == 0 || base >> (32 - length) == other >> (32 - length);
            let network = format!("{base_ip}/{length}");
            prop_assert_eq!(includes(&[&network], &other_ip.to_string()), same);
            prop_assert!(includes(&[&network], &base_ip.to_string()));
        }
    }
}
