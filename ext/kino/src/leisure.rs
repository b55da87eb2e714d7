//! What Ruby does while nothing is in flight.

use magnus::Error;

use crate::engine_handle::EngineHandle;
use crate::ffi::{allocator, gvl};

/// `await_leisure -> true, false or nil`: waits until nothing has been in flight for a moment, once after something was. False
/// when that is over already by the time that this thread has Ruby's lock; `nil` when there is no engine any more.
pub(crate) fn await_leisure(this: &EngineHandle) -> Result<Option<bool>, Error> {
    let Some(engine) = this.engine() else { return Ok(None) };
    let (context, dispatch) = (engine.server().context(), engine.server().dispatch());
    gvl::without(|| context.await_leisure(), || context.call_leisure());
    gvl::check_interrupts()?;
    Ok(Some(!dispatch.is_busy()))
}

/// `used_leisure -> nil`: counts that it was used to collect garbage, and has what that has freed given back to the system.
pub(crate) fn used_leisure(this: &EngineHandle) -> Result<(), Error> {
    if let Some(engine) = this.engine() {
        engine.server().context().stats.gc_when_idle.add();
    }
    if let Some(give_back) = allocator::GIVE_BACK {
        // It is over by itself.
        gvl::without(give_back, || ());
        gvl::check_interrupts()?;
    }
    Ok(())
}
