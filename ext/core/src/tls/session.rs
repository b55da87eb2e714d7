//! One connection's TLS, without its socket: what it is given to read from and to write to may bring and take what it likes, and
//! says `WouldBlock` where that is nothing now.
//!
//! None of it is inlined where plain connections are served: they would pay for its size.

use std::io::{self, IoSlice, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use pkcs8::LineEnding;
use rustls::{CertificateError, Error, HandshakeKind, PeerIncompatible, ServerConnection};

use super::expiry;
use super::port::Port;

/// Plaintext that is encrypted before any of it has left: two records (RFC 8446 section 5.1). It bounds what a client that reads
/// nothing makes this side hold.
const AT_ONCE: usize = 32 * 1024;
/// Where there is so much room to read into, a third of it is for what comes from the socket, so that one call brings much: rustls
/// itself asks for 4 KiB. What is left of it holds the plaintext of that, and of a record (16 KiB) that had come in part.
const LARGE: usize = 64 * 1024;
/// Bytes of the client's that may bring no plaintext, in one read.
const WITHOUT_PLAINTEXT: usize = 64 * 1024;

/// A session.
#[derive(Debug)]
pub struct Session {
    tls: ServerConnection,
    /// Bytes of plaintext that have come and have not been taken.
    plain: usize,
    /// Bytes that have left, as they leave.
    sent: u64,
    /// The socket has failed, or the client, which nobody has been told yet.
    broken: Option<io::ErrorKind>,
    peer: OnceLock<Arc<str>>,
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes of plaintext.
    Bytes {
        /// How many.
        length: usize,
        /// Nothing is left in the session, nor where it reads from.
        is_drained: bool,
    },
    /// Nothing is there now.
    Nothing,
    /// The client sends no more, whether it has said so (`close_notify`) or not.
    End,
}

/// Why a handshake has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Client and server have no version in common.
    Version,
    /// The client wants to speak a protocol inside that is not spoken here (ALPN).
    Protocol,
    /// The client can't verify what the certificate's key signs.
    Signature,
    /// They have no cipher suite or key exchange in common.
    Incompatible,
    /// The client had no certificate, or one that was not to be believed.
    ClientCertificate,
    /// The client has refused: it does not believe the server's certificate, most often.
    Alert,
    /// It was no TLS, or broke its rules.
    Malformed,
}

/// How far a handshake has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More has to come.
    Wants,
    /// It is done.
    Done {
        /// By a ticket of an earlier session.
        is_resumed: bool,
    },
}

impl Session {
    /// One that waits for its client's first bytes.
    ///
    /// # Errors
    /// When there is no way to make one.
    pub fn new(port: &Port) -> Result<Session, Error> {
        let mut tls = ServerConnection::new(port.config())?;
        tls.set_buffer_limit(Some(AT_ONCE));
        Ok(Session { tls, plain: 0, sent: 0, broken: None, peer: OnceLock::new() })
    }

    /// Goes on with the handshake, with bytes that have come. May take long. What there is to send after it, also after an error,
    /// is for [`Session::flush`].
    ///
    /// # Errors
    /// Why there will be no session, in one word and in a text.
    pub fn shake(&mut self, mut bytes: &[u8]) -> Result<Progress, (Cause, Error)> {
        while !bytes.is_empty() {
            if let Err(error) = self.tls.read_tls(&mut bytes) {
                return Err((Cause::Malformed, Error::General(error.to_string())));
            }
            self.process().map_err(|error| (cause(&error), error))?;
        }
        if self.tls.is_handshaking() {
            return Ok(Progress::Wants);
        }
        let is_resumed = self.tls.handshake_kind() == Some(HandshakeKind::Resumed);
        if is_resumed && self.is_peer_expired() {
            let expired = Error::InvalidCertificate(CertificateError::Expired);
            return Err((Cause::ClientCertificate, expired));
        }
        Ok(Progress::Done { is_resumed })
    }

    /// Whether the certificate that the client has shown in an earlier session has ended since: a ticket lives on by the next one, and
    /// would for ever.
    fn is_peer_expired(&self) -> bool {
        let Some([certificate, ..]) = self.tls.peer_certificates() else { return false };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        expiry::validity(certificate).is_some_and(|(_, end)| end < now)
    }

