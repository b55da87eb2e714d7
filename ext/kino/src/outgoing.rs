//! An answer on its way out: its body framed, counted against what its head says, and waited for when the client is slow.

mod encoded;
mod whole;

use std::io::{self, IoSlice};

use kino_core::http::decode::Chunked;
use kino_core::http::encode::{BodyFraming, LAST_CHUNK, Plan, push_chunk_size};
use kino_core::net::exchange::{AT_ONCE, Exchange};
use kino_core::net::notice::Notice;
use magnus::{Error, RHash, RString, Ruby};

pub(crate) use self::whole::{Content, send_file, send_whole};
use crate::ffi::strings::with_bytes;
use crate::{exception, response};

/// Why an answer could not be sent as the app gave it.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The client has left, or does not read on.
    Client(io::Error),
    /// Ruby has no memory left.
    Ruby(Error),
    /// The body is not the chunks that its `transfer-encoding` says.
    Encoding,
    /// The body is not as long as its `content-length`.
    Length {
        /// What the head said.
        stated: u64,
        /// What the app gave; for a body that is too long, so far.
        given: u64,
    },
}

impl SendError {
    pub(crate) fn raise(self, ruby: &Ruby) -> Error {
        match self {
            SendError::Client(error) => exception::client_disconnected(ruby, format!("the client has left: {error}")),
            SendError::Ruby(error) => error,
            SendError::Encoding => exception::response_error(
                ruby,
                "the app's transfer-encoding is chunked, and its body is not well-formed chunks; leave the header out, and \
                 Kino makes them",
            ),
            SendError::Length { stated, given } if given > stated => exception::response_error(
                ruby,
                format!("the app's body is longer than its content-length of {stated}; the rest is not sent"),
            ),
            SendError::Length { stated, given } => exception::response_error(
                ruby,
                format!(
                    "the app's body is shorter than its content-length: {given} of {stated} bytes; the connection is closed"
                ),
            ),
        }
    }
}

impl From<Error> for SendError {
    fn from(error: Error) -> Self {
        SendError::Ruby(error)
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        SendError::Client(error)
    }
}

/// Ends an answer of which all is sent that will be. Whether some of it is left to the engine, which then gives the notice.
fn conclude(exchange: Exchange, plan: Plan, given: u64, notice: impl FnOnce() -> Notice) -> Result<bool, SendError> {
    match plan.framing {
        BodyFraming::Sized(stated) if given < stated => {
            exchange.abort();
            Err(SendError::Length { stated, given })
        }
        BodyFraming::Sized(stated) if given > stated => {
            // The client has a whole answer. What else the app thinks it has said is unknown, so nothing follows it.
            exchange.finish(false, None);
            Err(SendError::Length { stated, given })
        }
        _ => {
            let is_blocked = exchange.is_blocked();
            exchange.finish(plan.keep_alive, is_blocked.then(notice));
            Ok(is_blocked)
        }
    }
}

/// An answer that is sent part by part. Its head leaves with the first part.
pub(crate) struct Outgoing {
    exchange: Box<Exchange>,
    plan: Plan,
    /// What is to be sent before the next part: the head, a chunk's size.
    before: Vec<u8>,
    given: u64,
    has_sent: bool,
    /// Where the body comes in chunks already.
    decoder: Option<Chunked>,
}

impl Outgoing {
    pub(crate) fn new(exchange: Box<Exchange>, plan: Plan, head: Vec<u8>) -> Outgoing {
        let decoder = plan.is_encoded.then(Chunked::default);
        Outgoing { exchange, plan, before: head, given: 0, has_sent: false, decoder }
    }

    /// Whether nothing has left yet, not even the head.
    pub(crate) fn is_unsent(&self) -> bool {
        !self.has_sent
    }

    /// The request again, for another answer.
    pub(crate) fn into_exchange(self) -> Box<Exchange> {
        self.exchange
    }

