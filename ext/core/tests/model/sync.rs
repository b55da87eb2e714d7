//! What stands in for `src/sync.rs`: the same names, scheduled by the checker, and a clock that moves only when somebody has
//! waited for a time to pass.

use std::cell::Cell;
use std::ops::{Add, Deref, DerefMut};
use std::time::Duration;

use shuttle::rand::Rng;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use shuttle::sync::{self, MutexGuard};

/// A wait that long ends only when it is rung: a lost wake-up is then a deadlock, which the checker finds.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

thread_local! {
    // All threads of an execution are one thread of the system's.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A moment of the model's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Instant {
        Instant(NOW.get())
    }

    pub(crate) fn elapsed(self) -> Duration {
        NOW.get() - self.0
    }

    pub(crate) fn saturating_duration_since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The next execution begins.
    pub(crate) fn reset() {
        NOW.set(Duration::ZERO);
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, wait: Duration) -> Instant {
        Instant(self.0 + wait)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Guard<'_, T> {
        Guard { lock: &self.0, held: Some(self.0.lock().unwrap()) }
    }
}

#[derive(Debug)]
pub(crate) struct Guard<'a, T> {
    lock: &'a sync::Mutex<T>,
    held: Option<MutexGuard<'a, T>>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().unwrap()
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().unwrap()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) fn wait<T>(&self, guard: &mut Guard<'_, T>) {
        guard.held = Some(self.0.wait(guard.held.take().unwrap()).unwrap());
    }

    /// Others run meanwhile, as many steps as the checker likes; then the time is over. Whoever was to be woken looks again
    /// anyway.
    pub(crate) fn wait_for<T>(&self, guard: &mut Guard<'_, T>, limit: Duration) {
        if limit >= FOR_EVER / 2 {
            return self.wait(guard);
        }
        guard.held = None;
        // Where a thread that yields comes last, others would always be before it.
        if shuttle::rand::thread_rng().gen_bool(0.5) {
            shuttle::thread::yield_now();
        }
        NOW.set(NOW.get() + limit);
        guard.held = Some(guard.lock.lock().unwrap());
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
