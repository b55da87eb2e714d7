//! Whoever ends an engine may hold what others need, and so waits for nothing that a disk may hold up.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::Server;
use crate::config::Config;
use crate::net::listener::Listener;
use crate::net::trap::At;

const SOON: Duration = Duration::from_secs(20);

/// Runs `work` on a thread of its own: whether it has come to its end.
fn comes_back<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, end) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    end.recv_timeout(SOON).ok()
}

/// A server whose fallback poller is held, as a slow disk would hold it, until the returned sender is dropped.
fn held() -> (Server, mpsc::Sender<()>) {
    let server = Server::start(vec![Listener::bind("tcp://127.0.0.1:0").unwrap()], Config::default()).unwrap();
    let let_go = server.context().trap.hold(At::Turn);
    let end = Instant::now() + SOON;
    while !server.context().trap.is_holding() {
        assert!(Instant::now() < end, "nobody leads");
        thread::sleep(Duration::from_millis(1));
    }
    (server, let_go)
}

#[test]
fn ending_and_dropping_wait_for_no_thread() {
    let (server, let_go) = held();
    let server = comes_back(move || {
        server.end();
        server
    });
    let server = server.expect("the end waits for a thread that is held");
    comes_back(move || drop(server)).expect("the drop waits for a thread that is held");
    drop(let_go);
}

#[test]
fn dropping_one_that_was_never_told_to_end_ends_it_and_waits_for_no_thread() {
    let (server, let_go) = held();
    let dispatch = server.dispatch().clone();
    comes_back(move || drop(server)).expect("the drop waits for a thread that is held");
    assert!(dispatch.is_over_now());
    drop(let_go);
    let context = dispatch.context().clone();
    drop(dispatch);
    let end = Instant::now() + SOON;
    // The thread has closed all there is, and let go.
    while std::sync::Arc::strong_count(&context) > 1 {
        assert!(Instant::now() < end, "the engine's threads live on");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_wait_for_the_threads_can_be_called_off_and_is_bounded() {
    let (server, let_go) = held();
    server.end();
    let interrupt = server.interrupt();
    interrupt.raise();
    let server = comes_back(move || (server.join(&interrupt, SOON * 2), server));
    let (has_ended, server) = server.expect("the wait is deaf");
    assert!(!has_ended);
    let server = comes_back(move || (server.join(&server.interrupt(), Duration::from_millis(1)), server));
    let (_, server) = server.expect("the wait has no end");
    drop(let_go);
    comes_back(move || server.stop()).expect("the threads have not ended");
}
