//! TLS, by rustls: certificates as they are given and found, who gets which, tickets, and a session, which owns no socket: bytes
//! in, bytes out.
//!
//! ```text
//!   given, password -> pem -> material -> identity -> names --.
//!                                  \--> kept, tickets ---------+--> port (reloads) -> session
//! ```

mod expiry;
pub mod given;
mod identity;
pub(crate) mod kept;
mod material;
mod names;
mod password;
mod pem;
pub mod port;
mod provider;
pub mod session;
mod stale;
#[cfg(test)]
pub(crate) mod test_client;
#[cfg(test)]
mod tests;
mod tickets;
