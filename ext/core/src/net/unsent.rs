//! What of an answer its client has not taken yet.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::kept::{Claim, Kept};
use super::overflow::{Common, Overflow};
use super::transport::Wire;
use crate::budget::Share;
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
        /// Its part of the engine's descriptors.
        share: Option<Share>,
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

/// Where pieces go: a connection's bytes, or a stream's.
pub(super) trait Outlet {
    /// Takes as much of the parts as there is room for; `None` when that is nothing.
    ///
    /// # Errors
    /// When nobody is there any more.
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>>;

    /// The same where more follows at once.
    ///
    /// # Errors
    /// As [`Outlet::write`].
    fn write_before_more(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        self.write(parts)
    }

    /// The same of bytes of a file, from `at` on and `most` at most.
    ///
    /// # Errors
    /// When nobody is there any more, the file can't be read, or it has become shorter (`WriteZero`).
    fn send_file(&mut self, file: &File, at: u64, most: usize) -> io::Result<Option<usize>>;

    /// The kernel is to hold little more than the client reads.
    fn hold_little(&self) {}
}

impl Outlet for Wire<'_> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        Wire::write(self, parts)
    }

    fn write_before_more(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        Wire::write_before_more(self, parts)
    }

    fn send_file(&mut self, file: &File, at: u64, most: usize) -> io::Result<Option<usize>> {
        Wire::send_file(self, file, at, most)
    }

    fn hold_little(&self) {
        self.socket.hold_little();
    }
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
    /// With its part of the engine's descriptors.
    App(File, #[expect(dead_code, reason = "it is dropped with the file")] Option<Share>),
    Spooled(Arc<SpoolFile>),
}

impl Source {
    fn file(&self) -> &File {
        match self {
            Source::App(file, _) => file,
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

    /// Whether some of it lies on a disk.
    pub(super) fn has_files(&self) -> bool {
        self.files > 0
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
            self.close_last();
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
            Piece::File { file, at, end, share } => Row::File { source: Source::App(file, share), at, end },
        };
        self.close_last();
        self.length += row.len();
        self.add(row);
    }

    /// Adds what comes after all of it.
    pub(super) fn append(&mut self, mut next: Unsent) {
        self.close_last();
        next.close_last();
        self.length += next.length;
        next.pieces.into_iter().for_each(|row| self.add(row));
    }

    /// Moves what is in memory to a file, be it one that it has in `common` with others, but for what is held for others too. May
    /// take long.
    ///
    /// # Errors
    /// When there is no room on the disk. What has not been moved is in memory still.
    pub(super) fn spill(&mut self, spools: &Spools, common: Option<&Common>) -> Result<(), NoRoom> {
        self.close_last();
        // Whatever lies before a file's part has been looked at before.
        let from = self.pieces.iter().rposition(|row| matches!(row, Row::File { .. })).map_or(0, |at| at + 1);
        let mut rows = self.pieces.split_off(from);
        while let Some(row) = rows.pop_front() {
            let Row::Bytes { bytes, is_common: false } = &row else {
                self.pieces.push_back(row);
                continue;
            };
            let written = match common {
                Some(common) => common.append(bytes, spools),
                None => self.write_out(bytes, spools),
            };
            match written {
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
    pub(super) fn write_to(&mut self, wire: &mut impl Outlet, most: u64) -> io::Result<Flushed> {
        self.close_last();
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
    fn hold(&mut self, wire: &impl Outlet) {
        if !self.is_held && self.files == 0 {
            self.is_held = true;
            wire.hold_little();
        }
    }

    fn close_last(&mut self) {
        if let Some(Last { bytes, claim }) = self.last.take() {
            self.pieces.push_back(Row::Bytes { bytes: claim.hold(bytes), is_common: false });
        }
    }

    /// `None` when the socket takes nothing now.
    fn write_some(&self, wire: &mut impl Outlet, most: u64) -> io::Result<Option<u64>> {
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
mod tests;
