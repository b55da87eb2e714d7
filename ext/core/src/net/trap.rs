//! Places where a test may have a panic happen. In any other build there is nothing of it.

/// Where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum At {
    /// While one connection is looked at by the poll side.
    Connection = 1,
    /// While a sender sends.
    Sending,
    /// In a turn, outside any connection.
    Turn,
    /// In the covering thread, while it does not lead.
    Cover,
}

/// What a test has asked for, which happens once.
#[derive(Debug, Default)]
pub(crate) struct Trap {
    #[cfg(test)]
    set: std::sync::atomic::AtomicU8,
}

impl Trap {
    /// Panics if a test has asked for that here.
    #[inline]
    pub(crate) fn pass(&self, at: At) {
        #[cfg(test)]
        if self.set.compare_exchange(at as u8, 0, SeqCst, SeqCst).is_ok() {
            panic!("a panic that a test has asked for ({at:?})");
        }
        let _ = at;
    }

    #[cfg(test)]
    pub(crate) fn set(&self, at: At) {
        self.set.store(at as u8, SeqCst);
    }
}

#[cfg(test)]
use std::sync::atomic::Ordering::SeqCst;
