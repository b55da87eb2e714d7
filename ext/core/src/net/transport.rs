//! What carries a connection's bytes over its socket: nothing but the socket itself so far. TLS is to be one more kind, with
//! its session in here, which is why the transport is a part of the connection's state and the socket is not.

use std::fs::File;
use std::io::{self, IoSlice};

use super::socket::Socket;

/// The transport of one connection.
#[derive(Debug, Default)]
pub(in crate::net) enum Transport {
    /// The bytes as they are.
    #[default]
    Plain,
}

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
        }
    }

    /// Writes as much of the parts as is taken now; `None` when that is nothing.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(in crate::net) fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        match self.transport {
            Transport::Plain => taken(parts, now(|| self.socket.write(parts))),
        }
    }

    /// As [`Wire::write`], where more follows at once that may share a packet with it.
    ///
    /// # Errors
    /// As [`Wire::write`].
    pub(in crate::net) fn write_before_more(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        match self.transport {
            Transport::Plain => taken(parts, now(|| self.socket.write_before_more(parts))),
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
        }
    }

    /// Whether no byte of what was written is left in the transport.
    ///
    /// # Errors
    /// When the connection is broken.
    pub(in crate::net) fn flush(&mut self) -> io::Result<bool> {
        match self.transport {
            Transport::Plain => Ok(true),
        }
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
