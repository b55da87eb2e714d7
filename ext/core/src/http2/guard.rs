//! How much a client may ask for that is nothing to anybody, in a second.

/// A budget that fills up again by itself.
#[derive(Debug)]
pub(super) struct Guard {
    left: u64,
    most: u64,
    a_second: u64,
    /// When it was filled up last, in milliseconds.
    filled: u64,
}

impl Guard {
    /// For `most` at once, and so many a second after that.
    pub(super) fn new(most: u64, a_second: u64) -> Guard {
        Guard { left: most, most, a_second, filled: 0 }
    }

    /// One more, `now`: false when that is too much.
    #[must_use]
    pub(super) fn take(&mut self, now: u64) -> bool {
        let more = now.saturating_sub(self.filled).saturating_mul(self.a_second) / 1000;
        if more > 0 {
            self.give(more);
            self.filled = now;
        }
        let has_some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_some
    }

    /// What was done for the client, or came from it, allows for so many more.
    pub(super) fn give(&mut self, more: u64) {
        self.left = self.left.saturating_add(more).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_fine_and_a_flood_is_not() {
        let mut guard = Guard::new(10, 5);
        assert!((0..10).all(|_| guard.take(100)) && !guard.take(100));
        assert!(guard.take(400) && guard.take(400) && !guard.take(400), "400 ms are worth two");
        guard.give(2);
        assert!(guard.take(400) && guard.take(400) && !guard.take(400));
        assert!((0..10).all(|_| guard.take(60_000)) && !guard.take(60_000));
    }
}
