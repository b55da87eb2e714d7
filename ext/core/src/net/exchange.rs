//! One request and its answer, from the side that serves it. No lock is held between its methods.

mod accounts;
mod patience;
pub mod sending;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use self::patience::Patience;
use super::account::{End, Noted};
use super::client::Client;
use super::completion::Completion;
use super::connection::After;
pub use super::connection::{Family, Part, ReadError, TakenSocket};
use super::context::{Context, StreamingPlace};
use super::detached::Entry;
use super::line::Line;
use super::listener::Local;
use super::overdue::key_of;
use super::peer::PeerAddr;
use super::request::Request;
use super::right::{self, Right};
use super::unsent::Unsent;
pub use super::unsent::{AT_ONCE, Lent, Piece};
use crate::error::Fault;
use crate::http::date;
use crate::http::decode::Trailers;
use crate::http::encode;
use crate::http::framing::Length;
use crate::http::head::{Head, Version};
use crate::http::plan::{Asked, Plan};
use crate::http::request_id::Made;
use crate::http::spool::Body;

/// A request, the right to answer it, and its connection for that long. Dropped unanswered, it closes the connection, so a
/// server that fails never leaves a client waiting.
#[derive(Debug)]
pub struct Exchange {
    line: Line,
    context: Arc<Context>,
    right: Arc<Right>,
    /// Until its end.
    head: Option<Arc<Head>>,
    body: Body,
    trailers: Trailers,
    rest: Rest,
    asked: Asked,
    is_chunked: bool,
    /// It has a body that comes in frames.
    has_frames: bool,
    is_last: bool,
    unsent: Unsent,
    /// Some of what was sent has not left yet: the transport holds it.
    is_held: bool,
    patience: Patience,
    /// Bytes of it that are being moved to a file ([`Exchange::begin_spill`]).
    spilling: u64,
    answer: Answer,
    /// For the account of it.
    noted: Noted,
    made_id: Option<Made>,
    /// No worker has anything to do with it any more.
    detached: Option<Entry>,
}

const HELD: &str = "a request has its head until its end";

/// ```text
///   Waited --first byte--> Begun --> Over
///      \--taken back by the poll side (504)--> Late --> Over
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Waited,
    Begun,
    Late,
    Over,
}

/// What of the request's body is still to come.
#[derive(Debug)]
enum Rest {
    Nothing,
    /// With the place that it has while a worker waits for it.
    Arriving(Option<StreamingPlace>),
    /// It can't be read to its end: where the next request begins is not known.
    Lost,
}

impl Exchange {
    /// The same number as [`Overdue::key`] of the same request.
    ///
    /// [`Overdue::key`]: super::overdue::Overdue::key
    pub fn key(&self) -> usize {
        key_of(&self.right)
    }

    pub(crate) fn begin(request: Request) -> Exchange {
        let Request { line, right, head, framing, body, trailers, place, answered, ready, made_id } = request;
        let context = line.context().clone();
        context.begin_request();
        let taken = context.time_to_note();
        line.is_taken(taken);
        let is_stream = head.version() == Version::Http2;
        let is_last = !is_stream && context.config.max_keepalive_requests.is_some_and(|most| answered + 1 >= most);
        let asked = Asked::of(&head, !is_last && framing.is_some_and(|framing| framing.keep_alive));
        let is_chunked = framing.is_some_and(|framing| framing.length == Length::Chunked);
        Exchange {
            line,
            context,
            right,
            head: Some(head),
            body,
            trailers,
            rest: place.map_or(Rest::Nothing, |place| Rest::Arriving(Some(place))),
            asked,
            is_chunked,
            has_frames: is_stream && framing.is_some_and(|framing| framing.length != Length::None),
            is_last,
            unsent: Unsent::default(),
            is_held: false,
            patience: Patience::default(),
            spilling: 0,
            answer: Answer::Waited,
            noted: Noted { ready, taken, ..Noted::default() },
            made_id,
            detached: None,
        }
    }

    /// The request's head.
    pub fn head(&self) -> &Head {
        self.head.as_ref().expect(HELD)
    }

    /// The request's body, once.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// The trailer fields, once: of a body that arrives while it is read, when it has been read to its end.
    pub fn take_trailers(&mut self) -> Trailers {
        std::mem::take(&mut self.trailers)
    }

    /// A part of a body that was handed over before it had come ([`Body::Arriving`]), `most` bytes at most; `buffer` is room
    /// to read into. After [`Part::NotYet`], wait for more.
    ///
    /// # Errors
    /// A [`Fault`] of the client's, which is counted here, or [`ReadError::Gone`]. The body is lost then.
    pub fn read(&mut self, most: usize, buffer: &mut [u8]) -> Result<Part, ReadError> {
        let part = self.read_part(most, buffer);
        match part {
            Ok(Part::NotYet) => self.send_continue()?,
            Err(ReadError::Fault(fault)) => self.tell_fault(fault),
            _ => {}
        }
        part
    }

