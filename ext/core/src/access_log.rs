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
    process: u32,
}

/// What a thread makes lines of, one after the other.
#[derive(Default)]
struct Scratch {
    line: Vec<u8>,
    wall: Wall,
}

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
        Ok(AccessLog { writer, format, filter, trusted, process: std::process::id() })
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

    /// Lines that found no room, or could not be written.
    pub fn dropped(&self) -> u64 {
        self.writer.dropped()
    }

    fn write(&self, account: &Account<'_>, scratch: &mut Scratch) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        scratch.wall.set(now);
        let entry =
            Entry { account, wall: &scratch.wall, filter: &self.filter, trusted: &self.trusted, process: self.process };
        scratch.line.clear();
        self.format.write(&entry, &mut scratch.line);
        scratch.line.push(b'\n');
        self.writer.add(&scratch.line);
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
