//! Waiting for the client of a request, with Ruby's lock given up meanwhile. Nothing is borrowed while a client is waited for.

use std::io;
use std::time::{Duration, Instant};

use kino_core::dispatch::client_wait::Woken;
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::net::client::Client;
use kino_core::net::exchange::{AT_ONCE, Exchange};
use magnus::{Error, Ruby};

use super::{Request, State};
use crate::ffi::embedded::Handle;
use crate::ffi::gvl;
use crate::response_writer::SendError;

/// How far a flush has come.
enum Flushed {
    All,
    /// The socket may take more at once.
    Some,
    /// The client has to read on first, within that time.
    Blocked(Client, Duration),
}

impl Request {
    /// `client_gone? -> true or false`: whether nobody waits for the answer any more.
    pub(crate) fn is_client_gone(this: Handle<Request>) -> bool {
        this.look(|state| state.exchange().is_none_or(|open| open.is_client_gone()))
    }

    /// Waits until the client has taken what is kept for it.
    ///
    /// # Errors
    /// `Kino::ClientDisconnected` when it has left or does not read on; what was raised in this thread meanwhile.
    pub(super) fn wait_for_client(&self, ruby: &Ruby) -> Result<(), Error> {
        let is_blocked = self.with(ruby, |exchange| exchange.is_blocked())?;
        if is_blocked { self.waiting(ruby, || self.flush_all(ruby)) } else { Ok(()) }
    }

    /// Does what waits for the client: a worker's thread that does so is not stuck.
    pub(super) fn waiting<T>(&self, ruby: &Ruby, work: impl FnOnce() -> T) -> T {
        let is_detached = self.look(|state| matches!(state, State::Detached(_)));
        if is_detached { work() } else { self.thread(ruby).waiting(work) }
    }

    /// Waits for the client, for `limit` at most: what ended that, and after how long. What was raised in this thread meanwhile
    /// is an error.
    pub(super) fn wait(&self, ruby: &Ruby, client: &Client, limit: Duration) -> Result<(Woken, Duration), Error> {
        let began = Instant::now();
        let dispatch = self.thread(ruby).dispatch().clone();
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

    fn flush_all(&self, ruby: &Ruby) -> Result<(), Error> {
        loop {
            let flushed = self.with(ruby, flush_some)?;
            match flushed.map_err(|error| SendError::from(error).raise(ruby))? {
                Flushed::All => return Ok(()),
                Flushed::Some => gvl::pass()?,
                Flushed::Blocked(client, limit) => {
                    let (_, time) = self.wait(ruby, &client, limit)?;
                    self.with(ruby, |exchange| exchange.has_waited_for_room(time))?;
                }
            }
        }
    }
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
