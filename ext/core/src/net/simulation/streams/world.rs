//! The simulated world of such connections, and what must hold in it.

use std::time::Duration;

use super::super::bytes::Bytes;
use super::super::engine::Engine;
use super::super::worker::Became;
use super::client::Client;
use crate::config::Config;
use crate::net::connections::Connections;
use crate::net::deadlines::NEVER;
use crate::net::fake_socket::FakeSocket;

/// So often all may be looked at, and helped, while nothing moves.
const IDLE_ROUNDS: usize = 8;
/// And so often in all.
const ROUNDS: usize = 20_000;

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) clients: Vec<Client>,
}

impl World {
    pub(super) fn new(config: Config, read_at_once: usize) -> World {
        World { engine: Engine::new(config, read_at_once), clients: Vec::new() }
    }

    /// Somebody connects.
    pub(super) fn connect(&mut self) {
        let mut client = Client::new(self.clients.len(), FakeSocket::default());
        if let Some(connection) = self.engine.enter(&client.socket, None) {
            client.connection = connection;
            self.clients.push(client);
        }
    }

    /// The poll side has a turn, in which so many bytes may be moved.
    pub(super) fn turn(&mut self, bytes: u64) {
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
            Became::Hijacked(_) => panic!("a stream has no socket"),
        }
    }

    fn serve_all(&mut self) {
        while let Some((client, became)) = self.engine.finish() {
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
            while self.engine.help() {
                has_moved = true;
            }
            if serves {
                self.serve_all();
            }
            for client in &mut self.clients {
                client.listen();
                has_moved |= self.engine.has(&client.connection) && client.finish();
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
        let has_event = |client: &Client| client.socket.has_event() && self.engine.has(&client.connection);
        self.engine.has_waiting() || self.clients.iter().any(has_event)
    }

    /// What changes whenever anything gets anywhere.
    fn progress(&self) -> (u64, usize) {
        let moved = self.clients.iter().map(|client| client.socket.moved()).sum();
        (moved, self.engine.queue.len() + self.engine.serving.len())
    }

    /// Time passes; what is to be done meanwhile is done in time.
    pub(super) fn pass(&mut self, time: u64) {
        let end = self.engine.context.clock.now() + time;
        loop {
            self.settle(false);
            let now = self.engine.context.clock.now();
            if now >= end {
                return;
            }
            let next = self.engine.connections.as_ref().map_or(NEVER, Connections::next).min(end);
            assert!(next > now, "a deadline is over and stays so");
            self.engine.context.clock.skip(Duration::from_millis(next - now));
            self.check();
        }
    }

    /// The same until no connection is left, for `time` at most.
    pub(super) fn pass_all(&mut self, time: u64) {
        let end = self.engine.context.clock.now() + time;
        while self.engine.connections.as_ref().is_some_and(|all| all.len() > 0) && self.engine.context.clock.now() < end
        {
            self.serve_all();
            self.pass(10_000);
        }
    }

    /// What must hold after every step: a connection of HTTP/2 stays the poll side's.
    pub(super) fn check(&mut self) {
        for (key, connection) in self.engine.connections.iter().flat_map(Connections::each) {
            assert!(!connection.owner.is_away(), "{key} is away");
        }
        self.clients.iter_mut().for_each(Client::listen);
    }

    /// Each has a deadline, but for those whose requests may take as long as they like, and the poll side looks at it in time.
    fn check_deadlines(&self) {
        let Some(connections) = &self.engine.connections else { return };
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

    /// Everything is over: nothing may be left.
    pub(super) fn check_end(&mut self) {
        self.engine.check_end(self.clients.iter().map(|client| &client.connection));
    }
}
