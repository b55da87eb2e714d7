//! What an app may do beside its answer: say something before it, or take the socket for itself.

use std::io;
use std::os::fd::{IntoRawFd, RawFd};

use kino_core::http::date;
use kino_core::http::head::Version;
use kino_core::http::plan::Plan;
use kino_core::http2::upgrade;
use kino_core::net::exchange::{Exchange, Family, TakenSocket};
use magnus::{Error, RHash, RString, Ruby, Symbol, Value};

use super::{Request, State};
use crate::ffi::embedded::Handle;
use crate::response_writer::SendError;
use crate::{exception, response};

/// A socket's descriptor, its kind, and what has come from it that nobody has read.
type Socket = (RawFd, Symbol, RString);

impl Request {
    /// `early_hints(headers) -> nil`: a 103 (RFC 8297), which an HTTP/1.0 client would not understand. Once the answer has
    /// begun, nothing: hints are only hints.
    pub(crate) fn early_hints(ruby: &Ruby, this: Handle<Request>, headers: RHash) -> Result<(), Error> {
        let mut hints = Vec::new();
        response::interim(ruby, &mut hints, 103, headers)?;
        let sent = this.look(|state| match state {
            State::Open(exchange) if exchange.asked().version != Version::Http10 => exchange.send_interim(&hints),
            _ => Ok(()),
        });
        sent.map_err(|error| SendError::from(error).raise(ruby))
    }

    /// `take_socket -> [descriptor, :tcp, :unix or :pair, String]`: the socket is the app's, and what has come from it.
    pub(crate) fn take_socket(ruby: &Ruby, this: Handle<Request>) -> Result<Socket, Error> {
        let exchange = this.take_open(ruby)?;
        this.given(ruby, exchange.hijack())
    }

    /// `take_over(status, headers, protocol) -> [descriptor, :tcp, :unix or :pair, String]`: the same after an
    /// answer's head; with a protocol, because the connection goes on with that. Of HTTP/2 it is one end of a stream, if the client has
    /// asked for that (RFC 8441).
    pub(crate) fn take_over(
        ruby: &Ruby,
        this: Handle<Request>,
        status: Value,
        headers: RHash,
        protocol: Option<RString>,
    ) -> Result<Socket, Error> {
        let mut head = Vec::new();
        let (own, asked) = this.with(ruby, |exchange| (exchange.own_fields(), exchange.asked()))?;
        if asked.version == Version::Http2 && !asked.is_extended {
            let why = "the app wants the socket; requests of HTTP/2 share one, and have none of their own";
            return Err(exception::response_error(ruby, why.to_owned()));
        }
        let date = date::format(date::now());
        let status = response::raw_head(ruby, &mut head, (status, headers, protocol), &own, &date)?;
        if asked.is_extended {
            let granted = this.with(ruby, |exchange| upgrade::granted(&head, exchange.head()))?;
            let answer = granted.map_err(|why| exception::response_error(ruby, format!("the app's answer: {why}")))?;
            let exchange = this.take_open(ruby)?;
            return this.given(ruby, exchange.grant(answer.status, &answer.lines));
        }
        let sent = this.with(ruby, |exchange| {
            exchange.begins(Plan::raw(status), head.len());
            exchange.send(&head)
        })?;
        sent.map_err(|error| SendError::from(error).raise(ruby))?;
        this.wait_for_client(ruby)?;
        let exchange = this.take_open(ruby)?;
        this.given(ruby, exchange.hijack())
    }

    fn given(&self, ruby: &Ruby, taken: Result<TakenSocket, (Box<Exchange>, io::Error)>) -> Result<Socket, Error> {
        match taken {
            Ok((socket, family, unread)) => {
                self.put_state(State::Hijacked);
                // Ruby's from here on, which closes it when its object is collected.
                let family = ruby.to_symbol(match family {
                    Family::Tcp => "tcp",
                    Family::Unix => "unix",
                    Family::Pair => "pair",
                });
                Ok((socket.into_raw_fd(), family, ruby.enc_str_new(unread, ruby.ascii8bit_encoding())))
            }
            Err((exchange, error)) => {
                self.put_state(State::Open(exchange));
                Err(exception::io_error(ruby, &format!("the socket can't be had: {error}")))
            }
        }
    }
}
