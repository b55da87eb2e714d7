//! How many threads a GVL group has, for the supervisor, which starts and ends them.

use kino_core::dispatch::gvl_group::Bounds;
use magnus::{Error, Ruby};

use crate::engine_handle::{EngineHandle, seconds_of};
use crate::ffi::thread_hooks;

impl EngineHandle {
    /// `vary(gvl_group, least, most, most_io_bound) -> nil`: from now on the gvl_group has not always as many threads.
    pub(crate) fn vary(&self, gvl_group: usize, least: usize, most: usize, most_io_bound: usize) {
        if let Some(engine) = self.engine() {
            let supervisor = engine.supervisor().clone();
            engine.group(gvl_group).vary(Bounds { least, most, most_io_bound }, move || supervisor.raise());
        }
    }

    /// `lacking(gvl_group) -> Integer`: threads that are to be started; a [wait](EngineHandle::wait) ends when there are some.
    pub(crate) fn lacking(&self, gvl_group: usize) -> usize {
        self.engine().map_or(0, |engine| engine.group(gvl_group).lacking())
    }

    /// `filled(gvl_group) -> nil`: one of them has been started. Before all have no others are asked for.
    pub(crate) fn filled(&self, gvl_group: usize) {
        if let Some(engine) = self.engine() {
            engine.group(gvl_group).filled();
        }
    }

    /// `rested(gvl_group, seconds) -> [Integer]`: the numbers of those that have been seen without a request for so long, the
    /// longest first, while there are more than there always are.
    pub(crate) fn rested(ruby: &Ruby, this: &EngineHandle, gvl_group: usize, seconds: f64) -> Result<Vec<u64>, Error> {
        let time = seconds_of(ruby, "rested", seconds)?;
        Ok(this.engine().map(|engine| engine.group(gvl_group).rested(time)).unwrap_or_default())
    }
}

/// `mark_as_io_bound -> true or false`: what the calling thread serves waits for something outside of Ruby, and doesn't count
/// against the most threads that there may be. False where that changes nothing, and on a thread that is no worker's.
pub(crate) fn mark_as_io_bound(ruby: &Ruby) -> bool {
    thread_hooks::runner_of(ruby.thread_current()).is_some_and(|runner| runner.mark_io_bound())
}
