//! The fallback poller: a thread that leads when every worker is busy, so that connections are accepted, requests read and
//! deadlines kept whatever the workers do; and it sees to it that the run token of one that has given up its GVL for long is
//! passed on, and that threads are asked for where too few are there. It touches nothing that a worker could be stuck in.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::lead::Dispatch;
use super::tuning::{ASIDE, BRISK, PATIENCE, QUIET, SHORT};
use crate::net::context::Context;
use crate::net::poller::{Poller, Turn};
use crate::net::trap::At;
use crate::sync::Ordering;

/// Starts the thread. It ends when `dispatch` is over.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start(dispatch: Arc<Dispatch>) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name("kino fallback".to_owned()).spawn(move || {
        // A panic while it leads has ended the process; any other may not be the end of standing in.
        while catch_unwind(AssertUnwindSafe(|| run(&dispatch))).is_err() {
            dispatch.context().stats.panics.add();
        }
        dispatch.end();
    })
}

pub(crate) fn run(dispatch: &Dispatch) {
    let watch = &dispatch.watch;
    let (mut seen, mut quiet) = (0, 0);
    let was_computing = Cell::new(false);
    while !dispatch.is_over_now() {
        if quiet < QUIET || dispatch.may_lack_threads() || was_computing.get() || watch.is_any_running() {
            watch.watch(true);
            dispatch.context().trap.pass(At::Fallback);
            watch.bell.wait(Some(PATIENCE));
            dispatch.look_at_workers(&was_computing);
            dispatch.ask_for_threads();
            // What is still ready now is behind a request that takes long, unexpectedly.
            dispatch.share_all();
        } else {
            sleep(dispatch, seen);
        }
        dispatch.context().look_for_leisure(dispatch.has_ready());
        let turns = watch.turns();
        if turns != seen {
            (seen, quiet) = (turns, 0);
            continue;
        }
        // No worker has led lately: one is leading right now and waits for events, or all of them are busy.
        quiet += 1;
        if dispatch.has_ready() && worker_looks(dispatch, seen) {
            continue;
        }
        if let Some(poller) = dispatch.try_lead() {
            dispatch.context().stats.covered.add();
            let pace = Pace::new(dispatch.context());
            dispatch.stand_in(poller, || {
                dispatch.look_at_workers(&was_computing);
                dispatch.ask_for_threads();
                (!pace.is_brisk()).then_some(PATIENCE)
            });
            quiet = 0;
        }
    }
}

/// Has the worker that takes the next request look at the sockets: whether one has, after a moment.
fn worker_looks(dispatch: &Dispatch, seen: u64) -> bool {
    let watch = &dispatch.watch;
    watch.ask_for_turn(true);
    watch.bell.wait(Some(ASIDE));
    watch.ask_for_turn(false);
    watch.turns() != seen
}

/// How fast workers get on meanwhile.
struct Pace<'c> {
    context: &'c Context,
    /// When it was looked last, and how many requests they had begun with.
    since: Cell<(u64, u64)>,
}

impl Pace<'_> {
    fn new(context: &Context) -> Pace<'_> {
        Pace { context, since: Cell::new((context.clock.now(), context.stats.requests.get())) }
    }

    /// Whether they get on so fast that they can look for themselves between two requests.
    fn is_brisk(&self) -> bool {
        let (now, begun) = (self.context.turn_began(), self.context.stats.requests.get());
        let (then, before) = self.since.get();
        if now.saturating_sub(then) < PATIENCE.as_millis() as u64 {
            return false;
        }
        self.since.set((now, begun));
        begun - before >= BRISK
    }
}

/// Until somebody steps down.
fn sleep(dispatch: &Dispatch, seen: u64) {
    let watch = &dispatch.watch;
    watch.watch(false);
    // After that: whoever relied on being watched is found here, and everyone after acts alone.
    watch.overtake(Duration::ZERO);
    watch.sleeps.store(true, Ordering::SeqCst);
    if watch.turns() == seen && !dispatch.may_lack_threads() && !dispatch.is_over_now() {
        watch.bell.wait(dispatch.context().until_leisure());
    }
    watch.sleeps.store(false, Ordering::SeqCst);
}

impl Dispatch {
    /// Whether requests wait, and more threads could be started for them: somebody has to look then and when.
    fn may_lack_threads(&self) -> bool {
        self.has_ready() && self.watch.varies()
    }

    /// Passes on the run tokens of those who have been without their GVL, and has it known outside whether all others compute. Who has
    /// just had its GVL back after a wait may be done in a moment, so that takes two looks.
    fn look_at_workers(&self, was_computing: &Cell<bool>) {
        self.watch.overtake(SHORT);
        if self.context().has_siblings() {
            let is_computing = self.watch.are_all_computing();
            let was_computing = was_computing.replace(is_computing);
            self.context().tell_computing(is_computing && was_computing);
        }
    }

    /// Has threads asked for that are lacking.
    fn ask_for_threads(&self) {
        self.watch.ask_for_threads(self.ready_now());
    }

    /// A worker has come for work: whoever stands in for workers is to step down.
    pub(super) fn ask_for_lead(&self) {
        if self.watch.is_stood_in.load(Ordering::SeqCst) {
            self.watch.is_wanted.store(true, Ordering::SeqCst);
            self.context().wake();
        }
    }

    /// Leads, and leaves what is ready to others, until a worker wants the lead: true then. False when all is over, or `next`
    /// wants no other turn; it says how long one may wait at most.
    pub(super) fn stand_in(&self, mut poller: Box<Poller>, next: impl Fn() -> Option<Duration>) -> bool {
        let watch = &self.watch;
        watch.is_stood_in.store(true, Ordering::SeqCst);
        let is_wanted = loop {
            if watch.is_wanted.swap(false, Ordering::SeqCst) {
                break true;
            }
            let wait = if self.is_over(&poller) { None } else { next() };
            let Some(wait) = wait else { break false };
            self.turn(&mut poller, Turn::Wait(Some(wait)));
            self.share_all();
            // Looked at after the turn: whoever falls asleep says so first, and then looks what waits.
            if watch.sleeps.load(Ordering::SeqCst) && self.may_lack_threads() {
                watch.wake();
            }
        };
        watch.is_stood_in.store(false, Ordering::SeqCst);
        self.step_down(poller);
        self.idle.wake(1);
        is_wanted
    }
}
