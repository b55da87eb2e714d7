//! The poll side: accepts, reads, flushes and keeps the deadlines of all connections that nobody else has.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::connection::{Connection, Intake, Look, Verdict};
use super::context::Context;
use super::deadlines::{Deadlines, NEVER};
use super::doors::{Doors, Knock};
use super::helpers::STUCK;
use super::listener::{Listener, Local};
use super::peer::PeerAddr;
use super::request::Request;
use super::socket::{Peek, Socket};
use super::trap::At;
use crate::config::Config;
use crate::error::Fault;
use crate::fatal;

const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 1024;
const BUFFER: usize = 64 * 1024;
/// Bytes that are read and sent in one turn: about a millisecond's worth. What is more has its turn in the next.
const BYTES: u64 = 1024 * 1024;
/// The same while the poller's thread holds a lock that others wait for.
const BYTES_BRIEFLY: u64 = 256 * 1024;
/// Connections accepted in one turn, and while others wait for a lock.
const ACCEPTS: usize = 64;
const ACCEPTS_BRIEFLY: usize = 16;
/// Connections that are closed at once to make room for newcomers, those that have been idle for longest, since finding them
/// takes a look at all: one in so many that there are, and never more than the most.
const EVICTED_OF: usize = 64;
const EVICTED: usize = 16;

/// How long a turn may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It waits for events, for that long at most (`None`: until there is one).
    Wait(Option<Duration>),
    /// It never waits, and does little at once: its thread holds a lock that others wait for.
    Brief,
}

/// Owning the poller is having the lead: there is one, and whoever holds it polls.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    events: Events,
    doors: Doors,
    connections: Slab<Arc<Connection>>,
    deadlines: Deadlines,
    intake: Intake,
    /// Connections to look at in the next turn, whatever the events are.
    again: Vec<usize>,
    ready: Vec<Request>,
    /// Some request was taken back in this turn, and may be in the queue still.
    has_taken_back: bool,
    is_draining: bool,
    /// Jobs wait for helpers that may be stuck.
    has_to_relieve: bool,
    context: Arc<Context>,
    /// Nobody else can accept, so its loss is the process's end.
    is_vital: bool,
}

/// What a turn has brought.
#[derive(Debug)]
pub struct Brought<'a> {
    /// Requests that are complete; they belong to whoever takes them.
    pub ready: std::vec::Drain<'a, Request>,
    /// A request that may still be queued was answered in its worker's place.
    pub has_taken_back: bool,
}

impl Drop for Poller {
    fn drop(&mut self) {
        // Lost by unwinding: a process that lived on without it would accept nothing, for ever.
        if self.is_vital && thread::panicking() {
            fatal::end("the thread that polled has panicked");
        }
        for (_, connection) in &self.connections {
            connection.cut();
        }
    }
}

