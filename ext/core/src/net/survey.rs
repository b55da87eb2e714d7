//! What is in flight, for those who ask from outside. Whoever polls tells of what is still coming, or still leaving, when it is asked
//! for: nobody else may look at connections.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use super::peer::PeerAddr;
use crate::bell::Bell;
use crate::sync::{Instant, Mutex};
use crate::text::harmless;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is still coming.
    Reading,
    /// It waits for a worker.
    Queued,
    /// The app has it.
    Running,
    /// Parts of its answer have been sent, and more are to come of the app.
    Streaming,
    /// The app is through with it, and its client reads the rest.
    Writing,
}

impl Stage {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Reading => "reading",
            Stage::Queued => "queued",
            Stage::Running => "running",
            Stage::Streaming => "streaming",
            Stage::Writing => "writing",
        }
    }
}

/// A request in flight. Its `Display` text is one line, as places on the scoreboard have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// How far it has come.
    pub stage: Stage,
    /// Since when, in the past.
    pub age: Duration,
    /// The number of the worker that serves it, or has served it; 0 for none.
    pub worker: u64,
    /// Who has sent it.
    pub peer: Option<PeerAddr>,
    /// Method and path, without the query; empty where they aren't known.
    pub request: String,
}

impl fmt::Display for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InFlight { stage, age, worker, peer, request } = self;
        let request = harmless(request.as_bytes());
        write!(f, "{}\t{}\t{worker}\t", stage.name(), age.as_millis())?;
        match peer {
            Some(PeerAddr::Unix) => f.write_str("unix")?,
            Some(peer) => write!(f, "{peer}")?,
            None => {}
        }
        write!(f, "\t{request}")
    }
}

/// Where surveys of the connections are asked for, and left.
#[derive(Debug, Default)]
pub(crate) struct Surveys {
    is_wanted: AtomicBool,
    made: Mutex<Option<Vec<InFlight>>>,
    bell: Bell,
}

impl Surveys {
    /// Waits until whoever polls has made one, for `limit` at most; `wake` ends its poll. None where it has not.
    pub(crate) fn wait(&self, limit: Duration, wake: impl FnOnce()) -> Vec<InFlight> {
        let end = Instant::now() + limit;
        self.made.lock().take();
        self.is_wanted.store(true, SeqCst);
        wake();
        loop {
            if let Some(made) = self.made.lock().take() {
                return made;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.is_wanted.store(false, SeqCst);
                return Vec::new();
            }
            self.bell.wait(Some(left));
        }
    }

    /// Whether one is to be made. True once for each time.
    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted.load(SeqCst) && self.is_wanted.swap(false, SeqCst)
    }

    /// This is it.
    pub(super) fn put(&self, made: Vec<InFlight>) {
        *self.made.lock() = Some(made);
        self.bell.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_whatever_its_path_is() {
        let request = "GET /a\tb\nc".to_owned();
        let (age, peer) = (Duration::from_millis(1500), Some(PeerAddr::Unix));
        let one = InFlight { stage: Stage::Running, age, worker: 3, peer, request };
        assert_eq!(one.to_string(), "running\t1500\t3\tunix\tGET /a?b?c");
    }

    #[test]
    fn whoever_polls_is_asked_once_and_not_waited_for_for_ever() {
        let surveys = Surveys::default();
        assert!(surveys.wait(Duration::from_millis(1), || ()).is_empty());
        assert!(!surveys.is_wanted(), "nobody waits any more");
        let one =
            InFlight { stage: Stage::Reading, age: Duration::ZERO, worker: 0, peer: None, request: String::new() };
        let made = surveys.wait(Duration::from_secs(20), || {
            assert!(surveys.is_wanted() && !surveys.is_wanted());
            surveys.put(vec![one.clone()]);
        });
        assert_eq!(made, [one]);
    }
}
