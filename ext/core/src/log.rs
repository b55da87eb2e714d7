//! The log: lines that a thread of its own writes to standard error. Whoever has something to say never waits for whoever
//! reads it, be that a pipe that is full, closed or has nobody at its other end.
//!
//! ```text
//!   anyone --line--> queue (bounded; full: dropped and counted) --> "kino log" --> standard error
//! ```
//!
//! An embedding program may have the lines instead, through a pipe ([`send_to`]).
//!
//! There is one for each process that has started it. A child of fork has its parent's in its memory, but no thread that
//! would write: until it starts one of its own, what it says is dropped. Nothing of the parent's is touched there, since its
//! lock may be one that is never opened again.

pub mod json;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// Lines that may wait to be written.
const MOST_LINES: usize = 1024;
/// Bytes of them.
const MOST_BYTES: usize = 256 * 1024;

/// The logs of this process's ancestors, and its own: the last, if it has one. None is ever removed, so nothing has to be
/// locked to find one.
static FIRST: OnceLock<Box<Log>> = OnceLock::new();

/// Starts this process's log, if it has none yet. Its thread exists from here on.
///
/// # Errors
/// When the system gives no thread. What is said is dropped then, and counted.
pub fn start() -> io::Result<()> {
    if own().is_none() {
        let mut place = &FIRST;
        while let Some(log) = place.get() {
            place = &log.next;
        }
        // When another thread was quicker, its log is as good.
        let _ = place.set(Box::new(Log::of(std::process::id())));
    }
    own().map_or(Ok(()), |log| log.attend(|line| log.put(line)))
}

/// Has what is said from now on written there, for whoever reads the other end, or to standard error again. In a child of
/// fork it goes to standard error until this is called there.
pub fn send_to(pipe: Option<File>) {
    if let Some(log) = own() {
        *log.pipe.lock().unwrap_or_else(PoisonError::into_inner) = pipe.map(Arc::new);
    }
}

/// Has a line written, or several, which end with a line feed. Never waits, and never fails: what finds no room is counted.
/// False when this process has no log.
pub fn write(line: &[u8]) -> bool {
    own().map(|log| log.push(line)).is_some()
}

