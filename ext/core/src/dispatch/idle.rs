//! Workers that have nothing to do, and how many of them a batch of requests wakes.
//!
//! Waking one costs about as much as serving a plain request does. So while requests take next to no time, the one who leads
//! serves a small batch alone; as soon as one of them took long, every request has a worker woken for it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use parking_lot::Mutex;

/// A request that took longer is a reason to wake others for the next ones.
const QUICK: Duration = Duration::from_micros(50);
/// For so many requests after a slow one.
const MEMORY: u32 = 64;
/// So many requests are a batch worth sharing even when each is quick. (At 8, two ractors took 5 % more CPU a request.)
const BATCH: usize = 24;

/// Workers that wait to be woken.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// The one that came last is woken first: its memory is still warm.
    waiting: Mutex<Vec<Sender<()>>>,
    count: AtomicUsize,
    /// While above zero, requests are expected to take long.
    slow_expected: AtomicU32,
}

impl Idle {
    /// A worker waits from now on, at the other end of `bell`. It has to look for work once more after this.
    pub(super) fn enter(&self, bell: &Sender<()>) {
        let mut waiting = self.waiting.lock();
        waiting.push(bell.clone());
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    /// It waits no more.
    pub(super) fn leave(&self, bell: &Sender<()>) {
        let mut waiting = self.waiting.lock();
        waiting.retain(|other| !other.same_channel(bell));
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
            // Full: it has been rung already, and is on its way.
            let _ = bell.try_send(());
        }
        self.count.store(waiting.len(), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded};

    use super::*;

    fn waiting(number: usize) -> (Idle, Vec<Receiver<()>>) {
        let idle = Idle::default();
        let mut bells = Vec::new();
        for _ in 0..number {
            let (bell, rung) = bounded(1);
            idle.enter(&bell);
            bells.push(rung);
        }
        (idle, bells)
    }

    fn rung(bells: &[Receiver<()>]) -> usize {
        bells.iter().filter(|bell| bell.try_recv().is_ok()).count()
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
        let (bell, rung) = bounded(1);
        idle.enter(&bell);
        idle.leave(&bell);
        idle.wake(5);
        assert!(rung.try_recv().is_err());
    }
}