    /// The request, to read on in its body.
    pub(crate) fn exchange(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// Whether the answer has a body at all.
    pub(crate) fn wants_body(&self) -> bool {
        self.plan.framing != BodyFraming::None
    }

    /// Sends a part in one write; see [`Outgoing::is_blocked`].
    pub(crate) fn part(&mut self, part: RString) -> Result<(), SendError> {
        let length = part.len();
        if let Some(decoder) = &mut self.decoder {
            let data = encoded::decode(decoder, part)?;
            return self.decoded(&data);
        }
        if length == 0 {
            return Ok(()); // as a chunk it would end the body
        }
        let before_this = self.given;
        self.given += length as u64;
        match self.plan.framing {
            BodyFraming::None => {}
            BodyFraming::UntilClose => self.send(part, length, b"")?,
            BodyFraming::Chunked => {
                push_chunk_size(&mut self.before, length);
                self.send(part, length, b"\r\n")?;
            }
            BodyFraming::Sized(stated) => {
                let left = stated.saturating_sub(before_this).min(length as u64);
                self.send(part, left as usize, b"")?;
                if self.given > stated {
                    return Err(SendError::Length { stated, given: self.given });
                }
            }
        }
        Ok(())
    }

    fn decoded(&mut self, data: &[u8]) -> Result<(), SendError> {
        match self.plan.framing {
            BodyFraming::Chunked if !data.is_empty() => {
                push_chunk_size(&mut self.before, data.len());
                self.before.extend_from_slice(data);
                self.send_bytes(b"\r\n")
            }
            BodyFraming::UntilClose => self.send_bytes(data),
            // Nothing, or nobody wants it: lengths are not the app's to say beside a transfer-encoding.
            BodyFraming::Chunked | BodyFraming::None | BodyFraming::Sized(_) => Ok(()),
        }
    }

    /// Sends the head, if no part has taken it along.
    pub(crate) fn flush(&mut self) -> Result<(), SendError> {
        self.send_bytes(b"")
    }

    /// Ends the body; trailer fields follow it where it is sent in chunks.
    ///
    /// # Errors
    /// `Kino::ResponseError` for a field that can't be a trailer; when the client is gone.
    pub(crate) fn end(&mut self, ruby: &Ruby, trailers: Option<RHash>) -> Result<(), Error> {
        if self.decoder.as_ref().is_some_and(|decoder| !decoder.is_done()) && self.wants_body() {
            return Err(SendError::Encoding.raise(ruby));
        }
        let mut last = Vec::new();
        if self.plan.framing == BodyFraming::Chunked {
            last.extend_from_slice(LAST_CHUNK);
            if let Some(trailers) = trailers {
                response::trailers(ruby, &mut last, trailers)?;
            }
            last.extend_from_slice(b"\r\n");
        }
        self.send_bytes(&last).map_err(|error| error.raise(ruby))
    }

    /// Gives the connection back, after the body's end. Whether some of it is left to the engine, which then gives the notice.
    pub(crate) fn conclude(self, notice: impl FnOnce() -> Notice) -> Result<bool, SendError> {
        conclude(*self.exchange, self.plan, self.given, notice)
    }

    /// Ends it early. A client that has been sent all that the head promised is let down gently.
    pub(crate) fn abort(self) {
        match self.plan.framing {
            BodyFraming::Sized(stated) if self.given >= stated => self.exchange.finish(false, None),
            _ => self.exchange.abort(),
        }
    }

    fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.has_sent = true;
        self.before.extend_from_slice(bytes);
        self.exchange.send(&self.before)?;
        self.before.clear();
        Ok(())
    }

    /// Sends what is due before it, the first `length` bytes of the part, and what comes after it.
    fn send(&mut self, part: RString, length: usize, after: &[u8]) -> Result<(), SendError> {
        self.has_sent = true;
        let before = std::mem::take(&mut self.before);
        let taken = with_bytes(part, |bytes| {
            let bytes = &bytes[..length];
            let first = &bytes[..length.min(AT_ONCE)];
            let slices = [IoSlice::new(&before), IoSlice::new(first), IoSlice::new(after)];
            let number = if first.len() < length { 2 } else { 3 };
            self.exchange.try_send(&slices[..number])
        })?;
        if taken < before.len() + length + after.len() {
            let taken = whole::keep_head(&mut self.exchange, &before, taken)?;
            if taken < length {
                let piece = whole::rest_of(part, taken..length)?;
                self.exchange.keep_piece(piece)?;
            }
            self.exchange.keep(&after[taken.saturating_sub(length)..])?;
        }
        self.before = before;
        self.before.clear();
        Ok(())
    }
}
