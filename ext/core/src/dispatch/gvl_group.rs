//! The workers that share a GVL.

use std::sync::Arc;
use std::time::Duration;

use super::run_token::RunToken;
pub use super::run_token::Waited;
pub use super::runner::Runner;
use super::serving::AtWork;
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
        GvlGroup { token: Arc::new(RunToken::new(gvl_group)), members: Mutex::default() }
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

    /// Somebody will ask soon who has been without the GVL for long ([`GvlGroup::overtake`]), or not any more.
    pub fn watch(&self, is_watched: bool) {
        self.token.watch(is_watched);
    }

    /// Passes the token on when its holder has been without the GVL for more than `moment`, or has computed for long.
    pub fn overtake(&self, moment: Duration) {
        let holder = self.members.lock().iter().find(|runner| runner.has_token()).cloned();
        if let Some(holder) = holder {
            holder.overtake(moment);
        }
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

#[cfg(test)]
mod tests {
    use super::super::tuning::{SHORT, SLICE};
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
        runner.briefly(take_long);
        take_long();
        assert!(runner.has_token(), "nothing was known when the app's began");
        runner.briefly(take_long);
        assert!(runner.has_token());
        take_long();
        assert!(!runner.has_token(), "after a long one the next is expected to be long");
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
