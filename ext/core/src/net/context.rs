//! What both sides of a connection share: whoever polls, and whoever serves a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use mio::Waker;
use parking_lot::Mutex;

use super::account::{Account, Observer};
use super::closing::closer;
use super::deadlines::{Clock, NEVER};
use super::detached::Detached;
use super::helpers::Helpers;
use super::ids::Ids;
use super::kept::Kept;
use super::leisure::Leisure;
use super::notes::Notes;
use super::overdue::{AllOverdue, Overdue};
use super::peer::PeerAddr;
use super::place::Place;
use super::places::Places;
use super::pump::Pump;
use super::readiness::Readiness;
use super::survey::Surveys;
use super::trap::Trap;
use crate::bell::Bell;
use crate::budget::Budget;
use crate::config::Config;
use crate::error::Fault;
use crate::http::head::Head;
use crate::http::request_id::{self, Made};
use crate::spool_file::Spools;
use crate::stats::{GAUGES, Stats};
use crate::tls::port::Port;

/// What an engine is doing.
///
/// ```text
///   Running --lame_duck()--> LameDuck --drain()--> Draining --no connection is left--> Over
///      |  \----------------------drain()----/                                    |
///       \------------------------------stop()-----------------------------------/
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// It accepts connections and hands out requests.
    Running = 0,
    /// It does so still, but every answer ends its connection, and whoever asks whether it is ready is to hear that it isn't.
    LameDuck = 1,
    /// It accepts no more; requests that have begun are finished.
    Draining = 2,
    /// It hands out nothing any more.
    Over = 3,
}

/// Settings, counters and the way to be heard by whoever polls.
#[derive(Debug)]
pub struct Context {
    /// The settings.
    pub config: Config,
    /// The counters.
    pub stats: Stats,
    /// The time that deadlines go by.
    pub clock: Clock,
    /// Answers that apps go on with by themselves.
    pub detached: Detached,
    /// What is kept of answers for clients that read slowly.
    pub kept: Arc<Kept>,
    /// Who does what takes long.
    pub(crate) helpers: Helpers,
    /// Who does handshakes: those who wait for disks are not to hold them up.
    pub(crate) shakers: Helpers,
    /// Who passes on what apps and clients say that speak TLS by a socket that the app has taken.
    pub(super) pump: Pump,
    /// Descriptors of the engine's: sockets, and files that are spooled or sent.
    pub descriptors: Budget,
    /// Files for what is too much for memory.
    pub spools: Spools,
    /// Places for clients that go on with a request which has been answered.
    pub(super) lingering: Budget,
    /// Where tests have panics happen.
    pub(crate) trap: Trap,
    /// What others know of it, where several processes serve together.
    pub(crate) place: Option<Place>,
    /// Whether requests are taken.
    pub(crate) readiness: Readiness,
    /// Where those who ask for what is in flight meet who polls.
    pub(crate) surveys: Surveys,
    /// Rung when something is asked of Ruby from outside.
    pub(crate) questions: Bell,
    /// Where those wait who want to do something while nothing is in flight.
    leisure: Leisure,
    phase: AtomicU8,
    /// When it began to drain.
    drained_at: AtomicU64,
    /// Gone with the poller, so that whatever outlives it holds no descriptor.
    waker: Mutex<Option<Waker>>,
    /// Connections that the poll side should look at without waiting for an event.
    notes: Notes,
    /// The time of the last turn, and the same in microseconds.
    turned: AtomicU64,
    turned_micros: AtomicU64,
    /// Requests that were answered in their worker's place.
    pub(super) overdue: AllOverdue,
    /// Somebody hears of requests that are over.
    is_observed: bool,
    /// What makes ids for requests that have none, if they are to have some.
    ids: Option<Ids>,
    /// Requests that were handed over before their body had come.
    streamed: Places,
    /// What TLS is served with, at each of its listeners.
    ports: Vec<Arc<Port>>,
    /// Somebody wants that read again.
    is_reload_asked: AtomicBool,
    /// When the first of its certificates ends, in seconds since 1970; zero where none does.
    expires: AtomicU64,
    /// When each setting, or other cause of a refusal, was last named in the log.
    named: Mutex<Vec<(&'static str, u64)>>,
    /// The log has told of a header whose name has an underscore.
    has_left_out: AtomicBool,
}

/// A place among those whose body arrives while a worker has the request; free again when this is dropped, wherever the
/// request has come to its end.
#[derive(Debug)]
pub(super) struct StreamingPlace(Arc<Context>);

impl Drop for StreamingPlace {
    fn drop(&mut self) {
        self.0.streamed.give_back();
        self.0.offer_streaming_place();
    }
}

/// Clients that may go on for longer with a request which has been answered already, at one time; never more than a quarter of all
/// that there may be. Others have as long as anybody.
const LINGERING: u64 = 64;
/// Between two looks at whether a request that takes long is over, for whoever waits until nothing is in flight.
const LEISURELY: Duration = Duration::from_millis(50);
/// A setting is named in the log once in so many milliseconds: a flood of clients must not fill the disk.
const NAMED_EVERY: u64 = 1000;
/// Bytes of a header's name that the log has.
const LONGEST_TOLD: usize = 64;

impl Context {
    pub(super) fn new(config: Config, waker: Waker) -> Context {
        Context::at(Clock::start(), config, waker)
    }

