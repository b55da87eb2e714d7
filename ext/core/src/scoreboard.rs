//! The scoreboard: what the processes of one server know of each other. Memory that all of them have, with a place for each, which
//! only the process in it writes to. Nobody waits for anybody here, and a process that dies in the middle of a write leaves
//! nothing locked.

mod claim;
mod details;
mod tallies;
mod text;

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use rustix::time::{ClockId, clock_gettime};

use self::details::Details;
pub use self::details::{About, Question, RUBY, Vitals};
use self::tallies::Tallies;
pub use self::tallies::{CLASSES, Distribution, Outcome, SIZES, TIMES, Tally};
use self::text::Text;
use crate::stats::{GAUGES, Stats};

/// Counters that a place has room for.
const ROOM: usize = 96;
const _: () = assert!(Stats::NAMES.len() + GAUGES.len() <= ROOM);

/// How far the process in a place has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// There is none.
    #[default]
    Free = 0,
    /// It is there, and not ready to serve.
    Starting = 1,
    /// It serves.
    Ready = 2,
    /// It is about to leave.
    Draining = 3,
}

/// One process's place. All of it is valid as zeros: free.
///
/// What others compare with when somebody connects stands first, and together.
#[derive(Default)]
#[repr(C, align(128))]
pub struct Slot {
    pub(crate) state: AtomicU32,
    /// A worker that is free blocks in its poll.
    pub(crate) is_asleep: AtomicU32,
    /// It can let nobody in.
    pub(crate) is_full: AtomicU32,
    pub(crate) running: AtomicU32,
    pub(crate) waiting: AtomicU32,
    pub(crate) connections: AtomicU32,
    pid: AtomicU32,
    /// When it was last known to be alive, in milliseconds of [`now`], as all times here.
    pub(crate) beat: AtomicU64,
    /// When its last turn began.
    pub(crate) turn: AtomicU64,
    /// When a worker of its was last free.
    pub(crate) free: AtomicU64,
    /// When a worker of its last began with a request.
    pub(crate) took: AtomicU64,
    requests: AtomicU64,
    // In parts, since a longer array has no default.
    counts: [[AtomicU64; ROOM / 3]; 3],
    in_flight: Text<1016>,
    details: Details,
    tallies: Tallies,
}

