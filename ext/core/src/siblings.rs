//! The processes of one server beside each other, as one of them sees it: who is to take the next client, and whose clients had
//! better go elsewhere. Decided by what stands on the scoreboard; nobody is asked or waited for.

use std::sync::atomic::Ordering::Relaxed;

use crate::scoreboard::{Slot, State};

/// Milliseconds after which a process that has not written is taken for dead or stopped.
pub const STALE: u64 = 1200;
/// Milliseconds for which a process that has had a turn is expected to have another one soon.
const RECENT: u64 = 2;
/// Milliseconds for which a process that has begun with a request is expected to begin with others.
const MOVES: u64 = 1000;
/// Milliseconds for which one that has begun with none, and doesn't sleep, is expected to go on serving: it may compute for seconds.
const GOES_ON: u64 = 250;
/// What one process may have more than another, beside an eighth, without leaving newcomers or clients to it.
const MORE: u32 = 2;

/// All places, and which of them is this process's.
#[derive(Clone, Copy, Debug)]
pub struct Siblings {
    slots: &'static [Slot],
    own: usize,
}

/// What a process has to do: what counts is first how many requests, and then how many connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) requests: u32,
    pub(crate) connections: u32,
}

/// Why a newcomer is left to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    /// One who sleeps in its poll, and has been woken for it.
    Asleep,
    /// One who is about to look.
    Soon,
}

impl Siblings {
    /// Those of a board with the places `slots`, seen from the one of that index. `None` without such a place.
    pub fn new(slots: &'static [Slot], own: usize) -> Option<Siblings> {
        (own < slots.len()).then_some(Siblings { slots, own })
    }

    /// This process's place.
    pub fn own(&self) -> &'static Slot {
        &self.slots[self.own]
    }

    fn others(&self) -> impl Iterator<Item = &'static Slot> + use<> {
        let own = self.own;
        self.slots.iter().enumerate().filter(move |(index, _)| *index != own).map(|(_, slot)| slot)
    }

    /// Those that serve, and are alive as far as one can tell.
    fn serving(&self, now: u64) -> impl Iterator<Item = &'static Slot> + use<> {
        self.others()
            .filter(move |slot| slot.state() == State::Ready && now.saturating_sub(slot.beat.load(Relaxed)) < STALE)
    }

    /// Whether some other process is there to serve those who wait, now or soon.
    pub(crate) fn is_anybody_left(&self, now: u64) -> bool {
        let mut others = self.others().filter(|slot| matches!(slot.state(), State::Ready | State::Starting));
        others.any(|slot| now.saturating_sub(slot.beat.load(Relaxed)) < STALE)
    }

    /// Who would take a newcomer right now, and has less to do.
    pub(crate) fn better(&self, now: u64, own: Load) -> Option<Better> {
        let is_ready = self.own().state() == State::Ready;
        let mut found = None;
        for slot in self.serving(now) {
            let sleeps = slot.is_asleep.load(Relaxed) != 0;
            let is_available = sleeps || now.saturating_sub(slot.turn.load(Relaxed)) <= RECENT;
            if is_available && (!is_ready || Load::of(slot).is_better_than(own)) {
                if sleeps {
                    return Some(Better::Asleep);
                }
                found = Some(Better::Soon);
            }
        }
        found
    }

    /// Those that get on.
    fn going_on(&self, now: u64) -> impl Iterator<Item = &'static Slot> + use<> {
        self.serving(now).filter(move |slot| slot.is_asleep.load(Relaxed) != 0 || has_begun_within(slot, now, GOES_ON))
    }

    /// Whether some other one has fewer requests, be it busy for the moment.
    pub(crate) fn is_any_less_busy(&self, now: u64, own: Load) -> bool {
        self.going_on(now).any(|slot| Load::of(slot).requests < own.requests)
    }

    /// Whether some other one has a free worker, or has begun with a request lately, and after that time.
    pub(crate) fn has_any_moved(&self, now: u64, since: u64) -> bool {
        self.serving(now).filter(|slot| slot.is_full.load(Relaxed) == 0).any(|slot| {
            let took = slot.took.load(Relaxed);
            slot.is_asleep.load(Relaxed) != 0 || took > since && now.saturating_sub(took) < MOVES
        })
    }

    /// Whether a worker of any process has begun with a request within so many milliseconds.
    pub(crate) fn is_anybody_brisk(&self, now: u64, within: u64) -> bool {
        has_begun_within(self.own(), now, within) || self.serving(now).any(|slot| has_begun_within(slot, now, within))
    }

    /// Whether clients of this process, all of whose workers have been busy lately, had better go elsewhere: where a worker is
    /// free, or where there are clearly fewer of both requests and connections.
    pub(crate) fn is_any_better_off(&self, now: u64, own: Load) -> bool {
        self.going_on(now).any(|slot| {
            let other = Load::of(slot);
            let is_idle = other.requests == 0 && slot.is_asleep.load(Relaxed) != 0;
            is_idle
                || is_clearly_fewer(other.requests, own.requests)
                    && is_clearly_fewer(other.connections, own.connections)
        })
    }
}

