//! Who has sent a request, to be waited for.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use super::connection::Connection;

/// Whom a request came from, for whoever waits for more from it, or for it to read on. It may be waited for while others use
/// the exchange.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Arc<Connection>,
}

impl Client {
    pub(super) fn new(connection: Arc<Connection>) -> Client {
        Client { connection }
    }

    /// Its socket. To be read and written by an [`Exchange`](super::exchange::Exchange)'s methods only.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.connection.socket.as_fd()
    }

    /// For how long it may be waited for to read on.
    pub fn room_wait(&self) -> Duration {
        self.connection.context.config.write_timeout
    }

    /// For how long more of its body may be waited for.
    pub fn body_wait(&self) -> Duration {
        let now = self.connection.context.clock.now();
        Duration::from_millis(self.connection.body_due(now).saturating_sub(now))
    }
}
