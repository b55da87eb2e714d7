//! Sessions with a client in memory.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};

use rustls::version::{TLS12, TLS13};

use super::given::{Pem, Settings, Verify, Version};
use super::port::Port;
use super::session::{Cause, Progress, Received, Session};
use super::test_client::{Client, Made, client_config, port};

/// A socket with room for so many bytes, that brings `step` at a time.
#[derive(Default)]
struct Pipe {
    inbound: VecDeque<u8>,
    has_ended: bool,
    sent: Vec<u8>,
    room: usize,
    step: usize,
    /// The next write fails so.
    error: Option<io::ErrorKind>,
}

impl Pipe {
    fn new() -> Pipe {
        Pipe { room: usize::MAX, step: usize::MAX, ..Pipe::default() }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.inbound.is_empty() {
            return if self.has_ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        let most = buffer.len().min(self.step);
        self.inbound.read(&mut buffer[..most])
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.error.take() {
            return Err(kind.into());
        }
        let length = bytes.len().min(self.room).min(self.step);
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room -= length;
        self.sent.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Both sides of a handshake, until it is done.
fn shake(session: &mut Session, client: &mut Client, socket: &mut Pipe) -> Result<Progress, Cause> {
    loop {
        let shaken = session.shake(&client.sends()).map_err(|(cause, _)| cause);
        assert!(session.flush(socket).unwrap());
        let sent = std::mem::take(&mut socket.sent);
        let read = client.reads(&sent);
        let progress = shaken?;
        if progress != Progress::Wants {
            read.unwrap();
            return Ok(progress);
        }
        if read.is_err() {
            // What it has to say of that.
            return session.shake(&client.sends()).map_err(|(cause, _)| cause);
        }
    }
}

fn open() -> (Session, Client, Pipe) {
    let (mut session, mut client, mut socket) = (Session::new(&port()).unwrap(), Client::plain(), Pipe::new());
    shake(&mut session, &mut client, &mut socket).unwrap();
    (session, client, socket)
}

#[test]
fn both_sides_hear_each_other_byte_by_byte() {
    // Small reads and large ones go different ways.
    for (step, room) in [1, 2, 7, 4095, usize::MAX].into_iter().flat_map(|step| [(step, 1000), (step, 64 * 1024)]) {
        let (mut session, mut client, mut socket) = open();
        assert_eq!(session.protocol(), Some(&b"http/1.1"[..]));
        socket.step = step;
        let said: Vec<u8> = (0..100_000u32).map(|number| number as u8).collect();
        socket.inbound.extend(client.says(&said));
        let (mut heard, mut buffer) = (Vec::new(), vec![0; room]);
        loop {
            match session.read(&mut socket, &mut buffer).unwrap() {
                Received::Bytes { length, is_drained } => {
                    heard.extend_from_slice(&buffer[..length]);
                    assert!(!is_drained || step < usize::MAX || heard.len() == said.len());
                }
                received => {
                    assert_eq!(received, Received::Nothing);
                    break;
                }
            }
        }
        assert!(heard == said, "with steps of {step}, into {room}");

        let parts = [IoSlice::new(&said[..10]), IoSlice::new(b""), IoSlice::new(&said[10..])];
        assert_eq!(session.write(&mut socket, &parts).unwrap(), Some(said.len()));
        assert!(client.reads(&socket.sent).unwrap() == said);
    }
}

#[test]
fn what_is_drained_brings_an_event_and_what_is_not_does_not() {
    let (mut session, mut client, mut socket) = open();
    socket.inbound.extend(client.says(b"0123456789"));
    let mut buffer = [0; 6];
    assert_eq!(
        session.read(&mut socket, &mut buffer).unwrap(),
        Received::Bytes { length: 6, is_drained: false },
        "four bytes are left, and no event will tell of them"
    );
    assert!(session.has_plaintext());
    assert!(matches!(session.read(&mut socket, &mut buffer).unwrap(), Received::Bytes { length: 4, .. }));
    assert!(!session.has_plaintext());
    socket.inbound.extend(client.says(b"0123"));
    assert_eq!(session.read(&mut socket, &mut buffer).unwrap(), Received::Bytes { length: 4, is_drained: true });
}

#[test]
fn a_client_that_reads_nothing_makes_it_hold_little() {
    let (mut session, mut client, mut socket) = open();
    socket.room = 1000;
    let all = vec![7; 1_000_000];
    let taken = session.write(&mut socket, &[IoSlice::new(&all)]).unwrap().unwrap();
    assert!((1..=32 * 1024).contains(&taken) && session.holds(), "{taken}");
    assert_eq!(session.write(&mut socket, &[IoSlice::new(&all[taken..])]).unwrap(), None);
    socket.room = usize::MAX;
    assert!(session.flush(&mut socket).unwrap() && !session.holds());
    assert_eq!(session.write(&mut socket, &[IoSlice::new(&all[taken..])]).unwrap(), Some(all.len() - taken));
    assert!(client.reads(&socket.sent).unwrap() == all);
}

#[test]
fn what_was_taken_when_the_socket_fails_is_not_asked_for_again() {
    let (mut session, _, mut socket) = open();
    socket.error = Some(io::ErrorKind::Other);
    assert_eq!(session.write(&mut socket, &[IoSlice::new(b"once")]).unwrap(), Some(4));
    assert!(session.holds());
    assert!(session.flush(&mut socket).is_err() && session.write(&mut socket, &[IoSlice::new(b"more")]).is_err());
}

#[test]
fn an_end_is_told_and_found() {
    let (mut session, mut client, mut socket) = open();
    session.close(&mut socket);
    session.close(&mut socket);
    client.reads(&socket.sent).unwrap();
    assert_eq!(io::Read::read(&mut client.0.reader(), &mut [0]).unwrap(), 0, "it was told");

    socket.inbound.extend(client.says(b"last"));
    client.0.send_close_notify();
    socket.inbound.extend(client.sends());
    let mut buffer = [0; 64];
    assert!(matches!(session.read(&mut socket, &mut buffer).unwrap(), Received::Bytes { length: 4, .. }));
    assert_eq!(session.read(&mut socket, &mut buffer).unwrap(), Received::End);

    let (mut session, mut client, mut socket) = open();
    socket.inbound.extend(client.says(b"cut"));
    socket.has_ended = true;
    assert!(matches!(session.read(&mut socket, &mut buffer).unwrap(), Received::Bytes { length: 3, .. }));
    assert_eq!(session.read(&mut socket, &mut buffer).unwrap(), Received::End, "it has left without a word");
}

#[test]
fn what_breaks_the_rules_is_told_so() {
    let (mut session, mut client, mut socket) = open();
    let mut sent = client.says(b"changed on its way");
    *sent.last_mut().unwrap() ^= 1;
    socket.inbound.extend(sent);
    let error = session.read(&mut socket, &mut [0; 64]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(client.reads(&socket.sent).is_err(), "an alert");

    // What came before it is whole.
    let (mut session, mut client, mut socket) = open();
    let mut sent = client.says(&[7; 16_000]);
    sent.extend(client.says(b"changed on its way"));
    *sent.last_mut().unwrap() ^= 1;
    socket.inbound.extend(sent);
    let mut buffer = vec![0; 64 * 1024];
    assert_eq!(
        session.read(&mut socket, &mut buffer).unwrap(),
        Received::Bytes { length: 16_000, is_drained: false },
        "whoever reads on hears of it"
    );
    assert_eq!(session.read(&mut socket, &mut buffer).unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn a_session_is_taken_up_by_whoever_has_the_secret() {
    for versions in [&[&TLS13][..], &[&TLS12]] {
        let config = client_config(versions, None);
        let made = Made::of(&["localhost"]);
        let resumed = |settings: Settings, secret| {
            let port = Port::load(settings, secret).unwrap();
            let (mut session, mut client) = (Session::new(&port).unwrap(), Client::new(&config, "localhost"));
            shake(&mut session, &mut client, &mut Pipe::new()).unwrap() == Progress::Done { is_resumed: true }
        };
        assert!(!resumed(made.settings(), [1; 32]));
        assert!(resumed(made.settings(), [1; 32]), "another process");
        assert!(!resumed(made.settings(), [2; 32]), "another server");
        let client_ca = Some(made.given().cert);
        let asks = Settings { verify: Verify::Optional, client_ca, ..made.settings() };
        assert!(!resumed(asks, [2; 32]), "what it says of its client says nothing where clients are verified");
    }
}

#[test]
fn failures_have_their_causes() {
    let failed = |settings: Settings, mut client: Client| {
        let mut session = Session::new(&Port::load(settings, [1; 32]).unwrap()).unwrap();
        shake(&mut session, &mut client, &mut Pipe::new()).unwrap_err()
    };
    let made = Made::of(&["localhost"]);
    let new_only = Settings { min_version: Version::Tls13, ..made.settings() };
    let of = |versions: &[&'static rustls::SupportedProtocolVersion], own: Option<&Made>| {
        Client::new(&client_config(versions, own), "localhost")
    };
    assert_eq!(failed(new_only, of(&[&TLS12], None)), Cause::Version);
    let mut other = (*client_config(&[&TLS13], None)).clone();
    other.alpn_protocols = vec![b"spdy/3".to_vec()];
    assert_eq!(failed(made.settings(), Client::new(&std::sync::Arc::new(other), "localhost")), Cause::Protocol);

    let client_ca = Some(Made::of(&["ca"]).given().cert);
    let verified = Settings { verify: Verify::Required, client_ca, ..made.settings() };
    assert_eq!(failed(verified.clone(), of(&[&TLS13], None)), Cause::ClientCertificate);
    assert_eq!(failed(verified.clone(), of(&[&TLS13], Some(&made))), Cause::ClientCertificate);
    assert_eq!(
        failed(Settings { verify: Verify::Optional, ..verified }, of(&[&TLS12], Some(&made))),
        Cause::ClientCertificate
    );

    let mut session = Session::new(&port()).unwrap();
    assert_eq!(session.shake(b"GET / HTTP/1.1\r\n\r\n").unwrap_err().0, Cause::Malformed);
    let mut socket = Pipe::new();
    assert!(session.flush(&mut socket).unwrap() && !socket.sent.is_empty(), "an alert");
}

#[test]
fn a_client_that_is_asked_may_have_a_certificate() {
    let made = Made::of(&["localhost"]);
    let Pem::Text(ca) = made.given().cert else { panic!("it is text") };
    let written = ca.replace("\r\n", "\n");
    let settings = Settings { verify: Verify::Optional, client_ca: Some(Pem::Text(ca.clone())), ..made.settings() };
    let port = Port::load(settings, [1; 32]).unwrap();
    for own in [None, Some(&made)] {
        let (mut session, mut client) =
            (Session::new(&port).unwrap(), Client::new(&client_config(&[&TLS13], own), "localhost"));
        shake(&mut session, &mut client, &mut Pipe::new()).unwrap();
        assert_eq!(session.peer_certificate().as_deref(), own.map(|_| &*written));
    }
}
