//! Requests that were answered in their worker's place, for whoever looks after workers.

use std::sync::Arc;

use parking_lot::Mutex;

use super::right::Right;

/// So many are kept for whoever asks; of more, the last are dropped.
const MOST: usize = 64;

/// A request that its worker is late with.
#[derive(Debug)]
pub struct Overdue {
    /// The worker's number.
    pub worker: u64,
    /// Method and path.
    pub request: String,
    pub(super) right: Arc<Right>,
}

impl Overdue {
    /// A number that no other request has for as long as this is there: its worker may be at another by now.
    pub fn key(&self) -> usize {
        key_of(&self.right)
    }
}

/// That of the request which this is the right to answer.
pub(super) fn key_of(right: &Arc<Right>) -> usize {
    Arc::as_ptr(right) as usize
}

/// Those that nobody has asked for yet.
#[derive(Debug, Default)]
pub(super) struct AllOverdue(Mutex<Vec<Overdue>>);

impl AllOverdue {
    pub(super) fn add(&self, one: Overdue) {
        let mut all = self.0.lock();
        if all.len() < MOST {
            all.push(one);
        }
    }

    pub(super) fn take(&self) -> Vec<Overdue> {
        std::mem::take(&mut *self.0.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_and_no_more_are_kept_than_that() {
        let all = AllOverdue::default();
        (0..100).for_each(|worker| all.add(Overdue { worker, request: String::new(), right: Arc::default() }));
        assert_eq!(all.take().len(), MOST);
        assert!(all.take().is_empty());
    }
}
