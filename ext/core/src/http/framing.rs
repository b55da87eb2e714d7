//! How long a request's body is, and whether the connection outlives it (RFC 9112 sections 6 and 9.3).

use super::head::{Head, Version};
use super::target;
use crate::error::Fault;

/// How a request's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// There is none.
    None,
    /// `content-length`, in bytes, above zero.
    Known(u64),
    /// `transfer-encoding: chunked`.
    Chunked,
}

/// What a head says of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The body's length.
    pub length: Length,
    /// Whether the client lets the connection stay open (RFC 9112 section 9.3).
    pub keep_alive: bool,
    /// Whether the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1).
    pub expects_continue: bool,
}

/// Reads the framing off a head.
///
/// # Errors
/// A [`Fault`] where two recipients could disagree on where the message ends, or on whom it is for.
pub fn of(head: &Head) -> Result<Framing, Fault> {
    let mut seen = Seen::default();
    for (name, value) in head.fields() {
        seen.field(name, value)?;
    }
    let http11 = head.version() != Version::Http10;
    host(&seen, http11)?;
    target(head)?;
    Ok(Framing {
        length: seen.length(http11)?,
        keep_alive: !seen.close && (http11 || seen.keep_alive),
        expects_continue: http11 && seen.expects_continue,
    })
}

#[derive(Default)]
struct Seen<'a> {
    content_length: Option<u64>,
    transfer_encoding: Option<&'a [u8]>,
    hosts: usize,
    has_wrong_host: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

impl<'a> Seen<'a> {
    fn field(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), Fault> {
        // The length decides first: nearly every field is none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                self.hosts += 1;
                self.has_wrong_host |= !target::is_authority(value);
            }
            6 if name.eq_ignore_ascii_case(b"expect") => {
                for expectation in members(value) {
                    if !expectation.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Fault::Expectation);
                    }
                    self.expects_continue = true;
                }
            }
            10 if name.eq_ignore_ascii_case(b"connection") => self.connection(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let repeated = self.content_length.replace(decimal(value)?).is_some();
                refuse_if(repeated, "content-length is given more than once")?;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let repeated = self.transfer_encoding.replace(value).is_some();
                refuse_if(repeated, "transfer-encoding is given more than once")?;
            }
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) {
        for option in members(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// RFC 9112 section 6.3, with every doubtful case refused: these are how requests are smuggled (section 11.2).
    fn length(&self, http11: bool) -> Result<Length, Fault> {
        match (self.transfer_encoding, self.content_length) {
            (Some(_), Some(_)) => Err(Fault::Malformed("both content-length and transfer-encoding are given")),
            (Some(_), None) if !http11 => Err(Fault::Malformed("transfer-encoding is not part of HTTP/1.0")),
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Length::Chunked),
            (Some(codings), None) => Err(coding_fault(codings)),
            (None, None | Some(0)) => Ok(Length::None),
            (None, Some(length)) => Ok(Length::Known(length)),
        }
    }
}

/// Of codings other than `chunked` alone, those that the length could be known by are unknown; by others, it can't be.
fn coding_fault(codings: &[u8]) -> Fault {
    let all = || codings.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let before_last = all().count() - 1;
    if all().any(<[u8]>::is_empty) {
        Fault::Malformed("transfer-encoding names no coding")
    } else if all().take(before_last).any(|coding| coding.eq_ignore_ascii_case(b"chunked")) {
        Fault::Malformed("chunked is not the last transfer coding")
    } else {
        Fault::UnknownCoding
    }
}

/// RFC 9112 section 3.2: `*` is for OPTIONS alone, and CONNECT is for proxies.
fn target(head: &Head) -> Result<(), Fault> {
    match head.method() {
        b"CONNECT" => return Err(Fault::Connect),
        b"OPTIONS" => {}
        _ => refuse_if(head.target() == b"*", "the request target * is for OPTIONS alone")?,
    }
    refuse_if(target::split(head.target()).is_none(), "the request target is not valid")
}

/// A list's members, without the empty ones that it may have (RFC 9110 section 5.6.1.2).
fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

fn refuse_if(wrong: bool, why: &'static str) -> Result<(), Fault> {
    if wrong { Err(Fault::Malformed(why)) } else { Ok(()) }
}

/// RFC 9112 section 3.2: exactly one `host` in a request of HTTP/1.1.
fn host(seen: &Seen<'_>, http11: bool) -> Result<(), Fault> {
    match seen.hosts {
        0 if http11 => Err(Fault::Malformed("the host header is missing")),
        0 | 1 => refuse_if(seen.has_wrong_host, "the host header is not valid"),
        _ => Err(Fault::Malformed("host is given more than once")),
    }
}

