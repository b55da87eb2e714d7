//! What both sides of a connection share: whoever polls, and whoever serves a request.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use mio::Waker;
use parking_lot::Mutex;

use super::deadlines::Clock;
use crate::config::Config;
use crate::stats::Stats;

/// What an engine is doing.
///
/// ```text
///   Running --drain()--> Draining --no connection is left--> Over
///       \-------------------stop()-----------------------/
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It accepts connections and hands out requests.
    Running = 0,
    /// It accepts no more; requests that have begun are finished.
    Draining = 1,
    /// It hands out nothing any more.
    Over = 2,
}

/// Settings, counters and the way to be heard by whoever polls.
#[derive(Debug)]
pub struct Context {
    /// The settings.
    pub config: Config,
    /// The counters.
    pub stats: Stats,
    /// The time that deadlines go by.
    pub clock: Clock,
    phase: AtomicU8,
    /// Gone with the poller, so that whatever outlives it holds no descriptor.
    waker: Mutex<Option<Waker>>,
    /// Connections that the poll side should look at without waiting for an event.
    notes: Mutex<Vec<usize>>,
    /// Somebody is blocked in the poll, or about to be.
    sleeping: AtomicBool,
}

impl Context {
    pub(super) fn new(config: Config, waker: Waker) -> Context {
        Context {
            config,
            stats: Stats::default(),
            clock: Clock::start(),
            phase: AtomicU8::new(Phase::Running as u8),
            waker: Mutex::new(Some(waker)),
            notes: Mutex::default(),
            sleeping: AtomicBool::new(false),
        }
    }

    /// What the engine is doing.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Over,
        }
    }

    /// Goes on to a later phase; never back to an earlier one.
    pub fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        self.wake();
    }

    /// Whether answers may keep their connection open.
    pub fn keeps_alive(&self) -> bool {
        self.phase() == Phase::Running
    }

    /// Ends the current poll, or the next one.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.lock()
            && let Err(error) = waker.wake()
        {
            tracing::error!(%error, "the poll can't be woken");
        }
    }

    /// There is no poll any more.
    pub(crate) fn close_waker(&self) {
        self.waker.lock().take();
    }

    /// Asks the poll side to look at a connection.
    pub(super) fn note(&self, key: usize) {
        self.notes.lock().push(key);
        if self.sleeping.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Says that a poll is about to block. False when there are notes: then it must not, and has not been said.
    pub(super) fn fall_asleep(&self) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        // Looked at only after the store: a note that was not here yet finds `sleeping` set, and wakes the poll.
        let quiet = self.notes.lock().is_empty();
        if !quiet {
            self.awake();
        }
        quiet
    }

    pub(super) fn awake(&self) {
        self.sleeping.store(false, Ordering::SeqCst);
    }

    pub(super) fn take_notes(&self, into: &mut Vec<usize>) {
        into.append(&mut self.notes.lock());
    }
}
