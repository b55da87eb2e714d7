//! Streams of HTTP/2 that apps take (RFC 8441). What apps say is sent by a thread, which is waited for.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use super::*;
use crate::http2::flow;
use crate::http2::frame::PREFACE;

const PATIENCE: Duration = Duration::from_secs(20);
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const WINDOW: u8 = 8;
const END: u8 = 1;
const CONNECT: [(&str, &str); 5] =
    [(":method", "CONNECT"), (":protocol", "echo"), (":scheme", "http"), (":path", "/"), (":authority", "h")];
const GRANTED: &[u8] = b"HTTP/1.1 200 \r\nx-a: b\r\n\r\n";

/// A frame that the server has sent: kind, flags, stream, payload.
type Frame = (u8, u8, u32, Vec<u8>);

struct Talk {
    scene: Scene,
    heard: Vec<u8>,
    frames: Vec<Frame>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn number(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

impl Talk {
    fn begin(config: Config) -> Talk {
        let mut talk =
            Talk { scene: Scene::new(Config { http2: true, ..config }), heard: Vec::new(), frames: Vec::new() };
        talk.says(&[&PREFACE[..], &frame(4, 0, 0, b"")].concat());
        talk
    }

    fn says(&mut self, bytes: &[u8]) {
        self.scene.client.bring(bytes);
        self.look();
    }

    fn look(&mut self) {
        while self.scene.look() == Verdict::Again {}
    }

    /// Asks for a tunnel: the request, as a worker takes it.
    fn asks(&mut self, stream: u32) -> Box<Exchange> {
        let mut block = Vec::new();
        for (name, value) in CONNECT {
            for text in [name, value] {
                block
                    .extend([if text == name { &[0][..] } else { b"" }, &[text.len() as u8], text.as_bytes()].concat());
            }
        }
        self.says(&frame(HEADERS, 4, stream, &block));
        let mut found = Vec::new();
        Request::take_streams(&self.scene.connection, &mut found);
        Box::new(Exchange::begin(found.pop().expect("a request was found")))
    }

    /// The app's end of one that has been granted.
    fn tunnel(&mut self, stream: u32) -> UnixStream {
        let (end, ..) = self.asks(stream).grant(200, GRANTED).map_err(|(_, error)| error).unwrap();
        let end = UnixStream::from(end);
        end.set_read_timeout(Some(PATIENCE)).unwrap();
        end.set_write_timeout(Some(PATIENCE)).unwrap();
        self.hear(HEADERS, stream);
        end
    }

    /// Takes what the server has sent.
    fn listen(&mut self) {
        self.heard.extend(self.scene.client.take_sent());
        while self.heard.len() >= 9 {
            let length = u32::from_be_bytes([0, self.heard[0], self.heard[1], self.heard[2]]) as usize;
            if self.heard.len() < 9 + length {
                return;
            }
            let rest = self.heard.split_off(9 + length);
            let one = std::mem::replace(&mut self.heard, rest);
            let stream = u32::from_be_bytes([one[5], one[6], one[7], one[8]]);
            self.frames.push((one[3], one[4], stream, one[9..].to_vec()));
        }
    }

    fn wait<T>(&mut self, mut until: impl FnMut(&mut Talk) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            self.listen();
            if let Some(found) = until(self) {
                return found;
            }
            assert!(Instant::now() < end, "it did not come; there are {:?}", self.frames);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The next frame of that kind.
    fn hear(&mut self, kind: u8, stream: u32) -> (u8, Vec<u8>) {
        self.wait(|talk| {
            let at = talk.frames.iter().position(|one| one.0 == kind && one.2 == stream)?;
            let (_, flags, _, payload) = talk.frames.remove(at);
            Some((flags, payload))
        })
    }

    /// All that has come on a stream.
    fn data(&self, stream: u32) -> usize {
        self.frames.iter().filter(|one| one.0 == DATA && one.2 == stream).map(|one| one.3.len()).sum()
    }

    fn wait_until_over(&mut self) {
        self.wait(|talk| {
            talk.look();
            let context = &talk.scene.context;
            (context.stats.tunnels.get() == 0 && context.descriptors.used() == 0).then_some(())
        });
    }
}

fn read_to_end(end: &mut UnixStream) -> Vec<u8> {
    let mut all = Vec::new();
    // What was unread at the other end is told as a reset.
    let _ = end.read_to_end(&mut all);
    all
}

fn read(end: &mut UnixStream, length: usize) -> Vec<u8> {
    let mut all = vec![0; length];
    end.read_exact(&mut all).unwrap();
    all
}

#[test]
fn what_either_says_comes_to_the_other_and_so_do_ends_in_either_order() {
    for is_app_first in [true, false] {
        let mut talk = Talk::begin(Config::default());
        let exchange = talk.asks(1);
        talk.says(&frame(DATA, 0, 1, b"early "));
        let (end, family, unread) = exchange.grant(200, GRANTED).map_err(|(_, error)| error).unwrap();
        assert_eq!((family, unread.len()), (Family::Pair, 0));
        let mut app = UnixStream::from(end);
        app.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(talk.hear(HEADERS, 1).0, 4, "the head is not the end");
        talk.says(&frame(DATA, 0, 1, b"late"));
        assert_eq!(read(&mut app, 10), b"early late");
        app.write_all(b"hello").unwrap();
        assert_eq!(talk.hear(DATA, 1), (0, b"hello".to_vec()));
        let stats = &talk.scene.context.stats;
        assert_eq!((stats.hijacked.get(), stats.tunnels.get(), stats.running.get(), stats.aborted.get()), (1, 1, 0, 0));
        if is_app_first {
            app.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(talk.hear(DATA, 1), (END, vec![]));
            talk.says(&frame(DATA, END, 1, b"bye"));
            assert_eq!(read_to_end(&mut app), b"bye");
        } else {
            talk.says(&frame(DATA, END, 1, b"bye"));
            assert_eq!(read_to_end(&mut app), b"bye");
            app.write_all(b"last").unwrap();
            assert_eq!(talk.hear(DATA, 1), (0, b"last".to_vec()));
            drop(app);
            assert_eq!(talk.hear(DATA, 1), (END, vec![]));
        }
        talk.wait_until_over();
        talk.listen();
        assert_eq!(talk.frames.iter().filter(|one| one.0 == RESET).count(), 0);
    }
}

#[test]
fn an_app_that_shakes_hands_by_itself_does_so_in_http_1() {
    let mut talk = Talk::begin(Config::default());
    let mut app = UnixStream::from(talk.asks(1).hijack().map_err(|(_, error)| error).unwrap().0);
    for byte in b"HTTP/1.1 101 Y\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\nhello" {
        app.write_all(&[*byte]).unwrap();
    }
    assert_eq!(talk.hear(HEADERS, 1).0, 4);
    talk.wait(|talk| (talk.data(1) == 5).then_some(()));
    drop(app);
    talk.says(&frame(DATA, END, 1, b""));
    talk.wait_until_over();

    for (says, ends) in [(&b"HTTP/1.1 404 No\r\n\r\nwhat"[..], 5), (b"what?", 5), (b"HTTP/1.1 200 OK\r\n\r\n", 5)] {
        let mut talk = Talk::begin(Config::default());
        let mut app = UnixStream::from(talk.asks(1).hijack().map_err(|(_, error)| error).unwrap().0);
        app.write_all(says).unwrap();
        assert_eq!((talk.hear(HEADERS, 1).0, talk.hear(RESET, 1).1), (ends, number(0).to_vec()));
        talk.wait_until_over();
        assert_eq!(talk.data(1), 0);
    }

    let mut talk = Talk::begin(Config::default());
    drop(talk.asks(1).hijack().map_err(|(_, error)| error).unwrap());
    assert_eq!(talk.hear(RESET, 1).1, number(2), "it has said nothing");
    talk.wait_until_over();
}

#[test]
fn a_client_that_opens_no_window_holds_its_app_up_and_nobody_else() {
    let mut talk = Talk::begin(Config::default());
    let mut slow = talk.tunnel(1);
    let writer = thread::spawn(move || {
        slow.write_all(&vec![7; 1_000_000]).unwrap();
        drop(slow);
    });
    let window = flow::INITIAL as usize;
    talk.wait(|talk| (talk.data(1) == window).then_some(()));
    // The connection's own window is closed as well; then another stream has what is opened.
    talk.says(&frame(WINDOW, 0, 0, &number(5)));
    let mut quick = talk.tunnel(3);
    quick.write_all(b"hello, and more").unwrap();
    // So little waits a moment for more.
    let due = talk.scene.connection.deadline.due();
    talk.scene.context.clock.skip(Duration::from_millis(due - talk.scene.context.clock.now()));
    let _ = talk.scene.connection.expire(&mut talk.scene.intake);
    talk.wait(|talk| (talk.data(3) == 5).then_some(()));
    assert_eq!(talk.data(1), window);
    talk.says(&frame(WINDOW, 0, 0, &number(2_000_000)));
    talk.wait(|talk| (talk.data(3) == 15).then_some(()));
    assert_eq!(talk.data(1), window);
    talk.says(&frame(WINDOW, 0, 1, &number(2_000_000)));
    talk.wait(|talk| talk.frames.iter().any(|one| one.0 == DATA && one.1 == END && one.2 == 1).then_some(()));
    writer.join().unwrap();
    assert_eq!(talk.data(1), 1_000_000);
    drop(quick);
    for stream in [1, 3] {
        talk.says(&frame(DATA, END, stream, b""));
    }
    talk.wait_until_over();
}

#[test]
fn a_client_may_say_no_more_than_its_app_reads() {
    let mut talk = Talk::begin(Config::default());
    let mut app = talk.tunnel(1);
    let all = flow::STREAM as usize;
    for _ in 0..all / 16_384 {
        talk.says(&frame(DATA, 0, 1, &[7; 16_384]));
    }
    let given = |talk: &Talk| -> usize {
        let windows = talk.frames.iter().filter(|one| one.0 == WINDOW && one.2 == 1);
        windows.map(|one| u32::from_be_bytes([one.3[0], one.3[1], one.3[2], one.3[3]]) as usize).sum()
    };
    talk.listen();
    // What the pair of sockets has room for is the app's.
    assert!(given(&talk) < all, "{}", given(&talk));
    assert!(read(&mut app, all).iter().all(|&byte| byte == 7));
    talk.wait(|talk| (given(talk) >= all / 2).then_some(()));
    talk.says(&frame(DATA, END, 1, b"the last"));
    assert_eq!(read_to_end(&mut app), b"the last");
    drop(app);
    talk.wait_until_over();
}

#[test]
fn a_reset_is_an_end_for_both_whoever_has_it() {
    let mut talk = Talk::begin(Config::default());
    let mut app = talk.tunnel(1);
    talk.says(&frame(DATA, 0, 1, b"hello"));
    talk.says(&frame(RESET, 0, 1, &number(8)));
    assert_eq!(read_to_end(&mut app), b"hello");
    talk.wait_until_over();
    assert!(app.write_all(b"to whom?").is_err());

    // An app that closes with something unread.
    let app = talk.tunnel(3);
    talk.says(&frame(DATA, 0, 3, b"unread"));
    drop(app);
    assert_eq!(talk.hear(RESET, 3).1, number(8));
    talk.wait_until_over();

    // The connection.
    let mut app = talk.tunnel(5);
    talk.scene.client.end();
    assert_eq!(talk.scene.connection.advance(Look::MayBeEnded, &mut talk.scene.intake), Verdict::Close);
    assert_eq!(read_to_end(&mut app), b"");
    talk.wait_until_over();
}

#[test]
fn a_stream_is_only_given_to_whom_there_are_descriptors_for_and_who_was_asked_for_it() {
    let mut talk = Talk::begin(Config { descriptors: 1, ..Config::default() });
    let (exchange, error) = talk.asks(1).grant(200, GRANTED).unwrap_err();
    assert!(error.to_string().contains("files"), "{error}");
    exchange.refuse(Fault::OpenFiles);
    talk.hear(HEADERS, 1);
    assert_eq!(talk.scene.context.stats.tunnels.get(), 0);

    let mut talk = Talk::begin(Config::default());
    talk.says(&frame(HEADERS, 5, 1, &[0x82, 0x86, 0x84, 0x01, 1, b'h']));
    let mut found = Vec::new();
    Request::take_streams(&talk.scene.connection, &mut found);
    let exchange = Box::new(Exchange::begin(found.pop().unwrap()));
    let (_, error) = exchange.hijack().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}

#[test]
fn a_drain_ends_them_once_nothing_else_is_left() {
    let mut talk = Talk::begin(Config::default());
    let mut app = talk.tunnel(1);
    let other = talk.asks(3);
    talk.scene.context.enter(Phase::Draining);
    talk.look();
    talk.scene.pass(SECOND);
    assert!(!talk.scene.connection.has_only_tunnels(), "somebody serves a request");
    talk.says(&frame(DATA, 0, 1, b"still"));
    assert_eq!(read(&mut app, 5), b"still");
    other.refuse(Fault::QueueTimeout);
    talk.look();
    assert!(talk.scene.connection.has_only_tunnels());
    talk.scene.connection.end_tunnels();
    assert_eq!(read_to_end(&mut app), b"");
    app.write_all(b"bye").unwrap();
    assert_eq!(talk.hear(DATA, 1), (0, b"bye".to_vec()));
    // It has no more than a moment.
    talk.scene.pass(2 * SECOND);
    assert_eq!(talk.hear(RESET, 1).1, number(8));
    assert_eq!(talk.scene.pass(5 * SECOND), Verdict::Close);
    talk.wait_until_over();
}
