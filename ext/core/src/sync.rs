//! What threads meet at: everything of that kind that dispatch, ownership, notes and deadlines use comes from here. The model
//! (`tests/model`) compiles the same files with a module of the same name, whose types a checker schedules.
//!
//! What threads wait at is the standard library's: `parking_lot` has one table of all threads that wait, which a fork may leave
//! locked in the child for ever. A panic leaves nothing half done in these locks that others would have to be kept from.

use std::ops::{Deref, DerefMut};
use std::sync::{self, PoisonError};
use std::time::Duration;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::time::Instant;

/// A lock.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

/// The right to what is locked, until this is dropped.
#[derive(Debug)]
pub(crate) struct Guard<'a, T>(Option<sync::MutexGuard<'a, T>>);

/// What one waits at while a lock is given up.
#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl<T> Mutex<T> {
    /// One that nobody has.
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    /// Waits for the right to it.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        Guard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// There is always something in it but in the middle of a wait.
const HELD: &str = "the lock is held";

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect(HELD)
    }
}

impl Condvar {
    /// Waits to be notified; may also return for no reason.
    pub(crate) fn wait<T>(&self, guard: &mut Guard<'_, T>) {
        let held = guard.0.take().expect(HELD);
        guard.0 = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// The same, for `limit` at most.
    pub(crate) fn wait_for<T>(&self, guard: &mut Guard<'_, T>, limit: Duration) {
        let held = guard.0.take().expect(HELD);
        let (held, _) = self.0.wait_timeout(held, limit).unwrap_or_else(PoisonError::into_inner);
        guard.0 = Some(held);
    }

    /// Wakes one who waits.
    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all who wait.
    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
