//! How many threads a group has: one more while requests wait, none of those there are can take one, and at least one of them
//! waits for something outside of its GVL; fewer when some have had nothing to do for long.
//!
//! Threads are Ruby's to start and to end. What is known here is when: whoever polls while all threads are busy looks, notes how
//! many are lacking, and calls the thread that looks after the others, which starts them and says so.
//!
//! ```text
//!   Enough --ask()--> so many are lacking --filled()--> so many are coming --expect_no_more()--> Enough
//! ```

use std::fmt;
use std::time::Duration;

use super::tuning::PATIENCE;
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};

/// How many threads there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// There are always so many.
    pub least: usize,
    /// There are never more, but for those that serve what waits for something outside of Ruby.
    pub most: usize,
    /// So many of those don't count.
    pub most_io_bound: usize,
}

/// One group's.
#[derive(Debug, Default)]
pub(super) struct Crew {
    /// Not always the same number.
    varies: AtomicBool,
    has_io_bound: AtomicBool,
    plan: Mutex<Option<Plan>>,
    /// Threads that are being started.
    coming: AtomicUsize,
    /// Threads that are to be started; zero while nobody has been asked.
    lacking: AtomicUsize,
    /// When it was looked last, in microseconds.
    looked_at: AtomicU64,
    /// Some were lacking then.
    lacked: AtomicBool,
    rests: Mutex<Vec<Rest>>,
}

struct Plan {
    bounds: Bounds,
    call: Call,
}

/// Calls whoever starts threads. It takes no time.
pub(super) type Call = Box<dyn Fn() + Send + Sync>;

/// What a runner was seen at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    pub(super) number: u64,
    pub(super) is_io_bound: bool,
    /// It has no request.
    pub(super) is_spare: bool,
    /// It has been without the GVL, and not wanting it, for more than a moment.
    pub(super) is_away: bool,
    /// When it has taken its last request, or began.
    pub(super) last: u64,
}

/// Since when a runner has been seen without a request.
#[derive(Debug)]
struct Rest {
    number: u64,
    /// The last request that it had taken.
    last: u64,
    since: u64,
}

/// How many of a group's runners are at what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Muster {
    all: usize,
    io_bound: usize,
    spare: usize,
    away: usize,
}

impl Crew {
    /// From now on there may be as many as `bounds` say, and `call` is called when some are lacking.
    pub(super) fn vary(&self, bounds: Bounds, call: Call) {
        *self.plan.lock() = Some(Plan { bounds, call });
        self.has_io_bound.store(bounds.most_io_bound > 0, Ordering::SeqCst);
        self.varies.store(bounds.least < bounds.most || bounds.most_io_bound > 0, Ordering::SeqCst);
    }

    /// Whether there aren't always as many.
    pub(super) fn varies(&self) -> bool {
        self.varies.load(Ordering::Relaxed)
    }

    /// Whether some may not count.
    pub(super) fn has_io_bound(&self) -> bool {
        self.has_io_bound.load(Ordering::Relaxed)
    }

    /// One more is being started.
    pub(super) fn expect(&self) {
        self.coming.fetch_add(1, Ordering::SeqCst);
    }

