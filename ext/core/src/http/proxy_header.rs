//! What a proxy that speaks the PROXY protocol, version 1 or 2, sends before a connection's first request: who its client is
//! (HAProxy's `proxy-protocol.txt`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header that is taken, in bytes. The longest of version 1 has 107; version 2 may go on with whatever a proxy has
/// to tell (TLVs), which belongs into one packet.
pub const LONGEST: usize = 4096;
const LONGEST_LINE: usize = 107;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const WORD: &[u8] = b"PROXY ";
/// Bytes of version 2 before the addresses.
const FIXED: usize = 16;

/// A header that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    /// The client's address; `None` where the proxy speaks for itself (a health check), or for a client that has none: then the
    /// connection's own is meant.
    pub client: Option<SocketAddr>,
    /// How many bytes it has.
    pub length: usize,
}

/// These bytes begin no header of the protocol; the text says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoProxyHeader(&'static str);

type Parsed<T> = Result<Option<T>, NoProxyHeader>;

/// The header that `bytes` begin with; `None` when more of it has to come.
///
/// # Errors
/// As soon as it can't become one.
pub fn parse(bytes: &[u8]) -> Parsed<ProxyHeader> {
    if begins(bytes, SIGNATURE) {
        binary(bytes)
    } else if begins(bytes, WORD) {
        line(bytes)
    } else {
        Err(NoProxyHeader("it does not begin with PROXY, nor with the signature of version 2"))
    }
}

/// As far as both go.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.iter().zip(with).all(|(one, other)| one == other)
}

/// Version 1: `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443` and CR LF.
fn line(bytes: &[u8]) -> Parsed<ProxyHeader> {
    let text = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(end) = text.iter().position(|&byte| byte == b'\n') else {
        return if bytes.len() < LONGEST_LINE { Ok(None) } else { Err(NoProxyHeader("its line has no end")) };
    };
    let Some(text) = text[..end].strip_suffix(b"\r").filter(|text| !text.contains(&b'\r')) else {
        return Err(NoProxyHeader("its line does not end with CR LF"));
    };
    let text = std::str::from_utf8(text).map_err(|_| NoProxyHeader("its line is not ASCII"))?;
    let client = client_of_line(text).ok_or(NoProxyHeader("its line is none of version 1"))?;
    Ok(Some(ProxyHeader { client, length: end + 1 }))
}

/// `None` for a line that is not well formed.
fn client_of_line(text: &str) -> Option<Option<SocketAddr>> {
    let mut words = text.split(' ').skip(1);
    match words.next()? {
        // Whatever follows says nothing.
        "UNKNOWN" => Some(None),
        family @ ("TCP4" | "TCP6") => {
            // The client's, and the proxy's own.
            let addresses = (address(family, words.next()?)?, address(family, words.next()?)?);
            let ports = (port(words.next()?)?, port(words.next()?)?);
            words.next().is_none().then_some(Some(SocketAddr::new(addresses.0, ports.0)))
        }
        _ => None,
    }
}

fn address(family: &str, text: &str) -> Option<IpAddr> {
    match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        _ => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    }
}

/// No sign, and no zero before other digits.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Version 2: signature, version and command, family and protocol, length, addresses.
fn binary(bytes: &[u8]) -> Parsed<ProxyHeader> {
    let at = |index: usize| bytes.get(index).copied();
    if at(12).is_some_and(|byte| byte & 0xf0 != 0x20) {
        return Err(NoProxyHeader("its version is not 2"));
    }
    if at(12).is_some_and(|byte| byte & 0x0f > 1) {
        return Err(NoProxyHeader("its command is neither LOCAL nor PROXY"));
    }
    if at(13).is_some_and(|byte| byte >> 4 > 3 || byte & 0x0f > 2) {
        return Err(NoProxyHeader("its address family or protocol is none"));
    }
    let Some(&[.., command, family, high, low]) = bytes.get(..FIXED) else { return Ok(None) };
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST {
        return Err(NoProxyHeader("it is longer than 4096 bytes"));
    }
    let is_local = command & 0x0f == 0;
    let needed = match family {
        _ if is_local => 0,
        0x11 | 0x12 => 12,
        0x21 | 0x22 => 36,
        0x31 | 0x32 => 216,
        _ => 0,
    };
    if length < FIXED + needed {
        return Err(NoProxyHeader("it has no room for its addresses"));
    }
    let Some(addresses) = bytes.get(FIXED..length) else { return Ok(None) };
    // Connections of other kinds than TCP have no address that an app could use.
    let client = match family {
        _ if is_local => None,
        0x11 => client_of::<4>(addresses, 8),
        0x21 => client_of::<16>(addresses, 32),
        _ => None,
    };
    Ok(Some(ProxyHeader { client, length }))
}

