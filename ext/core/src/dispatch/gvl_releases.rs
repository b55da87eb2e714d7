//! How long a group's GVL is given up in the middle of requests: what of that is expected next.
//!
//! Learned only from releases that cost nobody the token. Once it is passed on at once, two workers take turns at the GVL
//! and at the processors, and a release takes long because it is expected to.

use std::time::Duration;

use super::tuning::{LONGEST_PAUSE, MOST, PAUSE, STEADY, WEIGHT, WORTH};
use crate::sync::Mutex;

/// ```text
///   Short --long on average--> Long
///     ^----- pause is over -----/
/// ```
#[derive(Debug)]
pub(super) struct GvlReleases(Mutex<State>);

#[derive(Debug)]
struct State {
    expected: Expected,
    pause: u32,
}

#[derive(Debug)]
enum Expected {
    /// How long they take on average, in microseconds, times [`WEIGHT`]; and how many in a row there have been.
    Short { average: u64, run: u32 },
    /// For so many more.
    Long(u32),
}

/// Nothing is known yet: half of what is worth it.
const UNKNOWN: Expected = Expected::Short { average: WORTH * WEIGHT / 2, run: 0 };

impl Default for GvlReleases {
    fn default() -> Self {
        GvlReleases(Mutex::new(State { expected: UNKNOWN, pause: PAUSE }))
    }
}

impl GvlReleases {
    /// One begins: whether it is expected to be short.
    pub(super) fn are_short(&self) -> bool {
        let mut state = self.0.lock();
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

    /// One that was expected to be short has ended, after that time.
    pub(super) fn learn(&self, took: Duration) {
        let mut state = self.0.lock();
        // Otherwise another of the group has ended meanwhile, and was long.
        if let Expected::Short { average, run } = &mut state.expected {
            *average = *average - *average / WEIGHT + (took.as_micros() as u64).min(MOST);
            *run = run.saturating_add(1);
            if *average > WORTH * WEIGHT {
                let was_right = *run > STEADY;
                state.pause = if was_right { PAUSE } else { (state.pause * 2).min(LONGEST_PAUSE) };
                state.expected = Expected::Long(state.pause);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(5);
    const SHORT: Duration = Duration::from_micros(10);

    /// How many of `number` are expected to be short, when all take that long.
    fn short_ones(releases: &GvlReleases, number: u32, took: Duration) -> u32 {
        (0..number).filter(|_| releases.are_short()).inspect(|_| releases.learn(took)).count() as u32
    }

    #[test]
    fn long_ones_are_tried_more_and_more_seldom() {
        let releases = GvlReleases::default();
        assert_eq!(short_ones(&releases, 1, LONG), 1);
        assert_eq!(short_ones(&releases, PAUSE * 2 + 1, LONG), 1);
        let few = short_ones(&releases, 100_000, LONG);
        assert!(few <= 100_000 / LONGEST_PAUSE + 6, "{few}");
    }

    #[test]
    fn those_of_a_quick_database_are_found_long_by_a_few() {
        let releases = GvlReleases::default();
        let kept = short_ones(&releases, PAUSE, Duration::from_millis(1));
        assert!((2..=4).contains(&kept), "{kept}");
    }

    #[test]
    fn short_ones_are_found_again_soon() {
        let releases = GvlReleases::default();
        short_ones(&releases, STEADY, SHORT);
        assert_eq!(short_ones(&releases, 2, LONG), 1);
        assert_eq!(short_ones(&releases, PAUSE - 1, SHORT), 0);
        assert_eq!(short_ones(&releases, 1000, SHORT), 1000);
    }

    #[test]
    fn exceptions_change_nothing() {
        let releases = GvlReleases::default();
        for _ in 0..1000 {
            assert_eq!(short_ones(&releases, 50, SHORT), 50);
            assert_eq!(short_ones(&releases, 1, Duration::from_millis(1)), 1);
        }
    }
}
