//! One connection's life.

mod body;
mod sending;
mod takeover;

use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use self::body::{Part, ReadError};
use super::body_clock;
use super::context::{Context, Streamed};
use super::deadlines::Deadline;
use super::listener::Local;
use super::notice::Notice;
use super::owner::Owner;
use super::senders::Senders;
use super::stream::{PeerAddr, Stream};
use super::unsent::Unsent;
use crate::error::Fault;
use crate::http::receive::{Progress, Receiver};
use crate::http::{date, encode};

/// How long a connection that has sent nothing yet is waited for when the engine drains.
const DRAIN_GRACE: Duration = Duration::from_millis(500);
/// How many buffers full are read from one connection before the others have their turn.
const READS: usize = 16;

/// A connection. It is owned by one side at a time ([`Owner`]): the poll side, which reads; whoever serves its request, which
/// answers; or a sender, which sends what is left of a long answer.
#[derive(Debug)]
pub struct Connection {
    pub(super) key: usize,
    pub(super) stream: Stream,
    pub(super) peer: PeerAddr,
    pub(super) local: Arc<Local>,
    pub(super) deadline: Deadline,
    pub(super) owner: Owner,
    life: Mutex<Life>,
}

/// ```text
///   Reading --complete request--> Handed --answer--> Reading
///      |                            |  \--answer not taken whole--> Flushing(Next) --> Reading
///      \--fault--> Flushing(Close) <-/                                  |
///                       \--> Lingering --client closes, or LINGER--> (closed)
///   Handed --the app takes the socket--> Hijacked --> (forgotten)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    Handed,
    Flushing(After),
    Lingering { read: usize },
    Aborted,
    Hijacked,
}

/// What follows when all is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Next,
    Close,
}

#[derive(Debug)]
pub(super) struct Life {
    state: State,
    progress: Progress,
    /// Requests of this connection that have been answered.
    pub(super) answered: u64,
    /// When the body that is arriving began, in the clock's milliseconds.
    pub(super) body_since: u64,
    /// The place of a streamed body, until whoever serves the request takes it.
    pub(super) streamed: Option<Streamed>,
    /// The client waits for a 100, which whoever reads the body sends.
    pub(super) wants_continue: bool,
    /// The socket may hold bytes for which no further event will come (edge-triggered): not all was read since the last.
    has_unread: bool,
    /// As [`Look::MayBeEnded`], of the last look.
    may_be_ended: bool,
    pub(super) receiver: Receiver,
    outgoing: Unsent,
    /// `write_timeout` is over: what is tried now is the last.
    is_late: bool,
    /// Who wants to know when all of it has been sent.
    notice: Option<Notice>,
}

/// Why a connection is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// An event says that it can be read or written.
    Open,
    /// An event says that the client has ended it, or events have been missed.
    MayBeEnded,
}

/// What a look at a connection found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing more to do until there is an event, or the deadline is over.
    Wait,
    /// There may be more to read or to send: look again without an event.
    Again,
    /// Much is to be sent, and the connection no longer the poll side's: a sender is to have it.
    Send,
    /// A request is complete, and the connection no longer the poll side's.
    Request,
    /// It is to be closed.
    Close,
}

enum Step {
    Go,
    Stop(Verdict),
}

impl Connection {
    pub(super) fn new(key: usize, stream: Stream, peer: PeerAddr, local: Arc<Local>, context: &Context) -> Connection {
        let connection = Connection {
            key,
            stream,
            peer,
            local,
            deadline: Deadline::default(),
            owner: Owner::default(),
            life: Mutex::new(Life {
                state: State::Reading,
                progress: Progress::Idle,
                answered: 0,
                body_since: 0,
                streamed: None,
                wants_continue: false,
                has_unread: false,
                may_be_ended: false,
                receiver: Receiver::default(),
                outgoing: Unsent::default(),
                is_late: false,
                notice: None,
            }),
        };
        connection.expect_within(context.config.header_timeout, context);
        connection
    }