/// Counts a line that somebody else could not write.
pub fn lost() {
    if let Some(log) = own() {
        log.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is logged, from little to much.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// What changes the level, which is whoever has set up the log's; and the last that was asked for.
static SETTER: OnceLock<fn(&str)> = OnceLock::new();
static LEVEL: AtomicU32 = AtomicU32::new(0);

/// Has the level changed by that from here on ([`set_level`]).
pub fn set_level_by(setter: fn(&str)) {
    let _ = SETTER.set(setter);
}

/// Has that level logged, from 1 on by its place in [`LEVELS`]. Zero, and what was asked for last, change nothing.
pub(crate) fn set_level(level: u32) {
    if level == 0 || LEVEL.swap(level, Ordering::SeqCst) == level {
        return;
    }
    if let (Some(setter), Some(name)) = (SETTER.get(), LEVELS.get(level as usize - 1)) {
        setter(name);
    }
}

/// Lines of this process that could not be written.
pub fn dropped() -> u64 {
    own().map_or(0, |log| log.dropped.load(Ordering::Relaxed))
}

/// Waits until all that has been said is written, for `limit` at most: whether it is.
pub fn flush(limit: Duration) -> bool {
    own().is_none_or(|log| log.flush(limit))
}

fn own() -> Option<&'static Log> {
    let process = std::process::id();
    let mut log = FIRST.get()?;
    // From the last: the system uses numbers again.
    while let Some(next) = log.next.get() {
        log = next;
    }
    (log.process == process).then_some(log)
}

#[derive(Debug)]
struct Log {
    process: u32,
    /// The standard library's locks, which keep nothing outside themselves: those of `parking_lot` share a table that a
    /// fork may leave locked.
    queue: Mutex<Queue>,
    said: Condvar,
    written: Condvar,
    dropped: AtomicU64,
    /// Where lines go, if that is not standard error.
    pipe: Mutex<Option<Arc<File>>>,
    next: OnceLock<Box<Log>>,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// There is a thread that writes.
    is_attended: bool,
    /// It is writing.
    is_writing: bool,
}

impl Log {
    fn of(process: u32) -> Log {
        Log {
            process,
            queue: Mutex::default(),
            said: Condvar::new(),
            written: Condvar::new(),
            dropped: AtomicU64::new(0),
            pipe: Mutex::default(),
            next: OnceLock::new(),
        }
    }

    fn attend(&'static self, sink: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let mut queue = self.lock();
        if !queue.is_attended {
            thread::Builder::new().name("kino log".to_owned()).spawn(|| self.run(sink))?;
            queue.is_attended = true;
        }
        Ok(())
    }

    /// Nobody who changes the pipe waits for whoever reads it.
    fn put(&self, line: &[u8]) -> io::Result<()> {
        let pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match pipe {
            Some(pipe) => write_all(pipe.as_fd(), line),
            // As it is now: a program may have opened it anew. Past the standard library's own, whose lock anybody else
            // who prints would then wait for.
            None => write_all(rustix::stdio::stderr(), line),
        }
    }

    fn push(&self, line: &[u8]) {
        let mut queue = self.lock();
        // The first one always finds room, however long it is.
        let has_room = queue.lines.len() < MOST_LINES && queue.bytes + line.len() <= MOST_BYTES;
        if !queue.lines.is_empty() && !has_room {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line.into());
        self.said.notify_one();
    }

    /// What the thread does. Nobody's lock is held while the sink waits.
    fn run(&self, mut sink: impl FnMut(&[u8]) -> io::Result<()>) {
        // A panic of the sink's costs a line.
        let mut put = |line: &[u8]| matches!(catch_unwind(AssertUnwindSafe(|| sink(line))), Ok(Ok(())));
        let mut told = 0;
        loop {
            let line = self.next();
            if !put(&line) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let dropped = self.dropped.load(Ordering::Relaxed);
            if dropped > told && put(&loss(dropped - told, dropped)) {
                told = dropped;
            }
        }
    }

    fn next(&self) -> Box<[u8]> {
        let mut queue = self.lock();
        queue.is_writing = false;
        loop {
            if let Some(line) = queue.lines.pop_front() {
                queue.bytes -= line.len();
                queue.is_writing = true;
                return line;
            }
            self.written.notify_all();
            queue = self.said.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn flush(&self, limit: Duration) -> bool {
        let is_busy = |queue: &mut Queue| queue.is_attended && (queue.is_writing || !queue.lines.is_empty());
        let waited = self.written.wait_timeout_while(self.lock(), limit, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// No panic can leave a queue that is half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn loss(lines: u64, all: u64) -> Vec<u8> {
    let text =
        format!("{lines} lines of the log were lost, since nobody read it or it could not be written ({all} in all)");
    if json::is_wanted() { json::line("warn", &text, []) } else { format!("kino: {text}\n").into_bytes() }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_for_room(to)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// It may be a pipe that somebody has told not to block. An end of it is seen by the next write.
fn wait_for_room(to: BorrowedFd<'_>) -> io::Result<()> {
    match poll(&mut [PollFd::new(&to, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn leaked() -> &'static Log {
        Box::leak(Box::new(Log::of(std::process::id())))
    }

    /// A log whose sink waits until it is let go, and what it was given.
    fn held() -> (&'static Log, mpsc::Sender<io::Result<()>>, mpsc::Receiver<Vec<u8>>) {
        let log = leaked();
        let (go, gone) = mpsc::channel();
        let (taken, lines) = mpsc::channel();
        log.attend(move |line: &[u8]| {
            let _ = taken.send(line.to_vec());
            gone.recv().unwrap_or(Ok(()))
        })
        .unwrap();
        (log, go, lines)
    }

    #[test]
    fn what_a_sink_that_waits_has_no_room_for_is_dropped_counted_and_told() {
        let (log, go, lines) = held();
        log.push(b"first\n");
        assert_eq!(lines.recv_timeout(SOON).unwrap(), b"first\n");
        for _ in 0..MOST_LINES + 7 {
            log.push(b"line\n");
        }
        assert_eq!(log.dropped.load(Ordering::Relaxed), 7);
        assert!(!log.flush(Duration::from_millis(1)), "nothing more has been written");

        go.send(Ok(())).unwrap();
        let told = String::from_utf8(lines.recv_timeout(SOON).unwrap()).unwrap();
        assert!(told.starts_with("kino: 7 lines of the log were lost") && told.ends_with("(7 in all)\n"), "{told}");
        drop(go);
        assert!(log.flush(SOON));
        assert_eq!(lines.try_iter().filter(|line| line == b"line\n").count(), MOST_LINES);
    }

    #[test]
    fn bytes_are_bounded_as_lines_are() {
        let (log, go, lines) = held();
        log.push(b"first\n");
        lines.recv_timeout(SOON).unwrap();
        log.push(&vec![b'x'; MOST_BYTES - 1]);
        log.push(b"..");
        assert_eq!((log.dropped.load(Ordering::Relaxed), log.lock().bytes), (1, MOST_BYTES - 1));
        drop(go);
        assert!(log.flush(SOON));
        assert_eq!(log.lock().bytes, 0);
        log.push(&vec![b'x'; MOST_BYTES + 1]);
        assert!(log.flush(SOON));
        assert_eq!(log.dropped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_line_that_can_not_be_written_is_counted_and_the_next_one_is_tried() {
        let (log, go, lines) = held();
        go.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        log.push(b"lost\n");
        log.push(b"kept\n");
        drop(go);
        assert!(log.flush(SOON));
        let lines: Vec<_> = lines.try_iter().collect();
        assert_eq!((lines.len(), &lines[0][..], &lines[1][..]), (3, &b"lost\n"[..], &b"kept\n"[..]));
        assert!(lines[2].starts_with(b"kino: 1 lines of the log were lost"));
    }

    #[test]
    fn lines_go_to_whoever_reads_a_pipe_and_one_that_nobody_reads_costs_lines_only() {
        let log = leaked();
        let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
        *log.pipe.lock().unwrap() = Some(Arc::new(File::from(std::os::fd::OwnedFd::from(writer))));
        log.attend(|line| log.put(line)).unwrap();
        log.push(b"said\n");
        let mut line = [0; 5];
        io::Read::read_exact(&mut reader, &mut line).unwrap();
        assert_eq!(&line, b"said\n");
        assert!(log.flush(SOON));
        drop(reader);
        log.push(b"lost\n");
        assert!(log.flush(SOON));
        assert_eq!(log.dropped.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panic_of_the_sink_costs_a_line() {
        let log = leaked();
        let (taken, lines) = mpsc::channel();
        log.attend(move |line: &[u8]| {
            assert_ne!(line, b"bad\n", "this panic is meant");
            let _ = taken.send(line.to_vec());
            Ok(())
        })
        .unwrap();
        log.push(b"bad\n");
        log.push(b"good\n");
        assert!(log.flush(SOON));
        assert_eq!(lines.try_iter().next().unwrap(), b"good\n");
        assert_eq!(log.dropped.load(Ordering::Relaxed), 1);
    }
}
