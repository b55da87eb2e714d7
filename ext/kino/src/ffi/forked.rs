//! What a child that the app forks lets go of: the sockets that its parent listens on. It would keep the port when the server has
//! ended, and connections would come to a queue that nobody accepts from.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};

/// As many sockets that listen are known; of more a child keeps the rest.
const MOST: usize = 64;

/// A descriptor, and what it is one of: its number may be another's by the time of a fork.
struct Place {
    descriptor: AtomicI32,
    inode: AtomicU64,
}

const NOBODY: RawFd = -1;
static KNOWN: [Place; MOST] = [const { Place { descriptor: AtomicI32::new(NOBODY), inode: AtomicU64::new(0) } }; MOST];
/// What is forked now is to serve.
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// From now on, children of a fork are without these.
pub(crate) fn keep_from_children(descriptors: impl Iterator<Item = RawFd>) {
    leave_to_children(false);
    for descriptor in descriptors {
        let Some(inode) = inode(descriptor) else { continue };
        let known = |place: &&Place| place.descriptor.load(Ordering::SeqCst) == descriptor;
        let free = |place: &&Place| {
            let taken = place.descriptor.compare_exchange(NOBODY, descriptor, Ordering::SeqCst, Ordering::SeqCst);
            taken.is_ok()
        };
        if let Some(place) = KNOWN.iter().find(known).or_else(|| KNOWN.iter().find(free)) {
            place.inode.store(inode, Ordering::SeqCst);
        }
    }
}

/// From now on they have all, since they are to serve, or no more.
pub(crate) fn leave_to_children(is_left: bool) {
    IS_LEFT.store(is_left, Ordering::SeqCst);
}

/// In the child, before anything else runs there: what stands in the places of those sockets is `/dev/null` from here on, so
/// that their numbers are not given to others while Kino's objects, which are never used there, still name them.
pub(super) fn let_go() {
    if IS_LEFT.load(Ordering::SeqCst) {
        return;
    }
    for place in &KNOWN {
        let descriptor = place.descriptor.swap(NOBODY, Ordering::SeqCst);
        if descriptor != NOBODY && inode(descriptor) == Some(place.inode.load(Ordering::SeqCst)) {
            // SAFETY: calls that a child of fork may make; the name is a C string, and who had the descriptor is not used here.
            unsafe {
                let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
                if null >= 0 {
                    libc::dup2(null, descriptor);
                    libc::close(null);
                    libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
                }
            }
        }
    }
}

/// That of a socket; `None` where the descriptor is no socket's.
fn inode(descriptor: RawFd) -> Option<u64> {
    // SAFETY: all zeros is a valid value of it, and it is only written to by the call, which takes a number besides.
    let found = unsafe {
        let mut found: libc::stat = std::mem::zeroed();
        if libc::fstat(descriptor, &raw mut found) != 0 {
            return None;
        }
        found
    };
    (found.st_mode & libc::S_IFMT == libc::S_IFSOCK).then_some(found.st_ino as u64)
}
