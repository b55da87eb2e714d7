//! The workers that share a GVL, and their run token: one thread at a time runs Ruby there.
//!
//! A thread that fetched a request and then waited for the GVL would hold the request up for as long as others compute.
//! So only the worker with the token fetches, and it keeps the token while it serves, until it gives the GVL up in the
//! middle of a request (a database, a sleep): only then is the next one woken.

use std::sync::Arc;
use std::time::Duration;

use super::absences::Absences;
use super::interrupt::Interrupt;
pub use super::runner::Runner;
use super::serving::AtWork;
use crate::bell::Bell;
use crate::net::deadlines::Micros;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// The workers that share a GVL.
#[derive(Debug, Default)]
pub struct Runners {
    /// The group's number within its engine.
    pub(super) lane: usize,
    token: Mutex<Token>,
    /// All there have ever been: a worker that ends leaves its place to the next one.
    members: Mutex<Vec<Arc<Runner>>>,
    /// Someone who is not fetching wants the GVL: the next one to fetch should let it go first.
    contended: AtomicBool,
    pub(super) absences: Absences,
    is_watched: AtomicBool,
    pub(super) clock: Micros,
}

#[derive(Debug, Default)]
struct Token {
    holder: Option<Arc<Runner>>,
    /// Those who wait for it, the one that came last is the next: its memory is still warm.
    waiting: Vec<(Arc<Runner>, Arc<Bell>)>,
}

/// What a wait for the run token ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The worker has the token.
    HasToken,
    /// It was called.
    Interrupted,
}

impl Runners {
    /// A group of that number.
    pub fn new(lane: usize) -> Runners {
        Runners { lane, ..Runners::default() }
    }

    /// A new worker of this group.
    pub fn join(self: &Arc<Self>) -> Arc<Runner> {
        let runner = Arc::new(Runner::new(self.clone()));
        self.members.lock().push(runner.clone());
        runner
    }

    /// What its workers serve now.
    pub fn at_work(&self) -> Vec<AtWork> {
        self.members.lock().iter().filter_map(|runner| runner.at_work()).collect()
    }

    /// Has the worker of that number, or every one, serve no further request; whoever waits for one hears of it when it
    /// is called ([`Interrupt::raise`]).
    pub fn retire(&self, worker: Option<u64>) {
        let members = self.members.lock();
        members
            .iter()
            .filter(|runner| worker.is_none_or(|number| runner.number == number))
            .for_each(|one| one.retire());
    }

    /// Somebody will ask soon who has been without the GVL for long ([`Runners::overtake`]), or not any more.
    pub fn watch(&self, is_watched: bool) {
        self.is_watched.store(is_watched, Ordering::SeqCst);
    }

    /// Whether somebody will ask.
    pub(super) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::SeqCst)
    }

    /// Passes the token on when its holder has been without the GVL for more than `moment`, or has computed for long.
    pub fn overtake(&self, moment: Duration) {
        let holder = self.token.lock().holder.clone();
        if let Some(holder) = holder {
            holder.overtake(moment);
        }
    }

    /// Somebody who is no worker of the group wants the GVL.
    pub fn contend(&self) {
        self.contended.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has wanted the GVL since the last time this was asked.
    pub fn is_contended(&self) -> bool {
        self.contended.load(Ordering::Relaxed) && self.contended.swap(false, Ordering::Relaxed)
    }

    /// Gives the token to `runner` if nobody has it.
    pub(super) fn pick_up(&self, runner: &Arc<Runner>) -> bool {
        self.token.lock().pick_up(runner)
    }

    /// Waits until `runner` has the token, or is called.
    pub(super) fn wait(&self, runner: &Arc<Runner>, interrupt: &Interrupt) -> Waited {
        {
            let mut token = self.token.lock();
            if token.pick_up(runner) {
                return Waited::HasToken;
            }
            token.waiting.push((runner.clone(), interrupt.bell.clone()));
        }
        while !runner.has_token() {
            if interrupt.hear() {
                // Handed over in this very moment, it is kept.
                self.token.lock().waiting.retain(|(other, _)| !Arc::ptr_eq(other, runner));
                return Waited::Interrupted;
            }
            interrupt.bell.wait(None);
        }
        Waited::HasToken
    }

    /// Its holder passes the token on to whoever came to wait last.
    pub(super) fn pass_on(&self) {
        let mut token = self.token.lock();
        let next = token.waiting.pop();
        if let Some((runner, bell)) = &next {
            runner.receive();
            bell.ring();
        }
        token.holder = next.map(|(runner, _)| runner);
    }
}

impl Token {
    fn pick_up(&mut self, runner: &Arc<Runner>) -> bool {
        if self.holder.is_some() {
            return false;
        }
        self.holder = Some(runner.clone());
        runner.receive();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::tuning::{SHORT, SLICE};
    use super::*;

    #[test]
    fn one_fetches_until_it_gives_the_lock_up() {
        let group = Arc::new(Runners::default());
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
        let group = Arc::new(Runners::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        a.give_up_lock();
        assert!(a.has_token() && !b.fetch());
    }

    #[test]
    fn a_moment_without_the_lock_keeps_the_token_and_a_long_time_does_not() {
        let group = Arc::new(Runners::default());
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
    fn absences_of_the_app_teach_what_to_expect_and_those_of_the_server_do_not() {
        let group = Arc::new(Runners::default());
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
        let group = Arc::new(Runners::default());
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
        let group = Arc::new(Runners::default());
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
        let group = Arc::new(Runners::new(3));
        let (a, b) = (group.join(), group.join());
        assert!(group.at_work().is_empty());
        a.run(b"GET", b"/slow?id=1");
        let busy = group.at_work();
        assert_eq!((busy.len(), busy[0].lane, busy[0].request.as_str()), (1, 3, "GET /slow"));
        group.retire(Some(busy[0].worker));
        assert!(a.is_retired() && !b.is_retired());
        group.retire(None);
        assert!(b.is_retired());
        b.begin();
        assert!(!b.is_retired());
        a.fetch();
        assert!(group.at_work().is_empty());
    }
}
