//! The access log: a line for each request that is over, whatever has ended it.
//!
//! ```text
//!   whoever ends a request --line--> lines that wait (bounded; full: dropped and counted) --> "kino access log" --> the file
//! ```
//!
//! A line is made where the request ends, into the room of the last, and added to those that wait: that takes no system call but
//! where the thread sleeps. There is one log for each engine, and so one for each process: several append to one file, each batch
//! with one write, so that no line of one ends up within another's.

mod fields;
mod format;
mod json;
mod query;
mod writer;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::fields::Entry;
pub use self::format::{Format, Unknown};
pub use self::query::Filter;
use self::writer::Writer;
pub use self::writer::{OpenError, Target};
use crate::net::account::{Account, Observer};
use crate::net::trusted::Trusted;
use crate::text::wall::Wall;

/// Where lines go, and what is in them.
#[derive(Debug)]
pub struct AccessLog {
    writer: Arc<Writer>,
    format: Format,
    filter: Filter,
    trusted: Trusted,
    /// The number of the process, in digits.
    process: String,
    ahead: Ahead,
}

/// How far the time on the wall is ahead of the engine's clock, in microseconds. A line needs both, and this one is read only when a
/// while has passed since: it is set once in a blue moon.
#[derive(Debug, Default)]
struct Ahead {
    by: AtomicU64,
    /// When that was looked at last, by the engine's clock.
    seen: AtomicU64,
}

/// What a thread makes lines of, one after the other.
#[derive(Default)]
struct Scratch {
    line: Vec<u8>,
    wall: Wall,
}

/// A clock that was set is noticed after so many microseconds at most.
const SET_AT_MOST: u64 = 500_000;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl AccessLog {
    /// Opens it. Nobody writes before [`AccessLog::start`], so a process may fork until then.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn open(target: Target, format: Format, filter: Filter, trusted: Trusted) -> Result<AccessLog, OpenError> {
        let writer = Arc::new(Writer::open(target)?);
        let process = std::process::id().to_string();
        Ok(AccessLog { writer, format, filter, trusted, process, ahead: Ahead::default() })
    }

    /// Starts the thread that writes, in this process.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start(&self) -> io::Result<()> {
        self.writer.clone().start()
    }

    /// Has the file opened anew, by whoever writes, before the next line: it may have been renamed. What can't be opened is told
    /// in the server's log, and the old file goes on.
    pub fn reopen(&self) {
        self.writer.reopen();
    }

    /// Waits until all that was added is written, for `limit` at most: whether it is.
    pub fn flush(&self, limit: Duration) -> bool {
        self.writer.flush(limit)
    }

    /// The same at the end: what is not written by then is lost, which is told in the server's log.
    pub fn finish(&self, limit: Duration) {
        if !self.writer.flush(limit) {
            self.writer.give_up();
        }
    }

    /// Lines that found no room, or could not be written.
    pub fn dropped(&self) -> u64 {
        self.writer.dropped()
    }

    fn write(&self, account: &Account<'_>, scratch: &mut Scratch) {
        scratch.wall.set_millis(self.ahead.wall(account.over) / 1000);
        let entry = Entry {
            account,
            wall: &scratch.wall,
            filter: &self.filter,
            trusted: &self.trusted,
            process: self.process.as_bytes(),
        };
        scratch.line.clear();
        self.format.write(&entry, &mut scratch.line);
        scratch.line.push(b'\n');
        self.writer.add(&scratch.line);
    }
}

impl Ahead {
    /// The time on the wall when the engine's clock says `now`, in microseconds since 1970.
    fn wall(&self, now: u64) -> u64 {
        let by = self.by.load(Relaxed);
        if by != 0 && now.abs_diff(self.seen.load(Relaxed)) < SET_AT_MOST {
            return now.wrapping_add(by);
        }
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        self.by.store(wall.wrapping_sub(now), Relaxed);
        self.seen.store(now, Relaxed);
        wall
    }
}

impl Observer for AccessLog {
    fn observe(&self, account: &Account<'_>) {
        SCRATCH.with_borrow_mut(|scratch| self.write(account, scratch));
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.writer.end();
    }
}

#[cfg(test)]
mod tests;
