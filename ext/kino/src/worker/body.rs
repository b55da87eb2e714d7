//! A request's body that arrives while the app has the request, and the client behind it.

use kino_core::http::decode::Trailers;
use kino_core::net::client_wait::Woken;
use kino_core::net::exchange::{Exchange, Part, ReadError};
use magnus::{Error, RHash, RString, Ruby};

use super::{Work, Worker};
use crate::exception;
use crate::ffi::gvl;
use crate::ffi::strings::with_bytes;

/// Bytes of a streamed body that are read at a time, at most.
const PART: usize = 64 * 1024;

impl Worker {
    /// `read_body(number, most) -> String or nil`: a part of a request's body that is still arriving, `most` bytes at most;
    /// waits for it, and is `nil` when all has been read.
    pub(crate) fn read_body(ruby: &Ruby, this: &Worker, number: u64, most: usize) -> Result<Option<RString>, Error> {
        loop {
            let mut work = this.work(ruby)?;
            let Work { state, room, .. } = &mut *work;
            let Some(exchange) = state.exchange().filter(|_| this.number.get() == number) else {
                return Err(exception::io_error(ruby, "the request is over: its body can't be read any more"));
            };
            room.resize(PART, 0);
            match exchange.read(most.min(PART), room) {
                Ok(Part::Bytes(bytes)) => {
                    if let Some(runner) = &*this.seat.borrow() {
                        runner.progress();
                    }
                    return Ok(Some(ruby.enc_str_new(bytes, ruby.ascii8bit_encoding())));
                }
                Ok(Part::End) => return Ok(None),
                Ok(Part::NotYet) => this.wait_for_body(ruby, exchange)?,
                Err(ReadError::Fault(fault)) => return Err(exception::client_error(ruby, fault)),
                Err(error @ ReadError::Gone(_)) => return Err(exception::client_disconnected(ruby, error.to_string())),
            }
        }
    }

    /// `trailers(number) -> Hash`: the trailer fields of a body that has been read to its end, once.
    pub(crate) fn trailers(ruby: &Ruby, this: &Worker, number: u64) -> Result<RHash, Error> {
        let mut work = this.work(ruby)?;
        let exchange = work.state.exchange().filter(|_| this.number.get() == number);
        let trailers = exchange.map(Exchange::take_trailers).unwrap_or_default();
        drop(work);
        trailers_of(ruby, trailers)
    }

    /// `client_gone? -> true or false`: whether nobody waits for the answer any more.
    pub(crate) fn is_client_gone(&self) -> bool {
        // Borrowed, it is being used to send or to read, which tells by itself.
        self.work.try_borrow_mut().is_ok_and(|mut work| work.state.exchange().is_none_or(|open| open.is_client_gone()))
    }

    fn wait_for_body(&self, ruby: &Ruby, exchange: &mut Exchange) -> Result<(), Error> {
        let (interrupt, waiting) = (&self.interrupt, &*exchange);
        match gvl::without(|| interrupt.wait_for_body(waiting), || interrupt.raise()) {
            Some(Ok(Woken::Ready)) => Ok(()),
            Some(Ok(Woken::TimedOut)) => Err(exception::client_error(ruby, exchange.time_out())),
            Some(Ok(Woken::Called)) | None => gvl::check_interrupts(),
            Some(Err(error)) => {
                Err(exception::client_disconnected(ruby, format!("the client can't be heard: {error}")))
            }
        }
    }
}

/// Trailer fields by their names in lower case; one that is repeated is one list (RFC 9110 section 5.3).
pub(super) fn trailers_of(ruby: &Ruby, trailers: Trailers) -> Result<RHash, Error> {
    let hash = ruby.hash_new();
    for (name, value) in trailers {
        let name = ruby.str_from_slice(&name.to_ascii_lowercase());
        let value = match hash.lookup::<_, Option<RString>>(name)? {
            Some(before) => [with_bytes(before, <[u8]>::to_vec), value].join(&b", "[..]),
            None => value,
        };
        hash.aset(name, ruby.enc_str_new(value, ruby.ascii8bit_encoding()))?;
    }
    Ok(hash)
}
