//! What a process becomes whose server another process has the place of: not its end, since whoever has started it waits for
//! that, but a small program which hands on signals and ends as that other one does (`lib/kino/processes/relay.rb`).
//!
//! Until then, while the last requests are served, its signals go to the other from here: Ruby hears of none any more, also not
//! in its own last act.

use std::ffi::{CString, c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use super::process;

/// A program, its words with a null behind them, and which process it is for: none of its children.
struct Program {
    pointers: Vec<*const c_char>,
    _words: Vec<CString>,
    signals: Vec<c_int>,
    generation: u32,
}

static NEXT: AtomicPtr<Program> = AtomicPtr::new(ptr::null_mut());
static OWNER: AtomicI32 = AtomicI32::new(0);
static SERVER: AtomicI32 = AtomicI32::new(0);

/// Has this process run that program in its place once it comes to its end. `false` where the system can't do what is needed.
pub(crate) fn follow(server: i32, signals: Vec<c_int>, words: Vec<CString>) -> bool {
    if !process::adopt_orphans() {
        return false;
    }
    SERVER.store(server, Ordering::SeqCst);
    // SAFETY: it takes nothing.
    OWNER.store(unsafe { libc::getpid() }, Ordering::SeqCst);
    for &signal in &signals {
        // SAFETY: zeros are a valid value of it; its handler does only what one may, see there, and lives as long as the process.
        unsafe {
            let mut action = std::mem::zeroed::<libc::sigaction>();
            action.sa_sigaction = hand_on as extern "C" fn(c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
    }
    let pointers = words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
    let next = Program { pointers, _words: words, signals, generation: process::generation() };
    // One that was there before stays: a thread that ends the process may be about to run it.
    NEXT.store(Box::into_raw(Box::new(next)), Ordering::SeqCst);
    true
}

extern "C" fn hand_on(signal: c_int) {
    // SAFETY: all of these may be called by a handler (POSIX). What they do to errno is undone. A child of fork has the handler,
    // too: there the signal does what it does to any process.
    unsafe {
        let errno = super::signals::errno();
        let before = *errno;
        if libc::getpid() == OWNER.load(Ordering::SeqCst) {
            libc::kill(SERVER.load(Ordering::SeqCst), signal);
        } else {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
        *errno = before;
    }
}

/// Ends the process at once, on whatever thread: nothing that anybody has left for the end is run, but what goes on in its place.
pub(crate) fn leave(status: i32) -> ! {
    go_on();
    // SAFETY: it takes a number and does not come back.
    unsafe { libc::_exit(status) }
}

/// Runs the program in this process's place, if there is one. To be called by whoever ends the process; returns where there is
/// none, or where it can't be run.
pub(crate) extern "C" fn go_on() {
    // SAFETY: what was stored is never freed, and only shared.
    let Some(next) = (unsafe { NEXT.load(Ordering::SeqCst).as_ref() }) else { return };
    if next.generation != process::generation() || next.pointers.len() < 2 {
        return;
    }
    // SAFETY: the words are C strings that live as long as the process, with a null behind them. Signals that come before the
    // program has handlers are to do nothing, rather than end it. What the program is not to keep, sockets above all, is closed
    // as it begins.
    unsafe {
        for &signal in &next.signals {
            libc::signal(signal, libc::SIG_IGN);
        }
        #[cfg(target_os = "linux")]
        libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        libc::execv(next.pointers[0], next.pointers.as_ptr());
    }
}
