//! A request's body that is still to come: waited for, or read by whoever serves the request.

use std::io::{self, Read, Write};

use super::{Connection, Life, State, Step, Verdict};
use crate::error::Fault;
use crate::http::{encode, target};
use crate::net::context::Context;

/// A look at a body that is arriving.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// More of it.
    Bytes(Vec<u8>),
    /// Nothing has come lately.
    NotYet,
    /// All of it has been read.
    End,
}

/// Why a body can't be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What the client did wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It has left.
    #[error("the client has left: {0}")]
    Gone(io::Error),
}

impl Connection {
    /// The body is waited for, or, where the app asks for that, handed over to be read while it arrives. A client that waits
    /// for a 100 (RFC 9110 section 10.1.1) has it now in the first case; in the second, whoever serves the request may answer
    /// without one.
    pub(super) fn headed(&self, life: &mut Life, wants_continue: bool, context: &Context) -> Step {
        life.body_since = context.clock.now();
        let path = target::split(life.receiver.head().target()).map_or(&b""[..], |target| target.path);
        life.streamed = if context.config.streaming.includes(path) { context.stream() } else { None };
        let streamed = life.streamed.is_some();
        life.wants_continue = wants_continue && streamed;
        if wants_continue && !streamed && !self.write_continue() {
            return Step::Stop(Verdict::Close);
        }
        match life.receiver.receive_body(streamed, &context.config.limits) {
            Ok(_) if streamed => self.hand_over(life, context),
            Ok(progress) => self.progressed(life, progress, context),
            Err(fault) => self.refused(life, fault, context),
        }
    }

    /// A part of a body that arrives while its request is served, `most` bytes at most; `buffer` is room to read into.
    ///
    /// # Errors
    /// A [`Fault`] of the client's, or [`ReadError::Gone`].
    pub(in crate::net) fn read_body(
        &self,
        most: usize,
        buffer: &mut [u8],
        context: &Context,
    ) -> Result<Part, ReadError> {
        let life = &mut *self.life.lock();
        if life.state != State::Handed {
            return Err(ReadError::Gone(io::Error::new(
                io::ErrorKind::TimedOut,
                "its request was answered with a 504",
            )));
        }
        life.has_unread = true;
        loop {
            let part = life.receiver.take_part(most);
            if !part.is_empty() {
                return Ok(Part::Bytes(part));
            }
            if life.receiver.is_complete() {
                return Ok(Part::End);
            }
            match (&self.stream).read(buffer) {
                Ok(0) => return Err(ReadError::Gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => {
                    life.wants_continue = false;
                    life.receiver.feed(&buffer[..length], &context.config.limits)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    life.has_unread = false;
                    return Ok(Part::NotYet);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::Gone(error)),
            }
        }
    }

    /// Sends the 100 that the client waits for before it sends its body, if it does.
    ///
    /// # Errors
    /// [`ReadError::Gone`], also for a client that has no room for a line this short: nothing else is being sent.
    pub(in crate::net) fn send_continue(&self) -> Result<(), ReadError> {
        let life = &mut *self.life.lock();
        if life.state == State::Handed && std::mem::take(&mut life.wants_continue) && !self.write_continue() {
            return Err(ReadError::Gone(io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }

    fn write_continue(&self) -> bool {
        matches!((&self.stream).write(encode::CONTINUE), Ok(length) if length == encode::CONTINUE.len())
    }
}
