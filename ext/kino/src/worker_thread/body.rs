//! A request's body that arrives while the app has the request, and the client behind it.

use kino_core::net::exchange::Exchange;
use magnus::{Error, RHash, RString, Ruby};

use super::{WorkerThread, over};
use crate::client;

impl WorkerThread {
    /// `read_body(number, most) -> String or nil`: a part of a request's body that is still arriving, `most` bytes at most;
    /// waits for it, and is `nil` when all has been read.
    pub(crate) fn read_body(
        ruby: &Ruby,
        this: &WorkerThread,
        number: u64,
        most: usize,
    ) -> Result<Option<RString>, Error> {
        if this.number.get() != number {
            return Err(over(ruby));
        }
        this.waiting(|| client::read(ruby, &this.dispatch, this, most))
    }

    /// `trailers(number) -> Hash`: the trailer fields of a body that has been read to its end, once.
    pub(crate) fn trailers(ruby: &Ruby, this: &WorkerThread, number: u64) -> Result<RHash, Error> {
        let mut work = this.work(ruby)?;
        let exchange = work.state.exchange().filter(|_| this.number.get() == number);
        let trailers = exchange.map(Exchange::take_trailers).unwrap_or_default();
        drop(work);
        client::trailers_of(ruby, trailers)
    }

    /// `client_gone? -> true or false`: whether nobody waits for the answer any more.
    pub(crate) fn is_client_gone(&self) -> bool {
        // Borrowed, it is being used to send or to read, which tells by itself.
        self.work.try_borrow_mut().is_ok_and(|mut work| work.state.exchange().is_none_or(|open| open.is_client_gone()))
    }
}
