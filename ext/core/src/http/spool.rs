//! Where a request's body is gathered: memory first, an unlinked temporary file when it grows.

use std::fs::File;
use std::io::{Seek, Write};

use crate::config::Limits;
use crate::error::Fault;

/// A complete request body.
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
}

/// A body that is still arriving.
#[derive(Debug, Default)]
pub struct Spool {
    body: Body,
}

impl Spool {
    /// Makes room for a body of a declared length.
    ///
    /// # Errors
    /// [`Fault::BodyTooLarge`] past the limit; [`Fault::Overload`] when no file can be made.
    pub fn expect(&mut self, length: u64, limits: &Limits) -> Result<(), Fault> {
        if length > limits.body {
            return Err(Fault::BodyTooLarge);
        }
        if length > limits.body_buffer as u64 {
            self.body = Body::File { file: create(limits)?, length: 0 };
        }
        Ok(())
    }

    /// Adds bytes. Memory grows only with bytes that have come, never with what a client promises.
    ///
    /// # Errors
    /// As [`Spool::expect`].
    pub fn write(&mut self, bytes: &[u8], limits: &Limits) -> Result<(), Fault> {
        let length = self.length() + bytes.len() as u64;
        if length > limits.body {
            return Err(Fault::BodyTooLarge);
        }
        if length > limits.body_buffer as u64 {
            self.move_to_file(limits)?;
        }
        match &mut self.body {
            Body::Empty => self.body = Body::Memory(bytes.to_vec()),
            Body::Memory(held) => held.extend_from_slice(bytes),
            Body::File { file, length: written } => {
                file.write_all(bytes).map_err(disk)?;
                *written = length;
            }
        }
        Ok(())
    }

    fn length(&self) -> u64 {
        match &self.body {
            Body::Empty => 0,
            Body::Memory(held) => held.len() as u64,
            Body::File { length, .. } => *length,
        }
    }

    fn move_to_file(&mut self, limits: &Limits) -> Result<(), Fault> {
        let held = match &self.body {
            Body::Empty => &[][..],
            Body::Memory(held) => held,
            Body::File { .. } => return Ok(()),
        };
        let mut file = create(limits)?;
        file.write_all(held).map_err(disk)?;
        self.body = Body::File { file, length: held.len() as u64 };
        Ok(())
    }

    /// The complete body.
    ///
    /// # Errors
    /// [`Fault::Overload`] when the file can't be rewound.
    pub fn finish(&mut self) -> Result<Body, Fault> {
        let mut body = std::mem::take(&mut self.body);
        if let Body::File { file, .. } = &mut body {
            file.rewind().map_err(disk)?;
        }
        Ok(body)
    }
}

fn create(limits: &Limits) -> Result<File, Fault> {
    tempfile::tempfile_in(&limits.spool_dir).map_err(disk)
}

fn disk(error: std::io::Error) -> Fault {
    tracing::error!(%error, "a request body can't be spooled to disk");
    Fault::Overload
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
        assert!(matches!(spool.body, Body::Memory(_)));
        spool.write(b"5", &limits).unwrap();
        assert!(matches!(spool.finish().unwrap(), Body::File { length: 5, .. }));
        let mut at_once = Spool::default();
        at_once.write(b"12345", &limits).unwrap();
        assert!(matches!(at_once.body, Body::File { length: 5, .. }));
    }
}
