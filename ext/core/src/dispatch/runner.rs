//! One worker among those that share a GVL: what it does with the GVL and the run token.

use std::sync::Arc;
use std::time::Duration;

use super::crew::Pose;
use super::interrupt::Interrupt;
use super::run_token::{RunToken, Seat, Waited};
use super::service_time::CpuTime;
use super::serving::{AtWork, Serving};
use super::tuning::{NOTICED, SHORT, SLICE};
use crate::net::peer::PeerAddr;
use crate::sync::{AtomicBool, AtomicU8, AtomicU64, Mutex, Ordering};

/// One worker.
///
/// ```text
///   Fetching --run()--> Running --gives up the GVL--> Away --is to be long, or has been--> Gone
///      ^                 |   ^                         |                                  ^  |
///      |                 |   '---wants it again--------'                     gives it up  |  |  wants it again
///      |                 |                                                   again (*)    |  v
///      |                 '------------ computes for too long -----------------------> Overtaken
///      |
///      '---- fetch(), from each; from Gone and Overtaken it has to get the token again
///
///   (*) noted only where there is not always the same number of workers
/// ```
///
/// Beside that, whether it counts:
///
/// ```text
///   Absent --begin()--> Present --mark_io_bound()--> IoBound --end_io_bound()--> Present, or Quarantined
///
///   quarantine(), from each: Quarantined                      leave(), from each: Absent
/// ```
#[derive(Debug)]
pub struct Runner {
    pub(super) number: u64,
    token: Arc<RunToken>,
    seat: Arc<Seat>,
    /// Whether it counts.
    standing: AtomicU8,
    serving: Serving,
    state: AtomicU8,
    /// It waits for its client, and not for the app.
    waits_for_client: AtomicBool,
    /// The server itself gives up the GVL, for a moment.
    is_brief: AtomicBool,
    /// It has the GVL, or wants it.
    has_lock: AtomicBool,
    /// Its request has computed for long.
    is_long: AtomicBool,
    /// It counts among those that have the GVL or want it.
    is_counted: AtomicBool,
    /// When it gave up the GVL, in microseconds.
    away_since: AtomicU64,
    /// When it began to serve its request, in microseconds.
    running_since: AtomicU64,
    /// When it took it, in microseconds.
    taken_at: AtomicU64,
    /// Parts of the answer have been sent.
    is_streaming: AtomicBool,
    /// What its thread had computed when it began with its request, where that is measured.
    began: Mutex<Option<CpuTime>>,
}

/// Numbers of workers are never used twice.
static NUMBERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// It has no request.
const FETCHING: u8 = 0;
/// It has the token, and the GVL.
const RUNNING: u8 = 1;
/// It has no token; the GVL it has, or wants.
const OVERTAKEN: u8 = 2;
/// It has given up the GVL, and kept the token.
const AWAY: u8 = 3;
/// It has neither.
const GONE: u8 = 4;

/// No thread has its place.
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;
/// Its request waits for something outside of Ruby, and doesn't count against the most threads there may be.
const IO_BOUND: u8 = 2;
/// It is to serve no further request.
const QUARANTINED: u8 = 3;

impl Runner {
    pub(super) fn new(token: Arc<RunToken>) -> Runner {
        Runner {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            token,
            seat: Arc::default(),
            standing: AtomicU8::new(ABSENT),
            serving: Serving::default(),
            state: AtomicU8::new(FETCHING),
            waits_for_client: AtomicBool::new(false),
            is_brief: AtomicBool::new(false),
            has_lock: AtomicBool::new(false),
            is_long: AtomicBool::new(false),
            is_counted: AtomicBool::new(false),
            away_since: AtomicU64::new(0),
            running_since: AtomicU64::new(0),
            taken_at: AtomicU64::new(0),
            is_streaming: AtomicBool::new(false),
            began: Mutex::default(),
        }
    }

