//! What is counted of requests that are over: how they ended, how long they took, how much was sent. Any thread that ends one adds to
//! it, without a lock; so there are copies, for threads that run at the same time: most have one of their own, see `claim.rs`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::claim;

/// Bounds of the buckets of times, in microseconds: half a millisecond to half a minute.
pub const TIMES: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000,
];
/// Bounds of the buckets of sizes, in bytes.
pub const SIZES: [u64; 7] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
/// What statuses are counted by. A client that has left before its answer began is a class of its own, as is who had none.
pub const CLASSES: [&str; 7] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx", "client_left"];

/// The last is for all threads that have none of their own.
const COPIES: usize = claim::MOST + 1;
const ROOM: usize = 16;

/// One copy, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(C, align(128))]
struct Copy {
    classes: [AtomicU64; 8],
    queue: Histogram,
    app: Histogram,
    total: Histogram,
    size: Histogram,
}

/// Valid as zeros: nothing was counted.
#[derive(Debug, Default)]
#[repr(C)]
struct Histogram {
    buckets: [AtomicU64; ROOM],
    sum: AtomicU64,
}

/// Valid as zeros, too.
#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct Tallies([Copy; COPIES]);

/// What is known of a request that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Its place in [`CLASSES`].
    pub class: usize,
    /// In microseconds; `None` for what it never came to.
    pub queue: Option<u64>,
    /// The same.
    pub app: Option<u64>,
    /// The same.
    pub total: Option<u64>,
    /// Bytes of its answer.
    pub size: u64,
}

/// How many fell into each bucket, the last of which has no bound, and their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// By the bounds' order.
    pub buckets: [u64; ROOM],
    /// Of all.
    pub sum: u64,
}

/// All that was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By [`CLASSES`].
    pub classes: [u64; 7],
    /// Waiting for a worker.
    pub queue: Distribution,
    /// In the app, until its answer began.
    pub app: Distribution,
    /// In all.
    pub total: Distribution,
    /// Bytes of answers.
    pub size: Distribution,
}

impl Tallies {
    pub(super) fn clear(&self) {
        for copy in &self.0 {
            copy.classes.iter().for_each(|number| number.store(0, Relaxed));
            [&copy.queue, &copy.app, &copy.total, &copy.size].into_iter().for_each(Histogram::clear);
        }
    }

    /// Adds a request.
    pub(super) fn add(&self, outcome: Outcome) {
        match claim::own() {
            // Nobody else writes there.
            Some(own) => self.0[own].add(outcome, |number, more| number.store(number.load(Relaxed) + more, Relaxed)),
            None => self.0[COPIES - 1].add(outcome, |number, more| {
                number.fetch_add(more, Relaxed);
            }),
        }
    }

    pub(super) fn read(&self) -> Tally {
        let mut tally = Tally::default();
        for copy in &self.0 {
            for (sum, number) in tally.classes.iter_mut().zip(&copy.classes) {
                *sum += number.load(Relaxed);
            }
            copy.queue.add_to(&mut tally.queue);
            copy.app.add_to(&mut tally.app);
            copy.total.add_to(&mut tally.total);
            copy.size.add_to(&mut tally.size);
        }
        tally
    }
}

impl Copy {
    #[inline(always)]
    fn add(&self, outcome: Outcome, add: impl Fn(&AtomicU64, u64)) {
        add(&self.classes[outcome.class], 1);
        for (histogram, time) in [(&self.queue, outcome.queue), (&self.app, outcome.app), (&self.total, outcome.total)]
        {
            if let Some(time) = time {
                histogram.add(time, &TIMES, &add);
            }
        }
        self.size.add(outcome.size, &SIZES, &add);
    }
}

impl Histogram {
    fn clear(&self) {
        self.buckets.iter().chain([&self.sum]).for_each(|number| number.store(0, Relaxed));
    }

    #[inline(always)]
    fn add(&self, value: u64, bounds: &[u64], add: impl Fn(&AtomicU64, u64)) {
        let at = if value <= bounds[0] { 0 } else { bounds.partition_point(|bound| *bound < value) };
        add(&self.buckets[at], 1);
        add(&self.sum, value);
    }

    fn add_to(&self, distribution: &mut Distribution) {
        for (sum, number) in distribution.buckets.iter_mut().zip(&self.buckets) {
            *sum += number.load(Relaxed);
        }
        distribution.sum += self.sum.load(Relaxed);
    }
}

impl Distribution {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    fn merge(&mut self, other: &Distribution) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, number)| *sum += number);
        self.sum += other.sum;
    }
}

impl Tally {
    /// Adds another's.
    pub fn merge(&mut self, other: &Tally) {
        self.classes.iter_mut().zip(&other.classes).for_each(|(sum, number)| *sum += number);
        self.queue.merge(&other.queue);
        self.app.merge(&other.app);
        self.total.merge(&other.total);
        self.size.merge(&other.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_bounds_that_belong_to_their_buckets_whoever_adds() {
        let tallies = Tallies::default();
        for time in [0, 500, 501, 30_000_000, 30_000_001] {
            let outcome = Outcome { class: 2, queue: Some(time), app: None, total: None, size: 1_000 };
            std::thread::scope(|scope| scope.spawn(|| tallies.add(outcome)).join().unwrap());
        }
        let tally = tallies.read();
        let filled = |of: &Distribution| -> Vec<_> { (0..ROOM).filter(|&one| of.buckets[one] > 0).collect() };
        assert_eq!((filled(&tally.queue), tally.queue.buckets[0]), (vec![0, 1, 14, 15], 2));
        assert_eq!((tally.queue.sum, tally.queue.count()), (60_001_002, 5));
        assert_eq!((tally.app.count(), tally.size.buckets[1], tally.size.sum), (0, 5, 5_000));
        assert_eq!(tally.classes, [0, 0, 5, 0, 0, 0, 0]);
        let mut twice = tally.clone();
        twice.merge(&tally);
        assert_eq!((twice.classes[2], twice.queue.count(), twice.size.sum), (10, 10, 10_000));
        tallies.clear();
        assert_eq!(tallies.read(), Tally::default());
    }

    #[test]
    fn loses_none_however_many_threads_count() {
        const THREADS: u64 = 40;
        let tallies = Tallies::default();
        std::thread::scope(|scope| {
            let count = || {
                (0..1_000)
                    .for_each(|_| tallies.add(Outcome { class: 2, total: Some(1), size: 1, ..Outcome::default() }));
            };
            (0..THREADS).for_each(|_| {
                scope.spawn(count);
            });
        });
        let tally = tallies.read();
        let expected = THREADS * 1_000;
        assert_eq!((tally.classes[2], tally.total.count(), tally.total.sum), (expected, expected, expected));
    }
}
