//! The C library's allocator, which Ruby's objects and this extension share.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::sync::atomic::{AtomicBool, Ordering};

/// Has glibc's allocator keep at most `number` arenas, where nobody has chosen that (`MALLOC_ARENA_MAX`, or an earlier call, here
/// or in the process that this one was forked from). By itself it makes eight for each CPU, one for each thread that allocates, and
/// none gives its free memory to another.
pub(crate) fn bound_arenas(number: usize) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() && !IS_BOUND.swap(true, Ordering::Relaxed) {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        // SAFETY: it takes two numbers and changes a setting under the allocator's own lock. An arena that exists already
        // stays as it is.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, number) };
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = number;
}

/// Somebody has chosen how many arenas there may be.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
static IS_BOUND: AtomicBool = AtomicBool::new(false);

/// Gives back to the system what glibc's allocator has free between what is in use; `None` with another C library. It takes
/// milliseconds, in which whoever else allocates may wait.
pub(crate) const GIVE_BACK: Option<fn()> = {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        Some(give_back)
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        None
    }
};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back() {
    // SAFETY: it takes a number, and gives back pages that hold nothing, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}
