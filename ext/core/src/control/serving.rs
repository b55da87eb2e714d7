//! Accepting clients, each of which has a thread for as long as it is served.

use std::collections::VecDeque;
use std::io::Read;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use socket2::{SockRef, Socket};

use super::exchange;
use super::locks::lock;
use super::routes::Routes;
use crate::net::listener::Listener;

/// Fewer clients than that at one time: then whoever has been longest without a whole request has to leave. Where all have asked,
/// others wait for one to be answered.
const MOST: usize = 8;
const PAUSE: Duration = Duration::from_millis(20);

/// Serves until the other end of `end` is closed.
pub(super) fn run(routes: &Arc<Routes>, listeners: &[Listener], end: &UnixStream) {
    let clients = Arc::new(Clients::default());
    while !is_closed(end) {
        for listener in wait(end.as_fd(), listeners) {
            if let Ok((client, _)) = SockRef::from(listener).accept() {
                take(routes, client, listener.is_reachable_from_elsewhere(), &clients);
            } else {
                // There may be no descriptor left, for long.
                thread::sleep(PAUSE);
            }
        }
        while clients.served.load(SeqCst) >= MOST && !is_closed(end) {
            clients.send_one_away();
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

/// Who is served.
#[derive(Debug, Default)]
struct Clients {
    served: AtomicUsize,
    /// Those whose request isn't whole yet, the first to have come first.
    asking: Mutex<VecDeque<(usize, Socket)>>,
    /// Numbers given so far.
    numbers: AtomicUsize,
}

impl Clients {
    fn send_one_away(&self) {
        if let Some((_, client)) = lock(&self.asking).pop_front() {
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

fn take(routes: &Arc<Routes>, client: Socket, is_public: bool, clients: &Arc<Clients>) {
    clients.served.fetch_add(1, SeqCst);
    let number = clients.numbers.fetch_add(1, SeqCst);
    // Without a descriptor for it nobody can send this one away.
    if let Ok(same) = client.try_clone() {
        lock(&clients.asking).push_back((number, same));
    }
    let (routes, served) = (routes.clone(), Served { clients: clients.clone(), number });
    let serve = move || exchange::serve(&routes, client, is_public, || served.has_asked());
    // Without a thread the client has no answer, and the count is right again.
    let _ = thread::Builder::new().name("kino control".to_owned()).spawn(serve);
}

/// One of them. Dropped, it is over.
struct Served {
    clients: Arc<Clients>,
    number: usize,
}

impl Served {
    fn has_asked(&self) {
        lock(&self.clients.asking).retain(|(other, _)| *other != self.number);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.has_asked();
        self.clients.served.fetch_sub(1, SeqCst);
    }
}
