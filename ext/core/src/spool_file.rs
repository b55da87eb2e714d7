//! Unlinked files for what is too much for memory: long request bodies, and answers that their clients are slow to read. All
//! of them share one budget of bytes on the disk, and count against the engine's descriptors.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::budget::{Budget, Share};

/// What a full disk or a spent budget is told of in the log: once in so long.
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// Where the disk can't be asked how much is free on it.
const UNKNOWN_DISK: u64 = 16 * 1024 * 1024 * 1024;
/// A file that is longer is closed by whoever may take long: with its last descriptor the kernel gives its pages back, which
/// took 0.4 ms a MiB where it was measured.
const LONG: u64 = 256 * 1024;

/// Where spool files are made, and how much there may be of them.
#[derive(Debug)]
pub struct Spools {
    folder: PathBuf,
    bytes: Budget,
    descriptors: Budget,
    closer: Closer,
    told: Mutex<Option<Instant>>,
    /// Errors that the next calls to the disk end with.
    #[cfg(any(test, feature = "simulation"))]
    faults: Mutex<std::collections::VecDeque<io::ErrorKind>>,
}

/// Why something can't be spooled.
#[derive(Debug, thiserror::Error)]
pub enum NoRoom {
    /// As much is spooled as may be.
    #[error("all files in spool_dir together may have {0} bytes (spool_limit)")]
    Limit(u64),
    /// The rest of the open files is for connections.
    #[error("too many of the {0} files that may be open are in use (ulimit -n)")]
    Descriptors(u64),
    /// The disk is full, or the folder is gone.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// A file without a name, and its part of the budgets.
#[derive(Debug)]
pub struct SpoolFile {
    claim: Claim,
    length: AtomicU64,
}

/// A spool file's part of the budgets, to be kept for as long as the file is open. It holds the file open itself, so that no
/// reader is the one who closes it for good.
#[derive(Debug)]
pub struct Claim {
    /// Until it is dropped; or the only reader has it.
    remains: Option<Remains>,
    closer: Closer,
}

/// What is left of a spool file that nobody uses any more. Dropping it may take long.
#[derive(Debug)]
pub struct Remains {
    file: Option<File>,
    bytes: Mutex<Share>,
    descriptors: Share,
}

/// Who closes long files: a turn of the poll, or whoever has Ruby's lock, only says that it is to be done.
#[derive(Clone)]
pub struct Closer(Arc<dyn Fn(Remains) + Send + Sync>);

impl Closer {
    /// One that hands them to `close`.
    pub fn new(close: impl Fn(Remains) + Send + Sync + 'static) -> Closer {
        Closer(Arc::new(close))
    }

    /// Whoever drops the file closes it.
    #[cfg(test)]
    pub(crate) fn at_once() -> Closer {
        Closer::new(drop)
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Closer")
    }
}

impl Spools {
    /// Files in `folder`, of `limit` bytes in all: without one, a tenth of what is free on the disk now.
    pub fn new(folder: PathBuf, limit: Option<u64>, descriptors: Budget, closer: Closer) -> Spools {
        let free = || rustix::fs::statvfs(&folder).map_or(UNKNOWN_DISK, |disk| disk.f_bavail * disk.f_frsize);
        let bytes = Budget::new(limit.unwrap_or_else(|| free() / 10));
        Spools {
            folder,
            bytes,
            descriptors,
            closer,
            told: Mutex::default(),
            #[cfg(any(test, feature = "simulation"))]
            faults: Mutex::default(),
        }
    }

    /// Tries whether files can be made, and says so in the log if not: a container may have no folder for them, which those
    /// should know who start it. Whatever needs no file works all the same.
    pub fn try_out(&self) {
        if let Err(error) = tempfile::tempfile_in(&self.folder) {
            tracing::warn!(
                folder = %self.folder.display(),
                "no files can be made in spool_dir: {error}. Bodies past body_buffer are refused with 503, and long answers that \
                 their clients don't read given up once many wait in memory; write spool_dir and a folder that can be written to"
            );
        }
    }

    /// Bytes that are spooled now.
    pub fn used(&self) -> u64 {
        self.bytes.used()
    }

