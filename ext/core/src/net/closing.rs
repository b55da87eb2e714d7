//! Closing what takes long to close, by a helper.

use std::sync::Arc;

use super::helpers::{Helpers, Job};
use crate::spool_file::{Closer, Remains};
use crate::sync::Mutex;

/// One that leaves it to `helpers`. When they are over, whoever lets go of a file closes it.
pub(super) fn closer(helpers: Helpers) -> Closer {
    Closer::new(move |remains| helpers.put(Arc::new(Closing(Mutex::new(Some(remains))))))
}

#[derive(Debug)]
struct Closing(Mutex<Option<Remains>>);

impl Job for Closing {
    fn work(self: Arc<Self>) -> bool {
        // Not under the lock, though nobody else would want it.
        let remains = self.0.lock().take();
        drop(remains);
        false
    }
}
