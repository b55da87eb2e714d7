//! This process's place on the scoreboard, as its engine keeps it, and which of its clients it sends elsewhere.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::courtesy::Asking;
use super::deadlines::Clock;
use crate::scoreboard::{self, Slot, State};
use crate::siblings::{Load, Siblings};
use crate::sync::Mutex;

/// For so many milliseconds no worker must have been free before clients are sent elsewhere,
const PRESSED: u64 = 30;
/// one in so many.
const PAUSE: u64 = 10;

/// For so many milliseconds none of the workers, all of whom are busy, must have begun with a request before they are taken for stalled. At 10, four
/// processes that compute on two processors were uneven: the busiest did 1.5 times its share, and at 50 what it does without.
const STALLED: u64 = 50;

/// For so many milliseconds no client may have asked who was here before for them all to be taken for such as come anew with each request.
const ANEW: u64 = 250;

/// What the engine does of which others know.
#[derive(Debug)]
pub(crate) struct Place {
    siblings: Siblings,
    /// Whose place it is.
    pid: u32,
    /// What the board's time is ahead of the engine's.
    ahead: u64,
    /// The next connection that may be ended is to be.
    is_one_due: AtomicBool,
    /// The next one is not before, in the engine's milliseconds.
    not_before: AtomicU64,
    /// Whoever is free has to share the interpreter's lock with one that computes for long, or waits for it in vain.
    is_computing: AtomicBool,
    /// From when on clients are taken for such as come anew with each request, in the engine's milliseconds.
    anew_from: AtomicU64,
    /// Closed, it ends the heart.
    heart: Mutex<Option<UnixStream>>,
}

impl Place {
    pub(super) fn new(siblings: Siblings, clock: &Clock) -> Place {
        let place = Place {
            pid: siblings.own().pid(),
            siblings,
            ahead: scoreboard::now().saturating_sub(clock.now()),
            is_one_due: AtomicBool::new(false),
            not_before: AtomicU64::new(0),
            is_computing: AtomicBool::new(false),
            anew_from: AtomicU64::new(0),
            heart: Mutex::default(),
        };
        let now = place.time(clock.now());
        place.slot().free.store(now, Relaxed);
        place.slot().took.store(now, Relaxed);
        place
    }

