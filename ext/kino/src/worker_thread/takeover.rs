//! What an app may do beside its answer: say something before it, or take the socket for itself.

use std::os::fd::{IntoRawFd, RawFd};

use kino_core::http::date;
use kino_core::net::exchange::Exchange;
use kino_core::net::peer::PeerAddr;
use magnus::rb_sys::AsRawValue;
use magnus::{Error, RHash, RString, Ruby, Value};

use super::{State, WorkerThread};
use crate::client::Holder;
use crate::response_writer::SendError;
use crate::{exception, response};

/// A socket's descriptor, whether it is a unix socket, and what has come from it that nobody has read.
type Socket = (RawFd, bool, RString);

impl WorkerThread {
    /// `early_hints(headers) -> nil`: a 103 (RFC 8297), which an HTTP/1.0 client would not understand. On another thread,
    /// nothing: the request that it means may be over, and hints are only hints.
    pub(crate) fn early_hints(ruby: &Ruby, this: &WorkerThread, headers: RHash) -> Result<(), Error> {
        if !this.is_own_thread(ruby) {
            return Ok(());
        }
        let mut hints = Vec::new();
        response::interim(ruby, &mut hints, 103, headers)?;
        let mut work = this.work(ruby)?;
        match &mut work.state {
            State::Open(exchange) if !exchange.asked().http10 => {
                exchange.send_interim(&hints).map_err(|error| SendError::from(error).raise(ruby))
            }
            _ => Ok(()),
        }
    }

    /// `hijack -> [descriptor, whether it is a unix socket, String]`: the socket is the app's, and what has come from it.
    pub(crate) fn hijack(ruby: &Ruby, this: &WorkerThread) -> Result<Socket, Error> {
        this.check_thread(ruby)?;
        let exchange = this.take_open(ruby)?;
        this.give_away(ruby, exchange)
    }

    /// `take_over(status, headers, protocol) -> [descriptor, whether it is a unix socket, String]`: the same after an
    /// answer's head; with a protocol, because the connection goes on with that.
    pub(crate) fn take_over(
        ruby: &Ruby,
        this: &WorkerThread,
        status: Value,
        headers: RHash,
        protocol: Option<RString>,
    ) -> Result<Socket, Error> {
        let mut head = Vec::new();
        response::raw_head(ruby, &mut head, (status, headers, protocol), &date::format(date::now()))?;
        let sent = this.with(ruby, |exchange, _| exchange.send(&head))?;
        sent.map_err(|error| SendError::from(error).raise(ruby))?;
        this.wait_for_client(ruby)?;
        let exchange = this.take_open(ruby)?;
        this.give_away(ruby, exchange)
    }

    /// `hijacked? -> true or false`: whether the app has taken the socket of its request.
    pub(crate) fn has_hijacked(&self) -> bool {
        self.is_hijacked.get()
    }

    fn give_away(&self, ruby: &Ruby, exchange: Box<Exchange>) -> Result<Socket, Error> {
        let is_unix = exchange.peer() == PeerAddr::Unix;
        match exchange.hijack() {
            Ok((socket, unread)) => {
                self.is_hijacked.set(true);
                // Ruby's from here on, which closes it when its object is collected.
                Ok((socket.into_raw_fd(), is_unix, ruby.enc_str_new(unread, ruby.ascii8bit_encoding())))
            }
            Err((exchange, error)) => {
                self.work(ruby)?.state = State::Open(exchange);
                Err(exception::io_error(ruby, &format!("the socket can't be had: {error}")))
            }
        }
    }

    pub(super) fn take_open(&self, ruby: &Ruby) -> Result<Box<Exchange>, Error> {
        let mut work = self.work(ruby)?;
        match std::mem::replace(&mut work.state, State::Idle) {
            State::Open(exchange) => Ok(exchange),
            state => {
                work.state = state;
                Err(exception::io_error(ruby, "the socket can't be had: the answer has begun, or the request is over"))
            }
        }
    }

    /// What a worker offers is for the request that it serves at the moment, and so for the code that serves it.
    fn is_own_thread(&self, ruby: &Ruby) -> bool {
        self.thread.get().is_some_and(|own| ruby.get_inner(own).as_raw() == ruby.thread_current().as_raw())
    }

    fn check_thread(&self, ruby: &Ruby) -> Result<(), Error> {
        if self.is_own_thread(ruby) {
            return Ok(());
        }
        Err(exception::io_error(
            ruby,
            "it belongs to the request that a thread is serving: call it on that thread, before the app has answered",
        ))
    }
}
