//! Complete requests that wait for a worker, the oldest first.

use std::collections::VecDeque;

use crate::net::request::Request;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// A bounded queue. All that wait in it wait equally long, so those that have waited for too long are at its front.
#[derive(Debug)]
pub(super) struct Queue<T = Request> {
    waiting: Mutex<VecDeque<Waiting<T>>>,
    /// Readable without the lock, which nearly everybody who looks finds to be zero.
    length: AtomicUsize,
    depth: usize,
}

/// Something in the queue.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) item: T,
    /// When it came, in the clock's milliseconds.
    pub(super) since: u64,
}

impl<T> Queue<T> {
    /// One for `depth` at most.
    pub(super) fn new(depth: usize) -> Queue<T> {
        Queue { waiting: Mutex::default(), length: AtomicUsize::new(0), depth }
    }

    /// Adds one that comes `now`; gives it back when there is no room.
    pub(super) fn push(&self, item: T, now: u64) -> Result<(), T> {
        let mut waiting = self.waiting.lock();
        if waiting.len() >= self.depth {
            return Err(item);
        }
        waiting.push_back(Waiting { item, since: now });
        self.length.store(waiting.len(), Ordering::SeqCst);
        Ok(())
    }

    /// Takes the oldest.
    pub(super) fn pop(&self) -> Option<Waiting<T>> {
        if self.is_empty() {
            return None;
        }
        self.take(|_| true)
    }

    /// Takes the oldest if it came at `time` or before.
    pub(super) fn pop_older(&self, time: u64) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        self.take(|oldest| oldest.since <= time).map(|waiting| waiting.item)
    }

    /// When the oldest came.
    pub(super) fn oldest(&self) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        self.waiting.lock().front().map(|oldest| oldest.since)
    }

    /// Takes all out that nobody waits for any more.
    pub(super) fn keep(&self, is_awaited: impl Fn(&T) -> bool) {
        let mut waiting = self.waiting.lock();
        waiting.retain(|waiting| is_awaited(&waiting.item));
        self.length.store(waiting.len(), Ordering::SeqCst);
    }

    /// What is told of each, the oldest first, `most` at most.
    pub(super) fn list<R>(&self, most: usize, tell: impl Fn(&Waiting<T>) -> R) -> Vec<R> {
        self.waiting.lock().iter().take(most).map(tell).collect()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::SeqCst)
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&self, which: impl FnOnce(&Waiting<T>) -> bool) -> Option<Waiting<T>> {
        let mut waiting = self.waiting.lock();
        let taken = if which(waiting.front()?) { waiting.pop_front() } else { None };
        self.length.store(waiting.len(), Ordering::SeqCst);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_oldest_first_and_takes_no_more_than_it_may() {
        let queue = Queue::new(2);
        assert_eq!((queue.push('a', 1), queue.push('b', 2), queue.push('c', 3)), (Ok(()), Ok(()), Err('c')));
        assert_eq!(queue.len(), 2);
        let first = queue.pop().unwrap();
        assert_eq!((first.item, first.since), ('a', 1));
        assert_eq!(queue.push('c', 3), Ok(()));
    }

    #[test]
    fn finds_those_that_have_waited_for_too_long() {
        let queue = Queue::new(9);
        for (item, since) in [('a', 1), ('b', 5), ('c', 9)] {
            queue.push(item, since).unwrap();
        }
        let overdue: Vec<_> = std::iter::from_fn(|| queue.pop_older(5)).collect();
        assert_eq!((overdue, queue.len()), (vec!['a', 'b'], 1));
        assert!(queue.pop_older(8).is_none() && !queue.is_empty());
    }

    #[test]
    fn those_that_nobody_waits_for_take_no_place() {
        let queue = Queue::new(2);
        assert_eq!((queue.push('a', 1), queue.push('b', 2), queue.oldest()), (Ok(()), Ok(()), Some(1)));
        queue.keep(|&item| item != 'a');
        assert_eq!((queue.len(), queue.oldest(), queue.push('c', 3)), (1, Some(2), Ok(())));
        queue.keep(|_| false);
        assert_eq!((queue.is_empty(), queue.oldest()), (true, None));
    }
}
