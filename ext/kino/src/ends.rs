//! How workers came to their end, told from their ractor to the one that started them. Ruby has ways of its own for that, but
//! with 3.3 only one thread of a ractor may wait for others: with more, some are never woken. (Not by `parking_lot`, whose table of
//! all that wait may be left locked in a child of fork.)

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Kind and report of an end.
pub(crate) type End = (String, Option<String>);

/// The ends that have been told and not been heard yet, by GVL group.
#[derive(Default)]
pub(crate) struct Ends {
    told: Mutex<HashMap<usize, End>>,
    changed: Condvar,
}

impl Ends {
    /// Tells how the worker of a GVL group has ended.
    pub(crate) fn tell(&self, gvl_group: usize, end: End) {
        self.lock().insert(gvl_group, end);
        self.changed.notify_all();
    }

    /// Waits for a GVL group's end; `None` when `is_called` was set before, see [`Ends::call`].
    pub(crate) fn wait(&self, gvl_group: usize, is_called: &AtomicBool) -> Option<End> {
        let mut told = self.lock();
        loop {
            if let Some(end) = told.remove(&gvl_group) {
                return Some(end);
            }
            if is_called.load(Ordering::SeqCst) {
                return None;
            }
            told = self.changed.wait(told).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Calls the one who waits out of it.
    pub(crate) fn call(&self, is_called: &AtomicBool) {
        // Under the lock, so that it can't fall between the other's look and its wait.
        let _told = self.lock();
        is_called.store(true, Ordering::SeqCst);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, End>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
