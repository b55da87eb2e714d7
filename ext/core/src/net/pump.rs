//! What an app takes of a connection that speaks TLS is one end of a pair of sockets: a thread passes on what comes at the other end,
//! encrypted, and what the client sends, decrypted. There is one thread for all of them, while there are any. They are the app's, as
//! a plain socket would be: no deadline of Kino's holds for them, and the engine's end is not theirs.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::Mutex;
use slab::Slab;

use super::socket::Socket;
use super::transport::{Came, Transport, Wire};
use crate::budget::Share;

const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 256;
/// Bytes that are passed on at once.
const PART: usize = 16 * 1024;
/// So many times for one pair before the others' turn.
const PARTS: usize = 16;
/// When the app has closed its end, its client has so long to read what is left.
const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the thread.
#[derive(Debug, Default)]
pub(super) struct Pump(Arc<Mutex<Inbox>>);

#[derive(Debug, Default)]
struct Inbox {
    newcomers: Vec<Pair>,
    /// Wakes the thread, where it runs.
    waker: Option<Waker>,
}

/// A client, its session, and the end that is not the app's.
#[derive(Debug)]
struct Pair {
    transport: Transport,
    socket: Socket,
    end: UnixStream,
    /// What has come for the app and was not taken yet.
    inbound: Vec<u8>,
    /// The client sends no more, and the app has been told.
    client_ended: bool,
    /// The app sends no more, and the client has been told.
    app_ended: bool,
    /// The app has closed its end: until then what is left may still leave.
    until: Option<Instant>,
    /// Their part of the engine's descriptors.
    _share: Share,
}

impl Pump {
    /// Takes a client over: the end that is the app's.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread left. The transport is as it was then.
    pub(super) fn adopt(&self, transport: &mut Transport, socket: Socket, share: Share) -> io::Result<OwnedFd> {
        let (theirs, ours) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut inbox = self.0.lock();
        match &inbox.waker {
            Some(waker) => waker.wake()?,
            None => {
                let poll = Poll::new()?;
                let waker = Waker::new(poll.registry(), WAKER)?;
                let pairs = Pairs { poll, all: Slab::new(), inbox: self.0.clone() };
                // It looks for newcomers first, which are not to be had before this is over.
                thread::Builder::new().name("kino pump".to_owned()).spawn(move || pairs.run())?;
                inbox.waker = Some(waker);
            }
        }
        inbox.newcomers.push(Pair {
            transport: std::mem::take(transport),
            socket,
            end: UnixStream::from_std(ours),
            inbound: Vec::new(),
            client_ended: false,
            app_ended: false,
            until: None,
            _share: share,
        });
        Ok(theirs.into())
    }
}

struct Pairs {
    poll: Poll,
    all: Slab<Pair>,
    inbox: Arc<Mutex<Inbox>>,
}

impl Pairs {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut again = Vec::new();
        while self.take_newcomers(&mut again) {
            let next = self.all.iter().filter_map(|(_, pair)| pair.until).min();
            let wait = match next {
                _ if !again.is_empty() => Some(Duration::ZERO),
                next => next.map(|until| until.saturating_duration_since(Instant::now())),
            };
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "sockets that apps have taken can't be served any more");
                *self.inbox.lock() = Inbox::default();
                return;
            }
            let mut keys = std::mem::take(&mut again);
            for event in &events {
                let key = event.token().0 / 2;
                let Some(pair) = self.all.get_mut(key) else { continue };
                // An app that only sends no more has left its other half open.
                if event.token().0 % 2 == 1 && event.is_write_closed() {
                    pair.until.get_or_insert_with(|| Instant::now() + PATIENCE);
                }
                keys.push(key);
            }
            let now = Instant::now();
            keys.extend(
                self.all.iter().filter(|(_, pair)| pair.until.is_some_and(|until| until <= now)).map(|(key, _)| key),
            );
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                self.go_on(key, now, &mut again);
            }
        }
    }

    /// False when there is nobody left: then the next one starts another thread.
    fn take_newcomers(&mut self, again: &mut Vec<usize>) -> bool {
        let mut inbox = self.inbox.lock();
        for mut pair in inbox.newcomers.drain(..) {
            let entry = self.all.vacant_entry();
            let (registry, both) = (self.poll.registry(), Interest::READABLE | Interest::WRITABLE);
            let registered = registry
                .register(&mut pair.socket, Token(entry.key() * 2), both)
                .and_then(|()| registry.register(&mut pair.end, Token(entry.key() * 2 + 1), both));
            match registered {
                Ok(()) => {
                    // Something may have come before.
                    again.push(entry.key());
                    entry.insert(pair);
                }
                Err(error) => tracing::warn!(%error, "a socket that the app has taken can't be polled"),
            }
        }
        if self.all.is_empty() {
            inbox.waker = None;
        }
        !self.all.is_empty()
    }

    fn go_on(&mut self, key: usize, now: Instant, again: &mut Vec<usize>) {
        let Some(pair) = self.all.get_mut(key) else { return };
        let is_late = pair.until.is_some_and(|until| until <= now);
        match pair.pass() {
            Ok(is_busy) if !pair.is_over() && !is_late => again.extend(is_busy.then_some(key)),
            Ok(_) => drop(self.all.remove(key)),
            Err(_) => {
                // Broken, or the app has closed its end with something unread: a reset, as of a plain socket.
                pair.socket.reset_on_close();
                drop(self.all.remove(key));
            }
        }
    }
}

