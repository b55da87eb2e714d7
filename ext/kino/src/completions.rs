//! What a worker is told of answers that it has left to the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kino_core::dispatch::interrupt::Interrupt;
use kino_core::net::completion::Completion;
use parking_lot::Mutex;

/// The number of a request, and whether its client was sent the whole answer.
pub(crate) type Completed = (u64, bool);

/// One worker's. Filled by whoever polls, without Ruby.
#[derive(Default)]
pub(crate) struct Completions {
    told: Mutex<Vec<Completed>>,
    has_some: AtomicBool,
}

impl Completions {
    /// A completion that comes back as a completed, and calls the worker to it.
    pub(crate) fn completion(self: &Arc<Self>, interrupt: &Arc<Interrupt>, number: u64) -> Completion {
        let (completions, interrupt) = (self.clone(), interrupt.clone());
        Completion::new(move |is_sent| {
            completions.told.lock().push((number, is_sent));
            completions.has_some.store(true, Ordering::SeqCst);
            interrupt.raise();
        })
    }

    /// The next completed, if there is one.
    pub(crate) fn take(&self) -> Option<Completed> {
        if !self.has_some.load(Ordering::Relaxed) {
            return None;
        }
        let mut told = self.told.lock();
        let completed = told.pop();
        self.has_some.store(!told.is_empty(), Ordering::SeqCst);
        completed
    }
}
