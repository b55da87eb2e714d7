//! Lines that wait, and the thread that writes them in batches. Whoever adds one never waits for a disk or a reader.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Bytes of lines that may wait to be written.
const MOST: usize = 4 * 1024 * 1024;
/// So long lines are gathered before they are written, so that few of them wake the thread,
const GATHER: Duration = Duration::from_millis(50);
/// or until there are so many bytes: some thousand lines. With a quarter of that, the thread takes the processor from those who serve so often
/// that a line costs half as much again; with twice as many, the next cache no longer holds them.
const ENOUGH: usize = 512 * 1024;
/// Lines are added to as many bytes as the smallest cache holds, and moved on from there together. Memory that another processor has
/// read lately, as the thread has what it wrote, is slow to be written to again: a quarter of what a line cost was that.
const FRESH: usize = 16 * 1024;
/// What is written to a pipe at once, so that it is not mixed with what others write there (`PIPE_BUF` of POSIX on Linux).
const AT_ONCE: usize = 4096;
/// Room that is kept for the next batch: what comes meanwhile on a busy server, so that it isn't given up and asked for each time.
const KEPT: usize = 1024 * 1024;
/// Losses are told once in such a while.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The process's standard output, whatever that is.
    Stdout,
    /// A file that is appended to, made if there is none.
    File(PathBuf),
}

/// The file can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be opened: {source}", path.display())]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

impl OpenError {
    /// What to do about it.
    pub fn cure(&self) -> &'static str {
        match self.source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NXIO) => "nobody reads that pipe; start who does first",
            _ => "write the path of a file in a folder that exists, or leave access_log out",
        }
    }
}

/// The lines, and where they go.
#[derive(Debug)]
pub(super) struct Writer {
    /// The process that writes. In a child of fork it is the parent's, and so are its locks.
    process: u32,
    target: Target,
    state: Mutex<State>,
    /// There is something to do for the thread that writes.
    called: Condvar,
    /// All is written.
    written: Condvar,
    dropped: AtomicU64,
}

/// The standard library's lock, which keeps nothing outside itself.
#[derive(Debug, Default)]
struct State {
    lines: Vec<u8>,
    /// Those that came last.
    fresh: Vec<u8>,
    /// How many those are, and how many are being written.
    waiting: u64,
    at_work: u64,
    /// Opened at boot, for the thread to take.
    file: Option<File>,
    is_attended: bool,
    is_asleep: bool,
    /// The thread waits for more lines, and is to be called when there are enough.
    is_gathering: bool,
    is_writing: bool,
    /// Somebody waits until all is written.
    is_hurried: bool,
    has_to_reopen: bool,
    is_over: bool,
}

impl Writer {
    pub(super) fn open(target: Target) -> Result<Writer, OpenError> {
        let state = State { file: opened(&target)?, ..State::default() };
        Ok(Writer {
            process: std::process::id(),
            target,
            state: Mutex::new(state),
            called: Condvar::new(),
            written: Condvar::new(),
            dropped: AtomicU64::new(0),
        })
    }

    pub(super) fn start(self: Arc<Self>) -> io::Result<()> {
        let mut state = self.lock();
        if !state.is_attended {
            let (file, writer) = (state.file.take(), self.clone());
            thread::Builder::new().name("kino access log".to_owned()).spawn(move || writer.run(file))?;
            state.is_attended = true;
        }
        Ok(())
    }