    /// With what TLS is served with.
    pub(super) fn with_ports(self, ports: Vec<Arc<Port>>) -> Context {
        Context { ports, ..self }
    }

    fn at(clock: Clock, config: Config, waker: Waker) -> Context {
        let descriptors = Budget::new(config.descriptors);
        let helpers = Helpers::default();
        let closer = closer(helpers.clone());
        let spools = Spools::new(config.limits.spool_dir.clone(), config.spool_limit, descriptors.clone(), closer);
        Context {
            stats: Stats::default(),
            place: config.siblings.map(|siblings| Place::new(siblings, &clock)),
            clock,
            detached: Detached::default(),
            kept: Kept::new(config.kept_bytes),
            helpers,
            shakers: Helpers::default(),
            pump: Pump::default(),
            descriptors,
            spools,
            lingering: Budget::new((config.max_connections as u64 / 4).clamp(1, LINGERING)),
            trap: Trap::default(),
            readiness: Readiness::default(),
            surveys: Surveys::default(),
            questions: Bell::default(),
            leisure: Leisure::default(),
            phase: AtomicU8::new(Phase::Running as u8),
            drained_at: AtomicU64::new(NEVER),
            waker: Mutex::new(Some(waker)),
            notes: Notes::default(),
            turned: AtomicU64::new(0),
            turned_micros: AtomicU64::new(0),
            overdue: AllOverdue::default(),
            ids: config.request_id.then(Ids::default),
            is_observed: config.access_log.is_some() || !config.observers.is_empty(),
            streamed: Places::default(),
            ports: Vec::new(),
            is_reload_asked: AtomicBool::new(false),
            expires: AtomicU64::new(0),
            named: Mutex::default(),
            has_left_out: AtomicBool::new(false),
            config,
        }
    }

    /// One whose clock and helpers go on only as whoever simulates says.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn simulated(config: Config, waker: Waker) -> Context {
        let context = Context::at(Clock::still(), config, waker);
        context.helpers.have_no_threads();
        context.shakers.have_no_threads();
        context
    }

