//! How an answer is sent: decided from its head and from what was asked, apart from the bytes that say so (RFC 9110
//! section 6.4.1, RFC 9112 section 6.3).

use super::head::{Head, Version};
use crate::error::AnswerError;

/// What of the request the answer depends on.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The request was HEAD: the answer has no body (RFC 9110 section 9.3.2).
    pub is_head: bool,
    /// What the client speaks. To HTTP/1.0 there are no chunks, and keep-alive has to be said; HTTP/2 has frames for both.
    pub version: Version,
    /// Both client and server let the connection stay open.
    pub keep_alive: bool,
    /// It asks for a tunnel ([`Head::is_extended_connect`]), which every 2xx would grant.
    pub is_extended: bool,
}

impl Asked {
    /// Of a request head, and whether the connection may stay open.
    pub fn of(head: &Head, keep_alive: bool) -> Asked {
        let (is_head, is_extended) = (head.is_head(), head.is_extended_connect());
        Asked { is_head, version: head.version(), keep_alive, is_extended }
    }
}

/// How the answer's body is delimited (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No body follows the head.
    None,
    /// Exactly so many bytes.
    Sized(u64),
    /// Chunks.
    Chunked,
    /// Everything until the connection closes.
    UntilClose,
    /// Everything until the stream's end (HTTP/2).
    UntilEnd,
}

/// What an answer's head committed the connection to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How the body goes out.
    pub framing: BodyFraming,
    /// Whether the connection stays open after it.
    pub keep_alive: bool,
    /// The answer's status.
    pub status: u16,
    /// The app gives the body in chunks already, by its `transfer-encoding`.
    pub is_encoded: bool,
}

impl Plan {
    /// Of an answer of the server's own.
    pub fn of_refusal(status: u16, length: u64) -> Plan {
        Plan { framing: BodyFraming::Sized(length), keep_alive: false, status, is_encoded: false }
    }

    /// Of an answer after whose head the app has the connection to itself.
    pub fn raw(status: u16) -> Plan {
        Plan { framing: BodyFraming::UntilClose, keep_alive: false, status, is_encoded: true }
    }

    /// Bytes that are sent of a body of `given`: never one past its content-length.
    pub fn wanted(&self, given: u64) -> u64 {
        match self.framing {
            BodyFraming::None => 0,
            BodyFraming::Sized(stated) => stated.min(given),
            BodyFraming::Chunked | BodyFraming::UntilClose | BodyFraming::UntilEnd => given,
        }
    }

    /// Looks whether a body that has ended after `given` bytes is as long as its head has said.
    ///
    /// # Errors
    /// [`AnswerError::TooShort`], [`AnswerError::TooLong`].
    pub fn check(&self, given: u64) -> Result<(), AnswerError> {
        match self.framing {
            BodyFraming::Sized(stated) if given < stated => Err(AnswerError::TooShort { stated, given }),
            BodyFraming::Sized(stated) if given > stated => Err(AnswerError::TooLong { stated }),
            _ => Ok(()),
        }
    }
}

/// What an answer's own fields say of the message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stated {
    /// Its `content-length`.
    pub length: Option<u64>,
    /// `connection: close`.
    pub closes: bool,
    /// `connection: upgrade`.
    pub upgrades: bool,
    /// `transfer-encoding: chunked`: the body is given in chunks.
    pub is_encoded: bool,
}

/// What a head says of the message, besides the app's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it commits the connection to.
    pub plan: Plan,
    /// The `content-length`, also of a body that is not sent.
    pub length: Option<u64>,
    /// What HTTP/1 has to say of the connection.
    pub option: Option<&'static [u8]>,
}

