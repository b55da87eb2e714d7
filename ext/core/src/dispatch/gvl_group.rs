//! The workers that share a GVL.

use std::sync::Arc;
use std::time::Duration;

pub use super::crew::Bounds;
use super::crew::{Muster, Pose};
use super::run_token::RunToken;
pub use super::run_token::Waited;
pub use super::runner::Runner;
use super::serving::AtWork;
use crate::net::deadlines::Micros;
use crate::sync::Mutex;

/// The workers that share a GVL.
#[derive(Debug, Default)]
pub struct GvlGroup {
    token: Arc<RunToken>,
    /// All there have ever been: a worker that ends leaves its place to the next one.
    members: Mutex<Vec<Arc<Runner>>>,
}

impl GvlGroup {
    /// A group of that number.
    pub fn new(gvl_group: usize) -> GvlGroup {
        GvlGroup::by(gvl_group, Micros::default())
    }

    /// The same, which goes by that clock: what was read there need not be read here again ([`Runner::run_since`]).
    pub fn by(gvl_group: usize, clock: Micros) -> GvlGroup {
        GvlGroup { token: Arc::new(RunToken::new(gvl_group, clock)), members: Mutex::default() }
    }

    /// A new worker of this group.
    pub fn join(&self) -> Arc<Runner> {
        let runner = Arc::new(Runner::new(self.token.clone()));
        self.members.lock().push(runner.clone());
        runner
    }

    /// Whether it is a worker of this group.
    pub fn has(&self, runner: &Runner) -> bool {
        runner.shares(&self.token)
    }

    /// What its workers serve now.
    pub fn at_work(&self) -> Vec<AtWork> {
        self.members.lock().iter().filter_map(|runner| runner.at_work()).collect()
    }

    /// Has the worker of that number, or every one, serve no further request; whoever waits for one hears of it when it
    /// is called ([`Interrupt::raise`](super::interrupt::Interrupt::raise)).
    pub fn quarantine(&self, worker: Option<u64>) {
        let members = self.members.lock();
        members
            .iter()
            .filter(|runner| worker.is_none_or(|number| runner.number == number))
            .for_each(|one| one.quarantine());
    }

    /// From now on there are not always as many: `call`, which has to take no time, is called when some are lacking
    /// ([`GvlGroup::lacking`]).
    pub fn vary(&self, bounds: Bounds, call: impl Fn() + Send + Sync + 'static) {
        self.token.crew.vary(bounds, Box::new(call));
    }

    /// Whether there aren't always as many.
    pub(super) fn varies(&self) -> bool {
        self.token.crew.varies()
    }

    /// A thread is being started.
    pub fn expect(&self) {
        self.token.crew.expect();
    }

    /// One of those has come, and [begun](Runner::begin), or never will.
    pub fn expect_no_more(&self) {
        self.token.crew.expect_no_more();
    }

    /// Looks whether threads are lacking, while `waiting` requests wait: none can take one, nobody computes who has not done so
    /// for long, and some wait for something outside of the GVL.
    pub(super) fn ask_for_threads(&self, waiting: usize) {
        let crew = &self.token.crew;
        if crew.varies() && crew.is_due(self.token.clock.now()) {
            let poses = if self.token.is_free() { self.poses() } else { Vec::new() };
            crew.ask(waiting, poses.into_iter().collect());
        }
    }

    /// How many threads are to be started. Until they are nobody is asked again.
    pub fn lacking(&self) -> usize {
        self.token.crew.lacking()
    }

    /// One of those is being started, and [expected](GvlGroup::expect).
    pub fn filled(&self) {
        self.token.crew.filled();
    }

    /// The numbers of workers that have been seen without a request for `time`, the longest first, if there are more than there
    /// always are.
    pub fn rested(&self, time: Duration) -> Vec<u64> {
        self.token.crew.rested(&self.poses(), self.token.clock.now(), time)
    }

    /// Whether a worker of this group serves another request. One whose last request did not count, and in whose place there is
    /// another by now, doesn't.
    pub fn goes_on(&self, runner: &Runner) -> bool {
        runner.goes_on().unwrap_or_else(|| self.rejoin(runner))
    }

