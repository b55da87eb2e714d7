//! Waiting for a client in the middle of its request, over real sockets. `model` shows that no wake-up is lost.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kino_core::config::{Config, Streaming};
use kino_core::dispatch::client_wait::Woken;
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::Taken;
use kino_core::net::exchange::{Exchange, Part};
use kino_core::net::listener::Listener;
use kino_core::server::Server;

const HOUR: Duration = Duration::from_secs(3600);
const PUT: &[u8] = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na";

/// A server without workers, and a request of which one byte has been read and the next has to be waited for.
struct Scene {
    server: Arc<Server>,
    port: u16,
    socket: TcpStream,
    request: Request,
}

/// Whoever has the exchange lends it for a moment, as Ruby's side does. `None` once it has ended.
type Request = Arc<Mutex<Option<Box<Exchange>>>>;

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Byte(u8),
    Gone,
    Ended,
    Called,
    TimedOut,
}

impl Scene {
    fn new(config: Config) -> Scene {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let port = listener.port().unwrap();
        let config = Config { streaming: Streaming::All, max_streamed: 1, ..config };
        let server = Arc::new(Server::start(vec![listener], config).unwrap());
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.write_all(PUT).unwrap();
        let Taken::Exchange(exchange) = server.dispatch().take(&server.interrupt()) else { panic!("no request") };
        let scene = Scene { server, port, socket, request: Arc::new(Mutex::new(Some(exchange))) };
        assert_eq!(scene.read(HOUR), Heard::Byte(b'a'));
        scene
    }

    fn read(&self, limit: Duration) -> Heard {
        read(&self.server, &self.request, &self.server.interrupt(), limit)
    }

    /// A thread that reads a byte, and what calls it.
    fn reader(&self) -> (JoinHandle<Heard>, Arc<Interrupt>) {
        let interrupt = Arc::new(self.server.interrupt());
        let (server, request, own) = (self.server.clone(), self.request.clone(), interrupt.clone());
        (thread::spawn(move || read(&server, &request, &own, HOUR)), interrupt)
    }
}

fn read(server: &Server, request: &Request, interrupt: &Interrupt, limit: Duration) -> Heard {
    loop {
        let (part, client) = {
            let mut request = request.lock().unwrap();
            let Some(exchange) = &mut *request else { return Heard::Ended };
            let client = exchange.client();
            (exchange.read(1, &mut [0; 9]), client)
        };
        match part {
            Ok(Part::Bytes(bytes)) => return Heard::Byte(bytes[0]),
            Ok(Part::End) => return Heard::Ended,
            Ok(Part::NotYet) => {}
            Err(_) => return Heard::Gone,
        }
        match server.dispatch().wait_for_client(&client, limit, interrupt) {
            Woken::Ready => {}
            Woken::Called => return Heard::Called,
            Woken::TimedOut => return Heard::TimedOut,
        }
    }
}

#[test]
fn all_who_wait_for_a_client_hear_what_comes_from_it() {
    let mut scene = Scene::new(Config::default());
    let readers = [scene.reader(), scene.reader(), scene.reader()];
    scene.socket.write_all(b"bcd").unwrap();
    let mut heard = readers.map(|(reader, _)| match reader.join().unwrap() {
        Heard::Byte(byte) => byte,
        other => panic!("{other:?}"),
    });
    heard.sort_unstable();
    assert_eq!(&heard, b"bcd");
}

#[test]
fn a_wait_ends_when_its_time_is_over_or_its_thread_is_called() {
    let scene = Scene::new(Config::default());
    assert_eq!(scene.read(Duration::from_millis(1)), Heard::TimedOut);
    let ((one, its), (other, others)) = (scene.reader(), scene.reader());
    its.raise();
    assert_eq!(one.join().unwrap(), Heard::Called);
    assert!(!other.is_finished(), "it was not meant");
    others.raise();
    assert_eq!(other.join().unwrap(), Heard::Called);
}

#[test]
fn a_wait_ends_with_its_request() {
    let scene = Scene::new(Config::default());
    let (reader, _) = scene.reader();
    scene.request.lock().unwrap().take().unwrap().abort();
    assert_eq!(reader.join().unwrap(), Heard::Ended);
}

#[test]
fn a_wait_ends_when_its_request_is_answered_by_others() {
    let scene = Scene::new(Config { request_timeout: Some(Duration::from_millis(100)), ..Config::default() });
    assert_eq!(scene.read(HOUR), Heard::Gone);
}

#[test]
fn a_wait_ends_with_the_engine() {
    let scene = Scene::new(Config::default());
    let (reader, _) = scene.reader();
    scene.server.stop();
    assert_eq!(reader.join().unwrap(), Heard::Gone);
    assert_eq!(scene.read(HOUR), Heard::Gone, "no event will come any more");
}

#[test]
fn who_waits_keeps_the_times_of_those_that_are_queued() {
    let scene = Scene::new(Config { queue_timeout: Duration::from_millis(100), ..Config::default() });
    let (reader, interrupt) = scene.reader();
    let mut other = TcpStream::connect(("127.0.0.1", scene.port)).unwrap();
    other.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    other.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    interrupt.raise();
    assert_eq!(reader.join().unwrap(), Heard::Called);
}
