//! The same for connections that speak HTTP/2: streams come and go beside each other, are reset, starved of their windows, and
//! served by several; and what clients hear is HTTP/2, of their own requests, and never more than they have room for.

mod client;
mod world;

use self::client::Client;
use self::world::World;
use super::bytes::Bytes;
use super::script;
use crate::config::{Config, Limits};
use crate::net::context::Phase;

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
    let config = script::config(script);
    Config {
        limits: Limits { body: 300_000, body_buffer: script.one_of(&[100, 100_000]), ..config.limits },
        http2: true,
        http2_max_streams: script.one_of(&[2, 100]),
        ..config
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
            world.engine.help();
        }
        19 | 20 => world.engine.take(script.one_in(2)),
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
    let is_calm = world.engine.is_calm();
    for client in &mut world.clients {
        client.is_excused |= !is_calm;
    }
    world.check_clients(true);
    match script.below(3) {
        0 => world.clients.iter_mut().for_each(|client| client.socket.end()),
        1 => world.engine.context.enter(Phase::Draining),
        _ => {}
    }
    world.settle(true);
    world.pass_all(EVER);
    world.check_end();
}
