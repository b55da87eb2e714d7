//! The engine over real sockets, with Rust in the app's place.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kino_core::config::{Config, Streaming};
use kino_core::dispatch::lead::{Awaited, Taken};
use kino_core::http::date;
use kino_core::http::encode::ResponseHead;
use kino_core::http::spool::Body;
use kino_core::net::completion::Completion;
use kino_core::net::exchange::{Exchange, Part, Piece};
use kino_core::net::listener::Listener;
use kino_core::server::Server;

/// A server with `workers` threads that answer with the request line and the body, and the port it is reached at.
struct Echo {
    server: Arc<Server>,
    port: u16,
    workers: Vec<JoinHandle<()>>,
}

impl Echo {
    fn start(workers: usize, config: Config) -> Echo {
        Echo::serve(workers, config, echo)
    }

    fn serve(workers: usize, config: Config, app: fn(Exchange)) -> Echo {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let port = listener.port().unwrap();
        let server = Arc::new(Server::start(vec![listener], config).unwrap());
        let mut echo = Echo { workers: Vec::new(), server, port };
        (0..workers).for_each(|_| echo.hire(app));
        echo
    }

    fn hire(&mut self, app: fn(Exchange)) {
        let server = self.server.clone();
        self.workers.push(thread::spawn(move || {
            let interrupt = server.interrupt();
            while let Taken::Exchange(exchange) = server.dispatch().take(&interrupt) {
                app(*exchange);
            }
        }));
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client
    }

    /// Sends all of `bytes`, and gives back all the server answers until it closes.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut client = self.connect();
        client.write_all(bytes).unwrap();
        read_all(&mut client)
    }

    fn drain(self) {
        self.server.drain();
        for worker in self.workers {
            worker.join().unwrap();
        }
    }
}

fn echo(mut exchange: Exchange) {
    let mut text = [exchange.head().method(), b" ", exchange.head().target(), b" "].concat();
    match exchange.take_body() {
        Body::Empty => {}
        Body::Memory(bytes) => text.extend(bytes),
        Body::File { mut file, .. } => {
            file.read_to_end(&mut text).unwrap();
        }
        Body::Arriving => read_arriving(&mut exchange, &mut text),
    }
    answer(exchange, &text);
}

fn read_arriving(exchange: &mut Exchange, into: &mut Vec<u8>) {
    loop {
        match exchange.read(1024, &mut [0; 512]).unwrap() {
            Part::Bytes(bytes) => into.extend(bytes),
            Part::NotYet => thread::sleep(Duration::from_millis(1)),
            Part::End => return,
        }
    }
}

fn answer(mut exchange: Exchange, body: &[u8]) {
    let mut out = Vec::new();
    let plan = ResponseHead::begin(&mut out, 200).end(exchange.asked(), Some(body.len() as u64), &date::format(0));
    out.extend_from_slice(body);
    match exchange.send(&out) {
        Ok(()) => exchange.finish(plan.keep_alive, None),
        Err(_) => exchange.abort(),
    }
}

