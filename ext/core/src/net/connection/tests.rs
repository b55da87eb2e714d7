//! One connection, its client and its time in a test's hand.

mod accounts;
mod handshakes;
mod streams;
mod tunnels;

use mio::{Poll, Token, Waker};

use super::*;
use crate::budget::Budget;
use crate::config::{Config, Streaming};
use crate::error::AnswerError;
use crate::http::date;
use crate::http::encode::ResponseHead;
use crate::http::spool::Body;
use crate::net::context::{Context, Phase};
use crate::net::exchange::{Exchange, Lent};
use crate::net::fake_socket::FakeSocket;
use crate::net::kept::Kept;
use crate::net::listener::Local;
use crate::net::peer::PeerAddr;
use crate::net::request::Request;
use crate::net::response_writer::{Apart, Lender, ResponseWriter};
use crate::net::socket::Socket;
use crate::net::unsent::{Piece, Unsent};

const SECOND: Duration = Duration::from_secs(1);

struct Scene {
    context: Arc<Context>,
    connection: Arc<Connection>,
    client: FakeSocket,
    intake: Intake,
}

impl Scene {
    fn new(config: Config) -> Scene {
        Scene::at(config, false)
    }

    /// At a listener that speaks the PROXY protocol or doesn't.
    fn at(config: Config, speaks_proxy: bool) -> Scene {
        Scene::with(config, |local| Local { speaks_proxy, ..local })
    }

    fn with(config: Config, local: impl FnOnce(Local) -> Local) -> Scene {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        let context = Arc::new(Context::simulated(config, waker));
        let client = FakeSocket::default();
        let local = Arc::new(local(Local { name: "localhost", port: 80, speaks_proxy: false, tls: None }));
        let share = Budget::new(1).count(1);
        let socket = Socket::Fake(client.clone());
        let connection = Arc::new(Connection::new(0, socket, (PeerAddr::Unix, local), share, &context));
        Scene { context, connection, client, intake: Intake { buffer: vec![0; 1024].into(), left: u64::MAX } }
    }

    /// Looks, as the poll side does at an event.
    fn look(&mut self) -> Verdict {
        self.intake.left = u64::MAX;
        self.connection.advance(Look::Open, &mut self.intake)
    }

    /// As the poll side does when a deadline is over, again and again until one is not: the last verdict.
    fn pass(&mut self, time: Duration) -> Verdict {
        self.context.clock.skip(time);
        let mut verdict = Verdict::Wait;
        while verdict == Verdict::Wait && self.connection.deadline.due() <= self.context.clock.now() {
            verdict = self.connection.expire(&mut self.intake);
        }
        verdict
    }

    /// The client sends `bytes` a second after what was before: how the connection stands, and until when.
    fn after(&mut self, bytes: &[u8]) -> (Progress, u64) {
        self.context.clock.skip(SECOND);
        self.client.bring(bytes);
        assert_eq!(self.look(), Verdict::Wait);
        (self.connection.life(|life| life.receiver.progress()), self.connection.deadline.due())
    }

