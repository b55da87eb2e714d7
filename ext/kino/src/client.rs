//! Waiting for the client of a request, with Ruby's lock given up meanwhile.

use std::io;
use std::time::{Duration, Instant};

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
use crate::response_writer::SendError;

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
    loop {
        let flushed = holder.with(ruby, |exchange, _| flush_some(exchange))?;
        match flushed.map_err(|error| SendError::from(error).raise(ruby))? {
            Flushed::All => return Ok(()),
            Flushed::Some => gvl::pass()?,
            Flushed::Blocked(client, limit) => {
                let (_, time) = wait(dispatch, &client, limit)?;
                holder.with(ruby, |exchange, _| exchange.has_waited_for_room(time))?;
            }
        }
    }
}

/// How far a flush has come.
enum Flushed {
    All,
    /// The socket may take more at once.
    Some,
    /// The client has to read on first, within that time.
    Blocked(Client, Duration),
}

fn flush_some(exchange: &mut Exchange) -> io::Result<Flushed> {
    let before = exchange.kept();
    if before == 0 {
        return Ok(Flushed::All);
    }
    // Before the try: what happens after it ends the wait.
    let client = exchange.client();
    if exchange.flush(AT_ONCE)? {
        return Ok(Flushed::All);
    }
    if before - exchange.kept() >= AT_ONCE as u64 {
        return Ok(Flushed::Some);
    }
    // Less than was to be sent. The kernel takes more long before it says so, so the last try comes after the time.
    let limit = exchange.room_wait();
    if limit.is_zero() {
        exchange.context().stats.write_timeout.add();
        return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not read on (write_timeout, write_min_rate)"));
    }
    Ok(Flushed::Blocked(client, limit))
}

/// Waits for the client, for `limit` at most: what ended that, and after how long. What was raised in this thread meanwhile is
/// an error.
fn wait(dispatch: &Dispatch, client: &Client, limit: Duration) -> Result<(Woken, Duration), Error> {
    let began = Instant::now();
    // One for each wait: whoever calls means this thread, and several may wait for one client.
    let interrupt = Interrupt::new(dispatch.context().clone());
    let woken = match gvl::without(|| dispatch.wait_for_client(client, limit, &interrupt), || interrupt.raise()) {
        Some(woken @ (Woken::Ready | Woken::TimedOut)) => woken,
        Some(Woken::Called) | None => {
            gvl::check_interrupts()?;
            Woken::Called
        }
    };
    Ok((woken, began.elapsed()))
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
        let (part, (client, limit)) = holder.with(ruby, |exchange, room| {
            room.resize(PART, 0);
            // Before the try: what happens after it ends the wait.
            let client = exchange.client();
            (exchange.read(most.min(PART), room), (client, exchange.body_wait()))
        })?;
        match part {
            Ok(Part::Bytes(bytes)) => return Ok(Some(ruby.enc_str_new(bytes, ruby.ascii8bit_encoding()))),
            Ok(Part::End) => return Ok(None),
            Ok(Part::NotYet) => {
                let (woken, time) = wait(dispatch, &client, limit)?;
                holder.with(ruby, |exchange, _| exchange.has_waited_for_body(time))?;
                if woken == Woken::TimedOut {
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
