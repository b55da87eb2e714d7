//! Calls that may raise, many at the cost of one `rb_protect`.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use magnus::rb_sys::{AsRawValue, FromRawValue};
use magnus::value::ReprValue;
use magnus::{Error, RArray, RHash, RString, Value};
use rb_sys::{VALUE, st_data_t, st_retval};

/// Proof of standing inside [`protect`], where a C function may raise: it jumps to the end of `protect`, over all frames
/// in between. So a closure given to `protect`, and what it calls, holds no value that has to be dropped while it uses
/// this; borrowed ones are fine.
pub(crate) struct Protected(PhantomData<*const ()>);

/// Runs `work`; whatever Ruby raises or throws in it, or a thread's end, comes back as an error.
///
/// # Errors
/// What was raised.
pub(crate) fn protect<T>(work: impl FnOnce(&Protected) -> T) -> Result<T, Error> {
    let mut result = None;
    magnus::rb_sys::protect(|| {
        // A panic must not pass Ruby's frames.
        result = Some(catch_unwind(AssertUnwindSafe(|| work(&Protected(PhantomData)))));
        rb_sys::Qnil.into()
    })?;
    match result.expect("without an error the closure has run to its end") {
        Ok(value) => Ok(value),
        Err(panic) => resume_unwind(panic),
    }
}

impl Protected {
    /// A new binary string.
    pub(crate) fn string(&self, bytes: &[u8]) -> RString {
        // SAFETY: pointer and length are of one slice, which Ruby copies.
        unsafe { string(rb_sys::rb_str_new(bytes.as_ptr().cast(), bytes.len() as i64)) }
    }

    /// A new binary string that is frozen.
    pub(crate) fn frozen(&self, bytes: &[u8]) -> RString {
        let string = self.string(bytes);
        // SAFETY: it is a string.
        unsafe { rb_sys::rb_str_freeze(string.as_raw()) };
        string
    }

    /// The frozen string of these bytes that everybody shares.
    pub(crate) fn interned(&self, bytes: &[u8]) -> RString {
        // SAFETY: as in `string`.
        unsafe { string(rb_sys::rb_interned_str(bytes.as_ptr().cast(), bytes.len() as i64)) }
    }

    /// A new array without elements.
    pub(crate) fn array(&self) -> RArray {
        // SAFETY: rb_ary_new gives an array.
        unsafe { RArray::from_value(value(rb_sys::rb_ary_new())).unwrap_unchecked() }
    }

    /// `array << value`
    pub(crate) fn push(&self, array: RArray, value: impl ReprValue) {
        // SAFETY: `array` is one, and `value` a value.
        unsafe { rb_sys::rb_ary_push(array.as_raw(), value.as_raw()) };
    }

    /// A new hash with the same contents.
    pub(crate) fn duplicate(&self, hash: RHash) -> RHash {
        // SAFETY: `hash` is one, and rb_hash_dup gives one.
        unsafe { RHash::from_value(value(rb_sys::rb_hash_dup(hash.as_raw()))).unwrap_unchecked() }
    }

    /// `hash[key] = value`
    pub(crate) fn set(&self, hash: RHash, key: RString, value: impl ReprValue) {
        // SAFETY: all three are values of the types that the function takes.
        unsafe { rb_sys::rb_hash_aset(hash.as_raw(), key.as_raw(), value.as_raw()) };
    }

    /// `hash[key]`, `nil` for none.
    pub(crate) fn get(&self, hash: RHash, key: RString) -> Value {
        // SAFETY: as in `set`.
        unsafe { value(rb_sys::rb_hash_lookup(hash.as_raw(), key.as_raw())) }
    }

    /// `array[index]`, `nil` past its end.
    pub(crate) fn element(&self, array: RArray, index: usize) -> Value {
        // SAFETY: `array` is one.
        unsafe { value(rb_sys::rb_ary_entry(array.as_raw(), index as i64)) }
    }

    /// `object.to_s`
    pub(crate) fn to_s(&self, object: Value) -> RString {
        // SAFETY: rb_obj_as_string gives a string, whatever the object's `to_s` returns.
        unsafe { string(rb_sys::rb_obj_as_string(object.as_raw())) }
    }

    /// A new string: one, a separator and more bytes.
    pub(crate) fn joined(&self, first: RString, separator: &[u8], rest: &[u8]) -> RString {
        // SAFETY: `first` is a string, its copy is nobody else's, and both slices are copied by Ruby.
        unsafe {
            let joined = rb_sys::rb_str_dup(first.as_raw());
            rb_sys::rb_str_cat(joined, separator.as_ptr().cast(), separator.len() as i64);
            string(rb_sys::rb_str_cat(joined, rest.as_ptr().cast(), rest.len() as i64))
        }
    }

