//! Places where a test may have a panic happen, or a thread wait. In any other build there is nothing of it.

#[cfg(test)]
use std::sync::Mutex;
#[cfg(test)]
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
#[cfg(test)]
use std::sync::mpsc::{Receiver, Sender, channel};

/// Where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum At {
    /// While one connection is looked at by the poll side.
    Connection = 1,
    /// While a helper helps.
    Helping,
    /// In a turn, outside any connection.
    Turn,
    /// In the fallback poller, while it does not lead.
    Fallback,
}

/// What a test has asked for, which happens once.
#[derive(Debug, Default)]
pub(crate) struct Trap {
    #[cfg(test)]
    set: AtomicU8,
    #[cfg(test)]
    holds: Mutex<Option<(At, Receiver<()>)>>,
    #[cfg(test)]
    is_holding: AtomicBool,
}

impl Trap {
    /// Panics if a test has asked for that here.
    #[inline]
    pub(crate) fn pass(&self, at: At) {
        #[cfg(test)]
        if self.set.compare_exchange(at as u8, 0, SeqCst, SeqCst).is_ok() {
            panic!("a panic that a test has asked for ({at:?})");
        }
        #[cfg(test)]
        if let Some((_, let_go)) = self.holds.lock().unwrap().take_if(|(place, _)| *place == at) {
            self.is_holding.store(true, SeqCst);
            let _ = let_go.recv();
        }
        let _ = at;
    }

    #[cfg(test)]
    pub(crate) fn set(&self, at: At) {
        self.set.store(at as u8, SeqCst);
    }

    /// Has who comes there wait until the returned sender is dropped.
    #[cfg(test)]
    pub(crate) fn hold(&self, at: At) -> Sender<()> {
        let (sender, receiver) = channel();
        *self.holds.lock().unwrap() = Some((at, receiver));
        sender
    }

    #[cfg(test)]
    pub(crate) fn is_holding(&self) -> bool {
        self.is_holding.load(SeqCst)
    }
}
