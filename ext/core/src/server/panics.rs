//! What panics cost: one connection, or the process, and never a process that lives on and serves nobody.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Server;
use crate::config::Config;
use crate::dispatch::lead::Taken;
use crate::fatal;
use crate::http::date;
use crate::http::encode::ResponseHead;
use crate::net::completion::Completion;
use crate::net::exchange::{Exchange, Piece};
use crate::net::listener::Listener;
use crate::net::trap::At;

const SOON: Duration = Duration::from_secs(20);
pub(super) const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LONG: &[u8] = b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n";
/// Bytes of the answer to `LONG`, more than any socket takes.
const LENGTH: usize = 16 * 1024 * 1024;

pub(super) struct Served {
    pub(super) server: Arc<Server>,
    port: u16,
    workers: Vec<JoinHandle<()>>,
}

impl Served {
    pub(super) fn start(workers: usize, config: Config) -> Served {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let port = listener.port().unwrap();
        let server = Arc::new(Server::start(vec![listener], config).unwrap());
        let workers = (0..workers).map(|_| {
            let server = server.clone();
            thread::spawn(move || {
                let interrupt = server.interrupt();
                while let Taken::Exchange(exchange) = server.dispatch().take(&interrupt) {
                    answer(*exchange);
                }
            })
        });
        Served { workers: workers.collect(), server, port }
    }

