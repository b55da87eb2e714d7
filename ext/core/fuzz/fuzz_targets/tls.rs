//! A whole connection of TLS, between this side and a client that keeps to the rules, over a network that need not: whatever comes
//! in which pieces, each side reads what the other has said, in order, and nothing else; all of it, where nothing was changed.

#![no_main]

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use kino_core::tls::given::{Given, Pem, Settings};
use kino_core::tls::port::Port;
use kino_core::tls::session::{Progress, Received, Session};
use libfuzzer_sys::fuzz_target;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// What happens next.
#[derive(Arbitrary, Debug)]
enum Step<'a> {
    ClientSays(&'a [u8]),
    /// So many bytes more than there are script for.
    ClientSaysMuch(u16),
    ServerSays(&'a [u8]),
    ServerSaysMuch(u16),
    /// So many bytes reach the server.
    Deliver(u16),
    /// The server's socket takes so many bytes.
    Take(u16),
    Read(u8),
    Flush,
    ClientReads,
    /// A byte on its way to the server is another.
    Change(u16, u8),
    /// Bytes come in between.
    Slip(&'a [u8]),
    ClientCloses,
}

/// The server's socket.
#[derive(Default)]
struct Pipe {
    come: VecDeque<u8>,
    left: Vec<u8>,
    room: usize,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // To bring less than there is room for tells that nothing is left, as of a socket. A queue that is not in one piece would.
        self.come.make_contiguous();
        match self.come.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            length => Ok(length),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.room);
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room -= length;
        self.left.write(&bytes[..length])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// It believes any server.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// With a certificate and a key that are for this alone.
static PORT: LazyLock<Port> = LazyLock::new(|| {
    let text = Pem::Text(include_str!("session.pem").to_owned());
    let given = Given { cert: text.clone(), key: text, key_password_command: None, ocsp: None };
    Port::load(Settings { certificates: vec![given], ..Settings::default() }, [0; 32]).unwrap()
});

/// Of TLS 1.2, and of 1.3: they remember nothing, so that each script is the same whenever it is run.
static CONFIGS: LazyLock<[Arc<ClientConfig>; 2]> = LazyLock::new(|| {
    [&rustls::version::TLS12, &rustls::version::TLS13].map(|version| {
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(&[version]).unwrap().dangerous();
        let mut config = builder.with_custom_certificate_verifier(Arc::new(Credulous)).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        Arc::new(config)
    })
});

struct Both {
    client: ClientConnection,
    session: Session,
    pipe: Pipe,
    /// On its way to the server.
    wire: VecDeque<u8>,
    client_said: Vec<u8>,
    server_heard: usize,
    server_said: Vec<u8>,
    client_heard: usize,
    is_closed: bool,
    /// The network has changed something.
    is_changed: bool,
    /// The server has nothing more to do with it.
    is_over: bool,
}

impl Both {
    /// Done with the handshake.
    fn new(is_new: bool) -> Both {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(CONFIGS[usize::from(is_new)].clone(), name).unwrap();
        client.set_buffer_limit(None);
        let mut session = Session::new(&PORT).unwrap();
        let mut progress = Progress::Wants;
        while progress == Progress::Wants || client.is_handshaking() {
            let mut flight = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut flight).unwrap();
            }
            progress = session.shake(&flight).unwrap();
            let mut answer = Vec::new();
            assert!(session.flush(&mut answer).unwrap());
            let mut answer = &answer[..];
            while !answer.is_empty() {
                client.read_tls(&mut answer).unwrap();
                client.process_new_packets().unwrap();
            }
        }
        Both {
            client,
            session,
            pipe: Pipe::default(),
            wire: VecDeque::new(),
            client_said: Vec::new(),
            server_heard: 0,
            server_said: Vec::new(),
            client_heard: 0,
            is_closed: false,
            is_changed: false,
            is_over: false,
        }
    }

    fn client_says(&mut self, bytes: &[u8]) {
        if self.is_closed {
            return;
        }
        self.client.writer().write_all(bytes).unwrap();
        self.client_said.extend_from_slice(bytes);
        self.collect();
    }

    fn collect(&mut self) {
        let mut bytes = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut bytes).unwrap();
        }
        self.wire.extend(bytes);
    }

    fn server_says(&mut self, bytes: &[u8]) {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let parts = [IoSlice::new(first), IoSlice::new(second)];
        match self.session.write(&mut self.pipe, &parts) {
            Ok(taken) => self.server_said.extend_from_slice(&bytes[..taken.unwrap_or_default()]),
            Err(_) => self.is_over = true,
        }
    }

    fn deliver(&mut self, most: usize) {
        let length = self.wire.len().min(most);
        self.pipe.come.extend(self.wire.drain(..length));
    }

    /// Whether there was anything.
    fn read(&mut self, size: usize) -> bool {
        let mut buffer = vec![0; size];
        match self.session.read(&mut self.pipe, &mut buffer) {
            Ok(Received::Bytes { length, is_drained }) => {
                let said = &self.client_said[self.server_heard..];
                assert_eq!(&buffer[..length], &said[..length], "what the client has said");
                assert!(!is_drained || self.pipe.come.is_empty() && !self.session.has_plaintext());
                self.server_heard += length;
                true
            }
            Ok(Received::Nothing) => false,
            Ok(Received::End) => {
                self.is_over = true;
                false
            }
            Err(_) => {
                assert!(self.is_changed, "nobody has done anything wrong");
                self.is_over = true;
                false
            }
        }
    }

    fn client_reads(&mut self) {
        let bytes = std::mem::take(&mut self.pipe.left);
        let mut bytes = &bytes[..];
        while !bytes.is_empty() {
            self.client.read_tls(&mut bytes).unwrap();
            if self.client.process_new_packets().is_err() {
                assert!(self.is_changed, "an alert");
                return;
            }
            let mut heard = Vec::new();
            let _ = self.client.reader().read_to_end(&mut heard);
            let said = &self.server_said[self.client_heard..];
            assert_eq!(heard, &said[..heard.len()], "what the server has said");
            self.client_heard += heard.len();
        }
        self.collect();
    }

    fn step(&mut self, step: &Step<'_>) {
        match *step {
            Step::ClientSays(bytes) => self.client_says(bytes),
            Step::ClientSaysMuch(length) => self.client_says(&pattern(length)),
            Step::ServerSays(bytes) => self.server_says(bytes),
            Step::ServerSaysMuch(length) => self.server_says(&pattern(length)),
            Step::Deliver(most) => self.deliver(most.into()),
            Step::Take(more) => self.pipe.room += usize::from(more),
            Step::Read(size) => drop(self.read((usize::from(size) + 1) * 300)),
            Step::Flush => self.is_over |= self.session.flush(&mut self.pipe).is_err(),
            Step::ClientReads => self.client_reads(),
            Step::Change(at, by) => {
                let at = usize::from(at);
                if let Some(byte) = self.wire.get_mut(at).filter(|_| by > 0) {
                    *byte ^= by;
                    self.is_changed = true;
                }
            }
            Step::Slip(bytes) => {
                self.is_changed |= !bytes.is_empty();
                self.wire.extend(bytes);
            }
            Step::ClientCloses => {
                self.is_closed = true;
                self.client.send_close_notify();
                self.collect();
            }
        }
    }
}

fn pattern(length: u16) -> Vec<u8> {
    (0..length).map(|at| at as u8 ^ (at >> 8) as u8).collect()
}

fuzz_target!(|input: (bool, Vec<Step<'_>>)| {
    let (is_new, steps) = input;
    let mut both = Both::new(is_new);
    for step in steps.iter().take(200) {
        if both.is_over {
            break;
        }
        both.step(step);
    }
    both.pipe.room = usize::MAX;
    both.deliver(usize::MAX);
    while !both.is_over && both.read(70_000) {}
    if !both.is_changed {
        assert_eq!(both.server_heard, both.client_said.len());
        assert!(both.session.flush(&mut both.pipe).unwrap());
        both.client_reads();
        assert_eq!(both.client_heard, both.server_said.len());
    }
});
