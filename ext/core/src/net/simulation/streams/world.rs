//! The simulated world of such connections, and what must hold in it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mio::{Poll, Token, Waker};

use super::super::accounts::Accounts;
use super::super::bytes::Bytes;
use super::super::worker::{Became, Completions, Serving};
use super::client::Client;
use crate::config::Config;
use crate::error::Fault;
use crate::net::connections::{Brought, Connections};
use crate::net::context::{Context, Phase};
use crate::net::deadlines::NEVER;
use crate::net::exchange::Exchange;
use crate::net::fake_socket::FakeSocket;
use crate::net::listener::Local;
use crate::net::peer::PeerAddr;
use crate::net::request::Request;
use crate::net::socket::Socket;
use crate::stats::Counter;

/// So often all may be looked at, and helped, while nothing moves.
const IDLE_ROUNDS: usize = 8;
/// And so often in all.
const ROUNDS: usize = 20_000;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) context: Arc<Context>,
    /// None when the engine has been stopped.
    pub(super) connections: Option<Connections>,
    pub(super) clients: Vec<Client>,
    queue: VecDeque<Request>,
    serving: Vec<Serving>,
    completions: Completions,
    brought: u64,
    accounts: Arc<Accounts>,
    /// The engine's way to be woken needs one.
    _poll: Poll,
}

impl World {
    pub(super) fn new(mut config: Config, read_at_once: usize) -> World {
        let accounts = Arc::<Accounts>::default();
        config.observers.push(accounts.clone());
        let poll = Poll::new().expect("there is a poll");
        let waker = Waker::new(poll.registry(), Token(0)).expect("there is a waker");
        let context = Arc::new(Context::simulated(config, waker));
        let mut connections = Connections::new(context.clone());
        connections.read_at_once(read_at_once);
        World {
            connections: Some(connections),
            context,
            clients: Vec::new(),
            queue: VecDeque::new(),
            serving: Vec::new(),
            completions: Completions::default(),
            brought: 0,
            accounts,
            _poll: poll,
        }
    }

    /// Somebody connects.
    pub(super) fn connect(&mut self) {
        let Some(connections) = &mut self.connections else { return };
        if connections.are_draining() || connections.len() >= self.context.config.max_connections {
            return;
        }
        let mut client = Client::new(self.clients.len(), FakeSocket::default());
        let local = Arc::new(Local { name: "localhost", port: 80, speaks_proxy: false, tls: None });
        let mut place = None;
        let register = |_: &mut Socket, key| {
            place = Some(key);
            Ok::<(), ()>(())
        };
        let entered = connections.enter(Socket::Fake(client.socket.clone()), (PeerAddr::Unix, local), register);
        entered.expect("it was registered");
        let connection = connections.each().find(|(key, _)| Some(*key) == place);
        client.connection = connection.map_or_else(Default::default, |(_, connection)| Arc::downgrade(connection));
        self.clients.push(client);
    }

    /// The poll side has a turn, in which so many bytes may be moved.
    pub(super) fn turn(&mut self, bytes: u64) {
        let Some(connections) = &mut self.connections else { return };
        let mut events = Vec::new();
        for client in &self.clients {
            let Some(connection) = client.connection.upgrade() else { continue };
            let is_open = connections.each().any(|(_, each)| Arc::ptr_eq(each, &connection));
            events
                .extend(client.socket.take_event().filter(|_| is_open).map(|event| (connection.key, event.has_ended)));
        }
        self.context.begin_turn();
        connections.begin_turn(bytes);
        for (key, has_ended) in events {
            connections.event(key, has_ended);
        }
        connections.expire();
        if self.context.is_draining() && !connections.are_draining() {
            connections.drain();
        }
        let Brought { ready, has_taken_back } = connections.end_turn();
        self.brought += ready.len() as u64;
        self.queue.extend(ready);
        if has_taken_back {
            self.queue.retain(Request::waits);
        }
        while self.queue.len() > self.context.config.queue_depth {
            let Some(request) = self.queue.pop_back() else { break };
            connections.refuse(&request, Fault::QueueFull);
        }
        self.check_deadlines();
    }

