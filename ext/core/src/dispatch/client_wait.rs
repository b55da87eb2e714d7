//! Waiting for one client, in the middle of its request.
//!
//! The connection is in the one poll, for both directions, and stays there. Whoever leads tells the connection's owner of an
//! event, who wakes those that wait ([`net::owner`](crate::net)). No descriptor is taken, and no lock held while waiting.

use std::time::Duration;

use super::interrupt::Interrupt;
use super::lead::Dispatch;
use crate::net::client::Client;
use crate::net::context::Phase;

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The client reads on, or has sent something, or is gone, or the request is over: trying tells.
    Ready,
    /// The thread was called ([`Interrupt::raise`]).
    Called,
    /// The time is over.
    TimedOut,
}

impl Dispatch {
    /// Waits until something has happened at the client's socket since `client` was made, for `limit` at most. Leads
    /// meanwhile while nobody else does, so that the event need not wait for the fallback poller when all workers wait.
    pub fn wait_for_client(&self, client: &Client, limit: Duration, interrupt: &Interrupt) -> Woken {
        let clock = &self.context().clock;
        let end = clock.after(limit);
        client.enter(&interrupt.bell);
        let mut may_lead = true;
        let woken = loop {
            if client.has_moved() {
                break Woken::Ready;
            }
            if interrupt.hear() {
                break Woken::Called;
            }
            // Whoever ends the engine says so first and rings then; the poll may be gone, and no event will come.
            if self.context().phase() == Phase::Over {
                client.cut();
                break Woken::Ready;
            }
            let left = Duration::from_millis(end.saturating_sub(clock.now()));
            if left.is_zero() {
                break Woken::TimedOut;
            }
            match if may_lead { self.try_lead() } else { None } {
                // Taken back from a worker at once, the lead would go to and fro.
                Some(poller) => may_lead = !self.stand_in(poller, || self.goes_on(client, interrupt, end)),
                None => interrupt.bell.wait(Some(left)),
            }
        };
        client.leave(&interrupt.bell);
        woken
    }

    /// How long the next turn may take of whoever leads while it waits for a client; `None` when its wait is over.
    fn goes_on(&self, client: &Client, interrupt: &Interrupt, end: u64) -> Option<Duration> {
        if client.has_moved() || interrupt.is_raised() {
            return None;
        }
        let left = end.saturating_sub(self.context().clock.now());
        (left > 0).then(|| Duration::from_millis(left))
    }
}
