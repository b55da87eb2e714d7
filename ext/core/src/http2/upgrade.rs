//! What apps know of as an upgrade of HTTP/1.1 (RFC 9110 section 7.8, RFC 6455 section 4), where HTTP/2 has an extended CONNECT
//! (RFC 8441): what the request has of it, and what an answer of HTTP/1.1 to that is in HTTP/2.
//!
//! ```text
//!   :method CONNECT, :protocol websocket  -->  GET, upgrade: websocket, connection: Upgrade, sec-websocket-key
//!                            :status 200  <--  101, upgrade: websocket, connection: Upgrade, sec-websocket-accept
//! ```

use crate::http::head::Head;

type Field = (&'static [u8], &'static [u8]);

/// The key that every request for a WebSocket has, and what is to be answered to it: those of RFC 6455 section 1.3. A key shows its
/// client that no cache has answered; there is none between Kino and the app, and the client, whose requests have none in HTTP/2,
/// is not told.
pub const KEY: Field = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==");
const ACCEPT: Field = (b"sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
const WEBSOCKET: &[u8] = b"websocket";
/// Bytes of a head that an app writes by itself.
const LONGEST: usize = 16 * 1024;
const FIELDS: usize = 100;

/// An answer's head, for HTTP/2.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// As [lines](super::lines), with its status.
    pub lines: Vec<u8>,
    /// The status.
    pub status: u16,
}

/// What an app that has taken its client's socket writes there first, as far as it has come.
#[derive(Debug)]
pub struct Greeting {
    protocol: Vec<u8>,
    held: Vec<u8>,
}

/// What of it has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Greeted {
    /// Not all.
    NotYet,
    /// All: the client is in, and what follows the head is for it.
    In(Answer, Vec<u8>),
    /// All: the client is refused, and nothing follows.
    Refused(Answer),
    /// None that could be told.
    Wrong(&'static str),
}

/// The fields that a request for that protocol has in HTTP/1.1.
pub(super) fn fields(protocol: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let key = protocol.eq_ignore_ascii_case(WEBSOCKET).then_some(KEY);
    [(&b"upgrade"[..], protocol), (b"connection", b"Upgrade")].into_iter().chain(key)
}

/// What protocol a request asks for.
fn protocol(head: &Head) -> &[u8] {
    head.field("upgrade").unwrap_or_default()
}

/// An app's answer to a request for a tunnel, when it goes on with that: its head as HTTP/1.1 would have it, which is one in that
/// every status grants it that is 101 or 2xx.
///
/// # Errors
/// Why it can't be told.
pub fn granted(head: &[u8], request: &Head) -> Result<Answer, &'static str> {
    let parsed = Parsed::of(head)?.ok_or("its head has no end")?;
    parsed.check_accept(protocol(request), false)?;
    let status = match parsed.status {
        101 | 204 | 205 => 200,
        status => status,
    };
    Ok(parsed.answer(status))
}

impl Greeting {
    /// Of the answer to a request.
    pub fn of(request: &Head) -> Greeting {
        Greeting { protocol: protocol(request).to_vec(), held: Vec::new() }
    }

    /// More of it.
    pub fn hear(&mut self, bytes: &[u8]) -> Greeted {
        self.held.extend_from_slice(bytes);
        match self.judge() {
            Ok(Some((answer, length))) if answer.status == 200 => Greeted::In(answer, self.held.split_off(length)),
            Ok(Some((answer, _))) => Greeted::Refused(answer),
            Ok(None) if self.held.len() > LONGEST => Greeted::Wrong("its head has no end"),
            Ok(None) => Greeted::NotYet,
            Err(why) => Greeted::Wrong(why),
        }
    }

    fn judge(&self) -> Result<Option<(Answer, usize)>, &'static str> {
        let Some(parsed) = Parsed::of(&self.held)? else { return Ok(None) };
        let status = match parsed.status {
            101 => {
                let has = |name, wanted: &[u8]| parsed.has(name, wanted);
                if !has(b"upgrade", &self.protocol) || !has(b"connection", b"upgrade") {
                    return Err("its 101 does not change to the protocol that its client has asked for");
                }
                parsed.check_accept(&self.protocol, true)?;
                200
            }
            // An interim one is followed by another, which nobody who takes a socket writes.
            100..200 => return Err("its status is an interim one"),
            // To HTTP/1.1 it says that nothing is changed to; here it would grant the tunnel.
            200..300 => 501,
            status => status,
        };
        Ok(Some((parsed.answer(status), parsed.length)))
    }
}

struct Parsed<'h> {
    status: u16,
    fields: Vec<(&'h [u8], &'h [u8])>,
    length: usize,
}

