//! What happens in the simulated world, read from bytes.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use super::bytes::Bytes;
use super::world::World;
use crate::config::{Config, Limits, Streaming};
use crate::net::context::Phase;
use crate::tls::port::Port;

/// There are no more clients than that.
const CLIENTS: usize = 4;
/// Steps of one script.
const STEPS: usize = 400;
/// Longer than anything may last.
const EVER: u64 = 4_000_000;

/// Runs a script. Any bytes are one.
///
/// # Panics
/// When something does not hold that has to.
pub fn run(script: &[u8]) {
    run_over(None, script);
}

/// The same where all clients speak TLS, if it is served.
pub(super) fn run_over(tls: Option<Arc<Port>>, script: &[u8]) {
    let script = &mut Bytes(script);
    let mut world = World::new(config(script), script.one_of(&[32, 500, 64 * 1024]), tls);
    world.connect();
    for _ in 0..STEPS {
        if script.is_empty() {
            break;
        }
        step(&mut world, script);
        world.check();
    }
    end(&mut world, script);
}

/// Settings of an engine that has little of anything.
pub(super) fn config(script: &mut Bytes<'_>) -> Config {
    let seconds = Duration::from_secs;
    Config {
        limits: Limits {
            head: 512,
            fields: 16,
            target: 64,
            body: 8192,
            body_buffer: script.one_of(&[100, 4096]),
            spool_dir: if script.one_in(16) { "/nowhere/at/all".into() } else { std::env::temp_dir() },
        },
        streaming: if script.one_in(2) { Streaming::All } else { Streaming::Never },
        max_streamed: 2,
        max_connections: CLIENTS,
        queue_depth: script.one_of(&[1, 100]),
        request_timeout: script.one_of(&[None, Some(seconds(3))]),
        handshake_timeout: seconds(2),
        header_timeout: seconds(2),
        body_timeout: seconds(3),
        keepalive_timeout: seconds(script.one_of(&[4, 30])),
        max_keepalive_requests: script.one_of(&[None, None, Some(2)]),
        kept_bytes: script.one_of(&[64 * 1024 * 1024, 0]),
        write_timeout: seconds(3),
        spool_limit: Some(script.one_of(&[1 << 30, 1 << 30, 500])),
        descriptors: script.one_of(&[100, 100, 8]),
        ..Config::default()
    }
}

fn step(world: &mut World, script: &mut Bytes<'_>) {
    match script.below(32) {
        0..4 => client(world, script, |client, script| {
            client.say(script);
            client.send(script.one_of(&[0, 1, 90, usize::MAX, usize::MAX]));
        }),
        4..8 => client(world, script, |client, script| client.send(script.one_of(&[1, 2, 7, 40, 300, usize::MAX]))),
        8 => client(world, script, |client, script| {
            client.socket.take_room(script.one_of(&[0, 1, 30, 5000, usize::MAX]))
        }),
        9 => client(world, script, |client, script| client.socket.limit_step(script.one_of(&[1, 2, 100, usize::MAX]))),
        10 => client(world, script, fail),
        11 => client(world, script, leave),
        12..16 => world.turn(script.one_of(&[u64::MAX, u64::MAX, 1, 100])),
        16 | 17 => {
            world.engine.help();
        }
        18 | 19 => world.engine.take(script.one_in(2)),
        20..26 => world.serve(script),
        26 => world.pass(script.one_of(&[1, 100, 500, 1000, 2000, 3000, 5000]), false),
        27 | 28 => world.settle(script.one_in(2)),
        29 => world.connect(),
        30 => rarely(world, script),
        _ => world.check_clients(false),
    }
}

fn client(world: &mut World, script: &mut Bytes<'_>, what: impl FnOnce(&mut super::client::Client, &mut Bytes<'_>)) {
    let which = script.below(world.clients.len());
    what(&mut world.clients[which], script);
}

/// The next system call ends with an error.
fn fail(client: &mut super::client::Client, script: &mut Bytes<'_>) {
    let kinds = [
        ErrorKind::Interrupted,
        ErrorKind::WouldBlock,
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
        ErrorKind::Other,
        ErrorKind::TimedOut,
    ];
    let kind = script.one_of(&kinds);
    client.is_excused |= !matches!(kind, ErrorKind::Interrupted | ErrorKind::WouldBlock);
    if script.one_in(2) {
        client.socket.fail_read(kind);
    } else {
        client.socket.fail_write(kind);
    }
}

fn leave(client: &mut super::client::Client, script: &mut Bytes<'_>) {
    match script.below(4) {
        0 => client.drips = true,
        1 => {
            client.socket.reset();
            client.is_excused = true;
        }
        2 => client.say_no_more(),
        _ => {
            client.socket.end();
            client.is_excused = true;
        }
    }
}

fn rarely(world: &mut World, script: &mut Bytes<'_>) {
    match script.below(16) {
        0 => world.engine.context.enter(Phase::LameDuck),
        1 => world.engine.context.enter(Phase::Draining),
        2 => world.engine.connections.iter_mut().for_each(|connections| connections.evict()),
        #[cfg(test)]
        3 => world
            .engine
            .context
            .trap
            .set(script.one_of(&[crate::net::trap::At::Connection, crate::net::trap::At::Helping])),
        4 => world.engine.stop(),
        5 => world.engine.context.spools.fail(script.one_of(&[ErrorKind::StorageFull, ErrorKind::Other])),
        _ => {}
    }
}

/// Nobody is held up any more, and all that was asked for is answered. Then everything comes to its end.
fn end(world: &mut World, script: &mut Bytes<'_>) {
    for client in &mut world.clients {
        client.send(usize::MAX);
        client.socket.take_room(usize::MAX);
    }
    world.settle(true);
    let is_calm = world.engine.is_calm();
    for client in &mut world.clients {
        client.is_excused |= !is_calm;
    }
    world.check_clients(true);
    world.check_left();
    match script.below(4) {
        0 => world.clients.iter_mut().for_each(|client| client.socket.end()),
        1 => world.clients.iter_mut().for_each(|client| client.drips = true),
        2 => world.engine.context.enter(Phase::Draining),
        _ => {}
    }
    world.settle(true);
    world.pass_all(EVER);
    world.check_end();
}