    /// A request that comes whole, and is answered with `unsent` left.
    fn exchange(&mut self, unsent: Unsent, after: After) {
        self.client.bring(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(self.look(), Verdict::Request);
        let request = Request::of(&self.connection);
        assert!(request.right.begin());
        self.connection.give_back((unsent, None), None, after);
    }
}

fn long(scene: &Scene) -> Unsent {
    let mut unsent = Unsent::default();
    unsent.push(Piece::Bytes(vec![0; 1024 * 1024].into()), &scene.context.kept);
    unsent
}

#[test]
fn the_first_head_has_its_time_from_accept_on_whatever_bytes_come() {
    let mut scene = Scene::new(Config::default());
    let due = scene.connection.deadline.due();
    for bytes in [&b"\r"[..], b"\n", b"\r\n", b"\r\n\r", b"\n"] {
        assert_eq!(scene.after(bytes), (Progress::Idle, due));
    }
    for bytes in [&b"G"[..], b"ET / HTTP/1.1\r\n", b"x: y"] {
        assert_eq!(scene.after(bytes), (Progress::Head, due));
    }
}

#[test]
fn empty_lines_between_requests_buy_no_time_either() {
    let mut scene = Scene::new(Config::default());
    scene.exchange(Unsent::default(), After::Next);
    let due = scene.connection.deadline.due();
    for bytes in [&b"\r"[..], b"\n", b"\r\n"] {
        assert_eq!(scene.after(bytes), (Progress::Idle, due));
    }
    assert_eq!(scene.pass(scene.context.config.keepalive_timeout), Verdict::Close);
}

#[test]
fn a_drain_gives_an_unfinished_head_its_time_and_silence_half_a_second_whatever_comes() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"\r\n");
    scene.look();
    scene.context.enter(Phase::Draining);
    assert!(!scene.connection.is_done_when_draining());
    let due = scene.connection.deadline.due();
    assert!(due <= scene.context.drained_at() + 500);
    scene.after(b"\r\n");
    assert!(!scene.connection.is_done_when_draining());
    assert_eq!(scene.connection.deadline.due(), due);

    // Of header_timeout 15 and the time that a drain may take.
    for (shutdown, head) in [(30, 15), (10, 9), (1, 1), (0, 1)] {
        let shutdown_timeout = SECOND * shutdown;
        let mut scene = Scene::new(Config { shutdown_timeout, ..Config::default() });
        scene.exchange(Unsent::default(), After::Next);
        scene.client.bring(b"GET / HT");
        scene.look();
        scene.context.enter(Phase::Draining);
        assert!(!scene.connection.is_done_when_draining());
        let due = scene.connection.deadline.due();
        assert_eq!(due, scene.context.drained_at() + u64::from(head) * 1000);
        assert_eq!(scene.after(b"TP/1.1\r\n"), (Progress::Head, due));
        let told = scene.pass(SECOND * head);
        assert_eq!(told, Verdict::Wait, "it is told, and what it still sends read away for a moment");
        assert_eq!(scene.pass(SECOND), Verdict::Close);
    }
}

#[test]
fn what_frames_a_chunked_body_buys_no_time() {
    for min_rate in [0, 500] {
        let mut scene = Scene::new(Config { body_min_rate: min_rate, ..Config::default() });
        let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
        let (_, due) = scene.after(head);
        assert_eq!(due, scene.context.clock.after(scene.context.config.body_timeout));
        let (_, due) = scene.after(b"2\r\nab");
        assert_eq!(due, scene.context.clock.after(scene.context.config.body_timeout).min(due));
        for bytes in [&b"\r"[..], b"\n", b"0", b"0", b"2;a", b"=b", b"\r\n"] {
            assert_eq!(scene.after(bytes), (Progress::Body, due));
        }
        let (_, due) = scene.after(b"cd\r\n");
        for bytes in [&b"0;last\r\n"[..], b"a: b", b"\r\n"] {
            assert_eq!(scene.after(bytes), (Progress::Body, due));
        }
    }
}

#[test]
fn a_drain_waits_for_no_body_whose_client_is_silent() {
    for long in [false, true] {
        let mut scene = Scene::new(Config::default());
        scene.client.bring(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
        if long {
            scene.client.bring(&[b'x'; 100_000]);
        }
        let look = |scene: &mut Scene| {
            let verdict = scene.look();
            assert_eq!(verdict, if long { Verdict::Help } else { Verdict::Wait });
            if long {
                scene.connection.receive_more();
            } else {
                assert!(!scene.connection.is_done_when_draining());
            }
            scene.connection.deadline.due()
        };
        look(&mut scene);
        scene.context.enter(Phase::Draining);
        for _ in 0..3 {
            let due = look(&mut scene);
            assert_eq!(due, scene.context.clock.after(DRAIN_BODY), "what comes is waited for");
            scene.context.clock.skip(SECOND);
            assert_eq!(look(&mut scene), due, "and nothing gives no time");
            scene.client.bring(&[b'x'; 1000]);
        }
    }
}

#[test]
fn a_drain_waits_for_no_body_that_drips() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    assert_eq!(scene.look(), Verdict::Wait);
    scene.context.enter(Phase::Draining);
    let end = scene.context.clock.after(DRAIN_BODY);
    for came in 1..10 {
        scene.client.bring(b"x");
        assert_eq!(scene.look(), Verdict::Wait);
        assert!(!scene.connection.is_done_when_draining());
        assert!(scene.connection.deadline.due() <= end + 2 * came, "a byte pays for two milliseconds");
        scene.context.clock.skip(Duration::from_millis(300));
    }
}