    /// A helper has a turn: false when there is nothing to do.
    pub(super) fn help(&mut self) -> bool {
        let Some(job) = self.context.helpers.take_job() else { return false };
        if job.clone().work() {
            self.context.helpers.put(job);
        }
        true
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

    /// A worker does something with one of those that it has.
    pub(super) fn serve(&mut self, script: &mut Bytes<'_>) {
        if self.serving.is_empty() {
            return self.take(false);
        }
        let which = script.below(self.serving.len());
        let serving = self.serving.swap_remove(which);
        let client = serving.client();
        let became = serving.step(script, &self.completions);
        self.follow(client, became);
    }

    fn follow(&mut self, client: Option<usize>, became: Became) {
        let client = client.and_then(|client| self.clients.get_mut(client));
        match became {
            Became::Goes(serving) => self.serving.push(serving),
            Became::Over => {}
            Became::Cut => client.into_iter().for_each(|client| client.is_excused = true),
            Became::Hijacked(_) => panic!("a stream has no socket"),
        }
    }

    fn serve_all(&mut self) {
        loop {
            self.take(false);
            let Some(serving) = self.serving.pop() else { return };
            let client = serving.client();
            let became = serving.finish(&self.completions);
            self.follow(client, became);
        }
    }

    /// Turns and helpers go on until nothing moves any more; and so do workers, if they are to.
    pub(super) fn settle(&mut self, serves: bool) {
        let mut before = self.progress();
        let mut idle = 0;
        for _ in 0..ROUNDS {
            self.turn(u64::MAX);
            let mut has_moved = false;
            while self.help() {
                has_moved = true;
            }
            if serves {
                self.serve_all();
            }
            for client in &mut self.clients {
                client.listen();
                let is_open = self.connections.as_ref().is_some_and(|connections| is_open(connections, client));
                has_moved |= is_open && client.finish();
            }
            let now = self.progress();
            let is_at_rest = !has_moved && !self.has_more_to_look_at();
            if now == before && is_at_rest {
                return;
            }
            idle = if now == before { idle + 1 } else { 0 };
            assert!(idle < IDLE_ROUNDS, "something is looked at, or helped, again and again, and nothing moves");
            before = now;
        }
        panic!("there is no end to it");
    }

    fn has_more_to_look_at(&self) -> bool {
        let waits = |connections: &Connections| connections.each().any(|(key, _)| connections.is_waiting(key));
        let has_events = |connections: &Connections| {
            self.clients.iter().any(|client| client.socket.has_event() && is_open(connections, client))
        };
        self.connections.as_ref().is_some_and(|connections| waits(connections) || has_events(connections))
    }

    /// What changes whenever anything gets anywhere.
    fn progress(&self) -> (u64, usize) {
        let moved = self.clients.iter().map(|client| client.socket.moved()).sum();
        (moved, self.queue.len() + self.serving.len())
    }

    /// Time passes; what is to be done meanwhile is done in time.
    pub(super) fn pass(&mut self, time: u64) {
        let end = self.context.clock.now() + time;
        loop {
            self.settle(false);
            let now = self.context.clock.now();
            if now >= end {
                return;
            }
            let next = self.connections.as_ref().map_or(NEVER, Connections::next).min(end);
            assert!(next > now, "a deadline is over and stays so");
            self.context.clock.skip(Duration::from_millis(next - now));
            self.check();
        }
    }

    /// The same until no connection is left, for `time` at most.
    pub(super) fn pass_all(&mut self, time: u64) {
        let end = self.context.clock.now() + time;
        while self.connections.as_ref().is_some_and(|all| all.len() > 0) && self.context.clock.now() < end {
            self.serve_all();
            self.pass(10_000);
        }
    }

    /// What must hold after every step: a connection of HTTP/2 stays the poll side's.
    pub(super) fn check(&mut self) {
        for (key, connection) in self.connections.iter().flat_map(Connections::each) {
            assert!(!connection.owner.is_away(), "{key} is away");
        }
        self.clients.iter_mut().for_each(Client::listen);
    }

    /// Each has a deadline, but for those whose requests may take as long as they like, and the poll side looks at it in time.
    fn check_deadlines(&self) {
        let Some(connections) = &self.connections else { return };
        for (key, connection) in connections.each().filter(|(key, _)| !connections.is_waiting(*key)) {
            let due = connection.deadline.due();
            let is_served = connection.link.get().is_some_and(|link| link.busy() > 0);
            assert!(due != NEVER || is_served, "{key} has no deadline");
            assert!(!connection.deadline.is_early(), "nobody looks at the deadline of {key} in time");
            assert!(due == NEVER || connections.next() <= due, "the heap has lost {key}");
        }
    }

    /// All that clients have heard is right.
    pub(super) fn check_clients(&mut self, is_settled: bool) {
        for client in &mut self.clients {
            client.check(is_settled);
        }
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
            &stats.write_timeout,
            &stats.evicted,
            &stats.panics,
            &stats.http2_errors,
            &stats.http2_floods,
            &stats.http2_refused,
        ];
        lost.iter().all(|counter| counter.get() == 0) && !self.context.is_draining()
    }

    /// Everything is over: nothing may be left.
    pub(super) fn check_end(&mut self) {
        self.serving.clear();
        self.queue.clear();
        if let Some(connections) = &self.connections {
            assert_eq!(connections.len(), 0, "connections are left");
        }
        self.connections = None;
        self.context.helpers.end();
        for client in &self.clients {
            assert_eq!(client.connection.strong_count(), 0, "somebody still has a connection");
        }
        let context = &self.context;
        let kept = (context.descriptors.used(), context.kept.bytes(), context.spools.used(), context.streamed());
        assert_eq!(kept, (0, 0, 0, 0), "descriptors, bytes in memory and in files, places");
        assert_eq!(context.stats.running.get(), 0, "requests that are served");
        assert!(context.detached.all().is_empty(), "answers that apps go on with");
        let stats = &context.stats;
        let refusals = [&stats.refused, &stats.overloaded, &stats.timed_out, &stats.aborted].map(Counter::get);
        self.accounts.check(self.brought, refusals.iter().sum());
        assert!(self.completions.are_all_given(), "{:?}", self.completions);
    }

    /// From now on all that is shared is used up or gone: what is left is that all ends.
    pub(super) fn stop(&mut self) {
        self.context.enter(Phase::Over);
        self.context.helpers.end();
        self.connections = None;
        self.queue.clear();
    }
}

/// Whether the engine has its connection. One that is closed may live on for whoever still has a stream of it.
fn is_open(connections: &Connections, client: &Client) -> bool {
    connections.each().any(|(_, each)| std::ptr::eq(Arc::as_ptr(each), client.connection.as_ptr()))
}
