//! All connections of an engine, as the poll side drives them: which to look at, what follows from each look, and by when each
//! has to have moved. Apart from the poll itself: whoever has one says what events came.

use std::sync::Arc;

use slab::Slab;

use super::connection::{Connection, Intake, Look, Verdict};
use super::context::Context;
use super::deadlines::{Deadlines, NEVER};
use super::listener::Local;
use super::peer::PeerAddr;
use super::request::Request;
use super::socket::{Peek, Socket};
use super::survey::InFlight;
use super::trap::At;
use crate::error::Fault;

const BUFFER: usize = 64 * 1024;
/// Connections that are closed at once to make room for newcomers, those that have been idle for longest, since finding them
/// takes a look at all: one in so many that there are, and never more than the most.
const EVICTED_OF: usize = 64;
const EVICTED: usize = 16;
/// Connections at most that are told of to those who ask.
const SURVEYED: usize = 200;

/// The connections, each with the key that its events come by.
///
/// ```text
///   enter --look--> follow --Request--> ready        (whoever serves it gives it back, and notes it)
///     ^               |  \--Help, Shake--> helpers   (the same)
///     | again, notes, |
///     \-- expire -----'--Close--> (gone)
/// ```
#[derive(Debug)]
pub(super) struct Connections {
    all: Slab<Arc<Connection>>,
    deadlines: Deadlines,
    intake: Intake,
    /// Connections to look at in the next turn, whatever the events are.
    again: Vec<usize>,
    /// The same of those that have had something of this turn: they come after all that have not.
    again_last: Vec<usize>,
    /// Which turn this is, and in which one each key was looked at before the events.
    turn: u64,
    looked_first: Vec<u64>,
    ready: Vec<Request>,
    /// Those whose sockets apps have taken, and that the poll has to forget.
    hijacked: Vec<Arc<Connection>>,
    /// Some request that may be queued was taken back in this turn, or is wanted sooner or later now.
    has_changed_queue: bool,
    is_draining: bool,
    context: Arc<Context>,
}

/// What a turn has brought.
#[derive(Debug)]
pub struct Brought<'a> {
    /// Requests that are complete; they belong to whoever takes them.
    pub ready: std::vec::Drain<'a, Request>,
    /// The same: what is queued has to be looked at.
    pub has_changed_queue: bool,
}

