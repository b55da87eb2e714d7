//! Times at which nothing is in flight, for whoever wants to do then what would be in requests' way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::bell::Bell;

/// What is known of that. Told at most once between two requests: an idle server wakes nobody.
#[derive(Debug, Default)]
pub(super) struct Leisure {
    /// Somebody has ever waited for it: until then a look costs nothing.
    is_awaited: AtomicBool,
    /// How many requests had been handed to workers at the last look, and when it was told last.
    seen: AtomicU64,
    told: AtomicU64,
    bell: Bell,
}

impl Leisure {
    /// Waits until nothing has been in flight from one look to the next, though something was before; or until it is called.
    pub(super) fn wait(&self) {
        self.is_awaited.store(true, Relaxed);
        self.bell.wait(None);
    }

    /// Ends that wait, or the next.
    pub(super) fn call(&self) {
        self.bell.ring();
    }

    /// Whether it is to be told, as soon as those `requests` are over.
    pub(super) fn is_due(&self, requests: u64) -> bool {
        self.is_awaited.load(Relaxed) && self.told.load(Relaxed) != requests
    }

    /// A look: so many `requests` have been handed to workers since the start, and some are in flight.
    pub(super) fn look(&self, requests: u64, is_any_in_flight: impl FnOnce() -> bool) {
        if !self.is_awaited.load(Relaxed) {
            return;
        }
        let before = self.seen.swap(requests, Relaxed);
        if before != requests || !self.is_due(requests) || is_any_in_flight() {
            return;
        }
        self.told.store(requests, Relaxed);
        self.bell.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_told_once_after_requests_and_not_while_any_is_in_flight() {
        let leisure = Leisure::default();
        let look = |requests, is_any_in_flight| {
            leisure.look(requests, || is_any_in_flight);
            leisure.bell.was_rung()
        };
        assert!(!look(1, false) && !look(1, false), "nobody waits for it");
        leisure.call();
        leisure.wait();
        assert!(!look(2, false), "one has come since the last look");
        assert!(!look(2, true) && leisure.is_due(2));
        assert!(look(2, false) && !leisure.is_due(2) && !look(2, false));
        assert!(!look(5, true) && !look(5, true) && look(5, false) && !look(5, false));
    }

    #[test]
    fn a_server_that_has_served_nothing_has_nothing_to_rest_from() {
        let leisure = Leisure::default();
        leisure.call();
        leisure.wait();
        leisure.look(0, || false);
        assert!(!leisure.bell.was_rung());
    }
}