    /// Looks at it, as its owner: flushes, reads, closes, as far as the socket lets it.
    pub(super) fn advance(&self, look: Look, buffer: &mut [u8], context: &Context) -> Verdict {
        let life = &mut *self.life.lock();
        life.has_unread = true;
        life.may_be_ended = look == Look::MayBeEnded;
        let mut reads = READS;
        loop {
            let step = match life.state {
                State::Flushing(_) if life.outgoing.is_long() => {
                    self.owner.hand_over_to_be_sent();
                    Step::Stop(Verdict::Send)
                }
                State::Flushing(after) => self.flush(life, after, context),
                State::Reading if reads == 0 => Step::Stop(Verdict::Again),
                State::Reading => {
                    reads -= 1;
                    self.read(life, buffer, context)
                }
                State::Lingering { read } => self.linger(life, read, buffer),
                State::Aborted | State::Hijacked => Step::Stop(Verdict::Close),
                State::Handed => Step::Stop(Verdict::Wait),
            };
            if let Step::Stop(verdict) = step {
                return verdict;
            }
        }
    }

    /// Its deadline is over, and the poll side owns it.
    pub(super) fn expire(&self, buffer: &mut [u8], context: &Context) -> Verdict {
        {
            let life = &mut *self.life.lock();
            match (life.state, life.progress) {
                (State::Reading, Progress::Idle) => {
                    context.stats.keepalive_timeout.add();
                    return Verdict::Close;
                }
                (State::Reading, Progress::Body) => self.refuse_in(life, Fault::BodyTimeout, context),
                (State::Reading, _) => self.refuse_in(life, Fault::HeadTimeout, context),
                (State::Handed, _) => return Verdict::Wait,
                (State::Flushing(_), _) => {
                    // The kernel takes more long before it says so.
                    life.is_late = true;
                    self.deadline.clear();
                }
                (State::Lingering { .. } | State::Aborted | State::Hijacked, _) => return Verdict::Close,
            }
        }
        self.advance(Look::MayBeEnded, buffer, context)
    }

    /// Refuses a request that was taken back.
    pub(super) fn refuse(&self, fault: Fault, context: &Context) {
        self.refuse_in(&mut self.life.lock(), fault, context);
    }

    /// Whether its request is still to be served.
    pub(crate) fn is_served(&self) -> bool {
        self.owner.is_served()
    }

    /// Gives up a request that waits to be served, if its client has left.
    pub(crate) fn is_gone(&self, context: &Context) -> bool {
        let is_gone = self.stream.has_ended() && self.owner.begin_answer();
        if is_gone {
            context.stats.gone.add();
            self.give_up(context);
        }
        is_gone
    }

    /// Whether the app has taken its socket.
    pub(super) fn is_hijacked(&self) -> bool {
        self.life.lock().state == State::Hijacked
    }

