//! Signals that are noticed before Ruby hears them: handlers which write down that one has come, and then call Ruby's own. Whoever
//! traps a signal anew, Ruby included, takes its handler's place, and then it is as it was.

use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

/// A number is below that.
const NUMBERS: usize = 32;

/// The process whose signals these are. In its children, which have its handlers until they run another program, nobody hears.
static OWNER: AtomicI32 = AtomicI32::new(0);
/// A pair of sockets. They stay open as long as the process lives: a handler may be about to write.
static READER: AtomicI32 = AtomicI32::new(-1);
static WRITER: AtomicI32 = AtomicI32::new(-1);
/// Who had each signal, by its number.
static FORMER: [AtomicUsize; NUMBERS] = [const { AtomicUsize::new(0) }; NUMBERS];

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// Has the numbers of these signals written to a socket when they come, before those who have handlers for them, which are to be
/// there already, hear of it; its other end.
pub(crate) fn notice(numbers: &[i32]) -> io::Result<OwnedFd> {
    // SAFETY: it takes nothing.
    let own = unsafe { libc::getpid() };
    if OWNER.load(Ordering::SeqCst) != own {
        let (reader, writer) = UnixStream::pair()?;
        // A handler may not wait for room.
        writer.set_nonblocking(true)?;
        READER.store(reader.into_raw_fd(), Ordering::SeqCst);
        WRITER.store(writer.into_raw_fd(), Ordering::SeqCst);
        OWNER.store(own, Ordering::SeqCst);
    }
    for &number in numbers {
        chain(number)?;
    }
    // SAFETY: it is open for ever, and the new one is ours.
    let reader = unsafe { libc::fcntl(READER.load(Ordering::SeqCst), libc::F_DUPFD_CLOEXEC, 0) };
    if reader < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: nobody else has that number.
    Ok(unsafe { OwnedFd::from_raw_fd(reader) })
}

/// Where nobody has a handler, or one that isn't told what Ruby's are, all stays as it is.
fn chain(number: i32) -> io::Result<()> {
    let Some(place) = usize::try_from(number).ok().and_then(|number| FORMER.get(number)) else { return Ok(()) };
    // SAFETY: zeros are a valid value of it, which the call fills.
    let mut known = unsafe { std::mem::zeroed::<libc::sigaction>() };
    // SAFETY: it only reads what there is, into what is ours.
    if unsafe { libc::sigaction(number, std::ptr::null(), &raw mut known) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let is_handler = known.sa_sigaction != libc::SIG_DFL && known.sa_sigaction != libc::SIG_IGN;
    let noticed = noticed as Handler as usize;
    if !is_handler || known.sa_flags & libc::SA_SIGINFO == 0 || known.sa_sigaction == noticed {
        return Ok(());
    }
    // Before the handler is there, which needs it.
    place.store(known.sa_sigaction, Ordering::SeqCst);
    let ours = libc::sigaction { sa_sigaction: noticed, ..known };
    // SAFETY: the handler does only what one may, see there, and lives as long as the process; flags and mask are those that the one
    // before had, which it calls.
    if unsafe { libc::sigaction(number, &raw const ours, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "C" fn noticed(number: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let byte = number as u8;
    // SAFETY: both calls may be made by a handler (POSIX: getpid, write). What they do to errno, which belongs to whoever was
    // interrupted, is undone. The descriptor stays open as long as the process lives.
    unsafe {
        if libc::getpid() == OWNER.load(Ordering::SeqCst) {
            let errno = errno();
            let before = *errno;
            // Without room many wait to be heard already.
            let _ = libc::write(WRITER.load(Ordering::SeqCst), (&raw const byte).cast(), 1);
            *errno = before;
        }
    }
    let former = FORMER.get(number as usize).map_or(0, |former| former.load(Ordering::SeqCst));
    if former != 0 {
        // SAFETY: it is the address of a handler with SA_SIGINFO that the system has told, see `chain`, called as the system would have.
        let former = unsafe { std::mem::transmute::<usize, Handler>(former) };
        former(number, info, context);
    }
}

/// Where the calling thread's is.
pub(super) unsafe fn errno() -> *mut libc::c_int {
    #[cfg(any(target_os = "linux", target_os = "emscripten"))]
    // SAFETY: it takes nothing, and is valid for the thread that calls.
    return unsafe { libc::__errno_location() };
    #[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
    // SAFETY: the same.
    return unsafe { libc::__error() };
    #[cfg(any(target_os = "netbsd", target_os = "openbsd", target_os = "android"))]
    // SAFETY: the same.
    return unsafe { libc::__errno() };
}
