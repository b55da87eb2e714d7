//! The simulated world, and what must hold in it whatever happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mio::{Poll, Token, Waker};

use super::accounts::Accounts;
use super::bytes::Bytes;
use super::client::Client;
use super::worker::{Became, Completions, LONGEST, Serving};
use crate::config::{Config, SLOW_START};
use crate::error::Fault;
use crate::net::connection::{Connection, Standing};
use crate::net::connections::{Brought, Connections};
use crate::net::context::{Context, Phase};
use crate::net::deadlines::NEVER;
use crate::net::exchange::Exchange;
use crate::net::fake_socket::FakeSocket;
use crate::net::listener::Local;
use crate::net::peer::PeerAddr;
use crate::net::request::Request;
use crate::net::socket::Socket;
use crate::stats::{Counter, Stats};
use crate::tls::port::Port;

/// So often all may be looked at, and helped, while nothing moves.
const IDLE_ROUNDS: usize = 8;
/// At least so often somebody who drips sends a byte.
const DRIP: u64 = 700;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) context: Arc<Context>,
    /// None when the engine has been stopped.
    pub(super) connections: Option<Connections>,
    pub(super) clients: Vec<Client>,
    /// What TLS is served with, where it is.
    pub(super) tls: Option<Arc<Port>>,
    queue: VecDeque<Request>,
    pub(super) serving: Vec<Serving>,
    completions: Completions,
    /// Requests that were complete, and the accounts of those that are over.
    brought: u64,
    accounts: Arc<Accounts>,
    /// How each connection stood lately, and since when it has got nowhere.
    lives: Vec<(*const Connection, Standing, u64)>,
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
            tls: None,
            queue: VecDeque::new(),
            serving: Vec::new(),
            completions: Completions::default(),
            brought: 0,
            accounts,
            lives: Vec::new(),
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
        let local = Arc::new(Local { name: "localhost", port: 80, speaks_proxy: false, tls: self.tls.clone() });
        #[cfg(test)]
        if self.tls.is_some() {
            client.layer = Some(super::layer::Layer::new());
            client.hear();
        }
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
        self.clients.iter_mut().filter(|_| self.tls.is_some()).for_each(Client::hear);
        for client in &self.clients {
            let Some(connection) = client.connection.upgrade() else { continue };
            // A socket that is closed has no events.
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
        connections.take_hijacked().for_each(drop);
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
            Became::Hijacked(socket) => {
                client.into_iter().for_each(|client| client.is_hijacked = true);
                drop(socket);
            }
        }
    }

    /// Workers take and answer all there is.
    pub(super) fn serve_all(&mut self) {
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
        while idle < IDLE_ROUNDS {
            self.turn(u64::MAX);
            let mut has_helped = false;
            for _ in 0..self.clients.len() {
                has_helped |= self.help();
            }
            if serves {
                self.serve_all();
            }
            let now = self.progress();
            let is_at_rest = !has_helped && !self.has_more_to_look_at();
            if now == before && is_at_rest {
                return;
            }
            idle = if now == before { idle + 1 } else { 0 };
            before = now;
        }
        panic!("something is looked at, or helped, again and again, and nothing moves: {:?}", self.standing());
    }

    fn has_more_to_look_at(&self) -> bool {
        let waits = |connections: &Connections| connections.each().any(|(key, _)| connections.is_waiting(key));
        let has_events = self.clients.iter().any(|client| !client.is_over() && client.socket.has_event());
        self.connections.as_ref().is_some_and(waits) || self.connections.is_some() && has_events
    }

    /// What changes whenever anything gets anywhere.
    fn progress(&self) -> (u64, Vec<(usize, Standing)>, usize) {
        let moved = self.clients.iter().map(|client| client.socket.moved()).sum();
        (moved, self.standing(), self.queue.len() + self.serving.len())
    }

    pub(super) fn standing(&self) -> Vec<(usize, Standing)> {
        let each = self.connections.iter().flat_map(Connections::each);
        each.map(|(key, connection)| (key, connection.standing())).collect()
    }

    /// Time passes; what is to be done meanwhile is done in time.
    pub(super) fn pass(&mut self, time: u64, serves: bool) {
        let end = self.context.clock.now() + time;
        loop {
            self.settle(serves);
            let now = self.context.clock.now();
            if now >= end {
                return;
            }
            let mut next = self.connections.as_ref().map_or(NEVER, Connections::next).min(end);
            if self.clients.iter().any(|client| client.drips && !client.is_over()) {
                next = next.min(now + DRIP);
            }
            // What is due now has just been dealt with: then it is not due now.
            assert!(next > now, "a deadline is over and stays so: {:?}", self.standing());
            self.context.clock.skip(Duration::from_millis(next - now));
            for client in self.clients.iter_mut().filter(|client| client.drips) {
                client.drip();
            }
            self.check();
        }
    }

    /// The same until no connection is left, for `time` at most.
    pub(super) fn pass_all(&mut self, time: u64) {
        let end = self.context.clock.now() + time;
        while self.connections.as_ref().is_some_and(|all| all.len() > 0) && self.context.clock.now() < end {
            self.pass(10_000, true);
        }
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self) {
        self.check_owners();
        self.check_lives();
    }

    /// A connection that is away has exactly one who has it, and one that is not has none.
    fn check_owners(&mut self) {
        let Some(connections) = &self.connections else { return };
        for (key, connection) in connections.each() {
            let pointer = Arc::as_ptr(connection).cast::<()>();
            let queued = self.queue.iter().filter(|request| request.waits());
            let owners = usize::from(self.is_helped(pointer))
                + queued.filter(|request| Arc::as_ptr(request.line.connection()).cast() == pointer).count()
                + self.serving.iter_mut().filter_map(|serving| serving.has(pointer).then_some(())).count();
            let is_away = connection.owner.is_away();
            assert_eq!(owners, usize::from(is_away), "owners of {key}: {:?}", connection.standing());
        }
    }

    /// Whether it waits for a helper.
    fn is_helped(&self, connection: *const ()) -> bool {
        self.context.helpers.have_waiting(connection) || self.context.shakers.have_waiting(connection)
    }

    /// Each has a deadline, and the poll side will look at it in time.
    fn check_deadlines(&self) {
        let Some(connections) = &self.connections else { return };
        for (key, connection) in connections.each() {
            let standing = connection.standing();
            if standing.is_hijacked || connections.is_waiting(key) {
                continue;
            }
            let due = connection.deadline.due();
            let may_last = standing.is_served
                && (self.context.config.request_timeout.is_none() || self.serving_has_begun(connection));
            assert!(may_last || due != NEVER, "{key} has no deadline: {standing:?}");
            let is_helped = self.is_helped(Arc::as_ptr(connection).cast());
            let is_known = may_last || is_helped || !connection.deadline.is_early();
            assert!(is_known, "nobody looks at the deadline of {key} in time: {standing:?}");
            assert!(may_last || is_helped || connections.next() <= due, "the heap has lost {key}: {standing:?}");
        }
    }

    /// Once its answer has begun, a worker waits for the client.
    fn serving_has_begun(&self, connection: &Arc<Connection>) -> bool {
        !connection.right().waits()
    }

    /// Without an answer none lives for longer than the settings say, whatever its client sends.
    fn check_lives(&mut self) {
        let Some(connections) = &self.connections else { return };
        let now = self.context.clock.now();
        let mut lives = Vec::new();
        for (key, connection) in connections.each() {
            let standing = connection.standing();
            let pointer = Arc::as_ptr(connection);
            let goes_on = |before: &Standing| {
                let has_sent_all = before.unsent > 0 && standing.unsent == 0;
                standing.is_served || standing.is_hijacked || before.answered != standing.answered || has_sent_all
            };
            let before = self.lives.iter().find(|(each, ..)| *each == pointer);
            let since = before.filter(|(_, before, _)| !goes_on(before)).map_or(now, |(.., since)| *since);
            let limit = longest_life(&self.context.config, if standing.unsent > 0 { LONGEST } else { 0 });
            assert!(now - since <= limit, "{key} has got nowhere for {} ms: {standing:?}", now - since);
            lives.push((pointer, standing, since));
        }
        self.lives = lives;
    }

    /// All that clients have heard is right.
    pub(super) fn check_clients(&mut self, is_settled: bool) {
        for client in &mut self.clients {
            client.check(is_settled);
        }
    }

    /// When there is nothing to do any more, those whose clients have left are gone, without any time having passed.
    pub(super) fn check_left(&self) {
        for client in &self.clients {
            assert!(
                !client.socket.has_left() || client.is_over(),
                "client {} has left, and nobody has seen it",
                client.number
            );
        }
    }

    /// Everything is over: nothing may be left.
    pub(super) fn check_end(&mut self) {
        self.serving.clear();
        self.queue.clear();
        if let Some(connections) = &self.connections {
            assert_eq!(connections.len(), 0, "connections are left: {:?}", self.standing());
        }
        self.connections = None;
        self.context.helpers.end();
        self.context.shakers.end();
        for client in &self.clients {
            assert_eq!(client.connection.strong_count(), 0, "somebody still has the connection of {}", client.number);
        }
        let context = &self.context;
        let kept = (context.descriptors.used(), context.kept.bytes(), context.spools.used(), context.streamed());
        assert_eq!(kept, (0, 0, 0, 0), "descriptors, bytes in memory and in files, places");
        assert_eq!(context.stats.running.get(), 0, "requests that are served");
        assert!(context.detached.all().is_empty(), "answers that apps go on with");
        self.accounts.check(self.brought, refusals(&context.stats));
        assert!(self.completions.are_all_given(), "{:?}", self.completions);
    }

    /// From now on all that is shared is used up or gone: what is left is that all ends.
    pub(super) fn stop(&mut self) {
        self.context.enter(Phase::Over);
        self.context.helpers.end();
        self.context.shakers.end();
        self.connections = None;
        self.queue.clear();
    }
}

/// Requests that were refused, whenever that was.
fn refusals(stats: &Stats) -> u64 {
    [&stats.refused, &stats.overloaded, &stats.timed_out, &stats.aborted].map(Counter::get).iter().sum()
}

/// In milliseconds: each of the settings once, what comes with them, and the time for an answer of so many bytes.
fn longest_life(config: &Config, unsent: usize) -> u64 {
    let slow = |bytes: usize, rate: u64| (bytes as u64 * 1000 / rate.max(1)).max(SLOW_START.as_millis() as u64);
    let waits = [
        config.handshake_timeout,
        config.keepalive_timeout,
        config.header_timeout,
        config.body_timeout,
        config.write_timeout,
    ];
    let closing = Duration::from_secs(6);
    let waits = waits.iter().sum::<Duration>() + config.write_timeout + closing;
    let body = slow(config.limits.body as usize, config.body_min_rate);
    waits.as_millis() as u64 + body + if unsent > 0 { slow(unsent, config.write_min_rate) } else { 0 }
}
