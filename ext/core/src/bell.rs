//! Waking threads that wait.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::{AtomicBool, Condvar, Mutex, Ordering};

/// What one thread waits at and others ring. A ring before the wait ends the wait at once, so whoever looks for a reason
/// to wait no longer, and waits after that, misses nothing; several rings are one.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    is_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// Wakes whoever waits, or will.
    pub(crate) fn ring(&self) {
        *self.is_rung.lock() = true;
        self.rung.notify_one();
    }

    /// Waits for a ring, for `limit` at most (`None`: for as long as it takes), and uses it up. It may also return for no
    /// reason: the caller looks why it was woken, and waits again.
    pub(crate) fn wait(&self, limit: Option<Duration>) {
        let mut is_rung = self.is_rung.lock();
        if !*is_rung {
            match limit {
                None => self.rung.wait(&mut is_rung),
                Some(limit) => {
                    self.rung.wait_for(&mut is_rung, limit);
                }
            }
        }
        *is_rung = false;
    }

    /// Whether a wait would end at once; uses the ring up.
    #[cfg(test)]
    pub(crate) fn was_rung(&self) -> bool {
        std::mem::take(&mut *self.is_rung.lock())
    }
}

/// The bells of all who wait for the same.
#[derive(Debug, Default)]
pub(crate) struct Bells(Mutex<Vec<Arc<Bell>>>);

impl Bells {
    /// Rings `bell` from now on, too. Whoever waits at it has to look once more after this.
    pub(crate) fn enter(&self, bell: &Arc<Bell>) {
        self.0.lock().push(bell.clone());
    }

    /// Ends what [`Bells::enter`] began.
    pub(crate) fn leave(&self, bell: &Arc<Bell>) {
        self.0.lock().retain(|other| !Arc::ptr_eq(other, bell));
    }

    /// Wakes all of them.
    pub(crate) fn ring(&self) {
        self.0.lock().iter().for_each(|bell| bell.ring());
    }
}

/// What comes once, and those who wait for nothing else.
#[derive(Debug, Default)]
pub(crate) struct End {
    has_come: AtomicBool,
    pub(crate) waiting: Bells,
}

impl End {
    /// It has come from now on.
    pub(crate) fn come(&self) {
        self.has_come.store(true, Ordering::SeqCst);
        self.waiting.ring();
    }

    /// Whether it has.
    pub(crate) fn has_come(&self) -> bool {
        self.has_come.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_heard_by_this_wait_or_the_next_and_once() {
        let bell = Arc::new(Bell::default());
        bell.ring();
        bell.ring();
        bell.wait(None);
        bell.wait(Some(Duration::from_millis(1)));
        let other = bell.clone();
        let ringer = std::thread::spawn(move || other.ring());
        bell.wait(None);
        ringer.join().unwrap();
    }
}
