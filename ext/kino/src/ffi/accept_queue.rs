//! How many wait to be accepted: what Linux tells of a listening TCP socket where it tells of a connection what is under way.

use std::os::fd::{AsRawFd, BorrowedFd};

use kino_core::config::AcceptQueue;

/// The beginning of what the kernel calls `tcp_info`, as far as the two numbers: eight bytes, of which the first is the state,
/// and then numbers of four bytes.
#[cfg(target_os = "linux")]
const LENGTH: usize = 8;

/// Those of a listener; `None` where the kernel doesn't tell, as of a unix socket.
#[cfg(target_os = "linux")]
pub(crate) fn of(listener: BorrowedFd<'_>) -> Option<AcceptQueue> {
    const LISTENS: u8 = 10;
    let mut info = [0u32; LENGTH];
    let mut size = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the descriptor is open as long as it is borrowed; the kernel writes no more than `size` bytes, all of which are `info`'s.
    let result = unsafe {
        libc::getsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    let [state, .., length, most] = info;
    let is_told = result == 0 && size as usize == size_of_val(&info) && state.to_ne_bytes()[0] == LISTENS;
    is_told.then_some(AcceptQueue { length, most })
}

/// It doesn't tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of(_: BorrowedFd<'_>) -> Option<AcceptQueue> {
    None
}