#[test]
fn a_client_that_has_said_all_is_not_waited_for_after_the_last_answer() {
    let mut scene = Scene::new(Config::default());
    scene.exchange(Unsent::default(), After::Close);
    assert_eq!(scene.look(), Verdict::Close);
    assert!(!scene.client.is_reset());

    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /more");
    assert_eq!(scene.look(), Verdict::Request);
    assert!(Request::of(&scene.connection).right.begin());
    scene.connection.give_back((Unsent::default(), None), None, After::Close);
    assert_eq!(scene.look(), Verdict::Wait, "a reset would destroy the answer on its way");
    assert!(scene.client.is_write_shut());
    assert_eq!(scene.pass(2 * SECOND), Verdict::Close);
}

#[test]
fn a_body_that_is_refused_is_read_away_for_a_while_where_there_is_a_place() {
    const MIB: usize = 1024 * 1024;
    for (max_connections, seconds, most) in [(4, 5, 16 * MIB), (0, 2, MIB)] {
        let limits = crate::config::Limits { body: 10, ..Default::default() };
        let mut scene = Scene::new(Config { limits, max_connections, ..Config::default() });
        let first = if max_connections == 0 { scene.context.lingering.take(1, 0) } else { None };
        scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n");
        assert_eq!(scene.look(), Verdict::Wait);
        assert!(scene.client.take_sent().starts_with(b"HTTP/1.1 413 ") && scene.client.is_write_shut());
        let due = scene.context.clock.after(seconds * SECOND);
        for _ in 0..most / MIB {
            assert_eq!(scene.connection.deadline.due(), due, "bytes buy no time");
            scene.client.bring(&vec![b'x'; MIB]);
            assert_eq!(scene.look(), Verdict::Wait);
        }
        scene.client.bring(b"x");
        assert_eq!(scene.look(), Verdict::Close);
        assert_eq!(scene.pass(seconds * SECOND), Verdict::Close);
        drop(first);
        let used = scene.context.lingering.used();
        let context = scene.context.clone();
        drop(scene);
        assert_eq!((used, context.lingering.used()), (u64::from(max_connections > 0), 0));
    }
}

#[test]
fn a_client_that_was_too_slow_takes_no_place() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n");
    scene.look();
    assert_eq!(scene.pass(scene.context.config.body_timeout), Verdict::Wait);
    assert!(scene.client.take_sent().starts_with(b"HTTP/1.1 408 ") && scene.client.is_write_shut());
    assert_eq!(scene.context.lingering.used(), 0);
}

#[test]
fn write_timeout_ends_a_long_answer_whose_client_takes_nothing_though_it_goes_on_sending() {
    let mut scene = Scene::new(Config::default());
    scene.client.take_room(0);
    scene.exchange(long(&scene), After::Next);
    // The helper owns it; nothing is taken, and the poll side has it again.
    assert!(!scene.connection.clone().work());
    scene.context.clock.skip(scene.context.config.write_timeout);
    // Bytes come just when the time is over: an event first, then the deadline.
    scene.client.bring(b"x");
    let mut looks = 0;
    loop {
        let verdict = if looks % 2 == 0 { scene.look() } else { scene.connection.expire(&mut scene.intake) };
        match verdict {
            Verdict::Help => assert!(!scene.connection.clone().work()),
            Verdict::Close => break,
            _ => {}
        }
        looks += 1;
        assert!(looks < 5, "the poll side and the helper pass it to each other for ever");
    }
    assert!(scene.client.is_reset());
    assert_eq!(scene.context.stats.write_timeout.get(), 1);
}

