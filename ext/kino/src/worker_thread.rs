//! `Kino::Native::WorkerThread`: one thread's end of the engine, and what its requests use one after the other. That it takes
//! requests is in [`crate::take`].

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use kino_core::dispatch::gvl_group::{GvlGroup, Runner};
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::Dispatch;
use kino_core::http::date::{self, DateCache};
use kino_core::net::completion::Completion;
use magnus::value::Opaque;
use magnus::{DataTypeFunctions, Ruby, TypedData, Value, gc};

use crate::completions::Completions;
use crate::env_prototype::EnvPrototype;
use crate::ffi::process::generation;
use crate::ffi::thread_hooks::{self, Seat};

/// One thread's end of the engine.
#[derive(TypedData)]
#[magnus(class = "Kino::Native::WorkerThread", free_immediately, mark)]
pub(crate) struct WorkerThread {
    /// The process that it serves in.
    made_in: u32,
    dispatch: Arc<Dispatch>,
    pub(crate) group: Arc<GvlGroup>,
    pub(crate) interrupt: Arc<Interrupt>,
    pub(crate) completions: Arc<Completions>,
    pub(crate) prototype: EnvPrototype,
    seat: Cell<Option<&'static Seat>>,
    /// Its group expects it.
    is_expected: Cell<bool>,
    /// The number of its last request.
    last_number: Cell<u32>,
    scratch: RefCell<Scratch>,
    /// The last request that it has taken: who is struck by an interrupt there may have lost it.
    last: Cell<Option<Opaque<Value>>>,
}

/// Room that one request after the other uses, each for a moment.
#[derive(Default)]
struct Scratch {
    /// For an answer's head.
    head: Vec<u8>,
    /// To read a streamed body into.
    room: Vec<u8>,
    clock: DateCache,
}

impl DataTypeFunctions for WorkerThread {
    fn mark(&self, marker: &gc::Marker) {
        self.prototype.mark(marker);
        if let Some(last) = self.last.get() {
            marker.mark(last);
        }
    }
}

/// In a child that the app has forked, threads are the parent's: nothing of them may be touched, least of all when the child's
/// exit frees its objects.
impl Drop for WorkerThread {
    fn drop(&mut self) {
        if self.is_ours() {
            self.has_come();
        } else {
            std::mem::forget(self.dispatch.clone());
        }
    }
}

impl WorkerThread {
    pub(crate) fn new(
        dispatch: Arc<Dispatch>,
        group: Arc<GvlGroup>,
        interrupt: Interrupt,
        prototype: EnvPrototype,
    ) -> WorkerThread {
        group.expect();
        WorkerThread {
            made_in: generation(),
            dispatch,
            group,
            interrupt: Arc::new(interrupt),
            completions: Arc::default(),
            prototype,
            seat: Cell::new(None),
            is_expected: Cell::new(true),
            last_number: Cell::new(0),
            scratch: RefCell::default(),
            last: Cell::new(None),
        }
    }

    /// `enter`: the calling thread is this worker from now on.
    pub(crate) fn enter(ruby: &Ruby, this: &WorkerThread) {
        this.seat.set(Some(thread_hooks::enter(ruby.thread_current(), &this.group)));
        this.dispatch.context().stats.threads.add();
        this.has_come();
    }

    /// `leave`: it is not any more.
    pub(crate) fn leave(ruby: &Ruby, this: &WorkerThread) {
        if let Some(seat) = this.seat.take() {
            thread_hooks::leave(ruby.thread_current(), seat);
            if this.is_ours() {
                this.dispatch.context().stats.threads.sub();
            }
        }
    }

    /// It is there, or never will be.
    fn has_come(&self) {
        if self.is_expected.take() {
            self.group.expect_no_more();
        }
    }

    /// `quarantine -> nil`: has it serve no further request, and end.
    pub(crate) fn quarantine(&self) {
        if let Some(runner) = self.runner() {
            runner.quarantine();
            self.interrupt.raise();
        }
    }

    /// `last_request -> Request or nil`: the one that it has taken last.
    pub(crate) fn last_request(ruby: &Ruby, this: &WorkerThread) -> Option<Value> {
        this.last.get().map(|last| ruby.get_inner(last))
    }

    /// `overdue -> [request, seconds] or nil`: for a thread that is done with a request that got a 504 meanwhile, and that nobody has
    /// been told of ([`EngineHandle::overdue`](crate::engine_handle::EngineHandle::overdue)): method and path, and `request_timeout`.
    pub(crate) fn overdue(&self) -> Option<(String, f64)> {
        let context = self.dispatch.context();
        let one = context.take_overdue_of(self.number()?)?;
        Some((one.request, context.config.request_timeout?.as_secs_f64()))
    }

    /// It has taken that one, or is about to take another.
    pub(crate) fn has_taken(&self, request: Option<Value>) {
        self.last.set(request.map(Opaque::from));
    }

    /// Where requests come from, and clients are waited for.
    pub(crate) fn dispatch(&self) -> &Arc<Dispatch> {
        &self.dispatch
    }

    /// Its place among those who run; `None` before it has entered.
    pub(crate) fn runner(&self) -> Option<&'static Arc<Runner>> {
        self.seat.get().map(|seat| &seat.runner)
    }

    /// `number -> Integer or nil`: the one that it is known by among workers, while it is one.
    pub(crate) fn number(&self) -> Option<u64> {
        self.runner().map(|runner| runner.number())
    }

    /// `ours? -> true or false`: whether it serves in this process, and not in the parent of a child that the app has forked.
    pub(crate) fn is_ours(&self) -> bool {
        self.made_in == generation()
    }

    /// The number of the next request. That of four billion requests ago is nobody's any more.
    pub(crate) fn count(&self) -> u32 {
        self.last_number.set(self.last_number.get().wrapping_add(1));
        self.last_number.get()
    }

    /// Tells of the answer to the request of that number, once it is out or has failed: by [`crate::take`].
    pub(crate) fn completion(&self, number: u64) -> Completion {
        self.completions.completion(&self.interrupt, number)
    }

    /// Does what waits for the client.
    pub(crate) fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_seat(Runner::waiting, work)
    }

    /// Does what gives up Ruby's lock for a moment.
    pub(crate) fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_seat(Runner::briefly, work)
    }

    /// What it serves gets on.
    pub(crate) fn progress(&self) {
        if let Some(runner) = self.runner() {
            runner.progress();
        }
    }

    /// Empty room for an answer's head, to be [given back](WorkerThread::give_head), and the date for it.
    pub(crate) fn head(&self) -> (Vec<u8>, [u8; date::LEN]) {
        let scratch = &mut *self.scratch.borrow_mut();
        (std::mem::take(&mut scratch.head), *scratch.clock.at(date::now()))
    }

    /// The room for heads, for the next.
    pub(crate) fn give_head(&self, head: Vec<u8>) {
        self.scratch.borrow_mut().head = head;
    }

    /// Lets `work`, which runs no Ruby, read into some room.
    pub(crate) fn with_room<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        work(&mut self.scratch.borrow_mut().room)
    }

    fn at_seat<T, W: FnOnce() -> T>(&self, how: impl FnOnce(&Runner, W) -> T, work: W) -> T {
        match self.runner() {
            None => work(),
            Some(runner) => how(runner, work),
        }
    }
}