/// The first address, and the first port, which is behind both addresses.
fn client_of<const SIZE: usize>(addresses: &[u8], port: usize) -> Option<SocketAddr>
where
    IpAddr: From<[u8; SIZE]>,
{
    let ip: [u8; SIZE] = addresses.get(..SIZE)?.try_into().ok()?;
    let port: [u8; 2] = addresses.get(port..port + 2)?.try_into().ok()?;
    Some(SocketAddr::new(IpAddr::from(ip), u16::from_be_bytes(port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = [SIGNATURE, &[0x20 | command, family]].concat();
        bytes.extend((rest.len() as u16).to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    fn tcp4(more: &[u8]) -> Vec<u8> {
        version_2(1, 0x11, &[&[192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb][..], more].concat())
    }

    fn tcp6() -> Vec<u8> {
        let client: Ipv6Addr = "2001:db8::7".parse().unwrap();
        version_2(1, 0x21, &[&client.octets()[..], &[0; 16], &[0, 80, 1, 187]].concat())
    }

    fn client(bytes: &[u8]) -> Option<SocketAddr> {
        let header = parse(bytes).unwrap().expect("it is complete");
        assert_eq!(header.length, bytes.len());
        header.client
    }

    fn valid() -> Vec<(Vec<u8>, Option<&'static str>)> {
        vec![
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n".to_vec(), Some("192.0.2.7:4660")),
            (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".to_vec(), Some("255.255.255.255:65535")),
            (b"PROXY TCP6 2001:db8::7 ::1 0 443\r\n".to_vec(), Some("[2001:db8::7]:0")),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (b"PROXY UNKNOWN ffff::1 whatever 1 2\r\n".to_vec(), None),
            (tcp4(b""), Some("192.0.2.7:4660")),
            (tcp4(&[4, 0, 3, 1, 2, 3]), Some("192.0.2.7:4660")),
            (tcp6(), Some("[2001:db8::7]:80")),
            (version_2(0, 0, b""), None),
            (version_2(0, 0x11, b"skipped"), None),
            (version_2(1, 0, b"skipped"), None),
            (version_2(1, 0x12, &[1; 12]), None),
            (version_2(1, 0x31, &[b'/'; 216]), None),
        ]
    }

    #[test]
    fn the_client_is_who_the_header_says() {
        for (bytes, expected) in valid() {
            assert_eq!(client(&bytes), expected.map(|text| text.parse().unwrap()), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_follows_is_not_of_it_and_less_is_not_yet_one() {
        for (bytes, _) in valid() {
            let alone = parse(&bytes).unwrap();
            assert_eq!(parse(&[&bytes[..], b"GET / HTTP/1.1\r\n\r\n"].concat()), Ok(alone));
            for end in 0..bytes.len() {
                assert_eq!(parse(&bytes[..end]), Ok(None), "{end} bytes of {}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let wrong: Vec<Vec<u8>> = vec![
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            b"POST".to_vec(),
            b"PROPFIND".to_vec(),
            b"\r\n\r\nGET".to_vec(),
            b"\x16\x03\x01".to_vec(),
            b"PROXY\r\n".to_vec(),
            b"PROXY \r\n".to_vec(),
            b"PROXY TCP4\r\n".to_vec(),
            b"PROXY tcp4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP5 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY UNKNOWNS\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 \r\n".to_vec(),
            b"PROXY TCP4  192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY\tTCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 01 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1  2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.007 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP4 ::1 ::1 1 2\r\n".to_vec(),
            b"PROXY TCP6 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PROXY TCP6 [::1] ::1 1 2\r\n".to_vec(),
            b"PROXY TCP6 fe80::1%lo ::1 1 2\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\n".to_vec(),
            b"PROXY UNKNOWN a\rb\r\n".to_vec(),
            b"PROXY UNKNOWN \xff\r\n".to_vec(),
            [b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat(),
            [SIGNATURE, &[0x11]].concat(),
            [SIGNATURE, &[0x22]].concat(),
            [SIGNATURE, &[0x21, 0x41]].concat(),
            [SIGNATURE, &[0x21, 0x13]].concat(),
            version_2(1, 0x11, &[0; 11]),
            version_2(1, 0x21, &[0; 35]),
            version_2(1, 0x31, &[0; 215]),
            [SIGNATURE, &[0x21, 0x11, 0xff, 0xff]].concat(),
        ];
        for bytes in wrong {
            assert!(parse(&bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_longest_line_of_the_specification_is_taken() {
        let addresses = ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"; 2].join(" ");
        let line = format!("PROXY UNKNOWN {addresses} 65535 65535\r\n");
        assert_eq!((line.len(), client(line.as_bytes())), (LONGEST_LINE, None));
        assert!(parse(&line.as_bytes()[..LONGEST_LINE - 1]).unwrap().is_none());
        assert!(parse(line.replace("UNKNOWN", "UNKNOWN ").as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn an_address_comes_through(ip: [u8; 16], port: u16, is_old: bool, is_binary: bool) {
            let address = match is_old {
                true => IpAddr::from([ip[0], ip[1], ip[2], ip[3]]),
                false => IpAddr::from(ip),
            };
            let bytes = match (is_binary, address) {
                (false, address) => {
                    let family = if is_old { "TCP4" } else { "TCP6" };
                    format!("PROXY {family} {address} {address} {port} 1\r\n").into_bytes()
                }
                (true, IpAddr::V4(ip)) => {
                    version_2(1, 0x11, &[&ip.octets()[..], &[0; 4], &port.to_be_bytes(), &[0; 2]].concat())
                }
                (true, IpAddr::V6(ip)) => {
                    version_2(1, 0x21, &[&ip.octets()[..], &[0; 16], &port.to_be_bytes(), &[0; 2]].concat())
                }
            };
            prop_assert_eq!(client(&bytes), Some(SocketAddr::new(address, port)));
        }

        #[test]
        fn the_verdict_on_a_part_is_never_taken_back(
            which in 0..valid().len(), at: prop::sample::Index, byte: u8, more in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let mut bytes = valid().swap_remove(which).0;
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.extend(more);
            let whole = parse(&bytes);
            for end in 0..bytes.len() {
                match parse(&bytes[..end]) {
                    Ok(None) => {}
                    early => prop_assert_eq!(early, whole),
                }
            }
        }
    }
}
