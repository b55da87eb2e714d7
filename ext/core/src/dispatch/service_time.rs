//! How long one request may compute before others of its group share the GVL with it.
//!
//! Where requests are alike, each is to have its turn: five of 45 ms that take turns every 100 ms are all done when the last is,
//! and what they have made lives so long that Ruby takes it for old, and collects all of its memory again and again. Where
//! one computes for much longer than the others do, these are not to wait for it.

use std::time::Duration;

use super::tuning::{LONGEST_SLICE, SLICE, WEIGHT};
use crate::sync::{AtomicU64, Ordering};

/// So many times the average.
const TIMES: u64 = 4;

/// What is known of a group's requests. Told by one at a time, and nearly right where it isn't.
#[derive(Debug, Default)]
pub(super) struct ServiceTime {
    /// How long they compute on average, in microseconds, times [`WEIGHT`].
    average: AtomicU64,
}

impl ServiceTime {
    /// For how long one may compute.
    pub(super) fn slice(&self) -> Duration {
        let average = self.average.load(Ordering::Relaxed) / WEIGHT;
        Duration::from_micros(average * TIMES).clamp(SLICE, LONGEST_SLICE)
    }

    /// One has computed for that time: nothing, where nobody has noticed.
    pub(super) fn learn(&self, took: Duration) {
        let average = self.average.load(Ordering::Relaxed);
        if average > 0 || !took.is_zero() {
            let took = took.min(LONGEST_SLICE).as_micros() as u64;
            self.average.store(average - average.div_ceil(WEIGHT) + took, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slice after so many times these, of which each is noticed to take no longer than it may.
    fn slice_after(times: u32, requests: &[u64]) -> Duration {
        let service = ServiceTime::default();
        for _ in 0..times {
            requests.iter().for_each(|&one| service.learn(Duration::from_millis(one).min(service.slice())));
        }
        service.slice()
    }

    #[test]
    fn requests_that_are_alike_have_their_turns() {
        let slice = slice_after(200, &[45]);
        assert!(slice > Duration::from_millis(170) && slice <= Duration::from_millis(180), "{slice:?}");
        assert_eq!(slice_after(1000, &[150]), LONGEST_SLICE);
        assert_eq!(slice_after(100_000, &[3000]), LONGEST_SLICE);
    }

    #[test]
    fn few_long_ones_do_not_hold_up_the_others() {
        assert_eq!(slice_after(0, &[]), SLICE);
        assert_eq!(slice_after(1000, &[0, 0, 0, 0, 0, 9000]), SLICE);
        assert_eq!(slice_after(1000, &[5, 5, 5, 5, 5, 5, 5, 5, 5, 9000]), SLICE);
    }

    #[test]
    fn what_was_long_is_forgotten() {
        let service = ServiceTime::default();
        (0..1000).for_each(|_| service.learn(LONGEST_SLICE));
        (0..1000).for_each(|_| service.learn(Duration::ZERO));
        assert_eq!((service.slice(), service.average.load(Ordering::Relaxed)), (SLICE, 0));
    }
}
