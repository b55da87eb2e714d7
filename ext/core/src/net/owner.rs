//! Who may touch a connection, and who waits for its client meanwhile.

use std::sync::Arc;

use crate::bell::{Bell, Bells};
use crate::sync::{AtomicU32, Ordering};

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
///
/// The rest of the word counts what has happened while it was served, for those who then wait for the client: they note the
/// count, try the socket, enter their bell, set `AWAITED` and compare the count. All of that is one word, so either they see
/// that something has happened since they tried, or whoever makes it happen sees `AWAITED` and rings.
#[derive(Debug, Default)]
pub(super) struct Owner {
    word: AtomicU32,
    waiting: Bells,
}

const POLL: u32 = 0;
const SERVED: u32 = 1;
const READY: u32 = 2;
const ANSWERED: u32 = 4;
/// Somebody waits for the client.
const AWAITED: u32 = 8;
const FLAGS: u32 = 15;
/// One event more, above the flags. It wraps round: nobody waits for 268 million of them.
const EVENT: u32 = 16;

impl Owner {
    /// The poll side's own: there is a request to be served.
    pub(super) fn hand_over(&self) {
        self.word.fetch_or(SERVED, Ordering::SeqCst);
    }

    /// The poll side's own: there is much left to send.
    pub(super) fn hand_over_to_be_sent(&self) {
        self.word.fetch_or(SERVED | ANSWERED, Ordering::SeqCst);
    }

    /// Whether the poll side owns it. If not, what is to be looked at is remembered for when it comes back, and those who
    /// wait for it are woken.
    pub(super) fn claim(&self) -> bool {
        !self.change_served(|owner| Some((owner | READY).wrapping_add(EVENT)))
    }

    /// Whoever serves it begins to answer; false when it was taken back before.
    pub(super) fn begin_answer(&self) -> bool {
        let change = |owner| (owner & SERVED != 0).then_some(owner | ANSWERED);
        self.word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change).is_ok()
    }

    /// The poll side takes it back from whoever serves it, or waits to; false when an answer has begun.
    pub(super) fn take_back(&self) -> bool {
        self.change_served(|owner| (owner & ANSWERED == 0).then(|| of_poll(owner)))
    }

    /// Whoever has answered gives it back: whether the poll side is to look at it. Whoever still waits is woken, be it at its
    /// bell or, since it may lead, by that look.
    pub(super) fn give_back(&self) -> bool {
        let before = self.word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |owner| Some(of_poll(owner)));
        let before = before.unwrap_or_else(|owner| owner);
        self.tell(before);
        before & (READY | AWAITED) != 0
    }

    /// Whether its request is being served, or still to be.
    pub(super) fn is_served(&self) -> bool {
        self.word.load(Ordering::SeqCst) & SERVED != 0
    }

    /// How much has happened. To be noted before the socket is tried, and compared after [`Owner::enter`].
    pub(super) fn events(&self) -> u32 {
        self.word.load(Ordering::SeqCst) & !FLAGS
    }

    /// Rings `bell` when more happens, until [`Owner::leave`].
    pub(super) fn enter(&self, bell: &Arc<Bell>) {
        self.waiting.enter(bell);
        self.word.fetch_or(AWAITED, Ordering::SeqCst);
    }

    /// Ends what [`Owner::enter`] began.
    pub(super) fn leave(&self, bell: &Arc<Bell>) {
        self.waiting.leave(bell);
    }

    /// Wakes all who wait: they look by themselves whether there is any use in going on.
    pub(super) fn ring(&self) {
        self.waiting.ring();
    }

    fn change_served(&self, change: impl Fn(u32) -> Option<u32>) -> bool {
        let change = |owner| if owner & SERVED == 0 { None } else { change(owner) };
        let before = self.word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change);
        before.is_ok_and(|before| {
            self.tell(before);
            true
        })
    }

    fn tell(&self, before: u32) {
        if before & AWAITED != 0 {
            self.ring();
        }
    }
}

/// The word of a connection that is the poll side's again. Nobody waits for it any more: who did is told.
fn of_poll(owner: u32) -> u32 {
    (owner & !FLAGS | POLL).wrapping_add(EVENT)
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

    #[test]
    fn who_waits_hears_of_an_event_of_a_request_taken_back_and_of_its_end() {
        let (owner, bell) = (Owner::default(), Arc::default());
        let ways: [fn(&Owner) -> bool; 3] = [|owner| !owner.claim(), Owner::take_back, Owner::give_back];
        for happens in ways {
            owner.hand_over();
            let before = owner.events();
            owner.enter(&bell);
            assert_eq!(owner.events(), before, "nothing has happened yet");
            assert!(happens(&owner));
            assert_ne!(owner.events(), before);
            bell.wait(None);
            owner.leave(&bell);
            owner.give_back();
        }
    }
}
