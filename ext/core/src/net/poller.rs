//! The poll side: accepts, reads, flushes and keeps the deadlines of all connections nobody is serving.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::connection::{Connection, Look, Verdict};
use super::context::Context;
use super::deadlines::{Deadlines, NEVER};
use super::listener::{Listener, Local};
use super::senders::Senders;
use crate::config::Config;
use crate::error::Fault;

const WAKER: Token = Token(usize::MAX);
/// Listeners have the tokens below the waker's; connections count from zero.
const FIRST_LISTENER: usize = usize::MAX - 1;
const EVENTS: usize = 1024;
const BUFFER: usize = 64 * 1024;
/// Connections accepted before the open ones have their turn.
const ACCEPTS: usize = 256;
/// How long accepting rests when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Owning the poller is having the lead: there is one, and whoever holds it polls.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    events: Events,
    listeners: Vec<Door>,
    connections: Slab<Arc<Connection>>,
    deadlines: Deadlines,
    buffer: Box<[u8]>,
    /// Connections to look at in the next turn, whatever the events are.
    again: Vec<usize>,
    ready: Vec<Arc<Connection>>,
    /// A request that may still be queued was taken back, in this turn.
    has_taken_back: bool,
    is_draining: bool,
    /// New connections wait since `max_connections` are open.
    is_full: bool,
    /// Accepting goes on then, in the clock's milliseconds.
    accept_at: u64,
    context: Arc<Context>,
}

/// What a turn has brought.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Connections whose request is complete; they belong to whoever takes them.
    pub ready: std::vec::Drain<'a, Arc<Connection>>,
    /// A request that may still be queued was answered in its worker's place.
    pub has_taken_back: bool,
}

#[derive(Debug)]
struct Door {
    listener: Listener,
    local: Arc<Local>,
    /// There may be a connection to accept, for which no further event would come.
    is_pending: bool,
}

impl Drop for Poller {
    fn drop(&mut self) {
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
        let mut doors = Vec::new();
        for (index, mut listener) in listeners.into_iter().enumerate() {
            listener.register(poll.registry(), Token(FIRST_LISTENER - index), Interest::READABLE)?;
            let local = Arc::new(listener.local());
            doors.push(Door { listener, local, is_pending: false });
        }
        Ok(Poller {
            poll,
            events: Events::with_capacity(EVENTS),
            listeners: doors,
            connections: Slab::new(),
            deadlines: Deadlines::default(),
            buffer: vec![0; BUFFER].into_boxed_slice(),
            again: Vec::new(),
            ready: Vec::new(),
            has_taken_back: false,
            is_draining: false,
            is_full: false,
            accept_at: 0,
            context: Arc::new(Context::new(config, waker)),
        })
    }