    /// A new hash.
    pub(crate) fn hash(&self) -> RHash {
        // SAFETY: rb_hash_new gives one.
        unsafe { RHash::from_value(value(rb_sys::rb_hash_new())).unwrap_unchecked() }
    }

    /// Gives `hash` the pairs of `others` whose keys it does not have.
    pub(crate) fn set_missing(&self, hash: RHash, others: RHash) {
        unsafe extern "C" fn keep(_: VALUE, there: VALUE, _: VALUE) -> VALUE {
            there
        }
        // SAFETY: both are hashes, and `keep` runs no Ruby.
        unsafe { rb_sys::rb_hash_update_by(hash.as_raw(), others.as_raw(), Some(keep)) };
    }

    /// Gives the first pairs of `hash` other values, in their order: as one pass over its table it costs a tenth of what as many
    /// calls of [`Protected::set`] do, which look each key up.
    ///
    /// From the first time on, every collection looks at all that the hash has, so it is for a few hashes that live long.
    pub(crate) fn refill<const N: usize>(&self, hash: RHash, values: [RString; N]) {
        struct Rest<'v> {
            values: std::slice::Iter<'v, RString>,
        }
        unsafe extern "C" fn step(_: st_data_t, _: st_data_t, rest: st_data_t, _: i32) -> i32 {
            // SAFETY: it is the pointer passed below, used by this iteration alone.
            let rest = unsafe { &*(rest as *const Rest<'_>) };
            let goes_on = !rest.values.as_slice().is_empty();
            (if goes_on { st_retval::ST_REPLACE } else { st_retval::ST_STOP }) as i32
        }
        unsafe extern "C" fn replace(_: *mut st_data_t, place: *mut st_data_t, rest: st_data_t, _: i32) -> i32 {
            // SAFETY: as in `step`.
            let rest = unsafe { &mut *(rest as *mut Rest<'_>) };
            if let Some(value) = rest.values.next() {
                // SAFETY: st passes the place of a pair's value. No write barrier is needed for a hash whose table has been asked
                // for: Ruby has stopped to rely on them then.
                unsafe { *place = value.as_raw() };
            }
            st_retval::ST_CONTINUE as i32
        }
        let mut rest = Rest { values: values.iter() };
        // SAFETY: `hash` is one, and its table outlives the call, in which no Ruby runs; `values` and `rest` do, too.
        unsafe {
            let table = rb_sys::rb_hash_tbl(hash.as_raw(), c"".as_ptr(), 0);
            rb_sys::rb_st_foreach_with_replace(table, Some(step), Some(replace), (&raw mut rest) as st_data_t);
        }
    }

    /// `hash.delete(key)`
    pub(crate) fn delete(&self, hash: RHash, key: RString) {
        // SAFETY: as in `set`.
        unsafe { rb_sys::rb_hash_delete(hash.as_raw(), key.as_raw()) };
    }

    /// Calls `visit` with each pair, until it returns false.
    pub(crate) fn each_pair<F: FnMut(Value, Value) -> bool>(&self, hash: RHash, mut visit: F) {
        unsafe extern "C" fn step<F: FnMut(Value, Value) -> bool>(key: VALUE, item: VALUE, visit: VALUE) -> i32 {
            // SAFETY: `visit` is the pointer passed below, used by this iteration alone.
            let visit = unsafe { &mut *(visit as *mut F) };
            // SAFETY: Ruby passes two of the hash's values.
            let (key, item) = unsafe { (value(key), value(item)) };
            let goes_on = catch_unwind(AssertUnwindSafe(|| visit(key, item))).unwrap_or(false);
            (if goes_on { rb_sys::st_retval::ST_CONTINUE } else { rb_sys::st_retval::ST_STOP }) as i32
        }
        // SAFETY: `visit` outlives the call, and no panic leaves `step`.
        unsafe { rb_sys::rb_hash_foreach(hash.as_raw(), Some(step::<F>), (&raw mut visit) as VALUE) };
    }
}

/// SAFETY: `raw` is a live value.
unsafe fn value(raw: VALUE) -> Value {
    // SAFETY: by this function's own condition.
    unsafe { Value::from_raw(raw) }
}

/// SAFETY: `raw` is a live string.
unsafe fn string(raw: VALUE) -> RString {
    // SAFETY: by this function's own condition.
    unsafe { RString::from_value(value(raw)).unwrap_unchecked() }
}