    pub(super) fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        client
    }

    fn trap(&self, at: At) {
        self.server.context().trap.set(at);
    }

    fn stat(&self, name: &str) -> u64 {
        self.server.context().stats.all().find(|(each, _)| *each == name).unwrap().1
    }

    fn eventually(&self, name: &str, number: u64) {
        let end = Instant::now() + SOON;
        while self.stat(name) != number {
            assert!(Instant::now() < end, "{name} is {} and not {number}", self.stat(name));
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn drain(self) {
        self.server.drain();
        for worker in self.workers {
            worker.join().unwrap();
        }
    }
}

pub(super) fn answer(mut exchange: Exchange) {
    let is_long = exchange.head().target() == b"/long";
    let length = if is_long { LENGTH as u64 } else { 2 };
    let mut out = Vec::new();
    let plan = ResponseHead::begin(&mut out, 200).end(exchange.asked(), Some(length), &date::format(0));
    if !is_long {
        out.extend_from_slice(b"ok");
    }
    if exchange.send(&out).is_err() {
        return exchange.abort();
    }
    if is_long {
        exchange.keep_piece(Piece::Bytes(vec![b'x'; LENGTH].into())).unwrap();
    }
    exchange.finish(plan.keep_alive, is_long.then(|| Completion::new(|_| ())));
}

/// Asks, and reads one short answer.
fn ask(client: &mut TcpStream) -> String {
    client.write_all(GET).unwrap();
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    while !text.ends_with(b"\r\n\r\nok") {
        let length = client.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "the connection ended after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(text).unwrap()
}

/// Whether the connection has come to its end, in whatever way, before so many bytes.
fn ends_before(mut client: TcpStream, most: usize) -> bool {
    let mut got = Vec::new();
    let end = client.read_to_end(&mut got);
    let is_ended = end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
    is_ended && got.len() < most
}

#[test]
fn a_panic_while_one_connection_is_looked_at_costs_that_one() {
    let served = Served::start(2, Config::default());
    let (mut other, mut unlucky) = (served.connect(), served.connect());
    assert!(ask(&mut other).starts_with("HTTP/1.1 200"));
    assert!(ask(&mut unlucky).starts_with("HTTP/1.1 200"));

    // An event that came while a worker had the other one has it looked at once more.
    thread::sleep(Duration::from_millis(200));
    served.trap(At::Connection);
    unlucky.write_all(GET).unwrap();
    assert!(ends_before(unlucky, 1));
    served.eventually("connections", 1);
    assert_eq!(served.stat("panics"), 1);
    assert!(ask(&mut other).starts_with("HTTP/1.1 200"));
    assert!(ask(&mut served.connect()).starts_with("HTTP/1.1 200"));
    served.drain();
}

#[test]
fn a_panic_when_its_deadline_is_over_costs_that_connection() {
    let config = Config { keepalive_timeout: Duration::from_millis(500), ..Config::default() };
    let served = Served::start(1, config);
    let mut unlucky = served.connect();
    assert!(ask(&mut unlucky).starts_with("HTTP/1.1 200"));
    served.trap(At::Connection);
    assert!(ends_before(unlucky, 1));
    served.eventually("connections", 0);
    assert_eq!((served.stat("panics"), served.stat("keepalive_timeout")), (1, 0));
    assert!(ask(&mut served.connect()).starts_with("HTTP/1.1 200"));
    served.drain();
}

#[test]
fn a_panic_while_a_long_answer_is_sent_costs_that_connection_and_not_the_sender() {
    let served = Served::start(1, Config::default());
    for lost in 1..=5 {
        served.trap(At::Helping);
        let mut unlucky = served.connect();
        unlucky.write_all(LONG).unwrap();
        assert!(ends_before(unlucky, LENGTH));
        served.eventually("connections", 0);
        assert_eq!((served.stat("panics"), served.stat("aborted")), (lost, lost));
    }
    let mut client = served.connect();
    client.write_all(LONG).unwrap();
    client.read_exact(&mut vec![0; LENGTH]).unwrap();
    drop(client);
    served.drain();
}

#[test]
fn a_panic_of_the_fallback_poller_is_not_its_end() {
    let served = Served::start(0, Config::default());
    let interrupt = served.server.interrupt();
    for panics in 1..=3 {
        served.trap(At::Fallback);
        let mut client = served.connect();
        client.write_all(GET).unwrap();
        let Taken::Exchange(exchange) = served.server.dispatch().take(&interrupt) else { unreachable!() };
        // Here is the only worker. It comes for work and is called away until the fallback poller, which may have led, looks
        // once more how all goes.
        let end = Instant::now() + SOON;
        while served.stat("panics") != panics {
            assert!(Instant::now() < end, "the fallback poller has not panicked");
            interrupt.raise();
            assert!(matches!(served.server.dispatch().take(&interrupt), Taken::Interrupted));
            thread::sleep(Duration::from_millis(1));
        }
        // The worker is busy, so nobody else can have said that.
        let mut wrong = served.connect();
        wrong.write_all(b"GET / HTTP/9.9\r\n\r\n").unwrap();
        let mut text = String::new();
        wrong.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 505"), "{text}");
        answer(*exchange);
    }
    served.server.stop();
}

/// Runs the test of that name again, as a process that loses its poller: its exit status, and all that it says.
fn lose_poller(test: &str) -> (Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("server::panics::{test}"), "--nocapture"]).env(LOSER, "1");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const LOSER: &str = "KINO_TEST_LOSES_ITS_POLLER";

fn losing_it_is_the_end(test: &str, workers: usize) {
    if std::env::var_os(LOSER).is_none() {
        let (status, said) = lose_poller(test);
        assert_eq!(status, Some(fatal::STATUS), "{said}");
        assert!(said.contains("kino: fatal: the thread that polled has panicked"), "{said}");
        return;
    }
    let served = Served::start(workers, Config::default());
    served.trap(At::Turn);
    let _client = served.connect();
    thread::sleep(SOON);
    // It lives on, and serves nobody.
    std::process::exit(0);
}

#[test]
fn a_poller_that_a_worker_loses_is_the_end_of_the_process() {
    losing_it_is_the_end("a_poller_that_a_worker_loses_is_the_end_of_the_process", 1);
}

#[test]
fn a_poller_that_the_covering_thread_loses_is_the_end_of_the_process() {
    losing_it_is_the_end("a_poller_that_the_covering_thread_loses_is_the_end_of_the_process", 0);
}
