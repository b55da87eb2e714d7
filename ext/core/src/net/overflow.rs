//! Files without a name, for what is left of answers when memory should hold no more: an answer has one, or all of a connection's
//! streams together, since each takes a descriptor, and one client may have many streams that stand still.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::spool_file::{NoRoom, SpoolFile, Spools};

/// A file that is so long gets no more of other answers, and what is longer has a file of its own: nothing of it is given back
/// before the last part of it has been sent or is dropped.
const LONG: u64 = 4 * 1024 * 1024;

/// One answer's file. Its parts of the engine's budgets are given back when its last part has been sent or is dropped.
#[derive(Debug)]
pub(super) struct Overflow(Arc<SpoolFile>);

/// The file that answers of one connection have together now. It is there as long as one of them has a part of it.
#[derive(Debug, Default)]
pub(super) struct Common(Mutex<Weak<SpoolFile>>);

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

impl Common {
    /// Adds bytes: in which file they lie, and where. Those who add at the same time wait for one another, and all of them for the
    /// same disk.
    ///
    /// # Errors
    /// When there is no room.
    pub(super) fn append(&self, bytes: &[u8], spools: &Spools) -> Result<(Arc<SpoolFile>, u64), NoRoom> {
        if bytes.len() as u64 > LONG {
            return Overflow::begin(spools)?.append(bytes, spools);
        }
        let mut current = self.0.lock();
        let file = match current.upgrade().filter(|file| file.len() < LONG) {
            Some(file) => file,
            None => {
                let file = Arc::new(spools.create()?);
                *current = Arc::downgrade(&file);
                file
            }
        };
        let at = file.len();
        // Nobody knows where one ends whose last bytes were written in part.
        spools.write(&file, bytes).inspect_err(|_| *current = Weak::new())?;
        Ok((file, at))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::budget::Budget;
    use crate::spool_file::Closer;

    #[test]
    fn answers_of_a_connection_share_a_file_until_that_is_long() {
        let descriptors = Budget::new(100);
        let spools = Spools::new(std::env::temp_dir(), Some(64 << 20), descriptors.clone(), Closer::at_once());
        let common = Common::default();
        let parts: Vec<_> = (0..40_u8).map(|n| common.append(&vec![n; 256 * 1024], &spools).unwrap()).collect();
        assert_eq!(descriptors.used(), 3, "40 x 256 KiB in files of 4 MiB");
        for (n, (file, at)) in parts.iter().enumerate() {
            let mut ends = [0; 2];
            file.file().read_exact_at(&mut ends[..1], *at).unwrap();
            file.file().read_exact_at(&mut ends[1..], at + 256 * 1024 - 1).unwrap();
            assert_eq!(ends, [n as u8; 2]);
        }
        drop(parts);
        assert_eq!((descriptors.used(), spools.used()), (0, 0));
        let long = common.append(&vec![7; LONG as usize + 1], &spools).unwrap();
        let short = common.append(b"short", &spools).unwrap();
        assert!(!Arc::ptr_eq(&long.0, &short.0), "it would have to stay for as long");
    }

    #[test]
    fn one_that_was_written_in_part_gets_no_more() {
        let spools = Spools::new(std::env::temp_dir(), None, Budget::new(100), Closer::at_once());
        let common = Common::default();
        let (first, at) = common.append(b"first", &spools).unwrap();
        spools.fail(std::io::ErrorKind::StorageFull);
        assert!(common.append(b"second", &spools).is_err());
        let (other, other_at) = common.append(b"third", &spools).unwrap();
        assert!(!Arc::ptr_eq(&first, &other) && (at, other_at) == (0, 0));
    }
}
