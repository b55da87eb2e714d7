//! Who polls, who serves, and who waits: leader/followers over one poller.

mod absences;
pub mod cover;
mod idle;
pub mod interrupt;
pub mod lead;
mod queue;
pub mod runners;
pub mod serving;
