//! Connections of HTTP/2 in a simulated world: whatever clients, workers, helpers, time and the kernel do, each stream comes to its
//! end, keeps nothing, and every client gets the answers to its own requests, and no more than its windows have room for.

#![no_main]

use kino_core::net::simulation;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| simulation::streams::run(script));
