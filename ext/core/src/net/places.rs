//! Places for requests that are served while their bodies arrive, and connections with requests that wait for one.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Entries of those who wait no more, past which they are cleared away.
const STALE: usize = 64;

/// How many places are taken, and who waits, first come, first served. Who finds none enters the line and tries once more; who gives one
/// back does that first, and then looks who waits: so one of them sees the other.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: AtomicUsize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    /// With entries of those that have left it.
    order: VecDeque<usize>,
    waiting: HashSet<usize>,
}

impl Places {
    /// Those that are taken.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes one of so many: whether there was one.
    #[must_use]
    pub(super) fn take(&self, most: usize) -> bool {
        let more = |now| (now < most).then_some(now + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    pub(super) fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    /// That connection waits for one, if it doesn't already.
    pub(super) fn enter(&self, key: usize) {
        let line = &mut *self.line.lock();
        if line.waiting.insert(key) {
            line.order.push_back(key);
        }
    }

    /// It waits no more.
    pub(super) fn leave(&self, key: usize) {
        let Line { order, waiting } = &mut *self.line.lock();
        waiting.remove(&key);
        if order.len() > 2 * waiting.len() + STALE {
            let mut seen = HashSet::new();
            order.retain(|key| waiting.contains(key) && seen.insert(*key));
        }
    }

    /// Whose turn it is, if there is a place and somebody waits.
    pub(super) fn next(&self, most: usize) -> Option<usize> {
        let Line { order, waiting } = &mut *self.line.lock();
        if self.taken.load(Ordering::Relaxed) >= most {
            return None;
        }
        std::iter::from_fn(|| order.pop_front()).find(|key| waiting.remove(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_called_in_order_once_there_is_a_place() {
        let places = Places::default();
        assert!(places.take(1) && !places.take(1));
        for key in [7, 8, 7, 9] {
            places.enter(key);
        }
        assert_eq!(places.next(1), None);
        places.give_back();
        places.leave(8);
        assert_eq!([places.next(1), places.next(1), places.next(1)], [Some(7), Some(9), None]);
        places.enter(7);
        assert_eq!(places.next(1), Some(7), "it may wait again");
    }

    #[test]
    fn those_who_have_left_are_forgotten() {
        let places = Places::default();
        places.enter(1);
        for key in 2..1000 {
            places.enter(key);
            places.leave(key);
            places.enter(key);
            places.leave(key);
        }
        assert!(places.line.lock().order.len() <= 2 + STALE);
        assert_eq!([places.next(1), places.next(1)], [Some(1), None]);
    }
}
