//! A request's body that is still to come, read by whoever serves the request.

use std::io;

use super::life::{Connection, State, Unread};
use crate::error::Fault;
use crate::http::encode;
use crate::net::right;
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
            return Err(ReadError::Gone(right::lost()));
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

    /// Sends the 100 that the client waits for before it sends its body, if it does and there is room: what is left of it,
    /// where there was room for a part. Without any, it is still to be sent.
    ///
    /// # Errors
    /// [`ReadError::Gone`].
    pub(in crate::net) fn send_continue(&self) -> Result<&'static [u8], ReadError> {
        let life = &mut *self.life.lock();
        if life.state != State::Served || !life.arriving.wants_continue {
            return Ok(b"");
        }
        let sent = self.write_continue(life).map_err(ReadError::Gone)?;
        life.arriving.wants_continue = sent == 0;
        Ok(if sent == 0 { b"" } else { &encode::CONTINUE[sent..] })
    }
}
