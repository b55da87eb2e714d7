//! How long a group's GVL is given up in the middle of requests: what of that is expected next.
//!
//! Learned only from absences that cost nobody the token. Once it is passed on at once, two workers take turns at the GVL
//! and at the processors, and an absence takes long because it is expected to.

use std::time::Duration;

use super::tuning::{LONGEST_PAUSE, MOST, PAUSE, STEADY, WEIGHT, WORTH};
use crate::sync::Mutex;

/// ```text
///   Short --long on average--> Long
///     ^----- pause is over -----/
/// ```
#[derive(Debug)]
pub(super) struct Absences(Mutex<State>);

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

impl Default for Absences {
    fn default() -> Self {
        Absences(Mutex::new(State { expected: UNKNOWN, pause: PAUSE }))
    }
}

impl Absences {
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
    fn short_ones(absences: &Absences, number: u32, took: Duration) -> u32 {
        (0..number).filter(|_| absences.are_short()).inspect(|_| absences.learn(took)).count() as u32
    }

    #[test]
    fn long_ones_are_tried_more_and_more_seldom() {
        let absences = Absences::default();
        assert_eq!(short_ones(&absences, 1, LONG), 1);
        assert_eq!(short_ones(&absences, PAUSE * 2 + 1, LONG), 1);
        let few = short_ones(&absences, 100_000, LONG);
        assert!(few <= 100_000 / LONGEST_PAUSE + 6, "{few}");
    }

    #[test]
    fn those_of_a_quick_database_are_found_long_by_a_few() {
        let absences = Absences::default();
        let kept = short_ones(&absences, PAUSE, Duration::from_millis(1));
        assert!((2..=4).contains(&kept), "{kept}");
    }

    #[test]
    fn short_ones_are_found_again_soon() {
        let absences = Absences::default();
        short_ones(&absences, STEADY, SHORT);
        assert_eq!(short_ones(&absences, 2, LONG), 1);
        assert_eq!(short_ones(&absences, PAUSE - 1, SHORT), 0);
        assert_eq!(short_ones(&absences, 1000, SHORT), 1000);
    }

    #[test]
    fn exceptions_change_nothing() {
        let absences = Absences::default();
        for _ in 0..1000 {
            assert_eq!(short_ones(&absences, 50, SHORT), 50);
            assert_eq!(short_ones(&absences, 1, Duration::from_millis(1)), 1);
        }
    }
}