    /// Its memory.
    pub(crate) fn slot(&self) -> &'static Slot {
        self.siblings.own()
    }

    /// Whether it still is this engine's. A process that goes on when its engine has ended may have given it back.
    pub(crate) fn is_ours(&self) -> bool {
        self.slot().pid() == self.pid
    }

    /// The others.
    pub(crate) fn siblings(&self) -> &Siblings {
        &self.siblings
    }

    /// The board's time.
    pub(crate) fn time(&self, now: u64) -> u64 {
        self.ahead + now
    }

    /// Has the heart end when `end` is closed.
    pub(crate) fn end_heart_with(&self, end: UnixStream) {
        *self.heart.lock() = Some(end);
    }

    /// The engine is over.
    pub(super) fn end_heart(&self) {
        self.heart.lock().take();
    }

    /// A turn begins.
    pub(super) fn begin_turn(&self, now: u64) {
        self.slot().turn.store(self.time(now), Relaxed);
    }

    /// The poll is about to block, and a worker with nothing else to do waits there.
    pub(super) fn fall_asleep(&self) {
        let is_there = self.slot().is_full.load(Relaxed) == 0 && !self.is_computing.load(Relaxed);
        self.slot().is_asleep.store(is_there.into(), Relaxed);
    }

    /// It does no more; a worker that had nothing else to do has waited there, or somebody in the place of workers.
    pub(super) fn awake(&self, now: u64, by_free_worker: bool) {
        self.slot().is_asleep.store(0, Relaxed);
        if by_free_worker && !self.is_computing.load(Relaxed) {
            self.slot().free.store(self.time(now), Relaxed);
        }
    }

    /// A worker has begun with a request, about then.
    pub(super) fn begin(&self, now: u64) {
        self.slot().running.fetch_add(1, Relaxed);
        self.slot().took.store(self.time(now), Relaxed);
    }

    /// A worker has nothing to do with it any more.
    pub(super) fn end(&self) {
        self.slot().running.fetch_sub(1, Relaxed);
    }

    /// So many requests wait for a worker.
    pub(super) fn tell_waiting(&self, requests: usize) {
        let waiting = &self.slot().waiting;
        if waiting.load(Relaxed) as usize != requests {
            waiting.store(requests as u32, Relaxed);
        }
    }

    /// A client has asked that was here before.
    pub(super) fn tell_kept(&self, now: u64) {
        self.anew_from.store(now + ANEW, Relaxed);
    }

    /// So many connections are open.
    pub(super) fn tell_connections(&self, connections: usize) {
        self.slot().connections.store(connections as u32, Relaxed);
    }

    /// Whether nobody can be let in.
    pub(super) fn tell_full(&self, is_full: bool) {
        let told = &self.slot().is_full;
        if told.load(Relaxed) != u32::from(is_full) {
            told.store(is_full.into(), Relaxed);
        }
    }

    /// Whether all interpreters compute for long.
    pub(crate) fn tell_computing(&self, is_computing: bool) {
        self.is_computing.store(is_computing, Relaxed);
        if is_computing {
            self.slot().is_asleep.store(0, Relaxed);
        }
    }

    /// Workers have come.
    pub(super) fn serve(&self) {
        self.slot().ready();
    }

    /// Whether it is to end, be it that whoever looks after it has said so.
    pub(super) fn is_to_leave(&self) -> bool {
        self.slot().state() == State::Draining
    }

    /// The engine is about to end.
    pub(super) fn leave(&self) {
        if self.is_ours() {
            self.slot().leave();
        }
    }

    /// What letting somebody in depends on; `ready` requests have come in this turn.
    pub(super) fn asking(&self, now: u64, connections: usize, ready: usize, is_covered: bool) -> Asking<'_> {
        let own = self.load(connections, ready);
        let waits = ready > 0 || self.slot().waiting.load(Relaxed) > 0;
        let shared_now = self.time(now);
        let took = self.slot().took.load(Relaxed);
        let is_taken = is_covered || self.is_computing.load(Relaxed);
        let is_stalled = is_taken && shared_now.saturating_sub(took) >= STALLED;
        let stalled_since = is_stalled.then_some(took);
        Asking {
            siblings: &self.siblings,
            now,
            shared_now,
            own,
            is_busy: is_taken || waits,
            stalled_since,
            has_waiting: waits,
            come_anew: now >= self.anew_from.load(Relaxed),
        }
    }

    /// At the end of a turn: whether it is time that a client goes elsewhere, since all workers have been busy for long, and
    /// another process is better off.
    pub(super) fn look_around(&self, now: u64, connections: usize, ready: usize) {
        let own = self.load(connections, ready);
        let shared_now = self.time(now);
        let is_pressed = shared_now.saturating_sub(self.slot().free.load(Relaxed)) >= PRESSED;
        let waits = ready > 0 || self.slot().waiting.load(Relaxed) > 0;
        let is_due = is_pressed
            && waits
            && connections > 1
            && now >= self.not_before.load(Relaxed)
            && self.siblings.is_any_better_off(shared_now, own);
        self.is_one_due.store(is_due, Relaxed);
    }

    /// Whether the connection that is about to be answered is the one that is to end. True once for each time.
    pub(super) fn sheds(&self, now: impl FnOnce() -> u64) -> bool {
        let is_this = self.is_one_due.load(Relaxed) && self.is_one_due.swap(false, Relaxed);
        if is_this {
            self.not_before.store(now() + PAUSE, Relaxed);
        }
        is_this
    }

    fn load(&self, connections: usize, ready: usize) -> Load {
        let slot = self.slot();
        let requests = slot.running.load(Relaxed).saturating_add(slot.waiting.load(Relaxed));
        Load { requests: requests.saturating_add(ready as u32), connections: connections as u32 }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::siblings::tests::board;

    /// The first of two processes, which has two requests that wait, and the other, which is idle.
    fn pair() -> (Clock, Place, &'static Slot) {
        let clock = Clock::still();
        let slots = board(2, scoreboard::now());
        let place = Place::new(Siblings::new(slots, 0).unwrap(), &clock);
        place.tell_waiting(2);
        slots[1].is_asleep.store(1, Relaxed);
        (clock, place, &slots[1])
    }

    fn sheds(place: &Place, clock: &Clock, connections: usize) -> bool {
        place.look_around(clock.now(), connections, 0);
        place.sheds(|| clock.now())
    }

    fn skip(clock: &Clock, milliseconds: u64) {
        clock.skip(Duration::from_millis(milliseconds));
    }

    #[test]
    fn clients_go_elsewhere_one_by_one_when_no_worker_has_been_free_for_long() {
        let (clock, place, _) = pair();
        skip(&clock, PRESSED - 1);
        assert!(!sheds(&place, &clock, 9));
        skip(&clock, 1);
        assert!(sheds(&place, &clock, 9) && !place.sheds(|| clock.now()));
        assert!(!sheds(&place, &clock, 9), "only one at a time");
        skip(&clock, PAUSE);
        assert!(!sheds(&place, &clock, 1), "there is no other client that waits");
        assert!(sheds(&place, &clock, 9));
        place.awake(clock.now(), true);
        skip(&clock, PAUSE);
        assert!(!sheds(&place, &clock, 9), "a worker was free");
    }

    #[test]
    fn nobody_goes_while_nobody_waits_or_is_better_off() {
        let (clock, place, other) = pair();
        skip(&clock, PRESSED);
        place.tell_waiting(0);
        assert!(!sheds(&place, &clock, 9));
        place.tell_waiting(2);
        other.running.store(1, Relaxed);
        assert!(!sheds(&place, &clock, 9));
        other.running.store(0, Relaxed);
        place.look_around(clock.now(), 9, 0);
        place.tell_waiting(0);
        place.look_around(clock.now(), 9, 0);
        assert!(!place.sheds(|| clock.now()), "it was due, and is no more");
    }

    #[test]
    fn whoever_stands_in_for_workers_leaves_none_free() {
        let (clock, place, _) = pair();
        skip(&clock, PRESSED);
        place.fall_asleep();
        assert_eq!(place.slot().is_asleep.load(Relaxed), 1);
        place.awake(clock.now(), false);
        assert!(place.slot().is_asleep.load(Relaxed) == 0 && sheds(&place, &clock, 9));
    }

    #[test]
    fn who_is_free_beside_one_that_computes_is_neither_asleep_nor_free() {
        let (clock, place, _) = pair();
        skip(&clock, PRESSED.max(STALLED));
        place.fall_asleep();
        place.tell_computing(true);
        assert_eq!(place.slot().is_asleep.load(Relaxed), 0);
        place.awake(clock.now(), true);
        place.fall_asleep();
        assert!(place.slot().is_asleep.load(Relaxed) == 0 && sheds(&place, &clock, 9));
        assert!(place.asking(clock.now(), 4, 0, false).stalled_since.is_some());
        place.begin(clock.now());
        skip(&clock, STALLED - 1);
        assert!(place.asking(clock.now(), 4, 0, false).stalled_since.is_none());
        skip(&clock, 1);
        assert!(place.asking(clock.now(), 4, 0, false).stalled_since.is_some());
        place.tell_waiting(0);
        let asking = place.asking(clock.now(), 4, 0, false);
        assert!(asking.is_busy && asking.stalled_since.is_some());
        place.tell_computing(false);
        let asking = place.asking(clock.now(), 4, 0, false);
        assert!(!asking.is_busy && asking.stalled_since.is_none());
    }

    #[test]
    fn clients_come_anew_where_none_has_asked_again_lately() {
        let (clock, place, _) = pair();
        assert!(place.asking(clock.now(), 4, 0, false).come_anew);
        place.tell_kept(clock.now());
        skip(&clock, ANEW - 1);
        assert!(!place.asking(clock.now(), 4, 0, false).come_anew);
        skip(&clock, 1);
        assert!(place.asking(clock.now(), 4, 0, false).come_anew);
    }

    #[test]
    fn a_place_that_was_given_back_and_is_anothers_is_left_alone() {
        let (_, place, _) = pair();
        place.slot().free();
        place.slot().take(77);
        place.slot().ready();
        place.leave();
        assert_eq!((place.is_ours(), place.slot().state()), (false, State::Ready));
    }

    #[test]
    fn what_has_come_in_this_turn_counts_as_what_waits() {
        let (clock, place, _) = pair();
        place.tell_waiting(0);
        place.begin(clock.now());
        assert!(!place.asking(clock.now(), 4, 0, false).is_busy && place.asking(clock.now(), 4, 0, true).is_busy);
        let asking = place.asking(clock.now(), 4, 2, false);
        assert!(asking.is_busy);
        assert_eq!(asking.own, Load { requests: 3, connections: 4 });
        place.end();
        assert_eq!(place.asking(clock.now(), 4, 0, false).own.requests, 0);
    }
}
