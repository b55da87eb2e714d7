//! Answers that no worker has anything to do with any more, though they are not at their end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use slab::Slab;

/// What is known of each: method and path, and since when.
#[derive(Clone, Debug, Default)]
pub struct Detached(Arc<Mutex<Slab<(String, Instant)>>>);

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    all: Detached,
    key: usize,
}

impl Detached {
    /// All of them: what was asked for, and for how long it has been an app's own.
    pub fn all(&self) -> Vec<(String, Duration)> {
        self.0.lock().iter().map(|(_, (request, since))| (request.clone(), since.elapsed())).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(super) fn enter(&self, request: String) -> Entry {
        Entry { all: self.clone(), key: self.0.lock().insert((request, Instant::now())) }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.all.0.lock().remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_those_that_have_not_ended() {
        let all = Detached::default();
        let requests = |all: &Detached| all.all().into_iter().map(|(request, _)| request).collect::<Vec<_>>();
        let first = all.enter("GET /first".to_owned());
        let second = all.enter("GET /second".to_owned());
        assert_eq!(requests(&all), ["GET /first", "GET /second"]);
        drop(first);
        assert_eq!(requests(&all), ["GET /second"]);
        drop(second);
        assert!(requests(&all).is_empty());
    }
}
