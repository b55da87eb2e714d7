//! By when more of what is arriving, or of what is being sent, has to have moved.

use std::time::Duration;

use crate::config::SLOW_START;

/// How slow a client may be, with a body that it sends or an answer that it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// So long it may stand still.
    pub(super) silence: Duration,
    /// Bytes a second that it has to reach once [`SLOW_START`] is over; 0 for any.
    pub(super) min_rate: u64,
}

impl Pace {
    /// The time, in the clock's milliseconds, for what began at `since` and of which `moved` bytes have come or gone, the last
    /// of them `now`: the next has to move within the silence, and all must not be slower than the rate. What has moved pays
    /// for so many seconds, so bytes alone move this no further than they are worth.
    pub(super) fn due(self, moved: u64, since: u64, now: u64) -> u64 {
        let silent = now.saturating_add(self.silence.as_millis() as u64);
        match moved.saturating_mul(1000).checked_div(self.min_rate) {
            Some(paid) => silent.min(since.saturating_add(paid.max(SLOW_START.as_millis() as u64))),
            None => silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_ends_it_and_so_does_a_drip() {
        let pace = Pace { silence: Duration::from_secs(20), min_rate: 500 };
        assert_eq!(pace.due(0, 1_000, 1_000), 21_000, "silence");
        assert_eq!(pace.due(9, 1_000, 25_000), 31_000, "a byte now and then, after the slow start");
        assert_eq!(pace.due(25_000, 1_000, 40_000), 51_000, "500 bytes a second for 50 s");
        assert_eq!(pace.due(25_000_000, 1_000, 40_000), 60_000, "fast enough");
        let any = Pace { min_rate: 0, ..pace };
        assert_eq!(any.due(9, 1_000, 85_000), 105_000);
    }
}
