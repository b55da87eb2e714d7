//! A fault of Kino's own that shows itself while one connection is dealt with costs that connection, and no more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::life::{Connection, State};
use crate::net::account::End;
use crate::net::trap::At;

impl Connection {
    /// Does `work` on it, as its owner. `None` when that has panicked: whatever it was, the connection is to be closed now.
    pub(in crate::net) fn contained<T>(&self, at: At, work: impl FnOnce() -> T) -> Option<T> {
        // What the panic has left half done is the connection's own, of which nothing is used any more.
        let done = catch_unwind(AssertUnwindSafe(|| {
            self.context.trap.pass(at);
            work()
        }));
        if done.is_err() {
            self.wreck();
        }
        done.ok()
    }

    fn wreck(&self) {
        self.context.stats.panics.add();
        tracing::error!(peer = %self.peer(), "a fault of Kino's own: the connection is closed");
        let life = &mut *self.life.lock();
        if matches!(life.state, State::Sending(_)) {
            self.context.stats.aborted.add();
        }
        self.account_of_rest(life, End::Cut);
        life.state = State::Aborted;
        self.socket.reset_on_close();
    }
}
