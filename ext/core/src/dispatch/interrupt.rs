//! A way to call one worker out of any wait.

use std::sync::Arc;
use std::time::Duration;

use crate::bell::Bell;
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

    /// Whether it is raised.
    pub(super) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::SeqCst)
    }

    /// Whether it was raised, and has not been heard before.
    pub(super) fn hear(&self) -> bool {
        self.is_raised() && self.is_raised.swap(false, Ordering::SeqCst)
    }
}
