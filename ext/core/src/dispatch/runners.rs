//! One runner at a time for each lock that lets only one run, as the GVL does for the threads of a ractor.
//!
//! A thread that fetched a request and then waited for the lock would hold the request up for as long as others compute.
//! So only the thread with the *baton* fetches, and it keeps the baton while it serves, until it gives the lock up in the
//! middle of a request (a database, a sleep): only then is the next one woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use parking_lot::Mutex;

use super::absences::Absences;
use super::interrupt::Interrupt;
use super::serving::{AtWork, Serving};
use crate::net::deadlines::Micros;

/// The workers that share a lock.
#[derive(Debug, Default)]
pub struct Runners {
    /// The group's number within its engine.
    lane: usize,
    baton: Mutex<Baton>,
    /// All there have ever been: a worker that ends leaves its place to the next one.
    members: Mutex<Vec<Arc<Runner>>>,
    /// Someone who is not fetching wants the lock: the next one to fetch should let it go first.
    contended: AtomicBool,
    absences: Absences,
    is_watched: AtomicBool,
    clock: Micros,
}

/// Giving up the lock for less is no reason to wake another worker: reading a file's status takes a few microseconds, and
/// two threads that then take turns at the lock lose far more.
pub const SHORT: Duration = Duration::from_micros(200);
/// A request that computes for longer has to share the lock with others, by Ruby's time slices.
const SLICE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Baton {
    holder: Option<Arc<Runner>>,
    /// Those who wait for it, the one that came last is the next: its memory is still warm.
    waiting: Vec<Arc<Runner>>,
}

/// One worker.
///
/// ```text
///                                  gives up the lock
///   Fetching --run()--> Running ------------------------> Overtaken
///      ^                 |  ^ \\                              ^ |
///      |                 |  |  \\--for a moment?--> Away ----/  |
///      +---- fetch() ----+  +------ wants it again -/ too long |
///      +---- fetch() -------------- (must get the baton again) +
/// ```
#[derive(Debug)]
pub struct Runner {
    number: u64,
    group: Arc<Runners>,
    /// It is to serve no further request.
    is_retired: AtomicBool,
    serving: Serving,
    state: AtomicU8,
    has_baton: AtomicBool,
    /// It waits for its client, and not for the app.
    waits_for_client: AtomicBool,
    /// The server itself gives up the lock, for a moment.
    is_brief: AtomicBool,
    /// It has given up the lock, and kept the baton: how long that takes says what to expect.
    is_sample: AtomicBool,
    /// When it gave up the lock, in microseconds.
    away_since: AtomicU64,
    /// When it began to serve its request, in microseconds.
    running_since: AtomicU64,
    handed: (Sender<()>, Receiver<()>),
}

/// Numbers of workers are never used twice.
static NUMBERS: AtomicU64 = AtomicU64::new(1);

const FETCHING: u8 = 0;
const RUNNING: u8 = 1;
const OVERTAKEN: u8 = 2;
const AWAY: u8 = 3;

/// What a wait for the baton ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The worker has the baton.
    HasBaton,
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
        let mut members = self.members.lock();
        let runner = Arc::new(Runner {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            group: self.clone(),
            is_retired: AtomicBool::new(false),
            serving: Serving::default(),
            state: AtomicU8::new(FETCHING),
            has_baton: AtomicBool::new(false),
            waits_for_client: AtomicBool::new(false),
            is_brief: AtomicBool::new(false),
            is_sample: AtomicBool::new(false),
            away_since: AtomicU64::new(0),
            running_since: AtomicU64::new(0),
            handed: bounded(1),
        });
        members.push(runner.clone());
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
        for runner in members.iter().filter(|runner| worker.is_none_or(|number| runner.number == number)) {
            runner.is_retired.store(true, Ordering::SeqCst);
        }
    }

    /// Somebody will ask soon who has been without the lock for long ([`Runners::overtake`]), or not any more.
    pub fn watch(&self, is_watched: bool) {
        self.is_watched.store(is_watched, Ordering::SeqCst);
    }

    /// Passes the baton on when its holder has been without the lock for more than `moment`, or has computed for long.
    pub fn overtake(&self, moment: Duration) {
        let holder = self.baton.lock().holder.clone();
        if let Some(holder) = holder {
            holder.overtake(moment);
        }
    }

    /// Somebody who is no worker of the group wants the lock.
    pub fn contend(&self) {
        self.contended.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has wanted the lock since the last time this was asked.
    pub fn is_contended(&self) -> bool {
        self.contended.load(Ordering::Relaxed) && self.contended.swap(false, Ordering::Relaxed)
    }
}