/// Decides how an answer of that status is sent. `body` is the body's length where the server knows it.
pub fn decide(status: u16, stated: Stated, asked: Asked, body: Option<u64>) -> Decision {
    let is_bodiless = status < 200 || matches!(status, 204 | 205 | 304);
    let known = stated.length.or(if asked.is_head { body.filter(|&n| n > 0) } else { body });
    let known = if stated.is_encoded { None } else { known };
    let framing = match known {
        _ if is_bodiless || asked.is_head => BodyFraming::None,
        Some(length) => BodyFraming::Sized(length),
        None => match asked.version {
            Version::Http10 => BodyFraming::UntilClose,
            Version::Http11 => BodyFraming::Chunked,
            Version::Http2 => BodyFraming::UntilEnd,
        },
    };
    let length = match status {
        // A reset has no content, and says so (RFC 9110 section 15.3.6).
        205 => Some(0),
        // The answer to a conditional GET, and that to HEAD, may state the length that the body would have; an interim one
        // and a 204 may not (RFC 9110 section 8.6).
        304 => known.filter(|_| stated.length.is_some()),
        _ if is_bodiless => None,
        _ => known,
    };
    let keep_alive = asked.keep_alive && !stated.closes && framing != BodyFraming::UntilClose && status >= 200;
    let option: Option<&[u8]> = if asked.version == Version::Http2 {
        None
    } else if !keep_alive {
        Some(b"close")
    } else if stated.upgrades {
        // Of an answer that names what the client could go on with (RFC 9110 section 7.8).
        Some(b"upgrade")
    } else if asked.version == Version::Http10 {
        Some(b"keep-alive")
    } else {
        None
    };
    Decision { plan: Plan { framing, keep_alive, status, is_encoded: stated.is_encoded }, length, option }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Asked = Asked { is_head: false, version: Version::Http11, keep_alive: true, is_extended: false };

    /// Every way to ask, for every way that an app may speak of its body.
    fn all_ways(mut look: impl FnMut(Stated, Asked, Option<u64>)) {
        let versions = [Version::Http10, Version::Http11, Version::Http2];
        for (is_head, version, keep_alive) in (0..12).map(|n| (n & 1 > 0, versions[n >> 2], n & 2 > 0)) {
            for body in [None, Some(0), Some(7)] {
                for (length, is_encoded) in [(None, false), (None, true), (Some(7), false), (Some(7), true)] {
                    let stated = Stated { length, is_encoded, ..Stated::default() };
                    look(stated, Asked { is_head, version, keep_alive, is_extended: false }, body);
                }
            }
        }
    }

    #[test]
    fn statuses_without_a_body_have_none_whatever_the_app_gives() {
        all_ways(|stated, asked, body| {
            for status in [101, 204, 205, 304] {
                let Decision { plan, length, .. } = decide(status, stated, asked, body);
                assert_eq!(plan.framing, BodyFraming::None, "{status} {stated:?} {asked:?} {body:?}");
                assert_eq!(plan.wanted(7), 0);
                let expected = match status {
                    205 => Some(0),
                    304 if !stated.is_encoded => stated.length,
                    _ => None,
                };
                assert_eq!(length, expected, "{status} {stated:?} {asked:?} {body:?}");
            }
        });
    }

    #[test]
    fn the_answer_to_head_has_no_body_and_is_kept_open() {
        all_ways(|stated, asked, body| {
            if asked.is_head {
                let Plan { framing, keep_alive, .. } = decide(200, stated, asked, body).plan;
                assert_eq!((framing, keep_alive), (BodyFraming::None, asked.keep_alive));
            }
        });
    }

    #[test]
    fn an_interim_status_keeps_no_connection() {
        all_ways(|stated, asked, body| assert!(!decide(101, stated, asked, body).plan.keep_alive));
    }

    #[test]
    fn only_http11_gets_chunks_and_http2_no_word_on_the_connection() {
        all_ways(|stated, asked, body| {
            let Decision { plan: Plan { framing, keep_alive, .. }, option, .. } = decide(200, stated, asked, body);
            assert!(asked.version == Version::Http11 || framing != BodyFraming::Chunked);
            assert!(asked.version != Version::Http2 || option.is_none() && framing != BodyFraming::UntilClose);
            assert!(!(keep_alive && framing == BodyFraming::UntilClose));
            assert!(!keep_alive || asked.keep_alive);
        });
    }

    #[test]
    fn a_length_holds_for_too_little_and_for_too_much() {
        let plan = decide(200, Stated { length: Some(5), ..Stated::default() }, GET, None).plan;
        assert_eq!((plan.wanted(3), plan.wanted(5), plan.wanted(9)), (3, 5, 5));
        assert!(matches!(plan.check(3), Err(AnswerError::TooShort { stated: 5, given: 3 })));
        assert!(plan.check(5).is_ok());
        assert!(matches!(plan.check(9), Err(AnswerError::TooLong { stated: 5 })));
    }
}
