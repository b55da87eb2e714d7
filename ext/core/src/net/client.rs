//! Who has sent a request, to be waited for.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use super::body_clock;
use super::connection::Connection;
use super::context::Context;

/// Whom a request came from, for whoever waits for more from it, or for it to read on. It may be waited for while others use
/// the exchange.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Arc<Connection>,
    context: Arc<Context>,
}

impl Client {
    pub(super) fn new(connection: Arc<Connection>, context: Arc<Context>) -> Client {
        Client { connection, context }
    }

    /// Its socket. To be read and written by an [`Exchange`](super::exchange::Exchange)'s methods only.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.connection.stream.as_fd()
    }

    /// For how long it may be waited for to read on.
    pub fn room_wait(&self) -> Duration {
        self.context.config.write_timeout
    }

    /// For how long more of its body may be waited for.
    pub fn body_wait(&self) -> Duration {
        let now = self.context.clock.now();
        let (received, since) = self.connection.life(|life| (life.receiver.received(), life.body_since));
        Duration::from_millis(body_clock::due(received, since, now, &self.context.config).saturating_sub(now))
    }
}