impl Connections {
    /// None yet.
    pub(super) fn new(context: Arc<Context>) -> Connections {
        Connections {
            all: Slab::new(),
            deadlines: Deadlines::default(),
            intake: Intake { buffer: vec![0; BUFFER].into_boxed_slice(), left: 0 },
            again: Vec::new(),
            again_last: Vec::new(),
            turn: 0,
            looked_first: Vec::new(),
            ready: Vec::new(),
            hijacked: Vec::new(),
            has_changed_queue: false,
            is_draining: false,
            context,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many requests this turn has brought so far.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Whether any of these is not the first of its client.
    pub(super) fn is_any_back(&self) -> bool {
        self.ready.iter().any(|request| !request.is_first())
    }

    /// Whether they drain: none enters any more.
    pub(super) fn are_draining(&self) -> bool {
        self.is_draining
    }

    /// Whether some wait to be looked at without an event.
    pub(super) fn are_waiting(&self) -> bool {
        !self.again.is_empty()
    }

    /// When the next deadline comes up, in the clock's milliseconds; [`NEVER`] when there is none.
    pub(super) fn next(&self) -> u64 {
        self.deadlines.next()
    }

    /// A turn begins, in which `bytes` may be read and sent: first those that had to wait in the last one, and those that were
    /// noted.
    pub(super) fn begin_turn(&mut self, bytes: u64) {
        self.intake.left = bytes;
        let mut noted = std::mem::take(&mut self.again);
        self.context.take_notes(&mut noted);
        self.turn += 1;
        for key in noted.drain(..) {
            if self.looked_first.len() <= key {
                self.looked_first.resize(key + 1, 0);
            }
            self.looked_first[key] = self.turn;
            self.look(key, Look::Noted);
        }
        if self.again.is_empty() {
            self.again = noted; // for its room
        }
    }

    /// An event, which came before the turn began. One whose bytes were read since is not remembered: looked at first in the next
    /// turn, too, and in the one after, its client would have twice as many answers as all others.
    pub(super) fn event(&mut self, key: usize, may_be_ended: bool) {
        if may_be_ended {
            self.look(key, Look::MayBeEnded);
        } else if self.looked_first.get(key) != Some(&self.turn) {
            self.look(key, Look::Open);
        }
    }

    /// There is a reason to look at one of them.
    fn look(&mut self, key: usize, look: Look) {
        let Some(connection) = self.all.get(key) else { return };
        if connection.owner.claim(look == Look::MayBeEnded) {
            let look = if look == Look::Noted && connection.owner.take_end() { Look::MayBeEnded } else { look };
            let intake = &mut self.intake;
            let left = intake.left;
            let verdict = connection.contained(At::Connection, || connection.advance(look, intake));
            let (has_had_some, others) = (intake.left < left, self.again.len());
            self.follow(key, verdict.unwrap_or(Verdict::Close));
            if has_had_some {
                self.again_last.extend(self.again.drain(others..));
            }
        }
    }

    /// Deals with those whose deadlines are over.
    pub(super) fn expire(&mut self) {
        if self.deadlines.next() == NEVER {
            return;
        }
        let now = self.context.clock.now();
        while let Some((key, at)) = self.deadlines.pop(now) {
            let Some(connection) = self.all.get(key) else { continue };
            if !self.deadlines.is_over(key, at, &connection.deadline, now) {
                continue;
            }
            if connection.owner.claim(true) {
                let intake = &mut self.intake;
                let verdict = connection.contained(At::Connection, || connection.expire(intake));
                self.follow(key, verdict.unwrap_or(Verdict::Close));
            } else if connection.take_back(Fault::RequestTimeout) {
                // The only deadline while it is served. A helper looks at its own.
                self.has_changed_queue = true;
                self.look(key, Look::MayBeEnded);
            }
        }
    }

    /// A newcomer, whose events come by the key that `register` is called with. It is looked at at once: most clients have sent
    /// their request by now, and need not wait for the event that says so.
    ///
    /// # Errors
    /// What `register` says: it has not entered then.
    pub(super) fn enter<E>(
        &mut self,
        mut socket: Socket,
        (peer, local): (PeerAddr, Arc<Local>),
        register: impl FnOnce(&mut Socket, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let entry = self.all.vacant_entry();
        let key = entry.key();
        register(&mut socket, key)?;
        let share = self.context.descriptors.count(1);
        entry.insert(Arc::new(Connection::new(key, socket, (peer, local), share, &self.context)));
        self.context.stats.accepted.add();
        self.context.stats.connections.add();
        self.look(key, Look::Open);
        Ok(())
    }

    /// Takes back a request that nobody can serve, and answers it with a fault; does nothing once an answer has begun.
    pub(super) fn refuse(&mut self, request: &Request, fault: Fault) {
        if request.take_back(fault) {
            self.look(request.line.key(), Look::MayBeEnded);
        }
    }

    /// Closes some that have been idle for longest. Clients know that an idle connection may be closed at any time (RFC 9112
    /// section 9.5), and newcomers must not wait for them.
    pub(super) fn evict(&mut self) {
        let since = |connection: &Connection| if connection.owner.is_away() { None } else { connection.idle_since() };
        let all = self.all.iter();
        let mut idle: Vec<_> = all.filter_map(|(key, connection)| Some((since(connection)?, key))).collect();
        let most = (self.all.len() / EVICTED_OF).clamp(1, EVICTED);
        if idle.len() > most {
            idle.select_nth_unstable(most);
            idle.truncate(most);
        }
        for (_, key) in idle {
            // Not one whose next request has just come.
            if self.all[key].socket.peek() == Peek::Nothing {
                self.context.stats.evicted.add();
                self.close(key);
            }
        }
    }

    /// From now on none enters, and those that are idle are closed.
    pub(super) fn drain(&mut self) {
        self.is_draining = true;
        let keys: Vec<usize> = self.all.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.look(key, Look::MayBeEnded);
        }
    }

    /// Once nothing is left of those that drain but streams that apps have taken: nobody waits for these for longer than they need to
    /// say their last.
    pub(super) fn end_tunnels(&mut self) {
        if self.is_draining && self.all.iter().all(|(_, connection)| connection.has_only_tunnels()) {
            self.all.iter().for_each(|(_, connection)| connection.end_tunnels());
        }
    }

    /// What is still coming, and still leaving, as far as nobody else has it just now.
    pub(super) fn survey(&self) -> Vec<InFlight> {
        let now = self.context.clock.now();
        self.all.iter().flat_map(|(_, connection)| connection.in_flight(now)).take(SURVEYED).collect()
    }

    /// What the turn has brought.
    pub(super) fn end_turn(&mut self) -> Brought<'_> {
        let has_changed_queue = std::mem::take(&mut self.has_changed_queue);
        self.again.append(&mut self.again_last);
        Brought { ready: self.ready.drain(..), has_changed_queue }
    }

    /// Those whose sockets apps have taken since the last time. A socket that is closed here leaves the poll by itself only
    /// when nobody else has it.
    pub(super) fn take_hijacked(&mut self) -> std::vec::Drain<'_, Arc<Connection>> {
        self.hijacked.drain(..)
    }

    /// So many bytes are read at once.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn read_at_once(&mut self, bytes: usize) {
        self.intake.buffer = vec![0; bytes].into_boxed_slice();
    }

    /// All of them, with their keys.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, &Arc<Connection>)> {
        self.all.iter()
    }

    /// Whether it is to be looked at in the next turn, whatever happens.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn is_waiting(&self, key: usize) -> bool {
        self.again.contains(&key) || self.context.has_note(key)
    }

    fn follow(&mut self, key: usize, verdict: Verdict) {
        let connection = &self.all[key];
        if connection.link.get().is_some() {
            self.has_changed_queue |= Request::take_streams(connection, &mut self.ready);
        }
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
            Verdict::Shake => self.context.shakers.put(connection.clone()),
            Verdict::Wait | Verdict::Close => {}
        }
    }

    fn close(&mut self, key: usize) {
        let connection = self.all.remove(key);
        if connection.is_hijacked() {
            self.hijacked.push(connection);
        } else {
            connection.end();
        }
        self.context.stats.connections.sub();
    }
}

/// Those whose answer has not begun get one, and whoever still has one hears that there is no poll side any more.
impl Drop for Connections {
    fn drop(&mut self) {
        let keys: Vec<usize> = self.all.iter().map(|(key, _)| key).collect();
        for key in keys {
            if self.all[key].take_back(Fault::Stopping) {
                self.look(key, Look::Open);
            }
        }
        for (_, connection) in &self.all {
            connection.cut();
        }
    }
}
