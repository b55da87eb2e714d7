//! Whether requests are taken: what a load balancer asks.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What is known of that. Whoever polls looks, nobody locks anything, and any thread may ask.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    /// Some worker has come for requests: the app is booted.
    has_workers: AtomicBool,
    waiting: AtomicUsize,
    /// How many requests workers had taken at the last look.
    taken: AtomicU64,
    /// The last look at which nobody waited, or some had been taken since the one before, in the clock's milliseconds.
    since: AtomicU64,
}

impl Readiness {
    /// A worker comes for requests. True for the first.
    pub(crate) fn has_worker(&self) -> bool {
        !self.has_workers.load(Relaxed) && !self.has_workers.swap(true, Relaxed)
    }

    /// Whether one has.
    pub(super) fn is_booted(&self) -> bool {
        self.has_workers.load(Relaxed)
    }

    /// After a turn: so many wait, `have_all_come` in this very turn, and workers have taken so many since the start.
    pub(super) fn look(&self, now: u64, waiting: usize, have_all_come: bool, taken: u64) {
        if waiting == 0 || have_all_come || taken != self.taken.load(Relaxed) {
            self.taken.store(taken, Relaxed);
            self.since.store(now, Relaxed);
        }
        self.waiting.store(waiting, Relaxed);
    }

    /// For how many milliseconds some have waited while none was taken.
    pub(super) fn unserved(&self, now: u64, taken: u64) -> u64 {
        if self.waiting.load(Relaxed) == 0 || taken != self.taken.load(Relaxed) {
            return 0;
        }
        now.saturating_sub(self.since.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_from_the_last_time_that_nobody_waited_or_one_was_taken() {
        let readiness = Readiness::default();
        assert!(!readiness.is_booted());
        assert!(readiness.has_worker() && !readiness.has_worker());
        assert!(readiness.is_booted());
        readiness.look(100, 0, true, 5);
        assert_eq!(readiness.unserved(9_000, 5), 0);
        readiness.look(9_000, 2, true, 5);
        assert_eq!(readiness.unserved(9_000, 5), 0, "they have just come");
        readiness.look(9_400, 3, false, 5);
        assert_eq!((readiness.unserved(9_500, 5), readiness.unserved(9_500, 6)), (500, 0));
        readiness.look(9_600, 2, false, 6);
        assert_eq!(readiness.unserved(9_700, 6), 100);
        readiness.look(9_800, 0, false, 6);
        assert_eq!(readiness.unserved(10_700, 6), 0);
    }
}
