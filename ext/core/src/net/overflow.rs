//! Files without a name, for what is left of answers when memory should hold no more of it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// One answer's file. All that an engine writes to a disk for its answers goes through [`Overflow::begin`], which takes a
/// descriptor, and [`Overflow::append`], which takes room on the disk; both are given back when the last part of the file has
/// been sent or is dropped.
#[derive(Debug)]
pub(super) struct Overflow {
    file: Arc<File>,
    end: u64,
}

impl Overflow {
    /// An empty one in `folder`. May take long, as all that follows.
    ///
    /// # Errors
    /// When there is no descriptor left, or no such folder.
    pub(super) fn begin(folder: &Path) -> io::Result<Overflow> {
        Ok(Overflow { file: Arc::new(tempfile::tempfile_in(folder)?), end: 0 })
    }

    /// Adds bytes: where they lie in the file.
    ///
    /// # Errors
    /// When there is no room on the disk. Nothing may be added then.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<(Arc<File>, u64)> {
        (&*self.file).write_all(bytes)?;
        let at = self.end;
        self.end += bytes.len() as u64;
        Ok((self.file.clone(), at))
    }

    #[cfg(test)]
    pub(super) fn file(&self) -> Arc<File> {
        self.file.clone()
    }
}