impl Runner {
    /// Whether it is a worker of that group.
    pub fn is_of(&self, group: &Arc<Runners>) -> bool {
        Arc::ptr_eq(&self.group, group)
    }

    /// The request has been served; the worker wants the next one. True when it has the baton.
    pub fn fetch(self: &Arc<Self>) -> bool {
        self.state.store(FETCHING, Ordering::SeqCst);
        self.has_baton() || self.pick_up(&mut self.group.baton.lock())
    }

    /// Whether this worker has the baton.
    pub fn has_baton(&self) -> bool {
        self.has_baton.load(Ordering::SeqCst)
    }

    /// Waits for the baton, without the lock. When all is over, whoever has it hears of that and passes it on as it leaves,
    /// so that those who wait end one after the other: at the same moment they would all want the lock.
    pub fn wait(self: &Arc<Self>, interrupt: &Interrupt) -> Waited {
        {
            let mut baton = self.group.baton.lock();
            if self.pick_up(&mut baton) {
                return Waited::HasBaton;
            }
            baton.waiting.push(self.clone());
        }
        let waited = select_biased! {
            recv(self.handed.1) -> _ => return Waited::HasBaton,
            recv(interrupt.raised) -> _ => Waited::Interrupted,
        };
        let mut baton = self.group.baton.lock();
        let place = baton.waiting.iter().position(|runner| Arc::ptr_eq(runner, self));
        match place {
            Some(place) => {
                baton.waiting.remove(place);
            }
            // It was handed over in this very moment, and is kept.
            None => self.handed.1.recv().unwrap_or_default(),
        }
        waited
    }

    /// The worker serves a request from now on.
    pub fn run(&self, method: &[u8], target: &[u8]) {
        self.serving.begin(method, target);
        self.progress();
        self.state.store(RUNNING, Ordering::SeqCst);
    }

    /// How long the request took that has just been served; `None` when there was none.
    pub fn served(&self) -> Option<Duration> {
        (self.state.load(Ordering::SeqCst) != FETCHING).then(|| self.since(&self.running_since))
    }

    /// The request that it serves has moved on: the client has taken a part of the answer.
    pub fn progress(&self) {
        self.running_since.store(self.group.clock.now(), Ordering::Relaxed);
    }

