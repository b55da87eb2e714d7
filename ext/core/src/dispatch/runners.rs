//! One runner at a time for each lock that lets only one run, as the GVL does for the threads of a ractor.
//!
//! A thread that fetched a request and then waited for the lock would hold the request up for as long as others compute.
//! So only the thread with the *baton* fetches, and it keeps the baton while it serves, until it gives the lock up in the
//! middle of a request (a database, a sleep): only then is the next one woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use parking_lot::Mutex;

use super::interrupt::Interrupt;
use super::lead::Dispatch;

/// The workers that share a lock.
#[derive(Debug, Default)]
pub struct Runners {
    baton: Mutex<Baton>,
    /// Someone who is not fetching wants the lock: the next one to fetch should let it go first.
    contended: AtomicBool,
}

#[derive(Debug, Default)]
struct Baton {
    is_held: bool,
    /// Those who wait for it, the one that came last is the next: its memory is still warm.
    waiting: Vec<Arc<Runner>>,
}

/// One worker.
///
/// ```text
///   Fetching --run()--> Running --gives up the lock--> Overtaken
///      ^                   |                              |
///      +----- fetch() -----+   (keeps the baton)          |
///      +----- fetch() ------------- (must get it again) --+
/// ```
#[derive(Debug)]
pub struct Runner {
    group: Arc<Runners>,
    state: AtomicU8,
    has_baton: AtomicBool,
    handed: (Sender<()>, Receiver<()>),
}

const FETCHING: u8 = 0;
const RUNNING: u8 = 1;
const OVERTAKEN: u8 = 2;

/// What a wait for the baton ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The worker has the baton.
    HasBaton,
    /// It was called.
    Interrupted,
    /// There is nothing to fetch any more.
    Over,
}

impl Runners {
    /// A new worker of this group.
    pub fn join(self: &Arc<Self>) -> Arc<Runner> {
        Arc::new(Runner {
            group: self.clone(),
            state: AtomicU8::new(FETCHING),
            has_baton: AtomicBool::new(false),
            handed: bounded(1),
        })
    }

    /// Somebody who is no worker of the group wants the lock.
    pub fn contend(&self) {
        self.contended.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has wanted the lock since the last time this was asked.
    pub fn is_contended(&self) -> bool {
        self.contended.load(Ordering::Relaxed) && self.contended.swap(false, Ordering::Relaxed)
    }
}

impl Runner {
    /// Whether it is a worker of that group.
    pub fn is_of(&self, group: &Arc<Runners>) -> bool {
        Arc::ptr_eq(&self.group, group)
    }

    /// The request has been served; the worker wants the next one. True when it has the baton.
    pub fn fetch(&self) -> bool {
        self.state.store(FETCHING, Ordering::SeqCst);
        if !self.has_baton() {
            let mut baton = self.group.baton.lock();
            if !baton.is_held {
                baton.is_held = true;
                self.has_baton.store(true, Ordering::SeqCst);
            }
        }
        self.has_baton()
    }

    /// Whether this worker has the baton.
    pub fn has_baton(&self) -> bool {
        self.has_baton.load(Ordering::SeqCst)
    }

    /// Waits for the baton, without the lock.
    pub fn wait(self: &Arc<Self>, interrupt: &Interrupt, dispatch: &Dispatch) -> Waited {
        {
            let mut baton = self.group.baton.lock();
            if !baton.is_held {
                baton.is_held = true;
                self.has_baton.store(true, Ordering::SeqCst);
                return Waited::HasBaton;
            }
            baton.waiting.push(self.clone());
        }
        let waited = select_biased! {
            recv(self.handed.1) -> _ => return Waited::HasBaton,
            recv(interrupt.raised) -> _ => Waited::Interrupted,
            recv(dispatch.over()) -> _ => Waited::Over,
        };
        let mut baton = self.group.baton.lock();
        let place = baton.waiting.iter().position(|runner| Arc::ptr_eq(runner, self));
        match place {
            Some(place) => {
                baton.waiting.remove(place);
            }
            // It was handed over in this very moment, and is kept.
            None => self.handed.1.recv().unwrap_or_default(),
        }
        waited
    }

    /// The worker serves a request from now on.
    pub fn run(&self) {
        self.state.store(RUNNING, Ordering::SeqCst);
    }

    /// The worker gives the lock up. In the middle of a request the baton goes to the next one.
    pub fn give_up_lock(&self) {
        if self.state.compare_exchange(RUNNING, OVERTAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            self.pass_on();
        }
    }

    /// The worker wants the lock again. In the middle of a request it should have it before anyone fetches another.
    pub fn want_lock(&self) {
        if self.state.load(Ordering::SeqCst) == OVERTAKEN {
            self.group.contend();
        }
    }

    /// The worker ends.
    pub fn leave(&self) {
        self.state.store(FETCHING, Ordering::SeqCst);
        self.pass_on();
    }

    fn pass_on(&self) {
        if !self.has_baton.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut baton = self.group.baton.lock();
        match baton.waiting.pop() {
            Some(next) => {
                next.has_baton.store(true, Ordering::SeqCst);
                let _ = next.handed.0.try_send(());
            }
            None => baton.is_held = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_fetches_until_it_gives_the_lock_up() {
        let group = Arc::new(Runners::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        assert!(!b.fetch());
        a.run();
        assert!(!b.fetch());
        a.give_up_lock();
        assert!(!a.has_baton());
        assert!(b.fetch());
        assert!(!a.fetch(), "b has it now");
        b.leave();
        assert!(a.fetch());
    }

    #[test]
    fn giving_up_the_lock_between_requests_keeps_the_baton() {
        let group = Arc::new(Runners::default());
        let (a, b) = (group.join(), group.join());
        assert!(a.fetch());
        a.give_up_lock();
        assert!(a.has_baton() && !b.fetch());
    }

    #[test]
    fn only_one_that_was_overtaken_contends() {
        let group = Arc::new(Runners::default());
        let a = group.join();
        assert!(a.fetch());
        a.want_lock();
        a.run();
        a.want_lock();
        assert!(!group.is_contended());
        a.give_up_lock();
        a.want_lock();
        assert!(group.is_contended() && !group.is_contended());
    }
}
