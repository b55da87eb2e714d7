//! Kino's engine: it accepts connections, reads requests of HTTP/1.1 and HTTP/2, keeps every deadline and hands complete requests to
//! whoever serves them. It knows no Ruby and holds no unsafe code.
//!
//! ```text
//! net::listener -> net::poller -> net::connection -> http::receive -> dispatch::ready
//!     -> (whoever serves) -> net::exchange -> http::encode -> socket
//! ```
//!
//! Start with [`server::Server`]; `examples/ceiling.rs` serves canned answers with it.

#![forbid(unsafe_code)]

pub mod access_log;
mod bell;
pub mod budget;
mod certificates;
pub mod config;
pub mod control;
pub mod dispatch;
pub mod error;
pub mod fatal;
mod heart;
pub mod http;
pub mod http2;
pub mod log;
pub mod net;
pub mod notify;
mod reporter;
pub mod scoreboard;
pub mod server;
pub mod siblings;
pub mod spool_file;
pub mod stats;
pub mod summons;
mod survey;
mod sync;
pub mod tally;
pub mod text;
pub mod tls;