    /// Runs `work`, which waits for the client.
    pub fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.waits_for_client.store(true, Ordering::Relaxed);
        let result = work();
        self.waits_for_client.store(false, Ordering::Relaxed);
        self.progress();
        result
    }

    /// Runs `work`, in which the server gives up the lock for what is short nearly always. No other worker is woken for that,
    /// unless it takes long after all; and it says nothing of what the app does.
    pub fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        self.is_brief.store(true, Ordering::Relaxed);
        let result = work();
        self.is_brief.store(false, Ordering::Relaxed);
        result
    }

    /// A thread takes this worker's place in the group.
    pub fn begin(&self) {
        self.is_retired.store(false, Ordering::SeqCst);
    }

    /// Whether it is to serve no further request.
    pub fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::SeqCst)
    }

    /// The worker gives the lock up. In the middle of a request the baton goes to the next one: at once if that is expected
    /// to be for long, or if nobody watches; otherwise when it has been away for more than a moment
    /// ([`Runners::overtake`]).
    pub fn give_up_lock(&self) {
        if self.state.load(Ordering::SeqCst) != RUNNING {
            return;
        }
        self.away_since.store(self.group.clock.now(), Ordering::SeqCst);
        self.state.store(AWAY, Ordering::SeqCst);
        // Looked at after the store, so that one who stops watching and then looks once more finds it.
        let is_brief = self.is_brief.load(Ordering::Relaxed);
        let keeps = self.group.is_watched.load(Ordering::SeqCst) && (is_brief || self.group.absences.are_short());
        self.is_sample.store(keeps && !is_brief, Ordering::Relaxed);
        if !keeps {
            self.leave_behind(AWAY);
        }
    }

    /// The worker wants the lock again: its absence ends here, since how long it then waits for the lock says nothing of
    /// what it was away for. One that was overtaken in the middle of a request should have the lock before anyone fetches
    /// another.
    pub fn want_lock(&self) {
        let state = self.state.load(Ordering::SeqCst);
        if state != AWAY && state != OVERTAKEN {
            return;
        }
        if self.is_sample.swap(false, Ordering::Relaxed) {
            self.group.absences.learn(self.away());
        }
        if self.state.compare_exchange(AWAY, RUNNING, Ordering::SeqCst, Ordering::SeqCst) == Err(OVERTAKEN) {
            self.group.contend();
        }
    }

    /// The worker ends.
    pub fn leave(&self) {
        self.state.store(FETCHING, Ordering::SeqCst);
        self.pass_on();
    }

    fn at_work(&self) -> Option<AtWork> {
        if self.state.load(Ordering::SeqCst) == FETCHING {
            return None;
        }
        let (time, request) = (self.since(&self.running_since), self.serving.describe());
        let waits_for_client = self.waits_for_client.load(Ordering::Relaxed);
        Some(AtWork { worker: self.number, lane: self.group.lane, time, request, waits_for_client })
    }

    fn overtake(&self, moment: Duration) {
        match self.state.load(Ordering::SeqCst) {
            AWAY if self.away() > moment => self.leave_behind(AWAY),
            state @ (AWAY | RUNNING) if self.since(&self.running_since) > SLICE => self.leave_behind(state),
            _ => {}
        }
    }

    fn away(&self) -> Duration {
        self.since(&self.away_since)
    }

    fn since(&self, then: &AtomicU64) -> Duration {
        Duration::from_micros(self.group.clock.now().saturating_sub(then.load(Ordering::SeqCst)))
    }

    fn leave_behind(&self, state: u8) {
        if self.state.compare_exchange(state, OVERTAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.pass_on();
        }
    }

    fn pick_up(self: &Arc<Self>, baton: &mut Baton) -> bool {
        if baton.holder.is_some() {
            return false;
        }
        baton.holder = Some(self.clone());
        self.has_baton.store(true, Ordering::SeqCst);
        true
    }

    fn pass_on(&self) {
        if !self.has_baton.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut baton = self.group.baton.lock();
        baton.holder = baton.waiting.pop();
        if let Some(next) = &baton.holder {
            next.has_baton.store(true, Ordering::SeqCst);
            let _ = next.handed.0.try_send(());
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert!(!a.has_baton());
        assert!(b.fetch());
        assert!(!a.fetch(), "b has it now");
        b.leave();
        assert!(a.fetch());
    }

    #[test]
    fn giving_up_the_lock_between_requests_keeps_the_baton() {
        let group = Arc::new(Runners::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        a.give_up_lock();
        assert!(a.has_baton() && !b.fetch());
    }

    #[test]
    fn a_moment_without_the_lock_keeps_the_baton_and_a_long_time_does_not() {
        let group = Arc::new(Runners::default());
        let (a, b) = (group.join(), group.join());
        group.watch(true);
        assert!(a.fetch());
        a.run(b"GET", b"/");
        a.give_up_lock();
        group.overtake(Duration::from_secs(60));
        assert!(a.has_baton(), "it has not been long");
        std::thread::sleep(SHORT * 2);
        group.overtake(SHORT);
        assert!(!a.has_baton() && b.fetch());
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
        assert!(runner.has_baton(), "nothing was known when the app's began");
        runner.briefly(take_long);
        assert!(runner.has_baton());
        take_long();
        assert!(!runner.has_baton(), "after a long one the next is expected to be long");
    }

    #[test]
    fn one_that_computes_for_long_is_overtaken() {
        let group = Arc::new(Runners::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        a.run(b"GET", b"/");
        group.overtake(SHORT);
        assert!(a.has_baton());
        std::thread::sleep(SLICE * 2);
        group.overtake(SHORT);
        assert!(!a.has_baton() && b.fetch() && !a.fetch());
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
