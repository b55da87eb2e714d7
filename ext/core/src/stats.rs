//! Counters of an engine. They are read while it runs, each for itself: no two are taken at the same instant.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Fault;

/// A number that only this module's methods change.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less, for a gauge.
    pub fn sub(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What an engine counts.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections accepted since the start.
    pub accepted: Counter,
    /// Connections open now.
    pub connections: Counter,
    /// Complete requests handed out since the start.
    pub requests: Counter,
    /// Requests that someone is serving now.
    pub running: Counter,
    /// Answers sent whole.
    pub answered: Counter,
    /// Connections given up in the middle of an answer.
    pub aborted: Counter,
    /// Requests refused for what the client sent (400, 413, 414, 417, 431, 501, 505).
    pub refused: Counter,
    /// Requests refused because the server had too much to do (503).
    pub overloaded: Counter,
    /// Requests that did not arrive in time (408).
    pub timed_out: Counter,
    /// Idle connections closed when `keepalive_timeout` was over.
    pub idle_closed: Counter,
    /// Times the covering thread took the lead.
    pub covered: Counter,
    /// Workers that were ended in the middle of the app, or could not boot; others took their places.
    pub died: Counter,
    /// Workers that were set aside because a request took them too long; others took their places.
    pub stuck: Counter,
}

impl Stats {
    /// Counts a refusal by its cause.
    pub fn refuse(&self, fault: Fault) {
        match fault {
            Fault::Timeout => self.timed_out.add(),
            Fault::Overload => self.overloaded.add(),
            _ => self.refused.add(),
        }
    }

    /// All of them with their names.
    pub fn all(&self) -> [(&'static str, u64); 13] {
        [
            ("accepted", self.accepted.get()),
            ("connections", self.connections.get()),
            ("requests", self.requests.get()),
            ("running", self.running.get()),
            ("answered", self.answered.get()),
            ("aborted", self.aborted.get()),
            ("refused", self.refused.get()),
            ("overloaded", self.overloaded.get()),
            ("timed_out", self.timed_out.get()),
            ("idle_closed", self.idle_closed.get()),
            ("covered", self.covered.get()),
            ("died", self.died.get()),
            ("stuck", self.stuck.get()),
        ]
    }
}
