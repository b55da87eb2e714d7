//! What a connection is made of, and the states of its life.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use crate::budget::Share;
use crate::config::Config;
use crate::error::Fault;
use crate::http::decode::Trailers;
use crate::http::framing::Framing;
use crate::http::head::Head;
use crate::http::receive::Receiver;
use crate::http::request_id::Made;
use crate::http::spool::Body;
use crate::http::{date, encode};
use crate::net::account::Noted;
use crate::net::completion::Completion;
use crate::net::context::{Context, StreamingPlace};
use crate::net::deadlines::Deadline;
use crate::net::http2::Link;
use crate::net::listener::Local;
use crate::net::owner::Owner;
use crate::net::pace::Pace;
use crate::net::peer::PeerAddr;
use crate::net::right::Right;
use crate::net::socket::Socket;
use crate::net::transport::{Transport, Wire};
use crate::net::unsent::Unsent;

/// A connection. It is owned by one side at a time ([`Owner`]): the poll side, which reads; whoever serves its request, which
/// answers; or a helper, which does what takes long.
#[derive(Debug)]
pub struct Connection {
    pub(in crate::net) key: usize,
    pub(in crate::net) socket: Socket,
    peer: PeerAddr,
    /// Who the client is by the word of the proxy that it came through (PROXY protocol).
    pub(super) client: OnceLock<PeerAddr>,
    pub(in crate::net) local: Arc<Local>,
    pub(in crate::net) context: Arc<Context>,
    /// By when something has to have happened: the only one, since HTTP/1 has one request at a time, so the request's own
    /// deadline (`request_timeout`) is the connection's while it is served.
    pub(in crate::net) deadline: Deadline,
    pub(in crate::net) owner: Owner,
    /// Of the request that is served. Not in `life`, which may be locked for as long as its owner works.
    pub(super) right: Mutex<Arc<Right>>,
    pub(super) life: Mutex<Life>,
    /// When a worker took the request that is served, in microseconds, and which one: for the poll side, should it answer in its
    /// place. Zero before.
    pub(in crate::net) taken: AtomicU64,
    pub(in crate::net) worker: AtomicU64,
    /// What there is of it once it speaks HTTP/2: much, of which one that doesn't has nothing.
    pub(in crate::net) link: OnceLock<Box<Link>>,
    /// The descriptor.
    _share: Share,
}

/// ```text
///   Handshaking --(TLS)--> Receiving
///      \--fails--> Lingering, or Sending(Close) to a client of plain HTTP
///   Receiving --a request is complete--> Served --answer--> Receiving
///      |                                    |  \--answer not taken whole--> Sending(Next) --> Receiving
///      \--fault--> Sending(Close) <--------/                                   |
///                       \--> Lingering --client closes, or time is up--> Ended <---/
///   Receiving --100 not taken whole--> Sending(Body) --> Receiving
///   Served --the app takes the socket--> Hijacked --> (forgotten)
///   Receiving --HTTP/2's preface--> Speaking --all is said--> Lingering
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Handshaking,
    Receiving,
    Served,
    Sending(After),
    Lingering {
        read: usize,
    },
    /// HTTP/2, whose requests and answers have their own states: see [`Link`].
    Speaking,
    Ended,
    Aborted,
    Hijacked,
}

/// What follows when all is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum After {
    /// The next request.
    Next,
    /// The request's body: a 100 has been sent.
    Body,
    /// The connection's end.
    Close,
}

#[derive(Debug)]
pub(in crate::net) struct Life {
    pub(super) state: State,
    pub(super) transport: Transport,
    pub(super) unread: Unread,
    /// What has come of what comes before the first request.
    pub(super) preface: Option<Preface>,
    pub(super) receiver: Receiver,
    pub(super) arriving: Arriving,
    pub(super) remainder: Remainder,
    /// Requests of this connection that have been answered.
    pub(super) answered: u64,
    /// When the request that is served was complete, in microseconds; zero while the next one is waited for.
    pub(super) ready: u64,
    /// The id that was made for it.
    pub(super) made_id: Option<Made>,
    /// Its client was too slow, and is told so.
    pub(super) has_timed_out: bool,
    /// The place of one that may send the rest of its request for a while, though that has been answered.
    pub(super) lingering: Option<Share>,
}

/// What a connection may begin with, as far as it has come.
#[derive(Debug)]
pub(super) enum Preface {
    /// The header of a proxy, which has to come.
    Proxy(Vec<u8>),
    /// What says that HTTP/2 follows, which may come.
    Protocol(Vec<u8>),
}

impl Preface {
    /// What is to be looked for first.
    fn first(local: &Local, config: &Config) -> Option<Preface> {
        if local.speaks_proxy { Some(Preface::Proxy(Vec::new())) } else { Preface::second(local, config) }
    }

