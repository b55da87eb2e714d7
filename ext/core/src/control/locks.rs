//! Locks, the standard library's: those of `parking_lot` share a table that a fork may leave locked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for the right to it. What stands in these locks is never half changed.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
