//! What stands in for `src/net`: connections whose sockets are flags, and a poller whose events are put into a queue. Who owns
//! a connection and deadlines are the real thing.

use std::sync::Arc;

use crate::sync::{AtomicBool, Condvar, Mutex, Ordering};

#[path = "../../src/net/deadlines.rs"]
pub(crate) mod deadlines;
#[path = "../../src/net/notes.rs"]
mod notes;
#[path = "../../src/net/owner.rs"]
mod owner;
#[path = "../../src/net/peer.rs"]
pub(crate) mod peer;
#[path = "../../src/net/right.rs"]
mod right;
#[path = "../../src/net/trap.rs"]
pub(crate) mod trap;

/// What happens outside, and who is to see it.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    state: Mutex<State>,
    changed: Condvar,
    /// The poller is gone, and all sockets with it.
    pub(crate) is_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    is_woken: bool,
    /// Those who have been handed over.
    connections: Vec<Arc<connection::Connection>>,
}

#[derive(Debug)]
pub(crate) enum Event {
    /// A request is complete.
    Request(Arc<connection::Connection>),
    /// Its socket can be read or written.
    Ready(Arc<connection::Connection>),
    /// Its `request_timeout` is over.
    Expired(Arc<connection::Connection>),
}

impl Outside {
    pub(crate) fn happens(&self, event: Event) {
        self.state.lock().events.push(event);
        self.changed.notify_all();
    }

    fn wake(&self) {
        self.state.lock().is_woken = true;
        self.changed.notify_all();
    }
}

pub(crate) mod context {
    use super::deadlines::Clock;
    use super::notes::Notes;
    use super::*;
    use crate::sync::{AtomicU8, AtomicU64};
    use std::time::Duration;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) enum Phase {
        Running = 0,
        Over = 1,
    }

    #[derive(Debug)]
    pub(crate) struct Config {
        pub(crate) queue_depth: usize,
        pub(crate) queue_timeout: Duration,
    }

    #[derive(Debug)]
    pub(crate) struct Context {
        pub(crate) config: Config,
        pub(crate) stats: kino_core::stats::Stats,
        pub(crate) clock: Clock,
        pub(crate) helpers: Helpers,
        pub(crate) shakers: Helpers,
        pub(crate) trap: super::trap::Trap,
        pub(crate) outside: Arc<Outside>,
        pub(super) notes: Notes,
        phase: AtomicU8,
        turned: AtomicU64,
    }

    #[derive(Debug)]
    pub(crate) struct Helpers;

    impl Helpers {
        pub(crate) fn end(&self) {}
    }

    impl Context {
        pub(crate) fn has_siblings(&self) -> bool {
            false
        }

        pub(crate) fn tell_computing(&self, _: bool) {}

        pub(crate) fn new(config: Config, outside: Arc<Outside>) -> Context {
            Context {
                config,
                stats: kino_core::stats::Stats::default(),
                clock: Clock::start(),
                helpers: Helpers,
                shakers: Helpers,
                trap: super::trap::Trap::default(),
                outside,
                notes: Notes::default(),
                phase: AtomicU8::new(0),
                turned: AtomicU64::new(0),
            }
        }

        pub(crate) fn phase(&self) -> Phase {
            if self.phase.load(Ordering::SeqCst) == 0 { Phase::Running } else { Phase::Over }
        }

        pub(crate) fn enter(&self, phase: Phase) {
            self.phase.fetch_max(phase as u8, Ordering::SeqCst);
            self.wake();
        }

        pub(crate) fn wake(&self) {
            self.outside.wake();
        }

        pub(crate) fn close_waker(&self) {}

        pub(crate) fn tell_waiting(&self, _: usize) {}

        pub(crate) fn look_at_queue(&self, _: usize, _: bool) {}

        pub(crate) fn has_worker(&self) {}

        pub(crate) fn look_for_leisure(&self, _: bool) {}

        pub(crate) fn until_leisure(&self) -> Option<Duration> {
            None
        }

        pub(crate) fn is_any_running(&self) -> bool {
            false
        }

        pub(crate) fn begin_turn(&self) {
            self.turned.store(self.clock.now(), Ordering::Relaxed);
        }

        pub(crate) fn turn_began(&self) -> u64 {
            self.turned.load(Ordering::Relaxed)
        }
    }
}

pub(crate) mod connection {
    use super::owner::Owner;
    use super::right::Right;
    use super::*;

