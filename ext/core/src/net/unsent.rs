//! What of an answer its client has not taken yet.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::kept::{Claim, Kept};
use super::overflow::Overflow;
use super::transport::Wire;
use crate::spool_file::{NoRoom, SpoolFile, Spools};

/// Pieces that are given to the socket with one call.
const SLICES: usize = 16;
/// A piece of so many bytes is copied to those before it.
const TOGETHER: usize = 4096;
/// So many copied bytes lie together. Their memory is given back when the last of them has been sent.
const BLOCK: usize = 128 * 1024;
/// Bytes that may be given to the socket at once by somebody for whom others wait.
pub const AT_ONCE: usize = 128 * 1024;

/// A piece of an answer.
#[derive(Debug)]
pub enum Piece {
    /// Bytes that lie where they are until they are sent, whoever keeps them.
    Bytes(Bytes),
    /// Such bytes, counted by whoever lends them.
    Lent(Lent),
    /// A part of a file, which never comes into memory.
    File {
        /// The file.
        file: File,
        /// What lies before this has been sent.
        at: u64,
        /// Where the part ends.
        end: u64,
    },
}

/// Bytes that somebody lends for as long as they are held, and has a [`Claim`] for.
#[derive(Debug)]
pub struct Lent {
    /// They never change.
    pub bytes: Bytes,
    /// They are held for others, too: to move them to a file would free no memory.
    pub is_common: bool,
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

/// Pieces in their order. All that is in memory is counted in the engine's [`Kept`].
///
/// ```text
///   copy, push --> pieces, last --write_to--> (sent)
///                    \--spill--> pieces in a file --write_to--> (sent)
/// ```
#[derive(Debug, Default)]
pub(super) struct Unsent {
    pieces: VecDeque<Row>,
    /// Bytes that come after all pieces: small ones are copied, and lie together.
    last: Option<Last>,
    length: u64,
    /// Bytes in memory that are held for this answer alone.
    own: u64,
    /// Pieces that are parts of files.
    files: usize,
    /// Where [`Unsent::spill`] has put some of it.
    overflow: Option<Overflow>,
    /// The socket has been told to hold little.
    is_held: bool,
}

#[derive(Debug)]
enum Row {
    Bytes { bytes: Bytes, is_common: bool },
    File { source: Source, at: u64, end: u64 },
}

/// Whose file it is.
#[derive(Debug)]
enum Source {
    App(File),
    Spooled(Arc<SpoolFile>),
}

impl Source {
    fn file(&self) -> &File {
        match self {
            Source::App(file) => file,
            Source::Spooled(spooled) => spooled.file(),
        }
    }
}

#[derive(Debug)]
struct Last {
    bytes: Vec<u8>,
    claim: Claim,
}

impl Row {
    fn len(&self) -> u64 {
        match self {
            Row::Bytes { bytes, .. } => bytes.len() as u64,
            Row::File { at, end, .. } => end - at,
        }
    }
}

impl Unsent {
    /// A few bytes.
    pub(super) fn of(bytes: &[u8], kept: &Arc<Kept>) -> Unsent {
        let mut unsent = Unsent::default();
        unsent.copy(bytes, kept);
        unsent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that are left.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Bytes of them that [`Unsent::spill`] would move out of memory.
    pub(super) fn own(&self) -> u64 {
        self.own
    }

    /// Whether to send it may take long.
    pub(super) fn is_long(&self) -> bool {
        self.length > AT_ONCE as u64 || self.files > 0
    }

    /// Adds bytes by copying them.
    pub(super) fn copy(&mut self, more: &[u8], kept: &Arc<Kept>) {
        if more.is_empty() {
            return;
        }
        let last = self.last.get_or_insert_with(|| Last { bytes: Vec::new(), claim: kept.claim(0) });
        last.bytes.extend_from_slice(more);
        last.claim.add(more.len());
        let is_full = last.bytes.len() >= BLOCK;
        self.length += more.len() as u64;
        self.own += more.len() as u64;
        if is_full {
            self.settle();
        }
    }

    /// Adds a piece as it is; bytes that are few lie together.
    pub(super) fn push(&mut self, piece: Piece, kept: &Arc<Kept>) {
        let row = match piece {
            Piece::Bytes(bytes) | Piece::Lent(Lent { bytes, .. }) if bytes.len() <= TOGETHER => {
                return self.copy(&bytes, kept);
            }
            Piece::Bytes(bytes) => Row::Bytes { bytes: kept.hold(bytes), is_common: false },
            Piece::Lent(Lent { bytes, is_common }) => Row::Bytes { bytes, is_common },
            Piece::File { at, end, .. } if at == end => return,
            Piece::File { file, at, end } => Row::File { source: Source::App(file), at, end },
        };
        self.settle();
        self.length += row.len();
        self.add(row);
    }

    /// Adds what comes after all of it.
    pub(super) fn append(&mut self, mut next: Unsent) {
        self.settle();
        next.settle();
        self.length += next.length;
        next.pieces.into_iter().for_each(|row| self.add(row));
    }

    /// Moves what is in memory to a file, but for what is held for others too. May take long.
    ///
    /// # Errors
    /// When there is no room on the disk. What has not been moved is in memory still.
    pub(super) fn spill(&mut self, spools: &Spools) -> Result<(), NoRoom> {
        self.settle();
        // Whatever lies before a file's part has been looked at before.
        let from = self.pieces.iter().rposition(|row| matches!(row, Row::File { .. })).map_or(0, |at| at + 1);
        let mut rows = self.pieces.split_off(from);
        while let Some(row) = rows.pop_front() {
            let Row::Bytes { bytes, is_common: false } = &row else {
                self.pieces.push_back(row);
                continue;
            };
            match self.write_out(bytes, spools) {
                Ok((file, at)) => {
                    self.own -= bytes.len() as u64;
                    self.add_part(file, at, at + bytes.len() as u64);
                }
                Err(error) => {
                    self.overflow = None;
                    self.pieces.push_back(row);
                    self.pieces.append(&mut rows);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn write_out(&mut self, bytes: &[u8], spools: &Spools) -> Result<(Arc<SpoolFile>, u64), NoRoom> {
        let overflow = match &mut self.overflow {
            Some(overflow) => overflow,
            none => none.insert(Overflow::begin(spools)?),
        };
        overflow.append(bytes, spools)
    }

    fn add(&mut self, row: Row) {
        match &row {
            Row::Bytes { bytes, is_common: false } => self.own += bytes.len() as u64,
            Row::Bytes { .. } => {}
            Row::File { .. } => self.files += 1,
        }
        self.pieces.push_back(row);
    }

    /// Of a file that the piece before may be a part of, too.
    fn add_part(&mut self, file: Arc<SpoolFile>, at: u64, end: u64) {
        match self.pieces.back_mut() {
            Some(Row::File { source: Source::Spooled(before), end: until, .. })
                if Arc::ptr_eq(before, &file) && *until == at =>
            {
                *until = end;
            }
            _ => self.add(Row::File { source: Source::Spooled(file), at, end }),
        }
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
        if !self.is_held && self.files == 0 {
            self.is_held = true;
            wire.socket.hold_little();
        }
    }

    fn settle(&mut self) {
        if let Some(Last { bytes, claim }) = self.last.take() {
            self.pieces.push_back(Row::Bytes { bytes: claim.hold(bytes), is_common: false });
        }
    }

    /// `None` when the socket takes nothing now.
    fn write_some(&self, wire: &mut Wire<'_>, most: u64) -> io::Result<Option<u64>> {
        let written = match self.pieces.front() {
            None => Some(0),
            Some(Row::File { source, at, end }) => {
                let most = usize::try_from(most.min(end - at)).unwrap_or(usize::MAX);
                wire.send_file(source.file(), *at, most)?
            }
            Some(Row::Bytes { .. }) => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let mut left = usize::try_from(most).unwrap_or(usize::MAX);
                let mut comes_file = false;
                for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                    let Row::Bytes { bytes, .. } = piece else {
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
            let Some(row) = self.pieces.front_mut() else { return };
            let taken = row.len().min(length);
            match row {
                Row::Bytes { bytes, is_common } => {
                    bytes.advance(taken as usize);
                    self.own -= if *is_common { 0 } else { taken };
                }
                Row::File { at, .. } => *at += taken,
            }
            length -= taken;
            if row.len() == 0 {
                let row = self.pieces.pop_front();
                self.files -= usize::from(matches!(row, Some(Row::File { .. })));
            }
        }
        if self.files == 0 {
            self.overflow = None;
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

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        file
    }

    /// All that the far end gets, when no more than `most` bytes are given to the socket at once.
    fn sent(mut unsent: Unsent, most: u64) -> Vec<u8> {
        let (near, mut far) = pair();
        let reader = std::thread::spawn(move || {
            let mut got = Vec::new();
            far.read_to_end(&mut got).unwrap();
            got
        });
        loop {
            let before = unsent.len();
            let flushed = write(&mut unsent, &near, most).unwrap();
            assert!(before - unsent.len() <= most);
            match flushed {
                Flushed::All => break,
                Flushed::Blocked => std::thread::yield_now(),
                Flushed::Some => assert_eq!(before - unsent.len(), most),
            }
        }
        assert!(unsent.is_empty() && unsent.own() == 0 && unsent.files == 0 && unsent.overflow.is_none());
        drop(near);
        reader.join().unwrap()
    }

    #[test]
    fn sends_pieces_of_all_kinds_in_their_order() {
        let kept = Kept::new(0);
        let big = pattern(3_000_000);
        let lent = |is_common| Piece::Lent(Lent { bytes: Bytes::from(big.clone()), is_common });
        let mut unsent = Unsent::of(b"first", &kept);
        unsent.push(Piece::Bytes(Bytes::from(big.clone())), &kept);
        unsent.push(Piece::Bytes(Bytes::new()), &kept);
        unsent.push(Piece::File { file: file(&big), at: 5, end: 3_000_000 }, &kept);
        unsent.push(Piece::File { file: file(b""), at: 0, end: 0 }, &kept);
        unsent.push(lent(true), &kept);
        unsent.push(lent(false), &kept);
        unsent.copy(b"la", &kept);
        unsent.copy(b"st", &kept);
        let expected = [b"first", &big[..], &big[5..], &big, &big, b"last"].concat();
        assert_eq!((unsent.len(), unsent.own()), (expected.len() as u64, 6_000_009));
        assert_eq!(kept.bytes(), 3_000_009, "what is lent is counted by its lender");
        assert!(sent(unsent, 100_000) == expected);
        assert_eq!(kept.bytes(), 0);
    }

    #[test]
    fn many_small_strings_lie_together_and_are_given_back_as_they_are_sent() {
        let kept = Kept::new(0);
        let big = pattern(1_000_000);
        let mut unsent = Unsent::default();
        big.chunks(1_000).for_each(|small| unsent.copy(small, &kept));
        assert_eq!(kept.bytes(), 1_000_000);
        assert!(unsent.pieces.len() < 10, "{}", unsent.pieces.len());
        let (near, mut far) = pair();
        let mut got = vec![0; 1_000_000];
        let mut at = 0;
        while at < 500_000 {
            write(&mut unsent, &near, 10_000).unwrap();
            at += far.read(&mut got[at..]).unwrap();
        }
        assert!(kept.bytes() <= 500_000 + 2 * BLOCK as u64, "{}", kept.bytes());
        drop(unsent);
        assert_eq!(kept.bytes(), 0);
    }

    #[test]
    fn what_is_spilled_lies_in_one_file_and_is_sent_in_its_order() {
        let (kept, spools) = (Kept::new(0), spools());
        let big = pattern(400_000);
        let lent = |is_common| Piece::Lent(Lent { bytes: Bytes::from(big.clone()), is_common });
        let mut unsent = Unsent::of(b"head", &kept);
        let mut expected = b"head".to_vec();
        for round in 0..5 {
            big.chunks(7_000).for_each(|small| unsent.copy(small, &kept));
            unsent.push(lent(round % 2 == 0), &kept);
            unsent.push(Piece::Bytes(Bytes::from(big.clone())), &kept);
            expected.extend([&big[..], &big, &big].concat());
            unsent.spill(&spools).unwrap();
            assert_eq!((unsent.own(), kept.bytes()), (0, 0));
        }
        // What is held for others stays in memory: three pieces, between four parts of one file.
        assert_eq!((unsent.pieces.len(), unsent.files), (7, 4));
        assert!(unsent.pieces.iter().all(|row| match row {
            Row::File { source: Source::Spooled(file), .. } => {
                Arc::ptr_eq(file, &unsent.overflow.as_ref().unwrap().file())
            }
            Row::File { source: Source::App(_), .. } => false,
            Row::Bytes { is_common, .. } => *is_common,
        }));
        unsent.copy(b"tail", &kept);
        expected.extend(b"tail");
        assert!(sent(unsent, 300_000) == expected);
        assert_eq!(spools.used(), 0);
    }

    #[test]
    fn what_was_added_meanwhile_comes_after_it() {
        let kept = Kept::new(0);
        let mut unsent = Unsent::of(b"one ", &kept);
        let mut next = Unsent::of(b"two ", &kept);
        next.push(Piece::File { file: file(b"three "), at: 0, end: 6 }, &kept);
        next.copy(b"four", &kept);
        unsent.append(next);
        assert_eq!((unsent.len(), unsent.own(), unsent.is_long()), (18, 12, true));
        assert_eq!(sent(unsent, 3), b"one two three four");
        assert_eq!(kept.bytes(), 0);
    }

    #[test]
    fn a_disk_without_room_is_an_error_that_loses_nothing() {
        let (kept, spools) = (Kept::new(0), spools());
        let big = pattern(10_000);
        let mut unsent = Unsent::of(&big, &kept);
        unsent.push(Piece::Bytes(Bytes::from(big.clone())), &kept);
        for _ in 0..2 {
            assert!(unsent.spill(&Spools::new("/nowhere/at/all".into(), None, Budget::new(100))).is_err());
            assert_eq!((unsent.len(), unsent.own(), kept.bytes()), (20_000, 20_000, 20_000));
        }
        unsent.spill(&spools).unwrap();
        assert_eq!(kept.bytes(), 0);
        assert!(sent(unsent, 7_000) == [&big[..], &big].concat());
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let kept = Kept::new(0);
        let (near, _far) = pair();
        let mut unsent = Unsent::default();
        unsent.push(Piece::File { file: file(b"short"), at: 0, end: 6 }, &kept);
        assert_eq!(write(&mut unsent, &near, 100).unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}
