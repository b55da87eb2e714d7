//! What Ruby has to know about this extension.

/// Says that methods of this extension may be called from any ractor. They share nothing but what Rust's own types make
/// safe to share, and no wrapped object is passed between ractors.
pub(crate) fn declare_safe() {
    // SAFETY: called while the extension is loaded, which is when Ruby wants to be told.
    unsafe { rb_sys::rb_ext_ractor_safe(true) };
}