    /// And after a proxy's header. Within TLS the protocol is agreed on before.
    pub(super) fn second(local: &Local, config: &Config) -> Option<Preface> {
        (config.http2 && local.tls.is_none()).then(|| Preface::Protocol(Vec::new()))
    }

    /// Whether it is a part of a proxy's header.
    pub(super) fn is_half_a_header(&self) -> bool {
        matches!(self, Preface::Proxy(held) if !held.is_empty())
    }
}

/// A body that is still to come.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    /// When it began, in the clock's milliseconds.
    pub(super) since: u64,
    /// Bytes of it that have been given time for; its framing is given none.
    pub(super) paid: Option<u64>,
    /// The place of a streamed one, until whoever serves the request takes it.
    pub(super) place: Option<StreamingPlace>,
    /// The client waits for a 100, which whoever reads the body sends.
    pub(super) wants_continue: bool,
}

/// What is left of an answer.
#[derive(Debug, Default)]
pub(super) struct Remainder {
    pub(super) unsent: Unsent,
    /// Who wants to know when all of it has been sent.
    pub(super) completion: Option<Completion>,
    /// Since when its client is waited for, in the clock's milliseconds.
    pub(super) since: u64,
    /// Bytes that have been sent since.
    pub(super) sent: u64,
    /// What is noted of its request, which is over when all is sent.
    pub(super) noted: Option<Noted>,
}

/// What the socket may hold for which no further event will come (events are edge-triggered).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Nothing,
    /// Not all was read since the last event.
    Bytes,
    /// There may be an end, too, which a read that brings little does not show.
    BytesOrEnd,
}

/// Why a connection is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Look {
    /// An event says that it can be read or written.
    Open,
    /// An event says that the client has ended it, or it may have.
    MayBeEnded,
    /// It was noted: events have come while somebody else had it, or not all was read.
    Noted,
}

/// What a look at a connection found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Verdict {
    /// Nothing more to do until there is an event, or the deadline is over.
    Wait,
    /// There may be more to read or to send: look again without an event.
    Again,
    /// What is to be done takes long, and the connection is no longer the poll side's: a helper is to have it.
    Help,
    /// It is at its handshake, which is a helper's of another kind.
    Shake,
    /// A request is complete, and the connection no longer the poll side's.
    Request,
    /// It is to be closed.
    Close,
}

pub(super) enum Step {
    Go,
    Stop(Verdict),
}

/// What the poll side reads into, and how much it may still read and send in this turn: with more, other connections would
/// wait, and so would whoever waits for a lock that the poll side's thread holds.
#[derive(Debug)]
pub(in crate::net) struct Intake {
    pub(in crate::net) buffer: Box<[u8]>,
    pub(in crate::net) left: u64,
}

