//! What carries a connection's bytes over its socket: nothing but the socket itself, or TLS, with its session in here, which is
//! why the transport is a part of the connection's state and the socket is not.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::socket::Socket;
use crate::tls::session::{Received, Session};

/// The transport of one connection.
#[derive(Debug, Default)]
pub(in crate::net) enum Transport {
    /// The bytes as they are.
    #[default]
    Plain,
    /// TLS, from a connection's first bytes on.
    Tls(Box<Session>),
}

impl Transport {
    /// Whether some of what was written has not left yet, though it counts as written.
    pub(in crate::net) fn holds(&self) -> bool {
        match self {
            Transport::Plain => false,
            Transport::Tls(session) => session.holds(),
        }
    }

    /// Bytes that have left by way of what it holds.
    pub(in crate::net) fn passed(&self) -> u64 {
        match self {
            Transport::Plain => 0,
            Transport::Tls(session) => session.sent(),
        }
    }

    /// What client and server have agreed to speak inside (RFC 7301), once the handshake is done.
    pub(in crate::net) fn protocol(&self) -> Option<&[u8]> {
        match self {
            Transport::Plain => None,
            Transport::Tls(session) => session.protocol(),
        }
    }

    /// The client's certificate in PEM, where it was asked for one and has one.
    pub(in crate::net) fn peer_certificate(&self) -> Option<Arc<str>> {
        match self {
            Transport::Plain => None,
            Transport::Tls(session) => session.peer_certificate(),
        }
    }
}

/// Bytes of a file that are read at once, to be encrypted.
const PART: usize = 32 * 1024;

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::net) enum Came {
    /// So many bytes.
    Bytes {
        /// How many.
        length: usize,
        /// The socket has been read empty with them: what comes next will be an event (epoll(7), question 9). Under TLS the
        /// length alone says nothing of that.
        is_drained: bool,
    },
    /// Nothing is there now.
    Nothing,
    /// The client sends no more.
    End,
}

/// A transport and the socket that it uses, for as long as one look at a connection takes.
#[derive(Debug)]
pub(in crate::net) struct Wire<'a> {
    /// What carries the bytes.
    pub(in crate::net) transport: &'a mut Transport,
    /// Where they go.
    pub(in crate::net) socket: &'a Socket,
}

impl Wire<'_> {
    /// Reads into `buffer`, which must not be empty.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(in crate::net) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Came> {
        match self.transport {
            Transport::Plain => Ok(match now(|| self.socket.read(buffer))? {
                Some(0) => Came::End,
                Some(length) => Came::Bytes { length, is_drained: length < buffer.len() },
                None => Came::Nothing,
            }),
            Transport::Tls(session) => Ok(match session.read(&mut Plainly(self.socket), buffer)? {
                Received::Bytes { length, is_drained } => Came::Bytes { length, is_drained },
                Received::Nothing => Came::Nothing,
                Received::End => Came::End,
            }),
        }
    }

    /// Writes as much of the parts as is taken now; `None` when that is nothing.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(in crate::net) fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        match self.transport {
            Transport::Plain => taken(parts, now(|| self.socket.write(parts))),
            Transport::Tls(session) => session.write(&mut Plainly(self.socket), parts),
        }
    }

    /// As [`Wire::write`], where more follows at once that may share a packet with it.
    ///
    /// # Errors
    /// As [`Wire::write`].
    pub(in crate::net) fn write_before_more(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        match self.transport {
            Transport::Plain => taken(parts, now(|| self.socket.write_before_more(parts))),
            Transport::Tls(session) => session.write(&mut Plainly(self.socket), parts),
        }
    }

    /// Sends bytes of a file, from `at` on and `most` at most: how many were taken; `None` when nothing is taken now.
    ///
    /// # Errors
    /// When the connection is broken, the file can't be read, or it has become shorter (`WriteZero`).
    pub(in crate::net) fn send_file(&mut self, file: &File, at: u64, most: usize) -> io::Result<Option<usize>> {
        match self.transport {
            Transport::Plain => match now(|| self.socket.send_file(file, at, most))? {
                Some(0) => Err(io::ErrorKind::WriteZero.into()),
                sent => Ok(sent),
            },
            Transport::Tls(session) => send_encrypted(session, self.socket, file, at, most),
        }
    }

    /// Whether no byte of what was written is left in the transport.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(in crate::net) fn flush(&mut self) -> io::Result<bool> {
        match self.transport {
            Transport::Plain => Ok(true),
            Transport::Tls(session) => session.flush(&mut Plainly(self.socket)),
        }
    }

    /// Tells the client that nothing more is sent, where the transport has a word for that.
    pub(in crate::net) fn close(&mut self) {
        match self.transport {
            Transport::Plain => {}
            Transport::Tls(session) => session.close(&mut Plainly(self.socket)),
        }
    }
}

/// As [`Wire::send_file`]. Apart, so that nobody else has the room for it on their stack.
#[inline(never)]
fn send_encrypted(
    session: &mut Session,
    socket: &Socket,
    file: &File,
    at: u64,
    most: usize,
) -> io::Result<Option<usize>> {
    let mut socket = Plainly(socket);
    if !session.flush(&mut socket)? {
        return Ok(None);
    }
    let mut part = [0; PART];
    match file.read_at(&mut part[..most.min(PART)], at)? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        length => session.write(&mut socket, &[IoSlice::new(&part[..length])]),
    }
}

/// The socket, as the session of TLS reads and writes it.
struct Plainly<'a>(&'a Socket);

impl Read for Plainly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Plainly<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A system call that does not block, made again when a signal came: `None` when there is nothing to do now.
fn now(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        return match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            done => done.map(Some),
        };
    }
}

/// A socket that takes nothing of something is broken.
fn taken(parts: &[IoSlice<'_>], written: io::Result<Option<usize>>) -> io::Result<Option<usize>> {
    match written {
        Ok(Some(0)) if parts.iter().any(|part| !part.is_empty()) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    }
}
