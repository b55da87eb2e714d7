//! Telling whoever served a request what became of its answer.

use std::fmt;

/// Called once: with true when the client has been sent all of an answer, with false when its connection has ended before.
pub struct Completion(Option<Box<dyn FnOnce(bool) + Send>>);

impl Completion {
    /// A completion that calls `tell`, on whatever thread, which must neither block nor take long.
    pub fn new(tell: impl FnOnce(bool) + Send + 'static) -> Completion {
        Completion(Some(Box::new(tell)))
    }

    /// All has been sent.
    pub(super) fn sent(mut self) {
        self.tell(true);
    }

    fn tell(&mut self, is_sent: bool) {
        if let Some(tell) = self.0.take() {
            tell(is_sent);
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.tell(false);
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Completion")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn tells_once_whether_all_was_sent() {
        let (teller, told) = channel();
        let completion = || {
            let teller = teller.clone();
            Completion::new(move |is_sent| teller.send(is_sent).unwrap())
        };
        completion().sent();
        drop(completion());
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [true, false]);
    }
}
