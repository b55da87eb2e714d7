//! Who may answer a request.

use std::io;

use crate::sync::{AtomicU8, Ordering};

/// The right to answer one request. Whoever serves it begins the answer, or the poll side takes the request back and answers
/// in its place, which takes too long: exactly one of them wins.
///
/// ```text
///   WAITS --begin()--> ANSWERED
///      \--take_back()--> TAKEN_BACK
/// ```
#[derive(Debug, Default)]
pub(super) struct Right(AtomicU8);

const WAITS: u8 = 0;
const ANSWERED: u8 = 1;
const TAKEN_BACK: u8 = 2;

impl Right {
    /// One where there is nothing to answer.
    pub(super) fn of_nothing() -> Right {
        Right(AtomicU8::new(ANSWERED))
    }

    /// Whoever serves the request begins to answer; false when it was taken back before.
    pub(super) fn begin(&self) -> bool {
        self.leave(ANSWERED)
    }

    /// The poll side takes the request back; false when an answer has begun.
    pub(super) fn take_back(&self) -> bool {
        self.leave(TAKEN_BACK)
    }

    /// Whether nobody has answered yet.
    pub(super) fn waits(&self) -> bool {
        self.0.load(Ordering::SeqCst) == WAITS
    }

    fn leave(&self, next: u8) -> bool {
        self.0.compare_exchange(WAITS, next, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// What whoever serves a request is told that was taken back.
pub(super) fn lost() -> io::Error {
    let why = "its request was answered in its place: with a 504 (request_timeout), or a 503 by a server that stops";
    io::Error::new(io::ErrorKind::TimedOut, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_the_answer_begins_or_the_request_is_taken_back() {
        let right = Right::default();
        assert!(right.waits() && right.begin() && !right.take_back() && !right.begin() && !right.waits());
        let right = Right::default();
        assert!(right.take_back() && !right.begin() && !right.waits());
    }
}
