//! The covering thread: it leads when every worker is busy, so that connections are accepted, requests read and deadlines
//! kept whatever the workers do; and it sees to it that one that has given up its lock for long is overtaken. It touches
//! nothing that a worker could be stuck in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::lead::Dispatch;
use super::runners::SHORT;
use crate::net::poller::{Poller, Turn};
use crate::net::trap::At;

/// How long nobody has to lead before the covering thread does.
const PATIENCE: Duration = Duration::from_millis(5);
/// After so many times `PATIENCE` without a worker stepping down it sleeps until one does: an idle server costs nothing.
const QUIET: u32 = 20;

/// Starts the thread. It ends when `dispatch` is over.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start(dispatch: Arc<Dispatch>) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name("kino cover".to_owned()).spawn(move || {
        // A panic while it leads has ended the process; any other may not be the end of covering.
        while catch_unwind(AssertUnwindSafe(|| run(&dispatch))).is_err() {
            dispatch.context().stats.panics.add();
        }
        dispatch.end();
    })
}

fn run(dispatch: &Dispatch) {
    *dispatch.watch.thread.lock() = Some(thread::current());
    let (mut seen, mut quiet) = (0, 0);
    while !dispatch.is_over_now() {
        if quiet < QUIET {
            watch(dispatch, true);
            dispatch.context().trap.pass(At::Cover);
            thread::park_timeout(PATIENCE);
            overtake(dispatch, SHORT);
            // What is still ready now is behind a request that takes long, unexpectedly.
            dispatch.share_all();
        } else {
            sleep(dispatch, seen);
        }
        let turns = dispatch.watch.turns.load(Ordering::SeqCst);
        if turns != seen {
            (seen, quiet) = (turns, 0);
            continue;
        }
        // No worker has led lately: one is leading right now and waits for events, or all of them are busy.
        quiet += 1;
        if let Some(poller) = dispatch.try_lead() {
            lead(dispatch, poller);
            quiet = 0;
        }
    }
}

/// Until a worker steps down. The order matters: whoever steps down counts first and then looks whether to wake.
fn sleep(dispatch: &Dispatch, seen: u64) {
    watch(dispatch, false);
    // After that: whoever relied on being watched is found here, and everyone after acts alone.
    overtake(dispatch, Duration::ZERO);
    dispatch.watch.sleeps.store(true, Ordering::SeqCst);
    if dispatch.watch.turns.load(Ordering::SeqCst) == seen && !dispatch.is_over_now() {
        thread::park();
    }
    dispatch.watch.sleeps.store(false, Ordering::SeqCst);
}

/// Tells the workers whether somebody looks after those who give up their lock.
fn watch(dispatch: &Dispatch, is_watched: bool) {
    for group in &*dispatch.watch.groups.lock() {
        group.watch(is_watched);
    }
}

fn overtake(dispatch: &Dispatch, moment: Duration) {
    for group in &*dispatch.watch.groups.lock() {
        group.overtake(moment);
    }
}

/// Leads until a worker wants to.
fn lead(dispatch: &Dispatch, mut poller: Box<Poller>) {
    let watch = &dispatch.watch;
    dispatch.context().stats.covered.add();
    watch.covers.store(true, Ordering::SeqCst);
    while !watch.wanted.swap(false, Ordering::SeqCst) && !dispatch.is_over(&poller) {
        dispatch.turn(&mut poller, Turn::Wait(Some(PATIENCE)));
        dispatch.share_all();
        overtake(dispatch, SHORT);
    }
    watch.covers.store(false, Ordering::SeqCst);
    dispatch.step_down(poller);
    dispatch.idle.wake(1);
}
