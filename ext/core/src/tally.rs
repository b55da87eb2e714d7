//! Who counts requests that are over, for the control socket's metrics.

use crate::net::account::{Account, CLIENT_LEFT, Observer};
use crate::scoreboard::{Outcome, Slot};

/// Counts in a process's place on the scoreboard.
#[derive(Debug)]
pub struct Counting(pub &'static Slot);

impl Observer for Counting {
    fn observe(&self, account: &Account<'_>) {
        let class = match account.status {
            CLIENT_LEFT => 6,
            100..600 => account.status as usize / 100,
            _ => 0,
        };
        let times = account.times;
        let outcome = Outcome { class, queue: times.queue, app: times.app, total: times.total, size: account.sent };
        self.0.tally(outcome);
    }
}
