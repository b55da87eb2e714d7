//! What may follow an address, after a `?`: `name=value`, with `&` between several.

use crate::error::ListenError;
use crate::tls::given::{Verify, Version};

/// What the parameters of an address ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) backlog: Option<u16>,
    pub(super) ipv6only: Option<bool>,
    pub(super) mode: Option<u32>,
    pub(super) umask: Option<u32>,
    pub(super) proxy: Option<bool>,
    pub(super) reuse_port: Option<bool>,
    pub(super) tls: TlsOptions,
}

/// What they say of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TlsOptions {
    /// All of it, as it is written.
    pub(super) query: String,
    pub(super) cert: Option<String>,
    pub(super) key: Option<String>,
    pub(super) key_password_command: Option<String>,
    pub(super) ocsp: Option<String>,
    pub(super) client_ca: Option<String>,
    pub(super) verify: Option<Verify>,
    pub(super) min_version: Option<Version>,
}

/// What kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// With an IPv4 address, or a name.
    Tcp,
    Ipv6,
    /// A unix socket with a file.
    File,
    /// One without.
    Abstract,
    /// As the first two, where TLS is spoken.
    Tls,
    TlsIpv6,
}

const ALL: &[Kind] = &[Kind::Tcp, Kind::Ipv6, Kind::File, Kind::Abstract, Kind::Tls, Kind::TlsIpv6];
const TLS: &[Kind] = &[Kind::Tls, Kind::TlsIpv6];

/// One parameter.
struct Parameter {
    name: &'static str,
    /// The kinds of address it is for.
    of: &'static [Kind],
    allowed: &'static str,
    /// Takes the value; false when it isn't allowed.
    take: fn(&mut Options, &str) -> bool,
}

/// All there are. `lib/kino/configuration/bind_parameters.rb` has the same, for errors that name the setting's place.
const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "backlog",
        of: ALL,
        allowed: "a number from 1 to 65535",
        take: |options, value| keep(&mut options.backlog, number(value, 10, 1, 65_535)),
    },
    Parameter {
        name: "ipv6only",
        of: &[Kind::Ipv6, Kind::TlsIpv6],
        allowed: "true or false",
        take: |options, value| keep(&mut options.ipv6only, value.parse().ok()),
    },
    Parameter {
        name: "proxy",
        of: ALL,
        allowed: "true or false",
        take: |options, value| keep(&mut options.proxy, value.parse().ok()),
    },
    Parameter {
        name: "reuse_port",
        of: &[Kind::Tcp, Kind::Ipv6, Kind::Tls, Kind::TlsIpv6],
        allowed: "true or false",
        take: |options, value| keep(&mut options.reuse_port, value.parse().ok()),
    },
    Parameter {
        name: "mode",
        of: &[Kind::File],
        allowed: "an octal number from 0 to 0777",
        take: |options, value| keep(&mut options.mode, number(value, 8, 0, 0o777)),
    },
    Parameter {
        name: "umask",
        of: &[Kind::File],
        allowed: "an octal number from 0 to 0777",
        take: |options, value| keep(&mut options.umask, number(value, 8, 0, 0o777)),
    },
    Parameter {
        name: "cert",
        of: TLS,
        allowed: "the path of a file",
        take: |options, value| keep(&mut options.tls.cert, text(value)),
    },
    Parameter {
        name: "key",
        of: TLS,
        allowed: "the path of a file",
        take: |options, value| keep(&mut options.tls.key, text(value)),
    },
    Parameter {
        name: "key_password_command",
        of: TLS,
        allowed: "a command",
        take: |options, value| keep(&mut options.tls.key_password_command, text(value)),
    },
    Parameter {
        name: "ocsp",
        of: TLS,
        allowed: "the path of a file",
        take: |options, value| keep(&mut options.tls.ocsp, text(value)),
    },
    Parameter {
        name: "client_ca",
        of: TLS,
        allowed: "the path of a file",
        take: |options, value| keep(&mut options.tls.client_ca, text(value)),
    },
    Parameter {
        name: "verify",
        of: TLS,
        allowed: "none, optional or required",
        take: |options, value| keep(&mut options.tls.verify, Verify::of(value)),
    },
    Parameter {
        name: "min_version",
        of: TLS,
        allowed: "1.2 or 1.3",
        take: |options, value| keep(&mut options.tls.min_version, Version::of(value)),
    },
];

