//! The same for connections that speak HTTP/2: streams come and go beside each other, are reset, starved of their windows, and
//! served by several; and what clients hear is HTTP/2, of their own requests, and never more than they have room for.

mod client;
mod world;

use std::time::Duration;

use self::client::Client;
use self::world::World;
use super::bytes::Bytes;
use crate::config::{Config, Limits, Streaming};
use crate::net::context::Phase;

const CLIENTS: usize = 3;
/// Steps of one script.
const STEPS: usize = 300;
/// Longer than anything may last.
const EVER: u64 = 4_000_000;

/// Runs a script. Any bytes are one.
///
/// # Panics
/// When something does not hold that has to.
pub fn run(script: &[u8]) {
    let script = &mut Bytes(script);
    let mut world = World::new(config(script), script.one_of(&[32, 500, 64 * 1024]));
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

fn config(script: &mut Bytes<'_>) -> Config {
    let seconds = Duration::from_secs;
    Config {
        limits: Limits {
            head: 512,
            fields: 16,
            target: 64,
            body: 300_000,
            body_buffer: script.one_of(&[100, 100_000]),
            spool_dir: if script.one_in(16) { "/nowhere/at/all".into() } else { std::env::temp_dir() },
        },
        http2: true,
        http2_max_streams: script.one_of(&[2, 100]),
        streaming: if script.one_in(2) { Streaming::All } else { Streaming::Never },
        max_streamed: 2,
        max_connections: CLIENTS,
        queue_depth: script.one_of(&[1, 100]),
        request_timeout: script.one_of(&[None, Some(seconds(3))]),
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
        0..6 => client(world, script, |client, script| {
            client.say(script);
            client.send(script.one_of(&[0, 1, 90, usize::MAX, usize::MAX]));
        }),
        6..9 => client(world, script, |client, script| client.send(script.one_of(&[1, 9, 40, 300, usize::MAX]))),
        9 => client(world, script, |client, script| {
            client.socket.take_room(script.one_of(&[0, 1, 30, 5000, usize::MAX]));
        }),
        10 => client(world, script, |client, script| client.socket.limit_step(script.one_of(&[50, 3000, usize::MAX]))),
        11 => client(world, script, |client, script| match script.below(4) {
            0 => {
                client.socket.reset();
                client.is_excused = true;
            }
            1 => {
                client.socket.end();
                client.is_excused = true;
            }
            _ => client.open_windows(script.one_of(&[1, 1000, 100_000])),
        }),
        12..17 => world.turn(script.one_of(&[u64::MAX, u64::MAX, 1, 100])),
        17 | 18 => {
            world.help();
        }
        19 | 20 => world.take(script.one_in(2)),
        21..27 => world.serve(script),
        27 => world.pass(script.one_of(&[1, 100, 500, 1000, 2000, 3000, 5000])),
        28 => world.settle(script.one_in(2)),
        29 => world.connect(),
        30 => rarely(world, script),
        _ => world.check_clients(false),
    }
}

fn client(world: &mut World, script: &mut Bytes<'_>, what: impl FnOnce(&mut Client, &mut Bytes<'_>)) {
    let which = script.below(world.clients.len());
    what(&mut world.clients[which], script);
}

fn rarely(world: &mut World, script: &mut Bytes<'_>) {
    match script.below(16) {
        0 => world.context.enter(Phase::LameDuck),
        1 => world.context.enter(Phase::Draining),
        2 => world.connections.iter_mut().for_each(|connections| connections.evict()),
        #[cfg(test)]
        3 => world.context.trap.set(script.one_of(&[crate::net::trap::At::Connection, crate::net::trap::At::Helping])),
        4 => world.stop(),
        _ => {}
    }
}

/// Nobody is held up any more, and all that was asked for is answered. Then everything comes to its end.
fn end(world: &mut World, script: &mut Bytes<'_>) {
    for client in &mut world.clients {
        client.send(usize::MAX);
        client.socket.take_room(usize::MAX);
        client.socket.limit_step(usize::MAX);
        client.reads_all = true;
    }
    world.settle(true);
    let is_calm = world.is_calm();
    for client in &mut world.clients {
        client.is_excused |= !is_calm;
    }
    world.check_clients(true);
    match script.below(3) {
        0 => world.clients.iter_mut().for_each(|client| client.socket.end()),
        1 => world.context.enter(Phase::Draining),
        _ => {}
    }
    world.settle(true);
    world.pass_all(EVER);
    world.check_end();
}
