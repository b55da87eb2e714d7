//! What stands on the scoreboard, of those who live and of those who are gone.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::locks::lock;
use crate::scoreboard::{Question, Reading, Slot, State, Tally, counted, now};
use crate::siblings::STALE;
use crate::stats::EXPIRES;

/// How long processes have to tell what is in flight: their hearts look four times a second.
const SURVEY: Duration = Duration::from_millis(800);
/// How long Ruby has to answer, after that.
pub(super) const RUBY: Duration = Duration::from_millis(1000);
const LOOK: Duration = Duration::from_millis(5);
/// Numbers that say how things are now, and are nothing to be added up over time.
pub(super) const GAUGES: [&str; 7] =
    ["connections", "tunnels", "running", "threads", "kept_bytes", "spooled_bytes", EXPIRES];

/// The board.
#[derive(Debug)]
pub(super) struct Board {
    slots: &'static [Slot],
    pub(super) started: Instant,
    /// What those have counted who are gone: sums go on, and never back.
    past: Mutex<Past>,
}

/// What is left of those who are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) processes: u64,
    counts: HashMap<&'static str, u64>,
    tally: Tally,
}

/// All at one time.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) now: u64,
    pub(super) processes: Vec<Reading>,
    pub(super) past: Past,
}

impl Board {
    pub(super) fn new(slots: &'static [Slot]) -> Board {
        Board { slots, started: Instant::now(), past: Mutex::default() }
    }

    fn taken(&self) -> impl Iterator<Item = &'static Slot> {
        self.slots.iter().filter(|slot| slot.state() != State::Free)
    }

    /// What all say. Whoever is buried meanwhile is counted once.
    pub(super) fn read(&self) -> Snapshot {
        let past = lock(&self.past);
        let mut processes: Vec<_> = self.taken().map(Slot::read).collect();
        processes.sort_by_key(|one| (one.number, one.pid));
        Snapshot { now: now(), processes, past: past.clone() }
    }

    /// A process is gone.
    pub(super) fn bury(&self, slot: &Slot) {
        let mut past = lock(&self.past);
        if slot.state() == State::Free {
            return;
        }
        past.processes += 1;
        let last = slot.read();
        past.tally.merge(&last.tally);
        for (name, count) in last.counts {
            if !GAUGES.contains(&name) {
                *past.counts.entry(name).or_default() += count;
            }
        }
        slot.free();
    }

    /// What each process has in flight, a line for each request; `None` of one that has not told in time.
    pub(super) fn survey(&self) -> Vec<(Reading, Option<String>)> {
        let asked: Vec<_> = self.taken().map(|slot| (slot, slot.ask())).collect();
        await_all(SURVEY, || asked.iter().all(|(slot, number)| slot.told(*number).is_some()));
        asked.into_iter().map(|(slot, number)| (slot.read(), slot.told(number))).collect()
    }

    /// What each process's Ruby answers; `None` of one that has not in time.
    pub(super) fn ask(&self, question: Question) -> Vec<(Reading, Option<String>)> {
        let asked: Vec<_> = self.taken().map(|slot| (slot, slot.put(question))).collect();
        await_all(SURVEY + RUBY, || asked.iter().all(|(slot, number)| slot.answer_to(*number).is_some()));
        asked.into_iter().map(|(slot, number)| (slot.read(), slot.answer_to(number))).collect()
    }

    /// All are to end: none is ready any more, also while what they are told by is stuck.
    pub(super) fn leave(&self) {
        self.taken().for_each(Slot::leave);
    }

    /// Has all processes log that, also those that are not there yet.
    pub(super) fn set_log_level(&self, level: u32) {
        self.slots.iter().for_each(|slot| slot.set_log_level(level));
    }
}

impl Snapshot {
    /// A counter's sum over all processes, and over those that are gone; of a time, the first.
    pub(super) fn sum(&self, name: &'static str) -> u64 {
        let of = |one: &Reading| one.counts.iter().find(|(other, _)| *other == name).map_or(0, |(_, count)| *count);
        if name == EXPIRES {
            return self.processes.iter().map(of).filter(|time| *time > 0).min().unwrap_or(0);
        }
        self.processes.iter().map(of).sum::<u64>() + self.past.counts.get(name).copied().unwrap_or(0)
    }

    /// What all have counted of requests that are over, and those that are gone.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = self.past.tally.clone();
        self.processes.iter().for_each(|one| tally.merge(&one.tally));
        tally
    }

    /// The names of all counters.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        counted()
    }

    /// Whether one lives, as far as its heart says.
    pub(super) fn is_alive(&self, one: &Reading) -> bool {
        self.now.saturating_sub(one.beat) < STALE
    }
}

fn await_all(limit: Duration, have_all: impl Fn() -> bool) {
    let end = Instant::now() + limit;
    while !have_all() && Instant::now() < end {
        thread::sleep(LOOK);
    }
}