/// What is wrong with the parameters of an address.
#[derive(Debug)]
pub(super) struct Wrong {
    given: String,
    allowed: String,
}

impl Wrong {
    pub(super) fn of(self, uri: &str) -> ListenError {
        ListenError::Parameter { uri: uri.to_owned(), given: self.given, allowed: self.allowed }
    }
}

/// Reads what follows the `?` of an address of that kind.
pub(super) fn parse(query: &str, kind: Kind) -> Result<Options, Wrong> {
    let mut options = Options::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let known = PARAMETERS.iter().find(|known| known.name == name && known.of.contains(&kind));
        let wrong = |allowed| Wrong { given: pair.to_owned(), allowed };
        let parameter = known.ok_or_else(|| wrong(names(kind)))?;
        if !(parameter.take)(&mut options, value) {
            return Err(wrong(format!("{name}={}", parameter.allowed)));
        }
        if parameter.of == TLS {
            let query = &mut options.tls.query;
            query.push_str(if query.is_empty() { "" } else { "&" });
            query.push_str(pair);
        }
    }
    Ok(options)
}

fn names(kind: Kind) -> String {
    let known = PARAMETERS.iter().filter(|known| known.of.contains(&kind));
    known.map(|known| known.name).collect::<Vec<_>>().join(", ")
}

fn keep<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    *place = value;
    place.is_some()
}

/// What is written with `%` and two digits where an address could not have it otherwise (RFC 3986 section 2.1).
fn text(value: &str) -> Option<String> {
    let mut parts = value.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty() && !text.contains('\0'))
}

/// Digits only: `from_str_radix` alone would take "+80".
fn number<T: TryFrom<u32>>(text: &str, radix: u32, least: u32, most: u32) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_plain.then(|| u32::from_str_radix(text, radix).ok()).flatten()?;
    (least..=most).contains(&number).then(|| number.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str, kind: Kind) -> String {
        parse(query, kind).unwrap_err().of("unix:///a").to_string()
    }

    #[test]
    fn each_has_its_values() {
        let options = parse("mode=0660&umask=0027&backlog=64", Kind::File).unwrap();
        assert_eq!(options, Options { mode: Some(0o660), umask: Some(0o27), backlog: Some(64), ..Options::default() });
        assert_eq!(parse("ipv6only=true", Kind::Ipv6).unwrap().ipv6only, Some(true));
        for wrong in
            ["mode=", "mode", "mode=8", "mode=01000", "mode=+7", "mode=rw", "umask=-1", "backlog=0", "backlog=65536"]
        {
            let text = refusal(wrong, Kind::File);
            assert!(text.contains(&format!("can't be {wrong:?}")) && text.contains("allowed: "), "{text}");
        }
        assert!(refusal("mode=9", Kind::File).ends_with("allowed: mode=an octal number from 0 to 0777"));
    }

    #[test]
    fn what_tls_is_served_with_is_text_that_may_be_escaped() {
        let options = parse("cert=/a%20b/%C3%A9%26.pem&key=/k&verify=required&min_version=1.3", Kind::Tls).unwrap();
        assert_eq!(options.tls.cert.as_deref(), Some("/a b/é&.pem"));
        assert_eq!((options.tls.verify, options.tls.min_version), (Some(Verify::Required), Some(Version::Tls13)));
        for wrong in ["cert=", "cert=%0", "cert=%xx", "key=%FF", "ocsp=a%00b", "verify=peer", "min_version=1.1"] {
            assert!(refusal(wrong, Kind::TlsIpv6).contains(&format!("can't be {wrong:?}")));
        }
    }

    #[test]
    fn what_is_unknown_or_for_another_kind_of_address_is_refused_with_what_there_is() {
        for (query, kind, allowed) in [
            ("color=red", Kind::File, "backlog, proxy, mode, umask"),
            ("", Kind::Tcp, "backlog, proxy, reuse_port"),
            ("backlog=1&mode=0660", Kind::Tcp, "backlog, proxy, reuse_port"),
            ("ipv6only=true", Kind::Tcp, "backlog, proxy, reuse_port"),
            ("MODE=0660", Kind::Ipv6, "backlog, ipv6only, proxy, reuse_port"),
            ("reuse_port=true", Kind::File, "backlog, proxy, mode, umask"),
            ("umask=0", Kind::Abstract, "backlog, proxy"),
        ] {
            let text = refusal(query, kind);
            assert!(text.ends_with(&format!("allowed: {allowed}")), "{text}");
        }
    }
}