impl Poller {
    /// A poller for `listeners`, and what it shares with those who serve.
    ///
    /// # Errors
    /// When the kernel refuses a poll or a listener in it.
    pub fn new(listeners: Vec<Listener>, config: Config) -> io::Result<Poller> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let doors = Doors::open(listeners, poll.registry(), WAKER)?;
        Ok(Poller {
            poll,
            events: Events::with_capacity(EVENTS),
            doors,
            connections: Slab::new(),
            deadlines: Deadlines::default(),
            intake: Intake { buffer: vec![0; BUFFER].into_boxed_slice(), left: 0 },
            again: Vec::new(),
            ready: Vec::new(),
            has_taken_back: false,
            is_draining: false,
            has_to_relieve: false,
            context: Arc::new(Context::new(config, waker)),
            is_vital: false,
        })
    }

    /// From now on, or no more, the process can't do without it.
    pub(crate) fn set_vital(&mut self, is_vital: bool) {
        self.is_vital = is_vital;
    }

    /// What is shared with those who serve.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Polls once, and does all there is to do, as far as it fits in one turn.
    pub fn turn(&mut self, turn: Turn) -> Brought<'_> {
        self.wait(turn);
        self.context.turn();
        self.context.trap.pass(At::Turn);
        self.intake.left = if turn == Turn::Brief { BYTES_BRIEFLY } else { BYTES };
        // First those that had to wait in the last turn.
        let mut noted = std::mem::take(&mut self.again);
        self.context.take_notes(&mut noted);
        for key in noted.drain(..) {
            self.look(key, Look::MayBeEnded);
        }
        if self.again.is_empty() {
            self.again = noted; // for its room
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                WAKER => {}
                token if self.doors.knock(token) => {}
                Token(key) if event.is_read_closed() || event.is_error() => self.look(key, Look::MayBeEnded),
                Token(key) => self.look(key, Look::Open),
            }
        }
        self.events = events;
        self.expire();
        self.accept(if turn == Turn::Brief { ACCEPTS_BRIEFLY } else { ACCEPTS });
        if self.context.is_draining() && !self.is_draining {
            self.drain();
        }
        self.has_to_relieve = self.context.helpers.relieve();
        let has_taken_back = std::mem::take(&mut self.has_taken_back);
        Brought { ready: self.ready.drain(..), has_taken_back }
    }

    /// Takes back a request that nobody can serve, and answers it with a fault; does nothing once an answer has begun.
    pub fn refuse(&mut self, request: &Request, fault: Fault) {
        if request.refuse(fault) {
            self.look(request.connection.key, Look::MayBeEnded);
        }
    }

    /// Whether the engine has drained: it accepts no more, and no connection is left.
    pub fn is_finished(&self) -> bool {
        self.is_draining && self.connections.is_empty()
    }

    fn wait(&mut self, turn: Turn) {
        let wait = match turn {
            Turn::Brief => Some(Duration::ZERO),
            Turn::Wait(most) => self.time_to_wait(most),
        };
        let blocks = wait != Some(Duration::ZERO);
        let wait = if blocks && !self.context.fall_asleep() { Some(Duration::ZERO) } else { wait };
        if let Err(error) = self.poll.poll(&mut self.events, wait)
            && error.kind() != io::ErrorKind::Interrupted
        {
            tracing::error!(%error, "polling failed");
        }
        if blocks {
            self.context.awake();
        }
    }

    fn time_to_wait(&self, most: Option<Duration>) -> Option<Duration> {
        if !self.again.is_empty() || (self.context.is_draining() && !self.is_draining) {
            return Some(Duration::ZERO);
        }
        let mut next = self.deadlines.next().min(self.doors.next());
        if self.has_to_relieve {
            next = next.min(self.context.clock.after(STUCK));
        }
        if next == NEVER {
            return most;
        }
        let until = Duration::from_millis(next.saturating_sub(self.context.clock.now()));
        Some(most.map_or(until, |most| most.min(until)))
    }

    fn look(&mut self, key: usize, look: Look) {
        let Some(connection) = self.connections.get(key) else { return };
        if connection.owner.claim() {
            let intake = &mut self.intake;
            let verdict = connection.contained(At::Connection, || connection.advance(look, intake));
            self.follow(key, verdict.unwrap_or(Verdict::Close));
        }
    }

    fn follow(&mut self, key: usize, verdict: Verdict) {
        let connection = &self.connections[key];
        if verdict == Verdict::Close
            || verdict == Verdict::Wait && self.is_draining && connection.is_done_when_draining()
        {
            return self.close(key);
        }
        self.deadlines.schedule(key, &connection.deadline);
        match verdict {
            Verdict::Request => self.ready.push(Request::of(connection)),
            Verdict::Again => self.again.push(key),
            Verdict::Help => self.context.helpers.put(connection.clone()),
            Verdict::Wait | Verdict::Close => {}
        }
    }

    fn close(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        if connection.is_hijacked() {
            // A socket that is closed here leaves the poll by itself only when nobody else has it.
            let _ = self.poll.registry().deregister(&mut SourceFd(&connection.socket.as_fd().as_raw_fd()));
        } else {
            connection.end();
        }
        self.context.stats.connections.sub();
    }

    fn expire(&mut self) {
        if self.deadlines.next() == NEVER {
            return;
        }
        let now = self.context.clock.now();
        while let Some((key, at)) = self.deadlines.pop(now) {
            let Some(connection) = self.connections.get(key) else { continue };
            if !self.deadlines.is_over(key, at, &connection.deadline, now) {
                continue;
            }
            if connection.owner.claim() {
                let intake = &mut self.intake;
                let verdict = connection.contained(At::Connection, || connection.expire(intake));
                self.follow(key, verdict.unwrap_or(Verdict::Close));
            } else if connection.take_back(Fault::RequestTimeout) {
                // The only deadline while it is served. A helper looks at its own.
                self.has_taken_back = true;
                self.look(key, Look::MayBeEnded);
            }
        }
    }

    fn accept(&mut self, most: usize) {
        let mut left = most;
        while left > 0 && self.doors.is_any_pending() {
            if !self.has_room() && !self.make_room() {
                break;
            }
            match self.doors.accept(&self.context) {
                Knock::Nobody => break,
                Knock::Failed => {}
                Knock::Client(socket, peer, local) => self.enter(socket, (peer, local)),
            }
            left -= 1;
        }
    }

    fn has_room(&self) -> bool {
        self.connections.len() < self.context.config.max_connections
            && self.context.descriptors.used() < self.context.descriptors.limit()
    }

    /// Closes connections that have been idle for longest, if somebody waits outside: true when there is room then. Clients know
    /// that an idle connection may be closed at any time (RFC 9112 section 9.5), and newcomers must not wait for them.
    fn make_room(&mut self) -> bool {
        if !self.doors.is_crowded(&self.context) {
            return false;
        }
        let since = |connection: &Connection| if connection.owner.is_away() { None } else { connection.idle_since() };
        let all = self.connections.iter();
        let mut idle: Vec<_> = all.filter_map(|(key, connection)| Some((since(connection)?, key))).collect();
        let most = (self.connections.len() / EVICTED_OF).clamp(1, EVICTED);
        if idle.len() > most {
            idle.select_nth_unstable(most);
            idle.truncate(most);
        }
        for (_, key) in idle {
            // Not one whose next request has just come.
            if self.connections[key].socket.peek() == Peek::Nothing {
                self.context.stats.evicted.add();
                self.close(key);
            }
        }
        self.has_room()
    }

    fn enter(&mut self, mut socket: Socket, (peer, local): (PeerAddr, Arc<Local>)) {
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        // Both directions, edge-triggered, once for the connection's whole life.
        if let Err(error) = socket.register(self.poll.registry(), Token(key), Interest::READABLE | Interest::WRITABLE) {
            tracing::warn!(%error, "a connection can't be polled");
            return;
        }
        let share = self.context.descriptors.count(1);
        entry.insert(Arc::new(Connection::new(key, socket, (peer, local), share, &self.context)));
        self.context.stats.accepted.add();
        self.context.stats.connections.add();
        // Most clients have sent their request by now: no need to wait for the event that says so.
        self.look(key, Look::Open);
    }

    /// Those who are in the kernel's queue have been told that they are connected, so they are still served.
    fn drain(&mut self) {
        self.doors.knock_on_all();
        while self.has_room() && self.doors.may_accept(&self.context) {
            self.accept(ACCEPTS);
        }
        self.is_draining = true;
        self.doors.close(self.poll.registry());
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.look(key, Look::MayBeEnded);
        }
    }
}