    fn rejoin(&self, runner: &Runner) -> bool {
        // With the lock held, so that of two that come at a time the second knows of the first.
        let members = self.members.lock();
        let others: Muster = poses(&members, Some(runner.number)).collect();
        let has_room = self.token.crew.has_room(others);
        runner.end_io_bound(has_room)
    }

    fn poses(&self) -> Vec<Pose> {
        poses(&self.members.lock(), None).collect()
    }

    /// Somebody will ask soon who has been without the GVL for long ([`GvlGroup::overtake`]), or not any more.
    pub fn watch(&self, is_watched: bool) {
        self.token.watch(is_watched);
    }

    /// Passes the token on when its holder has been without the GVL for more than `moment`, or has computed for long.
    pub fn overtake(&self, moment: Duration) {
        self.members.lock().iter().for_each(|runner| runner.overtake(moment));
    }

    /// Whether the token's holder computes: it may come to be overtaken.
    pub(super) fn is_running(&self) -> bool {
        self.members.lock().iter().any(|runner| runner.is_running())
    }

    /// Whether some worker has had the GVL for long, or wants it.
    pub(super) fn is_computing(&self) -> bool {
        self.members.lock().iter().any(|runner| runner.is_computing())
    }

    /// Somebody who is no worker of the group wants the GVL.
    pub fn contend(&self) {
        self.token.contend();
    }

    /// Whether somebody has wanted the GVL since the last time this was asked.
    pub fn is_contended(&self) -> bool {
        self.token.is_contended()
    }
}

/// What those that count are at, but for one.
fn poses(members: &[Arc<Runner>], but: Option<u64>) -> impl Iterator<Item = Pose> {
    members.iter().filter(move |runner| but != Some(runner.number)).filter_map(|runner| runner.pose())
}

#[cfg(test)]
mod tests {
    use super::super::tuning::{PATIENCE, SHORT, SLICE};
    use super::*;

