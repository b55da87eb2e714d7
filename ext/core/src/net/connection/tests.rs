//! What a client's bytes do to its connection's deadline.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;

use mio::{Poll, Token, Waker};

use super::*;
use crate::config::Config;

/// A connection that nobody polls, and its client.
fn connection(context: &Context) -> (Connection, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let stream = Stream::Unix(mio::net::UnixStream::from_std(near));
    let local = Arc::new(Local { name: "localhost", port: 80 });
    (Connection::new(0, stream, PeerAddr::Unix, local, context), far)
}

fn context() -> Context {
    let poll = Poll::new().unwrap();
    let waker = Waker::new(poll.registry(), Token(0)).unwrap();
    Context::new(Config::default(), waker)
}

/// Has the client send `bytes`, a moment after what was before: how the connection stands, and until when.
fn after(bytes: &[u8], client: &mut UnixStream, connection: &Connection, context: &Context) -> (Progress, u64) {
    thread::sleep(Duration::from_millis(2));
    client.write_all(bytes).unwrap();
    assert_eq!(connection.advance(Look::Open, &mut [0; 1024], context), Verdict::Wait);
    (connection.life(|life| life.progress), connection.deadline.due())
}

#[test]
fn the_first_head_has_its_time_from_accept_on_whatever_bytes_come() {
    let context = context();
    let (connection, mut client) = connection(&context);
    let due = connection.deadline.due();
    for bytes in [&b"\r"[..], b"\n", b"\r\n", b"\r\n\r", b"\n"] {
        assert_eq!(after(bytes, &mut client, &connection, &context), (Progress::Idle, due));
    }
    for bytes in [&b"G"[..], b"ET / HTTP/1.1\r\n", b"x: y"] {
        assert_eq!(after(bytes, &mut client, &connection, &context), (Progress::Head, due));
    }
}
