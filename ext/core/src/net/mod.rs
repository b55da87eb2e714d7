//! Sockets, connections and the poll that watches them.

mod body_clock;
pub mod client;
pub mod connection;
pub mod context;
pub mod deadlines;
pub mod exchange;
pub mod handed_on;
pub mod listener;
mod notes;
pub mod notice;
mod owner;
pub mod poller;
pub(crate) mod senders;
pub mod stream;
mod unsent;
