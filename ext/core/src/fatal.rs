//! The end of a process that can't serve any more: loud, with an exit status of its own, and never a process that lives on
//! and accepts nothing.

use std::sync::OnceLock;
use std::time::Duration;

use crate::log;

/// The exit status of a process that has lost what accepts its connections: `EX_SOFTWARE` of sysexits.h.
pub const STATUS: i32 = 70;

/// How long the last words may take.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

static LEAVE: OnceLock<fn(i32) -> !> = OnceLock::new();

/// Has the process ended by `leave` in place of [`std::process::exit`], which runs what others have left for the end, on
/// a thread that they don't know.
pub fn leave_by(leave: fn(i32) -> !) {
    // A second one says the same.
    let _ = LEAVE.set(leave);
}

/// Says why, and ends the process with [`STATUS`].
pub(crate) fn end(why: &str) -> ! {
    // Without a log nobody would hear it; with neither, the status tells.
    let _ = log::start();
    // Whoever reads a pipe in its place may be a thread of Ruby's that is stuck.
    log::send_to(None);
    log::write(format!("kino: fatal: {why}; the process ends with status {STATUS}\n").as_bytes());
    log::flush(LAST_WORDS);
    leave(STATUS)
}

/// Ends the process at once.
pub(crate) fn leave(status: i32) -> ! {
    match LEAVE.get() {
        Some(leave) => leave(status),
        None => std::process::exit(status),
    }
}