    /// One request's way: its client waits for the outcome.
    #[derive(Debug, Default)]
    pub(crate) struct Connection {
        pub(super) owner: Owner,
        pub(super) right: Right,
        key: std::sync::OnceLock<usize>,
        outcome: Mutex<Option<Outcome>>,
        known: Condvar,
        /// It has been looked at after it was given back.
        looked_at: Mutex<bool>,
        /// There is something in its socket.
        pub(crate) has_some: AtomicBool,
        pub(crate) is_cut: AtomicBool,
        /// Somebody touches it, as its owner.
        is_touched: AtomicBool,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Outcome {
        Answered,
        Refused,
        Cut,
    }

    impl Connection {
        /// Whether it has been handed over.
        pub(crate) fn is_served(&self) -> bool {
            self.owner.is_away()
        }

        /// Whether its request was refused.
        pub(crate) fn is_refused(&self) -> bool {
            *self.outcome.lock() == Some(Outcome::Refused)
        }

        /// Takes the request back, as the poll side.
        pub(super) fn take_back(&self) -> bool {
            let is_taken = self.right.take_back();
            if is_taken {
                self.owner.give_back();
            }
            is_taken
        }

        /// What has become of the request; waits for that.
        pub(crate) fn outcome(&self) -> Outcome {
            let mut outcome = self.outcome.lock();
            loop {
                if let Some(outcome) = *outcome {
                    return outcome;
                }
                self.known.wait(&mut outcome);
            }
        }

        /// Its number, from the first time that it is handed over.
        pub(super) fn key(&self) -> usize {
            *self.key.get().expect("it was never handed over")
        }

        pub(super) fn know_as(&self, key: usize) {
            self.key.get_or_init(|| key);
        }

        /// Waits until the poll side has looked at it.
        pub(crate) fn wait_for_look(&self) {
            let mut looked_at = self.looked_at.lock();
            while !*looked_at {
                self.known.wait(&mut looked_at);
            }
        }

        pub(super) fn look(&self) {
            self.touch(|| *self.looked_at.lock() = true);
            self.known.notify_all();
        }

        pub(super) fn end_as(&self, as_what: Outcome) {
            let mut outcome = self.outcome.lock();
            let before = *outcome.get_or_insert(as_what);
            // At the end of all, whoever serves it goes on for a moment.
            let is_end = before == Outcome::Cut || as_what == Outcome::Cut;
            assert!(before == as_what || is_end, "{before:?}, and then {as_what:?}");
            self.known.notify_all();
        }

        /// What its owner does.
        pub(super) fn touch<T>(&self, work: impl FnOnce() -> T) -> T {
            assert!(!self.is_touched.swap(true, Ordering::SeqCst), "two sides own a connection");
            shuttle::thread::yield_now();
            let result = work();
            self.is_touched.store(false, Ordering::SeqCst);
            result
        }

        pub(super) fn cut(&self) {
            self.is_cut.store(true, Ordering::SeqCst);
            self.owner.ring();
        }
    }
}

pub(crate) mod client {
    use super::connection::Connection;
    use super::*;
    use crate::bell::Bell;

    #[derive(Clone, Debug)]
    pub(crate) struct Client {
        connection: Arc<Connection>,
        events: u32,
    }

    impl Client {
        pub(crate) fn new(connection: Arc<Connection>) -> Client {
            let events = connection.owner.events();
            Client { connection, events }
        }

        pub(crate) fn enter(&self, bell: &Arc<Bell>) {
            self.connection.owner.enter(bell);
        }

        pub(crate) fn leave(&self, bell: &Arc<Bell>) {
            self.connection.owner.leave(bell);
        }

        pub(crate) fn has_moved(&self) -> bool {
            self.connection.owner.events() != self.events
        }

        pub(crate) fn cut(&self) {
            self.connection.cut();
        }
    }
}

pub(crate) mod request {
    use super::connection::Connection;
    use super::context::Context;
    use super::*;

    #[derive(Debug)]
    pub(crate) struct Request {
        pub(super) connection: Arc<Connection>,
        pub(super) context: Arc<Context>,
    }

    impl Request {
        pub(crate) fn waits(&self) -> bool {
            self.connection.right.waits()
        }

        pub(crate) fn is_gone(&self) -> bool {
            false
        }

        pub(crate) fn stream(&self) -> Option<(usize, u8)> {
            None
        }
    }
}

pub(crate) mod exchange {
    use super::client::Client;
    use super::connection::{Connection, Outcome};
    use super::context::Context;
    use super::request::Request;
    use super::*;

    #[derive(Debug)]
    pub(crate) struct Exchange {
        pub(crate) connection: Arc<Connection>,
        context: Arc<Context>,
    }

    impl Exchange {
        pub(crate) fn begin(request: Request) -> Exchange {
            Exchange { connection: request.connection, context: request.context }
        }

