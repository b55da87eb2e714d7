//! The engine in a simulated world: its connections, the queue and who serves, with the same for HTTP/1 and HTTP/2.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use mio::{Poll, Token, Waker};

use super::accounts::Accounts;
use super::bytes::Bytes;
use super::worker::{Became, Completions, Serving};
use crate::config::Config;
use crate::error::Fault;
use crate::net::connection::Connection;
use crate::net::connections::{Brought, Connections};
use crate::net::context::{Context, Phase};
use crate::net::exchange::Exchange;
use crate::net::fake_socket::FakeSocket;
use crate::net::listener::Local;
use crate::net::peer::PeerAddr;
use crate::net::request::Request;
use crate::net::socket::Socket;
use crate::stats::Counter;
use crate::tls::port::Port;

/// All of it.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) context: Arc<Context>,
    /// None when it has been stopped.
    pub(super) connections: Option<Connections>,
    pub(super) queue: VecDeque<Request>,
    pub(super) serving: Vec<Serving>,
    pub(super) completions: Completions,
    /// Requests that were complete, and the accounts of those that are over.
    brought: u64,
    accounts: Arc<Accounts>,
    /// The engine's way to be woken needs one.
    _poll: Poll,
}

/// What became of a step of somebody's who serves, and the number of the client that it was for.
pub(super) type Step = (Option<usize>, Became);

impl Engine {
    pub(super) fn new(mut config: Config, read_at_once: usize) -> Engine {
        let accounts = Arc::<Accounts>::default();
        config.observers.push(accounts.clone());
        let poll = Poll::new().expect("there is a poll");
        let waker = Waker::new(poll.registry(), Token(0)).expect("there is a waker");
        let context = Arc::new(Context::simulated(config, waker));
        let mut connections = Connections::new(context.clone());
        connections.read_at_once(read_at_once);
        Engine {
            connections: Some(connections),
            context,
            queue: VecDeque::new(),
            serving: Vec::new(),
            completions: Completions::default(),
            brought: 0,
            accounts,
            _poll: poll,
        }
    }

    /// Somebody connects, if there is room; by TLS, where that is served.
    pub(super) fn enter(&mut self, socket: &FakeSocket, tls: Option<Arc<Port>>) -> Option<Weak<Connection>> {
        let connections = self.connections.as_mut()?;
        if connections.are_draining() || connections.len() >= self.context.config.max_connections {
            return None;
        }
        let local = Arc::new(Local { name: "localhost", port: 80, speaks_proxy: false, tls });
        let mut place = None;
        let register = |_: &mut Socket, key| {
            place = Some(key);
            Ok::<(), ()>(())
        };
        let entered = connections.enter(Socket::Fake(socket.clone()), (PeerAddr::Unix, local), register);
        entered.expect("it was registered");
        let connection = connections.each().find(|(key, _)| Some(*key) == place);
        Some(connection.map_or_else(Default::default, |(_, connection)| Arc::downgrade(connection)))
    }

    /// Whether it has that connection. One that is closed may live on for whoever still has a request of it.
    pub(super) fn has(&self, connection: &Weak<Connection>) -> bool {
        let is_it = |each: &Arc<Connection>| std::ptr::eq(Arc::as_ptr(each), connection.as_ptr());
        self.connections.iter().flat_map(Connections::each).any(|(_, each)| is_it(each))
    }

