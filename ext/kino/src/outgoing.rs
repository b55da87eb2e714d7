//! An answer on its way out: its body framed, counted against what its head says, and waited for when the client is slow.

use std::io::{self, IoSlice};

use kino_core::dispatch::interrupt::Interrupt;
use kino_core::http::encode::{BodyFraming, LAST_CHUNK, Plan, push_chunk_size};
use kino_core::net::client_wait::Woken;
use kino_core::net::exchange::Exchange;
use magnus::{Error, Ruby};

use crate::exception;

/// Why an answer could not be sent as the app gave it.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The client has left, or does not read on.
    Client(io::Error),
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

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        SendError::Client(error)
    }
}

/// Bodies up to this are copied behind their head: one plain write costs less than a gathering one saves.
const COPIED: u64 = 4096;

/// Sends head and body at once. What the client does not take now is sent when it reads on, without the caller.
pub(crate) fn send_whole(
    mut exchange: Exchange,
    plan: Plan,
    head: &mut Vec<u8>,
    bodies: &mut dyn Iterator<Item = &[u8]>,
) -> Result<(), SendError> {
    if let BodyFraming::Sized(length) = plan.framing
        && length <= COPIED
    {
        return send_copied(exchange, plan, (head, length), bodies);
    }
    let mut left = match plan.framing {
        BodyFraming::Sized(length) => length,
        BodyFraming::None => 0,
        BodyFraming::Chunked | BodyFraming::UntilClose => u64::MAX,
    };
    let mut given = 0;
    // Nearly every body is one string.
    let mut room = [IoSlice::new(head), IoSlice::new(&[])];
    let mut more = Vec::new();
    for body in bodies {
        given += body.len() as u64;
        let part = &body[..(body.len() as u64).min(left) as usize];
        left -= part.len() as u64;
        if room[1].is_empty() {
            room[1] = IoSlice::new(part);
        } else if !part.is_empty() {
            more.push(IoSlice::new(part));
        }
    }
    let sent = exchange.send(&mut room).and_then(|()| exchange.send(&mut more));
    if let Err(error) = sent {
        exchange.abort();
        return Err(error.into());
    }
    conclude(exchange, plan, given)
}

fn send_copied(
    mut exchange: Exchange,
    plan: Plan,
    (head, mut left): (&mut Vec<u8>, u64),
    bodies: &mut dyn Iterator<Item = &[u8]>,
) -> Result<(), SendError> {
    let mut given = 0;
    for body in bodies {
        given += body.len() as u64;
        let part = &body[..(body.len() as u64).min(left) as usize];
        left -= part.len() as u64;
        head.extend_from_slice(part);
    }
    if let Err(error) = exchange.send_one(head) {
        exchange.abort();
        return Err(error.into());
    }
    conclude(exchange, plan, given)
}

/// Ends an answer of which all is sent that will be.
fn conclude(exchange: Exchange, plan: Plan, given: u64) -> Result<(), SendError> {
    match plan.framing {
        BodyFraming::Sized(stated) if given < stated => {
            exchange.abort();
            Err(SendError::Length { stated, given })
        }
        BodyFraming::Sized(stated) if given > stated => {
            // The client has a whole answer. What else the app thinks it has said is unknown, so nothing follows it.
            exchange.finish(false);
            Err(SendError::Length { stated, given })
        }
        _ => {
            exchange.finish(plan.keep_alive);
            Ok(())
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
}

impl Outgoing {
    pub(crate) fn new(exchange: Box<Exchange>, plan: Plan, head: Vec<u8>) -> Outgoing {
        Outgoing { exchange, plan, before: head, given: 0, has_sent: false }
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
    pub(crate) fn part(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        if bytes.is_empty() {
            return Ok(()); // as a chunk it would end the body
        }
        let before_this = self.given;
        self.given += bytes.len() as u64;
        match self.plan.framing {
            BodyFraming::None => {}
            BodyFraming::UntilClose => self.send(bytes, b"")?,
            BodyFraming::Chunked => {
                push_chunk_size(&mut self.before, bytes.len());
                self.send(bytes, b"\r\n")?;
            }
            BodyFraming::Sized(stated) => {
                let left = stated.saturating_sub(before_this).min(bytes.len() as u64);
                self.send(&bytes[..left as usize], b"")?;
                if self.given > stated {
                    return Err(SendError::Length { stated, given: self.given });
                }
            }
        }
        Ok(())
    }

    /// Sends the head, if no part has taken it along.
    pub(crate) fn flush(&mut self) -> Result<(), SendError> {
        self.send(b"", b"")
    }

    /// Whether the client has not taken all yet. No further part should be sent then.
    pub(crate) fn is_blocked(&self) -> bool {
        self.exchange.is_blocked()
    }

    /// Waits for the client to read on, without the GVL. False when the worker was called away.
    pub(crate) fn wait(&mut self, interrupt: &Interrupt) -> Result<bool, SendError> {
        match interrupt.wait_for_room(&self.exchange)? {
            Woken::Ready => {
                self.exchange.flush()?;
                Ok(true)
            }
            Woken::Called => Ok(false),
            Woken::TimedOut => {
                self.exchange.context().stats.write_timeout.add();
                Err(io::Error::new(io::ErrorKind::TimedOut, "it does not read on (write_timeout)").into())
            }
        }
    }

    /// Ends the body.
    pub(crate) fn finish(mut self) -> Result<(), SendError> {
        let last = if self.plan.framing == BodyFraming::Chunked { LAST_CHUNK } else { b"" };
        if let Err(error) = self.send(last, b"") {
            self.exchange.abort();
            return Err(error);
        }
        conclude(*self.exchange, self.plan, self.given)
    }

    /// Ends it early. A client that has been sent all that the head promised is let down gently.
    pub(crate) fn abort(self) {
        match self.plan.framing {
            BodyFraming::Sized(stated) if self.given >= stated => self.exchange.finish(false),
            _ => self.exchange.abort(),
        }
    }

    fn send(&mut self, bytes: &[u8], after: &[u8]) -> Result<(), SendError> {
        self.has_sent = true;
        let mut parts = [IoSlice::new(&self.before), IoSlice::new(bytes), IoSlice::new(after)];
        self.exchange.send(&mut parts)?;
        self.before.clear();
        Ok(())
    }
}
