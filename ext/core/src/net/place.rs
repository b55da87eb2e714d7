//! This process's place on the scoreboard, as its engine keeps it, and which of its clients it sends elsewhere.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::courtesy::Asking;
use super::deadlines::Clock;
use crate::scoreboard::{self, Slot, State};
use crate::siblings::{Load, Siblings};
use crate::sync::Mutex;

/// For so many milliseconds no worker must have been free before clients are sent elsewhere,
const PRESSED: u64 = 30;
/// one in so many.
const PAUSE: u64 = 10;

/// What the engine does of which others know.
#[derive(Debug)]
pub(crate) struct Place {
    siblings: Siblings,
    /// What the board's time is ahead of the engine's.
    ahead: u64,
    /// The next connection that may be ended is to be.
    is_one_due: AtomicBool,
    /// The next one is not before, in the engine's milliseconds.
    not_before: AtomicU64,
    /// Closed, it ends the heart.
    heart: Mutex<Option<UnixStream>>,
}

impl Place {
    pub(super) fn new(siblings: Siblings, clock: &Clock) -> Place {
        let place = Place {
            siblings,
            ahead: scoreboard::now().saturating_sub(clock.now()),
            is_one_due: AtomicBool::new(false),
            not_before: AtomicU64::new(0),
            heart: Mutex::default(),
        };
        place.slot().free.store(place.time(clock.now()), Relaxed);
        place
    }

    /// Its memory.
    pub(crate) fn slot(&self) -> &'static Slot {
        self.siblings.own()
    }

    /// The others.
    pub(crate) fn siblings(&self) -> &Siblings {
        &self.siblings
    }

    /// The board's time.
    pub(crate) fn time(&self, now: u64) -> u64 {
        self.ahead + now
    }

    /// Has the heart end when `end` is closed.
    pub(crate) fn end_heart_with(&self, end: UnixStream) {
        *self.heart.lock() = Some(end);
    }

    /// The engine is over.
    pub(super) fn end_heart(&self) {
        self.heart.lock().take();
    }

    /// A turn begins.
    pub(super) fn begin_turn(&self, now: u64) {
        self.slot().turn.store(self.time(now), Relaxed);
    }

    /// The poll is about to block.
    pub(super) fn fall_asleep(&self) {
        self.slot().is_asleep.store(1, Relaxed);
    }

    /// It does no more; a worker that had nothing else to do has waited there, or somebody in the place of workers.
    pub(super) fn awake(&self, now: u64, by_free_worker: bool) {
        self.slot().is_asleep.store(0, Relaxed);
        if by_free_worker {
            self.slot().free.store(self.time(now), Relaxed);
        }
    }

    /// A worker has begun with a request.
    pub(super) fn begin(&self) {
        self.slot().running.fetch_add(1, Relaxed);
    }

    /// A worker has nothing to do with it any more.
    pub(super) fn end(&self) {
        self.slot().running.fetch_sub(1, Relaxed);
    }

    /// So many requests wait for a worker.
    pub(super) fn tell_waiting(&self, requests: usize) {
        let waiting = &self.slot().waiting;
        if waiting.load(Relaxed) as usize != requests {
            waiting.store(requests as u32, Relaxed);
        }
    }

    /// So many connections are open.
    pub(super) fn tell_connections(&self, connections: usize) {
        self.slot().connections.store(connections as u32, Relaxed);
    }

    /// The engine is about to end.
    pub(super) fn leave(&self) {
        self.slot().set_state(State::Draining);
    }

    /// What letting somebody in depends on; `ready` requests have come in this turn.
    pub(super) fn asking(&self, now: u64, connections: usize, ready: usize, is_covered: bool) -> Asking<'_> {
        let own = self.load(connections, ready);
        let is_busy = is_covered || ready > 0 || self.slot().waiting.load(Relaxed) > 0;
        Asking { siblings: &self.siblings, now, shared_now: self.time(now), own, is_busy }
    }

    /// At the end of a turn: whether it is time that a client goes elsewhere, since all workers have been busy for long, and
    /// another process is better off.
    pub(super) fn look_around(&self, now: u64, connections: usize, ready: usize) {
        let own = self.load(connections, ready);
        let shared_now = self.time(now);
        let is_pressed = shared_now.saturating_sub(self.slot().free.load(Relaxed)) >= PRESSED;
        let waits = ready > 0 || self.slot().waiting.load(Relaxed) > 0;
        let is_due = is_pressed
            && waits
            && connections > 1
            && now >= self.not_before.load(Relaxed)
            && self.siblings.is_any_better_off(shared_now, own);
        self.is_one_due.store(is_due, Relaxed);
    }

    /// Whether the connection that is about to be answered is the one that is to end. True once for each time.
    pub(super) fn sheds(&self, now: impl FnOnce() -> u64) -> bool {
        let is_this = self.is_one_due.load(Relaxed) && self.is_one_due.swap(false, Relaxed);
        if is_this {
            self.not_before.store(now() + PAUSE, Relaxed);
        }
        is_this
    }

    fn load(&self, connections: usize, ready: usize) -> Load {
        let slot = self.slot();
        let requests = slot.running.load(Relaxed).saturating_add(slot.waiting.load(Relaxed));
        Load { requests: requests.saturating_add(ready as u32), connections: connections as u32 }
    }
}
