//! What the engine itself has to say goes to standard error: warnings and errors, or what `KINO_LOG` asks for
//! (`KINO_LOG=debug` shows each request that was refused). Nobody who says something waits until it is written: that is done
//! by the core's log thread ([`kino_core::log`]).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::thread;

use kino_core::{fatal, log};
use magnus::{Error, RString, Ruby};
use tracing_subscriber::EnvFilter;

use crate::ffi::strings::with_bytes;
use crate::ffi::{gvl, process};

/// Starts it, once a process; an embedding program that has its own subscriber keeps it.
pub(crate) fn start() {
    // Without a thread there is no log; the counter tells.
    let _ = log::start();
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::try_from_env("KINO_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        // By itself it prints to standard error, on the thread that logs, what goes wrong with an event.
        let lines = tracing_subscriber::fmt().log_internal_errors(false).with_writer(|| Lines);
        // An error says that there is a subscriber already.
        let _ = lines.with_env_filter(filter).with_target(false).try_init();
        panic::set_hook(Box::new(tell));
        fatal::leave_by(process::leave);
        process::at_exit(flush_at_exit);
    });
}

/// `flush_log -> nil`: waits, a second at most, until what was said is written. For who leaves by `exit!`.
pub(crate) fn flush(_: &Ruby) -> Result<(), Error> {
    gvl::without(|| log::flush(fatal::LAST_WORDS), || ());
    gvl::check_interrupts()
}

/// `log_to(path or nil) -> nil`: has what is said written there, or to standard error again.
pub(crate) fn send_to(ruby: &Ruby, path: Option<String>) -> Result<(), Error> {
    if path.is_some() {
        start();
    }
    let pipe = path.map(|path| File::options().write(true).open(path)).transpose();
    let pipe = pipe.map_err(|error| Error::new(ruby.exception_io_error(), error.to_string()))?;
    log::send_to(pipe);
    Ok(())
}

/// `log(text) -> true or false`: has lines written as the engine's own are; false when this process has no log.
pub(crate) fn write(text: RString) -> bool {
    with_bytes(text, log::write)
}

/// `log_lost -> nil`: counts a line that Ruby could write nowhere.
pub(crate) fn lost() {
    log::lost();
}

thread_local! {
    /// Where this thread's last panic was.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// `panic_place -> String or nil`: the file and line of this thread's last panic, once. Ruby only has its message.
pub(crate) fn panic_place() -> Option<String> {
    PANIC.take()
}

extern "C" fn flush_at_exit() {
    log::flush(fatal::LAST_WORDS);
}

/// Rust's own way would print, and so wait for whoever reads, on the thread that panics.
fn tell(info: &PanicHookInfo) {
    PANIC.set(info.location().map(ToString::to_string));
    let thread = thread::current();
    let backtrace = Backtrace::capture();
    let trace = if backtrace.status() == BacktraceStatus::Captured { format!("\n{backtrace}") } else { String::new() };
    tracing::error!("thread {:?} {info}{trace}", thread.name().unwrap_or("of Ruby"));
}

/// An event's text comes in one piece.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        log::write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