/// What a place says. Each number is read for itself.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// How far the process has come.
    pub state: State,
    /// Its number.
    pub pid: u32,
    /// When it last wrote, in milliseconds of [`now`].
    pub beat: u64,
    /// Connections that are open.
    pub connections: u32,
    /// Requests that wait for a worker.
    pub waiting: u32,
    /// Requests that are served now.
    pub running: u32,
    /// Requests handed to workers since it started.
    pub requests: u64,
    /// What is served now, for people.
    pub in_flight: String,
    /// All counters with their names.
    pub counts: Vec<(&'static str, u64)>,
    /// The process's number among those that serve, from 1; 0 for one that has not said it.
    pub number: u32,
    /// What it has said of itself.
    pub about: About,
    /// When it began, in milliseconds of [`now`].
    pub started: u64,
    /// What its heart tells.
    pub vitals: Vitals,
    /// What its Ruby has told last, by the names of [`RUBY`], and when; `None` while it has told nothing.
    pub ruby: Option<(Vec<(&'static str, u64)>, u64)>,
    /// What was counted of requests that are over.
    pub tally: Tally,
}

/// The time that all processes of a machine share (`CLOCK_MONOTONIC`), in milliseconds.
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// A number that says how places are laid out and what is counted in them: different where two builds would not understand each
/// other.
pub fn layout() -> u64 {
    // FNV-1a.
    let mut number = 0xcbf2_9ce4_8422_2325;
    let mut add = |byte: u8| number = (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for name in [env!("CARGO_PKG_VERSION")].into_iter().chain(counted()).chain(RUBY.iter().copied()) {
        name.bytes().chain([0]).for_each(&mut add);
    }
    size_of::<Slot>().to_le_bytes().into_iter().for_each(&mut add);
    number
}

/// What is counted, in the order of [`Context::counts`](crate::net::context::Context::counts).
pub(crate) fn counted() -> impl Iterator<Item = &'static str> {
    Stats::NAMES.iter().chain(GAUGES).copied()
}

impl Slot {
    /// Begins the life of process `pid` in this place.
    pub fn take(&self, pid: u32) {
        self.set_state(State::Free);
        for number in [&self.is_asleep, &self.is_full, &self.running, &self.waiting, &self.connections] {
            number.store(0, Relaxed);
        }
        for number in [&self.turn, &self.free, &self.took, &self.requests].into_iter().chain(self.all_counts()) {
            number.store(0, Relaxed);
        }
        self.in_flight.write("");
        self.details.clear(now());
        self.tallies.clear();
        self.pid.store(pid, Relaxed);
        self.beat.store(now(), Relaxed);
        self.set_state(State::Starting);
    }

    /// Its process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.load(Relaxed)
    }

    /// How far its process has come.
    pub fn state(&self) -> State {
        match self.state.load(SeqCst) {
            1 => State::Starting,
            2 => State::Ready,
            3 => State::Draining,
            _ => State::Free,
        }
    }

    /// Sequentially consistent: of two that leave at once, one sees it of the other.
    pub(crate) fn set_state(&self, state: State) {
        self.state.store(state as u32, SeqCst);
    }

    /// Its process serves from now on, unless it is about to leave already. Who asks before its heart's next beat is to hear so, too:
    /// those before it are told to end by then.
    pub fn ready(&self) {
        let was = self.state.compare_exchange(State::Starting as u32, State::Ready as u32, SeqCst, SeqCst);
        if was.is_ok() {
            self.details.set_ready(true);
        }
    }

    /// Its process is to end, be it stuck or not: it is not ready any more, whatever it says of itself.
    pub fn leave(&self) {
        for state in [State::Starting, State::Ready] {
            let _ = self.state.compare_exchange(state as u32, State::Draining as u32, SeqCst, SeqCst);
        }
    }

    /// There is no process in it any more. For whoever has seen its end.
    pub fn free(&self) {
        self.set_state(State::Free);
        self.pid.store(0, Relaxed);
        for number in [&self.is_asleep, &self.is_full, &self.running, &self.waiting, &self.connections] {
            number.store(0, Relaxed);
        }
    }

    /// The process in it is alive, and has counted and serves that. It `began` to count before: whoever asks for what has been since
    /// some time can rely on it.
    pub(crate) fn beat(
        &self,
        began: u64,
        requests: u64,
        counts: impl Iterator<Item = (&'static str, u64)>,
        in_flight: &str,
    ) {
        self.requests.store(requests, Relaxed);
        for (place, (_, count)) in self.all_counts().zip(counts) {
            place.store(count, Relaxed);
        }
        self.in_flight.write(in_flight);
        self.beat.store(began, Relaxed);
    }

    /// Says what the process in it is.
    pub fn introduce(&self, number: u32, about: &About) {
        self.details.introduce(number, about);
    }

    /// How it is, with each beat.
    pub(crate) fn set_vitals(&self, vitals: Vitals) {
        self.details.set_vitals(vitals);
    }

    /// What Ruby tells of itself, in the order of [`RUBY`].
    pub fn sample(&self, numbers: &[u64]) {
        self.details.sample(numbers, now());
    }

    /// Asks its process for what is in flight: the number to ask [`Slot::told`] for.
    pub(crate) fn ask(&self) -> u64 {
        self.details.ask()
    }

    /// Whether somebody has asked for what is in flight: the number to [`Slot::tell`] it with.
    pub(crate) fn asked(&self) -> Option<u64> {
        self.details.asked()
    }

    /// Tells what is in flight.
    pub(crate) fn tell(&self, asked: u64, requests: &str) {
        self.details.tell(asked, requests);
    }

    /// What was told when one had asked; `None` while it has not been.
    pub(crate) fn told(&self, asked: u64) -> Option<String> {
        self.details.told(asked)
    }

    /// Asks its process for something that only Ruby can do: the number to ask [`Slot::answer_to`] for.
    pub(crate) fn put(&self, question: Question) -> u64 {
        self.details.put(question)
    }

    /// What was asked of Ruby and not answered.
    pub fn question(&self) -> Option<(u64, Question)> {
        self.details.question()
    }

    /// Answers that.
    pub fn answer(&self, number: u64, text: &str) {
        self.details.answer(number, text);
    }

    /// What Ruby has answered; `None` while it has not.
    pub(crate) fn answer_to(&self, number: u64) -> Option<String> {
        self.details.answer_to(number)
    }

    /// What its process is to log from now on ([`crate::log::Level`]), and those that come after it; 0 for what each was started with.
    pub fn set_log_level(&self, level: u32) {
        self.details.set_log_level(level);
    }

    /// See [`Slot::set_log_level`].
    pub(crate) fn log_level(&self) -> u32 {
        self.details.log_level()
    }

    /// Counts a request that is over.
    pub fn tally(&self, outcome: Outcome) {
        self.tallies.add(outcome);
    }

    /// All that it says.
    pub fn read(&self) -> Reading {
        Reading {
            state: self.state(),
            pid: self.pid.load(Relaxed),
            beat: self.beat.load(Relaxed),
            connections: self.connections.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            running: self.running.load(Relaxed),
            requests: self.requests.load(Relaxed),
            in_flight: self.in_flight.read(),
            counts: counted().zip(self.all_counts().map(|count| count.load(Relaxed))).collect(),
            number: self.details.number(),
            about: self.details.about(),
            started: self.details.started(),
            vitals: self.details.vitals(),
            ruby: self.details.ruby(),
            tally: self.tallies.read(),
        }
    }

    fn all_counts(&self) -> impl Iterator<Item = &AtomicU64> {
        self.counts.iter().flatten()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("pid", &self.pid).field("state", &self.state()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_what_was_written_and_nothing_of_who_was_there_before() {
        let slot = Slot::default();
        assert_eq!((slot.read().state, slot.read().pid), (State::Free, 0));
        slot.take(7);
        slot.ready();
        slot.running.store(3, Relaxed);
        slot.beat(now(), 9, [("accepted", 4)].into_iter(), "GET /a for 1.0 s");
        let reading = slot.read();
        assert_eq!((reading.state, reading.pid, reading.running, reading.requests), (State::Ready, 7, 3, 9));
        assert_eq!((reading.counts[0], reading.in_flight.as_str()), (("accepted", 4), "GET /a for 1.0 s"));
        assert!(now() - reading.beat < 60_000);

        slot.take(8);
        let reading = slot.read();
        assert_eq!((reading.state, reading.pid, reading.running, reading.requests), (State::Starting, 8, 0, 0));
        assert_eq!((reading.counts[0].1, reading.in_flight.as_str()), (0, ""));
        slot.free();
        assert_eq!((slot.read().state, slot.read().pid), (State::Free, 0));
    }

    #[test]
    fn whoever_is_about_to_leave_is_never_ready_again() {
        let slot = Slot::default();
        slot.take(7);
        slot.set_state(State::Draining);
        slot.ready();
        assert_eq!((slot.state(), slot.read().vitals.is_ready), (State::Draining, false));
    }

    #[test]
    fn whoever_serves_is_ready_before_its_heart_beats_again() {
        let slot = Slot::default();
        slot.take(7);
        slot.set_vitals(Vitals { workers: 3, ..Default::default() });
        assert!(!slot.read().vitals.is_ready);
        slot.ready();
        assert_eq!(slot.read().vitals, Vitals { workers: 3, is_ready: true, ..Default::default() });
    }

    #[test]
    fn a_place_is_a_whole_number_of_cache_lines() {
        assert_eq!((size_of::<Slot>() % 128, align_of::<Slot>()), (0, 128));
    }
}
