//! Requests that were answered in their worker's place, for whoever looks after workers.

use std::sync::Arc;

use parking_lot::Mutex;

use super::right::Right;

/// So many are kept for whoever asks; of more, the last are dropped.
const MOST: usize = 64;
/// Milliseconds until whoever looks after workers has asked for one, where Ruby runs at all: twice over.
const SOON: u64 = 1000;

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

/// Those that nobody has asked for yet, and when each was answered, in the clock's milliseconds.
#[derive(Debug, Default)]
pub(super) struct AllOverdue(Mutex<Vec<(u64, Overdue)>>);

impl AllOverdue {
    pub(super) fn add(&self, now: u64, one: Overdue) {
        let mut all = self.0.lock();
        if all.len() < MOST {
            all.push((now, one));
        }
    }

    pub(super) fn take(&self) -> Vec<Overdue> {
        std::mem::take(&mut *self.0.lock()).into_iter().map(|(_, one)| one).collect()
    }

    /// The last one of that worker's, unless somebody has asked for it: for the worker, which is done with it.
    pub(super) fn take_of(&self, worker: u64) -> Option<Overdue> {
        let mut all = self.0.lock();
        let at = all.iter().rposition(|(_, one)| one.worker == worker)?;
        Some(all.remove(at).1)
    }

    /// For how many milliseconds nobody has asked for the first of them, past the while in which somebody always does who can.
    pub(super) fn unheard(&self, now: u64) -> u64 {
        let all = self.0.lock();
        all.first().map_or(0, |(then, _)| now.saturating_sub(then + SOON))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_and_no_more_are_kept_than_that() {
        let all = AllOverdue::default();
        (0..100).for_each(|worker| all.add(0, of(worker)));
        assert_eq!(all.take().len(), MOST);
        assert!(all.take().is_empty());
    }

    #[test]
    fn a_worker_that_is_done_with_its_own_has_it_unless_somebody_else_was_told() {
        let all = AllOverdue::default();
        [1, 2].into_iter().for_each(|worker| all.add(0, of(worker)));
        assert_eq!(all.take_of(2).map(|one| one.worker), Some(2));
        assert!(all.take_of(2).is_none() && all.take_of(3).is_none());
        assert_eq!(all.take().len(), 1);
        assert!(all.take_of(1).is_none());
    }

    #[test]
    fn it_is_known_for_how_long_nobody_has_asked() {
        let all = AllOverdue::default();
        assert_eq!(all.unheard(9_000), 0);
        all.add(2_000, of(1));
        all.add(5_000, of(2));
        assert_eq!((all.unheard(2_900), all.unheard(9_000)), (0, 6_000));
        all.take();
        assert_eq!(all.unheard(9_000), 0);
    }

    fn of(worker: u64) -> Overdue {
        Overdue { worker, request: String::new(), right: Arc::default() }
    }
}
