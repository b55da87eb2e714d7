//! One request and its answer, from the side that serves it. No lock is held between its methods.

use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use bytes::BytesMut;

use super::connection::{After, Connection};
use super::context::Context;
use super::listener::Local;
use super::stream::PeerAddr;
use crate::error::Fault;
use crate::http::date;
use crate::http::encode::{self, Asked};
use crate::http::framing::Length;
use crate::http::head::Head;
use crate::http::spool::Body;

/// A complete request, the right to answer it, and its connection for that long. Dropped unanswered, it closes the
/// connection, so a server that fails never leaves a client waiting.
#[derive(Debug)]
pub struct Exchange {
    connection: Arc<Connection>,
    context: Arc<Context>,
    head: Head,
    body: Body,
    asked: Asked,
    is_chunked: bool,
    unsent: BytesMut,
    is_over: bool,
}

impl Exchange {
    pub(crate) fn begin(connection: Arc<Connection>, context: Arc<Context>) -> Exchange {
        let (head, body, framing) = connection.life(|life| life.receiver.take_request());
        context.stats.requests.add();
        context.stats.running.add();
        let asked = Asked::of(&head, framing.is_some_and(|framing| framing.keep_alive));
        let is_chunked = framing.is_some_and(|framing| framing.length == Length::Chunked);
        Exchange { connection, context, head, body, asked, is_chunked, unsent: BytesMut::new(), is_over: false }
    }

    /// The request's head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The request's body, once.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// Whether the client sent the body in chunks, and so without a length.
    pub fn is_chunked(&self) -> bool {
        self.is_chunked
    }

    /// Who asks.
    pub fn peer(&self) -> PeerAddr {
        self.connection.peer
    }

    /// Where it was asked.
    pub fn local(&self) -> &Local {
        &self.connection.local
    }

    /// What the answer has to go by. A draining engine keeps no connection open.
    pub fn asked(&self) -> Asked {
        Asked { keep_alive: self.asked.keep_alive && self.context.keeps_alive(), ..self.asked }
    }

    /// The same as [`Exchange::send`] for bytes that lie in one piece.
    ///
    /// # Errors
    /// When the client is gone. Nothing is kept then.
    pub fn send_one(&mut self, bytes: &[u8]) -> io::Result<()> {
        // Nearly always all of it is taken at once.
        match (&self.connection.stream).write(bytes) {
            Ok(length) if length == bytes.len() => Ok(()),
            Ok(length) => self.send(&mut [IoSlice::new(&bytes[length..])]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                self.send(&mut [IoSlice::new(bytes)])
            }
            Err(error) => Err(error),
        }
    }

    /// Sends bytes, in order; what the socket does not take now is kept, see [`Exchange::is_blocked`].
    ///
    /// # Errors
    /// When the client is gone. Nothing is kept then.
    pub fn send(&mut self, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        while self.unsent.is_empty() && !parts.is_empty() {
            match (&self.connection.stream).write_vectored(parts) {
                Ok(0) if parts.iter().all(|part| part.is_empty()) => return Ok(()),
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => IoSlice::advance_slices(&mut parts, length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.connection.stream.hold_little();
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        for part in parts {
            self.unsent.extend_from_slice(part);
        }
        Ok(())
    }

    /// Whether bytes wait for the client to read on. What comes next should wait too ([`Exchange::flush`]).
    pub fn is_blocked(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Tries to send what is kept: true when nothing is left.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.connection.write_out(&mut self.unsent)
    }

    /// The socket, to wait for the client to read on. To be read and written by this type's methods only.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.connection.stream.as_fd()
    }

    /// The engine's settings and counters.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The answer is whole. What is still kept is sent by the poll side.
    pub fn finish(mut self, keep_alive: bool) {
        self.context.stats.answered.add();
        self.end(|exchange| {
            let after = if keep_alive { After::Next } else { After::Close };
            let (head, unsent) = (std::mem::take(&mut exchange.head), std::mem::take(&mut exchange.unsent));
            exchange.connection.life(|life| life.receiver.give_head_back(head));
            exchange.connection.give_back(unsent, after, &exchange.context);
        });
    }

    /// The answer can't be made whole: the connection is closed so that the client can tell.
    pub fn abort(mut self) {
        self.give_up();
    }

    /// Answers with a fault of the server's own. Only while nothing of an answer has been sent.
    pub fn refuse(mut self, fault: Fault) {
        self.context.stats.refuse(fault);
        let answer = encode::refusal(fault, &date::format(date::now()));
        if self.send(&mut [IoSlice::new(&answer)]).is_ok() { self.finish(false) } else { self.abort() }
    }

    fn give_up(&mut self) {
        self.end(|exchange| {
            exchange.context.stats.aborted.add();
            exchange.connection.give_up(&exchange.context);
        });
    }

    fn end(&mut self, how: impl FnOnce(&mut Exchange)) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.context.stats.running.sub();
            how(self);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.give_up();
    }
}
