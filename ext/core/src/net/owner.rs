//! Who may touch a connection, and who waits for its client meanwhile.

use std::sync::Arc;

use crate::bell::{Bell, Bells};
use crate::sync::{AtomicU32, Ordering};

/// One side at a time: the poll side, which reads; whoever serves its request, which answers; a helper, which does what takes
/// long.
///
/// ```text
///   POLL --hand_over()--> AWAY --give_back()--> POLL
/// ```
///
/// Readiness meanwhile adds `READY`: a connection with that is to be looked at when it is given back; and `ENDED` when the client may
/// have ended it, until the poll side asks. The poll side gives a connection back in the place of a worker whose request it has
/// taken back ([`super::right::Right`]).
///
/// The rest of the word counts what has happened while it was away, for those who then wait for the client: they note the
/// count, try the socket, enter their bell, set `AWAITED` and compare the count. All of that is one word, so either they see
/// that something has happened since they tried, or whoever makes it happen sees `AWAITED` and rings.
#[derive(Debug, Default)]
pub(super) struct Owner {
    word: AtomicU32,
    waiting: Bells,
}

const POLL: u32 = 0;
const AWAY: u32 = 1;
const READY: u32 = 2;
/// Somebody waits for the client.
const AWAITED: u32 = 4;
/// The client may have ended it.
const ENDED: u32 = 8;
const FLAGS: u32 = 15;
/// One event more, above the flags. It wraps round: nobody waits for 268 million of them.
const EVENT: u32 = 16;

impl Owner {
    /// The poll side's own: somebody else has it from now on.
    pub(super) fn hand_over(&self) {
        self.word.fetch_or(AWAY, Ordering::SeqCst);
    }

    /// Whether the poll side owns it. If not, what is to be looked at is remembered for when it comes back, and those who
    /// wait for it are woken.
    pub(super) fn claim(&self, may_be_ended: bool) -> bool {
        let flags = if may_be_ended { READY | ENDED } else { READY };
        let change = |owner: u32| (owner & AWAY != 0).then_some((owner | flags).wrapping_add(EVENT));
        match self.word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, change) {
            Ok(before) => {
                self.tell(before);
                false
            }
            Err(_) => true,
        }
    }

    /// Whether the client may have ended it while it was away. True once, for the poll side, which has it again.
    pub(super) fn take_end(&self) -> bool {
        self.word.load(Ordering::SeqCst) & ENDED != 0 && self.word.fetch_and(!ENDED, Ordering::SeqCst) & ENDED != 0
    }

    /// Whether somebody else than the poll side owns it.
    pub(super) fn is_away(&self) -> bool {
        self.word.load(Ordering::SeqCst) & AWAY != 0
    }

    /// Whoever has it gives it back: whether the poll side is to look at it. Whoever still waits is woken, be it at its
    /// bell or, since it may lead, by that look.
    pub(super) fn give_back(&self) -> bool {
        let before = self.word.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |owner| Some(of_poll(owner)));
        let before = before.unwrap_or_else(|owner| owner);
        self.tell(before);
        before & (READY | AWAITED) != 0
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

    fn tell(&self, before: u32) {
        if before & AWAITED != 0 {
            self.ring();
        }
    }
}

/// The word of a connection that is the poll side's again. Nobody waits for it any more: who did is told.
fn of_poll(owner: u32) -> u32 {
    (owner & !FLAGS | owner & ENDED | POLL).wrapping_add(EVENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_remembered_while_it_is_away() {
        let owner = Owner::default();
        assert!(owner.claim(true) && !owner.is_away() && !owner.take_end());
        owner.hand_over();
        assert!(!owner.claim(false) && owner.is_away());
        assert!(owner.give_back() && owner.claim(false) && !owner.take_end());
        owner.hand_over();
        assert!(!owner.give_back());
    }

    #[test]
    fn an_end_is_remembered_until_it_is_asked_for() {
        let owner = Owner::default();
        owner.hand_over();
        assert!(!owner.claim(true) && !owner.claim(false));
        assert!(owner.give_back() && owner.take_end() && !owner.take_end());
    }

    #[test]
    fn who_waits_hears_of_an_event_and_of_the_request_s_end() {
        let (owner, bell) = (Owner::default(), Arc::default());
        let ways: [fn(&Owner) -> bool; 2] = [|owner| !owner.claim(false), Owner::give_back];
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
