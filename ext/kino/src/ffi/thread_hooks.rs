//! Hears when a worker's thread gives up the GVL, and when one wants it.
//!
//! Ruby calls the hook on whatever thread, without the GVL and with locks of its own held, so it does nothing but tell the
//! thread's [`Seat`]. A seat is reached from the thread by a pointer that Ruby keeps for us. It may be read at any
//! moment, so a seat that was ever reachable is never freed, but used again by the next worker of its group.

use std::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use kino_core::dispatch::gvl_group::{GvlGroup, Runner};
use magnus::Thread;
use magnus::rb_sys::AsRawValue;

use super::process::{PerProcess, generation};

static KEY: OnceLock<rb_sys::rb_internal_thread_specific_key_t> = OnceLock::new();
static HOOK: OnceLock<()> = OnceLock::new();
/// A worker thread's place among those who run.
pub(crate) struct Seat {
    pub(crate) runner: Arc<Runner>,
    /// The process that it is in. A thread that forks has it in the child, too, where it stands for nobody.
    made_in: u32,
}

/// What this process has. A child of fork inherits the hook, but neither workers nor groups.
static OWN: PerProcess<Own> = PerProcess::new();

#[derive(Default)]
struct Own {
    /// Seats that have no thread now.
    spare: Mutex<Vec<&'static Seat>>,
    /// Groups that threads of no worker may compete with for a GVL: which one is not told, so with all.
    groups: Mutex<Vec<Arc<GvlGroup>>>,
}

/// Reserves the place for the pointer in each thread. To be called once, while the extension is loaded: Ruby wants the
/// first key to be made before there is a second ractor.
pub(crate) fn reserve() {
    // SAFETY: the GVL is held, and there is only the main ractor.
    KEY.get_or_init(|| unsafe { rb_sys::rb_internal_thread_specific_key_create() });
}

/// Has Ruby call the hook, once in the life of a process. In the main ractor, before there are others: Ruby allocates for it.
pub(crate) fn install() {
    HOOK.get_or_init(|| {
        let events = rb_sys::RUBY_INTERNAL_THREAD_EVENT_READY | rb_sys::RUBY_INTERNAL_THREAD_EVENT_SUSPENDED;
        // SAFETY: the GVL is held; `hear` stays where it is as long as the process, and needs no data.
        unsafe { rb_sys::rb_internal_thread_add_event_hook(Some(hear), events, std::ptr::null_mut()) };
    });
}

/// Tells the group, too, when a thread of no worker wants the GVL.
pub(crate) fn listen(group: &Arc<GvlGroup>) {
    locked(&OWN.get().groups).push(group.clone());
}

/// Ends what [`listen`] began.
pub(crate) fn ignore(group: &Arc<GvlGroup>) {
    locked(&OWN.get().groups).retain(|known| !Arc::ptr_eq(known, group));
}

/// Makes the thread a worker of `group`.
pub(crate) fn enter(thread: Thread, group: &Arc<GvlGroup>) -> &'static Seat {
    let mut spare = locked(&OWN.get().spare);
    let place = spare.iter().position(|seat| group.has(&seat.runner));
    let seat = place.map_or_else(
        || &*Box::leak(Box::new(Seat { runner: group.join(), made_in: generation() })),
        |place| spare.swap_remove(place),
    );
    seat.runner.begin();
    point(thread, seat);
    seat
}

/// Ends what [`enter`] began.
pub(crate) fn leave(thread: Thread, seat: &'static Seat) {
    point(thread, std::ptr::null());
    if seat.made_in == generation() {
        seat.runner.leave();
        locked(&OWN.get().spare).push(seat);
    }
}

/// The runner that the thread is, if it is a worker of this process.
pub(crate) fn runner_of(thread: Thread) -> Option<&'static Arc<Runner>> {
    let &key = KEY.get()?;
    // SAFETY: the GVL is held, `thread` is a Thread, and what the pointer points at is never freed.
    let seat = unsafe { rb_sys::rb_internal_thread_specific_get(thread.as_raw(), key).cast::<Seat>().as_ref() };
    seat.filter(|seat| seat.made_in == generation()).map(|seat| &seat.runner)
}

fn point(thread: Thread, seat: *const Seat) {
    let Some(&key) = KEY.get() else { return };
    // SAFETY: the GVL is held, `thread` is a Thread, and the key was reserved before any worker started.
    unsafe { rb_sys::rb_internal_thread_specific_set(thread.as_raw(), key, seat.cast_mut().cast()) };
}

unsafe extern "C" fn hear(event: u32, data: *const rb_sys::rb_internal_thread_event_data_t, _: *mut c_void) {
    let Some(&key) = KEY.get() else { return };
    // SAFETY: Ruby passes the data of a live thread; reading the pointer needs no GVL, and what it points at is never freed.
    let seat = unsafe {
        let pointer = rb_sys::rb_internal_thread_specific_get((*data).thread, key);
        pointer.cast::<Seat>().as_ref()
    };
    match (seat, event) {
        (Some(seat), _) if seat.made_in != generation() => {}
        (Some(seat), rb_sys::RUBY_INTERNAL_THREAD_EVENT_SUSPENDED) => seat.runner.give_up_lock(),
        (Some(seat), _) => seat.runner.want_lock(),
        (None, rb_sys::RUBY_INTERNAL_THREAD_EVENT_READY) => contend(),
        (None, _) => {}
    }
}

fn contend() {
    // Never waited for: a hook that misses its turn costs one time slice at most.
    if let Some(Ok(groups)) = OWN.known().map(|own| own.groups.try_lock()) {
        groups.iter().for_each(|group| group.contend());
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
