//! Who may touch a connection.

use std::sync::atomic::{AtomicU8, Ordering};

/// One side at a time: the poll side, which reads; whoever serves its request, which answers; a sender, which sends what is
/// left of a long answer.
///
/// ```text
///              hand over            the answer begins
///   POLL ---------------------> SERVED --------------> SERVED | ANSWERED
///    ^------- take back ----------/                       |   ^
///    ^------- give back ----------------------------------/   |
///     \------------------- hand over to be sent --------------/
/// ```
///
/// Readiness meanwhile adds `READY`: a connection with that is to be looked at when it is given back. As long as no answer
/// has begun, the poll side may take the connection back, to answer in place of a worker that takes too long.
#[derive(Debug, Default)]
pub(super) struct Owner(AtomicU8);

const POLL: u8 = 0;
const SERVED: u8 = 1;
const READY: u8 = 2;
const ANSWERED: u8 = 4;

impl Owner {
    /// The poll side's own: there is a request to be served.
    pub(super) fn hand_over(&self) {
        self.0.store(SERVED, Ordering::SeqCst);
    }

    /// The poll side's own: there is much left to send.
    pub(super) fn hand_over_to_be_sent(&self) {
        self.0.store(SERVED | ANSWERED, Ordering::SeqCst);
    }

    /// Whether the poll side owns it. If not, what is to be looked at is remembered for when it comes back.
    pub(super) fn claim(&self) -> bool {
        !self.change_served(|owner| Some(owner | READY))
    }

    /// Whoever serves it begins to answer; false when it was taken back before.
    pub(super) fn begin_answer(&self) -> bool {
        self.change_served(|owner| Some(owner | ANSWERED))
    }

    /// The poll side takes it back from whoever serves it, or waits to; false when an answer has begun.
    pub(super) fn take_back(&self) -> bool {
        self.change_served(|owner| (owner & ANSWERED == 0).then_some(POLL))
    }

    /// Whoever has answered gives it back: whether the poll side is to look at it.
    pub(super) fn give_back(&self) -> bool {
        self.0.swap(POLL, Ordering::SeqCst) & READY != 0
    }

    /// Whether its request is being served, or still to be.
    pub(super) fn is_served(&self) -> bool {
        self.0.load(Ordering::SeqCst) & SERVED != 0
    }

    fn change_served(&self, change: impl Fn(u8) -> Option<u8>) -> bool {
        let change = |owner| if owner & SERVED == 0 { None } else { change(owner) };
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_remembered_while_it_is_served() {
        let owner = Owner::default();
        assert!(owner.claim() && !owner.is_served());
        owner.hand_over();
        assert!(!owner.claim() && owner.is_served() && owner.begin_answer());
        assert!(owner.give_back() && owner.claim());
        owner.hand_over();
        assert!(!owner.give_back());
        owner.hand_over_to_be_sent();
        assert!(!owner.claim() && !owner.take_back() && owner.give_back() && owner.claim());
    }

    #[test]
    fn either_the_answer_begins_or_it_is_taken_back() {
        let owner = Owner::default();
        assert!(!owner.take_back() && !owner.begin_answer());
        owner.hand_over();
        assert!(owner.take_back() && !owner.begin_answer() && owner.claim());
        owner.hand_over();
        assert!(owner.begin_answer() && !owner.take_back());
    }
}