impl Pair {
    /// Passes on what there is, both ways: whether there may be more at once.
    fn pass(&mut self) -> io::Result<bool> {
        for _ in 0..PARTS {
            if !self.pass_to_client()? & !self.pass_to_app()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether something has moved.
    fn pass_to_client(&mut self) -> io::Result<bool> {
        let mut wire = Wire { transport: &mut self.transport, socket: &self.socket };
        if !wire.flush()? || self.app_ended {
            return Ok(false);
        }
        let mut part = [0; PART];
        match self.end.read(&mut part) {
            Ok(0) => {
                self.app_ended = true;
                wire.close();
                // An error means that the client has left; the next read tells.
                let _ = self.socket.shutdown(Shutdown::Write);
                Ok(true)
            }
            // What holds nothing takes more than that.
            Ok(length) => wire.write(&[IoSlice::new(&part[..length])]).map(|_| true),
            Err(error) => nothing_now(error),
        }
    }

    fn pass_to_app(&mut self) -> io::Result<bool> {
        if !self.inbound.is_empty() {
            return match self.end.write(&self.inbound) {
                Ok(length) => {
                    self.inbound.drain(..length);
                    Ok(true)
                }
                Err(error) => nothing_now(error),
            };
        }
        if self.client_ended {
            return Ok(false);
        }
        let mut part = [0; PART];
        match (Wire { transport: &mut self.transport, socket: &self.socket }).read(&mut part)? {
            Came::Bytes { length, .. } => {
                self.inbound.extend_from_slice(&part[..length]);
                Ok(true)
            }
            Came::Nothing => Ok(false),
            Came::End => {
                self.client_ended = true;
                let _ = self.end.shutdown(Shutdown::Write);
                Ok(true)
            }
        }
    }

    /// Nothing is left to pass on.
    fn is_over(&self) -> bool {
        let is_out = !self.transport.holds();
        is_out && self.app_ended && (self.client_ended && self.inbound.is_empty() || self.until.is_some())
    }
}

fn nothing_now(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream as Stream;

    use super::*;
    use crate::budget::Budget;
    use crate::tls::session::Session;
    use crate::tls::test_client::{Client, port};

    /// A client that has shaken hands, its socket, the end that an app has got, and what counts their descriptors.
    fn taken() -> (Client, Stream, Stream, Budget) {
        let (mut session, mut client) = (Session::new(&port()).unwrap(), Client::plain());
        while client.0.is_handshaking() || client.0.wants_write() {
            session.shake(&client.sends()).unwrap();
            let mut sent = Vec::new();
            session.flush(&mut sent).unwrap();
            client.reads(&sent).unwrap();
        }
        let (near, far) = Stream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let budget = Budget::new(2);
        let mut transport = Transport::Tls(Box::new(session));
        let socket = Socket::Unix(UnixStream::from_std(near));
        let end = Pump::default().adopt(&mut transport, socket, budget.count(2)).unwrap();
        assert!(matches!(transport, Transport::Plain), "it was taken");
        far.set_read_timeout(Some(PATIENCE)).unwrap();
        (client, far, end.into(), budget)
    }

    fn wait_until_let_go(budget: &Budget) {
        let end = Instant::now() + PATIENCE;
        while budget.used() > 0 {
            assert!(Instant::now() < end, "somebody still has them");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_either_says_comes_to_the_other_and_so_do_ends() {
        let (mut client, mut far, mut app, budget) = taken();
        far.write_all(&client.says(b"hello")).unwrap();
        let mut heard = [0; 5];
        app.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");

        app.write_all(b"world").unwrap();
        drop(app);
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).unwrap();
        assert_eq!(client.reads(&sent).unwrap(), b"world");
        assert_eq!(client.0.reader().read(&mut [0]).unwrap(), 0, "the client was told of the end");
        drop(far);
        wait_until_let_go(&budget);
    }

    #[test]
    fn an_app_hears_of_a_clients_end_and_may_go_on_talking() {
        let (mut client, mut far, mut app, budget) = taken();
        far.write_all(&client.says(b"last")).unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        app.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"last");
        app.write_all(b"bye").unwrap();
        drop(app);
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).unwrap();
        assert_eq!(client.reads(&sent).unwrap(), b"bye");
        wait_until_let_go(&budget);
    }

    #[test]
    fn a_client_that_reads_nothing_holds_the_app_up_and_nobody_else() {
        let (mut client, mut far, app, budget) = taken();
        let all = vec![7; 3_000_000];
        app.set_nonblocking(true).unwrap();
        let mut written = 0;
        // Until neither the pair, nor the session, nor the client's socket takes more for a while.
        for _ in 0..20 {
            while let Ok(length) = (&app).write(&all[written..]) {
                written += length;
            }
            thread::sleep(Duration::from_millis(5));
        }
        assert!(written < all.len(), "somebody has taken all of it");
        app.set_nonblocking(false).unwrap();
        let rest = all[written..].to_vec();
        let writer = thread::spawn(move || (&app).write_all(&rest));
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).unwrap();
        assert!(client.reads(&sent).unwrap() == all);
        writer.join().unwrap().unwrap();
        wait_until_let_go(&budget);
    }
}
