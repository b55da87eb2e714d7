//! Which process is whose child, and what becomes of it without its parent.

use std::ffi::CString;
use std::thread;

use magnus::value::ReprValue;
use magnus::{Error, Module, RHash, RModule, Ruby, TryConvert, Value};

use crate::exception;
use crate::ffi::{allocator, forked, process, relay};

/// `subreaper -> true or false`: processes whose parents have ended, and which are descendants of this one, become its children, to
/// be waited for. False where the system can't.
pub(crate) fn subreaper() -> bool {
    process::adopt_orphans()
}

/// `trim_stack -> nil`: what the calling thread's stack takes beyond what it needs goes back to the system.
pub(crate) fn trim_stack() {
    process::trim_stack();
}

/// `leave_listeners(is_left) -> nil`: whether those that this process forks from now on have what it listens on. Children of one that
/// serves have not.
pub(crate) fn leave_listeners(is_left: bool) {
    forked::leave_to_children(is_left);
}

/// `bound_arenas(threaded) -> nil`: has the C library's allocator make no more arenas than threads of this process can allocate at a time:
/// one where those of Ruby share one lock, else one for each CPU. The first call counts.
pub(crate) fn bound_arenas(is_threaded: bool) {
    let cpus = || thread::available_parallelism().map_or(2, |number| number.get().max(2));
    allocator::bound_arenas(if is_threaded { 1 } else { cpus() });
}

/// `fill_gaps -> nil`: what the C library's allocator has free between what is in use is taken, so that processes forked from this one
/// allocate in memory of their own. The next call, in whichever of them, gives that back first. Nothing with another C library than glibc.
pub(crate) fn fill_gaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    crate::ffi::heap_gaps::fill();
}

/// `die_with(signal) -> true or false`: this process gets the signal, by name or number, when the one whose child it is now has
/// ended; `nil` takes that back. False where the system can't. Who has ended before is not noticed.
pub(crate) fn die_with(ruby: &Ruby, signal: Value) -> Result<bool, Error> {
    if signal.is_nil() {
        return Ok(process::signal_at_parents_end(0));
    }
    let number = match i32::try_convert(signal) {
        Ok(number) => Some(number),
        Err(_) => {
            let known: RHash = ruby.class_object().const_get::<_, RModule>("Signal")?.funcall("list", ())?;
            let name = signal.to_string();
            known.lookup::<_, Option<i32>>(name.strip_prefix("SIG").unwrap_or(&name))?
        }
    };
    let number = number.ok_or_else(|| exception::argument_error(ruby, &format!("{signal} is no signal")))?;
    Ok(process::signal_at_parents_end(number))
}

/// `relay_to(pid, signals, words) -> true or false`: signals of these numbers go to the process of that id from now on, and when this
/// process ends it runs the program of these words instead, as the same process. False where the system can't.
pub(crate) fn relay_to(ruby: &Ruby, server: i32, signals: Vec<i32>, words: Vec<String>) -> Result<bool, Error> {
    let words = words.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
    let words = words.map_err(|error| exception::argument_error(ruby, &error.to_string()))?;
    Ok(relay::follow(server, signals, words))
}

/// `leave(status)`: ends the process at once, as `Process.exit!` does, unless it is to go on as another program.
pub(crate) fn leave(status: i32) {
    relay::leave(status);
}
