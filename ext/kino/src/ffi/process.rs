//! The process's own end.

/// Ends the process at once, on whatever thread: nothing that anybody has left for the end is run.
pub(crate) fn leave(status: i32) -> ! {
    // SAFETY: it takes a number and does not come back.
    unsafe { libc::_exit(status) }
}

/// Has `work` done when the process ends in the ordinary way. It runs after Ruby's own end, and may use nothing of Ruby's.
pub(crate) fn at_exit(work: extern "C" fn()) {
    // SAFETY: the function lives as long as the process, since Ruby never unloads an extension, and no panic leaves it.
    // When the C library has no room for it, it isn't called, which costs the last lines of the log at most.
    let _ = unsafe { libc::atexit(work) };
}
