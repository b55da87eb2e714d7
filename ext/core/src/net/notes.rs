//! Connections that the poll side should look at without an event.

use crate::sync::{AtomicBool, Mutex, Ordering};

/// Left by whoever gives a connection back, found by the next turn. A note wakes the poll only when somebody sleeps in it: the
/// sleeper says so first and looks for notes after, the other side notes first and looks for the sleeper after, so one of them
/// sees the other.
#[derive(Debug, Default)]
pub(super) struct Notes {
    keys: Mutex<Vec<usize>>,
    /// Somebody is blocked in the poll, or about to be.
    sleeping: AtomicBool,
}

impl Notes {
    /// Leaves one: true when the poll has to be woken for it.
    #[must_use]
    pub(super) fn leave(&self, key: usize) -> bool {
        self.keys.lock().push(key);
        self.sleeping.load(Ordering::SeqCst)
    }

    /// Says that a poll is about to block. False when there are notes: then it must not, and has not been said.
    pub(super) fn fall_asleep(&self) -> bool {
        self.sleeping.store(true, Ordering::SeqCst);
        let quiet = self.keys.lock().is_empty();
        if !quiet {
            self.awake();
        }
        quiet
    }

    /// Ends what [`Notes::fall_asleep`] began.
    pub(super) fn awake(&self) {
        self.sleeping.store(false, Ordering::SeqCst);
    }

    /// Whether one about that connection has been left and not taken.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn has(&self, key: usize) -> bool {
        self.keys.lock().contains(&key)
    }

    /// Takes all of them.
    pub(super) fn take(&self, into: &mut Vec<usize>) {
        into.append(&mut self.keys.lock());
    }
}
