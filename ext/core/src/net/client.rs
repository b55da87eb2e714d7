//! Who has sent a request, to be waited for.

use std::sync::Arc;

use super::line::Line;
use crate::bell::Bell;

/// Whom a request came from, for whoever waits for more from it, or for it to read on
/// (`Dispatch::wait_for_client`). It may be waited for while others
/// use the exchange. Made *before* the socket is tried: it knows what has happened by then, and what happens after that ends
/// the wait.
#[derive(Clone, Debug)]
pub struct Client {
    line: Line,
    events: u32,
}

impl Client {
    pub(super) fn new(line: Line) -> Client {
        let events = line.owner().events();
        Client { line, events }
    }

    /// Rings `bell` when the socket should be tried again, until [`Client::leave`]. Whether it should be already has to be
    /// looked at after this.
    pub(crate) fn enter(&self, bell: &Arc<Bell>) {
        self.line.owner().enter(bell);
    }

    /// Ends what [`Client::enter`] began.
    pub(crate) fn leave(&self, bell: &Arc<Bell>) {
        self.line.owner().leave(bell);
    }

    /// Whether the socket should be tried again: it can be read or written, or has ended, or the request is over.
    pub(crate) fn has_moved(&self) -> bool {
        self.line.owner().events() != self.events
    }

    /// The engine is over: whoever tries the socket finds that it is, too.
    pub(crate) fn cut(&self) {
        self.line.connection().cut();
    }
}