    /// For how long more of the body may be waited for.
    pub fn body_wait(&self) -> Duration {
        let (now, pace) = (self.context.clock.now(), self.line.connection().body_pace());
        self.patience.body_left(pace, self.line.body_progress(), now)
    }

    /// More of the body has been waited for.
    pub fn has_waited_for_body(&mut self, time: Duration) {
        self.patience.waited_for_body(time);
    }

    /// For how long the client may be waited for to read on: `write_timeout`, and in all no longer than what it has read pays
    /// for (`write_min_rate`). Zero when that is over: then the answer is to be given up, if another try brings nothing.
    pub fn room_wait(&self) -> Duration {
        self.patience.room_left(self.line.connection().write_pace())
    }

    /// The client has been waited for to read on.
    pub fn has_waited_for_room(&mut self, time: Duration) {
        self.patience.waited_for_room(time);
    }

    /// The client may wait for a 100 before it sends more. Whoever waits for the client then waits for room, too.
    fn send_continue(&mut self) -> Result<(), ReadError> {
        if self.answer == Answer::Waited {
            let rest = self.line.send_continue()?;
            if rest.is_empty() { Ok(()) } else { self.keep_interim(rest).map_err(ReadError::Gone) }
        } else if self.is_blocked() && self.kept() < encode::CONTINUE.len() as u64 {
            self.flush(encode::CONTINUE.len()).map(|_| ()).map_err(ReadError::Gone)
        } else {
            Ok(())
        }
    }

    /// More of the body has not come in time: it is lost. The fault to answer with.
    pub fn time_out(&mut self) -> Fault {
        self.rest = Rest::Lost;
        self.tell_fault(Fault::BodyTimeout);
        Fault::BodyTimeout
    }

    /// Before an answer's head is made: what nobody has read of the body is read away, as far as it has come. If that is
    /// not all of it, the connection ends with the answer.
    pub fn skip_body(&mut self) {
        const MOST: usize = 64 * 1024;
        if let Rest::Arriving(_) = self.rest {
            let mut buffer = vec![0; MOST];
            let mut skipped = 0;
            while let Ok(Part::Bytes(part)) = self.read_part(MOST, &mut buffer) {
                skipped += part.len();
                if skipped > MOST {
                    break;
                }
            }
        }
        self.asked.keep_alive &= matches!(self.rest, Rest::Nothing);
    }

    fn read_part(&mut self, most: usize, buffer: &mut [u8]) -> Result<Part, ReadError> {
        if let Rest::Lost = self.rest {
            return Err(ReadError::Gone(io::ErrorKind::UnexpectedEof.into()));
        }
        let part = self.line.read_body(most, buffer);
        match part {
            Ok(Part::Bytes(_)) => self.patience.has_sent(),
            Ok(Part::NotYet) => {}
            Ok(Part::End) => {
                if let Rest::Arriving(_) = std::mem::replace(&mut self.rest, Rest::Nothing) {
                    self.trailers = self.line.take_trailers();
                }
            }
            Err(_) => self.rest = Rest::Lost,
        }
        part
    }

    /// No worker has anything to do with it any more: the app reads and writes on a thread of its own.
    pub fn detach(&mut self) {
        if let Rest::Arriving(place) = &mut self.rest {
            place.take();
        }
        if self.detached.replace(self.context.detached.enter(self.head().describe())).is_none() {
            self.context.leave_request();
        }
    }

    /// Whether the client is known to have left ([`Socket::has_left`](super::socket::Socket::has_left)): one that has only ended
    /// its sending half waits for its answer.
    pub fn is_client_gone(&self) -> bool {
        matches!(self.rest, Rest::Lost) || self.line.has_left()
    }

    /// Whether trailer fields may follow the body. With HTTP/2 they may follow any.
    pub fn may_have_trailers(&self) -> bool {
        self.is_chunked || self.has_frames
    }

    /// Whether the client sent the body without a length: in chunks, or in frames.
    pub fn is_chunked(&self) -> bool {
        self.is_chunked
    }

    /// Who asks: the client that a proxy names by the PROXY protocol, or who has opened the connection.
    pub fn peer(&self) -> PeerAddr {
        self.line.peer()
    }

    /// Where it was asked.
    pub fn local(&self) -> &Local {
        self.line.local()
    }

    /// The client's certificate in PEM, where it was asked for one and has one: it was verified.
    pub fn peer_certificate(&self) -> Option<Arc<str>> {
        // Nearly always clients are not asked, which is known without a lock.
        self.local().tls.as_ref().filter(|port| port.asks_clients())?;
        self.line.peer_certificate()
    }

    /// What the answer has to go by. A draining engine keeps no connection open.
    pub fn asked(&self) -> Asked {
        let is_lost = matches!(self.rest, Rest::Lost);
        let may_go_on = self.asked.keep_alive && !is_lost;
        let keep_alive = may_go_on && self.context.keeps_alive();
        if may_go_on && !keep_alive {
            self.line.retires();
        }
        Asked { keep_alive, ..self.asked }
    }

