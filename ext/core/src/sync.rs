//! What threads meet at: everything of that kind that dispatch, ownership, notes and deadlines use comes from here. The model
//! (`tests/model`) compiles the same files with a module of the same name, whose types a checker schedules.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::time::Instant;

pub(crate) use parking_lot::{Condvar, Mutex};
