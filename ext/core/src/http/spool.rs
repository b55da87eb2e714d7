//! Where a request's body is gathered: memory first, an unlinked temporary file when it grows.

use std::fs::File;
use std::io::{Seek, Write};

use crate::config::Limits;
use crate::error::Fault;

/// A request body, as it goes to whoever serves it.
#[derive(Debug, Default)]
pub enum Body {
    /// There is none.
    #[default]
    Empty,
    /// It fits the buffer.
    Memory(Vec<u8>),
    /// It is in a file that has no name, read from its start, `length` bytes long.
    File {
        /// The file.
        file: File,
        /// Its length in bytes.
        length: u64,
    },
    /// It is still arriving, and read while it does.
    Arriving,
}

/// Where the bytes of a body that is arriving go.
///
/// ```text
///   Memory --past body_buffer--> File         Parts: whoever serves the request takes them as they come
/// ```
#[derive(Debug)]
pub struct Spool {
    room: Room,
    /// Bytes that have come.
    received: u64,
    /// A declared length says that memory will not do.
    is_large: bool,
}

#[derive(Debug)]
enum Room {
    Memory(Vec<u8>),
    File(File),
    Parts(Vec<u8>),
}

impl Default for Spool {
    fn default() -> Self {
        Spool { room: Room::Memory(Vec::new()), received: 0, is_large: false }
    }
}

impl Spool {
    /// Makes ready for a body of a declared length.
    ///
    /// # Errors
    /// [`Fault::BodyTooLarge`] past the limit.
    pub fn expect(&mut self, length: u64, limits: &Limits) -> Result<(), Fault> {
        self.is_large = length > limits.body_buffer as u64;
        if length > limits.body { Err(Fault::BodyTooLarge) } else { Ok(()) }
    }

    /// From now on the body is taken part by part ([`Spool::take`]); before its first byte.
    pub fn stream(&mut self) {
        self.room = Room::Parts(Vec::new());
    }

    /// Adds bytes. Memory grows only with bytes that have come, never with what a client promises.
    ///
    /// # Errors
    /// [`Fault::BodyTooLarge`] past the limit; [`Fault::NoRoom`] when they can't be written to a file.
    pub fn write(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
        self.received += bytes.len() as u64;
        if self.received > limits.body {
            return Err(Fault::BodyTooLarge);
        }
        if self.is_large || self.received > limits.body_buffer as u64 {
            self.move_to_file(limits)?;
        }
        match &mut self.room {
            Room::Memory(held) | Room::Parts(held) => held.extend_from_slice(bytes),
            Room::File(file) => file.write_all(bytes).map_err(disk)?,
        }
        Ok(())
    }

    /// Bytes that have come so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// What has come of a streamed body and was not taken yet: `most` bytes at most, none when there is nothing.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        let Room::Parts(held) = &mut self.room else { return Vec::new() };
        if held.len() <= most {
            return std::mem::take(held);
        }
        let rest = held.split_off(most);
        std::mem::replace(held, rest)
    }

    fn move_to_file(&mut self, limits: &Limits) -> Result<(), Fault> {
        let Room::Memory(held) = &self.room else { return Ok(()) };
        let mut file = tempfile::tempfile_in(&limits.spool_dir).map_err(disk)?;
        file.write_all(held).map_err(disk)?;
        self.room = Room::File(file);
        Ok(())
    }

    /// All has come: it is read from its start.
    ///
    /// # Errors
    /// [`Fault::NoRoom`] when the file can't be rewound.
    pub fn complete(&mut self) -> Result<(), Fault> {
        if let Room::File(file) = &mut self.room { file.rewind().map_err(disk) } else { Ok(()) }
    }

    /// The body, complete unless it is streamed.
    pub fn take_body(&mut self) -> Body {
        if let Room::Parts(_) = self.room {
            return Body::Arriving;
        }
        let Spool { room, received, .. } = std::mem::take(self);
        match room {
            Room::Memory(held) if held.is_empty() => Body::Empty,
            Room::Memory(held) | Room::Parts(held) => Body::Memory(held),
            Room::File(file) => Body::File { file, length: received },
        }
    }
}

fn disk(error: std::io::Error) -> Fault {
    tracing::error!(%error, "a request body can't be written to spool_dir");
    Fault::NoRoom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_hold_from_the_first_byte_to_the_last() {
        let limits = Limits { body: 10, body_buffer: 4, ..Limits::default() };
        for pieces in [&[11][..], &[4, 7], &[3, 3, 5], &[2, 2, 2, 2, 2, 1]] {
            let mut spool = Spool::default();
            let written = pieces.iter().map(|&length| spool.write(&vec![b'x'; length], &limits));
            assert_eq!(written.last(), Some(Err(Fault::BodyTooLarge)), "{pieces:?}");
        }
        let in_memory = Limits { body: 3, body_buffer: 4, ..Limits::default() };
        assert_eq!(Spool::default().write(b"1234", &in_memory), Err(Fault::BodyTooLarge));
    }

    #[test]
    fn memory_holds_no_more_than_the_buffer() {
        let limits = Limits { body_buffer: 4, ..Limits::default() };
        let mut spool = Spool::default();
        spool.write(b"1234", &limits).unwrap();
        assert!(matches!(spool.room, Room::Memory(_)));
        spool.write(b"5", &limits).unwrap();
        assert!(matches!(spool.take_body(), Body::File { length: 5, .. }));
        let mut at_once = Spool::default();
        at_once.write(b"12345", &limits).unwrap();
        assert!(matches!(at_once.take_body(), Body::File { length: 5, .. }));
        let mut declared = Spool::default();
        declared.expect(5, &limits).unwrap();
        declared.write(b"1", &limits).unwrap();
        assert!(matches!(declared.room, Room::File(_)), "what will not fit need not be copied later");
    }

    #[test]
    fn a_streamed_body_is_taken_as_it_comes() {
        let limits = Limits { body: 9, body_buffer: 4, ..Limits::default() };
        let mut spool = Spool::default();
        spool.stream();
        spool.write(b"123456", &limits).unwrap();
        assert_eq!((spool.take(4), spool.take(4), spool.take(4)), (b"1234".to_vec(), b"56".to_vec(), vec![]));
        assert_eq!(spool.write(b"7890", &limits), Err(Fault::BodyTooLarge));
    }
}