    /// The client, to wait for it.
    pub fn client(&self) -> Client {
        Client::new(self.line.clone())
    }

    /// The engine's settings and counters.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Gives the socket to the caller, and what has come from it and has not been read: the engine forgets the connection. Where the
    /// client speaks TLS, or HTTP/2, the socket is one end of a pair, and Kino speaks that for the caller.
    ///
    /// # Errors
    /// Both the request and the error, when the process has no descriptor left, or when the request was answered by
    /// others, or is one of HTTP/2 that has asked for no tunnel.
    pub fn hijack(self: Box<Self>) -> Result<TakenSocket, (Box<Self>, io::Error)> {
        self.give_away(None)
    }

    /// The same of a stream of HTTP/2, by an answer that grants it ([`Asked::is_extended`]): its status, and the lines of its head.
    ///
    /// # Errors
    /// As [`Exchange::hijack`].
    pub fn grant(mut self: Box<Self>, status: u16, head: &[u8]) -> Result<TakenSocket, (Box<Self>, io::Error)> {
        self.noted.status = status;
        self.give_away(Some(head))
    }

    fn give_away(mut self: Box<Self>, granted: Option<&[u8]>) -> Result<TakenSocket, (Box<Self>, io::Error)> {
        match self.begin_answer().and_then(|()| self.line.hijack(granted)) {
            Ok(taken) => {
                self.answer = Answer::Over;
                self.leave();
                self.account(End::Taken);
                Ok(taken)
            }
            Err(error) => Err((self, error)),
        }
    }

    /// The answer is whole. What is still kept is sent by the poll side; who wants to hear of that gives a completion.
    pub fn finish(mut self, keep_alive: bool, completion: Option<Completion>) {
        // What was taken away to be moved to a file has not come back.
        if self.spilling > 0 {
            return self.give_up();
        }
        if keep_alive {
            self.skip_body();
        }
        let keep_alive = keep_alive && matches!(self.rest, Rest::Nothing);
        self.end(|exchange| {
            if exchange.is_last {
                exchange.context.stats.max_keepalive_requests.add();
            }
            let after = if keep_alive { After::Next } else { After::Close };
            let unsent = std::mem::take(&mut exchange.unsent);
            // What is kept counts when it has been sent, or given up.
            let noted = if unsent.is_empty() && !exchange.is_held {
                exchange.context.stats.answered.add();
                exchange.account(End::Whole);
                None
            } else {
                Some(exchange.noted)
            };
            // Given up first, so that the next one has its room.
            exchange.head = None;
            exchange.line.give_back((unsent, noted), completion, after);
        });
    }

    /// The answer can't be made whole: the connection is closed so that the client can tell.
    pub fn abort(mut self) {
        self.give_up();
    }

    /// Answers with a fault. Only while nothing of an answer has been sent.
    pub fn refuse(mut self, fault: Fault) {
        let answer = encode::refusal(fault, self.asked.is_head, self.request_id(), &date::format(date::now()));
        self.noted.fault = Some(fault);
        let plan = Plan::of_refusal(fault.status(), answer.body() as u64);
        self.begins(plan, answer.head);
        if self.send(&answer.bytes).is_ok() { self.finish(false, None) } else { self.abort() }
    }

    /// The connection is this side's until the end from here on; unless the poll side has taken it back.
    fn begin_answer(&mut self) -> io::Result<()> {
        if self.answer == Answer::Waited {
            self.answer = if self.right.begin() { Answer::Begun } else { Answer::Late };
        }
        if self.answer == Answer::Late {
            return Err(right::lost());
        }
        Ok(())
    }

    fn give_up(&mut self) {
        self.end(|exchange| {
            exchange.context.stats.aborted.add();
            exchange.account(End::Cut);
            exchange.line.give_up();
        });
    }

    /// Nobody serves it any more.
    fn leave(&mut self) {
        if self.detached.take().is_none() {
            self.context.leave_request();
        }
        self.context.stats.running.sub();
    }

    fn end(&mut self, how: impl FnOnce(&mut Exchange)) {
        if self.answer == Answer::Over {
            return;
        }
        let is_ours = self.begin_answer().is_ok();
        self.answer = Answer::Over;
        self.leave();
        if is_ours {
            how(self);
        } else {
            self.context.stats.late.add();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(any(test, feature = "simulation"))]
impl Exchange {
    /// Whether it has this connection, to answer on it.
    pub(super) fn has(&self, connection: *const ()) -> bool {
        let is_unanswered = match self.answer {
            Answer::Waited => self.right.waits(),
            Answer::Begun => true,
            Answer::Late | Answer::Over => false,
        };
        is_unanswered && Arc::as_ptr(self.line.connection()).cast() == connection
    }
}
