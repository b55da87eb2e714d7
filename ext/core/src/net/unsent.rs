//! What of an answer its client has not taken yet.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use super::transport::Wire;
use crate::spool_file::{Claim, NoRoom, Spools};

/// Pieces that are given to the socket with one call.
const SLICES: usize = 16;
/// A piece of so many bytes is copied to those before it.
const TOGETHER: usize = 4096;
/// Bytes that may be given to the socket at once by somebody for whom others wait.
pub const AT_ONCE: usize = 128 * 1024;

/// A piece of an answer.
#[derive(Debug)]
pub enum Piece {
    /// Bytes that lie where they are until they are sent, whoever keeps them.
    Bytes(Bytes),
    /// A part of a file, which never comes into memory.
    File {
        /// The file.
        file: File,
        /// What lies before this has been sent.
        at: u64,
        /// Where the part ends.
        end: u64,
        /// Of a spooled one.
        claim: Option<Claim>,
    },
}

/// How far a flush has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing is left.
    All,
    /// The socket takes no more.
    Blocked,
    /// As much was sent as was asked for, and the socket may take more.
    Some,
}

/// Pieces in their order.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pieces: VecDeque<Piece>,
    /// Bytes that come after all pieces: small ones are copied, and lie together.
    last: BytesMut,
    length: u64,
    /// The socket has been told to hold little.
    is_held: bool,
}

impl Piece {
    /// `bytes` as a file without a name: many clients that read slowly must not fill the memory. May take long.
    ///
    /// # Errors
    /// When there is no room on the disk, which has been told of in the log.
    pub fn spool(bytes: &[u8], spools: &Spools) -> Result<Piece, NoRoom> {
        let mut spooled = spools.create()?;
        spools.write(&mut spooled, bytes)?;
        let end = spooled.len();
        let (file, claim) = spooled.into_parts();
        Ok(Piece::File { file, at: 0, end, claim: Some(claim) })
    }

    fn len(&self) -> u64 {
        match self {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File { at, end, .. } => end - at,
        }
    }
}

impl Unsent {
    /// A few bytes.
    pub(super) fn of(bytes: &[u8]) -> Unsent {
        let mut unsent = Unsent::default();
        unsent.copy(bytes);
        unsent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that are left.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Whether to send it may take long.
    pub(super) fn is_long(&self) -> bool {
        self.length > AT_ONCE as u64 || self.has_file()
    }

    fn has_file(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::File { .. }))
    }

    /// Adds bytes by copying them.
    pub(super) fn copy(&mut self, more: &[u8]) {
        self.last.extend_from_slice(more);
        self.length += more.len() as u64;
    }

    /// Adds a piece as it is; bytes that are few lie together.
    pub(super) fn push(&mut self, piece: Piece) {
        if let Piece::Bytes(bytes) = &piece
            && bytes.len() <= TOGETHER
        {
            return self.copy(bytes);
        }
        if piece.len() == 0 {
            return;
        }
        self.settle();
        self.length += piece.len();
        self.pieces.push_back(piece);
    }

    /// Writes until all is out, the socket takes no more, or `most` bytes have been written.
    ///
    /// # Errors
    /// When the client is gone, or a file can't be read, or has become shorter.
    pub(super) fn write_to(&mut self, wire: &mut Wire<'_>, most: u64) -> io::Result<Flushed> {
        self.settle();
        self.hold(wire);
        let until = self.length.saturating_sub(most);
        while self.length > until {
            let Some(length) = self.write_some(wire, self.length - until)? else { return Ok(Flushed::Blocked) };
            self.take_off(length);
        }
        Ok(if self.is_empty() { Flushed::All } else { Flushed::Some })
    }

    /// What is left at all is much, or its client is slow: the kernel should copy no more of it than it can send soon. Of a
    /// file it copies nothing, and the more it has, the less often it asks for more.
    fn hold(&mut self, wire: &Wire<'_>) {
        if !self.is_held && !self.has_file() {
            self.is_held = true;
            wire.socket.hold_little();
        }
    }

    fn settle(&mut self) {
        if !self.last.is_empty() {
            self.pieces.push_back(Piece::Bytes(self.last.split().freeze()));
        }
    }

    /// `None` when the socket takes nothing now.
    fn write_some(&self, wire: &mut Wire<'_>, most: u64) -> io::Result<Option<u64>> {
        let written = match self.pieces.front() {
            None => Some(0),
            Some(Piece::File { file, at, end, .. }) => {
                let most = usize::try_from(most.min(end - at)).unwrap_or(usize::MAX);
                wire.send_file(file, *at, most)?
            }
            Some(Piece::Bytes(_)) => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let mut left = usize::try_from(most).unwrap_or(usize::MAX);
                let mut comes_file = false;
                for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                    let Piece::Bytes(bytes) = piece else {
                        comes_file = left > 0;
                        break;
                    };
                    let length = bytes.len().min(left);
                    *slice = IoSlice::new(&bytes[..length]);
                    left -= length;
                }
                if comes_file { wire.write_before_more(&slices)? } else { wire.write(&slices)? }
            }
        };
        Ok(written.map(|length| length as u64))
    }

    fn take_off(&mut self, mut length: u64) {
        self.length -= length;
        while length > 0 {
            let Some(piece) = self.pieces.front_mut() else { return };
            let taken = piece.len().min(length);
            match piece {
                Piece::Bytes(bytes) => bytes.advance(taken as usize),
                Piece::File { at, .. } => *at += taken,
            }
            length -= taken;
            if piece.len() == 0 {
                self.pieces.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::budget::Budget;
    use crate::net::socket::Socket;
    use crate::net::transport::Transport;

    fn spools() -> Spools {
        Spools::new(std::env::temp_dir(), None, Budget::new(100))
    }

    fn write(unsent: &mut Unsent, socket: &Socket, most: u64) -> io::Result<Flushed> {
        unsent.write_to(&mut Wire { transport: &mut Transport::default(), socket }, most)
    }

    fn pair() -> (Socket, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        (Socket::Unix(mio::net::UnixStream::from_std(near)), far)
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    #[test]
    fn sends_pieces_of_all_kinds_in_their_order() {
        const MOST: u64 = 100_000;
        let (near, mut far) = pair();
        let big = pattern(3_000_000);
        let mut unsent = Unsent::of(b"first");
        unsent.push(Piece::Bytes(Bytes::from(big.clone())));
        unsent.push(Piece::Bytes(Bytes::new()));
        unsent.push(Piece::spool(&big, &spools()).unwrap());
        unsent.copy(b"la");
        unsent.copy(b"st");
        let expected = [b"first", &big[..], &big[..], b"last"].concat();
        assert_eq!(unsent.len(), expected.len() as u64);

        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            far.read_to_end(&mut got).unwrap();
            got
        });
        loop {
            let before = unsent.len();
            let flushed = write(&mut unsent, &near, MOST).unwrap();
            assert!(before - unsent.len() <= MOST);
            match flushed {
                Flushed::All => break,
                Flushed::Blocked => std::thread::yield_now(),
                Flushed::Some => assert_eq!(before - unsent.len(), MOST),
            }
        }
        assert!(unsent.is_empty());
        drop(near);
        assert!(reader.join().unwrap() == expected);
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let (near, _far) = pair();
        let Piece::File { file, .. } = Piece::spool(b"short", &spools()).unwrap() else { unreachable!() };
        let mut unsent = Unsent::default();
        unsent.push(Piece::File { file, at: 0, end: 6, claim: None });
        assert_eq!(write(&mut unsent, &near, 100).unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}
