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
        match &mut self.body {
            Body::Empty => self.body = Body::Memory(bytes.to_vec()),
            Body::Memory(held) if held.len() + bytes.len() <= limits.body_buffer => held.extend_from_slice(bytes),
            Body::Memory(held) => {
                let mut file = create(limits)?;
                let length = held.len() as u64;
                file.write_all(held).map_err(disk)?;
                self.body = Body::File { file, length };
            }
            Body::File { .. } => {}
        }
        if let Body::File { file, length } = &mut self.body {
            *length += bytes.len() as u64;
            if *length > limits.body {
                return Err(Fault::BodyTooLarge);
            }
            file.write_all(bytes).map_err(disk)?;
        }
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
