//! Accepting clients, each of which has a thread for as long as it is served.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{SockRef, Socket};

use super::exchange;
use super::routes::Routes;
use crate::net::listener::Listener;

/// Clients at one time. Others wait, which none of these can draw out.
const MOST: usize = 8;
const PAUSE: Duration = Duration::from_millis(20);

/// Serves until the other end of `end` is closed.
pub(super) fn run(routes: &Arc<Routes>, listeners: &[Listener], end: &UnixStream) {
    let served = Arc::new(AtomicUsize::new(0));
    while !is_closed(end) {
        for listener in wait(end.as_fd(), listeners) {
            if let Ok((client, _)) = SockRef::from(listener).accept() {
                take(routes, client, listener.is_reachable_from_elsewhere(), &served);
            } else {
                // There may be no descriptor left, for long.
                thread::sleep(PAUSE);
            }
        }
        while served.load(SeqCst) >= MOST && !is_closed(end) {
            thread::sleep(PAUSE);
        }
    }
}

/// Whether the other end is closed. It never sends anything.
pub(super) fn is_closed(mut end: &UnixStream) -> bool {
    matches!(end.read(&mut [0]), Ok(0))
}

/// The sockets at which somebody may wait.
fn wait<'l>(end: BorrowedFd<'_>, listeners: &'l [Listener]) -> impl Iterator<Item = &'l Listener> {
    let mut asked = vec![PollFd::from_borrowed_fd(end, PollFlags::IN)];
    asked.extend(listeners.iter().map(|listener| PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)));
    // A signal is as good as nobody.
    let _ = poll(&mut asked, None);
    let is_ready: Vec<_> = asked[1..].iter().map(|asked| !asked.revents().is_empty()).collect();
    listeners.iter().zip(is_ready).filter(|(_, is_ready)| *is_ready).map(|(listener, _)| listener)
}

fn take(routes: &Arc<Routes>, client: Socket, is_public: bool, served: &Arc<AtomicUsize>) {
    served.fetch_add(1, SeqCst);
    let (routes, count) = (routes.clone(), Served(served.clone()));
    let serve = move || {
        let _count = count;
        exchange::serve(&routes, client, is_public);
    };
    // Without a thread the client has no answer, and the count is right again.
    let _ = thread::Builder::new().name("kino control".to_owned()).spawn(serve);
}

struct Served(Arc<AtomicUsize>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
