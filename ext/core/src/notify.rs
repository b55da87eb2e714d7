//! What the service manager that has started this process is told, systemd for one: datagrams to a unix socket (sd_notify(3)).

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Messages that wait for room at most: of more, the oldest is dropped.
const MOST: usize = 16;

/// The socket. Telling never waits and never fails, and a child of fork, which the manager has not started, tells nothing.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
    address: SocketAddr,
    process: u32,
    is_quiet: AtomicBool,
    /// What there was no room for. A lock of the standard library's, which keeps nothing outside itself: see `log.rs`.
    unsent: Mutex<VecDeque<String>>,
}

impl NotifySocket {
    /// The one at that path, or at `@name` in Linux's abstract namespace.
    ///
    /// # Errors
    /// It is neither, or the process has no descriptor left.
    pub fn open(address: &str) -> io::Result<NotifySocket> {
        let address = match address.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(address)?,
            [b'@', name @ ..] => of_name(name)?,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(NotifySocket {
            socket,
            address,
            process: std::process::id(),
            is_quiet: AtomicBool::new(false),
            unsent: Mutex::default(),
        })
    }

    /// Tells the manager: lines of `NAME=value`. What it has no room for now is told before the next one.
    pub fn tell(&self, text: &str) {
        if self.process != std::process::id() || self.is_quiet.load(Ordering::Relaxed) {
            return;
        }
        let mut unsent = self.unsent.lock().unwrap_or_else(PoisonError::into_inner);
        unsent.push_back(text.to_owned());
        while let Some(next) = unsent.front() {
            let sent = self.socket.send_to_addr(next.as_bytes(), &self.address);
            if sent.is_err_and(|error| is_full(&error)) {
                break;
            }
            // Where nobody is there any more, there is nobody to tell.
            unsent.pop_front();
        }
        if unsent.len() > MOST {
            unsent.pop_front();
        }
    }

    /// Has it tell nothing from here on, or again: of two servers, only one is the manager's.
    pub fn set_quiet(&self, is_quiet: bool) {
        self.is_quiet.store(is_quiet, Ordering::Relaxed);
    }
}

fn is_full(error: &io::Error) -> bool {
    // Of a datagram socket that has no room the BSDs say the latter.
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn of_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn of_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What an engine tells the manager by itself, see `reporter.rs`.
#[derive(Clone, Debug)]
pub struct Reporting {
    /// Where.
    pub socket: Arc<NotifySocket>,
    /// Without a sign of life for so long, the manager ends the process.
    pub watchdog: Option<Duration>,
    /// What serves, for people: `1 process, 1 worker x 5 threads`.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        manager.set_nonblocking(true).unwrap();
        let mut buffer = [0; 256];
        let mut all = Vec::new();
        while let Ok(length) = manager.recv(&mut buffer) {
            all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        all
    }

    fn at_path() -> (tempfile::TempDir, UnixDatagram, NotifySocket) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let socket = NotifySocket::open(path.to_str().unwrap()).unwrap();
        (folder, manager, socket)
    }

    #[test]
    fn tells_each_message_as_one_datagram() {
        let (_folder, manager, socket) = at_path();
        socket.tell("READY=1\nSTATUS=Serving");
        socket.tell("WATCHDOG=1");
        assert_eq!(heard(&manager), ["READY=1\nSTATUS=Serving", "WATCHDOG=1"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn knows_names_without_a_file() {
        let name = format!("kino-notify-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&of_name(name.as_bytes()).unwrap()).unwrap();
        NotifySocket::open(&format!("@{name}")).unwrap().tell("READY=1");
        assert_eq!(heard(&manager), ["READY=1"]);
    }

    #[test]
    fn is_quiet_when_told_and_for_good_where_nobody_listens() {
        let (folder, manager, socket) = at_path();
        socket.set_quiet(true);
        socket.tell("READY=1");
        socket.set_quiet(false);
        assert_eq!(heard(&manager), Vec::<String>::new());
        drop(manager);
        drop(folder);
        socket.tell("STOPPING=1");
        assert!(socket.unsent.lock().unwrap().is_empty());
    }

    #[test]
    fn waits_for_nobody_and_tells_what_found_no_room_later() {
        let (_folder, manager, socket) = at_path();
        let number = 2000;
        (0..number).for_each(|index| socket.tell(&index.to_string()));
        let first = heard(&manager);
        assert!(first.len() < number, "the queue of a socket has no end here");
        let mut then = Vec::new();
        while then.last().is_none_or(|last| last != "READY=1") {
            socket.tell("READY=1");
            then.extend(heard(&manager));
        }
        // The latest of those that found no room, in their order.
        let numbers: Vec<usize> = then.iter().map_while(|text| text.parse().ok()).collect();
        assert_eq!(numbers, (number - MOST..number).collect::<Vec<_>>()[MOST - numbers.len()..]);
        assert!(!numbers.is_empty());
    }

    #[test]
    fn knows_no_other_addresses() {
        for address in ["", "notify", "vsock:2:1", "@"] {
            let opened = NotifySocket::open(address).is_ok();
            assert!(!opened || address == "@", "{address:?}");
        }
    }
}
