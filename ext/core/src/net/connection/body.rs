//! A request's body that is still to come, read by whoever serves the request.

use std::io;

use super::life::{Connection, State, Unread};
use crate::error::Fault;
use crate::net::transport::{Came, Wire};

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
    /// A part of a body that arrives while its request is served, `most` bytes at most; `buffer` is room to read into.
    ///
    /// # Errors
    /// A [`Fault`] of the client's, or [`ReadError::Gone`].
    pub(in crate::net) fn read_body(&self, most: usize, buffer: &mut [u8]) -> Result<Part, ReadError> {
        let life = &mut *self.life.lock();
        if life.state != State::Served {
            return Err(ReadError::Gone(io::Error::new(
                io::ErrorKind::TimedOut,
                "its request was answered with a 504",
            )));
        }
        if life.unread == Unread::Nothing {
            life.unread = Unread::Bytes;
        }
        loop {
            let part = life.receiver.take_part(most);
            if !part.is_empty() {
                return Ok(Part::Bytes(part));
            }
            if life.receiver.is_complete() {
                return Ok(Part::End);
            }
            let came = Wire { transport: &mut life.transport, socket: &self.socket }.read(buffer);
            match came.map_err(ReadError::Gone)? {
                Came::Bytes { length, .. } => {
                    life.arriving.wants_continue = false;
                    life.receiver.feed(&buffer[..length], &self.context.config.limits)?;
                }
                Came::Nothing => {
                    life.has_nothing_unread();
                    return Ok(Part::NotYet);
                }
                Came::End => return Err(ReadError::Gone(io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }

    /// How much of the body has come, in bytes, and since when, in the clock's milliseconds.
    pub(in crate::net) fn body_progress(&self) -> (u64, u64) {
        let life = self.life.lock();
        (life.receiver.received(), life.arriving.since)
    }

    /// Sends the 100 that the client waits for before it sends its body, if it does.
    ///
    /// # Errors
    /// [`ReadError::Gone`], also for a client that has no room for a line this short: nothing else is being sent.
    pub(in crate::net) fn send_continue(&self) -> Result<(), ReadError> {
        let life = &mut *self.life.lock();
        let is_due = life.state == State::Served && std::mem::take(&mut life.arriving.wants_continue);
        if is_due && !self.write_continue(life) {
            return Err(ReadError::Gone(io::ErrorKind::BrokenPipe.into()));
        }
        Ok(())
    }
}