    /// Its number, which no other worker has.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether it is one of those who share that token.
    pub(super) fn shares(&self, token: &Arc<RunToken>) -> bool {
        Arc::ptr_eq(&self.token, token)
    }

    /// The request has been served; the worker wants the next one. True when it has the token.
    pub fn fetch(&self) -> bool {
        if self.state.swap(FETCHING, Ordering::SeqCst) != FETCHING {
            self.end_request();
        }
        self.has_token() || self.token.pick_up(&self.seat)
    }

    /// Whether this worker has the token.
    pub fn has_token(&self) -> bool {
        self.seat.has_token()
    }

    /// Waits for the token, without the GVL. When all is over, whoever has it hears of that and passes it on as it leaves,
    /// so that those who wait end one after the other: at the same moment they would all want the GVL.
    pub fn wait(&self, interrupt: &Interrupt) -> Waited {
        self.token.wait(&self.seat, interrupt)
    }

    /// The worker serves a request from now on.
    pub fn run(&self, method: &[u8], target: &[u8]) {
        self.run_since(None, method, target, None);
    }

    /// The same of a client who is known, and of a request that was taken at that time of the group's clock: now, where it is not known.
    pub fn run_since(&self, taken: Option<u64>, method: &[u8], target: &[u8], peer: Option<PeerAddr>) {
        self.serving.begin(method, target, peer);
        let now = taken.unwrap_or_else(|| self.token.clock.now());
        self.running_since.store(now, Ordering::Relaxed);
        self.taken_at.store(now, Ordering::Relaxed);
        self.is_streaming.store(false, Ordering::Relaxed);
        if self.token.service.is_measured() {
            *self.began.lock() = Some(CpuTime::now());
        }
        self.state.store(RUNNING, Ordering::SeqCst);
    }

    /// How long the request took that has just been served; `None` when there was none.
    pub fn served(&self) -> Option<Duration> {
        (self.state.load(Ordering::SeqCst) != FETCHING).then(|| self.since(&self.running_since))
    }

    /// The request that it serves has moved on: the client has taken a part of the answer.
    pub fn progress(&self) {
        self.is_streaming.store(true, Ordering::Relaxed);
        self.running_since.store(self.token.clock.now(), Ordering::Relaxed);
    }

