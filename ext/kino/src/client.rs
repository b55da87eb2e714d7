//! Waiting for the client of a request, with Ruby's lock given up meanwhile.

use std::io;

use kino_core::dispatch::interrupt::Interrupt;
use kino_core::http::decode::Trailers;
use kino_core::net::client::Client;
use kino_core::net::client_wait::Woken;
use kino_core::net::exchange::{AT_ONCE, Exchange, Part, ReadError};
use magnus::{Error, RHash, RString, Ruby};

use crate::exception;
use crate::ffi::gvl;
use crate::ffi::strings::with_bytes;
use crate::outgoing::SendError;

/// Bytes of a streamed body that are read at a time, at most.
const PART: usize = 64 * 1024;

/// Whoever has a request, and lets it be used for a moment. Nobody keeps it while a client is waited for, so that one thread
/// may read while another writes.
pub(crate) trait Holder {
    /// Lets `work` use the request, and room to read into.
    ///
    /// # Errors
    /// When there is no request any more, or another thread is using it.
    fn with<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> T) -> Result<T, Error>;
}

/// Waits until the client has taken what is kept for it.
///
/// # Errors
/// `Kino::ClientDisconnected` when it has left or does not read on; what was raised in this thread meanwhile.
pub(crate) fn flush(ruby: &Ruby, interrupt: &Interrupt, holder: &impl Holder) -> Result<(), Error> {
    let gone = |error: io::Error| SendError::from(error).raise(ruby);
    let mut is_late = false;
    loop {
        let flushed = holder.with(ruby, |exchange, _| {
            let before = exchange.kept();
            if before == 0 || exchange.flush(AT_ONCE)? {
                return Ok(None);
            }
            is_late &= exchange.kept() == before;
            if is_late {
                exchange.context().stats.write_timeout.add();
                return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not read on (write_timeout)"));
            }
            Ok(Some(exchange.client()))
        })?;
        let Some(client) = flushed.map_err(gone)? else { return Ok(()) };
        match gvl::without(|| interrupt.wait_for_room(&client), || interrupt.raise()) {
            Some(Ok(Woken::Ready)) => {}
            Some(Ok(Woken::Called)) | None => gvl::check_interrupts()?,
            // The kernel takes more long before it says so: one last try.
            Some(Ok(Woken::TimedOut)) => is_late = true,
            Some(Err(error)) => return Err(gone(error)),
        }
    }
}

/// A part of a request's body that is still arriving, `most` bytes at most; waits for it, and is `None` when all has been
/// read.
///
/// # Errors
/// `Kino::ClientError` and `Kino::ClientDisconnected`; what was raised in this thread meanwhile.
pub(crate) fn read(
    ruby: &Ruby,
    interrupt: &Interrupt,
    holder: &impl Holder,
    most: usize,
) -> Result<Option<RString>, Error> {
    loop {
        let (part, client) = holder.with(ruby, |exchange, room| {
            room.resize(PART, 0);
            (exchange.read(most.min(PART), room), exchange.client())
        })?;
        match part {
            Ok(Part::Bytes(bytes)) => return Ok(Some(ruby.enc_str_new(bytes, ruby.ascii8bit_encoding()))),
            Ok(Part::End) => return Ok(None),
            Ok(Part::NotYet) => wait_for_body(ruby, interrupt, holder, &client)?,
            Err(ReadError::Fault(fault)) => return Err(exception::client_error(ruby, fault)),
            Err(error @ ReadError::Gone(_)) => return Err(exception::client_disconnected(ruby, error.to_string())),
        }
    }
}

fn wait_for_body(ruby: &Ruby, interrupt: &Interrupt, holder: &impl Holder, client: &Client) -> Result<(), Error> {
    match gvl::without(|| interrupt.wait_for_body(client), || interrupt.raise()) {
        Some(Ok(Woken::Ready)) => Ok(()),
        Some(Ok(Woken::TimedOut)) => {
            let fault = holder.with(ruby, |exchange, _| exchange.time_out())?;
            Err(exception::client_error(ruby, fault))
        }
        Some(Ok(Woken::Called)) | None => gvl::check_interrupts(),
        Some(Err(error)) => Err(exception::client_disconnected(ruby, format!("the client can't be heard: {error}"))),
    }
}

/// Trailer fields by their names in lower case; one that is repeated is one list (RFC 9110 section 5.3).
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn trailers_of(ruby: &Ruby, trailers: Trailers) -> Result<RHash, Error> {
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
