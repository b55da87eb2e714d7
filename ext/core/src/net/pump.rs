//! What an app takes of a connection that speaks TLS, or of a stream of HTTP/2, is one end of a pair of sockets: a thread passes on
//! what comes at the other end, to the client, and what the client says. There is one thread for all of them, while there are any.
//! They are the app's, as a plain socket would be: no deadline of Kino's holds for them.

mod tls;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token, Waker};
use parking_lot::Mutex;

const WAKER: Token = Token(usize::MAX);
const EVENTS: usize = 256;
/// Bytes that are passed on at once.
pub(super) const PART: usize = 16 * 1024;
/// So many times for one client before the others' turn.
pub(super) const PARTS: usize = 16;
/// When the app has closed its end, its client has so long to read what is left.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The way to the thread.
#[derive(Debug, Default)]
pub(super) struct Pump(Arc<Mutex<Inbox>>);

#[derive(Debug, Default)]
struct Inbox {
    newcomers: Vec<(usize, Box<dyn Passage>)>,
    /// Those that somebody else wants to be looked at.
    called: BTreeSet<usize>,
    /// The next one's key: none has that of another before it.
    next: usize,
    /// Wakes the thread, where it runs.
    waker: Option<Waker>,
}

/// One client, and the end of a pair whose other end is the app's.
pub(super) trait Passage: Debug + Send {
    /// Enters the thread's poll: the app's end, and the client where that has a socket of its own.
    ///
    /// # Errors
    /// When the system refuses.
    fn register(&mut self, registry: &Registry, client: Token, app: Token) -> io::Result<()>;

    /// The app has closed its end, both ways.
    fn app_has_closed(&mut self);

    /// Until when it may still go on after that.
    fn until(&self) -> Option<Instant>;

    /// Passes on what there is, both ways: whether there may be more at once; `None` when it is over, which it has to be when it
    /// `is_late`.
    fn go_on(&mut self, is_late: bool) -> Option<bool>;
}

/// The way to have the thread look at one of them.
#[derive(Debug)]
pub(super) struct Call {
    inbox: Arc<Mutex<Inbox>>,
    key: usize,
}

impl Call {
    /// There is something to do for it.
    pub(super) fn call(&self) {
        let mut inbox = self.inbox.lock();
        if inbox.called.insert(self.key) {
            if let Some(waker) = &inbox.waker {
                if let Err(error) = waker.wake() {
                    tracing::error!(%error, "sockets that apps have taken can't be served any more");
                }
            }
        }
    }
}

impl Pump {
    /// Begins to pass on what there is between a client and an app, made with a way to call for it.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread left. Then it is not made.
    pub(super) fn begin<T>(&self, make: impl FnOnce(Call) -> (Box<dyn Passage>, T)) -> io::Result<T> {
        let mut inbox = self.0.lock();
        match &inbox.waker {
            Some(waker) => waker.wake()?,
            None => {
                let poll = Poll::new()?;
                let waker = Waker::new(poll.registry(), WAKER)?;
                let passages = Passages { poll, all: HashMap::new(), inbox: self.0.clone() };
                // It looks for newcomers first, which are not to be had before this is over.
                thread::Builder::new().name("kino pump".to_owned()).spawn(move || passages.run())?;
                inbox.waker = Some(waker);
            }
        }
        let key = inbox.next;
        inbox.next += 1;
        let (passage, made) = make(Call { inbox: self.0.clone(), key });
        inbox.newcomers.push((key, passage));
        Ok(made)
    }
}

/// The two ends of a new pair: the app's, and the thread's.
pub(super) fn pair() -> io::Result<(OwnedFd, UnixStream)> {
    let (theirs, ours) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((theirs.into(), ours))
}

struct Passages {
    poll: Poll,
    all: HashMap<usize, Box<dyn Passage>>,
    inbox: Arc<Mutex<Inbox>>,
}

impl Passages {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut again = Vec::new();
        while self.take_newcomers(&mut again) {
            let next = self.all.values().filter_map(|passage| passage.until()).min();
            let wait = match next {
                _ if !again.is_empty() => Some(Duration::ZERO),
                next => next.map(|until| until.saturating_duration_since(Instant::now())),
            };
            if let Err(error) = self.poll.poll(&mut events, wait) {
                if error.kind() != io::ErrorKind::Interrupted {
                    tracing::error!(%error, "sockets that apps have taken can't be served any more");
                    let lost = std::mem::take(&mut *self.inbox.lock());
                    drop(lost);
                    return;
                }
            }
            let mut keys = std::mem::take(&mut again);
            for event in &events {
                let key = event.token().0 / 2;
                let Some(passage) = self.all.get_mut(&key) else { continue };
                // An app that only sends no more has left its other half open.
                if event.token().0 % 2 == 1 && event.is_write_closed() {
                    passage.app_has_closed();
                }
                keys.push(key);
            }
            let now = Instant::now();
            let is_late = |passage: &dyn Passage| passage.until().is_some_and(|until| until <= now);
            keys.extend(self.all.iter().filter(|(_, passage)| is_late(&***passage)).map(|(key, _)| *key));
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let Some(passage) = self.all.get_mut(&key) else { continue };
                let late = is_late(&**passage);
                match passage.go_on(late) {
                    Some(is_busy) => again.extend(is_busy.then_some(key)),
                    None => drop(self.all.remove(&key)),
                }
            }
        }
    }

    /// False when there is nobody left: then the next one starts another thread.
    fn take_newcomers(&mut self, again: &mut Vec<usize>) -> bool {
        let (newcomers, called) = {
            let mut inbox = self.inbox.lock();
            if self.all.is_empty() && inbox.newcomers.is_empty() {
                inbox.waker = None;
                inbox.called.clear();
                return false;
            }
            (std::mem::take(&mut inbox.newcomers), std::mem::take(&mut inbox.called))
        };
        again.extend(called);
        for (key, mut passage) in newcomers {
            match passage.register(self.poll.registry(), Token(key * 2), Token(key * 2 + 1)) {
                Ok(()) => {
                    // Something may have come before.
                    again.push(key);
                    self.all.insert(key, passage);
                }
                Err(error) => tracing::warn!(%error, "a socket that the app has taken can't be polled"),
            }
        }
        !self.all.is_empty() || self.take_newcomers(again)
    }
}

/// Nothing has moved, if that is what is wrong.
fn nothing_now(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
        _ => Err(error),
    }
}
