//! What an engine is told once, at boot. Nothing here changes while it runs.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::access_log::AccessLog;
use crate::net::account::Observer;
use crate::net::trusted::Trusted;
use crate::notify::Reporting;
use crate::siblings::Siblings;

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

/// How much of what costs a client nothing one connection of HTTP/2 may send, before it is ended. Each is a
/// [`crate::error::Flood`].
#[derive(Clone, Copy, Debug)]
pub struct Floods {
    /// Streams a second that end before their answers do, for whatever the client does; four times as many at once. A browser
    /// whose page is left resets all it has asked for.
    pub resets: u64,
    /// CONTINUATION frames of one header block.
    pub continuations: u32,
    /// Frames a second that ask for nothing, such as PING and SETTINGS; eight times as many at once.
    pub control_frames: u64,
    /// DATA frames a second that have nothing in them; eight times as many at once.
    pub empty_frames: u64,
}

impl Default for Floods {
    fn default() -> Self {
        Floods { resets: 64, continuations: 32, control_frames: 128, empty_frames: 128 }
    }
}

/// Those whom the kernel has let connect, and nobody has accepted yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptQueue {
    /// How many there are.
    pub length: u32,
    /// How many there may be.
    pub most: u32,
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

/// Which requests are handed over with their head, before their body has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Streaming {
    /// None: every request is complete when it is handed over.
    #[default]
    Never,
    /// All that have a body.
    All,
    /// Those whose path begins with one of these.
    Prefixes(Vec<Vec<u8>>),
}

impl Streaming {
    /// Whether a request for `path` that has a body is handed over before that has come.
    pub fn includes(&self, path: &[u8]) -> bool {
        match self {
            Streaming::Never => false,
            Streaming::All => true,
            Streaming::Prefixes(prefixes) => prefixes.iter().any(|prefix| path.starts_with(prefix)),
        }
    }
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bounds on a request.
    pub limits: Limits,
    /// Which bodies the app reads while they arrive.
    pub streaming: Streaming,
    /// Requests that may be handed over before their body has come, at one time. Past it, bodies are waited for.
    pub max_streamed: usize,
    /// Whether the app sees header names with an underscore.
    pub underscore_headers: bool,
    /// Proxies whose word on the scheme, host and port is taken.
    pub trusted_proxies: Trusted,
    /// Connections held at once; past it, new ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// Requests waiting for a worker; past it: 503.
    pub queue_depth: usize,
    /// From the moment a request is complete until a worker takes it. Past it: 503.
    pub queue_timeout: Duration,
    /// From the moment a request is complete until its answer begins. Past it: 504, and the late answer is dropped.
    pub request_timeout: Option<Duration>,
    /// From a head's first byte to its last; of a connection's first head, from accept on. Past it: 408.
    pub header_timeout: Duration,
    /// From accept until a TLS handshake is done. Past it, the connection is closed.
    pub handshake_timeout: Duration,
    /// Silence while a body is awaited. Past it: 408.
    pub body_timeout: Duration,
    /// Bytes a second that a body has to come at once [`SLOW_START`] is over; 0 for any. Below it: 408.
    pub body_min_rate: u64,
    /// Silence between two requests of a connection. Past it, it is closed.
    pub keepalive_timeout: Duration,
    /// Requests of one connection, the last of which is answered with `connection: close`.
    pub max_keepalive_requests: Option<u64>,
    /// Whether a client that begins a connection as HTTP/2 does is spoken to in HTTP/2 (prior knowledge).
    pub http2: bool,
    /// Streams that a connection of HTTP/2 may have open at one time. Past it, they are refused.
    pub http2_max_streams: usize,
    /// Past them, a connection of HTTP/2 is ended.
    pub floods: Floods,
    /// Bytes of answers that are kept in memory for clients that have not read them, in all; past it, the rest is written
    /// to files in [`Limits::spool_dir`].
    pub kept_bytes: u64,
    /// No progress while an answer is sent. Past it, the connection is aborted.
    pub write_timeout: Duration,
    /// Bytes a second that a client has to read once it has been slow for [`SLOW_START`]; 0 for any. Below it, the
    /// connection is aborted.
    pub write_min_rate: u64,
    /// Bytes of all spool files together; without it, a tenth of what is free on the disk at the start. Past it: 503 for
    /// bodies, and answers that their clients are slow to read are aborted.
    pub spool_limit: Option<u64>,
    /// Descriptors that sockets, spool files and files that are sent may take together.
    pub descriptors: u64,
    /// The other processes that accept from the same listeners.
    pub siblings: Option<Siblings>,
    /// How many wait in a listener's queue, where the system tells; for how many there is room.
    pub accept_queue: fn(BorrowedFd<'_>) -> Option<AcceptQueue>,
    /// Others serve from the same listeners already: nobody is let in before a worker of this one has come for requests.
    pub waits_for_workers: bool,
    /// One end of a pipe, or of a pair of sockets, whose other end only the parent process has: closed, the parent is gone, and
    /// this process drains and ends. It is looked at only where there are [`Config::siblings`].
    pub parent: Option<Arc<OwnedFd>>,
    /// How long it drains then at most.
    pub shutdown_timeout: Duration,
    /// The service manager that is to hear how it is.
    pub reporting: Option<Reporting>,
    /// Whether each request is known by an id: the client's, or one that is made.
    pub request_id: bool,
    /// Whether an answer says how long its request has waited, and how long the app took (`server-timing`).
    pub server_timing: bool,
    /// Where a line of each request that is over goes.
    pub access_log: Option<Arc<AccessLog>>,
    /// Who else hears of each request once it is over. With neither, nothing is noted of requests.
    pub observers: Vec<Arc<dyn Observer>>,
    /// Has the allocator give free memory back to the system, which may take milliseconds; where there is such a way.
    pub give_back_memory: Option<fn()>,
    /// Threads that serve requests, when all are there: for those who look at it from outside.
    pub workers: usize,
    /// The path at which it says by itself whether it is ready.
    pub health_path: Option<Vec<u8>>,
    /// It is not ready once requests have waited for so long while no worker took any.
    pub ready_timeout: Duration,
}

/// For so long a body may come, and an answer be read, at any rate.
pub const SLOW_START: Duration = Duration::from_secs(30);

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            streaming: Streaming::default(),
            max_streamed: 0,
            underscore_headers: false,
            trusted_proxies: Trusted::default(),
            max_connections: 10_240,
            queue_depth: 1024,
            queue_timeout: Duration::from_secs(5),
            request_timeout: None,
            header_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            body_min_rate: 500,
            keepalive_timeout: Duration::from_secs(65),
            max_keepalive_requests: None,
            http2: false,
            http2_max_streams: 128,
            floods: Floods::default(),
            kept_bytes: 64 * 1024 * 1024,
            write_timeout: Duration::from_secs(30),
            write_min_rate: 500,
            spool_limit: None,
            descriptors: 10_240,
            siblings: None,
            accept_queue: |_| None,
            waits_for_workers: false,
            parent: None,
            shutdown_timeout: Duration::from_secs(30),
            reporting: None,
            request_id: false,
            server_timing: false,
            access_log: None,
            observers: Vec::new(),
            give_back_memory: None,
            workers: 0,
            health_path: None,
            ready_timeout: Duration::from_secs(10),
        }
    }
}
