//! How long a group's lock is given up in the middle of requests: what of that is expected next.
//!
//! Learned only from absences that cost nobody the baton. Once it is passed on at once, two workers take turns at the lock
//! and at the processors, and an absence takes long because it is expected to.

use parking_lot::Mutex;

/// After a long one so many are expected to be long, too, before it is tried again.
const PAUSE: u32 = 64;
/// The most, reached by doubling whenever a long one comes soon.
const LONGEST_PAUSE: u32 = 4096;
/// After so many short ones in a row a long one is an exception. Keeping the baton through it costs the others up to 5 ms,
/// passing it on through this many short ones about as much.
const STEADY: u32 = 128;

/// ```text
///   Short --a long one--> Long
///     ^-- pause is over ---/
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
    /// So many short ones in a row.
    Short(u32),
    /// For so many more.
    Long(u32),
}

impl Default for Absences {
    fn default() -> Self {
        Absences(Mutex::new(State { expected: Expected::Short(0), pause: PAUSE }))
    }
}

impl Absences {
    /// One begins: whether it is expected to be short.
    pub(super) fn are_short(&self) -> bool {
        let mut state = self.0.lock();
        match &mut state.expected {
            Expected::Short(_) => true,
            Expected::Long(left @ 1..) => {
                *left -= 1;
                false
            }
            Expected::Long(0) => {
                state.expected = Expected::Short(0);
                true
            }
        }
    }

    /// One that was expected to be short has ended.
    pub(super) fn learn(&self, is_long: bool) {
        let mut state = self.0.lock();
        match state.expected {
            Expected::Short(run) if is_long => {
                state.pause = if run < STEADY { (state.pause * 2).min(LONGEST_PAUSE) } else { PAUSE };
                state.expected = Expected::Long(state.pause);
            }
            Expected::Short(run) => state.expected = Expected::Short(run.saturating_add(1)),
            // Another of the group has ended meanwhile, and was long.
            Expected::Long(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `number` are expected to be short, when all are `long`.
    fn short_ones(absences: &Absences, number: u32, long: bool) -> u32 {
        (0..number).filter(|_| absences.are_short()).inspect(|_| absences.learn(long)).count() as u32
    }

    #[test]
    fn long_ones_are_tried_more_and_more_seldom() {
        let absences = Absences::default();
        assert_eq!(short_ones(&absences, 1, true), 1);
        assert_eq!(short_ones(&absences, PAUSE * 2 + 1, true), 1);
        let few = short_ones(&absences, 100_000, true);
        assert!(few <= 100_000 / LONGEST_PAUSE + 6, "{few}");
    }

    #[test]
    fn short_ones_are_found_again_soon() {
        let absences = Absences::default();
        short_ones(&absences, STEADY, false);
        short_ones(&absences, 1, true);
        assert_eq!(short_ones(&absences, PAUSE, false), 0);
        assert_eq!(short_ones(&absences, 1000, false), 1000);
    }
}
