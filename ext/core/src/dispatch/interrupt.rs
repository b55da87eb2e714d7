//! A way to call one worker out of any wait.

use std::sync::Arc;
use std::time::Duration;

use crate::bell::{Bell, End};
use crate::net::context::Context;
use crate::sync::{AtomicBool, Instant, Ordering};

/// Raised by anyone, heard by the one thread it belongs to, in this wait or in the next one. Raised twice it is heard once.
#[derive(Debug)]
pub struct Interrupt {
    is_raised: AtomicBool,
    /// What the thread waits at, whatever it waits for: who rings has made true what it will look at.
    pub(super) bell: Arc<Bell>,
    context: Arc<Context>,
}

impl Interrupt {
    /// One that nobody has raised.
    pub fn new(context: Arc<Context>) -> Interrupt {
        Interrupt { is_raised: AtomicBool::new(false), bell: Arc::default(), context }
    }

    /// Calls the worker, wherever it waits.
    pub fn raise(&self) {
        self.is_raised.store(true, Ordering::SeqCst);
        self.bell.ring();
        // The worker may be the one who polls.
        self.context.wake();
    }

    /// Waits until it is raised, for `time` at most.
    pub fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.hear() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.bell.wait(Some(left));
        }
    }

    /// Waits until `end` has come, for `limit` at most (`None`: for as long as it takes); false when it was raised before.
    pub(crate) fn wait_for_end(&self, end: &End, limit: Option<Duration>) -> bool {
        let until = limit.map(|limit| Instant::now() + limit);
        end.waiting.enter(&self.bell);
        // Looked at after that: the end comes first, and rings then.
        let has_come = loop {
            if end.has_come() {
                break true;
            }
            if self.hear() {
                break false;
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                break true;
            }
            self.bell.wait(left);
        };
        end.waiting.leave(&self.bell);
        has_come
    }

    /// Whether it is raised.
    pub(super) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::SeqCst)
    }

    /// Whether it was raised, and has not been heard before.
    pub(super) fn hear(&self) -> bool {
        self.is_raised() && self.is_raised.swap(false, Ordering::SeqCst)
    }
}
