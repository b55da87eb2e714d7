//! Letting others go first: which process accepts, where several have the same listeners.
//!
//! Each newcomer wakes all that sleep. Whoever has the least to do accepts, one at a time; the others look again in a moment, and
//! after a few take whoever is still there, so that a process which is stuck or leaves strands nobody. Where all workers are busy and
//! have not begun with anything for a moment, newcomers are better off in the kernel's queue, for as long as others take some from there.

use crate::siblings::{Better, Load, Siblings};

/// For so many milliseconds newcomers are left to whoever would take them right away;
const PATIENCE: u64 = 3;
/// and for so many to whoever has fewer requests.
const LAST: u64 = 5;
/// Clients who come anew with each request stay outside until somebody is free, as long as workers begin with one so often.
const BRISK: u64 = 20;
/// The same for a process all of whose workers are busy and begin with nothing, while others' do.
const PATIENCE_STALLED: u64 = 50;
/// For so many milliseconds no worker has begun with any, though one waits: newcomers are left to others for as long as these move.
/// Where none waits, one is let in: by that it is seen from outside whether the process is stuck.
const STUCK: u64 = 250;
/// How soon it is looked again after one who was about to look.
const MOMENT: u64 = 1;
/// For so many milliseconds one is let in at a time, so that all processes have as many, unless the kernel's queue fills up: of 64 who came
/// at once one process of four had 31 without that.
const UNHURRIED: u64 = 50;
/// So many times one is let in whatever the others do, then two at once, and so on: a flood is not to overflow the kernel's queue.
const ROUNDS: u32 = 2;
/// At most so many at once are two to the power of this.
const MOST: u32 = 6;

/// Somebody is left waiting, or nobody.
#[derive(Debug, Default)]
pub(super) struct Courtesy {
    /// Since when, in milliseconds of the engine's clock.
    since: Option<u64>,
    /// When it is time to look again.
    again_at: u64,
    /// How often somebody was let in because nobody else did.
    rounds: u32,
    /// When that was the first time, in milliseconds.
    rounds_since: Option<u64>,
    /// So many more of them in this round.
    left: u32,
}

/// What is asked for each newcomer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<'s> {
    pub(super) siblings: &'s Siblings,
    /// The engine's time, and the scoreboard's.
    pub(super) now: u64,
    pub(super) shared_now: u64,
    pub(super) own: Load,
    /// Requests wait here already, or nobody is free who would take one.
    pub(super) is_busy: bool,
    /// When a worker last began with a request, by the scoreboard's time, where all are busy since a moment ago.
    pub(super) stalled_since: Option<u64>,
    /// Requests wait here already.
    pub(super) has_waiting: bool,
    /// Clients come with each request anew.
    pub(super) come_anew: bool,
}

impl Asking<'_> {
    /// Whether newcomers lose nothing by waiting outside, where whoever is free next finds them: the kernel's queue is one for all.
    fn may_stay_outside(&self) -> bool {
        self.is_busy && self.come_anew && self.siblings.is_anybody_brisk(self.shared_now, BRISK)
    }

    /// When it is time to look again after whoever has waited since then, where workers are stalled here and not elsewhere.
    fn stalled_until(&self, since: u64) -> Option<u64> {
        let took = self.stalled_since?;
        let is_stuck = self.has_waiting && self.shared_now.saturating_sub(took) >= STUCK;
        if is_stuck && self.siblings.has_any_moved(self.shared_now, took) {
            return Some(self.now + LAST);
        }
        let until = since + PATIENCE_STALLED;
        (self.now < until && self.siblings.has_any_moved(self.shared_now, 0)).then_some(until)
    }
}

impl Courtesy {
    /// Whether the next newcomer is this process's.
    pub(super) fn is_our_turn(&mut self, asking: Asking<'_>, has_room_outside: impl Fn() -> bool) -> bool {
        let Asking { siblings, now, shared_now, own, is_busy, .. } = asking;
        let since = self.since.unwrap_or(now);
        let waited = now.saturating_sub(since);
        let better = siblings.better(shared_now, own);
        let again_at = if let Some(again_at) = asking.stalled_until(since) {
            again_at
        } else if !is_busy && better.is_none() {
            return true;
        } else if asking.may_stay_outside() && has_room_outside() {
            now + PATIENCE
        } else if waited >= LAST || waited >= PATIENCE && !siblings.is_any_less_busy(shared_now, own) {
            return self.is_in_round(now, has_room_outside);
        } else if waited >= PATIENCE {
            since + LAST
        } else {
            match better {
                Some(Better::Asleep | Better::Soon) => now + MOMENT,
                // Nothing changes before that but by a worker, who has a turn of its own then.
                None => since + PATIENCE,
            }
        };
        self.since = Some(since);
        self.again_at = again_at;
        false
    }

