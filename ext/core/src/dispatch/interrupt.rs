//! A way to call one worker out of any wait.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::net::context::Context;

/// Raised by anyone, heard by the worker it belongs to, in this wait or in the next one. Raised twice it is heard once.
#[derive(Debug)]
pub struct Interrupt {
    raise: Sender<()>,
    pub(super) raised: Receiver<()>,
    context: Arc<Context>,
}

impl Interrupt {
    pub(crate) fn new(context: Arc<Context>) -> Interrupt {
        let (raise, raised) = bounded(1);
        Interrupt { raise, raised, context }
    }

    /// Calls the worker. Neither blocks nor takes a lock, beyond one write to the poll.
    pub fn raise(&self) {
        // Full: it has been raised and not heard yet.
        let _ = self.raise.try_send(());
        // The worker may be the one who polls.
        self.context.wake();
    }

    /// Whether it was raised; it is not any more then.
    pub fn is_raised(&self) -> bool {
        self.raised.try_recv().is_ok()
    }
}
