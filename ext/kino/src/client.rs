//! Waiting for the client of a request, with Ruby's lock given up meanwhile.

use std::io;
use std::time::Duration;

use kino_core::dispatch::client_wait::Woken;
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::Dispatch;
use kino_core::http::decode::Trailers;
use kino_core::net::client::Client;
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
pub(crate) fn flush(ruby: &Ruby, dispatch: &Dispatch, holder: &impl Holder) -> Result<(), Error> {
    let mut is_late = false;
    loop {
        let flushed = holder.with(ruby, |exchange, _| flush_some(exchange, is_late))?;
        match flushed.map_err(|error| SendError::from(error).raise(ruby))? {
            Flushed::All => return Ok(()),
            Flushed::Some => {
                is_late = false;
                gvl::pass()?;
            }
            // The kernel takes more long before it says so: after the time one last try.
            Flushed::Blocked(client) => is_late = wait(dispatch, &client, Client::room_wait)? == Woken::TimedOut,
        }
    }
}

/// How far a flush has come.
enum Flushed {
    All,
    /// The socket may take more at once.
    Some,
    /// The client has to read on first.
    Blocked(Client),
}

fn flush_some(exchange: &mut Exchange, is_late: bool) -> io::Result<Flushed> {
    let before = exchange.kept();
    if before == 0 {
        return Ok(Flushed::All);
    }
    // Before the try: what happens after it ends the wait.
    let client = exchange.client();
    if exchange.flush(AT_ONCE)? {
        return Ok(Flushed::All);
    }
    match before - exchange.kept() {
        0 if is_late => {
            exchange.context().stats.write_timeout.add();
            Err(io::Error::new(io::ErrorKind::TimedOut, "it does not read on (write_timeout)"))
        }
        // Less than was to be sent.
        taken if taken < AT_ONCE as u64 => Ok(Flushed::Blocked(client)),
        _ => Ok(Flushed::Some),
    }
}

/// Waits for the client, as long as `limit` says; what was raised in this thread meanwhile is an error.
fn wait(dispatch: &Dispatch, client: &Client, limit: impl FnOnce(&Client) -> Duration) -> Result<Woken, Error> {
    let limit = limit(client);
    // One for each wait: whoever calls means this thread, and several may wait for one client.
    let interrupt = Interrupt::new(dispatch.context().clone());
    match gvl::without(|| dispatch.wait_for_client(client, limit, &interrupt), || interrupt.raise()) {
        Some(woken @ (Woken::Ready | Woken::TimedOut)) => Ok(woken),
        Some(Woken::Called) | None => gvl::check_interrupts().map(|()| Woken::Called),
    }
}

/// A part of a request's body that is still arriving, `most` bytes at most; waits for it, and is `None` when all has been
/// read.
///
/// # Errors
/// `Kino::ClientError` and `Kino::ClientDisconnected`; what was raised in this thread meanwhile.
pub(crate) fn read(
    ruby: &Ruby,
    dispatch: &Dispatch,
    holder: &impl Holder,
    most: usize,
) -> Result<Option<RString>, Error> {
    loop {
        let (part, client) = holder.with(ruby, |exchange, room| {
            room.resize(PART, 0);
            // Before the try: what happens after it ends the wait.
            let client = exchange.client();
            (exchange.read(most.min(PART), room), client)
        })?;
        match part {
            Ok(Part::Bytes(bytes)) => return Ok(Some(ruby.enc_str_new(bytes, ruby.ascii8bit_encoding()))),
            Ok(Part::End) => return Ok(None),
            Ok(Part::NotYet) => {
                if wait(dispatch, &client, Client::body_wait)? == Woken::TimedOut {
                    let fault = holder.with(ruby, |exchange, _| exchange.time_out())?;
                    return Err(exception::client_error(ruby, fault));
                }
            }
            Err(ReadError::Fault(fault)) => return Err(exception::client_error(ruby, fault)),
            Err(error @ ReadError::Gone(_)) => return Err(exception::client_disconnected(ruby, error.to_string())),
        }
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
