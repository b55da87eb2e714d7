//! A fault of Kino's own that shows itself while one connection is dealt with costs that connection, and no more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Connection, State};
use crate::net::context::Context;
use crate::net::trap::At;

impl Connection {
    /// Does `work` on it, as its owner. `None` when that has panicked: whatever it was, the connection is to be closed now.
    pub(in crate::net) fn contained<T>(&self, at: At, context: &Context, work: impl FnOnce() -> T) -> Option<T> {
        // What the panic has left half done is the connection's own, of which nothing is used any more.
        let done = catch_unwind(AssertUnwindSafe(|| {
            context.trap.pass(at);
            work()
        }));
        if done.is_err() {
            self.wreck(context);
        }
        done.ok()
    }

    /// A sender's turn, see [`Connection::send_more`].
    pub(in crate::net) fn send_more_contained(&self, most: u64, context: &Context) -> bool {
        self.contained(At::Sending, context, || self.send_more(most, context)).unwrap_or_else(|| {
            self.release(true, context);
            false
        })
    }

    fn wreck(&self, context: &Context) {
        context.stats.panics.add();
        tracing::error!(peer = %self.peer, "a fault of Kino's own: the connection is closed");
        let life = &mut *self.life.lock();
        if matches!(life.state, State::Flushing(_)) {
            context.stats.aborted.add();
        }
        life.state = State::Aborted;
        self.stream.reset_on_close();
    }
}
