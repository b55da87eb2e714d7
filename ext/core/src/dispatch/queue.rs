//! Complete requests that wait for a worker.

use super::turns::{Lane, Turns, Waiting};
use crate::net::request::Request;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// A bounded queue, which is fair to connections ([`Turns`]): where it is full, those give room that have most in it.
#[derive(Debug)]
pub(super) struct Queue<T = Request> {
    waiting: Mutex<Turns<T>>,
    /// Readable without the lock, which nearly everybody who looks finds to be zero.
    length: AtomicUsize,
    depth: usize,
}

/// What can be queued.
pub(super) trait Queued {
    /// Where it waits among others of its connection; `None` where there can't be any.
    fn lane(&self) -> Option<Lane>;
}

impl Queued for Request {
    fn lane(&self) -> Option<Lane> {
        self.stream().map(|(connection, urgency)| Lane { connection, urgency })
    }
}

impl<T: Queued> Queue<T> {
    /// One for `depth` at most.
    pub(super) fn new(depth: usize) -> Queue<T> {
        Queue { waiting: Mutex::default(), length: AtomicUsize::new(0), depth }
    }

    /// Adds one that comes `now`. When there is no room, it gives that back for which there is none: this one, or another of a
    /// connection that has more waiting.
    pub(super) fn push(&self, item: T, now: u64) -> Result<(), T> {
        let lane = item.lane();
        let mut waiting = self.waiting.lock();
        let mut without_room = None;
        if waiting.len() >= self.depth {
            without_room = waiting.make_room_for(lane);
            if without_room.is_none() {
                return Err(item);
            }
        }
        waiting.push(lane, Waiting { item, since: now });
        self.length.store(waiting.len(), Ordering::SeqCst);
        without_room.map_or(Ok(()), Err)
    }

    /// Takes the next.
    pub(super) fn pop(&self) -> Option<Waiting<T>> {
        self.take(Turns::pop)
    }

    /// Takes the oldest if it came at `time` or before.
    pub(super) fn pop_older(&self, time: u64) -> Option<T> {
        self.take(|waiting| waiting.pop_older(time)).map(|waiting| waiting.item)
    }

    /// When the oldest came.
    pub(super) fn oldest(&self) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        self.waiting.lock().oldest()
    }

    /// Takes all out that nobody waits for any more, and puts those elsewhere that are wanted sooner now, or later.
    pub(super) fn keep(&self, is_awaited: impl Fn(&T) -> bool) {
        let mut waiting = self.waiting.lock();
        waiting.keep(is_awaited);
        waiting.reorder(T::lane);
        self.length.store(waiting.len(), Ordering::SeqCst);
    }

    /// What is told of each, the oldest first, `most` at most.
    pub(super) fn list<R>(&self, most: usize, tell: impl Fn(&Waiting<T>) -> R) -> Vec<R> {
        self.waiting.lock().by_age().into_iter().take(most).map(tell).collect()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.length.load(Ordering::SeqCst)
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&self, which: impl FnOnce(&mut Turns<T>) -> Option<Waiting<T>>) -> Option<Waiting<T>> {
        if self.is_empty() {
            return None;
        }
        let mut waiting = self.waiting.lock();
        let taken = which(&mut waiting);
        self.length.store(waiting.len(), Ordering::SeqCst);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of HTTP/1 where it is a letter, and else of the connection that it is the number of.
    impl Queued for char {
        fn lane(&self) -> Option<Lane> {
            self.to_digit(10).map(|connection| Lane { connection: connection as usize, urgency: 3 })
        }
    }

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
    fn one_connection_cannot_have_all_of_it() {
        let queue = Queue::new(3);
        for item in ['1', '1', '1'] {
            queue.push(item, 1).unwrap();
        }
        assert_eq!((queue.push('1', 2), queue.push('a', 2), queue.push('2', 2)), (Err('1'), Err('1'), Err('1')));
        assert_eq!((queue.push('b', 2), queue.push('2', 2), queue.len()), (Err('b'), Err('2'), 3));
        let order: String = std::iter::from_fn(|| queue.pop()).map(|waiting| waiting.item).collect();
        assert_eq!(order, "1a2");
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