    /// The poll side has a turn, in which so many bytes may be moved, with the events of those sockets.
    pub(super) fn turn<'c>(&mut self, bytes: u64, all: impl Iterator<Item = (&'c FakeSocket, &'c Weak<Connection>)>) {
        let mut events = Vec::new();
        for (socket, connection) in all {
            let Some(alive) = connection.upgrade() else { continue };
            // A socket that is closed has no events.
            let event = socket.take_event().filter(|_| self.has(connection));
            events.extend(event.map(|event| (alive.key, event.has_ended)));
        }
        let Some(connections) = &mut self.connections else { return };
        self.context.begin_turn();
        connections.begin_turn(bytes);
        for (key, has_ended) in events {
            connections.event(key, has_ended);
        }
        connections.expire();
        if self.context.is_draining() && !connections.are_draining() {
            connections.drain();
        }
        connections.take_hijacked().for_each(drop);
        let Brought { ready, has_changed_queue } = connections.end_turn();
        self.brought += ready.len() as u64;
        self.queue.extend(ready);
        if has_changed_queue {
            self.queue.retain(Request::waits);
        }
        while self.queue.len() > self.context.config.queue_depth {
            let Some(request) = self.queue.pop_back() else { break };
            connections.refuse(&request, Fault::QueueFull);
        }
    }

    /// Whether some connection is looked at in the next turn, whatever happens.
    pub(super) fn has_waiting(&self) -> bool {
        let waits = |connections: &Connections| connections.each().any(|(key, _)| connections.is_waiting(key));
        self.connections.as_ref().is_some_and(waits)
    }

    /// A helper has a turn: false when there is nothing to do.
    pub(super) fn help(&mut self) -> bool {
        for helpers in [&self.context.helpers, &self.context.shakers] {
            if let Some(job) = helpers.take_job() {
                if job.clone().work() {
                    helpers.put(job);
                }
                return true;
            }
        }
        false
    }

    /// Whether a connection waits for a helper.
    pub(super) fn is_helped(&self, connection: *const ()) -> bool {
        self.context.helpers.have_waiting(connection) || self.context.shakers.have_waiting(connection)
    }

    fn end_helpers(&self) {
        self.context.helpers.end();
        self.context.shakers.end();
    }

    /// A worker takes the oldest request.
    pub(super) fn take(&mut self, looks_whether_gone: bool) {
        while let Some(request) = self.queue.pop_front() {
            if request.waits() && !(looks_whether_gone && request.is_gone()) {
                self.serving.push(Serving::new(Box::new(Exchange::begin(request))));
                return;
            }
        }
    }

    /// A worker does something with one of those that it has, or takes one.
    pub(super) fn serve(&mut self, script: &mut Bytes<'_>) -> Option<Step> {
        if self.serving.is_empty() {
            self.take(false);
            return None;
        }
        let serving = self.serving.swap_remove(script.below(self.serving.len()));
        Some((serving.client(), serving.step(script, &self.completions)))
    }

    /// A worker takes a request, if there is one, and answers one of those that it has.
    pub(super) fn finish(&mut self) -> Option<Step> {
        self.take(false);
        let serving = self.serving.pop()?;
        Some((serving.client(), serving.finish(&self.completions)))
    }

    /// Everything is over: nothing may be left.
    pub(super) fn check_end<'c>(&mut self, all: impl Iterator<Item = &'c Weak<Connection>>) {
        self.serving.clear();
        self.queue.clear();
        let left = self.connections.as_ref().map_or(0, Connections::len);
        assert_eq!(left, 0, "connections are left");
        self.connections = None;
        self.end_helpers();
        for connection in all {
            assert_eq!(connection.strong_count(), 0, "somebody still has a connection");
        }
        let context = &self.context;
        let kept = (context.descriptors.used(), context.kept.bytes(), context.spools.used(), context.streamed());
        assert_eq!(kept, (0, 0, 0, 0), "descriptors, bytes in memory and in files, places");
        let stats = &context.stats;
        assert_eq!(stats.running.get(), 0, "requests that are served");
        assert!(context.detached.all().is_empty(), "answers that apps go on with");
        let refusals = [&stats.refused, &stats.overloaded, &stats.timed_out, &stats.aborted].map(Counter::get);
        self.accounts.check(self.brought, refusals.iter().sum());
        assert!(self.completions.are_all_given(), "{:?}", self.completions);
    }

    /// Nothing has happened that may cost a client its answer.
    pub(super) fn is_calm(&self) -> bool {
        let stats = &self.context.stats;
        let lost = [
            &stats.refused,
            &stats.overloaded,
            &stats.timed_out,
            &stats.aborted,
            &stats.gone,
            &stats.late,
            &stats.keepalive_timeout,
            &stats.handshake_timeout,
            &stats.write_timeout,
            &stats.evicted,
            &stats.panics,
            &stats.http2_errors,
            &stats.http2_floods,
            &stats.http2_refused,
        ];
        lost.iter().all(|counter| counter.get() == 0) && !self.context.is_draining()
    }

    /// From now on all that is shared is used up or gone: what is left is that all ends.
    pub(super) fn stop(&mut self) {
        self.context.enter(Phase::Over);
        self.end_helpers();
        self.connections = None;
        self.queue.clear();
    }
}
