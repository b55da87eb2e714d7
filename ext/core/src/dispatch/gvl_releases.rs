//! How long a group's GVL is given up in the middle of requests: what of that is expected next.
//!
//! Learned only from releases that cost nobody the token, and only from the time in which nobody of the group had the GVL or
//! wanted it. Once it is passed on at once, two workers take turns at the GVL and at the processors, and a release takes long because
//! it is expected to; and while others compute, it may be they that it waits for.

use super::tuning::{LONGEST_PAUSE, LOSS, MOST, PART, PAUSE, STEADY, WORTH};
use crate::sync::{AtomicBool, Mutex, Ordering};

/// ```text
///   Short --too much is lost--> Long
///     ^------ pause is over -----/
/// ```
#[derive(Debug)]
pub(super) struct GvlReleases {
    state: Mutex<State>,
    /// One is measured now.
    is_measured: AtomicBool,
}

#[derive(Debug)]
struct State {
    expected: Expected,
    pause: u32,
    /// When the one that is measured began, and what its worker had computed before, in microseconds.
    measured: Option<(u64, u64)>,
}

#[derive(Debug)]
enum Expected {
    /// What may still be lost by keeping the token, in microseconds, and how many there have been in a row.
    Short { left: u64, run: u32 },
    /// For so many more.
    Long(u32),
}

const UNKNOWN: Expected = Expected::Short { left: LOSS, run: 0 };

impl Default for GvlReleases {
    fn default() -> Self {
        let state = State { expected: UNKNOWN, pause: PAUSE, measured: None };
        GvlReleases { state: Mutex::new(state), is_measured: AtomicBool::new(false) }
    }
}

impl GvlReleases {
    /// One begins now, after the worker has computed for that time, both in microseconds: whether it is expected to be short. If it is, and
    /// nobody else has the GVL or wants it, it is measured: until it ends, or somebody does.
    pub(super) fn begin(&self, now: u64, computed: u64, is_lock_unused: bool) -> bool {
        let mut state = self.state.lock();
        if let Expected::Long(left) = &mut state.expected {
            if *left > 0 {
                *left -= 1;
                return false;
            }
            state.expected = UNKNOWN;
        }
        state.measured = is_lock_unused.then_some((now, computed));
        self.is_measured.store(is_lock_unused, Ordering::SeqCst);
        true
    }

    /// Whether one is measured, which ends now.
    pub(super) fn are_to_end(&self) -> bool {
        self.is_measured.load(Ordering::SeqCst) && self.is_measured.swap(false, Ordering::SeqCst)
    }

    /// It does.
    pub(super) fn end(&self, now: u64) {
        let mut state = self.state.lock();
        if let Some((began, computed)) = state.measured.take() {
            state.learn(now.saturating_sub(began), computed);
        }
    }
}

impl State {
    /// One that was expected to be short took that time, and the worker had computed for that time before it: in microseconds.
    fn learn(&mut self, took: u64, computed: u64) {
        // Otherwise another of the group has ended meanwhile, and was long.
        if let Expected::Short { left, run } = &mut self.expected {
            *run = run.saturating_add(1);
            *left = (*left + WORTH + computed / PART).saturating_sub(took.min(MOST)).min(LOSS);
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
    const COMPUTED: u64 = 400;

    /// How many of `number` are expected to be short, when all take that long.
    fn short_ones(releases: &GvlReleases, number: u32, took: u64) -> u32 {
        short_ones_after(releases, number, took, COMPUTED)
    }

    /// The same, when so long was computed before each.
    fn short_ones_after(releases: &GvlReleases, number: u32, took: u64, computed: u64) -> u32 {
        let begun = (0..number).map(|_| releases.begin(7, computed, true));
        begun
            .inspect(|_| {
                releases.are_to_end().then(|| releases.end(7 + took));
                assert!(!releases.are_to_end());
            })
            .filter(|is_short| *is_short)
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

    /// Pages that compute for 45 ms in all, beside other processes: a thread is stopped for milliseconds now and then.
    #[test]
    fn what_is_little_beside_what_is_computed_changes_nothing() {
        let releases = GvlReleases::default();
        for _ in 0..1000 {
            assert_eq!(short_ones_after(&releases, 50, 110, 900), 50);
            assert_eq!(short_ones_after(&releases, 1, LONG, 900), 1);
        }
    }
}