    /// One of those has come, or never will.
    pub(super) fn expect_no_more(&self) {
        self.coming.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether it is time to look whether some are lacking. To be asked before they are counted: one that is coming now is
    /// there then.
    pub(super) fn is_due(&self, now: u64) -> bool {
        if self.coming.load(Ordering::SeqCst) > 0 || self.lacking.load(Ordering::SeqCst) > 0 {
            return false;
        }
        let is_due = now.saturating_sub(self.looked_at.load(Ordering::Relaxed)) >= PATIENCE.as_micros() as u64;
        if is_due {
            self.looked_at.store(now, Ordering::Relaxed);
        }
        is_due
    }

    /// Asks for threads, while `waiting` requests wait and no thread is spare: for no more than there are that are away, so that
    /// their number doubles at most. Only when that is so at two looks: one that computes, and whose time slice is over, has given
    /// up the GVL before it says that it wants it, and the system may stop it in between.
    pub(super) fn ask(&self, waiting: usize, now: Muster) {
        let plan = self.plan.lock();
        let Some(Plan { bounds, call }) = &*plan else { return };
        let room = if now.spare > 0 { 0 } else { bounds.limit(now.io_bound).saturating_sub(now.all) };
        let number = room.min(waiting).min(now.away);
        if self.lacked.swap(number > 0, Ordering::SeqCst) && number > 0 {
            self.lacking.store(number, Ordering::SeqCst);
            call();
        }
    }

    /// Threads that are to be started. Nobody asks again before that.
    pub(super) fn lacking(&self) -> usize {
        self.lacking.load(Ordering::SeqCst)
    }

    /// One of them is being started, and [expected](Crew::expect). There is one who starts them.
    pub(super) fn filled(&self) {
        self.lacking.store(self.lacking().saturating_sub(1), Ordering::SeqCst);
    }

    /// Whether one that did not count may do so again, beside these and those that will come.
    pub(super) fn has_room(&self, beside: Muster) -> bool {
        let will_come = self.coming.load(Ordering::SeqCst) + self.lacking.load(Ordering::SeqCst);
        let most = self.plan.lock().as_ref().map_or(usize::MAX, |plan| plan.bounds.most);
        beside.all - beside.io_bound + will_come < most
    }

    /// Those that have been seen without a request for `time`, and without having had one, the longest first; none while there
    /// are no more than there always are. To be asked now and then: it knows what it has seen.
    pub(super) fn rested(&self, poses: &[Pose], now: u64, time: Duration) -> Vec<u64> {
        let mut rests = self.rests.lock();
        let (seen, time) = (std::mem::take(&mut *rests), time.as_micros() as u64);
        rests.extend(poses.iter().filter(|pose| pose.is_spare).map(|pose| {
            let before = seen.iter().find(|rest| rest.number == pose.number && rest.last == pose.last);
            Rest { number: pose.number, last: pose.last, since: before.map_or(now, |rest| rest.since) }
        }));
        let least = self.plan.lock().as_ref().map_or(usize::MAX, |plan| plan.bounds.least);
        if poses.len() <= least {
            return Vec::new();
        }
        let mut rested: Vec<_> = rests.iter().filter(|rest| now.saturating_sub(rest.since) >= time).collect();
        rested.sort_by_key(|rest| rest.last);
        rested.iter().map(|rest| rest.number).collect()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bounds.fmt(out)
    }
}

impl Bounds {
    /// How many there may be, of which some don't count.
    fn limit(&self, io_bound: usize) -> usize {
        self.most + io_bound.min(self.most_io_bound)
    }
}

impl FromIterator<Pose> for Muster {
    fn from_iter<I: IntoIterator<Item = Pose>>(poses: I) -> Muster {
        poses.into_iter().fold(Muster::default(), |sum, pose| Muster {
            all: sum.all + 1,
            io_bound: sum.io_bound + usize::from(pose.is_io_bound),
            spare: sum.spare + usize::from(pose.is_spare),
            away: sum.away + usize::from(pose.is_away),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One, and how many times it has called.
    fn crew(least: usize, most: usize, most_io_bound: usize) -> (Crew, Arc<AtomicUsize>) {
        let (crew, calls) = (Crew::default(), Arc::new(AtomicUsize::new(0)));
        let own = calls.clone();
        let call = move || {
            own.fetch_add(1, Ordering::SeqCst);
        };
        crew.vary(Bounds { least, most, most_io_bound }, Box::new(call));
        (crew, calls)
    }

    fn pose(number: u64) -> Pose {
        Pose { number, is_io_bound: false, is_spare: false, is_away: false, last: number }
    }

    fn away(number: u64) -> Pose {
        Pose { is_away: true, ..pose(number) }
    }

    fn spare(number: u64) -> Pose {
        Pose { is_spare: true, ..pose(number) }
    }

    fn io_bound(number: u64) -> Pose {
        Pose { is_io_bound: true, ..away(number) }
    }

    fn lacking(crew: &Crew, waiting: usize, poses: impl IntoIterator<Item = Pose>) -> usize {
        (0..crew.lacking()).for_each(|_| crew.filled());
        let now = poses.into_iter().collect();
        crew.ask(waiting, now);
        (0..crew.lacking()).for_each(|_| crew.filled());
        crew.ask(waiting, now);
        crew.lacking()
    }

    #[test]
    fn is_asked_for_as_many_as_wait_and_as_are_away_up_to_the_most() {
        let (crew, calls) = crew(1, 6, 0);
        assert!(crew.varies() && !crew.has_io_bound());
        assert_eq!(lacking(&crew, 1, [away(1), away(2)]), 1);
        assert!(calls.load(Ordering::SeqCst) > 0);
        assert_eq!(lacking(&crew, 9, [away(1), away(2)]), 2);
        assert_eq!(lacking(&crew, 9, [away(1), away(2), pose(3)]), 2, "who computes leaves no room for another");
        assert_eq!(lacking(&crew, 9, (1..=4).map(away)), 2);
        assert_eq!(lacking(&crew, 9, (1..=6).map(away)), 0);
    }

    #[test]
    fn is_asked_when_some_are_lacking_twice_in_a_row() {
        let (crew, calls) = crew(1, 6, 0);
        let look = |pose| crew.ask(9, [pose].into_iter().collect());
        for pose in [away(1), pose(1), away(1), spare(1), away(1)] {
            look(pose);
        }
        assert_eq!((crew.lacking(), calls.load(Ordering::SeqCst)), (0, 0));
        look(away(1));
        assert_eq!((crew.lacking(), calls.load(Ordering::SeqCst)), (1, 1));
    }

    #[test]
    fn is_not_asked_while_all_compute_or_one_is_spare_or_nothing_waits() {
        let (crew, calls) = crew(1, 6, 0);
        assert_eq!(lacking(&crew, 9, [pose(1), pose(2)]), 0);
        assert_eq!(lacking(&crew, 9, [away(1), spare(2)]), 0);
        assert_eq!(lacking(&crew, 0, [away(1)]), 0);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn is_not_due_while_some_are_lacking_or_coming_nor_all_the_time() {
        let (crew, _) = crew(1, 6, 0);
        let late = 10 * PATIENCE.as_micros() as u64;
        assert!(crew.is_due(late) && !crew.is_due(late + 1));
        assert_eq!(lacking(&crew, 1, [away(1)]), 1);
        assert!(!crew.is_due(2 * late));
        crew.expect();
        crew.filled();
        assert!(!crew.is_due(2 * late));
        crew.expect_no_more();
        assert!(crew.is_due(2 * late));
    }

    #[test]
    fn those_that_are_io_bound_do_not_count_up_to_a_number() {
        let (crew, _) = crew(2, 2, 2);
        assert!(crew.varies() && crew.has_io_bound());
        assert_eq!(lacking(&crew, 9, [away(1), away(2)]), 0);
        assert_eq!(lacking(&crew, 9, [io_bound(1), away(2)]), 1);
        assert_eq!(lacking(&crew, 9, [io_bound(1), io_bound(2)]), 2);
        assert_eq!(lacking(&crew, 9, [io_bound(1), io_bound(2), io_bound(3)]), 1, "two don't count, the third does");
        assert_eq!(lacking(&crew, 9, (1..=4).map(io_bound)), 0);
    }

    #[test]
    fn one_that_was_io_bound_counts_again_while_there_is_room() {
        let (crew, _) = crew(2, 2, 2);
        let may = |poses: &[Pose]| crew.has_room(poses.iter().copied().collect());
        assert!(may(&[away(1)]) && may(&[away(1), io_bound(2)]));
        assert!(!may(&[away(1), away(2)]));
        crew.expect();
        assert!(!may(&[away(1)]), "one is coming");
        crew.expect_no_more();
        assert_eq!(lacking(&crew, 1, [io_bound(1), away(2)]), 1);
        assert!(!may(&[away(2)]), "one was asked for");
    }

    #[test]
    fn those_that_stay_without_a_request_have_rested_the_longest_first() {
        let (crew, _) = crew(1, 4, 0);
        let second = SECOND.as_micros() as u64;
        assert!(crew.rested(&[spare(1), spare(2), pose(3)], 0, SECOND).is_empty());
        assert!(crew.rested(&[spare(1), spare(2), spare(3)], second / 2, SECOND).is_empty());
        assert_eq!(crew.rested(&[spare(2), spare(1), spare(3)], second, SECOND), [1, 2]);
        let served = Pose { last: 9, ..spare(1) };
        assert_eq!(crew.rested(&[served, spare(2), spare(3)], 2 * second, SECOND), [2, 3]);
        assert_eq!(crew.rested(&[served, pose(2)], 3 * second, SECOND), [1]);
        assert!(crew.rested(&[served], 9 * second, SECOND).is_empty(), "it is the last");
    }
}
