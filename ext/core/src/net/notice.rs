//! Telling whoever served a request what became of its answer.

use std::fmt;

/// Called once: with true when the client has been sent all of an answer, with false when its connection has ended before.
pub struct Notice(Option<Box<dyn FnOnce(bool) + Send>>);

impl Notice {
    /// A notice that calls `tell`, on whatever thread, which must neither block nor take long.
    pub fn new(tell: impl FnOnce(bool) + Send + 'static) -> Notice {
        Notice(Some(Box::new(tell)))
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

impl Drop for Notice {
    fn drop(&mut self) {
        self.tell(false);
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Notice")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn tells_once_whether_all_was_sent() {
        let (teller, told) = channel();
        let notice = || {
            let teller = teller.clone();
            Notice::new(move |is_sent| teller.send(is_sent).unwrap())
        };
        notice().sent();
        drop(notice());
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [true, false]);
    }
}
