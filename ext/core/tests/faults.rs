//! System calls that fail for the whole process: the engine serves on, or it ends loudly. Each test runs itself again in a
//! process of its own, whose limits it may spend.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use kino_core::config::{Config, Limits};
use kino_core::dispatch::lead::Taken;
use kino_core::fatal;
use kino_core::http::date;
use kino_core::http::encode::ResponseHead;
use kino_core::net::exchange::Exchange;
use kino_core::net::listener::Listener;
use kino_core::server::Server;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SOON: Duration = Duration::from_secs(20);
const ALONE: &str = "KINO_TEST_ALONE";

/// Runs `work` in a process that has nothing else to do: how that has ended.
fn alone(test: &str, work: fn()) -> Output {
    if std::env::var_os(ALONE).is_some() {
        work();
        std::process::exit(0);
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ALONE, "1").output().unwrap()
}

struct Served {
    server: Arc<Server>,
    port: u16,
}

impl Served {
    fn start() -> Served {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let port = listener.port().unwrap();
        let limits = Limits { body_buffer: 1000, ..Limits::default() };
        let config = Config { limits, spool_limit: Some(1 << 20), ..Config::default() };
        let server = Arc::new(Server::start(vec![listener], config).unwrap());
        let worker = server.clone();
        thread::spawn(move || {
            let interrupt = worker.interrupt();
            while let Taken::Exchange(exchange) = worker.dispatch().take(&interrupt) {
                answer(*exchange);
            }
        });
        Served { server, port }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        client
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
}

fn answer(mut exchange: Exchange) {
    let mut out = Vec::new();
    let plan = ResponseHead::begin(&mut out, 200).end(exchange.asked(), Some(2), &date::format(0));
    out.extend_from_slice(b"ok");
    match exchange.send(&out) {
        Ok(()) => exchange.finish(plan.keep_alive, None),
        Err(_) => exchange.abort(),
    }
}

/// Asks for something, and reads its short answer.
fn ask(client: &mut TcpStream) {
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (mut text, mut buffer) = (Vec::new(), [0; 1024]);
    while !text.ends_with(b"\r\n\r\nok") {
        let length = client.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "the connection ended after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..length]);
    }
}

/// All files that may still be opened.
fn all_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn without_a_descriptor_left_those_who_are_in_are_served_and_newcomers_once_there_is_one() {
    let output = alone("without_a_descriptor_left_those_who_are_in_are_served_and_newcomers_once_there_is_one", || {
        setrlimit(Resource::Nofile, Rlimit { current: Some(128), ..getrlimit(Resource::Nofile) }).unwrap();
        let served = Served::start();
        let mut early = served.connect();
        ask(&mut early);
        let mut taken = all_descriptors();
        ask(&mut early);
        // A body for a file.
        early.write_all(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n").unwrap();
        early.write_all(&[b'x'; 5000]).unwrap();
        let mut text = String::new();
        early.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 503"), "{text}");
        served.eventually("connections", 0);
        // Whoever helped it may be the last to let it go.
        let end = Instant::now() + SOON;
        while served.server.context().descriptors.used() > 0 {
            assert!(Instant::now() < end, "somebody holds a descriptor");
            thread::sleep(Duration::from_millis(1));
        }

        taken.extend(all_descriptors());
        drop(taken.pop());
        let mut late = served.connect();
        late.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        // For as long as it takes to try more than once.
        thread::sleep(Duration::from_millis(300));
        assert_eq!(served.stat("accepted"), 1, "there was nothing to accept it with");
        drop(taken);
        let mut text = [0; 12];
        late.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"HTTP/1.1 200");
        ask(&mut served.connect());
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_poll_that_is_gone_is_the_end_of_the_process() {
    let output = alone("a_poll_that_is_gone_is_the_end_of_the_process", || {
        let served = Served::start();
        ask(&mut served.connect());
        let is_poll = |path: &std::path::PathBuf| {
            std::fs::read_link(path).is_ok_and(|what| what.to_string_lossy().contains("eventpoll"))
        };
        let all = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
        let polls: Vec<_> = all.filter(is_poll).collect();
        assert!(!polls.is_empty());
        for path in polls {
            let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            // SAFETY: whoever else has it is told that it is gone, which is what this is about.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
        // Whoever waits in it is not told; whoever comes is.
        served.server.context().wake();
        let _client = served.connect();
        thread::sleep(SOON);
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(fatal::STATUS), "{said}");
    assert!(said.contains("kino: fatal: polling failed"), "{said}");
}
