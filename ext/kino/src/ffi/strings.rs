//! Ruby strings as bytes.

use magnus::RString;

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

/// The same with many strings at once.
pub(crate) fn with_all_bytes<T>(strings: &[RString], work: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T) -> T {
    // SAFETY: as above; the caller's slice lies on a stack, or is reachable from an array that does.
    work(&mut strings.iter().map(|string| unsafe { string.as_slice() }))
}
