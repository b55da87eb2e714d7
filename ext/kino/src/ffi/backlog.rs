//! Who waits at a listener, as the kernel counts them.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;

/// How many wait to be accepted, and how many may; `None` for what is no TCP listener, and where the system doesn't tell.
pub(crate) fn of(listener: BorrowedFd<'_>) -> Option<(u32, u32)> {
    #[cfg(target_os = "linux")]
    {
        // What these two fields count of a socket that listens.
        const LISTENS: u8 = 10;
        let mut size = size_of::<libc::tcp_info>() as libc::socklen_t;
        // SAFETY: the kernel writes into `info`, which is plain numbers, no more than `size` says, and says how much that was.
        let info = unsafe {
            let mut info = std::mem::zeroed::<libc::tcp_info>();
            let place = (&raw mut info).cast();
            let result =
                libc::getsockopt(listener.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, place, &raw mut size);
            (result == 0).then_some(info)
        };
        info.filter(|info| info.tcpi_state == LISTENS).map(|info| (info.tcpi_unacked, info.tcpi_sacked))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = listener;
        None
    }
}
