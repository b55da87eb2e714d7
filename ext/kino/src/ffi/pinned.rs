//! Ruby strings that are still being sent when the request that gave them is over.
//!
//! The engine sends them without Ruby's lock, so what it holds is a frozen string that nobody can change, which shares its
//! bytes with the app's own; and as long as the engine holds it, it is marked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use kino_core::net::exchange::Lent;
use kino_core::net::kept::{Claim, Kept};
use magnus::rb_sys::{AsRawValue, FromRawValue};
use magnus::{DataTypeFunctions, Error, RString, Ruby, TypedData, Value, gc};
use rb_sys::VALUE;

use super::process::{PerProcess, generation};
use super::protect::protect;

/// By string. Locked for moments in which Ruby allocates nothing, so that the garbage collector never waits for itself. (Not by
/// `parking_lot`, whose table of all that wait may be left locked in a child of fork.)
static PINNED: PerProcess<Mutex<HashMap<VALUE, Entry>>> = PerProcess::new();

struct Entry {
    /// How many hold it.
    count: usize,
    /// Of the engine that was the first to hold it.
    #[expect(dead_code, reason = "it is dropped with the entry")]
    claim: Claim,
}

/// Marks what is kept; the only one lives as long as the process.
#[derive(TypedData)]
#[magnus(class = "Kino::Native::Keeper", free_immediately, mark)]
pub(crate) struct Keeper;

impl DataTypeFunctions for Keeper {
    fn mark(&self, marker: &gc::Marker) {
        if let Some(pinned) = PINNED.known() {
            for &string in locked(pinned).keys() {
                // SAFETY: it is alive, since it has been marked from its keeping until now. Marked so, it is not moved.
                marker.mark(unsafe { Value::from_raw(string) });
            }
        }
    }
}

/// Makes the keeper. To be called while the extension is loaded.
pub(crate) fn prepare(ruby: &Ruby) {
    ruby.gc_register_mark_object(ruby.obj_wrap(Keeper));
}

/// The string's bytes, as they are now, for as long as anybody holds them: one that many clients are sent is kept, and counted
/// in the budget, once.
///
/// # Errors
/// When Ruby is out of memory.
pub(crate) fn keep(string: RString, budget: &Arc<Kept>) -> Result<Lent, Error> {
    // SAFETY: `string` is one, and so is what is returned.
    let frozen = protect(|_| unsafe {
        RString::from_value(Value::from_raw(rb_sys::rb_str_new_frozen(string.as_raw()))).unwrap_unchecked()
    })?;
    let (share, is_common) = PinnedString::of(frozen, budget);
    std::hint::black_box(frozen);
    Ok(Lent { bytes: Bytes::from_owner(share), is_common })
}

/// A frozen string that is marked until this is dropped, on whatever thread.
struct PinnedString {
    string: VALUE,
    bytes: *const u8,
    length: usize,
    made_in: u32,
}

// SAFETY: the string is frozen and marked, so its bytes neither change nor go away nor, being no part of an object that may
// be moved, change their place; they can be read from everywhere.
unsafe impl Send for PinnedString {}
// SAFETY: as above.
unsafe impl Sync for PinnedString {}

impl PinnedString {
    /// And whether others hold the string, too.
    fn of(frozen: RString, budget: &Arc<Kept>) -> (PinnedString, bool) {
        // SAFETY: the slice is only asked for its place and length.
        let (bytes, length) = unsafe { (frozen.as_slice().as_ptr(), frozen.as_slice().len()) };
        let string = frozen.as_raw();
        let mut pinned = locked(PINNED.get());
        let entry = pinned.entry(string).or_insert_with(|| Entry { count: 0, claim: budget.claim(length) });
        entry.count += 1;
        (PinnedString { string, bytes, length, made_in: generation() }, entry.count > 1)
    }
}

impl AsRef<[u8]> for PinnedString {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: see `Send`.
        unsafe { std::slice::from_raw_parts(self.bytes, self.length) }
    }
}

impl Drop for PinnedString {
    fn drop(&mut self) {
        // A child of fork has pinned none of its parent's.
        if self.made_in != generation() {
            return;
        }
        let mut pinned = locked(PINNED.get());
        let Some(entry) = pinned.get_mut(&self.string) else { return };
        entry.count -= 1;
        if entry.count == 0 {
            pinned.remove(&self.string);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
