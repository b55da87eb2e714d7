//! A request that is complete, or of which at least the head is: what waits in the queue, apart from the connection that it
//! came on. HTTP/1 has one at a time for each connection, HTTP/2 one for each stream.

use std::sync::Arc;

use super::account::{Account, CLIENT_LEFT, End, Noted};
use super::connection::Connection;
use super::context::StreamingPlace;
use super::line::Line;
use super::peer::PeerAddr;
use super::right::Right;
use crate::error::Fault;
use crate::http::decode::Trailers;
use crate::http::framing::Framing;
use crate::http::head::Head;
use crate::http::request_id::Made;
use crate::http::spool::Body;

/// A request that waits to be served. Dropped, it leaves its client without an answer: only for an engine that ends.
#[derive(Debug)]
pub struct Request {
    pub(super) line: Line,
    pub(super) right: Arc<Right>,
    pub(super) head: Arc<Head>,
    pub(super) framing: Option<Framing>,
    pub(super) body: Body,
    pub(super) trailers: Trailers,
    /// The place of a body that is still arriving.
    pub(super) place: Option<StreamingPlace>,
    /// Requests of its connection that were answered before.
    pub(super) answered: u64,
    /// When it was complete, in microseconds.
    pub(super) ready: u64,
    /// The id that was made for it.
    pub(super) made_id: Option<Made>,
}

impl Request {
    /// The one that a connection has found complete.
    pub(super) fn of(connection: &Arc<Connection>) -> Request {
        let right = connection.right();
        connection.life(|life| {
            let (head, body, framing) = life.take_request();
            Request {
                line: Line::Connection(connection.clone()),
                right,
                head,
                framing,
                body,
                trailers: life.take_trailers(),
                place: life.take_place(),
                answered: life.answered(),
                ready: life.ready(),
                made_id: life.made_id(),
            }
        })
    }

    /// Those that a connection's streams have brought; whether one that was given before has been given up, or is
    /// wanted sooner or later now.
    pub(super) fn take_streams(connection: &Arc<Connection>, into: &mut Vec<Request>) -> bool {
        connection.take_found(|stream, handed| {
            into.push(Request {
                line: Line::Stream(Arc::new(stream)),
                right: handed.right,
                head: handed.head,
                framing: handed.framing,
                body: handed.body,
                trailers: handed.trailers,
                place: handed.place,
                // How many a connection may have is its own to count.
                answered: 0,
                ready: handed.ready,
                made_id: handed.made_id,
            });
        })
    }

    /// Whether it is still to be served.
    pub(crate) fn waits(&self) -> bool {
        self.right.waits()
    }

    /// Its connection's key and its urgency, where it may be one of many of that connection.
    pub(crate) fn stream(&self) -> Option<(usize, u8)> {
        match &self.line {
            Line::Stream(stream) => Some((self.line.key(), stream.urgency())),
            Line::Connection(_) => None,
        }
    }

    /// Gives it up if its client is known to have left.
    pub(crate) fn is_gone(&self) -> bool {
        let is_gone = self.line.has_left() && self.right.begin();
        if is_gone {
            let context = self.line.context();
            context.stats.gone.add();
            let noted = Noted { ready: self.ready, status: CLIENT_LEFT, ..Noted::default() };
            let request_id = context.id_of(Some(&self.head), self.made_id.as_ref());
            context.account(|now| {
                let account = noted.account(&self.head, self.line.peer(), End::Cut, now);
                Account { request_id, ..account }
            });
            self.line.give_up();
        }
        is_gone
    }

    /// Method and path, without the query, and who has sent it.
    pub(crate) fn tell(&self) -> (String, PeerAddr) {
        (self.head.describe(), self.line.peer())
    }

    /// Tells whoever runs the server that no worker has taken it in time.
    pub(super) fn tell_late(&self, workers: &str) {
        let (request, peer) = (self.head.describe(), self.line.peer());
        let waited = self.line.context().config.queue_timeout.as_secs_f64();
        tracing::warn!(%peer, "answered with 503: {request} waited {waited} s for a worker; {workers} (queue_timeout)");
    }

    /// Whether it is the first of its connection, which has one at a time.
    pub(super) fn is_first(&self) -> bool {
        self.answered == 0 && matches!(self.line, Line::Connection(_))
    }

    /// Takes it back from the queue, and has it answered with a fault; false when that was done before.
    pub(super) fn take_back(&self, fault: Fault) -> bool {
        self.line.take_back(fault)
    }
}