    /// Adds a line, which ends with a line feed.
    pub(super) fn add(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.length() + line.len() > MOST {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.fresh.extend_from_slice(line);
        state.waiting += 1;
        if state.fresh.len() >= FRESH {
            state.move_fresh();
        }
        let has_enough = state.lines.len() >= ENOUGH && std::mem::take(&mut state.is_gathering);
        let was_asleep = std::mem::take(&mut state.is_asleep);
        // Woken with the lock held, it would only wait for that.
        drop(state);
        if was_asleep || has_enough {
            self.called.notify_one();
        }
    }

    pub(super) fn reopen(&self) {
        let mut state = self.lock();
        state.has_to_reopen = true;
        self.called.notify_one();
    }

    pub(super) fn flush(&self, limit: Duration) -> bool {
        let mut state = self.lock();
        state.is_hurried = true;
        self.called.notify_one();
        let is_busy = |state: &mut State| state.is_attended && (state.is_writing || state.length() > 0);
        let waited = self.written.wait_timeout_while(state, limit, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Nobody waits any longer for those that are not written yet.
    pub(super) fn give_up(&self) {
        let state = self.lock();
        let left = state.waiting + state.at_work;
        drop(state);
        self.dropped.fetch_add(left, Ordering::Relaxed);
        tracing::warn!("access_log: up to {left} lines were lost at the end: they were not taken in time");
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The thread writes what there is, and ends. In a child of fork there is none.
    pub(super) fn end(&self) {
        if std::process::id() == self.process {
            self.lock().is_over = true;
            self.called.notify_one();
        }
    }

    fn run(&self, mut file: Option<File>) {
        let (mut batch, mut is_torn, mut losses) = (Vec::new(), false, Losses::default());
        while let Some(has_to_reopen) = self.next(&mut batch) {
            if has_to_reopen {
                match opened(&self.target) {
                    Ok(anew) => (file, is_torn) = (anew, false),
                    Err(error) => tracing::error!("access_log: {error}; the file that is open goes on"),
                }
            }
            if let Err((left, error)) = self.put(file.as_ref(), &batch, &mut is_torn) {
                let lost = memchr::memchr_iter(b'\n', left).count() as u64;
                self.dropped.fetch_add(lost, Ordering::Relaxed);
                losses.error = Some(error);
            }
            losses.tell(self.dropped());
        }
    }

    /// Waits for lines, and moves them to `batch`: whether the file is to be opened anew before they are written. `None` when
    /// there will be no more.
    fn next(&self, batch: &mut Vec<u8>) -> Option<bool> {
        batch.clear();
        batch.shrink_to(KEPT);
        let mut state = self.lock();
        state.is_writing = false;
        state.at_work = 0;
        while state.length() == 0 && !state.has_to_reopen {
            self.written.notify_all();
            state.is_hurried = false;
            if state.is_over {
                return None;
            }
            state.is_asleep = true;
            state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_asleep = false;
        state.is_gathering = state.length() < ENOUGH;
        let waits =
            |state: &mut State| state.is_gathering && !state.is_hurried && !state.has_to_reopen && !state.is_over;
        let waited = self.called.wait_timeout_while(state, GATHER, waits);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.is_gathering = false;
        state.move_fresh();
        std::mem::swap(&mut state.lines, batch);
        state.is_writing = true;
        state.at_work = std::mem::take(&mut state.waiting);
        Some(std::mem::take(&mut state.has_to_reopen))
    }

    /// What could not be written is an error's. A line that broke off, on a disk that was full, is not to have the next one behind
    /// it: `is_torn` says of what this has written whether one did.
    fn put<'b>(&self, file: Option<&File>, batch: &'b [u8], is_torn: &mut bool) -> Result<(), (&'b [u8], io::Error)> {
        let size = file.and_then(|file| Some((file, file.metadata().ok().filter(Metadata::is_file)?.len())));
        let to = file.map_or(rustix::stdio::stdout(), AsFd::as_fd);
        // It may have been another process that was stopped there, or a server before this one.
        if size.and_then(|(file, size)| breaks_off(file, size)).unwrap_or(*is_torn) {
            put(to, b"\n", 1).map_err(|(_, error)| (batch, error))?;
            *is_torn = false;
        }
        let result = put(to, batch, if size.is_some() { batch.len() } else { AT_ONCE });
        if let Err((left, _)) = &result {
            *is_torn |= batch[..batch.len() - left.len()].last().is_some_and(|last| *last != b'\n');
        }
        result
    }

    /// No panic can leave a state that is half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Bytes of lines that wait.
    fn length(&self) -> usize {
        self.lines.len() + self.fresh.len()
    }

    /// Their room stays what it is, for the next.
    fn move_fresh(&mut self) {
        self.lines.extend_from_slice(&self.fresh);
        self.fresh.clear();
        self.fresh.shrink_to(2 * FRESH);
    }
}

/// What has been told of lines that were lost.
#[derive(Default)]
struct Losses {
    told: u64,
    told_at: Option<Instant>,
    error: Option<io::Error>,
}

impl Losses {
    fn tell(&mut self, lost: u64) {
        if lost == self.told || self.told_at.is_some_and(|then| then.elapsed() < TOLD_EVERY) {
            return;
        }
        let why =
            self.error.take().map_or("they came faster than they could be written".to_owned(), |it| it.to_string());
        tracing::warn!("access_log: {} lines were lost, {lost} in all: {why}", lost - self.told);
        (self.told, self.told_at) = (lost, Some(Instant::now()));
    }
}

fn opened(target: &Target) -> Result<Option<File>, OpenError> {
    match target {
        Target::Stdout => Ok(None),
        Target::File(path) => {
            let mut options = File::options();
            // Of a pipe that nobody reads the opening would wait for a reader, for ever: it is an error at once.
            let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
            options.append(true).create(true).custom_flags(flags);
            // Reading tells whether a line breaks off at its end. Whoever reads a pipe takes what is for others.
            let is_readable = std::fs::metadata(path).map_or(true, |known| known.is_file());
            let file = match options.read(is_readable).open(path) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => options.read(false).open(path),
                opened => opened,
            };
            file.map(Some).map_err(|source| OpenError { path: path.clone(), source })
        }
    }
}

/// Whether the last line of a file of that many bytes has no end; `None` where it can't be read.
fn breaks_off(file: &File, size: u64) -> Option<bool> {
    let Some(last) = size.checked_sub(1) else { return Some(false) };
    let mut byte = [0];
    let length = file.read_at(&mut byte, last).ok()?;
    Some(length == 1 && byte[0] != b'\n')
}

/// Writes lines, `most` bytes at a time where they have that many, and always whole lines unless one is longer.
fn put<'b>(to: BorrowedFd<'_>, mut lines: &'b [u8], most: usize) -> Result<(), (&'b [u8], io::Error)> {
    while !lines.is_empty() {
        let first = &lines[..lines.len().min(most)];
        let whole = match memchr::memrchr(b'\n', first) {
            Some(end) => end + 1,
            None => memchr::memchr(b'\n', lines).map_or(lines.len(), |end| end + 1),
        };
        let mut left = &lines[..whole];
        while !left.is_empty() {
            match rustix::io::write(to, left) {
                Ok(length) if length > 0 => left = &left[length..],
                Ok(_) => return Err((&lines[whole - left.len()..], io::ErrorKind::WriteZero.into())),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // Its end is seen by the next write.
                    let _ = poll(&mut [PollFd::new(&to, PollFlags::OUT)], None);
                }
                Err(error) => return Err((&lines[whole - left.len()..], error.into())),
            }
        }
        lines = &lines[whole..];
    }
    Ok(())
}
