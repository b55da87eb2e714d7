//! The simulated world, and what must hold in it whatever happens.

use std::sync::Arc;
use std::time::Duration;

use super::bytes::Bytes;
use super::client::Client;
use super::engine::Engine;
use super::worker::{Became, LONGEST};
use crate::config::{Config, SLOW_START};
use crate::net::connection::{Connection, Standing};
use crate::net::connections::Connections;
use crate::net::deadlines::NEVER;
use crate::net::fake_socket::FakeSocket;
use crate::tls::port::Port;

/// So often all may be looked at, and helped, while nothing moves.
const IDLE_ROUNDS: usize = 8;
/// At least so often somebody who drips sends a byte.
const DRIP: u64 = 700;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) clients: Vec<Client>,
    /// What TLS is served with, where it is.
    tls: Option<Arc<Port>>,
    /// How each connection stood lately, and since when it has got nowhere.
    lives: Vec<(*const Connection, Standing, u64)>,
}

impl World {
    pub(super) fn new(config: Config, read_at_once: usize, tls: Option<Arc<Port>>) -> World {
        World { engine: Engine::new(config, read_at_once), clients: Vec::new(), tls, lives: Vec::new() }
    }

    /// Somebody connects.
    pub(super) fn connect(&mut self) {
        let mut client = Client::new(self.clients.len(), FakeSocket::default());
        #[cfg(test)]
        if self.tls.is_some() {
            client.layer = Some(super::layer::Layer::new());
            client.hear();
        }
        if let Some(connection) = self.engine.enter(&client.socket, self.tls.clone()) {
            client.connection = connection;
            self.clients.push(client);
        }
    }

    /// The poll side has a turn, in which so many bytes may be moved.
    pub(super) fn turn(&mut self, bytes: u64) {
        self.clients.iter_mut().filter(|_| self.tls.is_some()).for_each(Client::hear);
        let all = self.clients.iter().map(|client| (&client.socket, &client.connection));
        self.engine.turn(bytes, all);
        self.check_deadlines();
    }

    /// A worker does something with one of those that it has.
    pub(super) fn serve(&mut self, script: &mut Bytes<'_>) {
        if let Some((client, became)) = self.engine.serve(script) {
            self.follow(client, became);
        }
    }

    fn follow(&mut self, client: Option<usize>, became: Became) {
        let client = client.and_then(|client| self.clients.get_mut(client));
        match became {
            Became::Goes(serving) => self.engine.serving.push(serving),
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
        while let Some((client, became)) = self.engine.finish() {
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
                has_helped |= self.engine.help();
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
        let has_events = self.clients.iter().any(|client| !client.is_over() && client.socket.has_event());
        self.engine.has_waiting() || self.engine.connections.is_some() && has_events
    }

    /// What changes whenever anything gets anywhere.
    fn progress(&self) -> (u64, Vec<(usize, Standing)>, usize) {
        let moved = self.clients.iter().map(|client| client.socket.moved()).sum();
        (moved, self.standing(), self.engine.queue.len() + self.engine.serving.len())
    }

    pub(super) fn standing(&self) -> Vec<(usize, Standing)> {
        let each = self.engine.connections.iter().flat_map(Connections::each);
        each.map(|(key, connection)| (key, connection.standing())).collect()
    }

    /// Time passes; what is to be done meanwhile is done in time.
    pub(super) fn pass(&mut self, time: u64, serves: bool) {
        let end = self.engine.context.clock.now() + time;
        loop {
            self.settle(serves);
            let now = self.engine.context.clock.now();
            if now >= end {
                return;
            }
            let mut next = self.engine.connections.as_ref().map_or(NEVER, Connections::next).min(end);
            if self.clients.iter().any(|client| client.drips && !client.is_over()) {
                next = next.min(now + DRIP);
            }
            // What is due now has just been dealt with: then it is not due now.
            assert!(next > now, "a deadline is over and stays so: {:?}", self.standing());
            self.engine.context.clock.skip(Duration::from_millis(next - now));
            for client in self.clients.iter_mut().filter(|client| client.drips) {
                client.drip();
            }
            self.check();
        }
    }

    /// The same until no connection is left, for `time` at most.
    pub(super) fn pass_all(&mut self, time: u64) {
        let end = self.engine.context.clock.now() + time;
        while self.engine.connections.as_ref().is_some_and(|all| all.len() > 0) && self.engine.context.clock.now() < end
        {
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
        let Some(connections) = &self.engine.connections else { return };
        for (key, connection) in connections.each() {
            let pointer = Arc::as_ptr(connection).cast::<()>();
            let queued = self.engine.queue.iter().filter(|request| request.waits());
            let owners = usize::from(self.engine.is_helped(pointer))
                + queued.filter(|request| Arc::as_ptr(request.line.connection()).cast() == pointer).count()
                + self.engine.serving.iter_mut().filter_map(|serving| serving.has(pointer).then_some(())).count();
            let is_away = connection.owner.is_away();
            assert_eq!(owners, usize::from(is_away), "owners of {key}: {:?}", connection.standing());
        }
    }

    /// Each has a deadline, and the poll side will look at it in time.
    fn check_deadlines(&self) {
        let Some(connections) = &self.engine.connections else { return };
        for (key, connection) in connections.each() {
            let standing = connection.standing();
            if standing.is_hijacked || connections.is_waiting(key) {
                continue;
            }
            let due = connection.deadline.due();
            let may_last = standing.is_served
                && (self.engine.context.config.request_timeout.is_none() || self.serving_has_begun(connection));
            assert!(may_last || due != NEVER, "{key} has no deadline: {standing:?}");
            let is_helped = self.engine.is_helped(Arc::as_ptr(connection).cast());
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
        let Some(connections) = &self.engine.connections else { return };
        let now = self.engine.context.clock.now();
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
            let limit = longest_life(&self.engine.context.config, if standing.unsent > 0 { LONGEST } else { 0 });
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
        self.engine.check_end(self.clients.iter().map(|client| &client.connection));
    }
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