impl<'h> Parsed<'h> {
    /// `None` while its end has not come.
    fn of(bytes: &'h [u8]) -> Result<Option<Parsed<'h>>, &'static str> {
        let mut room = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut room);
        let parsed = response.parse(bytes).map_err(|_| "its head is not HTTP/1.1")?;
        let (httparse::Status::Complete(length), Some(status)) = (parsed, response.code) else { return Ok(None) };
        let fields = response.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
        Ok(Some(Parsed { status, fields, length }))
    }

    fn values(&self, name: &[u8]) -> impl Iterator<Item = &'h [u8]> {
        let named = move |field: &&(&[u8], &[u8])| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|&(_, value)| value)
    }

    /// Whether a list has an element.
    fn has(&self, name: &[u8], wanted: &[u8]) -> bool {
        let mut elements =
            self.values(name).flat_map(|value| value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii));
        elements.any(|element| element.eq_ignore_ascii_case(wanted))
    }

    /// Whoever grants a WebSocket shows that it has read the key.
    fn check_accept(&self, protocol: &[u8], is_needed: bool) -> Result<(), &'static str> {
        let mut accepts = self.values(ACCEPT.0).peekable();
        let is_missing = is_needed && accepts.peek().is_none();
        if protocol.eq_ignore_ascii_case(WEBSOCKET) && (is_missing || accepts.any(|accept| accept != ACCEPT.1)) {
            return Err("its sec-websocket-accept does not answer the key");
        }
        Ok(())
    }

    /// What is of the connection goes when it is [compressed](super::lines); a length, which a tunnel has not, does here, and what
    /// only HTTP/1.1 asks for.
    fn answer(&self, status: u16) -> Answer {
        let mut lines = format!("HTTP/1.1 {status} \r\n").into_bytes();
        for (name, value) in &self.fields {
            let others = [ACCEPT.0, b"content-length"];
            if !others.iter().any(|other| name.eq_ignore_ascii_case(other)) {
                lines.extend([name, &b": "[..], value, b"\r\n"].concat());
            }
        }
        lines.extend_from_slice(b"\r\n");
        Answer { lines, status }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head::Version;

    fn request(protocol: &[u8]) -> Head {
        Head::assemble(Version::Http2, b"GET", b"/", fields(protocol)).extended()
    }

    fn hear(protocol: &[u8], text: &str) -> Greeted {
        Greeting::of(&request(protocol)).hear(text.as_bytes())
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    const GRANTED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
                           Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: a\r\n\r\n";

    #[test]
    fn a_101_grants_the_tunnel_and_what_follows_is_the_client_s() {
        let mut greeting = Greeting::of(&request(b"websocket"));
        let all = format!("{GRANTED}\u{1}more");
        for byte in &all.as_bytes()[..GRANTED.len() - 1] {
            assert_eq!(greeting.hear(&[*byte]), Greeted::NotYet);
        }
        let Greeted::In(answer, rest) = greeting.hear(&all.as_bytes()[GRANTED.len() - 1..]) else {
            panic!("it is not in")
        };
        assert_eq!((answer.status, &rest[..]), (200, &b"\x01more"[..]));
        let lines = "HTTP/1.1 200 \r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Protocol: a\r\n\r\n";
        assert_eq!(text(&answer.lines), lines, "the rest of it goes with the encoding");
    }

    #[test]
    fn a_101_must_be_one_to_what_was_asked() {
        for (from, to) in [
            ("WebSocket\r", "other\r"),
            ("keep-alive, Upgrade", "keep-alive"),
            ("s3pP", "s3pp"),
            ("Sec-WebSocket-Accept", "X"),
        ] {
            assert!(matches!(hear(b"websocket", &GRANTED.replacen(from, to, 1)), Greeted::Wrong(_)), "{to}");
        }
        let other = "HTTP/1.1 101 X\r\nupgrade: echo/1\r\nconnection: upgrade\r\n\r\n";
        assert!(matches!(hear(b"echo/1", other), Greeted::In(..)), "only a WebSocket has a key");
    }

    #[test]
    fn others_refuse_the_client_and_what_is_none_is_wrong() {
        let refused = |head: &str| match hear(b"websocket", head) {
            Greeted::Refused(answer) => answer.status,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nno!"), 404);
        assert_eq!(refused("HTTP/1.1 200 OK\r\n\r\nhello"), 501, "it has not changed to anything");
        for wrong in [
            "\u{1}\u{2}",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 101 X\r\na b: c\r\n\r\n",
        ] {
            assert!(matches!(hear(b"websocket", wrong), Greeted::Wrong(_)), "{wrong}");
        }
        let endless = format!("HTTP/1.1 101 X\r\na: {}", "b".repeat(LONGEST));
        assert!(matches!(hear(b"websocket", &endless), Greeted::Wrong(_)));
    }

    #[test]
    fn an_app_that_goes_on_has_granted_it_whatever_2xx_it_says() {
        let granted = |status: u16, field: &str| {
            let head = format!("HTTP/1.1 {status} X\r\n{field}connection: close\r\n\r\n");
            granted(head.as_bytes(), &request(b"websocket")).map(|answer| answer.status)
        };
        let right = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        assert_eq!([101, 200, 201, 204, 404].map(|status| granted(status, right)), [200, 200, 201, 200, 404].map(Ok));
        assert_eq!(granted(101, ""), Ok(200), "it need not know of the key");
        assert!(granted(101, "sec-websocket-accept: x\r\n").is_err());
    }
}