/// Digits only: no sign, no list, no white space, no overflow (RFC 9110 section 8.6).
pub(super) fn decimal(value: &[u8]) -> Result<u64, Fault> {
    const WRONG: Fault = Fault::Malformed("content-length is not a decimal number");
    if value.is_empty() {
        return Err(WRONG);
    }
    value.iter().try_fold(0u64, |number, &byte| match byte {
        b'0'..=b'9' => number.checked_mul(10).and_then(|n| n.checked_add(u64::from(byte - b'0'))).ok_or(WRONG),
        _ => Err(WRONG),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::http::parse;

    fn framing(rest: &str) -> Result<Framing, Fault> {
        let mut head = Head::default();
        parse::head(format!("POST / {rest}\r\n\r\n").as_bytes(), &Limits::default(), &mut head).unwrap().unwrap();
        of(&head)
    }

    fn length(fields: &str) -> Result<Length, u16> {
        framing(&format!("HTTP/1.1\r\nHost: x\r\n{fields}")).map(|framing| framing.length).map_err(Fault::status)
    }

    #[test]
    fn finds_the_length() {
        assert_eq!(length("A: b"), Ok(Length::None));
        assert_eq!(length("Content-Length: 0"), Ok(Length::None));
        assert_eq!(length("content-length: 12"), Ok(Length::Known(12)));
        assert_eq!(length("Transfer-Encoding: Chunked"), Ok(Length::Chunked));
    }

    #[test]
    fn refuses_what_can_be_read_two_ways() {
        assert_eq!(length("Content-Length: 1\r\nTransfer-Encoding: chunked"), Err(400));
        assert_eq!(length("Content-Length: 1\r\nContent-Length: 1"), Err(400));
        assert_eq!(length("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), Err(400));
        for wrong in ["+1", "-1", "1,1", "0x1", "", "1 1", "99999999999999999999"] {
            assert_eq!(length(&format!("Content-Length: {wrong}")), Err(400), "{wrong:?}");
        }
        assert_eq!(length("Transfer-Encoding: gzip"), Err(501));
        assert_eq!(length("Transfer-Encoding: gzip, chunked"), Err(501));
        for wrong in ["", ",", "chunked,", ", chunked", "chunked, chunked", "chunked, gzip"] {
            assert_eq!(length(&format!("Transfer-Encoding: {wrong}")), Err(400), "{wrong:?}");
        }
        assert_eq!(length("Expect: tea"), Err(417));
        assert_eq!(length("Host: y"), Err(400));
        assert_eq!(framing("HTTP/1.1\r\nA: b").unwrap_err().status(), 400);
        assert_eq!(framing("HTTP/1.0\r\nTransfer-Encoding: chunked").unwrap_err().status(), 400);
    }

    #[test]
    fn knows_who_waits_for_a_100() {
        let expects = |rest: &str| framing(rest).map(|framing| framing.expects_continue).map_err(Fault::status);
        for list in ["100-continue", "100-Continue , ,100-continue", ",100-continue\t,"] {
            assert_eq!(expects(&format!("HTTP/1.1\r\nHost: x\r\nExpect: {list}")), Ok(true), "{list:?}");
            assert_eq!(expects(&format!("HTTP/1.0\r\nExpect: {list}")), Ok(false), "{list:?}");
        }
        for none in ["", ",", " , "] {
            assert_eq!(expects(&format!("HTTP/1.1\r\nHost: x\r\nExpect: {none}")), Ok(false), "{none:?}");
        }
        for other in ["100-continue, tea", "tea,", "100-continue;q=1", "100-continue=1", "100"] {
            assert_eq!(expects(&format!("HTTP/1.1\r\nHost: x\r\nExpect: {other}")), Err(417), "{other:?}");
        }
    }

    #[test]
    fn refuses_targets_and_hosts_that_are_not_valid() {
        let status = |line: &str| {
            let mut head = Head::default();
            parse::head(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(), &Limits::default(), &mut head)
                .unwrap();
            of(&head).map(|_| ()).map_err(Fault::status)
        };
        assert_eq!(status("OPTIONS *"), Ok(()));
        assert_eq!(status("GET *"), Err(400));
        assert_eq!(status("CONNECT h:443"), Err(501));
        assert_eq!(status("GET h:443"), Err(400));
        assert_eq!(status("GET http://u@h/"), Err(400));
        assert_eq!(status("GET /a#b"), Err(400));
        assert_eq!(framing("HTTP/1.1\r\nHost: a b").unwrap_err().status(), 400);
    }

    #[test]
    fn knows_when_to_stay_open() {
        let keep_alive = |rest: &str| framing(rest).unwrap().keep_alive;
        assert!(keep_alive("HTTP/1.1\r\nHost: x"));
        assert!(!keep_alive("HTTP/1.1\r\nHost: x\r\nConnection: x, Close"));
        assert!(!keep_alive("HTTP/1.0\r\nHost: x"));
        assert!(keep_alive("HTTP/1.0\r\nConnection: keep-alive"));
    }
}
