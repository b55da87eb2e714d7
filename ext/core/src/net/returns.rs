//! When free memory is worth giving back to the system. Allocators keep what is freed between what is in use: after many slow clients
//! have left, tens of megabytes, for as long as the process lives. To look through it takes milliseconds, and whoever allocates
//! meanwhile may wait for that: so it is done by a thread of its own, a moment after much was given up, and seldom.

use std::thread;

use super::deadlines::NEVER;
use super::kept::Kept;

/// Bytes that are worth it.
const MUCH: u64 = 16 * 1024 * 1024;
/// About what a connection takes over TLS, at its handshake, where most is.
const CONNECTION: u64 = 16 * 1024;
/// Milliseconds until it is done: when one client leaves, others may, too.
const MOMENT: u64 = 500;
/// Milliseconds between two times.
const INTERVAL: u64 = 10_000;

/// What is known of that. It goes by what there was of connections, and was kept for slow clients, and is no more.
#[derive(Debug)]
pub(super) struct Returns {
    /// Gives free memory back.
    give_back: Option<fn()>,
    /// The most that there was since the last time, and when that was.
    most: u64,
    last: Option<u64>,
    due: u64,
}

impl Returns {
    /// By `give_back`, where there is a way.
    pub(super) fn new(give_back: Option<fn()>) -> Returns {
        Returns { give_back, most: 0, last: None, due: NEVER }
    }

    /// When it is to be looked at again at the latest, in the clock's milliseconds.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// A look, once in each turn.
    pub(super) fn look(&mut self, kept: &Kept, connections: usize, now: u64) {
        let Some(give_back) = self.give_back else { return };
        if self.is_time(kept.bytes() + connections as u64 * CONNECTION, now) {
            // Where no thread can be had, memory is not all that is short.
            let _ = thread::Builder::new().name("kino memory".to_owned()).spawn(give_back);
        }
    }

    fn is_time(&mut self, there: u64, now: u64) -> bool {
        self.most = self.most.max(there);
        if self.due == NEVER && self.most - there >= MUCH {
            let next = self.last.map_or(0, |last| last.saturating_add(INTERVAL));
            self.due = next.max(now.saturating_add(MOMENT));
        }
        let is_time = self.due <= now;
        if is_time {
            (self.most, self.last, self.due) = (there, Some(now), NEVER);
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_a_moment_after_much_was_given_up_and_seldom() {
        let mut returns = Returns::new(None);
        assert!(!returns.is_time(MUCH * 4, 100) && returns.due() == NEVER);
        assert!(!returns.is_time(MUCH * 3 + 1, 100) && returns.due() == NEVER);
        assert!(!returns.is_time(MUCH * 3, 200) && returns.due() == 200 + MOMENT);
        assert!(!returns.is_time(0, 300) && returns.is_time(0, 200 + MOMENT) && returns.due() == NEVER);
        assert!(!returns.is_time(MUCH, 900) && returns.due() == NEVER);
        assert!(!returns.is_time(0, 1000) && returns.due() == 200 + MOMENT + INTERVAL);
        assert!(!returns.is_time(MUCH * 9, 5000) && returns.is_time(MUCH * 9, 20_000));
        assert!(!returns.is_time(MUCH * 8 + 1, 30_000) && returns.due() == NEVER);
    }
}