    /// Ends it for the client, even where a forked child still holds its descriptor. An error means that it has ended.
    pub(super) fn end(&self) {
        if !matches!(self.life.lock().state, State::Aborted | State::Hijacked) {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// The engine is over: whoever still serves the request, on whatever thread, and its client hear of it at once.
    pub(super) fn cut(&self) {
        if self.life.lock().state == State::Handed {
            self.stream.cut();
        }
        self.owner.ring();
    }

    /// The engine has begun to drain: true when nothing of a request has come, and none is to be waited for.
    pub(super) fn is_done_when_draining(&self, context: &Context) -> bool {
        let life = self.life.lock();
        if (life.state, life.progress) != (State::Reading, Progress::Idle) {
            return false;
        }
        if life.answered == 0 {
            self.expect_within(DRAIN_GRACE, context);
        }
        life.answered > 0
    }

    /// Lets whoever serves the request at the connection's inner state. Only for the side that owns it.
    pub(super) fn life<T>(&self, work: impl FnOnce(&mut Life) -> T) -> T {
        work(&mut self.life.lock())
    }

    /// Gives the connection back to the poll side after an answer, of which `unsent` has not been taken by the socket, and
    /// for which `notice` waits; to a sender, if that is much.
    pub(super) fn give_back(
        self: &Arc<Self>,
        unsent: Unsent,
        notice: Option<Notice>,
        after: After,
        context: &Arc<Context>,
    ) {
        let (look, is_long) = {
            let life = &mut *self.life.lock();
            life.outgoing = unsent;
            life.notice = notice;
            life.answered += 1;
            (self.settle(life, after, context), life.outgoing.is_long())
        };
        if is_long {
            Senders::send(self.clone(), context);
        } else {
            self.release(look, context);
        }
    }

    /// Gives the connection back to be closed at once, so that the client sees that its answer is not whole.
    pub(super) fn give_up(&self, context: &Context) {
        self.stream.reset_on_close();
        self.life.lock().state = State::Aborted;
        self.release(true, context);
    }

    fn release(&self, look: bool, context: &Context) {
        if self.owner.give_back() || look {
            context.note(self.key);
        }
    }

    fn read(&self, life: &mut Life, buffer: &mut [u8], context: &Context) -> Step {
        let length = match (&self.stream).read(buffer) {
            Ok(0) => return Step::Stop(Verdict::Close),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                life.has_unread = false;
                return Step::Stop(Verdict::Wait);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Step::Go,
            Err(_) => return Step::Stop(Verdict::Close),
        };
        // Less than was asked for: the socket is empty, and the next byte will be an event (epoll(7), question 9). But
        // an end that is there already has had its event, and only reading on finds it.
        life.has_unread = length == buffer.len() || life.may_be_ended;
        match life.receiver.feed(&buffer[..length], &context.config.limits) {
            Ok(progress) => match self.progressed(life, progress, context) {
                Step::Go if !life.has_unread && life.state == State::Reading => Step::Stop(Verdict::Wait),
                step => step,
            },
            Err(fault) => self.refused(life, fault, context),
        }
    }

    fn progressed(&self, life: &mut Life, progress: Progress, context: &Context) -> Step {
        let before = std::mem::replace(&mut life.progress, progress);
        match progress {
            Progress::Idle => {}
            // The time for a head runs from its first byte to its last, however many there are in between.
            Progress::Head if before == Progress::Head => {}
            Progress::Head => {
                self.expect_within(context.config.header_timeout, context);
            }
            Progress::Headed { wants_continue } => return self.headed(life, wants_continue, context),
            Progress::Body => {
                let now = context.clock.now();
                let due = body_clock::due(life.receiver.received(), life.body_since, now, &context.config);
                // It is the poll side that asks, which looks at the deadline after every look.
                let _ = self.deadline.set(due);
            }
            Progress::Complete => return self.hand_over(life, context),
        }
        Step::Go
    }

    fn hand_over(&self, life: &mut Life, context: &Context) -> Step {
        life.state = State::Handed;
        match context.config.request_timeout {
            Some(limit) => {
                self.expect_within(limit, context);
            }
            None => self.deadline.clear(),
        }
        self.owner.hand_over();
        Step::Stop(Verdict::Request)
    }

    fn refused(&self, life: &mut Life, fault: Fault, context: &Context) -> Step {
        self.refuse_in(life, fault, context);
        Step::Go
    }

    fn refuse_in(&self, life: &mut Life, fault: Fault, context: &Context) {
        context.refuse(fault, self.peer);
        life.streamed = None;
        let is_head = life.receiver.is_head();
        let answer = encode::refusal(fault, is_head, &date::format(date::now()));
        life.outgoing = Unsent::of(&answer);
        life.state = State::Flushing(After::Close);
        self.expect_within(context.config.write_timeout, context);
    }

    /// Sets the deadline; true when the poll side must be told, if it is not the one who asks.
    fn expect_within(&self, wait: Duration, context: &Context) -> bool {
        self.deadline.set(context.clock.after(wait))
    }
}