        pub(crate) fn client(&self) -> Client {
            Client::new(self.connection.clone())
        }

        /// Whether something has happened since it was handed over.
        pub(crate) fn has_events(&self) -> bool {
            self.connection.owner.events() > 0
        }

        /// Answers, unless the request has been answered by others.
        pub(crate) fn answer(self) {
            if self.connection.right.begin() {
                self.connection.touch(|| self.connection.end_as(Outcome::Answered));
                if self.connection.owner.give_back() && self.context.notes.leave(self.connection.key()) {
                    self.context.wake();
                }
            }
        }
    }
}

pub(crate) mod poller {
    use super::connection::{Connection, Outcome};
    use super::context::Context;
    use super::request::Request;
    use super::*;
    use kino_core::error::Fault;
    use std::time::Duration;

    #[derive(Debug)]
    pub(crate) struct Poller {
        context: Arc<Context>,
        ready: Vec<Request>,
        has_changed_queue: bool,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Turn {
        Wait(Option<Duration>),
        Brief,
    }

    pub(crate) struct Brought<'a> {
        pub(crate) ready: std::vec::Drain<'a, Request>,
        pub(crate) has_changed_queue: bool,
    }

    impl Poller {
        pub(crate) fn new(context: Arc<Context>) -> Poller {
            Poller { context, ready: Vec::new(), has_changed_queue: false }
        }

        pub(crate) fn context(&self) -> &Arc<Context> {
            &self.context
        }

        pub(crate) fn is_finished(&self) -> bool {
            false
        }

        pub(crate) fn set_vital(&mut self, _: bool) {}

        pub(crate) fn turn(&mut self, turn: Turn) -> Brought<'_> {
            let timeout = match turn {
                Turn::Wait(timeout) => timeout,
                Turn::Brief => Some(Duration::ZERO),
            };
            let blocks = timeout != Some(Duration::ZERO);
            let timeout = if blocks && !self.context.notes.fall_asleep() { Some(Duration::ZERO) } else { timeout };
            let events = self.wait(timeout);
            if blocks {
                self.context.notes.awake();
            }
            self.context.begin_turn();
            for event in events {
                self.see(event);
            }
            let mut noted = Vec::new();
            self.context.notes.take(&mut noted);
            for key in noted {
                let connection = self.context.outside.state.lock().connections[key].clone();
                if connection.owner.claim(false) {
                    connection.look();
                }
            }
            Brought { ready: self.ready.drain(..), has_changed_queue: std::mem::take(&mut self.has_changed_queue) }
        }

        pub(crate) fn refuse_late(&mut self, request: &Request, workers: impl FnOnce() -> String) {
            workers();
            self.refuse(request, Fault::QueueTimeout);
        }

        pub(crate) fn refuse(&mut self, request: &Request, _: Fault) {
            self.take_back(&request.connection);
        }

        fn take_back(&self, connection: &Connection) {
            if connection.take_back() {
                connection.touch(|| connection.end_as(Outcome::Refused));
            }
        }

        fn wait(&self, timeout: Option<Duration>) -> Vec<Event> {
            let outside = &self.context.outside;
            let mut state = outside.state.lock();
            while state.events.is_empty() && !std::mem::take(&mut state.is_woken) {
                match timeout {
                    Some(Duration::ZERO) => break,
                    None => outside.changed.wait(&mut state),
                    Some(limit) => {
                        let before = self.context.clock.now();
                        outside.changed.wait_for(&mut state, limit);
                        if self.context.clock.now() - before >= limit.as_millis() as u64 {
                            break;
                        }
                    }
                }
            }
            std::mem::take(&mut state.events)
        }

        fn see(&mut self, event: Event) {
            match event {
                Event::Request(connection) => {
                    connection.touch(|| ());
                    {
                        let connections = &mut self.context.outside.state.lock().connections;
                        connection.know_as(connections.len());
                        connections.push(connection.clone());
                    }
                    connection.owner.hand_over();
                    self.ready.push(Request { connection, context: self.context.clone() });
                }
                Event::Ready(connection) => {
                    if connection.owner.claim(false) {
                        connection.touch(|| ());
                    }
                }
                Event::Expired(connection) => {
                    self.take_back(&connection);
                    self.has_changed_queue = true;
                }
            }
        }
    }

    impl Drop for Poller {
        fn drop(&mut self) {
            if std::thread::panicking() {
                return;
            }
            let outside = &self.context.outside;
            outside.is_closed.store(true, Ordering::SeqCst);
            let connections = std::mem::take(&mut outside.state.lock().connections);
            for connection in connections {
                connection.cut();
                connection.end_as(Outcome::Cut);
            }
        }
    }
}
