//! What a request came on, and what its answer goes to: a connection of HTTP/1, or a stream of one of HTTP/2.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::account::Noted;
use super::completion::Completion;
use super::connection::{After, Connection, Life, Part, ReadError, Stream, TakenSocket};
use super::context::Context;
use super::listener::Local;
use super::overflow::Common;
use super::owner::Owner;
use super::peer::PeerAddr;
use super::unsent::{Flushed, Unsent};
use crate::error::{Fault, Flood};
use crate::http::decode::Trailers;
use crate::http::plan::BodyFraming;

/// One of the two.
#[derive(Clone, Debug)]
pub(super) enum Line {
    Connection(Arc<Connection>),
    Stream(Arc<Stream>),
}

impl Line {
    /// What it has in common with others of its connection.
    pub(super) fn common(&self) -> Option<Arc<Common>> {
        match self {
            Line::Connection(_) => None,
            Line::Stream(stream) => stream.connection().link.get().map(|link| link.overflow().clone()),
        }
    }

    /// The connection, whichever it is.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        match self {
            Line::Connection(connection) => connection,
            Line::Stream(stream) => stream.connection(),
        }
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.connection().context
    }

    pub(super) fn peer(&self) -> PeerAddr {
        self.connection().peer()
    }

    pub(super) fn local(&self) -> &Local {
        &self.connection().local
    }

    /// What the poll side knows the connection by.
    pub(super) fn key(&self) -> usize {
        self.connection().key
    }

    /// A worker took the request.
    pub(super) fn is_taken(&self, micros: u64) {
        match self {
            Line::Connection(connection) => connection.taken.store(micros, Ordering::Relaxed),
            Line::Stream(stream) => stream.is_taken(micros),
        }
    }

    /// Which one.
    pub(super) fn is_served_by(&self, worker: u64) {
        match self {
            Line::Connection(connection) => connection.worker.store(worker, Ordering::Relaxed),
            Line::Stream(stream) => stream.served().worker.store(worker, Ordering::Relaxed),
        }
    }

    /// Where those who wait for the client are told.
    pub(super) fn owner(&self) -> &Owner {
        match self {
            Line::Connection(connection) => &connection.owner,
            Line::Stream(stream) => &stream.served().owner,
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn has_left(&self) -> bool {
        match self {
            Line::Connection(connection) => connection.socket.has_left(),
            Line::Stream(stream) => stream.has_left(),
        }
    }

    /// The poll side answers the request with a fault in the place of whoever would; false when an answer has begun.
    pub(super) fn take_back(&self, fault: Fault) -> bool {
        match self {
            Line::Connection(connection) => connection.take_back(fault),
            Line::Stream(stream) => stream.take_back(fault),
        }
    }

    pub(super) fn read_body(&self, most: usize, buffer: &mut [u8]) -> Result<Part, ReadError> {
        match self {
            Line::Connection(connection) => connection.read_body(most, buffer),
            Line::Stream(stream) => stream.read_body(most),
        }
    }

    pub(super) fn body_progress(&self) -> (u64, u64) {
        match self {
            Line::Connection(connection) => connection.body_progress(),
            Line::Stream(stream) => stream.body_progress(),
        }
    }

    pub(super) fn take_trailers(&self) -> Trailers {
        match self {
            Line::Connection(connection) => connection.life(Life::take_trailers),
            Line::Stream(stream) => stream.take_trailers(),
        }
    }

    pub(super) fn send_continue(&self) -> Result<&'static [u8], ReadError> {
        match self {
            Line::Connection(connection) => connection.send_continue(),
            Line::Stream(stream) => {
                stream.send_continue();
                Ok(b"")
            }
        }
    }

    /// How many bytes were taken, and whether the transport holds some of what has been.
    pub(super) fn send_interim(&self, bytes: &[u8]) -> io::Result<(usize, bool)> {
        match self {
            Line::Connection(connection) => connection.send_interim(bytes),
            Line::Stream(stream) => Ok((stream.send_interim(bytes)?, false)),
        }
    }

    /// Gives the connection away, or the stream: with a head that grants it, or the app writes one of HTTP/1.1.
    pub(super) fn hijack(&self, granted: Option<&[u8]>) -> io::Result<TakenSocket> {
        match self {
            Line::Connection(connection) => connection.hijack(),
            Line::Stream(stream) => stream.hijack(granted),
        }
    }

    /// An answer begins whose head has so many bytes: those that are written next.
    pub(super) fn begins(&self, head: usize, framing: BodyFraming) {
        if let Line::Stream(stream) = self {
            stream.begins(head, framing);
        }
    }

    /// Writes as much of the parts as is taken now; and whether the transport holds some of what has been. What is in frames is
    /// the session's to send.
    pub(super) fn write(&self, parts: &[IoSlice<'_>]) -> (io::Result<usize>, bool) {
        match self {
            Line::Connection(connection) => {
                connection.wire(|wire| (wire.write(parts).map(Option::unwrap_or_default), wire.transport.holds()))
            }
            Line::Stream(stream) => (stream.write(parts), false),
        }
    }

    /// Writes what is kept, `most` bytes at most; how many bytes have left by way of what the transport holds, and whether it still
    /// does.
    pub(super) fn flush(&self, unsent: &mut Unsent, most: u64) -> (io::Result<Flushed>, u64, bool) {
        match self {
            Line::Connection(connection) => connection.wire(|wire| {
                let passed = wire.transport.passed();
                let flushed = unsent.write_to(wire, most);
                let flushed = if let Ok(Flushed::All) = flushed { wire.flush().map(|_| Flushed::All) } else { flushed };
                (flushed, wire.transport.passed() - passed, wire.transport.holds())
            }),
            Line::Stream(stream) => (stream.flush(unsent, most), 0, false),
        }
    }

    /// What its connection was ended for, where that was a flood.
    pub(super) fn flood(&self) -> Option<Flood> {
        self.connection().link.get()?.flood()
    }

    /// The client's certificate in PEM, where it was asked for one and has one.
    pub(super) fn peer_certificate(&self) -> Option<Arc<str>> {
        let connection = self.connection();
        match connection.link.get() {
            Some(link) => link.lock().transport.peer_certificate(),
            None => connection.life(|life| life.peer_certificate()),
        }
    }

    /// The body has come to an end that its head does not tell: it is told when all before it has been sent. Trailers are lines.
    pub(super) fn ends(&self, trailers: &[u8], is_all_sent: bool) {
        if let Line::Stream(stream) = self {
            stream.ends(trailers, is_all_sent);
        }
    }

    /// The next connection is to be another one.
    pub(super) fn retires(&self) {
        if let Line::Stream(stream) = self {
            stream.retires();
        }
    }

    pub(super) fn give_back(&self, rest: (Unsent, Option<Noted>), completion: Option<Completion>, after: After) {
        match self {
            Line::Connection(connection) => connection.give_back(rest, completion, after),
            Line::Stream(stream) => stream.give_back(rest, completion),
        }
    }

    pub(super) fn give_up(&self) {
        match self {
            Line::Connection(connection) => connection.give_up(),
            Line::Stream(stream) => stream.give_up(),
        }
    }
}
