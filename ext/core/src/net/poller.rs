//! The poll side: waits for events, has connections looked at, and accepts new ones.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

pub use super::connections::Brought;
use super::connections::Connections;
use super::context::Context;
use super::deadlines::NEVER;
use super::doors::{Doors, Knock};
use super::helpers::STUCK;
use super::listener::{Listener, Local};
use super::peer::PeerAddr;
use super::request::Request;
use super::returns::Returns;
use super::socket::Socket;
use super::trap::{At, Call};
use crate::config::Config;
use crate::error::Fault;
use crate::fatal;

const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 1024;
/// Bytes that are read and sent in one turn: about a millisecond's worth. What is more has its turn in the next.
const BYTES: u64 = 1024 * 1024;
/// The same while the poller's thread holds a lock that others wait for.
const BYTES_BRIEFLY: u64 = 256 * 1024;
/// Connections accepted in one turn, and while others wait for a lock.
const ACCEPTS: usize = 64;
const ACCEPTS_BRIEFLY: usize = 16;

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
    connections: Connections,
    /// Jobs wait for helpers that may be stuck.
    has_to_relieve: bool,
    returns: Returns,
    context: Arc<Context>,
    /// Nobody else can accept, so its loss is the process's end.
    is_vital: bool,
}

impl Drop for Poller {
    fn drop(&mut self) {
        // Lost by unwinding: a process that lived on without it would accept nothing, for ever.
        if self.is_vital && thread::panicking() {
            fatal::end("the thread that polled has panicked");
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
        let context = Arc::new(Context::new(config, waker).with_ports(doors.ports()));
        Ok(Poller {
            poll,
            events: Events::with_capacity(EVENTS),
            doors,
            connections: Connections::new(context.clone()),
            has_to_relieve: false,
            returns: Returns::new(context.config.give_back_memory),
            context,
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
        // Who waits for no longer than some time stands in for workers, all of whom are busy.
        let is_covered = matches!(turn, Turn::Wait(Some(_)));
        self.context.begin_turn();
        self.context.trap.pass(At::Turn);
        self.connections.begin_turn(if turn == Turn::Brief { BYTES_BRIEFLY } else { BYTES });
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                WAKER => {}
                token if self.doors.knock(token) => {}
                Token(key) => self.connections.event(key, event.is_read_closed() || event.is_error()),
            }
        }
        self.events = events;
        self.connections.expire();
        if self.context.has_siblings() && self.connections.is_any_back() {
            self.context.tell_kept();
        }
        self.accept(if turn == Turn::Brief { ACCEPTS_BRIEFLY } else { ACCEPTS }, is_covered);
        if self.context.is_draining() && !self.connections.are_draining() {
            self.drain();
        }
        self.connections.end_tunnels();
        self.has_to_relieve = self.context.helpers.relieve();
        self.returns.look(&self.context.kept, self.connections.len(), self.context.turn_began());
        self.forget_hijacked();
        self.tell_siblings();
        if self.context.surveys.is_wanted() {
            self.context.surveys.put(self.connections.survey());
        }
        self.connections.end_turn()
    }

    /// Takes back a request that nobody can serve, and answers it with a fault; does nothing once an answer has begun.
    pub fn refuse(&mut self, request: &Request, fault: Fault) {
        self.connections.refuse(request, fault);
    }

    /// Answers a request that has waited too long for a worker (`queue_timeout`), and tells what those are at.
    pub fn refuse_late(&mut self, request: &Request, workers: impl FnOnce() -> String) {
        if request.waits() && self.context.may_name("queue_timeout") {
            request.tell_late(&workers());
        }
        self.refuse(request, Fault::QueueTimeout);
    }

    /// Whether the engine has drained: it accepts no more, and no connection is left.
    pub fn is_finished(&self) -> bool {
        self.connections.are_draining() && self.connections.len() == 0
    }

    fn wait(&mut self, turn: Turn) {
        let wait = match turn {
            Turn::Brief => Some(Duration::ZERO),
            Turn::Wait(most) => self.time_to_wait(most),
        };
        let blocks = wait != Some(Duration::ZERO);
        let is_free_worker = turn == Turn::Wait(None);
        let wait = if blocks && !self.context.fall_asleep(is_free_worker) { Some(Duration::ZERO) } else { wait };
        if let Err(error) = self.poll.poll(&mut self.events, wait) {
            if error.kind() != io::ErrorKind::Interrupted {
                // Such as that somebody else has closed it: it never works again, and without it nothing does.
                if self.is_vital {
                    fatal::end(&format!("polling failed: {error}"));
                }
                tracing::error!(%error, "polling failed");
            }
        }
        if blocks {
            self.context.awake(is_free_worker);
        }
    }

    fn time_to_wait(&self, most: Option<Duration>) -> Option<Duration> {
        if self.connections.are_waiting() || (self.context.is_draining() && !self.connections.are_draining()) {
            return Some(Duration::ZERO);
        }
        let mut next = self.connections.next().min(self.returns.due());
        if self.context.lets_in() {
            next = next.min(self.doors.next());
        }
        if self.has_to_relieve {
            next = next.min(self.context.clock.after(STUCK));
        }
        if next == NEVER {
            return most;
        }
        let until = Duration::from_millis(next.saturating_sub(self.context.clock.now()));
        Some(most.map_or(until, |most| most.min(until)))
    }

    fn accept(&mut self, most: usize, is_covered: bool) {
        let mut left = if self.context.lets_in() { most } else { 0 };
        while left > 0 && self.doors.is_any_pending() && self.is_our_turn(is_covered) {
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

    /// Whether the next newcomer is not left to another process.
    fn is_our_turn(&mut self, is_covered: bool) -> bool {
        let Some(place) = &self.context.place else { return true };
        let now = self.context.turn_began();
        let asking = place.asking(now, self.connections.len(), self.connections.ready(), is_covered);
        if self.context.is_draining() {
            self.is_last()
        } else {
            self.doors.is_our_turn(asking, self.context.config.accept_queue)
        }
    }

    /// Whether no other process is there for those who wait to be accepted. Each that leaves says so before it looks who stays, so
    /// the last one finds nobody.
    fn is_last(&self) -> bool {
        let now = self.context.clock.now();
        !self.context.place.as_ref().is_some_and(|place| place.siblings().is_anybody_left(place.time(now)))
    }

    /// What there is after a turn.
    fn tell_siblings(&self) {
        let Some(place) = &self.context.place else { return };
        let connections = self.connections.len();
        place.tell_connections(connections);
        place.tell_full(!self.has_room() || self.doors.is_resting(self.context.turn_began()));
        place.look_around(self.context.turn_began(), connections, self.connections.ready());
    }

    fn has_room(&self) -> bool {
        self.connections.len() < self.context.config.max_connections
            && self.context.descriptors.used() < self.context.descriptors.limit()
    }

    /// Closes connections that are idle, if somebody waits outside: true when there is room then.
    fn make_room(&mut self) -> bool {
        if self.doors.is_crowded(&self.context) {
            self.connections.evict();
        }
        self.has_room()
    }

    fn enter(&mut self, socket: Socket, client: (PeerAddr, Arc<Local>)) {
        let registry = self.poll.registry();
        // Both directions, edge-triggered, once for the connection's whole life.
        let both = Interest::READABLE | Interest::WRITABLE;
        let trap = &self.context.trap;
        let register =
            |socket: &mut Socket, key| trap.call(Call::Register, || socket.register(registry, Token(key), both));
        if let Err(error) = self.connections.enter(socket, client, register) {
            tracing::warn!(%error, "a connection can't be polled");
        }
    }

    fn forget_hijacked(&mut self) {
        for connection in self.connections.take_hijacked() {
            // It stays polled for as long as the app has it, and the next one with its key would be looked at for it.
            let _ = self.poll.registry().deregister(&mut SourceFd(&connection.socket.as_fd().as_raw_fd()));
        }
    }

    /// Those who are in the kernel's queue have been told that they are connected, so they are still served: by another process
    /// if there is one.
    fn drain(&mut self) {
        if self.is_last() && self.context.lets_in() {
            self.doors.knock_on_all();
            while self.has_room() && self.doors.may_accept(&self.context) {
                self.accept(ACCEPTS, false);
            }
        }
        self.doors.close(self.poll.registry());
        self.connections.drain();
    }
}
