//! How long one request may compute before others of its group share the GVL with it.
//!
//! Where requests are alike, each is to have its turn: five of 45 ms that take turns every 100 ms are all done when the last is,
//! and what they have made lives so long that Ruby takes it for old, and collects all of its memory again and again. Where
//! one computes for much longer than the others do, these are not to wait for it.

use std::thread::{self, ThreadId};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::tuning::{LONGEST_SLICE, SLICE, WEIGHT};
use crate::sync::{AtomicBool, AtomicU64, Ordering};

/// So many times the average.
const TIMES: u64 = 4;
/// Below this average, in microseconds, there is nothing to measure.
const LITTLE: u64 = 500;

/// What is known of a group's requests. Told by one at a time, and nearly right where it isn't.
#[derive(Debug, Default)]
pub(super) struct ServiceTime {
    /// One was seen to compute for some time.
    is_measured: AtomicBool,
    /// How long they compute on average, in microseconds, times [`WEIGHT`].
    average: AtomicU64,
}

impl ServiceTime {
    /// For how long one may compute.
    pub(super) fn slice(&self) -> Duration {
        let average = self.average.load(Ordering::Relaxed) / WEIGHT;
        Duration::from_micros(average * TIMES).clamp(SLICE, LONGEST_SLICE)
    }

    /// One was seen to compute for some time: it is worth measuring what the next ones do.
    pub(super) fn measure(&self) {
        self.is_measured.store(true, Ordering::Relaxed);
    }

    /// Whether it is worth it.
    pub(super) fn is_measured(&self) -> bool {
        self.is_measured.load(Ordering::Relaxed)
    }

    /// One has computed for that time. More than it may counts as what it may: few that take long don't make an average.
    pub(super) fn learn(&self, time: Duration) {
        let time = time.min(self.slice()).as_micros() as u64;
        let average = self.average.load(Ordering::Relaxed);
        let average = average - average / WEIGHT + time;
        self.average.store(average, Ordering::Relaxed);
        if average < LITTLE * WEIGHT && time < LITTLE {
            self.is_measured.store(false, Ordering::Relaxed);
        }
    }
}

/// What a thread has computed so far. A thread of Ruby's may be on another one of the system's later on.
#[derive(Debug)]
pub(super) struct CpuTime {
    thread: ThreadId,
    time: Duration,
}

impl CpuTime {
    /// The calling thread's.
    pub(super) fn now() -> CpuTime {
        CpuTime { thread: thread::current().id(), time: of_this_thread() }
    }

    /// What it has computed since; `None` on another thread.
    pub(super) fn elapsed(&self) -> Option<Duration> {
        (self.thread == thread::current().id()).then(|| of_this_thread().saturating_sub(self.time))
    }
}

fn of_this_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slice after so many times these.
    fn slice_after(times: u32, requests: &[u64]) -> Duration {
        let service = ServiceTime::default();
        for _ in 0..times {
            requests.iter().for_each(|&one| service.learn(Duration::from_millis(one)));
        }
        service.slice()
    }

    #[test]
    fn requests_that_are_alike_have_their_turns() {
        let slice = slice_after(200, &[45]);
        assert!(slice > Duration::from_millis(170) && slice <= Duration::from_millis(180), "{slice:?}");
        assert_eq!(slice_after(1000, &[150]), LONGEST_SLICE);
        assert_eq!(slice_after(100_000, &[3000]), LONGEST_SLICE);
    }

    #[test]
    fn few_long_ones_do_not_hold_up_the_others() {
        assert_eq!(slice_after(0, &[]), SLICE);
        assert_eq!(slice_after(1000, &[0, 0, 0, 0, 0, 9000]), SLICE);
        assert_eq!(slice_after(1000, &[5, 5, 5, 5, 5, 5, 5, 5, 5, 9000]), SLICE);
    }

    #[test]
    fn quick_ones_are_measured_no_more() {
        let service = ServiceTime::default();
        assert!(!service.is_measured());
        service.measure();
        (0..1000).for_each(|_| service.learn(Duration::from_millis(90)));
        assert!(service.is_measured() && service.slice() == LONGEST_SLICE);
        service.learn(Duration::ZERO);
        assert!(service.is_measured());
        (0..1000).for_each(|_| service.learn(Duration::ZERO));
        assert!(!service.is_measured() && service.slice() == SLICE);
    }

    #[test]
    fn counts_what_this_thread_computes_and_not_what_it_sleeps() {
        let began = CpuTime::now();
        thread::sleep(Duration::from_millis(30));
        assert!(began.elapsed().unwrap() < Duration::from_millis(20));
        while began.elapsed().unwrap() < Duration::from_millis(20) {}
        assert!(thread::spawn(move || began.elapsed().is_none()).join().unwrap());
    }
}