fn read_all(client: &mut TcpStream) -> String {
    let mut text = Vec::new();
    client.read_to_end(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

const CLOSE: &str = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn answers_in_order_what_is_pipelined() {
    let echo = Echo::start(3, Config::default());
    let mut requests: String = (0..50).map(|n| format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    requests.push_str(CLOSE);
    let text = echo.ask(requests.as_bytes());
    let found: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("GET /"))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let mut expected: Vec<_> = (0..50).map(|n| n.to_string()).collect();
    expected.push("last".to_owned());
    assert_eq!(found.len(), 51, "{text}");
    assert_eq!(found, expected);
    echo.drain();
}

#[test]
fn a_head_that_comes_byte_by_byte_holds_no_worker() {
    let echo = Echo::start(1, Config::default());
    let mut slow = echo.connect();
    for &byte in &CLOSE.as_bytes()[..CLOSE.len() - 1] {
        slow.write_all(&[byte]).unwrap();
    }
    assert!(echo.ask(CLOSE.as_bytes()).ends_with("GET /last "));
    slow.write_all(b"\n").unwrap();
    assert!(read_all(&mut slow).ends_with("GET /last "));
    echo.drain();
}

#[test]
fn bodies_of_any_size_arrive_whole() {
    let echo = Echo::start(2, Config::default());
    for size in [0, 1, 65_536, 65_537, 5_000_000] {
        let body = "b".repeat(size);
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n");
        let mut client = echo.connect();
        let mut writer = client.try_clone().unwrap();
        let request = head + &body;
        let sender = thread::spawn(move || writer.write_all(request.as_bytes()).unwrap());
        let text = read_all(&mut client);
        sender.join().unwrap();
        assert!(text.ends_with(&format!("POST / {body}")), "{size}");
    }
    echo.drain();
}

#[test]
fn a_client_that_does_not_read_holds_no_worker() {
    fn large(exchange: Exchange) {
        let size = if exchange.head().target() == b"/large" { 20_000_000 } else { 10 };
        answer(exchange, &vec![b'x'; size]);
    }
    let echo = Echo::serve(1, Config::default(), large);
    let mut slow = echo.connect();
    slow.write_all(CLOSE.replace("/last", "/large").as_bytes()).unwrap();
    assert!(echo.ask(CLOSE.as_bytes()).ends_with("xxxxxxxxxx"));
    assert!(read_all(&mut slow).len() > 20_000_000);
    echo.drain();
}

#[test]
fn a_fault_is_answered_even_when_more_comes() {
    let echo = Echo::start(1, Config::default());
    let mut client = echo.connect();
    client.write_all(b"GET / HTTP/1.1\r\nHost : x\r\n\r\n").unwrap();
    for _ in 0..20 {
        let _ = client.write_all(&[b'x'; 1000]);
    }
    assert!(read_all(&mut client).starts_with("HTTP/1.1 400 "));
    echo.drain();
}

#[test]
fn the_covering_thread_keeps_deadlines_while_every_worker_is_stuck() {
    fn stuck(exchange: Exchange) {
        if exchange.head().target() == b"/stuck" {
            thread::sleep(Duration::from_secs(2));
        }
        answer(exchange, b"");
    }
    let config = Config { header_timeout: Duration::from_millis(200), ..Config::default() };
    let echo = Echo::serve(1, config, stuck);
    let mut client = echo.connect();
    client.write_all(CLOSE.replace("/last", "/stuck").as_bytes()).unwrap();
    let mut slow = echo.connect();
    slow.write_all(b"GET / HT").unwrap();
    assert!(read_all(&mut slow).starts_with("HTTP/1.1 408 "));
    assert_eq!(echo.server.context().stats.running.get(), 1, "the worker is still stuck");
    assert!(read_all(&mut client).starts_with("HTTP/1.1 200 "));
    echo.drain();
}

#[test]
fn requests_beyond_the_queue_are_refused() {
    fn slow(exchange: Exchange) {
        thread::sleep(Duration::from_millis(500));
        answer(exchange, b"");
    }
    let echo = Echo::serve(1, Config { queue_depth: 1, ..Config::default() }, slow);
    let mut clients: Vec<_> = (0..8).map(|_| echo.connect()).collect();
    for client in &mut clients {
        client.write_all(CLOSE.as_bytes()).unwrap();
    }
    let answers: Vec<_> = clients.iter_mut().map(read_all).collect();
    let count = |status: &str| answers.iter().filter(|text| text.starts_with(&format!("HTTP/1.1 {status} "))).count();
    assert_eq!(count("200") + count("503"), 8, "{answers:?}");
    assert!(count("200") >= 1 && count("503") >= 1);
    echo.drain();
}

#[test]
fn draining_answers_what_has_begun_and_closes_what_is_idle() {
    let echo = Echo::start(2, Config::default());
    let mut idle = echo.connect();
    idle.write_all(b"GET /idle HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut piece = [0; 15];
    idle.read_exact(&mut piece).unwrap();
    let mut begun = echo.connect();
    begun.write_all(b"GET /begun HTTP/1.1\r\nHost: x\r\n").unwrap();
    // Answered only after what `begun` sent has come: both connections are the same poll's.
    assert!(echo.ask(CLOSE.as_bytes()).contains("/last"));
    echo.server.drain();
    assert!(!read_all(&mut idle).contains("connection: close"));
    begun.write_all(b"\r\n").unwrap();
    let text = read_all(&mut begun);
    assert!(text.contains("connection: close") && text.contains("/begun"), "{text}");
    echo.drain();
}

#[test]
fn stopping_closes_what_is_idle_and_refuses_what_waits_or_is_being_served() {
    fn slow(exchange: Exchange) {
        if exchange.head().target() == b"/slow" {
            thread::sleep(Duration::from_millis(300));
            return; // unanswered, as by a worker that has been killed
        }
        answer(exchange, b"");
    }
    let echo = Echo::serve(1, Config::default(), slow);
    let mut idle = echo.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    idle.read_exact(&mut [0; 15]).unwrap();
    let mut served: Vec<_> = (0..2).map(|_| echo.connect()).collect();
    for client in &mut served {
        client.write_all(CLOSE.replace("/last", "/slow").as_bytes()).unwrap();
    }
    thread::sleep(Duration::from_millis(100));
    echo.server.stop();
    read_all(&mut idle);
    for client in &mut served {
        assert!(read_all(client).starts_with("HTTP/1.1 503 "));
    }
}

#[test]
fn a_half_closed_client_still_gets_its_answer() {
    let echo = Echo::start(1, Config::default());
    let mut client = echo.connect();
    client.write_all(b"GET /half HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&mut client).ends_with("GET /half "));
    echo.drain();
}

#[test]
fn connections_beyond_the_limit_wait_their_turn() {
    let echo = Echo::start(1, Config { max_connections: 2, ..Config::default() });
    let held: Vec<_> = (0..2).map(|_| echo.connect()).collect();
    let mut waiting = echo.connect();
    waiting.write_all(CLOSE.as_bytes()).unwrap();
    drop(held);
    assert!(read_all(&mut waiting).contains("/last"));
    echo.drain();
}

#[test]
fn what_came_while_an_answer_was_stuck_is_read_afterwards() {
    fn page(exchange: Exchange) {
        answer(exchange, &[b'x'; 1000]);
    }
    let echo = Echo::serve(2, Config::default(), page);
    let mut client = echo.connect();
    let mut writer = client.try_clone().unwrap();
    // More requests than fit the sockets' buffers, and their answers too, so that reading and writing both stop.
    let sender = thread::spawn(move || {
        let requests = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20_000);
        writer.write_all(requests.as_bytes()).unwrap();
        writer.write_all(CLOSE.as_bytes()).unwrap();
    });
    thread::sleep(Duration::from_millis(300));
    let text = read_all(&mut client);
    sender.join().unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 20_001);
    echo.drain();
}

#[test]
fn a_client_that_ended_before_its_request_was_read_is_not_kept() {
    fn slow(exchange: Exchange) {
        thread::sleep(Duration::from_millis(100));
        answer(exchange, b"");
    }
    let echo = Echo::serve(1, Config::default(), slow);
    for reset in [false, true] {
        for request in
            [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"]
        {
            let mut client = echo.connect();
            client.write_all(request).unwrap();
            if reset {
                socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
    }
    let connections = || echo.server.context().stats.connections.get();
    for _ in 0..200 {
        if connections() == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(connections(), 0);
    echo.drain();
}

#[test]
fn a_streamed_body_is_read_while_it_arrives_and_the_connection_is_kept() {
    let echo = Echo::start(1, Config { streaming: Streaming::All, max_streamed: 1, ..Config::default() });
    let mut client = echo.connect();
    client.write_all(b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").unwrap();
    while echo.server.context().stats.running.get() == 0 {
        thread::yield_now();
    }
    client.write_all(format!("2\r\nde\r\n0\r\n\r\n{CLOSE}").as_bytes()).unwrap();
    let text = read_all(&mut client);
    assert!(text.contains("PUT /a abcde") && text.ends_with("GET /last "), "{text}");
    echo.drain();
}

#[test]
fn a_body_past_the_places_for_streamed_ones_is_waited_for() {
    let echo = Echo::start(1, Config { streaming: Streaming::All, max_streamed: 1, ..Config::default() });
    let put = |path: &str| format!("PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
    let mut first = echo.connect();
    first.write_all(put("/first").as_bytes()).unwrap();
    while echo.server.context().stats.running.get() == 0 {
        thread::yield_now();
    }
    let mut second = echo.connect();
    second.write_all(format!("{}ab", put("/second")).as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(20));
    assert_eq!(echo.server.context().stats.requests.get(), 1);
    first.write_all(b"abc").unwrap();
    assert!(read_all(&mut first).ends_with("PUT /first abc"));
    second.write_all(b"c").unwrap();
    assert!(read_all(&mut second).ends_with("PUT /second abc"));
    echo.drain();
}

/// The head of a client that waits for a 100, and the 100.
const EXPECTING: &[u8] = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";

fn read_continue(client: &mut TcpStream) {
    let mut interim = [0; 25];
    client.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
}

#[test]
fn the_engine_sends_the_100_and_no_worker_waits_for_the_body() {
    let echo = Echo::start(1, Config { max_streamed: 1, ..Config::default() });
    let mut clients = [echo.connect(), echo.connect()];
    for client in &mut clients {
        client.write_all(EXPECTING).unwrap();
        read_continue(client);
    }
    assert_eq!(echo.server.context().stats.requests.get(), 0);
    for mut client in clients {
        client.write_all(format!("abc{CLOSE}").as_bytes()).unwrap();
        let text = read_all(&mut client);
        assert!(text.contains("PUT / abc") && text.ends_with("GET /last "), "{text}");
    }
    echo.drain();
}

#[test]
fn where_bodies_are_streamed_the_100_is_sent_when_the_body_is_first_read() {
    let streaming = Config { streaming: Streaming::All, max_streamed: 1, ..Config::default() };
    let echo = Echo::start(1, streaming.clone());
    let mut client = echo.connect();
    client.write_all(EXPECTING).unwrap();
    read_continue(&mut client);
    client.write_all(format!("abc{CLOSE}").as_bytes()).unwrap();
    let text = read_all(&mut client);
    assert!(text.contains("PUT / abc") && text.ends_with("GET /last "), "{text}");
    echo.drain();

    fn refuse(mut exchange: Exchange) {
        exchange.skip_body();
        answer(exchange, b"no");
    }
    let refusing = Echo::serve(1, streaming, refuse);
    let text = refusing.ask(EXPECTING);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("connection: close\r\n"), "{text}");
    refusing.drain();
}

#[test]
fn a_request_that_takes_too_long_is_answered_with_504_and_its_late_answer_dropped() {
    fn slow(exchange: Exchange) {
        let is_slow = exchange.head().target() == b"/slow";
        if is_slow {
            thread::sleep(Duration::from_millis(300));
        }
        answer(exchange, b"done");
    }
    let config = Config { request_timeout: Some(Duration::from_millis(50)), ..Config::default() };
    let echo = Echo::serve(1, config, slow);
    let text = echo.ask(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 504 Gateway Timeout\r\n") && !text.contains("done"), "{text}");
    assert_eq!(echo.server.context().stats.running.get(), 1, "the handler runs on");
    let stats = echo.server.context().clone();
    echo.drain();
    let stats = &stats.stats;
    let counts = [&stats.request_timeout, &stats.late, &stats.running, &stats.answered].map(|counter| counter.get());
    assert_eq!(counts, [1, 1, 0, 0]);
}

/// As one of Ruby's does that can't have the lock it needs.
#[test]
fn a_request_that_a_worker_has_only_seen_waits_still() {
    let config = Config { queue_timeout: Duration::from_millis(250), ..Config::default() };
    let echo = Echo::start(0, config);
    let interrupt = echo.server.interrupt();
    let mut client = echo.connect();
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(echo.server.dispatch().wait(&interrupt), Awaited::Request);
    assert!(read_all(&mut client).starts_with("HTTP/1.1 503 "));
    let stats = &echo.server.context().stats;
    assert_eq!([&stats.queue_timeout, &stats.requests].map(|counter| counter.get()), [1, 0]);
    assert!(echo.server.dispatch().take_ready().is_none());
    echo.drain();
}

#[test]
fn requests_that_wait_too_long_are_refused_and_those_whose_client_left_are_dropped() {
    fn slow(exchange: Exchange) {
        thread::sleep(Duration::from_millis(400));
        answer(exchange, b"done");
    }
    let config = Config { queue_timeout: Duration::from_millis(250), ..Config::default() };
    let echo = Echo::serve(1, config, slow);
    let get = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = echo.connect();
    first.write_all(get).unwrap();
    while echo.server.context().stats.running.get() == 0 {
        thread::yield_now();
    }
    let mut second = echo.connect();
    second.write_all(get).unwrap();
    thread::sleep(Duration::from_millis(220));
    let mut gone = echo.connect();
    gone.write_all(get).unwrap();
    // A reset: whoever only closes may still wait for the answer, as far as can be seen.
    socket2::SockRef::from(&gone).set_linger(Some(Duration::ZERO)).unwrap();
    drop(gone);
    let text = read_all(&mut second);
    assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("retry-after: 1\r\n"), "{text}");
    assert!(read_all(&mut first).ends_with("done"));
    let context = echo.server.context().clone();
    echo.drain();
    let stats = &context.stats;
    let counts = [&stats.queue_timeout, &stats.gone, &stats.requests].map(|counter| counter.get());
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn a_connection_ends_with_the_last_request_it_may_have() {
    let echo = Echo::start(1, Config { max_keepalive_requests: Some(2), ..Config::default() });
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let text = echo.ask(get.repeat(3).as_bytes());
    assert_eq!((text.matches("HTTP/1.1 200").count(), text.matches("connection: close").count()), (2, 1), "{text}");
    echo.drain();
}

#[test]
fn parting_goes_on_with_answers_that_end_their_connections() {
    let echo = Echo::start(1, Config::default());
    echo.server.lame_duck();
    let text = echo.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("connection: close\r\n"), "{text}");
    echo.drain();
}

#[test]
fn a_streamed_request_that_nobody_takes_gives_its_place_back() {
    let config = Config {
        streaming: Streaming::All,
        max_streamed: 1,
        queue_timeout: Duration::from_millis(100),
        ..Config::default()
    };
    let put = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na";
    let echo = Echo::start(0, config);
    for count in 1..=2 {
        assert!(echo.ask(put).starts_with("HTTP/1.1 503 "));
        assert_eq!(echo.server.context().stats.queue_timeout.get(), count, "handed over, though its body had not come");
    }
    echo.drain();
}

/// Answers `/hijack` by echoing what comes on the socket, and all else as ever, after an interim answer.
fn take_socket(mut exchange: Exchange) {
    if exchange.head().target() != b"/hijack" {
        exchange.send_interim(b"HTTP/1.1 103 Early Hints\r\n\r\n").unwrap();
        return echo(exchange);
    }
    let (socket, _, early) = Box::new(exchange).hijack().unwrap();
    let mut socket = TcpStream::from(socket);
    socket.set_nonblocking(false).unwrap();
    socket.write_all(&early).unwrap();
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).unwrap();
    socket.write_all(&rest).unwrap();
}

#[test]
fn a_socket_that_is_taken_is_forgotten_with_nothing_lost() {
    let server = Echo::serve(1, Config::default(), take_socket);
    let mut client = server.connect();
    client.write_all(b"GET /hijack HTTP/1.1\r\nHost: x\r\n\r\nearly ").unwrap();
    let mut early = [0; 6];
    client.read_exact(&mut early).unwrap();
    assert_eq!(&early, b"early ");
    let stats = &server.server.context().stats;
    while stats.connections.get() > 0 {
        thread::sleep(Duration::from_millis(1));
        server.server.context().wake();
    }
    client.write_all(b"late").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut client), "late");
    assert_eq!((stats.hijacked.get(), stats.running.get(), stats.aborted.get()), (1, 0, 0));
    let answers = server.ask(CLOSE.as_bytes());
    assert!(answers.starts_with("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answers}");
    server.drain();
}

/// Answers with 8 MB, in pieces of each kind, and tells in the counters of `/told` how that ended.
fn answer_long(mut exchange: Exchange) {
    static TOLD: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
    if exchange.head().target() == b"/told" {
        let told = TOLD.each_ref().map(|count| count.load(Ordering::SeqCst));
        return answer(exchange, format!("{told:?}").as_bytes());
    }
    let tell = |is_sent: bool| {
        TOLD[usize::from(is_sent)].fetch_add(1, Ordering::SeqCst);
    };
    match send_long(&mut exchange) {
        Ok(keep_alive) => exchange.finish(keep_alive, Some(Completion::new(tell))),
        Err(_) => exchange.abort(), // a server that stops has taken the request back
    }
}

/// Whether the connection may have another request.
fn send_long(exchange: &mut Exchange) -> io::Result<bool> {
    const PART: usize = 4_000_000;
    let mut out = Vec::new();
    let plan = ResponseHead::begin(&mut out, 200).end(exchange.asked(), Some(2 * PART as u64), &date::format(0));
    exchange.send(&out)?;
    exchange.keep_piece(Piece::Bytes(vec![b'a'; PART].into()))?;
    let mut file = tempfile::tempfile()?;
    file.write_all(&[b'b'; PART])?;
    exchange.keep_piece(Piece::File { file, at: 0, end: PART as u64, share: None })?;
    Ok(plan.keep_alive)
}

#[test]
fn long_answers_are_sent_by_others_who_then_tell() {
    let server = Echo::serve(1, Config::default(), answer_long);
    let told = |expected: &str| {
        while !server.ask(CLOSE.replace("/last", "/told").as_bytes()).contains(expected) {
            thread::sleep(Duration::from_millis(1));
        }
    };
    let mut slow = server.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    told("[0, 0]");
    slow.write_all(CLOSE.as_bytes()).unwrap();
    let text = read_all(&mut slow);
    let (one, other) = ("a".repeat(4_000_000), "b".repeat(4_000_000));
    assert_eq!(text.matches(&format!("{one}{other}")).count(), 2);
    told("[0, 2]");
    let mut leaving = server.connect();
    leaving.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    leaving.read_exact(&mut [0; 100]).unwrap();
    drop(leaving);
    told("[1, 2]");
    server.drain();
}

#[test]
fn stopping_ends_long_answers_wherever_they_are() {
    const CLIENTS: usize = 30;
    let server = Echo::serve(1, Config::default(), answer_long);
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.write_all(CLOSE.as_bytes()).unwrap();
    }
    for client in &mut clients[..CLIENTS / 2] {
        client.read_exact(&mut [0; 100]).unwrap();
    }
    server.server.stop();
    for worker in server.workers {
        worker.join().unwrap();
    }
    for mut client in clients {
        let mut got = Vec::new();
        let _ = client.read_to_end(&mut got); // an end or a reset
        assert!(got.len() < 8_000_000, "{}", got.len());
    }
}

#[test]
fn what_was_answered_in_its_workers_place_takes_no_place_in_the_queue() {
    let config = Config { queue_depth: 1, request_timeout: Some(Duration::from_millis(50)), ..Config::default() };
    let echo = Echo::start(0, config);
    for _ in 0..3 {
        let text = echo.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 504 "), "{text}");
    }
    assert_eq!(echo.server.context().stats.queue_depth.get(), 0);
    echo.drain();
}

#[test]
fn where_others_serve_nobody_is_let_in_before_a_worker_has_come() {
    let config = Config { waits_for_workers: true, ..Config::default() };
    let mut echo = Echo::start(0, config.clone());
    let mut early = echo.connect();
    early.write_all(CLOSE.as_bytes()).unwrap();
    // In which it would let the client in.
    thread::sleep(Duration::from_millis(200));
    let stats = &echo.server.context().stats;
    assert_eq!((stats.accepted.get(), stats.covered.get() < 1000), (0, true));
    echo.hire(self::echo);
    assert!(read_all(&mut early).starts_with("HTTP/1.1 200 "));
    echo.drain();

    let idle = Echo::start(0, config);
    let waiting = idle.connect();
    idle.drain();
    drop(waiting);
}
