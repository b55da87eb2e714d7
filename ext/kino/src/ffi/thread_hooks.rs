//! Hears when a worker's thread gives up the GVL, and when one wants it.
//!
//! Ruby calls the hook on whatever thread, without the GVL and with locks of its own held, so it does nothing but tell the
//! thread's [`Runner`]. A runner is reached from the thread by a pointer that Ruby keeps for us. It may be read at any
//! moment, so a runner that was ever reachable is never freed, but used again by the next worker of its group.

use std::ffi::c_void;
use std::sync::{Arc, OnceLock};

use kino_core::dispatch::gvl_group::{GvlGroup, Runner};
use magnus::Thread;
use magnus::rb_sys::AsRawValue;
use parking_lot::Mutex;

static KEY: OnceLock<rb_sys::rb_internal_thread_specific_key_t> = OnceLock::new();
static HOOK: OnceLock<()> = OnceLock::new();
/// GvlGroup that have no thread now, with the group they belong to.
static SPARE: Mutex<Vec<Arc<Runner>>> = Mutex::new(Vec::new());
/// Groups that threads of no worker may compete with for a GVL: which one is not told, so with all.
static GROUPS: Mutex<Vec<Arc<GvlGroup>>> = Mutex::new(Vec::new());

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
    GROUPS.lock().push(group.clone());
}

/// Ends what [`listen`] began.
pub(crate) fn ignore(group: &Arc<GvlGroup>) {
    GROUPS.lock().retain(|known| !Arc::ptr_eq(known, group));
}

/// Makes the thread a worker of `group`.
pub(crate) fn enter(thread: Thread, group: &Arc<GvlGroup>) -> Arc<Runner> {
    let mut spare = SPARE.lock();
    let place = spare.iter().position(|runner| group.has(runner));
    let runner = place.map_or_else(|| group.join(), |place| spare.swap_remove(place));
    runner.begin();
    // The pointer stands for a reference that is never given back.
    point(thread, Arc::into_raw(runner.clone()));
    runner
}

/// Ends what [`enter`] began.
pub(crate) fn leave(thread: Thread, runner: Arc<Runner>) {
    point(thread, std::ptr::null());
    runner.leave();
    SPARE.lock().push(runner);
}

fn point(thread: Thread, runner: *const Runner) {
    let Some(&key) = KEY.get() else { return };
    // SAFETY: the GVL is held, `thread` is a Thread, and the key was reserved before any worker started.
    unsafe { rb_sys::rb_internal_thread_specific_set(thread.as_raw(), key, runner.cast_mut().cast()) };
}

unsafe extern "C" fn hear(event: u32, data: *const rb_sys::rb_internal_thread_event_data_t, _: *mut c_void) {
    let Some(&key) = KEY.get() else { return };
    // SAFETY: Ruby passes the data of a live thread; reading the pointer needs no GVL, and what it points at is never freed.
    let runner = unsafe {
        let pointer = rb_sys::rb_internal_thread_specific_get((*data).thread, key);
        pointer.cast::<Runner>().as_ref()
    };
    match (runner, event) {
        (Some(runner), rb_sys::RUBY_INTERNAL_THREAD_EVENT_SUSPENDED) => runner.give_up_lock(),
        (Some(runner), _) => runner.want_lock(),
        (None, rb_sys::RUBY_INTERNAL_THREAD_EVENT_READY) => contend(),
        (None, _) => {}
    }
}

fn contend() {
    // Never waited for: a hook that misses its turn costs one time slice at most.
    if let Some(groups) = GROUPS.try_lock() {
        groups.iter().for_each(|group| group.contend());
    }
}
