//! Which process is whose child, and what becomes of it without its parent.

use magnus::value::ReprValue;
use magnus::{Error, Module, RHash, RModule, Ruby, TryConvert, Value};

use crate::exception;
use crate::ffi::{forked, process};

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
