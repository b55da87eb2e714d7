//! `Kino::Native.sleep`: waiting for a time to pass, without the GVL. Ruby's own timers wake late inside ractors, whose
//! threads share native ones; this one has the kernel wake the thread that sleeps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use magnus::{Error, Ruby};

use crate::exception;
use crate::ffi::gvl;

/// `sleep(seconds) -> nil`: sleeps for that long, unless the thread is interrupted.
pub(crate) fn sleep(ruby: &Ruby, seconds: f64) -> Result<(), Error> {
    let length = Duration::try_from_secs_f64(seconds).map_err(|error| {
        exception::argument_error(ruby, &format!("given {seconds} seconds to sleep: {error}; allowed: 0 or more"))
    })?;
    let Some(end) = Instant::now().checked_add(length) else {
        return Err(exception::argument_error(ruby, "that is longer than any clock can tell"));
    };
    while Instant::now() < end {
        let is_called = AtomicBool::new(false);
        let sleeper = Sleeper::default();
        gvl::without(|| sleeper.until(end, &is_called), || sleeper.wake(&is_called));
        gvl::check_interrupts()?;
    }
    Ok(())
}

/// The native thread that sleeps, once it is known.
#[derive(Default)]
struct Sleeper(std::sync::OnceLock<thread::Thread>);

impl Sleeper {
    fn until(&self, end: Instant, is_called: &AtomicBool) {
        let _ = self.0.set(thread::current());
        while !is_called.load(Ordering::SeqCst) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
        }
    }

    fn wake(&self, is_called: &AtomicBool) {
        is_called.store(true, Ordering::SeqCst);
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}
