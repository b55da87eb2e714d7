//! Until when more of a body that is arriving has to be there.

use crate::config::{Config, SLOW_START};

/// The time, in the clock's milliseconds, for a body of which `received` bytes have come since `since`, the last of them
/// `now`: the next has to come within `body_timeout`, and all must not have come slower than `body_min_rate`.
pub(super) fn due(received: u64, since: u64, now: u64, config: &Config) -> u64 {
    let silent = now.saturating_add(config.body_timeout.as_millis() as u64);
    match received.saturating_mul(1000).checked_div(config.body_min_rate) {
        // For so long what has come would have been enough.
        Some(paid) => silent.min(since.saturating_add(paid.max(SLOW_START.as_millis() as u64))),
        None => silent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn silence_ends_it_and_so_does_a_drip() {
        let config = Config { body_timeout: Duration::from_secs(20), body_min_rate: 500, ..Config::default() };
        assert_eq!(due(0, 1_000, 1_000, &config), 21_000, "silence");
        assert_eq!(due(9, 1_000, 25_000, &config), 31_000, "a byte now and then, after the slow start");
        assert_eq!(due(25_000, 1_000, 40_000, &config), 51_000, "500 bytes a second for 50 s");
        assert_eq!(due(25_000_000, 1_000, 40_000, &config), 60_000, "fast enough");
        let any = Config { body_min_rate: 0, ..config };
        assert_eq!(due(9, 1_000, 85_000, &any), 105_000);
    }
}