    /// A new file. Making and writing it may take long: never in a turn of the poll, and never with Ruby's lock.
    ///
    /// # Errors
    /// [`NoRoom`], which has been told of in the log.
    pub fn create(&self) -> Result<SpoolFile, NoRoom> {
        self.try_create().inspect_err(|error| self.tell(error))
    }

    /// Adds bytes to a file of this folder.
    ///
    /// # Errors
    /// [`NoRoom`], which has been told of in the log.
    pub fn write(&self, spooled: &SpoolFile, bytes: &[u8]) -> Result<(), NoRoom> {
        self.try_write(spooled, bytes).inspect_err(|error| self.tell(error))
    }

    fn try_create(&self) -> Result<SpoolFile, NoRoom> {
        let limit = self.descriptors.limit();
        let descriptors = self.descriptors.take_with_spare(1).ok_or(NoRoom::Descriptors(limit))?;
        let bytes = self.bytes.take(0, 0).ok_or(NoRoom::Limit(self.bytes.limit()))?;
        #[cfg(any(test, feature = "simulation"))]
        self.meet_fault()?;
        let file = tempfile::tempfile_in(&self.folder)?;
        let remains = Remains { file: Some(file), bytes: Mutex::new(bytes), descriptors };
        let claim = Claim { remains: Some(remains), closer: self.closer.clone() };
        Ok(SpoolFile { claim, length: AtomicU64::new(0) })
    }

