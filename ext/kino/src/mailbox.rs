//! What a worker is told of answers that it has left to the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kino_core::dispatch::interrupt::Interrupt;
use kino_core::net::completion::Completion;
use parking_lot::Mutex;

/// The number of a request, and whether its client was sent the whole answer.
pub(crate) type Letter = (u64, bool);

/// One worker's. Filled by whoever polls, without Ruby.
#[derive(Default)]
pub(crate) struct Mailbox {
    letters: Mutex<Vec<Letter>>,
    has_some: AtomicBool,
}

impl Mailbox {
    /// A completion that comes back as a letter, and calls the worker to it.
    pub(crate) fn completion(self: &Arc<Self>, interrupt: &Arc<Interrupt>, number: u64) -> Completion {
        let (mailbox, interrupt) = (self.clone(), interrupt.clone());
        Completion::new(move |is_sent| {
            mailbox.letters.lock().push((number, is_sent));
            mailbox.has_some.store(true, Ordering::SeqCst);
            interrupt.raise();
        })
    }

    /// The next letter, if there is one.
    pub(crate) fn take(&self) -> Option<Letter> {
        if !self.has_some.load(Ordering::Relaxed) {
            return None;
        }
        let mut letters = self.letters.lock();
        let letter = letters.pop();
        self.has_some.store(!letters.is_empty(), Ordering::SeqCst);
        letter
    }
}
