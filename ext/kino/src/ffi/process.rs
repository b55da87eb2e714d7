//! The process: its forks, and its end.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::forked;

/// Has `work` done when the process ends in the ordinary way. It runs after Ruby's own end, and may use nothing of Ruby's.
pub(crate) fn at_exit(work: extern "C" fn()) {
    // SAFETY: the function lives as long as the process, since Ruby never unloads an extension, and no panic leaves it.
    // When the C library has no room for it, it isn't called, which costs the last lines of the log at most.
    let _ = unsafe { libc::atexit(work) };
}

/// How many forks lie between the process that has loaded the extension and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// Counts forks from here on; once a process loads the extension.
pub(crate) fn count_forks() {
    // SAFETY: the function lives as long as the process and does what a child of fork may do. Without room for it, which an
    // error says, a child would take itself for its parent.
    let failed = unsafe { libc::pthread_atfork(None, None, Some(has_forked)) } != 0;
    assert!(!failed, "the C library has no memory to count forks with");
}

/// Which process of its line this is. What was made in another one, the parent, is not to be touched: its locks may be held by
/// threads that don't exist here, its descriptors are the parent's, too.
pub(crate) fn generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

extern "C" fn has_forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    forked::let_go();
}

/// Has processes whose parents have ended, and which are descendants of this one, become its children; false where the system can't.
pub(crate) fn adopt_orphans() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: it takes numbers, and changes only whose child a process becomes.
    return unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } == 0;
    #[cfg(not(target_os = "linux"))]
    false
}

/// Has the kernel send this process a signal when the thread that has forked it ends (0: none); false where the system can't.
pub(crate) fn signal_at_parents_end(signal: i32) -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: it takes numbers; one that is no signal's is refused.
    return unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal, 0, 0, 0) } == 0;
    #[cfg(not(target_os = "linux"))]
    {
        let _ = signal;
        false
    }
}

/// Gives back to the system what lies below the caller on its stack: nothing that anybody will read again. Of the main thread's
/// Ruby touches all 8 MiB when it starts, where its compiler has the stack probed (Debian's has).
pub(crate) fn trim_stack() {
    #[cfg(target_os = "linux")]
    {
        /// Below the caller: what is still to be called, handlers of signals included.
        const SPARE: usize = 256 * 1024;
        const PAGE: usize = 64 * 1024;
        let here = 0_u8;
        let here = &raw const here as usize;
        let mut lowest = ptr::null_mut();
        let mut size = 0;
        // SAFETY: the attributes are made by the first call, read by the second, and destroyed once.
        let known = unsafe {
            let mut attributes = std::mem::zeroed::<libc::pthread_attr_t>();
            if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
                return;
            }
            let known = libc::pthread_attr_getstack(&raw const attributes, &raw mut lowest, &raw mut size);
            libc::pthread_attr_destroy(&raw mut attributes);
            known == 0
        };
        let lowest = lowest as usize;
        // On a fiber's stack, which is another one, the caller is not in it.
        if !known || !(lowest..lowest.saturating_add(size)).contains(&here) {
            return;
        }
        let end = here.saturating_sub(SPARE) / PAGE * PAGE;
        if end > lowest {
            // SAFETY: it is this thread's own stack, far below its deepest frame: what lies there was left by calls that are
            // over. The pages stay mapped, and are zero when they are used again. Of holes among them the system complains,
            // after it has done the rest.
            let _ = unsafe { libc::madvise(lowest as *mut libc::c_void, end - lowest, libc::MADV_DONTNEED) };
        }
    }
}

/// A file that grows past the process's limit (`ulimit -f`) is an error of that write, as a full disk is, and no longer the end
/// of the process, unless somebody has use for the signal.
pub(crate) fn outlive_file_limits() {
    // SAFETY: both calls take a signal's number and what becomes of it; a handler of anybody's is put back at once.
    unsafe {
        let before = libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        if before != libc::SIG_DFL && before != libc::SIG_ERR {
            libc::signal(libc::SIGXFSZ, before);
        }
    }
}

/// Something that each process has its own of, made when it is first asked for. A child starts with a new one, and leaves its
/// parent's alone.
pub(crate) struct PerProcess<T>(AtomicPtr<(u32, T)>);

impl<T: Default + Send + Sync + 'static> PerProcess<T> {
    /// One that nobody has asked for.
    pub(crate) const fn new() -> PerProcess<T> {
        PerProcess(AtomicPtr::new(ptr::null_mut()))
    }

    /// This process's.
    pub(crate) fn get(&self) -> &T {
        self.known().unwrap_or_else(|| {
            let before = self.0.load(Ordering::Acquire);
            let own = Box::into_raw(Box::new((generation(), T::default())));
            match self.0.compare_exchange(before, own, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: it was just made, and is never freed from here on.
                Ok(_) => unsafe { &(*own).1 },
                Err(_) => {
                    // SAFETY: nobody has seen it.
                    drop(unsafe { Box::from_raw(own) });
                    self.known().expect("another thread of this process was quicker")
                }
            }
        })
    }

    /// This process's, if it has asked for one.
    pub(crate) fn known(&self) -> Option<&T> {
        // SAFETY: what was stored is never freed, and only shared.
        let (made_in, own) = unsafe { self.0.load(Ordering::Acquire).as_ref()? };
        (*made_in == generation()).then_some(own)
    }
}
