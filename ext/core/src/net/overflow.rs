//! One answer's file without a name, for what is left of it when memory should hold no more.

use std::sync::Arc;

use crate::spool_file::{NoRoom, SpoolFile, Spools};

/// The file. Its parts of the engine's budgets are given back when its last part has been sent or is dropped.
#[derive(Debug)]
pub(super) struct Overflow(Arc<SpoolFile>);

impl Overflow {
    /// An empty one. May take long, as all that follows.
    ///
    /// # Errors
    /// When there is no room for one.
    pub(super) fn begin(spools: &Spools) -> Result<Overflow, NoRoom> {
        Ok(Overflow(Arc::new(spools.create()?)))
    }

    /// Adds bytes: where they lie in the file.
    ///
    /// # Errors
    /// When there is no room on the disk. Nothing may be added then.
    pub(super) fn append(&mut self, bytes: &[u8], spools: &Spools) -> Result<(Arc<SpoolFile>, u64), NoRoom> {
        let at = self.0.len();
        spools.write(&self.0, bytes)?;
        Ok((self.0.clone(), at))
    }

    #[cfg(test)]
    pub(super) fn file(&self) -> Arc<SpoolFile> {
        self.0.clone()
    }
}