#[test]
fn a_long_answer_that_is_read_byte_by_byte_is_given_up() {
    let mut scene = Scene::new(Config::default());
    scene.client.take_room(0);
    scene.exchange(long(&scene), After::Next);
    let mut seconds = 0;
    while scene.connection.life(|life| life.state) != State::Aborted {
        scene.client.take_room(10);
        scene.connection.clone().work();
        scene.context.clock.skip(SECOND);
        seconds += 1;
        assert!(seconds < 100, "bytes alone have bought it time");
    }
    assert!((30..40).contains(&seconds), "{seconds}");
}

#[test]
fn a_body_that_comes_byte_by_byte_is_given_up_by_the_helper_too() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n");
    scene.client.bring(&[b'x'; 70_000]);
    assert_eq!(scene.look(), Verdict::Help, "a long body is for a file, and so for a helper");
    let mut seconds = 0;
    loop {
        scene.connection.clone().work();
        if scene.connection.life(|life| life.state) != State::Receiving {
            break;
        }
        scene.client.bring(b"x");
        scene.context.clock.skip(SECOND);
        seconds += 1;
        assert!(seconds < 300, "bytes alone have bought it time");
        assert_eq!(scene.look(), Verdict::Help);
    }
    // 70 KB at 500 bytes a second.
    assert!((140..150).contains(&seconds), "{seconds}");
    assert_eq!(scene.context.stats.body_timeout.get(), 1);
}

#[test]
fn a_file_is_made_once_more_has_come_than_memory_may_hold() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nx");
    assert_eq!(scene.look(), Verdict::Wait);
    assert_eq!(scene.context.descriptors.used(), 0);
    scene.client.bring(&vec![b'x'; 99_999]);
    assert_eq!(scene.look(), Verdict::Help);
    while scene.connection.clone().work() {}
    assert_eq!((scene.context.descriptors.used(), scene.context.spools.used()), (1, 100_000));
    assert_eq!(scene.look(), Verdict::Request);
    let request = Request::of(&scene.connection);
    assert!(request.right.begin());
    drop(request);
    assert_eq!((scene.context.descriptors.used(), scene.context.spools.used()), (0, 0));
}

#[test]
fn a_look_reads_no_more_than_its_turn_has_left() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n");
    scene.client.bring(&[b'x'; 60_000]);
    scene.intake.left = 2048;
    assert_eq!(scene.connection.advance(Look::Open, &mut scene.intake), Verdict::Again);
    assert!(scene.client.has_unread());
    assert_eq!(scene.look(), Verdict::Request);
}

#[test]
fn a_100_that_finds_no_room_behind_an_answer_is_sent_when_there_is_some() {
    let mut scene = Scene::new(Config::default());
    scene.exchange(Unsent::default(), After::Next);
    scene.client.take_room(0);
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(scene.look(), Verdict::Wait);
    for room in [1, 23, 1] {
        scene.client.take_room(room);
        assert_eq!(scene.look(), Verdict::Wait);
    }
    assert_eq!(scene.client.take_sent(), b"HTTP/1.1 100 Continue\r\n\r\n");
    let due = scene.connection.deadline.due();
    assert_eq!(due, scene.context.clock.after(scene.context.config.body_timeout), "the body has its time from now on");
    scene.client.bring(b"hello");
    assert_eq!(scene.look(), Verdict::Request);
    let Body::Memory(body) = Request::of(&scene.connection).body else { panic!("no body") };
    assert_eq!(body, b"hello");
}

#[test]
fn a_100_that_nobody_reads_is_no_way_to_stay() {
    let mut scene = Scene::new(Config::default());
    scene.client.take_room(10);
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(scene.look(), Verdict::Wait);
    scene.client.bring(b"hello");
    assert_eq!(scene.look(), Verdict::Wait, "nothing may come between the halves of the line");
    assert_eq!(scene.pass(scene.context.config.write_timeout), Verdict::Close);
    assert!(scene.client.is_reset());
}

