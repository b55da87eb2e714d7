//! A request's body that arrives while the app has the request.

use kino_core::dispatch::client_wait::Woken;
use kino_core::net::exchange::{Exchange, Part, ReadError};
use magnus::{Error, RHash, RString, Ruby};

use super::Request;
use crate::exception;
use crate::ffi::embedded::Handle;
use crate::trailers::trailers_of;

/// Bytes of a body that are read at a time, at most.
const PART: usize = 64 * 1024;

impl Request {
    /// `read_body(most) -> String or nil`: a part of a body that is still arriving, `most` bytes at most; waits for it, and is
    /// `nil` when all has been read.
    ///
    /// # Errors
    /// `Kino::ClientError` and `Kino::ClientDisconnected`; what was raised in this thread meanwhile.
    pub(crate) fn read_body(ruby: &Ruby, this: Handle<Request>, most: usize) -> Result<Option<RString>, Error> {
        this.waiting(ruby, || this.read(ruby, most))
    }

    /// `trailers -> Hash`: the trailer fields of a body that has been read to its end, once.
    pub(crate) fn trailers(ruby: &Ruby, this: Handle<Request>) -> Result<RHash, Error> {
        let trailers = this.look(|state| state.exchange().map(Exchange::take_trailers)).unwrap_or_default();
        trailers_of(ruby, trailers)
    }

    fn read(&self, ruby: &Ruby, most: usize) -> Result<Option<RString>, Error> {
        let thread = self.thread(ruby);
        loop {
            // Copied while the room is borrowed, and made a string of when it is not: that may run the collector.
            let (part, (client, limit)) = thread.with_room(|room| {
                self.with(ruby, |exchange| {
                    room.resize(PART, 0);
                    // Before the try: what happens after it ends the wait.
                    let client = exchange.client();
                    let part = exchange.read(most.min(PART), room);
                    (part, (client, exchange.body_wait()))
                })
            })?;
            match part {
                Ok(Part::Bytes(bytes)) => return Ok(Some(ruby.enc_str_new(bytes, ruby.ascii8bit_encoding()))),
                Ok(Part::End) => return Ok(None),
                Ok(Part::NotYet) => {
                    let (woken, time) = self.wait(ruby, &client, limit)?;
                    self.with(ruby, |exchange| exchange.has_waited_for_body(time))?;
                    if woken == Woken::TimedOut {
                        let fault = self.with(ruby, Exchange::time_out)?;
                        return Err(exception::client_error(ruby, fault));
                    }
                }
                Err(ReadError::Fault(fault)) => return Err(exception::client_error(ruby, fault)),
                Err(error @ ReadError::Gone(_)) => return Err(exception::client_disconnected(ruby, error.to_string())),
            }
        }
    }
}
