//! Who polls, who serves, and who waits: leader/followers over one poller.
//!
//! To be read in this order: [`lead`] (a worker takes a request, and polls while nobody else does), `queue` and `turns`, `idle` (whom a
//! batch wakes), `yielding` (what a leader does before it falls asleep), `fallback` (who polls when no worker does), [`client_wait`]
//! (a worker waits in the middle of a request), then [`gvl_group`] (the workers that share a GVL), `run_token` (which of them may
//! fetch), `gvl_releases` (when that right is passed on; after how much computing, `service_time`) and `crew` (how many of them
//! there are).

pub mod client_wait;
mod crew;
pub(crate) mod fallback;
pub mod gvl_group;
mod gvl_releases;
mod idle;
pub mod interrupt;
pub mod lead;
mod queue;
mod run_token;
mod runner;
mod service_time;
pub mod serving;
mod tuning;
mod turns;
mod watch;
mod yielding;
