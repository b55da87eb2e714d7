//! The listeners in the poll, and who waits at them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::context::Context;
use super::courtesy::{Asking, Courtesy};
use super::deadlines::NEVER;
use super::listener::{Listener, Local};
use super::peer::PeerAddr;
use super::socket::Socket;
use super::trap::Call;
use crate::config::AcceptQueue;
use crate::tls::port::Port;

/// How long accepting rests when the process is out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Of the room in the kernel's queue, newcomers may take one part in so many while they are left there.
const OUTSIDE: u32 = 8;

/// All listeners of an engine.
#[derive(Debug)]
pub(super) struct Doors {
    doors: Vec<Door>,
    /// The first listener's token; the others have those below it.
    first: usize,
    /// The door that was last let in at: the others have their turn first.
    last: usize,
    /// Newcomers wait since all places are taken; when making room is tried again, in the clock's milliseconds.
    full_until: Option<u64>,
    /// Accepting goes on then, in the clock's milliseconds.
    accept_at: u64,
    /// Towards other processes with the same listeners.
    courtesy: Courtesy,
}

#[derive(Debug)]
struct Door {
    listener: Listener,
    local: Arc<Local>,
    /// There may be a connection to accept, for which no further event would come.
    is_pending: bool,
}

/// What an attempt to accept brought.
#[derive(Debug)]
pub(super) enum Knock {
    /// Nobody waits, or accepting rests.
    Nobody,
    /// Somebody did, and has left.
    Failed,
    /// A client.
    Client(Socket, PeerAddr, Arc<Local>),
}

impl Doors {
    /// Has `listeners` polled. Their tokens are those below `above`, which connections never reach.
    ///
    /// # Errors
    /// When the kernel refuses to poll one.
    pub(super) fn open(listeners: Vec<Listener>, registry: &Registry, above: Token) -> io::Result<Doors> {
        let first = above.0 - 1;
        let mut doors = Vec::new();
        for (index, mut listener) in listeners.into_iter().enumerate() {
            listener.register(registry, Token(first - index), Interest::READABLE)?;
            let local = Arc::new(listener.local());
            doors.push(Door { listener, local, is_pending: false });
        }
        Ok(Doors { doors, first, last: 0, full_until: None, accept_at: 0, courtesy: Courtesy::default() })
    }

    /// What TLS is served with, at those where it is.
    pub(super) fn ports(&self) -> Vec<Arc<Port>> {
        let mut ports: Vec<Arc<Port>> = Vec::new();
        for port in self.doors.iter().filter_map(|door| door.local.tls.as_ref()) {
            if !ports.contains(port) {
                ports.push(port.clone());
            }
        }
        ports
    }

    /// An event came: false when it is no listener's.
    pub(super) fn knock(&mut self, token: Token) -> bool {
        let door = self.first.checked_sub(token.0).and_then(|index| self.doors.get_mut(index));
        door.map(|door| door.is_pending = true).is_some()
    }

    /// Somebody may wait at any of them.
    pub(super) fn knock_on_all(&mut self) {
        for door in &mut self.doors {
            door.is_pending = true;
        }
    }

    /// Whether somebody may wait.
    pub(super) fn is_any_pending(&self) -> bool {
        self.doors.iter().any(|door| door.is_pending)
    }

    /// Whether somebody waits, by asking the kernel.
    fn is_anybody_waiting(&mut self) -> bool {
        for door in &mut self.doors {
            if door.is_pending {
                let mut asked = [PollFd::from_borrowed_fd(door.listener.as_fd(), PollFlags::IN)];
                // The next one to come will be an event.
                door.is_pending = matches!(poll(&mut asked, Some(&Timespec::default())), Ok(1..));
            }
        }
        self.is_any_pending()
    }

    /// All places are taken: whether somebody waits for one, and it is time to look whom to close for them.
    pub(super) fn is_crowded(&mut self, context: &Context) -> bool {
        let now = context.clock.now();
        if self.full_until.is_some_and(|until| now < until) || !self.is_anybody_waiting() {
            return false;
        }
        if self.full_until.is_none() {
            context.stats.max_connections.add();
        }
        self.full_until = Some(context.clock.after(PAUSE));
        true
    }

    /// When there is something to accept, in the clock's milliseconds; [`NEVER`] when nothing is known of. Places that are free
    /// are found in the turn that frees them; descriptors may be given back at any time.
    pub(super) fn next(&self) -> u64 {
        let all = [self.accept_at, self.full_until.unwrap_or(0), self.courtesy.again_at()];
        if self.is_any_pending() { all.into_iter().fold(0, u64::max) } else { NEVER }
    }

    /// Whether somebody may wait, and accepting does not rest.
    pub(super) fn may_accept(&self, context: &Context) -> bool {
        self.is_any_pending() && (self.accept_at == 0 || context.clock.now() >= self.accept_at)
    }

    /// Whether accepting rests.
    pub(super) fn is_resting(&self, now: u64) -> bool {
        now < self.accept_at
    }

    /// Whether the next newcomer is this process's, and not left to another one.
    pub(super) fn is_our_turn(&mut self, asking: Asking<'_>, queue: fn(BorrowedFd<'_>) -> Option<AcceptQueue>) -> bool {
        if self.courtesy.has_left_somebody(asking.now) && !self.is_anybody_waiting() {
            self.courtesy.none_left();
            return false;
        }
        let has_room =
            |door: &Door| queue(door.listener.as_fd()).is_some_and(|queue| queue.length <= queue.most / OUTSIDE);
        self.courtesy.is_our_turn(asking, || self.doors.iter().filter(|door| door.is_pending).all(has_room))
    }

    /// Accepts one, from each listener in turn.
    pub(super) fn accept(&mut self, context: &Context) -> Knock {
        if !self.may_accept(context) {
            return Knock::Nobody;
        }
        self.accept_at = 0;
        let mut after = (1..=self.doors.len()).map(|step| (self.last + step) % self.doors.len());
        let Some(index) = after.find(|&index| self.doors[index].is_pending) else { return Knock::Nobody };
        self.last = index;
        let door = &mut self.doors[index];
        match context.trap.call(Call::Accept, || door.listener.accept()) {
            Ok((socket, peer)) => {
                self.full_until = None;
                self.courtesy.let_in(context.turn_began());
                Knock::Client(socket, peer, door.local.clone())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                door.is_pending = false;
                if !self.is_any_pending() {
                    self.courtesy.none_left();
                }
                Knock::Failed
            }
            // The client has left already, or a signal came.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {
                Knock::Failed
            }
            Err(error) => {
                // In nearly all cases it is the same again, ten times a second.
                if context.may_name("ulimit -n") {
                    tracing::warn!(%error, "connections can't be accepted; trying again in a moment");
                }
                self.accept_at = context.clock.after(PAUSE);
                Knock::Nobody
            }
        }
    }

    /// Nobody is let in any more.
    pub(super) fn close(&mut self, registry: &Registry) {
        for door in &mut self.doors {
            // It is closed a moment later anyway; the poll forgets it then.
            let _ = door.listener.deregister(registry);
        }
        self.doors.clear();
    }
}