#[test]
fn whoever_reads_a_body_waits_until_there_is_room_for_the_100() {
    let config = Config { streaming: Streaming::All, max_streamed: 1, ..Config::default() };
    let mut scene = Scene::new(config);
    scene.client.take_room(0);
    scene.client.bring(b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(scene.look(), Verdict::Request);
    let mut exchange = Exchange::begin(Request::of(&scene.connection));
    let mut sent = Vec::new();
    for room in [0, 0, 9, 0, 15, 1, 99] {
        scene.client.take_room(room);
        assert_eq!(exchange.read(10, &mut [0; 64]).unwrap(), Part::NotYet);
        sent.extend(scene.client.take_sent());
    }
    assert_eq!(sent, b"HTTP/1.1 100 Continue\r\n\r\n");
    scene.client.bring(b"hello");
    assert_eq!(exchange.read(10, &mut [0; 64]).unwrap(), Part::Bytes(b"hello".to_vec()));
}

#[test]
fn a_first_head_that_begins_in_time_while_the_engine_drains_has_as_long_as_any_other() {
    let mut scene = Scene::new(Config::default());
    scene.context.enter(Phase::Draining);
    scene.look();
    assert!(!scene.connection.is_done_when_draining());
    let drained = scene.context.drained_at();
    assert!(scene.connection.deadline.due() <= drained + 500);
    scene.context.clock.skip(Duration::from_millis(300));
    scene.client.bring(b"GET / HT");
    assert_eq!(scene.look(), Verdict::Wait);
    assert!(!scene.connection.is_done_when_draining());
    let due = scene.connection.deadline.due();
    assert_eq!(due, drained + 15_300);
    scene.context.clock.skip(Duration::from_millis(600));
    scene.client.bring(b"TP/1.1\r\n");
    assert_eq!(scene.look(), Verdict::Wait);
    assert!(!scene.connection.is_done_when_draining());
    assert_eq!(scene.connection.deadline.due(), due, "its bytes move nothing");
    scene.client.bring(b"Host: x\r\n\r\n");
    assert_eq!(scene.look(), Verdict::Request);
}

#[test]
fn an_answer_that_a_stop_cuts_short_ends_with_a_reset_whoever_has_it() {
    for helps in [false, true] {
        let mut scene = Scene::new(Config::default());
        scene.client.take_room(10);
        scene.exchange(long(&scene), After::Close);
        if helps {
            assert!(!scene.connection.clone().work());
            assert!(!scene.connection.owner.is_away());
        }
        scene.connection.cut();
        assert!(scene.client.is_reset() || scene.client.is_cut(), "a client could take it for the end");
    }
    let scene = Scene::new(Config::default());
    scene.connection.cut();
    assert!(!scene.client.is_reset(), "nothing is lost");
}

/// A part that can't be kept.
struct Fleeting(Vec<u8>);

impl Apart for Fleeting {
    type Error = AnswerError;

    fn apart<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, AnswerError> {
        Ok(work())
    }
}

impl Lender for Fleeting {
    fn with_parts<T>(&self, first: usize, see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T) -> T {
        see(&mut std::iter::once(&self.0[..]).skip(first))
    }

    fn keep(&self, _: usize, _: &Arc<Kept>) -> Result<Lent, AnswerError> {
        Err(AnswerError::Client(std::io::ErrorKind::OutOfMemory.into()))
    }
}

#[test]
fn an_answer_whose_last_part_is_lost_is_no_whole_one() {
    let breaks: [fn(&FakeSocket); 2] =
        [|client| client.fail_write(std::io::ErrorKind::TimedOut), |client| client.take_room(20_000)];
    for breaks in breaks {
        let mut scene = Scene::new(Config::default());
        scene.client.bring(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(scene.look(), Verdict::Request);
        let exchange = Exchange::begin(Request::of(&scene.connection));
        let mut head = Vec::new();
        let plan = ResponseHead::begin(&mut head, 200).end(exchange.asked(), Some(40_000), &date::format(0));
        let mut out = ResponseWriter::new(Box::new(exchange), plan, head);
        out.flush().unwrap();
        breaks(&scene.client);
        assert!(out.part(&Fleeting(vec![b'x'; 40_000])).is_err());
        out.abort();
        let stats = &scene.context.stats;
        assert_eq!((stats.answered.get(), stats.aborted.get(), scene.client.is_reset()), (0, 1, true));
    }
}

const PROXY_LINE: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 4660 443\r\n";

#[test]
fn a_proxy_header_names_the_client_however_its_bytes_come() {
    let request = [PROXY_LINE, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"].concat();
    for size in 1..=request.len() {
        let mut scene = Scene::at(Config::default(), true);
        let due = scene.connection.deadline.due();
        let mut verdict = Verdict::Wait;
        for piece in request.chunks(size) {
            assert_eq!((verdict, scene.connection.deadline.due()), (Verdict::Wait, due), "pieces of {size}");
            scene.client.bring(piece);
            verdict = scene.look();
        }
        assert_eq!(verdict, Verdict::Request, "pieces of {size}");
        assert_eq!(scene.connection.peer(), PeerAddr::Ip("192.0.2.7".parse().unwrap(), 4660));
        assert_eq!(scene.context.stats.proxy_header.get(), 0);
    }
}

#[test]
fn only_the_first_request_of_a_connection_has_a_proxy_header_before_it() {
    let mut scene = Scene::at(Config::default(), true);
    scene.client.bring(b"PROXY UNKNOWN\r\n");
    assert_eq!(scene.look(), Verdict::Wait);
    scene.exchange(Unsent::default(), After::Next);
    assert_eq!(scene.connection.peer(), PeerAddr::Unix, "the proxy itself asks");
    scene.exchange(Unsent::default(), After::Next);
    scene.client.bring(PROXY_LINE);
    scene.look();
    assert_eq!((scene.context.stats.malformed.get(), scene.connection.peer()), (1, PeerAddr::Unix));
}

#[test]
fn a_connection_without_its_proxy_header_is_closed_and_counted() {
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for bytes in [&request[..], b"PROXY TCP4 1.2.3.4\r\n", b"\x16\x03\x01"] {
        let mut scene = Scene::at(Config::default(), true);
        scene.client.bring(bytes);
        assert_eq!(scene.look(), Verdict::Close);
        assert_eq!((scene.context.stats.proxy_header.get(), scene.context.stats.refused.get()), (1, 0));
    }

    let mut scene = Scene::at(Config::default(), true);
    scene.client.bring(&PROXY_LINE[..9]);
    assert_eq!(scene.look(), Verdict::Wait);
    assert_eq!(scene.pass(scene.context.config.header_timeout), Verdict::Close);
    assert_eq!((scene.context.stats.proxy_header.get(), scene.context.stats.keepalive_timeout.get()), (1, 0));

    let mut scene = Scene::at(Config::default(), true);
    assert_eq!(scene.pass(scene.context.config.header_timeout), Verdict::Close);
    assert_eq!((scene.context.stats.proxy_header.get(), scene.context.stats.keepalive_timeout.get()), (0, 1));

    let mut scene = Scene::new(Config::default());
    scene.client.bring(PROXY_LINE);
    scene.look();
    assert_eq!((scene.context.stats.proxy_header.get(), scene.context.stats.malformed.get()), (0, 1), "not asked for");
}

#[test]
fn a_proxy_header_is_part_of_the_time_for_the_head() {
    let mut scene = Scene::at(Config::default(), true);
    let due = scene.connection.deadline.due();
    for bytes in [&PROXY_LINE[..3], &PROXY_LINE[3..20], &PROXY_LINE[20..]] {
        assert_eq!(scene.after(bytes), (Progress::Idle, due));
    }
    assert_eq!(scene.after(b"GET"), (Progress::Head, due));
}
