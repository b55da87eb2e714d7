//! Deadlines of many connections, cheap to move: a request that comes in time never touches the heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::sync::{AtomicU64, Instant, Ordering};

/// "At no time."
pub const NEVER: u64 = u64::MAX;

/// Milliseconds since the engine started.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    /// What a test has put it forward by.
    #[cfg(any(test, feature = "simulation"))]
    skipped: std::sync::Arc<AtomicU64>,
    /// It goes on only when a test puts it forward.
    #[cfg(any(test, feature = "simulation"))]
    is_still: bool,
}

impl Clock {
    /// A clock that stands at zero.
    pub fn start() -> Clock {
        Clock {
            start: Instant::now(),
            #[cfg(any(test, feature = "simulation"))]
            skipped: std::sync::Arc::default(),
            #[cfg(any(test, feature = "simulation"))]
            is_still: false,
        }
    }

    /// One that stands at zero until it is put forward.
    #[cfg(any(test, feature = "simulation"))]
    pub fn still() -> Clock {
        Clock { is_still: true, ..Clock::start() }
    }

    /// Now, in milliseconds.
    pub fn now(&self) -> u64 {
        self.micros() / 1000
    }

    /// Now, in microseconds.
    pub fn micros(&self) -> u64 {
        let now = self.start.elapsed().as_micros() as u64;
        #[cfg(any(test, feature = "simulation"))]
        let now = if self.is_still { 0 } else { now } + self.skipped.load(Ordering::SeqCst) * 1000;
        now
    }

    /// Puts it forward.
    #[cfg(any(test, feature = "simulation"))]
    pub fn skip(&self, time: Duration) {
        self.skipped.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }

    /// The time `wait` from now, in milliseconds.
    pub fn after(&self, wait: Duration) -> u64 {
        self.now().saturating_add(wait.as_millis() as u64)
    }
}

/// Microseconds since it was made.
#[derive(Clone, Copy, Debug)]
pub struct Micros {
    start: Instant,
}

impl Default for Micros {
    fn default() -> Self {
        Micros { start: Instant::now() }
    }
}

impl Micros {
    /// One that says the same as that clock.
    pub fn of(clock: &Clock) -> Micros {
        Micros { start: clock.start }
    }

    /// Now, in microseconds.
    pub fn now(self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }
}

/// One connection's deadline. It moves with a store; the heap hears of it only when it must wake up earlier than it
/// would anyway.
///
/// `due` is when it runs out, `scheduled` the time of the heap's entry for it. An entry that comes up before `due` is
/// put back, so what must hold is `scheduled <= due`. Two sides write them, each its own first and then looks at the
/// other's (sequentially consistent), so that at least one sees when it does not hold.
#[derive(Debug)]
pub struct Deadline {
    due: AtomicU64,
    scheduled: AtomicU64,
}

impl Default for Deadline {
    fn default() -> Self {
        Deadline { due: AtomicU64::new(NEVER), scheduled: AtomicU64::new(NEVER) }
    }
}

impl Deadline {
    /// Moves the deadline; true when the heap must hear of it ([`Deadlines::schedule`]).
    #[must_use]
    pub fn set(&self, due: u64) -> bool {
        self.due.store(due, Ordering::SeqCst);
        self.is_early()
    }

    /// Whether it runs out before its entry comes up, so that the heap must hear of it.
    pub fn is_early(&self) -> bool {
        self.due() < self.scheduled.load(Ordering::SeqCst)
    }

    /// Takes the deadline off. Its entry, if there is one, comes up and is dropped.
    pub fn clear(&self) {
        self.due.store(NEVER, Ordering::SeqCst);
    }

    /// When it runs out, [`NEVER`] for none.
    pub fn due(&self) -> u64 {
        self.due.load(Ordering::SeqCst)
    }
}

/// The heap of entries, owned by the poll side.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Deadlines {
    /// Sees to it that `deadline`, the one of connection `key`, is looked at in time.
    pub fn schedule(&mut self, key: usize, deadline: &Deadline) {
        let due = deadline.due();
        if due < deadline.scheduled.load(Ordering::SeqCst) {
            deadline.scheduled.store(due, Ordering::SeqCst);
            self.heap.push(Reverse((due, key)));
        }
    }

    /// When the next entry comes up, [`NEVER`] when there is none.
    pub fn next(&self) -> u64 {
        self.heap.peek().map_or(NEVER, |Reverse((at, _))| *at)
    }

    /// Takes the next entry that has come up: its connection and its time, for [`Deadlines::is_over`].
    pub fn pop(&mut self, now: u64) -> Option<(usize, u64)> {
        let Reverse((at, key)) = *self.heap.peek()?;
        if at > now {
            return None;
        }
        self.heap.pop();
        Some((key, at))
    }

    /// Whether the deadline of connection `key`, whose entry of time `at` has come up, is over; if it has moved, it is
    /// scheduled again.
    pub fn is_over(&mut self, key: usize, at: u64, deadline: &Deadline, now: u64) -> bool {
        if deadline.scheduled.load(Ordering::SeqCst) != at {
            return false; // an entry that an earlier one has replaced, or of a connection that had this key before
        }
        deadline.scheduled.store(NEVER, Ordering::SeqCst);
        let over = deadline.due() <= now;
        if !over {
            self.schedule(key, deadline);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(deadlines: &mut Deadlines, deadline: &Deadline, now: u64) -> bool {
        let mut over = false;
        while let Some((key, at)) = deadlines.pop(now) {
            over |= deadlines.is_over(key, at, deadline, now);
        }
        over
    }

    #[test]
    fn one_that_moves_back_costs_no_entry() {
        let (mut deadlines, deadline) = (Deadlines::default(), Deadline::default());
        assert!(deadline.set(10));
        deadlines.schedule(1, &deadline);
        for due in 11..100 {
            assert!(!deadline.set(due));
        }
        assert_eq!((deadlines.heap.len(), deadlines.next()), (1, 10));
        assert!(!over(&mut deadlines, &deadline, 50));
        assert_eq!(deadlines.next(), 99);
        assert!(over(&mut deadlines, &deadline, 99));
        assert_eq!(deadlines.next(), NEVER);
    }

    #[test]
    fn one_that_moves_forward_comes_up_in_time_and_once() {
        let (mut deadlines, deadline) = (Deadlines::default(), Deadline::default());
        assert!(deadline.set(100));
        deadlines.schedule(1, &deadline);
        assert!(deadline.set(20));
        deadlines.schedule(1, &deadline);
        assert_eq!(deadlines.next(), 20);
        assert!(over(&mut deadlines, &deadline, 20));
        deadline.clear();
        assert!(!over(&mut deadlines, &deadline, 200));
    }

    #[test]
    fn a_cleared_one_is_never_over_and_can_be_set_again() {
        let (mut deadlines, deadline) = (Deadlines::default(), Deadline::default());
        assert!(deadline.set(10));
        deadlines.schedule(1, &deadline);
        deadline.clear();
        assert!(!over(&mut deadlines, &deadline, 1000));
        assert!(deadline.set(2000), "its entry is gone, so the heap must hear of the new one");
    }
}
