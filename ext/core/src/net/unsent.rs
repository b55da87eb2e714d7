//! What of an answer its client has not taken yet.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::{Buf, BytesMut};

/// Bytes that stay in memory. Many clients that read slowly, or not at all, must not fill it.
const IN_MEMORY: usize = 1024 * 1024;
/// Bytes of a file that are read and sent at a time.
const PIECE: usize = 64 * 1024;

/// Bytes in their order: in memory, or in a file without a name when they are many.
#[derive(Debug)]
pub(super) enum Unsent {
    Memory(BytesMut),
    File {
        file: File,
        /// What lies before this has been sent.
        at: u64,
        end: u64,
    },
}

impl Default for Unsent {
    fn default() -> Self {
        Unsent::Memory(BytesMut::new())
    }
}

impl Unsent {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are left.
    pub(super) fn len(&self) -> u64 {
        match self {
            Unsent::Memory(bytes) => bytes.len() as u64,
            Unsent::File { at, end, .. } => end - at,
        }
    }

    /// Adds bytes; a file that it takes is made in `folder`.
    ///
    /// # Errors
    /// When there is no room on the disk.
    pub(super) fn push(&mut self, more: &[u8], folder: &Path) -> io::Result<()> {
        if let Unsent::Memory(bytes) = self
            && bytes.len() + more.len() > IN_MEMORY
        {
            let file = tempfile::tempfile_in(folder)?;
            file.write_all_at(bytes, 0)?;
            *self = Unsent::File { at: 0, end: bytes.len() as u64, file };
        }
        match self {
            Unsent::Memory(bytes) => bytes.extend_from_slice(more),
            Unsent::File { file, end, .. } => {
                file.write_all_at(more, *end)?;
                *end += more.len() as u64;
            }
        }
        Ok(())
    }

    /// Writes until all is out (true) or the socket takes no more (false).
    ///
    /// # Errors
    /// When the client is gone, or the file can't be read.
    pub(super) fn write_to(&mut self, mut socket: impl Write) -> io::Result<bool> {
        match self {
            Unsent::Memory(bytes) => {
                while !bytes.is_empty() {
                    let Some(length) = write_some(&mut socket, bytes)? else { return Ok(false) };
                    bytes.advance(length);
                }
            }
            Unsent::File { file, at, end } => {
                let mut piece = vec![0; PIECE];
                while at < end {
                    let most = piece.len().min((*end - *at) as usize);
                    file.read_exact_at(&mut piece[..most], *at)?;
                    let Some(length) = write_some(&mut socket, &piece[..most])? else { return Ok(false) };
                    *at += length as u64;
                }
            }
        }
        Ok(true)
    }
}

/// `None` when the socket takes nothing now.
fn write_some(socket: &mut impl Write, bytes: &[u8]) -> io::Result<Option<usize>> {
    loop {
        match socket.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => return Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes, in small bites, and then no more.
    struct Client {
        got: Vec<u8>,
        room: usize,
    }

    impl Write for &mut Client {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(1000).min(self.room - self.got.len());
            if taken == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.got.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn gives_back_in_order_what_it_was_given_and_holds_little() {
        let all: Vec<u8> = (0..3 * IN_MEMORY as u32 + 5).map(|n| (n % 251) as u8).collect();
        for size in [10_000, IN_MEMORY, IN_MEMORY + 1, all.len()] {
            let (mut unsent, folder) = (Unsent::default(), std::env::temp_dir());
            for part in all[..size].chunks(70_000) {
                unsent.push(part, &folder).unwrap();
            }
            assert_eq!(matches!(unsent, Unsent::Memory(_)), size <= IN_MEMORY, "{size}");
            let mut client = Client { got: Vec::new(), room: size / 2 };
            assert!(!unsent.write_to(&mut client).unwrap());
            assert_eq!(unsent.len(), (size - size / 2) as u64);
            unsent.push(b"more", &folder).unwrap();
            client.room = usize::MAX;
            assert!(unsent.write_to(&mut client).unwrap() && unsent.is_empty());
            assert!(client.got == [&all[..size], b"more"].concat(), "{size}");
        }
    }
}
