//! What the engine itself has to say goes to standard error: warnings and errors, or what `KINO_LOG` asks for
//! (`KINO_LOG=debug` shows each request that was refused). Nobody who says something waits until it is written: that is done
//! by the core's log thread ([`kino_core::log`]).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::RefCell;
use std::fmt::{self, Debug};
use std::fs::File;
use std::io;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};
use std::thread;

use kino_core::text::escape;
use kino_core::{fatal, log};
use magnus::{Error, RString, Ruby};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::ffi::strings::with_bytes;
use crate::ffi::{gvl, process, relay};

/// Starts it, once a process; an embedding program that has its own subscriber keeps it.
pub(crate) fn start() {
    // Without a thread there is no log; the counter tells.
    let _ = log::start();
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::try_from_env("KINO_LOG").unwrap_or_else(|_| {
            LAST.store(INFO, Ordering::SeqCst);
            EnvFilter::new(log::LEVELS[INFO])
        });
        // By itself it prints to standard error, on the thread that logs, what goes wrong with an event.
        let lines = tracing_subscriber::fmt().log_internal_errors(false).with_writer(|| Lines);
        let lines = lines.event_format(Either).with_env_filter(filter).with_filter_reloading();
        let handle = lines.reload_handle();
        let _ = FILTER.set(Box::new(move |level| drop(handle.reload(EnvFilter::new(level)))));
        // An error says that there is a subscriber already, whose level is its program's business.
        if lines.try_init().is_ok() {
            log::set_level_by(set_level);
        }
        panic::set_hook(Box::new(tell));
        fatal::leave_by(relay::leave);
        process::at_exit(flush_at_exit);
    });
}

/// Changes what is said to a severity and above.
type SetLevel = Box<dyn Fn(&str) + Send + Sync>;

/// The place of what is said at first among [`log::LEVELS`], and that of what was asked for last: none of them at first, where
/// KINO_LOG says what is said.
const INFO: usize = 2;
static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Once there is somebody who says it.
static FILTER: OnceLock<SetLevel> = OnceLock::new();

/// `log_as(json, level) -> nil`: from now on lines are JSON or text, of that severity and above, if KINO_LOG doesn't say which.
pub(crate) fn log_as(is_json: bool, level: String) {
    start();
    log::json::want(is_json);
    if std::env::var_os("KINO_LOG").is_none() {
        set_level(&level);
    }
}

/// `json(text) -> String`: the text as a string of JSON.
pub(crate) fn json(ruby: &Ruby, text: RString) -> RString {
    let mut out = Vec::new();
    with_bytes(text, |text| escape::json(&mut out, text));
    ruby.enc_str_new(out, ruby.utf8_encoding())
}

/// The filter has a lock, which a fork may have left locked for ever: it is touched only where something changes.
fn set_level(level: &str) {
    let place = log::LEVELS.iter().position(|known| *known == level);
    if let (Some(place), Some(filter)) = (place, FILTER.get()) {
        if LAST.swap(place, Ordering::SeqCst) != place {
            filter(level);
        }
    }
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

/// Events as text, or as JSON, whichever is wanted now.
struct Either;

impl<S, N> FormatEvent<S, N> for Either
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if !log::json::is_wanted() {
            return Format::default().with_target(false).with_ansi(false).format_event(context, out, event);
        }
        let mut said = Said::default();
        event.record(&mut said);
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let fields = said.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let line = log::json::line(&level, &said.message, fields);
        out.write_str(&String::from_utf8_lossy(&line))
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" { self.message = text } else { self.fields.push((field.name(), text)) }
    }
}
