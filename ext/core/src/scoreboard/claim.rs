//! A number of the calling thread's own among those of its process, for what it counts: where nobody else writes, a count is a load and
//! a store, which cost a tenth of what is safe against others.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Threads that can have one at a time.
pub(super) const MOST: usize = 15;

/// Numbers that are taken, a bit each. A child of fork has its own copy: threads that it has not are in it, too, which costs it their
/// numbers.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// A number. Dropped, at its thread's end, it is the next one's.
#[derive(Debug)]
struct Claim(usize);

thread_local! {
    static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    static CLAIM: Option<Claim> = Claim::take();
}

/// The calling thread's; `None` where all are taken, or the thread is about to end. It is good until that thread does anything else than
/// count.
#[inline]
pub(super) fn own() -> Option<usize> {
    OWN.get().or_else(take)
}

#[cold]
fn take() -> Option<usize> {
    let number = CLAIM.try_with(|claim| claim.as_ref().map(|claim| claim.0)).ok().flatten();
    OWN.set(number);
    number
}

impl Claim {
    fn take() -> Option<Claim> {
        // Whoever has it from here on sees what the one before has counted.
        let free = |taken: u64| (taken.trailing_ones() < MOST as u32).then(|| taken | (taken + 1));
        let before = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, free).ok()?;
        Some(Claim(before.trailing_ones() as usize))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        OWN.set(None);
        TAKEN.fetch_and(!(1 << self.0), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    /// Other tests of this process count, too, and have some meanwhile.
    #[test]
    fn no_two_threads_that_live_have_the_same_and_those_of_others_are_taken_again() {
        for _ in 0..20 {
            let together = Barrier::new(MOST + 5);
            let numbers: Vec<_> = thread::scope(|scope| {
                let ask = || {
                    let number = own();
                    assert_eq!(own(), number);
                    together.wait();
                    number
                };
                let threads: Vec<_> = (0..MOST + 5).map(|_| scope.spawn(ask)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let had: Vec<_> = numbers.into_iter().flatten().collect();
            assert!(!had.is_empty() && had.iter().all(|&number| number < MOST));
            assert_eq!(had.iter().collect::<HashSet<_>>().len(), had.len());
        }
    }
}
