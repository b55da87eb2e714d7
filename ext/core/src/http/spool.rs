//! Where a request's body is gathered: memory first, an unlinked temporary file when it grows. Only memory is written as
//! bytes come; the file is for whoever may wait for a disk.

use std::fs::File;

use crate::config::Limits;
use crate::error::Fault;
use crate::spool_file::{Claim, NoRoom, SpoolFile, Spools};

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
        /// To be kept for as long as the file is open, and dropped after it is closed.
        claim: Claim,
    },
    /// It is still arriving, and read while it does.
    Arriving,
}

/// Where the bytes of a body that is arriving go.
///
/// ```text
///   Memory --past body_buffer: spill()--> File     Parts: whoever serves the request takes them as they come
/// ```
#[derive(Debug, Default)]
pub struct Spool {
    room: Room,
    /// Bytes that have come.
    received: u64,
    /// More has come than memory is to hold.
    is_long: bool,
}

#[derive(Debug)]
enum Room {
    Memory(Vec<u8>),
    /// What has come since the last [`Spool::spill`] is still in memory.
    File(Box<SpoolFile>, Vec<u8>),
    Parts(Vec<u8>),
}

impl Default for Room {
    fn default() -> Self {
        Room::Memory(Vec::new())
    }
}

impl Spool {
    /// Makes ready for a body of a declared length.
    ///
    /// # Errors
    /// [`Fault::BodyTooLarge`] past the limit.
    pub fn expect(&self, length: u64, limits: &Limits) -> Result<(), Fault> {
        if length > limits.body { Err(Fault::BodyTooLarge) } else { Ok(()) }
    }

    /// Whether it may be read while it comes: not too much of it is there.
    pub fn may_stream(&self) -> bool {
        !self.is_long
    }

    /// From now on the body is taken part by part ([`Spool::take`]), unless it is one for a file already: whether it is.
    pub fn stream(&mut self) -> bool {
        let is_short = self.may_stream();
        if is_short {
            if let Room::Memory(held) = &mut self.room {
                self.room = Room::Parts(std::mem::take(held));
            }
        }
        is_short
    }

    /// Adds bytes, in memory, which grows only with bytes that have come, never with what a client promises. Past
    /// `body_buffer` it [is long](Spool::is_long), and to be [spilled](Spool::spill) before more is read.
    ///
    /// # Errors
    /// [`Fault::BodyTooLarge`] past the limit.
    pub fn write(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
        self.received += bytes.len() as u64;
        if self.received > limits.body {
            return Err(Fault::BodyTooLarge);
        }
        match &mut self.room {
            Room::Parts(held) => held.extend_from_slice(bytes),
            Room::Memory(held) | Room::File(_, held) => {
                held.extend_from_slice(bytes);
                self.is_long = self.received > limits.body_buffer as u64;
            }
        }
        Ok(())
    }

    /// It is one for a file from now on, however little of it there is: others need the memory.
    pub fn lengthen(&mut self) {
        self.is_long = !matches!(self.room, Room::Parts(_)) && self.received > 0;
    }

    /// Bytes of the body that have come so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether the body is one for a file.
    pub fn is_long(&self) -> bool {
        self.is_long
    }

    /// Whether some of a long body is still in memory.
    pub fn has_to_spill(&self) -> bool {
        match &self.room {
            Room::Memory(_) => self.is_long,
            Room::File(_, held) => !held.is_empty(),
            Room::Parts(_) => false,
        }
    }

    /// Moves a long body to its file. May take long: a disk may be slow.
    ///
    /// # Errors
    /// [`Fault::NoRoom`] when it can't be.
    pub fn spill(&mut self, spools: &Spools) -> Result<(), Fault> {
        if !self.has_to_spill() {
            return Ok(());
        }
        if let Room::Memory(held) = &mut self.room {
            let held = std::mem::take(held);
            self.room = Room::File(Box::new(spools.create().map_err(no_room)?), held);
        }
        if let Room::File(file, held) = &mut self.room {
            spools.write(file, held).map_err(no_room)?;
            held.clear();
        }
        Ok(())
    }

    /// Gives the memory back that a long body's parts have gone through, until more comes.
    pub fn free_room(&mut self) {
        if let Room::File(_, held) = &mut self.room {
            if held.is_empty() {
                *held = Vec::new();
            }
        }
    }

    /// All of a long body has come and is in its file: it is read from its start.
    ///
    /// # Errors
    /// [`Fault::NoRoom`] when the file can't be rewound.
    pub fn rewind(&mut self) -> Result<(), Fault> {
        if let Room::File(file, _) = &mut self.room { file.rewind().map_err(no_room) } else { Ok(()) }
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

    /// The body, complete unless it is streamed.
    pub fn take_body(&mut self) -> Body {
        if let Room::Parts(_) = self.room {
            return Body::Arriving;
        }
        match std::mem::take(self).room {
            Room::Memory(held) if held.is_empty() => Body::Empty,
            Room::Memory(held) | Room::Parts(held) => Body::Memory(held),
            Room::File(spooled, _) => {
                let length = spooled.len();
                let (file, claim) = spooled.into_parts();
                Body::File { file, length, claim }
            }
        }
    }
}

/// Told of by whoever met it.
fn no_room(_: NoRoom) -> Fault {
    Fault::NoRoom
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::budget::Budget;
    use crate::spool_file::Closer;

    fn spools() -> Spools {
        Spools::new(std::env::temp_dir(), Some(1000), Budget::new(100), Closer::at_once())
    }

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
        assert_eq!(Spool::default().expect(11, &limits), Err(Fault::BodyTooLarge));
    }

    #[test]
    fn memory_holds_no_more_than_the_buffer_and_a_file_is_made_for_what_has_come_alone() {
        let (limits, spools) = (Limits { body_buffer: 4, ..Limits::default() }, spools());
        let mut spool = Spool::default();
        spool.expect(1_000_000, &limits).unwrap();
        spool.write(b"1234", &limits).unwrap();
        spool.spill(&spools).unwrap();
        assert!(!spool.is_long() && matches!(spool.room, Room::Memory(_)), "as long as a client only promises");
        spool.write(b"5", &limits).unwrap();
        assert!(spool.is_long() && spool.has_to_spill());
        spool.spill(&spools).unwrap();
        spool.write(b"67", &limits).unwrap();
        assert!(spool.has_to_spill());
        spool.spill(&spools).unwrap();
        assert!(!spool.has_to_spill());
        spool.rewind().unwrap();
        let Body::File { mut file, length, claim } = spool.take_body() else { panic!("no file") };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), length, spools.used()), ("1234567", 7, 7));
        drop(claim);
        assert_eq!(spools.used(), 0);
    }

    #[test]
    fn a_body_that_finds_no_room_is_refused() {
        let (limits, spools) = (Limits { body_buffer: 4, ..Limits::default() }, spools());
        let mut spool = Spool::default();
        spool.write(&[0; 1001], &limits).unwrap();
        assert_eq!(spool.spill(&spools), Err(Fault::NoRoom));
        drop(spool);
        assert_eq!(spools.used(), 0);
    }

    #[test]
    fn a_streamed_body_is_taken_as_it_comes() {
        let limits = Limits { body: 9, body_buffer: 4, ..Limits::default() };
        let mut spool = Spool::default();
        spool.stream();
        spool.write(b"123456", &limits).unwrap();
        assert!(!spool.is_long());
        assert_eq!((spool.take(4), spool.take(4), spool.take(4)), (b"1234".to_vec(), b"56".to_vec(), vec![]));
        assert_eq!(spool.write(b"7890", &limits), Err(Fault::BodyTooLarge));
    }
}
