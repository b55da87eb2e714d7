//! Places where a test may have a panic happen, a thread wait, or a system call fail. In any other build there is nothing of it.

use std::io;

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

/// System calls that a test may have fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Accept,
    /// A newcomer's entry into the poll.
    Register,
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
    #[cfg(test)]
    errors: Mutex<Vec<(Call, i32)>>,
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

    /// Makes a call, unless a test has asked for it to fail.
    ///
    /// # Errors
    /// What the call says, or the test.
    #[inline]
    pub(crate) fn call<T>(&self, what: Call, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        #[cfg(test)]
        if let Some((_, number)) = self.errors.lock().unwrap().pop_if(|(failing, _)| *failing == what) {
            return Err(io::Error::from_raw_os_error(number));
        }
        let _ = what;
        call()
    }

    /// Has the next such call fail with the error of that number.
    #[cfg(test)]
    pub(crate) fn fail(&self, what: Call, number: i32) {
        self.errors.lock().unwrap().push((what, number));
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