    /// Runs `work`, which waits for the client.
    pub fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.waits_for_client.store(true, Ordering::Relaxed);
        let result = work();
        self.waits_for_client.store(false, Ordering::Relaxed);
        self.running_since.store(self.token.clock.now(), Ordering::Relaxed);
        result
    }

    /// Runs `work`, in which the server gives up the GVL for what is short nearly always. No other worker is woken for that,
    /// unless it takes long after all; and it says nothing of what the app does.
    pub fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        self.is_brief.store(true, Ordering::Relaxed);
        let result = work();
        self.is_brief.store(false, Ordering::Relaxed);
        result
    }

    /// A thread takes this worker's place in the group. It has the GVL.
    pub fn begin(&self) {
        self.note_lock(true);
        self.taken_at.store(self.token.clock.now(), Ordering::Relaxed);
        self.standing.store(PRESENT, Ordering::SeqCst);
    }

    /// It is to serve no further request; whoever waits for one hears of it when it is called
    /// ([`Interrupt::raise`](super::interrupt::Interrupt::raise)).
    pub fn quarantine(&self) {
        self.standing.store(QUARANTINED, Ordering::SeqCst);
    }

    /// Whether it is to serve no further request.
    pub fn is_quarantined(&self) -> bool {
        self.standing.load(Ordering::SeqCst) == QUARANTINED
    }

    /// What it is at waits for something outside of Ruby for most of its time: false where that changes nothing.
    pub fn mark_io_bound(&self) -> bool {
        self.token.crew.has_io_bound()
            && match self.standing.compare_exchange(PRESENT, IO_BOUND, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => true,
                Err(standing) => standing == IO_BOUND,
            }
    }

    /// Whether it counts as one that serves, between two requests: `None` where somebody has to find out who knows the others.
    pub(super) fn goes_on(&self) -> Option<bool> {
        match self.standing.load(Ordering::SeqCst) {
            QUARANTINED => Some(false),
            IO_BOUND => None,
            _ => Some(true),
        }
    }

    /// The worker gives the GVL up. In the middle of a request the token goes to the next one: at once if that is expected
    /// to be for long, or if nobody watches; otherwise when it has been away for more than a moment, and nobody else had the GVL
    /// ([`GvlGroup::overtake`](super::gvl_group::GvlGroup::overtake)).
    pub fn give_up_lock(&self) {
        self.note_lock(false);
        match self.state.load(Ordering::SeqCst) {
            RUNNING => {}
            // Where nobody asks who waits for what, nothing is noted.
            OVERTAKEN if self.token.crew.varies() => {
                self.away_since.store(self.token.clock.now(), Ordering::SeqCst);
                self.state.store(GONE, Ordering::SeqCst);
                return;
            }
            _ => return,
        }
        let now = self.token.clock.now();
        self.away_since.store(now, Ordering::SeqCst);
        self.state.store(AWAY, Ordering::SeqCst);
        // Looked at after the store, so that one who stops watching and then looks once more finds it.
        let keeps = self.token.is_watched() && (self.is_brief.load(Ordering::Relaxed) || self.begin_release(now));
        if !keeps {
            self.leave_behind(AWAY);
        }
    }

    /// The worker wants the GVL again: its release ends here, since how long it then waits for the GVL says nothing of
    /// what it was away for. One that was overtaken in the middle of a request should have the GVL before anyone fetches
    /// another.
    pub fn want_lock(&self) {
        self.note_lock(true);
        let state = self.state.load(Ordering::SeqCst);
        if state == AWAY || state == GONE {
            if self.state.compare_exchange(AWAY, RUNNING, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                return;
            }
            self.state.store(OVERTAKEN, Ordering::SeqCst);
        } else if state != OVERTAKEN {
            return;
        }
        self.token.contend();
    }

    /// The worker ends.
    pub fn leave(&self) {
        self.is_long.store(false, Ordering::SeqCst); // whoever has its place next begins anew
        self.note_lock(false);
        self.state.store(FETCHING, Ordering::SeqCst);
        self.standing.store(ABSENT, Ordering::SeqCst);
        self.pass_on();
    }

    /// What it does, for whoever counts; `None` of one that doesn't count.
    pub(super) fn pose(&self) -> Option<Pose> {
        let is_io_bound = match self.standing.load(Ordering::SeqCst) {
            PRESENT => false,
            IO_BOUND => true,
            _ => return None,
        };
        let state = self.state.load(Ordering::SeqCst);
        Some(Pose {
            number: self.number,
            is_io_bound,
            is_spare: state == FETCHING,
            is_away: matches!(state, AWAY | GONE) && self.away() > SHORT,
            last: self.taken_at.load(Ordering::Relaxed),
        })
    }

    /// Its request that did not count is over. From now on it counts again, if there is room for it: whether it does.
    pub(super) fn end_io_bound(&self, has_room: bool) -> bool {
        let next = if has_room { PRESENT } else { QUARANTINED };
        self.standing.compare_exchange(IO_BOUND, next, Ordering::SeqCst, Ordering::SeqCst).is_ok() && has_room
    }

    /// Whether others take turns with it at the GVL, or wait for it in vain: it has computed for long.
    pub(super) fn is_computing(&self) -> bool {
        match self.state.load(Ordering::SeqCst) {
            OVERTAKEN => true,
            RUNNING => self.since(&self.running_since) > SLICE,
            _ => false,
        }
    }

    /// Whether it has the token, and computes with it.
    pub(super) fn is_running(&self) -> bool {
        self.has_token() && self.state.load(Ordering::SeqCst) == RUNNING
    }

    /// What it serves now.
    pub(super) fn at_work(&self) -> Option<AtWork> {
        if self.state.load(Ordering::SeqCst) == FETCHING {
            return None;
        }
        let (request, peer) = self.serving.describe_with_peer();
        Some(AtWork {
            worker: self.number,
            gvl_group: self.token.gvl_group,
            time: self.since(&self.running_since),
            age: self.since(&self.taken_at),
            request,
            waits_for_client: self.waits_for_client.load(Ordering::Relaxed),
            is_streaming: self.is_streaming.load(Ordering::Relaxed),
            is_quarantined: self.is_quarantined(),
            peer,
        })
    }

    /// Passes the token on when this worker has been without the GVL for more than `moment`, or has computed for long.
    pub(super) fn overtake(&self, moment: Duration) {
        match self.state.load(Ordering::SeqCst) {
            AWAY if self.is_away_for(moment) => self.leave_behind(AWAY),
            state @ (AWAY | RUNNING | OVERTAKEN) => self.share_if_long(state),
            _ => {}
        }
    }

    /// Others share the GVL with a request that has computed for long. What others compute meanwhile is not its time: about that, as
    /// nobody knows who had the GVL when.
    fn share_if_long(&self, state: u8) {
        let time = self.since(&self.taken_at);
        if time > self.token.service.slice() * self.token.with_lock().max(1) {
            self.is_long.store(true, Ordering::SeqCst);
            self.count();
            if state != OVERTAKEN {
                self.leave_behind(state);
            }
        } else if state == RUNNING && time > NOTICED {
            self.token.service.measure();
        }
    }

    /// It gives up the GVL now, in the middle of its request: whether that is expected to be short.
    fn begin_release(&self, now: u64) -> bool {
        let releases = &self.token.releases;
        let is_short = releases.are_short();
        // Where others have the GVL meanwhile, it may be they that this one waits for.
        if is_short && self.token.is_lock_unused() {
            releases.measure(now);
            if !self.token.is_lock_unused() {
                releases.end(|| now); // somebody has come in between, and looked before
            }
        }
        is_short
    }

    /// A request is over: how long it has computed, where that is measured.
    fn end_request(&self) {
        if self.is_long.load(Ordering::Relaxed) {
            self.is_long.store(false, Ordering::SeqCst);
            self.count();
        }
        if self.token.service.is_measured() {
            if let Some(time) = self.began.lock().take().and_then(|began| began.elapsed()) {
                self.token.service.learn(time);
            }
        }
    }

    /// Whether it is worth it to pass the token on of one that is away. While others compute whose turn it is, one more would only share
    /// the GVL with them; but nobody would ask again after `moment` is nothing.
    fn is_away_for(&self, moment: Duration) -> bool {
        moment.is_zero() || self.away() > moment && self.token.is_lock_free()
    }

    /// It has the GVL or wants it, or neither.
    fn note_lock(&self, has_lock: bool) {
        if self.has_lock.swap(has_lock, Ordering::SeqCst) != has_lock {
            self.token.count_all(has_lock);
        }
        if has_lock {
            self.token.releases.end(|| self.token.clock.now());
        }
        self.count();
    }

    /// Counts it among those that have the GVL or want it, or not any more. One that shares it with others for long doesn't count.
    fn count(&self) {
        let counts = self.has_lock.load(Ordering::SeqCst) && !self.is_long.load(Ordering::SeqCst);
        if self.is_counted.swap(counts, Ordering::SeqCst) != counts {
            self.token.count_lock(counts);
        }
    }

    fn away(&self) -> Duration {
        self.since(&self.away_since)
    }

    fn since(&self, then: &AtomicU64) -> Duration {
        Duration::from_micros(self.token.clock.now().saturating_sub(then.load(Ordering::SeqCst)))
    }

    fn leave_behind(&self, state: u8) {
        let next = if state == AWAY { GONE } else { OVERTAKEN };
        if self.state.compare_exchange(state, next, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.pass_on();
        }
    }

    fn pass_on(&self) {
        self.token.pass_on(&self.seat);
    }
}
