//! Giving up the GVL, and hearing interrupts.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use magnus::Error;

use super::protect::protect;

/// Runs `work` without the GVL. `unblock` is called, from another thread, when this one should come back soon: a signal,
/// `Thread#raise`, `Thread#kill`. `None` when that was so before `work` began: it has not run then.
///
/// The caller has to look at what the interrupt was: [`check_interrupts`].
pub(crate) fn without<T, W, U>(work: W, unblock: U) -> Option<T>
where
    W: FnOnce() -> T + Send,
    T: Send,
    U: Fn() + Sync,
{
    let mut call = Call { work: Some(work), result: None };
    // SAFETY: the calling thread holds the GVL (see the module's page). `call` and `unblock` live on this stack until
    // rb_nogvl has returned, and Ruby uses neither after that. With RB_NOGVL_INTR_FAIL it raises nothing, so no frame is
    // jumped over. No panic leaves the two functions.
    unsafe {
        rb_sys::rb_nogvl(
            Some(run::<T, W>),
            ptr::from_mut(&mut call).cast(),
            Some(wake::<U>),
            ptr::from_ref(&unblock).cast_mut().cast(),
            rb_sys::RB_NOGVL_INTR_FAIL as i32,
        );
    }
    match call.result? {
        Ok(value) => Some(value),
        Err(panic) => resume_unwind(panic),
    }
}

/// Handles what Ruby wants of this thread.
///
/// # Errors
/// What was raised in this thread, or the end of it.
pub(crate) fn check_interrupts() -> Result<(), Error> {
    // SAFETY: the GVL is held; what it raises is caught by `protect`.
    protect(|_| unsafe { rb_sys::rb_thread_check_ints() })
}

/// Lets other threads have the GVL, if any wait for it.
///
/// # Errors
/// As [`check_interrupts`].
pub(crate) fn pass() -> Result<(), Error> {
    // SAFETY: as in `check_interrupts`.
    protect(|_| unsafe { rb_sys::rb_thread_schedule() })
}

struct Call<T, W> {
    work: Option<W>,
    result: Option<std::thread::Result<T>>,
}

unsafe extern "C" fn run<T, W: FnOnce() -> T>(call: *mut c_void) -> *mut c_void {
    // SAFETY: `call` is what `without` passed, and nobody else uses it meanwhile.
    let call = unsafe { &mut *call.cast::<Call<T, W>>() };
    call.result = call.work.take().map(|work| catch_unwind(AssertUnwindSafe(work)));
    ptr::null_mut()
}

unsafe extern "C" fn wake<U: Fn()>(unblock: *mut c_void) {
    // SAFETY: `unblock` is what `without` passed, shared and `Sync`.
    let unblock = unsafe { &*unblock.cast::<U>() };
    // A panic here has nobody to go to: the thread is not woken by it, and hears of the interrupt when its wait ends.
    let _ = catch_unwind(AssertUnwindSafe(unblock));
}
