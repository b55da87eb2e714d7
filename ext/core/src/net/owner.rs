//! Who may touch a connection.

use std::sync::atomic::{AtomicU8, Ordering};

/// One side at a time: the poll side, which reads; whoever serves its request, which answers; a helper, which does what takes
/// long.
///
/// ```text
///   POLL --hand_over()--> AWAY --give_back()--> POLL
/// ```
///
/// Readiness meanwhile adds `READY`: a connection with that is to be looked at when it is given back. The poll side gives a
/// connection back in the place of a worker whose request it has taken back ([`super::right::Right`]).
#[derive(Debug, Default)]
pub(super) struct Owner(AtomicU8);

const POLL: u8 = 0;
const AWAY: u8 = 1;
const READY: u8 = 2;

impl Owner {
    /// The poll side's own: somebody else has it from now on.
    pub(super) fn hand_over(&self) {
        self.0.store(AWAY, Ordering::SeqCst);
    }

    /// Whether the poll side owns it. If not, what is to be looked at is remembered for when it comes back.
    pub(super) fn claim(&self) -> bool {
        let ready = |owner| if owner & AWAY == 0 { None } else { Some(owner | READY) };
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, ready).is_err()
    }

    /// Whether somebody else than the poll side owns it.
    pub(super) fn is_away(&self) -> bool {
        self.0.load(Ordering::SeqCst) & AWAY != 0
    }

    /// Whoever has it gives it back: whether the poll side is to look at it.
    pub(super) fn give_back(&self) -> bool {
        self.0.swap(POLL, Ordering::SeqCst) & READY != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_remembered_while_it_is_away() {
        let owner = Owner::default();
        assert!(owner.claim());
        owner.hand_over();
        assert!(!owner.claim());
        assert!(owner.give_back() && owner.claim());
        owner.hand_over();
        assert!(!owner.give_back());
    }
}