    /// Whether somebody was left to others a while ago, and may be there still.
    pub(super) fn has_left_somebody(&self, now: u64) -> bool {
        self.since.is_some_and(|since| now >= since + MOMENT)
    }

    /// When it is time to look again.
    pub(super) fn again_at(&self) -> u64 {
        if self.since.is_some() { self.again_at } else { 0 }
    }

    /// One was let in.
    pub(super) fn let_in(&mut self, now: u64) {
        if self.left > 0 {
            self.left -= 1;
            if self.left == 0 {
                // From here on others have their turn again, and sooner: they have been found to be busy.
                self.since = Some(now.saturating_sub(PATIENCE - MOMENT));
                self.again_at = now + MOMENT;
            }
        } else {
            self.since = None;
        }
    }

    /// Nobody waits any more.
    pub(super) fn none_left(&mut self) {
        *self = Courtesy::default();
    }

    fn is_in_round(&mut self, now: u64, has_room_outside: impl Fn() -> bool) -> bool {
        if self.left == 0 {
            let since = *self.rounds_since.get_or_insert(now);
            if now.saturating_sub(since) < UNHURRIED && has_room_outside() {
                self.rounds = 0;
            }
            self.left = 1 << (self.rounds / ROUNDS).min(MOST);
            self.rounds += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::scoreboard::Slot;
    use crate::siblings::tests::board;

    const START: u64 = 50_000;

    /// Two processes, seen from the first, which has so many requests.
    struct Pair {
        slots: &'static [Slot],
        siblings: Siblings,
        courtesy: Courtesy,
        requests: u32,
        is_busy: bool,
        stalled_since: Option<u64>,
        come_anew: bool,
        has_room_outside: bool,
    }

    impl Pair {
        fn new() -> Pair {
            let slots = board(2, START);
            let siblings = Siblings::new(slots, 0).unwrap();
            Pair {
                slots,
                siblings,
                courtesy: Courtesy::default(),
                requests: 0,
                is_busy: false,
                stalled_since: None,
                come_anew: false,
                has_room_outside: true,
            }
        }

        /// Whether somebody is let in so many milliseconds after the start; if so, who counts the request that they bring.
        fn lets_in(&mut self, after: u64) -> bool {
            let own = Load { requests: self.requests, connections: 0 };
            let now = START + after;
            let Pair { is_busy, stalled_since, come_anew, .. } = *self;
            let asking = Asking {
                siblings: &self.siblings,
                now,
                shared_now: now,
                own,
                is_busy,
                stalled_since,
                has_waiting: self.requests > 1,
                come_anew,
            };
            let is_in = self.courtesy.is_our_turn(asking, || self.has_room_outside);
            if is_in {
                self.courtesy.let_in(now);
            }
            is_in
        }

        fn again_after(&self) -> u64 {
            self.courtesy.again_at() - START
        }
    }

    #[test]
    fn who_is_idle_lets_everybody_in_at_once() {
        let mut pair = Pair::new();
        assert!((0..100).all(|_| pair.lets_in(0)));
        assert_eq!(pair.courtesy.again_at(), 0);
    }

    #[test]
    fn who_sleeps_and_has_less_to_do_has_the_first_try_and_not_the_only_one() {
        let mut pair = Pair::new();
        pair.requests = 1;
        pair.slots[1].is_asleep.store(1, Relaxed);
        assert!(!pair.lets_in(0));
        assert_eq!(pair.again_after(), MOMENT);
        assert!(pair.courtesy.has_left_somebody(START + MOMENT) && !pair.courtesy.has_left_somebody(START));
        assert!(!pair.lets_in(1) && !pair.lets_in(PATIENCE) && !pair.lets_in(LAST - 1));
        assert_eq!(pair.again_after(), LAST);
        assert!(pair.lets_in(LAST), "it is stuck");
        assert!(!pair.lets_in(LAST), "and has another try with the next one");
    }

    #[test]
    fn when_all_are_busy_the_least_busy_is_the_first_to_give_in() {
        let mut pair = Pair::new();
        (pair.is_busy, pair.requests) = (true, 3);
        pair.slots[1].running.store(3, Relaxed);
        pair.slots[1].took.store(START, Relaxed);
        assert!(!pair.lets_in(0) && !pair.lets_in(PATIENCE - 1));
        assert_eq!(pair.again_after(), PATIENCE);
        assert!(pair.lets_in(PATIENCE));
        assert!(!pair.lets_in(PATIENCE));
        assert_eq!(pair.again_after(), PATIENCE + MOMENT);
        assert!(pair.lets_in(PATIENCE + MOMENT), "the next one sooner");
        pair.requests = 4;
        assert!(!pair.lets_in(LAST + 1) && pair.lets_in(LAST + 2));
    }

    #[test]
    fn who_comes_anew_with_each_request_waits_outside_while_workers_are_brisk() {
        let mut pair = Pair::new();
        (pair.is_busy, pair.requests, pair.come_anew) = (true, 1, true);
        let other = &pair.slots[1];
        other.running.store(9, Relaxed);
        other.took.store(START, Relaxed);
        assert!((0..=BRISK).all(|after| !pair.lets_in(after)));
        assert_eq!(pair.again_after(), BRISK + PATIENCE);
        assert!(pair.lets_in(BRISK + 1), "nobody has begun with any for too long");
        other.took.store(START + 2 * BRISK, Relaxed);
        assert!(!pair.lets_in(2 * BRISK) && !pair.lets_in(2 * BRISK + LAST));
        pair.has_room_outside = false;
        assert!(pair.lets_in(2 * BRISK + LAST), "the queue may not overflow");
        pair.has_room_outside = true;
        pair.is_busy = false;
        assert!(pair.lets_in(2 * BRISK + LAST) && pair.lets_in(2 * BRISK + LAST), "somebody is free");
        pair.is_busy = true;
        pair.come_anew = false;
        assert!(!pair.lets_in(3 * BRISK) && pair.lets_in(3 * BRISK + LAST), "the others' clients stay");
    }

    #[test]
    fn a_flood_is_let_in_faster_and_faster() {
        let mut pair = Pair::new();
        (pair.is_busy, pair.has_room_outside) = (true, false);
        let mut let_in = |from: u64| (0..1000).take_while(|_| pair.lets_in(from)).count();
        assert_eq!(let_in(0), 0);
        let rounds: Vec<_> = (1..=6).map(|round| let_in(round * PATIENCE)).collect();
        assert_eq!(rounds, [1, 1, 2, 2, 4, 4]);
        pair.has_room_outside = true;
        let mut let_in = |from: u64| (0..1000).take_while(|_| pair.lets_in(from)).count();
        assert_eq!([30, 31, 32, 33].map(&mut let_in), [1; 4], "no hurry: all are to have as many");
        assert_eq!([60, 61, 62, 63].map(let_in), [1, 2, 2, 4], "they wait for long");
        pair.courtesy.none_left();
        assert!(!pair.lets_in(100) && pair.lets_in(100 + PATIENCE) && !pair.lets_in(100 + PATIENCE));
    }

    #[test]
    fn who_begins_with_nothing_while_others_do_leaves_newcomers_to_them() {
        let mut pair = Pair::new();
        (pair.is_busy, pair.requests, pair.stalled_since) = (true, 2, Some(START));
        let others = pair.slots;
        others[1].beat.store(START + 10 * STUCK, Relaxed);
        others[1].took.store(START, Relaxed);
        assert!(!pair.lets_in(0));
        assert_eq!(pair.again_after(), PATIENCE_STALLED);
        assert!(
            !pair.lets_in(PATIENCE_STALLED - 1)
                && pair.lets_in(PATIENCE_STALLED)
                && !pair.lets_in(PATIENCE_STALLED + LAST)
        );
        others[1].took.store(START + 1, Relaxed);
        assert!(!pair.lets_in(STUCK) && !pair.lets_in(4 * STUCK - 2));
        pair.requests = 1;
        assert!(pair.lets_in(4 * STUCK - 1), "one has to wait in vain for it to be seen");
        pair.requests = 2;
        assert!(pair.lets_in(5 * STUCK), "the other one is stalled, too");
        others[1].is_asleep.store(1, Relaxed);
        assert!(!pair.lets_in(6 * STUCK));
        pair.stalled_since = None;
        assert!(pair.lets_in(6 * STUCK + LAST));
    }

    #[test]
    fn who_is_free_again_lets_those_in_who_were_left() {
        let mut pair = Pair::new();
        pair.is_busy = true;
        assert!(!pair.lets_in(0));
        pair.is_busy = false;
        assert!(pair.lets_in(1) && pair.lets_in(1));
        assert_eq!(pair.courtesy.again_at(), 0);
    }
}
