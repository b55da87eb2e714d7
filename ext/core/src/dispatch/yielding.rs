//! Whether a leader with nothing to do lets others have its processor once, before it falls asleep.
//!
//! Where processes share processors with each other and with who asks them, none of them is busy all the time, and each request or
//! two ends a sleep. Who is about to ask mostly runs on the same processor, or wants to: when it has had its turn, there is work, and
//! nobody had to be put to sleep and woken for it. Where somebody computes there for long, or nobody asks, it is of no use, and tried
//! more and more seldom.

use std::time::Duration;

use super::tuning::{LONGEST_ABSENCE, MOST_PASSED};
use crate::sync::{AtomicU32, Ordering};

/// What has come of it lately. Whoever leads asks and tells, so one at a time.
#[derive(Debug, Default)]
pub(super) struct Yielding {
    /// So many times it is not tried.
    left: AtomicU32,
    /// So many times it is not when it has been of no use again.
    pause: AtomicU32,
}

impl Yielding {
    /// Whether it is to be tried now.
    pub(super) fn is_due(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left > 0 {
            self.left.store(left - 1, Ordering::Relaxed);
        }
        left == 0
    }

    /// What has come of it: for how long others had the processor, and whether there was work then.
    pub(super) fn tell(&self, absence: Duration, has_brought_work: bool) {
        let is_of_use = has_brought_work && absence < LONGEST_ABSENCE;
        let before = self.pause.load(Ordering::Relaxed);
        let pause = if is_of_use { 0 } else { (before * 2).clamp(1, MOST_PASSED) };
        self.pause.store(pause, Ordering::Relaxed);
        self.left.store(pause, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_micros(20);

    /// How often of so many times it is tried, with that outcome.
    fn tries(yielding: &Yielding, times: u32, absence: Duration, has_brought_work: bool) -> usize {
        let tried = (0..times).filter(|_| {
            let is_due = yielding.is_due();
            if is_due {
                yielding.tell(absence, has_brought_work);
            }
            is_due
        });
        tried.count()
    }

    #[test]
    fn it_is_tried_each_time_while_it_brings_work() {
        assert_eq!(tries(&Yielding::default(), 1000, SOON, true), 1000);
    }

    #[test]
    fn it_is_tried_more_and_more_seldom_while_it_brings_none_and_each_time_once_it_does() {
        let yielding = Yielding::default();
        assert_eq!(tries(&yielding, 2 * MOST_PASSED, SOON, false), MOST_PASSED.ilog2() as usize + 1);
        assert_eq!(tries(&yielding, 100 * (MOST_PASSED + 1), SOON, false), 100);

        tries(&yielding, MOST_PASSED + 1, SOON, true);
        assert_eq!(tries(&yielding, 100, SOON, true), 100);
    }

    #[test]
    fn it_is_of_no_use_where_others_keep_the_processor_for_long() {
        let yielding = Yielding::default();
        assert!(tries(&yielding, 100, LONGEST_ABSENCE, true) < 8);
    }
}
