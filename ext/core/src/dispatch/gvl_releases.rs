//! How long a group's GVL is given up in the middle of requests: what of that is expected next.
//!
//! Learned only from releases that cost nobody the token, and only from the time in which nobody of the group had the GVL or
//! wanted it. Once it is passed on at once, two workers take turns at the GVL and at the processors, and a release takes long because
//! it is expected to; and while others compute, it may be they that it waits for.

use super::tuning::{LONGEST_PAUSE, LOSS, MOST, PAUSE, STEADY, WORTH};
use crate::sync::{AtomicU64, Mutex, Ordering};

/// ```text
///   Short --too much is lost--> Long
///     ^------ pause is over -----/
/// ```
#[derive(Debug)]
pub(super) struct GvlReleases {
    state: Mutex<State>,
    /// When the one began that is measured now, in microseconds; [`NONE`] where none is.
    measured: AtomicU64,
}

#[derive(Debug)]
struct State {
    expected: Expected,
    pause: u32,
}

#[derive(Debug)]
enum Expected {
    /// What may still be lost by keeping the token, in microseconds, and how many there have been in a row.
    Short { left: u64, run: u32 },
    /// For so many more.
    Long(u32),
}

const UNKNOWN: Expected = Expected::Short { left: LOSS, run: 0 };
const NONE: u64 = u64::MAX;

impl Default for GvlReleases {
    fn default() -> Self {
        let state = Mutex::new(State { expected: UNKNOWN, pause: PAUSE });
        GvlReleases { state, measured: AtomicU64::new(NONE) }
    }
}

impl GvlReleases {
    /// One begins: whether it is expected to be short.
    pub(super) fn are_short(&self) -> bool {
        let mut state = self.state.lock();
        match &mut state.expected {
            Expected::Short { .. } => true,
            Expected::Long(left @ 1..) => {
                *left -= 1;
                false
            }
            Expected::Long(0) => {
                state.expected = UNKNOWN;
                true
            }
        }
    }

    /// It is measured from now on, in microseconds: until it ends, or somebody else of the group wants the GVL.
    pub(super) fn measure(&self, now: u64) {
        self.measured.store(now, Ordering::SeqCst);
    }

    /// Ends what is measured, if anything is.
    pub(super) fn end(&self, now: impl FnOnce() -> u64) {
        if self.measured.load(Ordering::SeqCst) != NONE {
            let began = self.measured.swap(NONE, Ordering::SeqCst);
            if began != NONE {
                self.state.lock().learn(now().saturating_sub(began));
            }
        }
    }
}

impl State {
    /// For one that was expected to be short, nobody had the GVL for that time, in microseconds.
    fn learn(&mut self, lost: u64) {
        // Otherwise another of the group has ended meanwhile, and was long.
        if let Expected::Short { left, run } = &mut self.expected {
            *run = run.saturating_add(1);
            *left = (*left + WORTH).saturating_sub(lost.min(MOST)).min(LOSS);
            if *left == 0 {
                let was_right = *run > STEADY;
                self.pause = if was_right { PAUSE } else { (self.pause * 2).min(LONGEST_PAUSE) };
                self.expected = Expected::Long(self.pause);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // All in microseconds.
    const LONG: u64 = 5000;
    const SHORT: u64 = 10;

    /// How many of `number` are expected to be short, when all take that long.
    fn short_ones(releases: &GvlReleases, number: u32, took: u64) -> u32 {
        let begun = (0..number).filter(|_| releases.are_short());
        begun
            .inspect(|_| {
                releases.measure(7);
                releases.end(|| 7 + took);
                releases.end(|| unreachable!("it has ended"));
            })
            .count() as u32
    }

    #[test]
    fn long_ones_are_tried_more_and_more_seldom() {
        let releases = GvlReleases::default();
        assert_eq!(short_ones(&releases, 3, LONG), 3);
        assert_eq!(short_ones(&releases, PAUSE * 2 + 3, LONG), 3);
        let few = short_ones(&releases, 100_000, LONG);
        assert!(few <= 3 * (100_000 / LONGEST_PAUSE + 6), "{few}");
    }

    #[test]
    fn those_of_a_quick_database_are_found_long_soon() {
        let releases = GvlReleases::default();
        let kept = short_ones(&releases, PAUSE, 1000);
        assert!((4..=6).contains(&kept), "{kept}");
    }

    #[test]
    fn short_ones_are_found_again_soon() {
        let releases = GvlReleases::default();
        short_ones(&releases, STEADY, SHORT);
        assert_eq!(short_ones(&releases, 4, LONG), 3);
        assert_eq!(short_ones(&releases, PAUSE - 1, SHORT), 0);
        assert_eq!(short_ones(&releases, 1000, SHORT), 1000);
    }

    #[test]
    fn exceptions_change_nothing() {
        let releases = GvlReleases::default();
        for _ in 0..1000 {
            assert_eq!(short_ones(&releases, 50, SHORT), 50);
            assert_eq!(short_ones(&releases, 1, 1000), 1);
        }
    }

    /// Pages that look at their database 50 times, beside other processes: a thread is stopped for milliseconds now and then.
    #[test]
    fn what_is_little_beside_what_is_saved_changes_nothing() {
        let releases = GvlReleases::default();
        for _ in 0..1000 {
            assert_eq!(short_ones(&releases, 50, 50), 50);
            assert_eq!(short_ones(&releases, 1, LONG), 1);
        }
    }
}
