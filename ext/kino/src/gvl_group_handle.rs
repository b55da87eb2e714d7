//! `Kino::Native::GvlGroup`: the engine's end for the threads that share a GVL.

use std::sync::Arc;
use std::time::Duration;

use kino_core::dispatch::gvl_group::GvlGroup;
use kino_core::dispatch::interrupt::Interrupt;
use magnus::typed_data::Obj;
use magnus::{Error, RHash, Ruby};

use crate::engine::Engine;
use crate::env_prototype::EnvPrototype;
use crate::ffi::gvl;
use crate::worker_thread::WorkerThread;
use crate::{exception, input};

/// Between two looks at whether those who are finishing have to be ended.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// The engine's end for the threads that share a GVL. Made in the ractor that they run in.
#[magnus::wrap(class = "Kino::Native::GvlGroup", free_immediately)]
pub(crate) struct GvlGroupHandle {
    engine: Engine,
    group: Arc<GvlGroup>,
    interrupt: Interrupt,
}

impl GvlGroupHandle {
    /// `GvlGroup.of(number, gvl_group) -> GvlGroup or nil`: for the engine of that number; `nil` when it runs no more.
    pub(crate) fn of(number: u64, gvl_group: usize) -> Option<GvlGroupHandle> {
        let engine = Engine::find(number)?;
        let (group, interrupt) = (engine.group(gvl_group), engine.server().interrupt());
        Some(GvlGroupHandle { engine, group, interrupt })
    }

    /// `GvlGroup.tell_end(number, gvl_group, kind, report) -> nil`: tells the supervisor how a GVL group's worker has ended.
    pub(crate) fn tell_end(number: u64, gvl_group: usize, kind: String, report: Option<String>) {
        if let Some(engine) = Engine::find(number) {
            engine.ends().tell(gvl_group, (kind, report));
            engine.supervisor().raise();
        }
    }

    /// `thread(prototype) -> WorkerThread`: the end for one more thread.
    pub(crate) fn thread(ruby: &Ruby, this: &GvlGroupHandle, prototype: RHash) -> Result<Obj<WorkerThread>, Error> {
        let prototype = EnvPrototype::new(ruby, prototype, input::none(ruby)?)?;
        let hash = prototype.hash(ruby);
        let server = this.engine.server();
        let worker = WorkerThread::new(server.dispatch().clone(), this.group.clone(), server.interrupt(), prototype);
        let worker = ruby.obj_wrap(worker);
        // Until here the worker has lain where the collector does not look.
        std::hint::black_box(hash);
        Ok(worker)
    }

    /// `wait -> true or false`: waits until the engine is over; false when [`GvlGroupHandle::call`] came first.
    pub(crate) fn wait(ruby: &Ruby, this: &GvlGroupHandle) -> Result<bool, Error> {
        if !this.engine.is_ours() {
            return Err(exception::misuse(ruby, "wait: the engine is another process's"));
        }
        let (dispatch, interrupt) = (this.engine.server().dispatch(), &this.interrupt);
        let is_over = gvl::without(|| dispatch.wait_until_over(interrupt, None), || interrupt.raise());
        gvl::check_interrupts()?;
        Ok(is_over.unwrap_or(false))
    }

    /// `pause -> nil`: waits for [`GvlGroupHandle::call`], for a moment at most, the engine's end or not.
    pub(crate) fn pause(_: &Ruby, this: &GvlGroupHandle) -> Result<(), Error> {
        let interrupt = &this.interrupt;
        gvl::without(|| interrupt.wait(PAUSE), || interrupt.raise());
        gvl::check_interrupts()
    }

    /// `call -> nil`: ends a [`GvlGroupHandle::wait`] or a [`GvlGroupHandle::pause`], this one or the next.
    pub(crate) fn call(&self) {
        // Not in a child that the app has forked.
        if self.engine.is_ours() {
            self.interrupt.raise();
        }
    }

    /// `stopped? -> true or false`: whether the engine was told to end at once.
    pub(crate) fn is_stopped(&self) -> bool {
        self.engine.server().is_stopped()
    }

    /// `over? -> true or false`: whether there will be no more requests.
    pub(crate) fn is_over(&self) -> bool {
        self.engine.server().dispatch().is_over_now()
    }

    /// `died -> nil`: counts a worker that was ended in the middle of the app.
    pub(crate) fn died(&self) {
        self.engine.server().context().stats.died.add();
    }
}
