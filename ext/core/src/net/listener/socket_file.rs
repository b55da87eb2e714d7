//! The file of a unix socket: made by bind, left behind by a server that dies, and the key to who listens there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::FlockOperation;
use socket2::{Domain, SockAddr, Type};

use super::refusal::in_use;
use crate::error::ListenError;

/// How long a folder's lock is waited for. Servers hold it for well under a millisecond.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A socket's file, removed when dropped, but only while it is the file this process bound: another server may have
/// been given the path since, and a forked child must not take its parent's file away.
///
/// It must go before the socket is closed: until then nobody takes the file for a dead server's, and its inode number,
/// which the socket holds, can't be given to another file.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    owner: u32,
}

impl SocketFile {
    /// Takes charge of the file that a bind has just made.
    pub(super) fn bound(path: &Path) -> io::Result<SocketFile> {
        let made = fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.to_owned(), device: made.dev(), inode: made.ino(), owner: std::process::id() })
    }

    /// Sets who may connect, which takes the right to write to the file. By the file itself and not by its name: whoever may
    /// write in its folder could have put a link to another file there meanwhile.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn allow(&self, mode: u32) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use std::os::fd::AsRawFd;
            use std::os::unix::fs::PermissionsExt;

            use rustix::fs::OFlags;

            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let handle = File::from(rustix::fs::open(&self.path, flags, rustix::fs::Mode::empty())?);
            let found = handle.metadata()?;
            if (found.dev(), found.ino()) != (self.device, self.inode) {
                return Err(io::Error::other("its file was replaced while it was made"));
            }
            let permissions = fs::Permissions::from_mode(mode);
            let by_handle = format!("/proc/self/fd/{}", handle.as_raw_fd());
            match fs::set_permissions(by_handle, permissions.clone()) {
                // There is no /proc.
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::set_permissions(&self.path, permissions),
                done => done,
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            let mode = rustix::fs::Mode::from_raw_mode(mode as rustix::fs::RawMode);
            Ok(rustix::fs::chmodat(rustix::fs::CWD, &self.path, mode, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?)
        }
    }

    /// Removes the file if it is still there and still this process's own.
    pub(super) fn remove(&self) {
        if self.owner == std::process::id() && self.is_same() {
            // Nothing can be done about a folder that has become read-only; the next server reclaims the file.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Leaves the file to another process.
    pub(super) fn disown(mut self) {
        self.owner = 0; // nobody's number
    }

    fn is_same(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|found| found.dev() == self.device && found.ino() == self.inode)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Keeps other servers from binding in the folder of `path` until the returned file is dropped, so that of two that
/// find the same dead socket, one reclaims it and the other finds it alive.
///
/// `None` when the folder can't be locked (it isn't readable, or another program holds its lock for long): the lock
/// closes a narrow race, and is no reason to stay down.
///
/// # Errors
/// There is no such folder.
pub(super) fn lock_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        let message = format!("there is no folder {}; create it or choose another path", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    let Ok(handle) = File::open(folder) else { return Ok(None) };
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(handle)),
            Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(LOCK_PAUSE),
            Err(_) => break,
        }
    }
    Ok(None)
}

/// Leaves `path` free to be bound: removes the file of a dead server's socket, and refuses anything else there.
///
/// # Errors
/// [`ListenError::InUse`] when somebody listens there, [`ListenError::NotASocket`] when it is something else, and
/// [`ListenError::Io`] when that can't be told.
pub(super) fn make_room(uri: &str, path: &Path, address: &SockAddr) -> Result<(), ListenError> {
    let failed = |source| ListenError::Io { uri: uri.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(ListenError::NotASocket(uri.to_owned())),
        Ok(_) => {}
    }
    if is_alive(address).map_err(failed)? {
        return Err(in_use(uri));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Whether somebody listens. Asked without blocking: a server whose backlog is full would keep the caller for ever.
fn is_alive(address: &SockAddr) -> io::Result<bool> {
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    let Err(error) = probe.connect(address) else { return Ok(true) };
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Ok(false),
        io::ErrorKind::WouldBlock => Ok(true),
        // A socket of another kind (datagram): not ours to remove.
        _ if error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error()) => Ok(true),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_child_process_does_not_remove_its_parents_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let _socket = UnixListener::bind(&path).unwrap();
        let mut file = SocketFile::bound(&path).unwrap();

        file.owner += 1;
        file.remove();
        assert!(path.exists());
        file.owner = std::process::id();
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_has_one_lock_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let held = lock_folder(&path).unwrap();
        assert!(held.is_some());
        let other = File::open(folder.path()).unwrap();
        let second = rustix::fs::flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(second, Err(rustix::io::Errno::WOULDBLOCK));
        drop(held);
        rustix::fs::flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
    }
}
