//! Workers that have nothing to do, and how many of them a batch of requests wakes.
//!
//! Waking one costs about as much as serving a plain request does. So while requests take next to no time, the one who leads
//! serves a small batch alone; as soon as one of them took long, every request has a worker woken for it.

use std::sync::Arc;
use std::time::Duration;

use super::tuning::{BATCH, MEMORY, QUICK};
use crate::bell::Bell;
use crate::sync::{AtomicU32, AtomicUsize, Mutex, Ordering};

/// Workers that wait to be woken.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// The one that came last is woken first: its memory is still warm.
    waiting: Mutex<Vec<Arc<Bell>>>,
    count: AtomicUsize,
    /// While above zero, requests are expected to take long.
    slow_expected: AtomicU32,
}

impl Idle {
    /// A worker waits from now on, at `bell`. It has to look for work once more after this.
    pub(super) fn enter(&self, bell: &Arc<Bell>) {
        let mut waiting = self.waiting.lock();
        waiting.push(bell.clone());
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    /// It waits no more.
    pub(super) fn leave(&self, bell: &Arc<Bell>) {
        let mut waiting = self.waiting.lock();
        waiting.retain(|other| !Arc::ptr_eq(other, bell));
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    /// A request has been served, in that time.
    pub(super) fn served(&self, time: Duration) {
        if time > QUICK {
            self.slow_expected.store(MEMORY, Ordering::Relaxed);
        } else if let expected @ 1.. = self.slow_expected.load(Ordering::Relaxed) {
            self.slow_expected.store(expected - 1, Ordering::Relaxed);
        }
    }

    /// Whether requests are expected to take long.
    pub(super) fn is_slow(&self) -> bool {
        self.slow_expected.load(Ordering::Relaxed) > 0
    }

    /// Wakes those that `ready` requests are worth, which nobody is about to take.
    pub(super) fn share(&self, ready: usize) {
        if ready == 0 || self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        if self.is_slow() {
            self.wake(ready);
        } else if ready >= BATCH {
            self.wake(1);
        }
    }

    /// Wakes as many, if there are so many.
    pub(super) fn wake(&self, number: usize) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut waiting = self.waiting.lock();
        for _ in 0..number {
            let Some(bell) = waiting.pop() else { break };
            bell.ring();
        }
        self.count.store(waiting.len(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: usize) -> (Idle, Vec<Arc<Bell>>) {
        let idle = Idle::default();
        let bells = Vec::from_iter((0..number).map(|_| Arc::default()));
        bells.iter().for_each(|bell| idle.enter(bell));
        (idle, bells)
    }

    fn rung(bells: &[Arc<Bell>]) -> usize {
        bells.iter().filter(|bell| bell.was_rung()).count()
    }

    #[test]
    fn quick_requests_wake_nobody_until_they_are_many() {
        let (idle, bells) = waiting(3);
        idle.share(BATCH - 1);
        assert_eq!(rung(&bells), 0);
        idle.share(BATCH);
        assert_eq!(rung(&bells), 1);
    }

    #[test]
    fn after_a_slow_one_each_request_wakes_one_for_a_while() {
        let (idle, bells) = waiting(3);
        idle.served(QUICK * 2);
        idle.share(2);
        assert_eq!(rung(&bells), 2);
        for _ in 0..MEMORY {
            assert!(idle.is_slow());
            idle.served(QUICK / 2);
        }
        idle.share(2);
        assert_eq!(rung(&bells), 0);
    }

    #[test]
    fn who_has_left_is_not_woken() {
        let idle = Idle::default();
        let bell = Arc::default();
        idle.enter(&bell);
        idle.leave(&bell);
        idle.wake(5);
        assert!(!bell.was_rung());
    }
}
