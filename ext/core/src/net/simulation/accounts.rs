//! The accounts of requests in the simulated world: each has exactly one, whatever has ended it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::net::account::{Account, CLIENT_LEFT, End, Observer};

/// How many there were.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Of requests that were complete.
    complete: AtomicU64,
    /// Of those that were refused before that.
    refused: AtomicU64,
}

impl Observer for Accounts {
    fn observe(&self, account: &Account<'_>) {
        let times = account.times;
        let is_unanswered = matches!(account.status, 0 | CLIENT_LEFT);
        assert!(!(is_unanswered && account.end == End::Whole), "an answer without a status: {account:?}");
        assert!(!is_unanswered || account.sent == 0, "bytes of an answer without a status: {account:?}");
        assert!(account.fault.is_none_or(|fault| fault.status() == account.status), "{account:?}");
        assert_eq!(times.queue.is_some(), times.total.is_some(), "{account:?}");
        assert!(times.queue.unwrap_or(0) + times.app.unwrap_or(0) <= times.total.unwrap_or(0), "{account:?}");
        if times.total.is_some() {
            self.complete.fetch_add(1, Ordering::SeqCst);
        } else if account.fault.is_some() && !is_unanswered {
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Accounts {
    /// All is over: `brought` requests were complete, and no more were refused than `refusals`.
    pub(super) fn check(&self, brought: u64, refusals: u64) {
        assert_eq!(self.complete.load(Ordering::SeqCst), brought, "accounts of requests that were complete");
        assert!(self.refused.load(Ordering::SeqCst) <= refusals, "accounts of requests that were refused");
    }
}
