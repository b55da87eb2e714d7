//! Ruby strings as bytes.

use std::slice;

use magnus::value::ReprValue;
use magnus::{RArray, RString};

/// Runs `work` with the string's bytes, uncopied.
///
/// `work` must neither call Ruby nor give up the GVL: the bytes stay where they are only because nobody runs who could
/// change or free them.
pub(crate) fn with_bytes<T>(string: RString, work: impl FnOnce(&[u8]) -> T) -> T {
    // SAFETY: `string` stands in this frame until `work` is done, so it is not collected, and by the condition above
    // nobody changes it.
    let result = work(unsafe { string.as_slice() });
    std::hint::black_box(string);
    result
}

/// The same with the strings of an array from the `first` on, as many as there are before anything else.
pub(crate) fn with_bytes_from<T>(
    array: RArray,
    first: usize,
    work: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T,
) -> T {
    // SAFETY: `array` stands in this frame until `work` is done, so its strings are not collected, and by the condition
    // above nobody changes it or them, or moves them.
    let values = unsafe { array.as_slice() };
    let strings = values.iter().skip(first).map_while(|&value| RString::from_value(value));
    // SAFETY: as above, so they may be looked at for longer than the value that names the string.
    let bytes = |string: RString| unsafe { slice::from_raw_parts(string.as_slice().as_ptr(), string.len()) };
    let result = work(&mut strings.map(bytes));
    std::hint::black_box(array);
    result
}

/// Whether `nil` is among an array's elements.
pub(crate) fn has_nil(array: RArray) -> bool {
    // SAFETY: `array` stands in this frame, and looking at its elements runs nobody who could change it.
    let has_nil = unsafe { array.as_slice() }.iter().any(|value| value.is_nil());
    std::hint::black_box(array);
    has_nil
}