    /// What is shared with those who serve.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Polls once, for `timeout` at most (`None`: until something happens), and does all there is to do.
    pub fn turn(&mut self, timeout: Option<Duration>) -> Turn<'_> {
        self.wait(timeout);
        self.context.turn();
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                WAKER => {}
                Token(key) if key > FIRST_LISTENER - self.listeners.len() => {
                    self.listeners[FIRST_LISTENER - key].is_pending = true;
                }
                Token(key) if event.is_read_closed() || event.is_error() => self.look(key, Look::MayBeEnded),
                Token(key) => self.look(key, Look::Open),
            }
        }
        self.events = events;

        let mut noted = std::mem::take(&mut self.again);
        self.context.take_notes(&mut noted);
        for key in noted.drain(..) {
            self.look(key, Look::MayBeEnded);
        }
        if self.again.is_empty() {
            self.again = noted; // for its room
        }
        self.expire();
        self.accept();
        if self.context.is_draining() && !self.is_draining {
            self.drain();
        }
        let has_taken_back = std::mem::take(&mut self.has_taken_back);
        Turn { ready: self.ready.drain(..), has_taken_back }
    }

    /// Takes back a request that nobody can serve, and answers it with a fault; does nothing once an answer has begun.
    pub fn refuse(&mut self, connection: &Connection, fault: Fault) {
        if connection.owner.take_back() {
            connection.refuse(fault, &self.context);
            self.look(connection.key, Look::MayBeEnded);
        }
    }

    /// Whether the engine has drained: it accepts no more, and no connection is left.
    pub fn is_finished(&self) -> bool {
        self.is_draining && self.connections.is_empty()
    }

    fn wait(&mut self, timeout: Option<Duration>) {
        let wait = self.time_to_wait(timeout);
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

    fn time_to_wait(&self, timeout: Option<Duration>) -> Option<Duration> {
        if timeout == Some(Duration::ZERO) {
            return timeout;
        }
        if !self.again.is_empty() || (self.context.is_draining() && !self.is_draining) {
            return Some(Duration::ZERO);
        }
        let mut next = self.deadlines.next();
        if self.may_accept() && self.listeners.iter().any(|door| door.is_pending) {
            next = next.min(self.accept_at);
        }
        if next == NEVER {
            return timeout;
        }
        let until = Duration::from_millis(next.saturating_sub(self.context.clock.now()));
        Some(timeout.map_or(until, |timeout| timeout.min(until)))
    }

    fn look(&mut self, key: usize, look: Look) {
        let Some(connection) = self.connections.get(key) else { return };
        if connection.owner.claim() {
            let verdict = connection.advance(look, &mut self.buffer, &self.context);
            self.follow(key, verdict);
        }
    }

    fn follow(&mut self, key: usize, verdict: Verdict) {
        let connection = &self.connections[key];
        match verdict {
            Verdict::Request => {
                self.deadlines.schedule(key, &connection.deadline);
                self.ready.push(connection.clone());
            }
            Verdict::Wait if self.is_draining && connection.is_done_when_draining(&self.context) => self.close(key),
            Verdict::Wait => self.deadlines.schedule(key, &connection.deadline),
            Verdict::Again => {
                self.deadlines.schedule(key, &connection.deadline);
                self.again.push(key);
            }
            Verdict::Send => {
                self.deadlines.schedule(key, &connection.deadline);
                Senders::send(connection.clone(), &self.context);
            }
            Verdict::Close => self.close(key),
        }
    }

    fn close(&mut self, key: usize) {
        let connection = self.connections.remove(key);
        if connection.is_hijacked() {
            // A socket that is closed here leaves the poll by itself only when nobody else has it.
            let _ = self.poll.registry().deregister(&mut SourceFd(&connection.stream.as_fd().as_raw_fd()));
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
                let verdict = connection.expire(&mut self.buffer, &self.context);
                self.follow(key, verdict);
            } else {
                // The only deadline while it is served.
                let connection = connection.clone();
                self.refuse(&connection, Fault::RequestTimeout);
                self.has_taken_back = true;
            }
        }
    }

    fn may_accept(&self) -> bool {
        self.connections.len() < self.context.config.max_connections
    }

    fn accept(&mut self) {
        let is_full = !self.may_accept() && self.listeners.iter().any(|door| door.is_pending);
        if is_full && !std::mem::replace(&mut self.is_full, is_full) {
            self.context.stats.max_connections.add();
        }
        self.is_full = is_full;
        for index in 0..self.listeners.len() {
            let mut left = ACCEPTS;
            while self.listeners[index].is_pending && self.may_accept() && left > 0 {
                if self.accept_at > 0 && self.context.clock.now() < self.accept_at {
                    return;
                }
                self.accept_at = 0;
                left -= 1;
                self.accept_one(index);
            }
        }
    }

    fn accept_one(&mut self, index: usize) {
        let door = &mut self.listeners[index];
        let (mut stream, peer) = match door.listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                door.is_pending = false;
                return;
            }
            // The client has left already, or a signal came.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted; trying again in a moment");
                self.accept_at = self.context.clock.after(ACCEPT_PAUSE);
                return;
            }
        };
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        // Both directions, edge-triggered, once for the connection's whole life.
        if let Err(error) = stream.register(self.poll.registry(), Token(key), Interest::READABLE | Interest::WRITABLE) {
            tracing::warn!(%error, "a connection can't be polled");
            return;
        }
        entry.insert(Arc::new(Connection::new(key, stream, peer, door.local.clone(), &self.context)));
        self.context.stats.accepted.add();
        self.context.stats.connections.add();
        // Most clients have sent their request by now: no need to wait for the event that says so.
        self.look(key, Look::Open);
    }

    /// Those who are in the kernel's queue have been told that they are connected, so they are still served.
    fn drain(&mut self) {
        for index in 0..self.listeners.len() {
            self.listeners[index].is_pending = true;
        }
        while self.may_accept() && self.accept_at == 0 && self.listeners.iter().any(|door| door.is_pending) {
            self.accept();
        }
        self.is_draining = true;
        for door in &mut self.listeners {
            // It is closed a moment later anyway; the poll forgets it then.
            let _ = door.listener.deregister(self.poll.registry());
        }
        self.listeners.clear();
        let keys: Vec<usize> = self.connections.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.look(key, Look::MayBeEnded);
        }
    }
}
