//! The boundary to Ruby's C API: the only place with unsafe code. Each file offers safe functions, and each unsafe block
//! says what makes it sound.
//!
//! What holds everywhere: a method of the extension is called by Ruby, so its thread holds the GVL until
//! [`gvl::without`] gives it up; a value that stands in a local variable is seen by the garbage collector, one that is kept
//! in Rust's memory has to be marked.

pub(crate) mod accept_queue;
pub(crate) mod allocator;
pub(crate) mod embedded;
pub(crate) mod forked;
pub(crate) mod gvl;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) mod heap_gaps;
pub(crate) mod inherited;
pub(crate) mod pinned;
pub(crate) mod process;
pub(crate) mod protect;
pub(crate) mod ractor;
pub(crate) mod relay;
pub(crate) mod shared;
pub(crate) mod signals;
pub(crate) mod strings;
pub(crate) mod thread_hooks;
