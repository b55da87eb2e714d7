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
fn give_back() {
    // SAFETY: it takes a number, and gives back pages that hold nothing, under the allocator's own locks.
    unsafe { libc::malloc_trim(0) };
}

/// Takes what glibc's allocator has free between what is in use, for ever: what is allocated from now on lies side by side, in memory
/// that is new. Free pieces are all over the heap, and a process forked from this one would copy what it shares page by page, to
/// allocate there. What has gone back to the system stays there, but for a page at the beginning of each piece. The calling
/// thread should be the one that has allocated; nothing with another C library or another allocator.
pub(crate) fn fill_gaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    gaps::fill();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod gaps {
    use std::ops::Range;

    /// Of the first pieces, in bytes. Where there are no such any more, they come from the free memory at the heap's end, and glibc
    /// asks the system for none of its own.
    const LARGEST: usize = 64 * 1024;
    /// What glibc gives at least, and what it rounds up to.
    const SMALLEST: usize = 24;
    const STEP: usize = 16;

    /// From the largest to the smallest: a piece is cut from the smallest gap that holds it.
    pub(super) fn fill() {
        let heap = in_use();
        let mut size = LARGEST;
        while size >= SMALLEST {
            while take(size, &heap) {}
            size -= (size / 8).next_multiple_of(STEP).max(STEP);
        }
    }

    /// Between where the main arena begins and the free memory at its end. glibc tells both as numbers of 32 bits, which an older one
    /// than 2.33 can't tell otherwise: of a heap of more than 4 GiB some gaps stay.
    fn in_use() -> Range<usize> {
        // SAFETY: the first counts under the allocator's own locks; the second says where the heap ends, and moves nothing.
        let (told, end) = unsafe { (libc::mallinfo(), libc::sbrk(0) as usize) };
        let bytes = |told: libc::c_int| told as u32 as usize;
        end.saturating_sub(bytes(told.arena))..end.saturating_sub(bytes(told.keepcost))
    }

    /// Whether there was a gap for it.
    fn take(size: usize, heap: &Range<usize>) -> bool {
        // SAFETY: nobody reads or writes what there is; what isn't kept goes back at once, as it came.
        unsafe {
            let piece = libc::malloc(size);
            let is_gap = heap.contains(&(piece as usize));
            if !is_gap {
                libc::free(piece);
            }
            is_gap
        }
    }
}
