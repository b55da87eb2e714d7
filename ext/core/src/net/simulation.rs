//! Connections in a world of its own: clients, workers, helpers, time and the kernel do what a script says, and everything
//! between them is the engine's own code. After each step it is looked at whether all holds that has to ([`world`]).

mod accounts;
mod bytes;
mod client;
mod engine;
#[cfg(test)]
mod layer;
mod script;
pub mod streams;
mod worker;
mod world;

#[cfg(test)]
mod tests;

pub use self::script::run;
