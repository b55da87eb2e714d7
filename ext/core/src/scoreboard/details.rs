//! What the control plane tells of a process, beyond its counters. Written by that process's heart, but for what Ruby alone knows,
//! and read by whoever serves the control socket.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::AcqRel, Ordering::Relaxed, Ordering::SeqCst};

use super::text::Text;

/// What Ruby tells of itself, in the order in which it is told.
pub const RUBY: &[&str] = &[
    "gc_count",
    "gc_major_count",
    "gc_time_ms",
    "heap_live_slots",
    "heap_free_slots",
    "heap_allocated_pages",
    "total_allocated_objects",
    "threads",
    "yjit_enabled",
    "yjit_code_bytes",
    "yjit_compiled_iseqs",
];
const RUBY_ROOM: usize = 16;
const _: () = assert!(RUBY.len() <= RUBY_ROOM);

/// What a process may be asked for from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Question {
    /// Where its threads are.
    Backtraces = 1,
    /// To collect garbage.
    Collect = 2,
}

/// Valid as zeros: nothing is known.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Details {
    /// The process's number among those that serve, from 1.
    number: AtomicU32,
    workers: AtomicU32,
    busy: AtomicU32,
    quarantined: AtomicU32,
    is_ready: AtomicU32,
    log_level: AtomicU32,
    started: AtomicU64,
    unserved: AtomicU64,
    unheard: AtomicU64,
    /// How often it was asked for what is in flight, and up to which of these that has been told.
    asked: AtomicU64,
    told: AtomicU64,
    /// The same of what only Ruby can do, and what that is.
    questions: AtomicU64,
    answered: AtomicU64,
    question: AtomicU32,
    _room: AtomicU32,
    ruby_at: AtomicU64,
    ruby: [AtomicU64; RUBY_ROOM],
    about: Text<248>,
    requests: Text<16376>,
    backtraces: Text<65528>,
}

/// What the heart tells with each beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Threads that serve requests, when all are there.
    pub workers: u32,
    /// Those that are at a request.
    pub busy: u32,
    /// Those of them that were quarantined, since they have been at it for too long.
    pub quarantined: u32,
    /// Whether it takes requests: it is neither booting, nor draining, nor stuck.
    pub is_ready: bool,
    /// For how many milliseconds requests have waited while none was taken.
    pub unserved: u64,
    /// For how many milliseconds Ruby has left alone that a request of its was answered in its place (504).
    pub unheard: u64,
}

/// What a process says of itself once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// How its workers run.
    pub mode: String,
    /// Its Ruby's version.
    pub ruby: String,
}

impl Details {
    /// All but what processes in this place are to log, whichever it is.
    pub(super) fn clear(&self, now: u64) {
        for number in [&self.number, &self.workers, &self.busy, &self.quarantined, &self.is_ready] {
            number.store(0, Relaxed);
        }
        self.unserved.store(0, Relaxed);
        self.unheard.store(0, Relaxed);
        self.ruby_at.store(0, Relaxed);
        self.ruby.iter().for_each(|number| number.store(0, Relaxed));
        self.about.write("");
        self.requests.write("");
        self.backtraces.write("");
        // Whoever asked the one before in this place has no answer from this one.
        self.told.store(self.asked.load(SeqCst), SeqCst);
        self.answered.store(self.questions.load(SeqCst), SeqCst);
        self.started.store(now, Relaxed);
    }

    pub(super) fn set_vitals(&self, vitals: Vitals) {
        self.workers.store(vitals.workers, Relaxed);
        self.busy.store(vitals.busy, Relaxed);
        self.quarantined.store(vitals.quarantined, Relaxed);
        self.unserved.store(vitals.unserved, Relaxed);
        self.unheard.store(vitals.unheard, Relaxed);
        self.set_ready(vitals.is_ready);
    }

    /// Exchanged, and not stored: whoever does so later sees what led the one before to it.
    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.swap(u32::from(is_ready), AcqRel);
    }

    pub(super) fn vitals(&self) -> Vitals {
        Vitals {
            workers: self.workers.load(Relaxed),
            busy: self.busy.load(Relaxed),
            quarantined: self.quarantined.load(Relaxed),
            is_ready: self.is_ready.load(Relaxed) != 0,
            unserved: self.unserved.load(Relaxed),
            unheard: self.unheard.load(Relaxed),
        }
    }

    pub(super) fn started(&self) -> u64 {
        self.started.load(Relaxed)
    }

    pub(super) fn introduce(&self, number: u32, about: &About) {
        self.about.write(&format!("{}\t{}", about.mode, about.ruby));
        self.number.store(number, Relaxed);
    }

    pub(super) fn number(&self) -> u32 {
        self.number.load(Relaxed)
    }

    pub(super) fn about(&self) -> About {
        let text = self.about.read();
        let (mode, ruby) = text.split_once('\t').unwrap_or_default();
        About { mode: mode.to_owned(), ruby: ruby.to_owned() }
    }

    pub(super) fn sample(&self, numbers: &[u64], now: u64) {
        for (place, number) in self.ruby.iter().zip(numbers) {
            place.store(*number, Relaxed);
        }
        self.ruby_at.store(now, Relaxed);
    }

    /// What Ruby has told, and when; `None` before it has.
    pub(super) fn ruby(&self) -> Option<(Vec<(&'static str, u64)>, u64)> {
        let at = self.ruby_at.load(Relaxed);
        let all = RUBY.iter().zip(&self.ruby).map(|(name, number)| (*name, number.load(Relaxed))).collect();
        (at > 0).then_some((all, at))
    }

    pub(super) fn ask(&self) -> u64 {
        self.asked.fetch_add(1, SeqCst) + 1
    }

    pub(super) fn asked(&self) -> Option<u64> {
        let asked = self.asked.load(SeqCst);
        (asked != self.told.load(SeqCst)).then_some(asked)
    }

    pub(super) fn tell(&self, asked: u64, requests: &str) {
        self.requests.write(requests);
        self.told.store(asked, SeqCst);
    }

    pub(super) fn told(&self, asked: u64) -> Option<String> {
        (self.told.load(SeqCst) >= asked).then(|| self.requests.read())
    }

    pub(super) fn put(&self, question: Question) -> u64 {
        self.question.store(question as u32, SeqCst);
        self.questions.fetch_add(1, SeqCst) + 1
    }

    pub(super) fn question(&self) -> Option<(u64, Question)> {
        let number = self.questions.load(SeqCst);
        if number == self.answered.load(SeqCst) {
            return None;
        }
        let is_about = |question: Question| self.question.load(SeqCst) == question as u32;
        Some((number, if is_about(Question::Collect) { Question::Collect } else { Question::Backtraces }))
    }

    pub(super) fn answer(&self, number: u64, text: &str) {
        self.backtraces.write(text);
        self.answered.store(number, SeqCst);
    }

    pub(super) fn answer_to(&self, number: u64) -> Option<String> {
        (self.answered.load(SeqCst) >= number).then(|| self.backtraces.read())
    }

    pub(super) fn set_log_level(&self, level: u32) {
        self.log_level.store(level, SeqCst);
    }

    pub(super) fn log_level(&self) -> u32 {
        self.log_level.load(SeqCst)
    }
}
