//! Descriptors that are known by their numbers: this process was started with them, or has them from Ruby.

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Takes a descriptor over that nobody in this process has yet, if it is what the caller wants: it is closed with what comes back,
/// and no program that is started has it.
///
/// # Errors
/// What `refuse` says where there is none of that number, or what `check` says. It is left alone then.
pub(crate) fn take<E>(
    number: RawFd,
    check: impl FnOnce(BorrowedFd<'_>) -> Result<(), E>,
    refuse: impl FnOnce(io::Error) -> E,
) -> Result<OwnedFd, E> {
    look(number).map_err(refuse)?;
    // SAFETY: it is open, and stays so for this call: whoever calls says that nobody else has it.
    check(unsafe { BorrowedFd::borrow_raw(number) })?;
    // SAFETY: as above; it takes numbers.
    unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A descriptor of the same as one of Ruby's, which stays Ruby's.
///
/// # Errors
/// There is none of that number, or no more are to be had.
pub(crate) fn duplicate(number: RawFd) -> io::Result<OwnedFd> {
    look(number)?;
    // SAFETY: it is open, and the GVL is held, so no Ruby closes it before this call is over.
    unsafe { BorrowedFd::borrow_raw(number) }.try_clone_to_owned()
}

/// Closes a descriptor that this process has from its parent, and that nothing here knows of.
pub(crate) fn close(number: RawFd) {
    // SAFETY: whoever calls says that what owns it is never dropped in this process, so nobody closes it again.
    unsafe { libc::close(number) };
}

/// The size of a file.
///
/// # Errors
/// There is no descriptor of that number.
#[cfg(target_os = "linux")]
pub(crate) fn size(number: RawFd) -> io::Result<libc::off_t> {
    // SAFETY: all zeros is a valid value of it, and it is only written to by the call.
    let mut found: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: it takes a number and a place that lives on this stack.
    if unsafe { libc::fstat(number, &raw mut found) } == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(found.st_size)
    }
}

fn look(number: RawFd) -> io::Result<()> {
    // SAFETY: it takes numbers, and changes nothing.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
