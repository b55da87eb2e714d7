//! The control plane: a socket of its own at which a server says how it is, and is told what to do. Threads of its own serve it, which
//! know no Ruby and wait for no worker and for nobody who polls, so it answers whatever those are at.
//!
//! ```text
//!   "kino control": serving, all clients      --a request--> "kino control", a few at most, each for one answer
//!        exchange: read a head, write an answer <--answer--  routes: who may have what   health, stats, ...: a file for each page
//!                                                         |
//!   all that is told stands on the scoreboard, where each process's heart writes it
//! ```
//!
//! So it is the same with one process and with several. With several it is the parent that has this thread: nothing of the app runs
//! there, and it outlives each of them. A fork of the parent's is no danger to the child: these threads hold no lock that a child
//! would ever ask for, and all that the child does with this is to close its descriptors.

mod actions;
mod board;
mod exchange;
mod health;
mod json;
mod locks;
mod message;
mod metrics;
mod origin;
mod page;
mod requests;
mod routes;
mod serving;
mod stats;
mod system;

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

pub use self::actions::{Action, Asked};
use self::board::Board;
use self::locks::lock;
use self::routes::Routes;
pub use self::routes::Settings;
use crate::error::ListenError;
use crate::net::listener::Listener;
use crate::scoreboard::Slot;

/// Between two tries to listen where the server before still does.
const PAUSE: Duration = Duration::from_millis(25);
/// After so many tries it is worth a word.
const TRIES: u32 = 1200;

/// A control socket. Dropped, it serves no more, and its file is gone.
#[derive(Debug)]
pub struct Control {
    routes: Arc<Routes>,
    uri: String,
    /// Sockets that listen, once they do.
    listeners: Listeners,
    /// Closed, it ends the thread.
    end: Mutex<Option<UnixStream>>,
    /// The process that it is served in.
    made_in: u32,
}

type Listeners = Arc<OnceLock<Vec<Listener>>>;

impl Control {
    /// One that tells of what stands on a board. It serves when it is started.
    pub fn new(slots: &'static [Slot], settings: Settings) -> Control {
        let uri = with_mode(&settings.uri);
        let routes = Arc::new(Routes::new(Board::new(slots), settings));
        let (listeners, end) = (Arc::default(), Mutex::default());
        Control { routes, uri, listeners, end, made_in: std::process::id() }
    }

    /// Listens and serves. With `waits`, another server still listens there, whose place this one is about to take: then it serves
    /// as soon as that one doesn't any more.
    ///
    /// # Errors
    /// A [`ListenError`], ready to be shown to whoever chose the address.
    pub fn start(&self, waits: bool) -> Result<(), ListenError> {
        let failed = |source: io::Error| ListenError::Io { uri: self.uri.clone(), source };
        if !waits {
            let _ = self.listeners.set(Listener::bind_each(&[&self.uri])?);
        }
        let (ours, end) = UnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let (routes, listeners, uri) = (self.routes.clone(), self.listeners.clone(), self.uri.clone());
        let run = move || {
            if !waits || bind_at_last(&uri, &listeners, &ours) {
                serving::run(&routes, listeners.get().map_or(&[], Vec::as_slice), &ours);
            }
        };
        thread::Builder::new().name("kino control".to_owned()).spawn(run).map_err(failed)?;
        *lock(&self.end) = Some(end);
        Ok(())
    }

    /// Where it listens, with the ports that were really bound.
    pub fn uris(&self) -> Vec<String> {
        self.listeners.get().into_iter().flatten().map(Listener::uri).collect()
    }

    /// The numbers of its descriptors, which a child of fork is to close: it has no other use for them, and while it has them nobody
    /// else can listen there.
    pub fn descriptors(&self) -> Vec<i32> {
        let listeners = self.listeners.get().into_iter().flatten();
        listeners.map(|listener| listener.as_fd().as_raw_fd()).collect()
    }

    /// The next thing that was asked to be done, the oldest first.
    pub fn asked(&self) -> Option<Asked> {
        self.routes.asked.take()
    }

    /// A process is gone: what it has counted is kept, and its place is free.
    pub fn bury(&self, slot: &Slot) {
        self.routes.board.bury(slot);
    }

    /// The server has begun to stop: who asks for anything else is told so.
    pub fn stopping(&self) {
        self.routes.is_stopping.store(true, Relaxed);
    }

    /// Serves no more. Clients that are served just now have their answers.
    pub fn close(&self) {
        if self.made_in == std::process::id() {
            self.listeners.get().into_iter().flatten().for_each(Listener::listen_no_more);
            lock(&self.end).take();
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.close();
    }
}

/// Nobody but its owner may connect to a socket's file, unless its address says who.
fn with_mode(uri: &str) -> String {
    let is_file = uri.starts_with("unix:") && !uri.starts_with("unix://@");
    let (_, parameters) = uri.split_once('?').unwrap_or((uri, ""));
    if !is_file || parameters.split('&').any(|one| one.starts_with("mode=") || one.starts_with("umask=")) {
        return uri.to_owned();
    }
    let mark = if parameters.is_empty() { '?' } else { '&' };
    format!("{}{mark}mode=0600", uri.trim_end_matches('?'))
}

/// Whether it listens now. The other server goes on for as long as the app takes to boot in this one.
fn bind_at_last(uri: &str, listeners: &OnceLock<Vec<Listener>>, end: &UnixStream) -> bool {
    for tries in 1_u32.. {
        match Listener::bind_each(&[uri]) {
            Ok(bound) => {
                let _ = listeners.set(bound);
                return true;
            }
            Err(ListenError::InUse { .. }) if tries == TRIES => {
                tracing::warn!("the control socket does not listen yet: somebody else still does at {uri}");
            }
            Err(ListenError::InUse { .. }) => {}
            Err(error) => {
                tracing::error!(%error, "the control socket does not listen");
                return false;
            }
        }
        thread::sleep(PAUSE);
        if serving::is_closed(end) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests;