    /// Requests that have been handed over before their body had come.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn streamed(&self) -> usize {
        self.streamed.taken()
    }

    /// Whether the poll side has been asked to look at this connection.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn has_note(&self, key: usize) -> bool {
        self.notes.has(key)
    }

    /// What the engine is doing.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Running,
            1 => Phase::LameDuck,
            2 => Phase::Draining,
            _ => Phase::Over,
        }
    }

    /// Goes on to a later phase; never back to an earlier one.
    pub fn enter(&self, phase: Phase) {
        if phase >= Phase::Draining {
            self.drained_at.fetch_min(self.clock.now(), Ordering::SeqCst);
        }
        let before = self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        if let Some(place) = &self.place {
            // One that has come that far may be dropped when another engine of this process has the place already.
            if phase as u8 > before {
                place.leave();
            }
        }
        self.wake();
    }

    /// Whether the answer that is about to be sent may keep its connection open.
    pub fn keeps_alive(&self) -> bool {
        let sends_away = |place: &Place| place.is_to_leave() || place.sheds(|| self.clock.now());
        self.phase() == Phase::Running && !self.place.as_ref().is_some_and(sends_away)
    }

    /// A worker has begun with a request.
    pub(super) fn begin_request(&self) {
        self.stats.requests.add();
        self.stats.running.add();
        if let Some(place) = &self.place {
            place.begin(self.turn_began());
        }
    }

    /// A request is over, or no worker has anything to do with it any more.
    pub(super) fn leave_request(&self) {
        if let Some(place) = &self.place {
            place.end();
        }
    }

    /// Waits until something may have been asked of Ruby ([`Slot::question`](crate::scoreboard::Slot::question)), for `limit` at
    /// most.
    pub fn await_question(&self, limit: Duration) {
        self.questions.wait(Some(limit));
    }

    /// Ends that wait, or the next.
    pub fn call_questions(&self) {
        self.questions.ring();
    }

    /// Waits until nothing has been in flight for a moment, once after some has been; or until it is called.
    pub fn await_leisure(&self) {
        self.leisure.wait();
    }

    /// Ends that wait, or the next.
    pub fn call_leisure(&self) {
        self.leisure.call();
    }

    /// A look at whether nothing is in flight.
    pub(crate) fn look_for_leisure(&self, is_any_waiting: bool) {
        self.leisure.look(self.stats.requests.get(), || is_any_waiting || self.is_any_running());
    }

    /// How long whoever looks may sleep, where nothing else has to be looked at.
    pub(crate) fn until_leisure(&self) -> Option<Duration> {
        self.leisure.is_due(self.stats.requests.get()).then_some(LEISURELY)
    }

    /// Whether a worker has a request. Answers that apps go on with by themselves may have no end, and are nobody's hurry.
    pub fn is_any_running(&self) -> bool {
        self.stats.running.get() > self.detached.len() as u64
    }

    /// A worker comes for requests.
    pub(crate) fn has_worker(&self) {
        if self.readiness.has_worker() {
            if let Some(place) = &self.place {
                place.serve();
            }
        }
    }

    /// Whether newcomers are let in: before there are workers, only where nobody else would.
    pub(super) fn lets_in(&self) -> bool {
        !self.config.waits_for_workers || self.readiness.is_booted()
    }

    /// A turn is over: so many wait, and whether all of them have come in it.
    pub(crate) fn look_at_queue(&self, waiting: usize, have_all_come: bool) {
        self.tell_waiting(waiting);
        self.readiness.look(self.turn_began(), waiting, have_all_come, self.stats.requests.get());
    }

    /// For how many milliseconds requests have waited while no worker took any.
    pub(crate) fn unserved(&self) -> u64 {
        self.readiness.unserved(self.clock.now(), self.stats.requests.get())
    }

    /// Whether requests are taken, and why not.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn is_ready(&self) -> Result<(), String> {
        if self.phase() > Phase::Running || self.place.as_ref().is_some_and(|place| place.is_to_leave()) {
            return Err("stopping".to_owned());
        }
        if !self.readiness.is_booted() {
            return Err("booting".to_owned());
        }
        let unserved = self.unserved();
        if unserved > self.config.ready_timeout.as_millis() as u64 {
            let seconds = unserved as f64 / 1000.0;
            return Err(format!("requests wait, and none was taken for {seconds:.1} s"));
        }
        Ok(())
    }

    /// Whether there are processes beside this one.
    pub(crate) fn has_siblings(&self) -> bool {
        self.place.is_some()
    }

    /// Whether all interpreters compute for long.
    pub(crate) fn tell_computing(&self, is_computing: bool) {
        if let Some(place) = &self.place {
            place.tell_computing(is_computing);
        }
    }

    /// So many requests wait for a worker.
    pub(crate) fn tell_waiting(&self, requests: usize) {
        if let Some(place) = &self.place {
            place.tell_waiting(requests);
        }
    }

    /// A client has asked that was here before.
    pub(super) fn tell_kept(&self) {
        if let Some(place) = &self.place {
            place.tell_kept(self.turn_began());
        }
    }

    /// Whether it accepts no more.
    pub fn is_draining(&self) -> bool {
        self.phase() >= Phase::Draining
    }

    /// When it began to drain, in the clock's milliseconds; [`NEVER`] before.
    pub(super) fn drained_at(&self) -> u64 {
        self.drained_at.load(Ordering::Relaxed)
    }

    /// Looks at the clock, for a new turn of the poll.
    pub(super) fn begin_turn(&self) {
        let micros = self.clock.micros();
        let now = micros / 1000;
        self.turned.store(now, Ordering::Relaxed);
        self.turned_micros.store(micros, Ordering::Relaxed);
        if let Some(place) = &self.place {
            place.begin_turn(now);
        }
    }

    /// When the last turn began: the time, as good as it can be had for nothing.
    pub fn turn_began(&self) -> u64 {
        self.turned.load(Ordering::Relaxed)
    }

    /// When the last turn began, in microseconds: when all requests that it has brought were complete.
    pub(super) fn turn_began_micros(&self) -> u64 {
        self.turned_micros.load(Ordering::Relaxed)
    }

    /// The time in microseconds, for what is noted of a request; zero where nobody hears of it.
    pub(super) fn time_to_note(&self) -> u64 {
        if self.is_observed || self.config.server_timing { self.clock.micros() } else { 0 }
    }

    /// Requests that were answered in their worker's place since this was asked last.
    pub fn take_overdue(&self) -> Vec<Overdue> {
        self.overdue.take()
    }

    /// That worker's last, which it is done with, unless it is among those that were asked for.
    pub fn take_overdue_of(&self, worker: u64) -> Option<Overdue> {
        self.overdue.take_of(worker)
    }

    /// For how many milliseconds Ruby has left alone that a request was answered in its worker's place: it does not run at all.
    pub(crate) fn unheard(&self) -> u64 {
        self.overdue.unheard(self.clock.now())
    }

    /// An id for a request, unless it has one that is well-formed, or none is to have any.
    pub(super) fn make_id(&self, head: Option<&Head>) -> Option<Made> {
        let ids = self.ids.as_ref()?;
        head.and_then(request_id::given).is_none().then(|| ids.next())
    }

    /// The id of a request for which that one was made, or none.
    pub(super) fn id_of<'i>(&self, head: Option<&'i Head>, made: Option<&'i Made>) -> Option<&'i [u8]> {
        self.ids.as_ref()?;
        made.map(Made::bytes).or_else(|| head.and_then(request_id::given))
    }

    /// A request is over: the account of it, made for the time given. Each request has one, whatever has ended it, and all come
    /// through here.
    pub(super) fn account<'a>(&self, make: impl FnOnce(u64) -> Account<'a>) {
        self.account_since(0, make);
    }

    /// The same of one of which is known when it was over; zero for now.
    pub(super) fn account_since<'a>(&self, over: u64, make: impl FnOnce(u64) -> Account<'a>) {
        if self.is_observed {
            let account = make(if over > 0 { over } else { self.clock.micros() });
            self.config.access_log.iter().for_each(|log| log.observe(&account));
            self.config.observers.iter().for_each(|observer| observer.observe(&account));
        }
    }

    /// One of the places for streamed bodies, if there is one.
    pub(super) fn take_streaming_place(self: &Arc<Self>) -> Option<StreamingPlace> {
        self.streamed.take(self.config.max_streamed).then(|| StreamingPlace(self.clone()))
    }

    /// That connection is noted when there is one. Who calls this tries once more: one may have become free before.
    pub(super) fn wait_for_streaming_place(&self, key: usize) {
        self.streamed.enter(key);
    }

    /// That connection waits for none any more; one that it was called for is the next one's.
    pub(super) fn leave_streaming_place(&self, key: usize) {
        self.streamed.leave(key);
        self.offer_streaming_place();
    }

    fn offer_streaming_place(&self) {
        if let Some(key) = self.streamed.next(self.config.max_streamed) {
            self.note(key);
        }
    }

    /// Counts a refusal, and tells whoever runs the server which setting was in its way.
    pub fn tell_refusal(&self, fault: Fault, peer: PeerAddr) {
        self.stats.count_refusal(fault);
        tracing::debug!(status = fault.status(), reason = %fault, %peer, "refused");
        if fault.is_loud() && self.may_name(fault.cause()) {
            let setting = fault.setting().map(|setting| format!(" ({setting})")).unwrap_or_default();
            tracing::warn!(%peer, "answered with {}: {fault}{setting}", fault.status());
        }
    }

    /// A header does not reach the app for the underscore in its name: the log has the first.
    pub fn tell_left_out(&self, name: &[u8]) {
        if !self.has_left_out.load(Ordering::Relaxed) && !self.has_left_out.swap(true, Ordering::Relaxed) {
            let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST_TOLD)]);
            tracing::warn!(
                "the header {name} does not reach the app, nor does any other whose name has an underscore, which could pass \
                 for its twin with a hyphen (said once); underscore_headers true lets them through"
            );
        }
    }

    /// All counters and gauges with their names.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let lost = self.config.access_log.as_ref().map_or(0, |log| log.dropped());
        self.stats.all().chain(GAUGES.iter().copied().zip([
            self.kept.bytes(),
            self.spools.used(),
            lost,
            self.expires.load(Ordering::Relaxed),
        ]))
    }

    /// What TLS is served with, at each of its listeners.
    pub(crate) fn ports(&self) -> &[Arc<Port>] {
        &self.ports
    }

    /// Has all that TLS is served with read again, within a second or so.
    pub fn reload_certificates(&self) {
        self.is_reload_asked.store(true, Ordering::SeqCst);
    }

    /// Whether that has been asked for since this was called last.
    pub(crate) fn is_reload_asked(&self) -> bool {
        self.is_reload_asked.swap(false, Ordering::SeqCst)
    }

    /// When the first of its certificates ends, in seconds since 1970.
    pub(crate) fn tell_expiry(&self, expires: u64) {
        self.expires.store(expires, Ordering::Relaxed);
    }

    /// Whether that has not been named in the log lately.
    pub(super) fn may_name(&self, setting: &'static str) -> bool {
        let now = self.clock.now();
        let mut named = self.named.lock();
        match named.iter_mut().find(|(name, _)| *name == setting) {
            Some((_, last)) if now.saturating_sub(*last) < NAMED_EVERY => false,
            Some((_, last)) => {
                *last = now;
                true
            }
            None => {
                named.push((setting, now));
                true
            }
        }
    }

    /// Ends the current poll, or the next one.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.lock() {
            if let Err(error) = waker.wake() {
                tracing::error!(%error, "the poll can't be woken");
            }
        }
    }

    /// The engine is stopped.
    pub(crate) fn end_heart(&self) {
        if let Some(place) = &self.place {
            place.end_heart();
        }
    }

    /// There is no poll any more.
    pub(crate) fn close_waker(&self) {
        self.waker.lock().take();
    }

    /// Asks the poll side to look at a connection.
    pub(super) fn note(&self, key: usize) {
        if self.notes.leave(key) {
            self.wake();
        }
    }

    /// Says that a poll is about to block, of a worker who waits with nothing else to do, or of somebody in the place of workers. False
    /// when there are notes: then it must not, and has not been said.
    pub(super) fn fall_asleep(&self, is_free_worker: bool) -> bool {
        let sleeps = self.notes.fall_asleep();
        if let Some(place) = self.place.as_ref().filter(|_| sleeps && is_free_worker) {
            place.fall_asleep();
        }
        sleeps
    }

    /// It does no more. It was a worker who waited, with nothing else to do, or somebody in the place of workers.
    pub(super) fn awake(&self, by_free_worker: bool) {
        self.notes.awake();
        if let Some(place) = &self.place {
            place.awake(self.clock.now(), by_free_worker);
        }
    }

    pub(super) fn take_notes(&self, into: &mut Vec<usize>) {
        self.notes.take(into);
    }
}
