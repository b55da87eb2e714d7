//! Sockets, connections and the poll that watches them.

pub mod account;
pub mod client;
mod closing;
pub mod completion;
pub mod connection;
mod connections;
pub mod context;
mod courtesy;
pub mod deadlines;
pub mod detached;
mod doors;
pub mod exchange;
#[cfg(any(test, feature = "simulation"))]
pub mod fake_socket;
pub mod handover;
pub(crate) mod helpers;
mod http2;
mod ids;
pub mod kept;
mod leisure;
mod line;
pub mod listener;
mod notes;
pub mod overdue;
mod overflow;
mod owner;
mod pace;
pub mod peer;
mod place;
mod places;
pub mod poller;
mod pump;
mod readiness;
pub mod request;
pub mod response_writer;
mod returns;
mod right;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod socket;
pub mod survey;
mod transport;
pub(crate) mod trap;
pub mod trusted;
mod tunnel;
mod unsent;