impl Load {
    fn of(slot: &Slot) -> Load {
        let requests = slot.running.load(Relaxed).saturating_add(slot.waiting.load(Relaxed));
        Load { requests, connections: slot.connections.load(Relaxed) }
    }

    fn is_better_than(self, other: Load) -> bool {
        self.requests < other.requests
            || self.requests == other.requests && is_clearly_fewer(self.connections, other.connections)
    }
}

fn is_clearly_fewer(one: u32, other: u32) -> bool {
    one + MORE + one / 8 < other
}

/// Whether a worker of it has begun with a request within so many milliseconds.
fn has_begun_within(slot: &Slot, now: u64, within: u64) -> bool {
    now.saturating_sub(slot.took.load(Relaxed)) <= within
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const NOW: u64 = 100_000;

    /// Places of so many processes that are ready, and busy since long.
    pub(crate) fn board(places: usize, now: u64) -> &'static [Slot] {
        let slots: Vec<Slot> = (0..places).map(|_| Slot::default()).collect();
        for (index, slot) in slots.iter().enumerate() {
            slot.take(1000 + index as u32);
            slot.ready();
            slot.beat.store(now, Relaxed);
        }
        slots.leak()
    }

    fn load(requests: u32, connections: u32) -> Load {
        Load { requests, connections }
    }

    fn set(slot: &Slot, requests: u32, connections: u32) {
        slot.took.store(NOW, Relaxed);
        slot.running.store(requests, Relaxed);
        slot.connections.store(connections, Relaxed);
    }

    #[test]
    fn newcomers_are_left_to_who_sleeps_and_has_less_to_do() {
        let slots = board(3, NOW);
        let one = Siblings::new(slots, 0).unwrap();
        slots[1].is_asleep.store(1, Relaxed);
        assert_eq!(one.better(NOW, load(1, 0)), Some(Better::Asleep));
        assert_eq!(one.better(NOW, load(0, 0)), None, "equal, so that both try");
        assert_eq!(one.better(NOW, load(0, 9)), Some(Better::Asleep));
        set(&slots[1], 1, 0);
        assert_eq!((one.better(NOW, load(1, 0)), one.better(NOW, load(0, 90))), (None, None));
        slots[1].waiting.store(1, Relaxed);
        assert_eq!((one.better(NOW, load(2, 0)), one.better(NOW, load(3, 0))), (None, Some(Better::Asleep)));
    }

    #[test]
    fn who_is_busy_and_looks_no_more_is_not_relied_on() {
        let slots = board(2, NOW);
        let one = Siblings::new(slots, 0).unwrap();
        slots[1].turn.store(NOW - RECENT, Relaxed);
        assert_eq!(one.better(NOW, load(1, 0)), Some(Better::Soon));
        slots[1].turn.store(NOW - RECENT - 1, Relaxed);
        assert_eq!(one.better(NOW, load(1, 0)), None);
        assert!(!one.is_any_less_busy(NOW, load(1, 0)), "it has begun with nothing for long");
        slots[1].took.store(NOW - GOES_ON, Relaxed);
        assert!(one.is_any_less_busy(NOW, load(1, 0)) && !one.is_any_less_busy(NOW, load(0, 9)));
    }

    #[test]
    fn the_dead_the_starting_and_the_leaving_are_not_relied_on() {
        let slots = board(2, NOW);
        let one = Siblings::new(slots, 0).unwrap();
        let all = || {
            (
                one.better(NOW, load(9, 9)).is_some(),
                one.is_any_less_busy(NOW, load(9, 9)),
                one.is_any_better_off(NOW, load(9, 9)),
            )
        };
        slots[1].is_asleep.store(1, Relaxed);
        assert_eq!((all(), one.is_anybody_left(NOW)), ((true, true, true), true));
        slots[1].beat.store(NOW - STALE, Relaxed);
        assert_eq!((all(), one.is_anybody_left(NOW)), ((false, false, false), false));
        slots[1].beat.store(NOW, Relaxed);
        for (state, is_left) in [(State::Free, false), (State::Draining, false), (State::Starting, true)] {
            slots[1].set_state(state);
            assert_eq!((all(), one.is_anybody_left(NOW)), ((false, false, false), is_left), "{state:?}");
        }
    }

    #[test]
    fn who_is_not_ready_leaves_newcomers_to_any_who_is() {
        let slots = board(2, NOW);
        let one = Siblings::new(slots, 0).unwrap();
        slots[1].is_asleep.store(1, Relaxed);
        set(&slots[1], 5, 5);
        slots[0].set_state(State::Draining);
        assert_eq!(one.better(NOW, load(0, 0)), Some(Better::Asleep));
    }

    #[test]
    fn who_has_a_free_worker_or_has_begun_with_a_request_lately_moves() {
        let slots = board(2, NOW);
        let one = Siblings::new(slots, 0).unwrap();
        assert!(!one.has_any_moved(NOW, 0));
        slots[1].took.store(NOW - MOVES, Relaxed);
        assert!(!one.has_any_moved(NOW, 0));
        slots[1].took.store(NOW - MOVES + 1, Relaxed);
        assert!(one.has_any_moved(NOW, NOW - MOVES) && !one.has_any_moved(NOW, NOW - MOVES + 1));
        slots[1].is_asleep.store(1, Relaxed);
        assert!(one.has_any_moved(NOW, NOW));
        slots[1].is_full.store(1, Relaxed);
        assert!(!one.has_any_moved(NOW, 0));
    }

    #[test]
    fn clients_go_where_a_worker_is_free_or_clearly_fewer_are_waiting() {
        let slots = board(2, NOW);
        let one = Siblings::new(slots, 0).unwrap();
        slots[1].is_asleep.store(1, Relaxed);
        set(&slots[1], 0, 90);
        assert!(one.is_any_better_off(NOW, load(2, 16)), "it is idle");
        set(&slots[1], 5, 5);
        assert!(one.is_any_better_off(NOW, load(8, 8)));
        assert!(!one.is_any_better_off(NOW, load(7, 8)) && !one.is_any_better_off(NOW, load(8, 7)));
        set(&slots[1], 16, 16);
        assert!(!one.is_any_better_off(NOW, load(20, 20)) && one.is_any_better_off(NOW, load(21, 21)));
        slots[1].is_asleep.store(0, Relaxed);
        assert!(one.is_any_better_off(NOW + GOES_ON, load(21, 21)));
        assert!(!one.is_any_better_off(NOW + GOES_ON + 1, load(21, 21)), "it may compute for seconds");
    }

    #[test]
    fn there_is_no_place_past_the_board() {
        assert!(Siblings::new(board(2, NOW), 2).is_none());
    }
}
