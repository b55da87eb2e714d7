//! What an engine is told once, at boot. Nothing here changes while it runs.

use std::path::PathBuf;
use std::time::Duration;

/// Bounds on what one client may send. Each has a status of its own in [`crate::error::Fault`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request head, request line included. Past it: 431.
    pub head: usize,
    /// Fields in a request head. Past it: 431.
    pub fields: usize,
    /// Bytes of a request target. Past it: 414.
    pub target: usize,
    /// Bytes of a request body, declared or received. Past it: 413.
    pub body: u64,
    /// Bytes of a body that stay in memory; a longer one goes to an unlinked temporary file.
    pub body_buffer: usize,
    /// Where those temporary files are made.
    pub spool_dir: PathBuf,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head: 64 * 1024,
            fields: 128,
            target: 16 * 1024,
            body: 1024 * 1024 * 1024,
            body_buffer: 64 * 1024,
            spool_dir: std::env::temp_dir(),
        }
    }
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bounds on a request.
    pub limits: Limits,
    /// Connections held at once; past it, new ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// Requests waiting for a worker; past it: 503.
    pub queue_depth: usize,
    /// From a head's first byte to its last. Past it: 408.
    pub header_timeout: Duration,
    /// Silence while a body is awaited. Past it: 408.
    pub body_timeout: Duration,
    /// Silence between two requests of a connection. Past it, it is closed.
    pub keepalive_timeout: Duration,
    /// No progress while an answer is sent. Past it, the connection is aborted.
    pub write_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            max_connections: 10_240,
            queue_depth: 1024,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(65),
            write_timeout: Duration::from_secs(30),
        }
    }
}
