//! What the engine as a whole may take of what a process has little of: descriptors, and room on the disk. Everything that
//! takes some counts against the one budget, and gives it back by being dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many files this process may have open (`ulimit -n`).
pub fn open_files() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// One part in so many of the descriptors is left to connections.
const SPARE: u64 = 8;

/// So much of something, in all.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: u64,
    used: AtomicU64,
}

/// A part of a budget, which is free again when this is dropped.
#[derive(Debug)]
pub struct Share {
    account: Arc<Account>,
    amount: u64,
}

impl Budget {
    /// One of `limit` in all.
    pub fn new(limit: u64) -> Budget {
        Budget(Arc::new(Account { limit, used: AtomicU64::new(0) }))
    }

    /// How much there is in all.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// How much is taken.
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Takes `amount`, if `spare` is still left after that for whoever may have the rest.
    pub fn take(&self, amount: u64, spare: u64) -> Option<Share> {
        self.0.take(amount, spare).then(|| Share { account: self.0.clone(), amount })
    }

    /// Takes `amount` for files, which leave an eighth of all to whoever else may have it: they must not keep newcomers out.
    pub fn take_with_spare(&self, amount: u64) -> Option<Share> {
        self.take(amount, self.limit() / SPARE)
    }

    /// Takes `amount` whatever is left: of what is there already, and can only be counted.
    pub fn count(&self, amount: u64) -> Share {
        self.0.used.fetch_add(amount, Ordering::Relaxed);
        Share { account: self.0.clone(), amount }
    }
}

impl Account {
    fn take(&self, amount: u64, spare: u64) -> bool {
        let more = |used: u64| {
            let after = used.checked_add(amount)?;
            (after.checked_add(spare)? <= self.limit).then_some(after)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

impl Share {
    /// How much it is.
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// Takes `more` beside what it has; false when that is not left.
    pub fn grow(&mut self, more: u64) -> bool {
        let is_left = self.account.take(more, 0);
        self.amount += if is_left { more } else { 0 };
        is_left
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.account.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_what_is_dropped_is_there_again() {
        let budget = Budget::new(10);
        let first = budget.take(6, 0).unwrap();
        assert!(budget.take(5, 0).is_none() && budget.take(4, 1).is_none() && budget.take(u64::MAX, 0).is_none());
        let mut second = budget.take(2, 2).unwrap();
        assert!(second.grow(2) && !second.grow(1));
        assert_eq!(budget.used(), 10);
        let counted = budget.count(3);
        assert!(budget.used() == 13 && budget.take(0, 0).is_none());
        drop((first, second, counted));
        assert_eq!(budget.used(), 0);
    }
}
