//! Engines of several processes on the same listeners: nobody is stranded, whatever one of them does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::Server;
use super::panics::{GET, answer};
use crate::config::{AcceptQueue, Config};
use crate::dispatch::lead::Taken;
use crate::net::listener::Listener;
use crate::scoreboard::{Slot, State, now};
use crate::siblings::Siblings;
use crate::siblings::tests::board;

const SOON: Duration = Duration::from_secs(20);

/// An engine in one place of a board, with one worker.
fn serve(listener: &Listener, slots: &'static [Slot], own: usize) -> Arc<Server> {
    let config = Config { siblings: Siblings::new(slots, own), ..Config::default() };
    let server = Arc::new(Server::start(vec![listener.duplicate().unwrap()], config).unwrap());
    let worker = server.clone();
    thread::spawn(move || {
        let interrupt = worker.interrupt();
        while let Taken::Exchange(exchange) = worker.dispatch().take(&interrupt) {
            answer(*exchange);
        }
    });
    server
}

/// A board whose last place has a process that seems to be idle, for as long as a test may take.
fn with_idle_one(places: usize) -> &'static [Slot] {
    let slots = board(places, now());
    let idle = slots.last().unwrap();
    idle.is_asleep.store(1, Relaxed);
    idle.beat.store(now() + 600_000, Relaxed);
    slots
}

fn connect(listener: &Listener) -> TcpStream {
    let client = TcpStream::connect(("127.0.0.1", listener.port().unwrap())).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client
}

fn is_answered(client: &mut TcpStream) -> bool {
    client.write_all(GET).unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 200"
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn one_that_only_seems_to_be_idle_strands_nobody() {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let slots = with_idle_one(2);
    let server = serve(&listener, slots, 0);
    let mut clients: Vec<_> = (0..20).map(|_| connect(&listener)).collect();
    assert!(clients.iter_mut().all(is_answered));
    server.stop();
}

#[test]
fn of_several_all_serve() {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let slots = board(3, now());
    let servers: Vec<_> = (0..3).map(|own| serve(&listener, slots, own)).collect();
    let mut clients: Vec<_> = (0..60).map(|_| connect(&listener)).collect();
    assert!(clients.iter_mut().all(is_answered));
    let accepted = |server: &Arc<Server>| server.context().stats.accepted.get();
    assert_eq!(servers.iter().map(accepted).sum::<u64>(), 60);
    wait_for("connections stand on the board", || slots.iter().map(|slot| slot.read().connections).sum::<u32>() == 60);
    servers.iter().for_each(|server| server.stop());
}

/// Two clients with a request each, of an engine whose only worker takes a request and answers when it is told to, while others begin
/// with some all the time; what the system says of the queue is `accept_queue`: whether the second is let in before the first is answered.
fn second_of_two_clients_is_let_in(is_let_in: bool, accept_queue: fn(BorrowedFd<'_>) -> Option<AcceptQueue>) {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let slots = board(2, now());
    slots[1].beat.store(now() + 600_000, Relaxed);
    slots[1].took.store(now() + 600_000, Relaxed);
    slots[1].running.store(9, Relaxed);
    let config = Config { siblings: Siblings::new(slots, 0), accept_queue, ..Config::default() };
    let server = Arc::new(Server::start(vec![listener.duplicate().unwrap()], config).unwrap());
    let (begun, begins) = channel();
    let (answer_it, is_to_answer) = channel::<()>();
    let worker = server.clone();
    thread::spawn(move || {
        let interrupt = worker.interrupt();
        while let Taken::Exchange(exchange) = worker.dispatch().take(&interrupt) {
            begun.send(()).unwrap();
            is_to_answer.recv().unwrap();
            answer(*exchange);
        }
    });
    let mut first = connect(&listener);
    first.write_all(GET).unwrap();
    begins.recv_timeout(SOON).unwrap();
    let mut second = connect(&listener);
    second.write_all(GET).unwrap();
    let accepted = || server.context().stats.accepted.get();
    if is_let_in {
        wait_for("the second client is let in", || accepted() == 2);
    } else {
        thread::sleep(Duration::from_millis(60));
        assert_eq!(accepted(), 1);
    }
    answer_it.send(()).unwrap();
    answer_it.send(()).unwrap();
    let mut status = [0; 12];
    for mut client in [first, second] {
        assert!(client.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 200");
    }
    server.stop();
}

#[test]
fn who_comes_anew_waits_outside_until_a_worker_is_free() {
    second_of_two_clients_is_let_in(false, |_| Some(AcceptQueue { length: 1, most: 1024 }));
}

#[test]
fn where_many_wait_outside_or_nothing_is_told_of_them_they_are_let_in() {
    second_of_two_clients_is_let_in(true, |_| Some(AcceptQueue { length: 129, most: 1024 }));
    second_of_two_clients_is_let_in(true, |_| None);
}

/// A program stops its server and starts it again; the collector frees the first engine at some time later.
#[test]
fn an_engine_that_is_over_takes_no_place_from_the_next() {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let slots = board(1, now());
    slots[0].take(std::process::id());
    let first = serve(&listener, slots, 0);
    first.stop();
    assert_eq!(slots[0].state(), State::Draining);
    slots[0].take(std::process::id());
    slots[0].ready();
    drop(first);
    assert_eq!(slots[0].state(), State::Ready);
}

#[test]
fn who_leaves_leaves_those_who_wait_to_others_and_the_last_one_serves_them() {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let slots = with_idle_one(2);
    let first = serve(&listener, slots, 0);
    first.drain();
    wait_for("the first is over", || first.dispatch().is_over_now());
    assert_eq!(slots[0].state(), State::Draining);
    // The first has closed its own socket, and not the other's.
    let mut client = connect(&listener);
    let second = serve(&listener, slots, 1);
    second.drain();
    assert!(is_answered(&mut client), "the second is the last, so whoever waits is its");
    assert_eq!((first.context().stats.accepted.get(), second.context().stats.accepted.get()), (0, 1));
}

#[test]
fn the_heart_tells_what_there_is_and_ends_with_the_engine() {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let slots = board(1, 0);
    let server = serve(&listener, slots, 0);
    assert!(is_answered(&mut connect(&listener)));
    let group = Arc::default();
    server.dispatch().watch_over(&group);
    group.join().run(b"GET", b"/report?secret");
    wait_for("a beat", || slots[0].read().in_flight.starts_with("GET /report for 0."));
    let reading = slots[0].read();
    assert!(reading.beat > 0 && reading.requests == 1);
    assert!(reading.counts.contains(&("accepted", 1)));
    // Which waits for all of the engine's threads.
    server.stop();
    let counts = |server: &Arc<Server>| server.context().counts().collect::<Vec<_>>();
    assert_eq!(slots[0].read().counts, counts(&server), "what was since the last beat counts, too");
    // Whoever gives its place back says no more there.
    slots[0].free();
    slots[0].take(77);
    slots[0].ready();
    crate::heart::beat_last(server.dispatch());
    drop(server);
    assert!(slots[0].read().state == State::Ready && slots[0].read().counts.iter().all(|(_, count)| *count == 0));
}
