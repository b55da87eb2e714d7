//! How workers came to their end, told from their ractor to the supervisor, which is in another. Ruby has ways of its own for
//! that, but with 3.3 only one thread of a ractor may wait for others: with more, some are never woken. (Not by `parking_lot`,
//! whose table of all that wait may be left locked in a child of fork.)

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Kind and report of an end.
pub(crate) type End = (String, Option<String>);

/// The ends that have been told and not been heard yet, by GVL group.
#[derive(Default)]
pub(crate) struct Ends {
    told: Mutex<HashMap<usize, End>>,
}

impl Ends {
    /// Tells how the worker of a GVL group has ended.
    pub(crate) fn tell(&self, gvl_group: usize, end: End) {
        self.lock().insert(gvl_group, end);
    }

    /// A GVL group's end, once.
    pub(crate) fn hear(&self, gvl_group: usize) -> Option<End> {
        self.lock().remove(&gvl_group)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, End>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
