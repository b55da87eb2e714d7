//! Ruby objects whose Rust value lies in the object itself: one that is made for each request costs no memory of its own, and
//! nothing to give back when it is collected.

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr;

use magnus::rb_sys::{AsRawValue, FromRawValue};
use magnus::{Error, IntoValue, RClass, Ruby, TryConvert, Value};
use rb_sys::{VALUE, rbimpl_typeddata_flags as Flags};

use super::protect::protect;

/// What a Rust value has to tell to lie in an object. It may be moved, with the object, whenever nobody has a [`Handle`].
pub(crate) trait Embedded: Send + Sized + 'static {
    /// Its type's only description.
    fn data_type() -> &'static DataType<Self>;

    /// Tells of each Ruby value that it holds.
    fn each_value(&self, tell: &mut dyn FnMut(Value));
}

/// How Ruby knows objects of a type.
pub(crate) struct DataType<T>(rb_sys::rb_data_type_t, PhantomData<fn() -> T>);

// SAFETY: nobody changes it, and what it points at is static.
unsafe impl<T> Sync for DataType<T> {}

impl<T: Embedded> DataType<T> {
    /// The description of `T` by its name. There must be only one.
    pub(crate) const fn new(name: &'static CStr) -> DataType<T> {
        // SAFETY: of integers and pointers, all of which may be zero.
        let mut data_type: rb_sys::rb_data_type_t = unsafe { std::mem::zeroed() };
        data_type.wrap_struct_name = name.as_ptr();
        data_type.function.dmark = Some(mark::<T>);
        data_type.function.dfree = Some(free::<T>);
        data_type.flags = (Flags::RUBY_TYPED_FREE_IMMEDIATELY as VALUE) | (Flags::RUBY_TYPED_EMBEDDABLE as VALUE);
        DataType(data_type, PhantomData)
    }
}

/// An object, and the Rust value in it. The object stands in a local variable, and in the frame of the method that it is the
/// receiver of, where the collector sees it: so it is neither collected nor moved.
pub(crate) struct Handle<T>(Value, *const T);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T: Embedded> Handle<T> {
    /// A new object of `class` with `value` in it.
    ///
    /// # Errors
    /// When Ruby has no memory left.
    pub(crate) fn new(class: RClass, value: T) -> Result<Handle<T>, Error> {
        let data_type = ptr::from_ref(&T::data_type().0);
        let object = protect(|_| {
            // SAFETY: `class` is one, and Ruby finds room for a `T`, all zeros.
            unsafe {
                Value::from_raw(rb_sys::rb_data_typed_object_zalloc(class.as_raw(), size_of::<T>() as _, data_type))
            }
        })?;
        // SAFETY: the object is of that type, so nothing is raised.
        let place = unsafe { rb_sys::rb_check_typeddata(object.as_raw(), data_type).cast::<T>() };
        // SAFETY: what is there are zeros, and not a `T` yet; nothing has run since the object was made.
        unsafe { place.write(value) };
        Ok(Handle(object, place))
    }

    /// The object.
    pub(crate) fn object(self) -> Value {
        self.0
    }
}

impl<T: Embedded> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the object was made by `new`, or has been looked at by `try_convert`; it stays where it is for as long as the
        // handle stands in a frame, which the borrow lasts no longer than.
        unsafe { &*self.1 }
    }
}

impl<T: Embedded> TryConvert for Handle<T> {
    fn try_convert(object: Value) -> Result<Self, Error> {
        let data_type = ptr::from_ref(&T::data_type().0);
        // SAFETY: `object` is a value.
        let is_one = unsafe { rb_sys::rb_typeddata_is_kind_of(object.as_raw(), data_type) } != 0;
        // SAFETY: for any other object it raises a TypeError, which `protect` catches, and for one of the type nothing.
        let place = || unsafe { rb_sys::rb_check_typeddata(object.as_raw(), data_type) };
        let place = if is_one { place() } else { protect(|_| place())? };
        Ok(Handle(object, place.cast()))
    }
}

impl<T: Embedded> IntoValue for Handle<T> {
    fn into_value_with(self, _: &Ruby) -> Value {
        self.0
    }
}

unsafe extern "C" fn mark<T: Embedded>(value: *mut c_void) {
    // SAFETY: Ruby passes the value of a live object; whoever marks changes nothing.
    let value = unsafe { &*value.cast::<T>() };
    // SAFETY: what it tells of are values that it holds.
    value.each_value(&mut |value| unsafe { rb_sys::rb_gc_mark(value.as_raw()) });
}

unsafe extern "C" fn free<T: Embedded>(value: *mut c_void) {
    // SAFETY: Ruby passes the value of an object that nobody has any more, once. Its room is Ruby's.
    unsafe { value.cast::<T>().drop_in_place() };
}