impl Intake {
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    pub(super) fn spend(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

impl Connection {
    pub(in crate::net) fn new(
        key: usize,
        socket: Socket,
        (peer, local): (PeerAddr, Arc<Local>),
        share: Share,
        context: &Arc<Context>,
    ) -> Connection {
        let connection = Connection {
            key,
            socket,
            peer,
            client: OnceLock::new(),
            local: local.clone(),
            context: context.clone(),
            deadline: Deadline::default(),
            owner: Owner::default(),
            right: Mutex::new(Arc::new(Right::of_nothing())),
            life: Mutex::new(Life {
                state: if local.tls.is_some() { State::Handshaking } else { State::Receiving },
                transport: Transport::default(),
                unread: Unread::Nothing,
                preface: Preface::first(&local, &context.config),
                receiver: Receiver::default(),
                arriving: Arriving::default(),
                remainder: Remainder::default(),
                answered: 0,
                ready: 0,
                made_id: None,
                has_timed_out: false,
                lingering: None,
            }),
            taken: AtomicU64::new(0),
            worker: AtomicU64::new(0),
            link: OnceLock::new(),
            _share: share,
        };
        let config = &context.config;
        connection.expect_within(if local.tls.is_some() { config.handshake_timeout } else { config.header_timeout });
        connection
    }

    /// Who is at its other end, or at that of the proxy it comes through.
    pub(in crate::net) fn peer(&self) -> PeerAddr {
        self.client.get().copied().unwrap_or(self.peer)
    }

    /// Lets its owner at the connection's inner state, which others never wait for: who owns it may be waiting for a disk.
    pub(in crate::net) fn life<T>(&self, work: impl FnOnce(&mut Life) -> T) -> T {
        work(&mut self.life.lock())
    }

    /// Lets its owner at the connection's bytes.
    pub(in crate::net) fn wire<T>(&self, work: impl FnOnce(&mut Wire<'_>) -> T) -> T {
        let mut life = self.life.lock();
        work(&mut Wire { transport: &mut life.transport, socket: &self.socket })
    }

    /// Sets the deadline; true when the poll side must be told, if it is not the one who asks.
    pub(super) fn expect_within(&self, wait: Duration) -> bool {
        self.deadline.set(self.context.clock.after(wait))
    }

    /// The poll side may have to look at it again, which it does without an event when it is noted.
    pub(super) fn release(&self, look: bool) {
        if self.owner.give_back() || look {
            self.context.note(self.key);
        }
    }

    pub(super) fn answer_fault(&self, life: &mut Life, fault: Fault) {
        self.context.tell_refusal(fault, self.peer());
        life.arriving.place = None;
        life.has_timed_out = fault.is_slowness();
        let is_head = life.receiver.is_head();
        // One that was not complete has none yet.
        if life.ready == 0 {
            life.made_id = self.context.make_id(life.receiver.seen().head());
        }
        let id = self.context.id_of(life.receiver.seen().head(), life.made_id.as_ref());
        let answer = encode::refusal(fault, is_head, id, &date::format(date::now()));
        self.begin_sending(life, Unsent::of(&answer.bytes, &self.context.kept), None, After::Close);
        self.account_of_fault(life, fault, answer.body() as u64);
    }

    /// What is left of an answer is sent from now on, and has to be read at a pace.
    pub(super) fn begin_sending(&self, life: &mut Life, unsent: Unsent, completion: Option<Completion>, after: After) {
        let since = self.context.clock.now();
        life.remainder = Remainder { unsent, completion, since, sent: 0, noted: None };
        life.state = State::Sending(after);
        let _ = self.deadline.set(self.write_pace().due(0, since, since));
    }

    pub(in crate::net) fn write_pace(&self) -> Pace {
        let config = &self.context.config;
        Pace { silence: config.write_timeout, min_rate: config.write_min_rate }
    }

    pub(in crate::net) fn body_pace(&self) -> Pace {
        let config = &self.context.config;
        Pace { silence: config.body_timeout, min_rate: config.body_min_rate }
    }
}

/// What a request is made of, taken by whoever the connection has handed it to.
impl Life {
    pub(in crate::net) fn take_request(&mut self) -> (Arc<Head>, Body, Option<Framing>) {
        self.receiver.take_request()
    }

    /// The trailer fields of a body that has come.
    pub(in crate::net) fn take_trailers(&mut self) -> Trailers {
        self.receiver.take_trailers()
    }

    /// The place of a body that is still arriving.
    pub(in crate::net) fn take_place(&mut self) -> Option<StreamingPlace> {
        self.arriving.place.take().filter(|_| !self.receiver.is_complete())
    }

    /// The client's certificate in PEM.
    pub(in crate::net) fn peer_certificate(&self) -> Option<Arc<str>> {
        self.transport.peer_certificate()
    }

    /// Requests of this connection that have been answered.
    pub(in crate::net) fn answered(&self) -> u64 {
        self.answered
    }

    /// The id that was made for the request.
    pub(in crate::net) fn made_id(&self) -> Option<Made> {
        self.made_id
    }

    /// When the request was complete, in microseconds.
    pub(in crate::net) fn ready(&self) -> u64 {
        self.ready
    }
}

impl Life {
    /// A look begins: the socket may hold anything.
    pub(super) fn begin_look(&mut self, look: Look) {
        self.unread = match (look, self.unread) {
            (Look::MayBeEnded, _) | (Look::Noted, Unread::BytesOrEnd) => Unread::BytesOrEnd,
            _ => Unread::Bytes,
        };
    }

    /// Nothing is there now.
    pub(super) fn has_nothing_unread(&mut self) {
        self.unread = Unread::Nothing;
    }

    /// A read brought something, and `is_drained` when the socket is empty after it.
    pub(super) fn has_read(&mut self, is_drained: bool) {
        // An end that is there already has had its event, and only reading on finds it.
        if is_drained && self.unread == Unread::Bytes {
            self.unread = Unread::Nothing;
        }
    }
}

/// How a connection stands, for whoever simulates.
#[cfg(any(test, feature = "simulation"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) struct Standing {
    /// A request of it is served, or waits to be.
    pub(in crate::net) is_served: bool,
    /// The app has its socket.
    pub(in crate::net) is_hijacked: bool,
    /// Requests that have been answered.
    pub(in crate::net) answered: u64,
    /// Bytes of an answer that are left.
    pub(in crate::net) unsent: u64,
    /// Which state it is in, to be told from others.
    state: State,
}

#[cfg(any(test, feature = "simulation"))]
impl Connection {
    pub(in crate::net) fn standing(&self) -> Standing {
        let life = self.life.lock();
        Standing {
            is_served: life.state == State::Served,
            is_hijacked: life.state == State::Hijacked,
            answered: life.answered,
            unsent: life.remainder.unsent.len(),
            state: life.state,
        }
    }
}