    #[test]
    fn one_fetches_until_it_gives_the_lock_up() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        assert!(!b.fetch());
        a.run(b"GET", b"/");
        assert!(!b.fetch());
        a.give_up_lock();
        assert!(!a.has_token());
        assert!(b.fetch());
        assert!(!a.fetch(), "b has it now");
        b.leave();
        assert!(a.fetch());
    }

    #[test]
    fn giving_up_the_lock_between_requests_keeps_the_token() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        a.give_up_lock();
        assert!(a.has_token() && !b.fetch());
    }

    #[test]
    fn a_moment_without_the_lock_keeps_the_token_and_a_long_time_does_not() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        assert!(a.fetch());
        a.run(b"GET", b"/");
        a.give_up_lock();
        group.overtake(Duration::from_secs(60));
        assert!(a.has_token(), "it has not been long");
        std::thread::sleep(SHORT * 2);
        group.overtake(SHORT);
        assert!(!a.has_token() && b.fetch());
        a.want_lock();
        assert!(!a.fetch());
    }

    #[test]
    fn releases_by_the_app_teach_what_to_expect_and_those_by_the_server_do_not() {
        let group = Arc::new(GvlGroup::default());
        let runner = group.join();
        group.watch(true);
        assert!(runner.fetch());
        runner.run(b"GET", b"/");
        let take_long = || {
            runner.give_up_lock();
            std::thread::sleep(Duration::from_millis(5));
            runner.want_lock();
        };
        (0..5).for_each(|_| runner.briefly(take_long));
        (0..3).for_each(|_| take_long());
        assert!(runner.has_token(), "nothing was known when the app's began");
        runner.briefly(take_long);
        assert!(runner.has_token());
        take_long();
        assert!(!runner.has_token(), "after three long ones the next is expected to be long");
    }

    #[test]
    fn one_that_computes_for_long_is_overtaken() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        a.run(b"GET", b"/");
        group.overtake(SHORT);
        assert!(a.has_token());
        std::thread::sleep(SLICE * 2);
        group.overtake(SHORT);
        assert!(!a.has_token() && b.fetch() && !a.fetch());
    }

    #[test]
    fn one_that_computes_as_long_as_the_others_do_is_not_overtaken() {
        let group = Arc::new(GvlGroup::default());
        let a = group.join();
        (0..100).for_each(|_| group.token.service.learn(SLICE / 2));
        assert!(a.fetch());
        a.run(b"GET", b"/");
        std::thread::sleep(SLICE + SLICE / 2);
        group.overtake(SHORT);
        assert!(a.has_token() && group.is_computing(), "to others it is one that computes for long all the same");
        std::thread::sleep(SLICE);
        group.overtake(SHORT);
        assert!(!a.has_token(), "four times as long is too long");
    }

    #[test]
    fn one_that_is_away_keeps_the_token_while_another_has_the_lock() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        a.begin();
        b.begin();
        go_away(&a);
        group.overtake(SHORT);
        assert!(a.has_token(), "b would share the lock with whoever came");
        b.give_up_lock();
        group.overtake(SHORT);
        assert!(!a.has_token());
    }

    #[test]
    fn one_that_has_computed_for_long_keeps_nobody_out() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        a.begin();
        assert!(b.fetch());
        b.run(b"GET", b"/report");
        b.want_lock();
        std::thread::sleep(SLICE * 3);
        group.overtake(SHORT);
        assert!(a.fetch() && !group.is_running());
        a.run(b"GET", b"/");
        assert!(group.is_running(), "nobody who looks may fall asleep");
        a.give_up_lock();
        std::thread::sleep(SHORT * 2);
        group.overtake(SHORT);
        assert!(!a.has_token(), "b has the lock, and has had its turn");
        assert!(group.token.is_lock_free());
        b.leave();
        b.begin();
        assert!(!group.token.is_lock_free(), "whoever has its place next counts");
    }

    #[test]
    fn one_that_comes_back_and_computes_for_long_keeps_nobody_out() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        go_away(&b);
        group.overtake(SHORT);
        b.want_lock();
        a.begin();
        go_away(&a);
        group.overtake(SHORT);
        assert!(a.has_token(), "it is b's turn");
        a.want_lock();
        std::thread::sleep(SLICE * 3);
        group.overtake(SHORT);
        assert!(!a.has_token());
        go_away(&a);
        group.overtake(SHORT);
        assert!(!a.has_token(), "b's turn is over");
    }

    #[test]
    fn parts_of_an_answer_buy_no_time() {
        let group = Arc::new(GvlGroup::default());
        let a = group.join();
        assert!(a.fetch());
        a.run(b"GET", b"/");
        std::thread::sleep(SLICE * 2);
        a.progress();
        group.overtake(SHORT);
        assert!(!a.has_token());
    }

    #[test]
    fn nobody_who_watches_no_more_leaves_a_token_with_one_that_is_away() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        b.begin();
        assert!(a.fetch());
        a.run(b"GET", b"/");
        a.give_up_lock();
        group.watch(false);
        group.overtake(Duration::ZERO);
        assert!(!a.has_token());
    }

    #[test]
    fn a_release_teaches_nothing_while_another_has_the_lock() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        a.begin();
        b.begin();
        assert!(a.fetch());
        a.run(b"GET", b"/");
        let take_long = || {
            a.give_up_lock();
            std::thread::sleep(Duration::from_millis(5));
            a.want_lock();
        };
        (0..4).for_each(|_| take_long());
        assert!(a.has_token(), "it may have waited for b");
        b.give_up_lock();
        (0..4).for_each(|_| take_long());
        assert!(!a.has_token());
    }

    #[test]
    fn a_release_is_measured_until_another_wants_the_lock() {
        let group = Arc::new(GvlGroup::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        a.begin();
        b.begin();
        b.give_up_lock();
        assert!(a.fetch());
        a.run(b"GET", b"/");
        for _ in 0..4 {
            a.give_up_lock();
            b.want_lock();
            std::thread::sleep(Duration::from_millis(5));
            b.give_up_lock();
            a.want_lock();
        }
        assert!(a.has_token(), "nothing was lost");
    }

    #[test]
    fn only_one_that_was_overtaken_contends() {
        let group = Arc::new(GvlGroup::default());
        let a = group.join();
        assert!(a.fetch());
        a.want_lock();
        a.run(b"GET", b"/");
        a.want_lock();
        assert!(!group.is_contended());
        a.give_up_lock();
        a.want_lock();
        assert!(group.is_contended() && !group.is_contended());
    }

    /// Away for longer than a moment, without a token.
    fn go_away(runner: &Runner) {
        assert!(runner.fetch());
        runner.run(b"GET", b"/");
        runner.give_up_lock();
        std::thread::sleep(SHORT * 2);
    }

    fn varying(least: usize, most: usize, most_io_bound: usize) -> GvlGroup {
        let group = GvlGroup::default();
        group.vary(Bounds { least, most, most_io_bound }, || ());
        group
    }

    fn member(group: &GvlGroup) -> Arc<Runner> {
        let runner = group.join();
        runner.begin();
        runner
    }

    /// Whether threads are asked for, as soon as it may be looked.
    fn asks(group: &GvlGroup) -> bool {
        for _ in 0..2 {
            (0..group.lacking()).for_each(|_| group.filled());
            std::thread::sleep(PATIENCE * 2);
            group.ask_for_threads(3);
        }
        group.lacking() > 0
    }

    #[test]
    fn threads_are_lacking_when_all_have_a_request_and_one_is_away() {
        let group = varying(1, 4, 0);
        let a = member(&group);
        assert!(!asks(&group), "it is spare");
        go_away(&a);
        assert!(asks(&group));
        assert_eq!(group.lacking(), 1);
        let b = member(&group);
        assert!(!asks(&group), "the new one is spare");
        assert!(b.fetch());
        b.run(b"GET", b"/");
        assert!(!asks(&group), "b computes, and has for a short time only");
        std::thread::sleep(SLICE * 2);
        group.overtake(SHORT);
        assert!(asks(&group), "others share the GVL with b");
        a.want_lock();
        assert!(!asks(&group), "both compute, or want to");
        a.give_up_lock();
        assert!(asks(&group), "it is away again");
    }

    #[test]
    fn a_group_that_does_not_vary_asks_for_none() {
        let group = GvlGroup::default();
        let a = member(&group);
        go_away(&a);
        group.ask_for_threads(3);
        assert_eq!(group.lacking(), 0);
        assert!(!a.mark_io_bound() && group.goes_on(&a));
    }

    #[test]
    fn one_that_was_io_bound_leaves_when_another_has_its_place() {
        let group = varying(1, 1, 1);
        let a = member(&group);
        go_away(&a);
        assert!(!asks(&group));
        assert!(a.mark_io_bound() && a.mark_io_bound());
        assert!(asks(&group));
        let b = member(&group);
        group.filled();
        assert!(group.goes_on(&b) && !group.goes_on(&a) && a.is_quarantined() && !a.mark_io_bound());
        assert!(b.mark_io_bound() && group.goes_on(&b), "there is no other");
    }

    #[test]
    fn one_that_has_been_spare_for_long_is_found_and_a_thread_in_its_place_is_not() {
        let group = varying(1, 4, 0);
        let (a, b) = (member(&group), member(&group));
        assert_eq!(group.rested(Duration::ZERO), [a.number(), b.number()]);
        let moment = Duration::from_millis(20);
        std::thread::sleep(moment);
        b.run(b"GET", b"/");
        assert_eq!(group.rested(moment), [a.number()]);
        a.leave();
        assert!(group.rested(Duration::ZERO).is_empty());
        a.begin();
        assert!(group.rested(moment).is_empty());
    }

    #[test]
    fn tells_who_is_at_work_and_whom_it_has_retired() {
        let group = Arc::new(GvlGroup::new(3));
        let (a, b) = (group.join(), group.join());
        assert!(group.at_work().is_empty());
        a.run(b"GET", b"/slow?id=1");
        let busy = group.at_work();
        assert_eq!((busy.len(), busy[0].gvl_group, busy[0].request.as_str()), (1, 3, "GET /slow"));
        group.quarantine(Some(busy[0].worker));
        assert!(a.is_quarantined() && !b.is_quarantined());
        group.quarantine(None);
        assert!(b.is_quarantined());
        b.begin();
        assert!(!b.is_quarantined());
        a.fetch();
        assert!(group.at_work().is_empty());
    }
}
