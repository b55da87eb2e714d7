//! What those who lead only while no worker does go by.

use std::sync::Arc;
use std::time::Duration;

use super::gvl_group::GvlGroup;
use super::serving::AtWork;
use crate::bell::Bell;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// What is known of the lead, for those who lead only while no worker does.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// How many times somebody has stepped down.
    turns: AtomicU64,
    /// Somebody leads who would rather not.
    pub(super) is_stood_in: AtomicBool,
    /// A worker waits for the lead.
    pub(super) is_wanted: AtomicBool,
    /// The next worker that takes a request is to look at the sockets first.
    is_turn_due: AtomicBool,
    /// The fallback poller sleeps until somebody steps down.
    pub(super) sleeps: AtomicBool,
    pub(super) bell: Bell,
    /// Workers to look after, as long as the fallback poller is awake.
    groups: Mutex<Vec<Arc<GvlGroup>>>,
}

impl Watch {
    /// Adds a group: how many there are.
    pub(super) fn add(&self, group: &Arc<GvlGroup>) -> usize {
        let mut groups = self.groups.lock();
        groups.push(group.clone());
        groups.len()
    }

    /// Somebody has stepped down. Counted first, and then looked whether to wake; whoever falls asleep does it the other way
    /// round, so that at least one sees the other.
    pub(super) fn stepped_down(&self) {
        self.turns.fetch_add(1, Ordering::SeqCst);
        if self.sleeps.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the fallback poller.
    pub(super) fn wake(&self) {
        self.sleeps.store(false, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Asks the next worker that takes a request for a turn, or takes that back.
    pub(super) fn ask_for_turn(&self, is_due: bool) {
        self.is_turn_due.store(is_due, Ordering::Relaxed);
    }

    /// Whether a turn was asked for. True for one worker.
    pub(super) fn take_due_turn(&self) -> bool {
        self.is_turn_due.load(Ordering::Relaxed) && self.is_turn_due.swap(false, Ordering::Relaxed)
    }

    /// How many times somebody has stepped down.
    pub(super) fn turns(&self) -> u64 {
        self.turns.load(Ordering::SeqCst)
    }

    /// Tells the workers whether somebody looks after those who give up their GVL.
    pub(super) fn watch(&self, is_watched: bool) {
        self.groups.lock().iter().for_each(|group| group.watch(is_watched));
    }

    /// Whether there are groups that don't always have as many threads.
    pub(super) fn varies(&self) -> bool {
        self.groups.lock().iter().any(|group| group.varies())
    }

    /// Has groups ask for threads that are lacking, while so many requests wait.
    pub(super) fn ask_for_threads(&self, waiting: usize) {
        if waiting > 0 {
            self.groups.lock().iter().for_each(|group| group.ask_for_threads(waiting));
        }
    }

    /// What all workers serve now.
    pub(super) fn at_work(&self) -> Vec<AtWork> {
        self.groups.lock().iter().flat_map(|group| group.at_work()).collect()
    }

    /// What all workers are at, for whoever wonders why none has taken a request.
    pub(super) fn describe(&self) -> String {
        let busy = self.at_work();
        match busy.iter().max_by_key(|one| one.time) {
            Some(longest) => {
                let busy = if busy.len() == 1 { "1 is busy" } else { &format!("{} are busy, one", busy.len()) };
                format!("{busy} for {:.1} s with {}", longest.time.as_secs_f64(), longest.request)
            }
            None => "none is busy: they boot, or others have their interpreter's lock".to_string(),
        }
    }

    /// Whether each GVL has a worker that has computed for long: whoever else is free had to share it, or waits for it in vain.
    pub(super) fn are_all_computing(&self) -> bool {
        let groups = self.groups.lock();
        !groups.is_empty() && groups.iter().all(|group| group.is_computing())
    }

    /// Whether somebody computes who may come to be overtaken.
    pub(super) fn is_any_running(&self) -> bool {
        self.groups.lock().iter().any(|group| group.is_running())
    }

    /// Passes the run tokens on of those who have been without their GVL for more than `moment`.
    pub(super) fn overtake(&self, moment: Duration) {
        self.groups.lock().iter().for_each(|group| group.overtake(moment));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_who_has_been_busy_for_longest() {
        let (watch, group) = (Watch::default(), Arc::new(GvlGroup::default()));
        watch.add(&group);
        assert!(watch.describe().starts_with("none is busy: "));
        let (a, b) = (group.join(), group.join());
        a.run(b"GET", b"/report?token=secret");
        assert_eq!(watch.describe(), "1 is busy for 0.0 s with GET /report");
        std::thread::sleep(Duration::from_millis(5));
        b.run(b"GET", b"/b");
        assert_eq!(watch.describe(), "2 are busy, one for 0.0 s with GET /report");
    }
}