    fn try_write(&self, spooled: &SpoolFile, bytes: &[u8]) -> Result<(), NoRoom> {
        if !spooled.claim.remains().bytes.lock().grow(bytes.len() as u64) {
            return Err(NoRoom::Limit(self.bytes.limit()));
        }
        #[cfg(any(test, feature = "simulation"))]
        self.meet_fault().inspect_err(|_| drop(spooled.file().write_all(&bytes[..bytes.len() / 2])))?;
        spooled.file().write_all(bytes)?;
        spooled.length.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The next call to the disk fails; one that writes does so half-way.
    #[cfg(any(test, feature = "simulation"))]
    pub(crate) fn fail(&self, kind: io::ErrorKind) {
        self.faults.lock().push_back(kind);
    }

    #[cfg(any(test, feature = "simulation"))]
    fn meet_fault(&self) -> io::Result<()> {
        self.faults.lock().pop_front().map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn tell(&self, error: &NoRoom) {
        let mut told = self.told.lock();
        if told.is_none_or(|last| last.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::error!(
                folder = %self.folder.display(),
                "no room in spool_dir: {error}. Long bodies are refused, and answers that their clients don't read given up"
            );
        }
    }
}

impl SpoolFile {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file, to be read.
    pub fn file(&self) -> &File {
        self.claim.file().expect("no reader has been given the file")
    }

    /// All is written: it is read from its start.
    ///
    /// # Errors
    /// [`NoRoom::Disk`] when it can't be rewound.
    pub fn rewind(&mut self) -> Result<(), NoRoom> {
        Ok(self.file().rewind()?)
    }

    /// The file for its one reader, and what is to be kept for as long as it is open. A long one has a second descriptor for
    /// that, where it can be had: the reader's is not the last then, and it closes it in no time.
    pub fn into_parts(mut self) -> (File, Claim) {
        let second = if self.len() > LONG { self.claim.duplicate() } else { None };
        let file = match second {
            Some(reader) => reader,
            None => self.claim.remains.as_mut().and_then(|remains| remains.file.take()).expect("as in `file`"),
        };
        (file, self.claim)
    }
}

impl Claim {
    fn remains(&self) -> &Remains {
        self.remains.as_ref().expect("it is there until the drop")
    }

    fn file(&self) -> Option<&File> {
        self.remains().file.as_ref()
    }

    fn duplicate(&mut self) -> Option<File> {
        let remains = self.remains.as_mut()?;
        if !remains.descriptors.grow(1) {
            return None;
        }
        remains.file.as_ref()?.try_clone().ok()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(remains) = self.remains.take() {
            if remains.file.is_some() && remains.bytes.lock().amount() > LONG {
                (self.closer.0)(remains);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spools(limit: u64, descriptors: u64) -> Spools {
        Spools::new(std::env::temp_dir(), Some(limit), Budget::new(descriptors), Closer::at_once())
    }

    #[test]
    fn all_files_together_have_no_more_bytes_than_the_limit() {
        let spools = spools(10, 100);
        let (one, two) = (spools.create().unwrap(), spools.create().unwrap());
        spools.write(&one, b"123456").unwrap();
        assert!(matches!(spools.write(&two, b"12345"), Err(NoRoom::Limit(10))));
        spools.write(&two, b"1234").unwrap();
        assert_eq!((one.len(), two.len(), spools.used()), (6, 4, 10));
        let (_file, claim) = one.into_parts();
        assert_eq!(spools.used(), 10, "as long as it is open");
        drop(claim);
        spools.write(&two, b"123456").unwrap();
        drop(two);
        assert_eq!(spools.used(), 0);
    }

    #[test]
    fn some_descriptors_are_left_to_connections() {
        let spools = spools(10, 16);
        let files: Vec<_> = (0..14).map(|_| spools.create().unwrap()).collect();
        assert!(matches!(spools.create(), Err(NoRoom::Descriptors(16))));
        assert_eq!(spools.descriptors.used(), 14);
        drop(files);
        assert_eq!(spools.descriptors.used(), 0);
    }

    #[test]
    fn a_disk_that_is_full_half_way_is_an_error_and_what_was_taken_is_given_back_with_the_file() {
        let spools = spools(1000, 16);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut spooled = spools.create().unwrap();
        spooled.claim.remains.as_mut().unwrap().file = Some(full);
        let error = spools.write(&spooled, b"123").unwrap_err();
        assert!(matches!(error, NoRoom::Disk(error) if error.kind() == io::ErrorKind::StorageFull));
        assert!(spooled.is_empty());
        drop(spooled);

        let spooled = spools.create().unwrap();
        spools.write(&spooled, b"123").unwrap();
        spools.fail(io::ErrorKind::StorageFull);
        assert!(matches!(spools.write(&spooled, b"4567"), Err(NoRoom::Disk(_))));
        assert_eq!(spooled.len(), 3, "of what was written half-way nothing counts");
        drop(spooled);
        assert_eq!((spools.used(), spools.descriptors.used()), (0, 0));
    }

    #[test]
    fn a_long_file_is_closed_by_whoever_may_take_long_and_counts_until_then() {
        let (send, closed) = std::sync::mpsc::channel();
        let closer = Closer::new(move |remains| send.send(remains).unwrap());
        let spools = Spools::new(std::env::temp_dir(), None, Budget::new(100), closer);
        let [short, long, read] = [1, LONG + 1, LONG + 1].map(|length| {
            let spooled = spools.create().unwrap();
            spools.write(&spooled, &vec![b'x'; length as usize]).unwrap();
            spooled
        });
        drop(short);
        assert!(closed.try_recv().is_err(), "a short one takes no time");
        assert_eq!(spools.descriptors.used(), 2);
        drop(long);
        drop(closed.try_recv().unwrap());
        assert_eq!((spools.used(), spools.descriptors.used()), (LONG + 1, 1));

        let (mut reader, claim) = read.into_parts();
        assert_eq!(spools.descriptors.used(), 2, "the reader's own");
        reader.rewind().unwrap();
        drop(claim);
        let remains = closed.try_recv().unwrap();
        assert_eq!(io::read_to_string(&reader).unwrap().len() as u64, LONG + 1, "it is not closed under its reader");
        drop(remains);
        assert_eq!((spools.used(), spools.descriptors.used()), (0, 0));
    }

    #[test]
    fn a_reader_that_finds_no_second_descriptor_has_the_only_one() {
        let spools =
            Spools::new(std::env::temp_dir(), None, Budget::new(1), Closer::new(|_| panic!("it is the reader's")));
        let spooled = spools.create().unwrap();
        spools.write(&spooled, &vec![b'x'; LONG as usize + 1]).unwrap();
        let (mut reader, claim) = spooled.into_parts();
        drop(claim);
        reader.rewind().unwrap();
        assert_eq!(io::read_to_string(&reader).unwrap().len() as u64, LONG + 1);
        assert_eq!(spools.descriptors.used(), 0);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_and_takes_nothing() {
        let spools = Spools::new("/nowhere/at/all".into(), None, Budget::new(16), Closer::at_once());
        assert!(matches!(spools.create(), Err(NoRoom::Disk(_))));
        assert_eq!((spools.used(), spools.descriptors.used()), (0, 0));
    }
}