    /// Takes plaintext, reading on where there is none. What the client has to be told, it is told.
    ///
    /// # Errors
    /// What the socket says; `InvalidData` where the client has broken the rules, which it has been told.
    #[inline(never)]
    pub fn read(&mut self, socket: &mut (impl Read + Write), buffer: &mut [u8]) -> io::Result<Received> {
        if self.tls.wants_write() {
            // Whoever reads on need not write, and the client may wait for it. What is broken the next call finds.
            let _ = self.flush(socket);
        }
        let (mut is_drained, mut came) = (false, 0);
        loop {
            if self.plain == 0 {
                if let Some(kind) = self.broken {
                    return Err(kind.into());
                }
            }
            match self.tls.reader().read(buffer) {
                Ok(0) => return Ok(Received::End),
                Ok(length) => {
                    self.plain -= length;
                    return Ok(Received::Bytes { length, is_drained: is_drained && self.plain == 0 });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It has left without a word, which its request's own length makes up for.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Received::End),
                Err(error) => return Err(error),
            }
            if came > WITHOUT_PLAINTEXT {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "so much, and nothing in it"));
            }
            if buffer.len() >= LARGE {
                let (plain, room) = buffer.split_at_mut(LARGE / 3 * 2);
                let length = match socket.read(room) {
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Nothing),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                (is_drained, came) = (length < room.len(), came + length);
                let taken = self.take_in(socket, &room[..length], plain)?;
                if taken > 0 {
                    return Ok(Received::Bytes { length: taken, is_drained: is_drained && !self.has_more() });
                }
                continue;
            }
            let mut noted = Noted { socket, is_drained: &mut is_drained };
            match self.tls.read_tls(&mut noted) {
                Ok(length) => came += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Nothing),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            self.process_for(socket)?;
        }
    }

    /// Takes in what has come from the socket, be it its end, and puts plaintext where there is room for all of it: how much.
    fn take_in(&mut self, socket: &mut impl Write, mut come: &[u8], plain: &mut [u8]) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            // With nothing at all that is the end.
            self.tls.read_tls(&mut come)?;
            let processed = self.process_for(socket);
            // An end is found by who reads on.
            let length = self.tls.reader().read(&mut plain[taken..]).unwrap_or_default();
            self.plain = self.plain.saturating_sub(length);
            taken += length;
            match processed {
                Err(error) if taken == 0 => return Err(error),
                // What came before it is whole.
                Err(error) => {
                    self.broken = Some(error.kind());
                    return Ok(taken);
                }
                Ok(()) if come.is_empty() => return Ok(taken),
                Ok(()) => {}
            }
        }
    }

    /// Looks at what has come, and tells the client what it has to be told.
    fn process_for(&mut self, socket: &mut impl Write) -> io::Result<()> {
        let processed = self.process();
        if self.tls.wants_write() {
            // With what comes next, where there is no room now. What is broken the next call finds.
            let _ = self.flush(socket);
        }
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Whether there is something to be read without the socket.
    fn has_more(&self) -> bool {
        self.plain > 0 || self.broken.is_some()
    }

    /// Encrypts and sends as much of the parts as the socket takes, and a little more, which it then [holds](Session::holds):
    /// `None` while it holds something that came before.
    ///
    /// # Errors
    /// What the socket says.
    #[inline(never)]
    pub fn write(&mut self, socket: &mut impl Write, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        let all: usize = parts.iter().map(|part| part.len()).sum();
        let mut taken = 0;
        loop {
            match self.flush(socket) {
                Ok(true) if taken < all => {}
                Ok(_) => return Ok((taken > 0 || all == 0).then_some(taken)),
                Err(error) if taken == 0 => return Err(error),
                // What was taken may not be said once more: what comes next hears of the error.
                Err(error) => {
                    self.broken = Some(error.kind());
                    return Ok(Some(taken));
                }
            }
            taken += match taken {
                0 => self.tls.writer().write_vectored(parts)?,
                _ => self.tls.writer().write_vectored(&after(parts, taken))?,
            };
        }
    }

    /// Sends what it holds: whether all of it has left.
    ///
    /// # Errors
    /// What the socket says.
    #[inline(never)]
    pub fn flush(&mut self, socket: &mut impl Write) -> io::Result<bool> {
        if let Some(kind) = self.broken {
            return Err(kind.into());
        }
        while self.tls.wants_write() {
            match self.tls.write_tls(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => self.sent += length as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Tells the client that nothing more is sent (RFC 8446 section 6.1), as far as there is room for that.
    #[inline(never)]
    pub fn close(&mut self, socket: &mut impl Write) {
        self.tls.send_close_notify();
        // A client that has left, or reads nothing, needs no word.
        let _ = self.flush(socket);
    }

    /// Whether something is still to be sent.
    pub fn holds(&self) -> bool {
        self.tls.wants_write() || self.broken.is_some()
    }

    /// Whether plaintext has come that nobody has taken.
    pub fn has_plaintext(&self) -> bool {
        self.plain > 0
    }

    /// Bytes that have left so far, as they leave.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What is spoken inside, where both have named it (RFC 7301).
    pub fn protocol(&self) -> Option<&[u8]> {
        self.tls.alpn_protocol()
    }

    /// The client's certificate in PEM, which was verified. It is written once.
    pub fn peer_certificate(&self) -> Option<Arc<str>> {
        let first = self.tls.peer_certificates()?.first()?;
        Some(self.peer.get_or_init(|| pem(first)).clone())
    }

    fn process(&mut self) -> Result<(), Error> {
        self.plain = self.tls.process_new_packets()?.plaintext_bytes_to_read();
        Ok(())
    }
}

/// A socket of which is noted whether it brings less than it could.
struct Noted<'a, S> {
    socket: &'a mut S,
    is_drained: &'a mut bool,
}

impl<S: Read> Read for Noted<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.socket.read(buffer)?;
        *self.is_drained = length < buffer.len();
        Ok(length)
    }
}

/// What follows the first so many bytes.
fn after<'a>(parts: &'a [IoSlice<'_>], mut taken: usize) -> Vec<IoSlice<'a>> {
    let mut left = Vec::with_capacity(parts.len());
    for part in parts {
        let skipped = part.len().min(taken);
        taken -= skipped;
        if skipped < part.len() {
            left.push(IoSlice::new(&part[skipped..]));
        }
    }
    left
}

fn cause(error: &Error) -> Cause {
    match error {
        Error::AlertReceived(_) => Cause::Alert,
        Error::NoApplicationProtocol => Cause::Protocol,
        Error::PeerIncompatible(why) => match why {
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired => Cause::Version,
            PeerIncompatible::NoSignatureSchemesInCommon => Cause::Signature,
            _ => Cause::Incompatible,
        },
        Error::NoCertificatesPresented | Error::InvalidCertificate(_) => Cause::ClientCertificate,
        _ => Cause::Malformed,
    }
}

/// A certificate in PEM (RFC 7468 section 5).
fn pem(der: &[u8]) -> Arc<str> {
    // It can fail only for what is longer than any certificate.
    pkcs8::der::pem::encode_string("CERTIFICATE", LineEnding::LF, der).unwrap_or_default().into()
}
