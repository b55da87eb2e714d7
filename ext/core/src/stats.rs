//! Counters of an engine. They are read while it runs, each for itself: no two are taken at the same instant.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Fault, Flood};
use crate::log;

/// A number that only this module's methods change.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less, for a gauge.
    pub fn sub(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is told beside [`Stats`], by whoever knows it.
pub const GAUGES: &[&str] = &["kept_bytes", "spooled_bytes", "access_log_dropped", EXPIRES];
/// When the first certificate ends, in seconds since 1970; zero where there is none. Of several processes it is no sum.
pub const EXPIRES: &str = "tls_certificate_expires";

/// Declares the counters once, with what each is for; what reads all of them can't leave one out.
macro_rules! stats {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What an engine counts.
        #[derive(Debug, Default)]
        pub struct Stats {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Stats {
            /// The names of [`Stats::all`], in its order.
            pub const NAMES: &[&str] = &[$(stringify!($name),)* "log_dropped"];

            /// All of them with their names, and what the process's log has lost.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get()),)* ("log_dropped", log::dropped())].into_iter()
            }
        }
    };
}

stats! {
    /// Connections accepted since the start.
    accepted,
    /// Connections open now.
    connections,
    /// Requests handed to a worker since the start.
    requests,
    /// Requests that someone is serving now.
    running,
    /// Threads that serve, or are quarantined in the middle of a request, now.
    threads,
    /// Answers sent whole.
    answered,
    /// Answers that Kino gave by itself at `health_path`.
    health,
    /// Connections, and streams of HTTP/2, that the app has taken for itself (`rack.hijack`, 101).
    hijacked,
    /// Connections given up in the middle of an answer.
    aborted,
    /// Requests refused for what the client sent (400, 413, 414, 417, 431, 501, 505): the sum of the next five.
    refused,
    /// Messages that break the protocol, or ask what this server does not do (400, 417, 501, 505).
    malformed,
    /// Heads past `max_header_size` (431).
    max_header_size,
    /// Heads past `max_headers` (431).
    max_headers,
    /// Targets past `max_uri_size` (414).
    max_uri_size,
    /// Bodies past `max_body_size` (413).
    max_body_size,
    /// Connections closed since they did not begin with a PROXY header, where their address is bound with `proxy=true`.
    proxy_header,
    /// TLS handshakes that were done.
    tls_handshakes,
    /// Of those, the ones that went on with an earlier session.
    tls_resumed,
    /// Connections closed since their TLS handshake was not done in `handshake_timeout`.
    handshake_timeout,
    /// Requests, and whatever else, that came without TLS where it is served.
    tls_plain,
    /// Clients that have left in the middle of a TLS handshake.
    tls_left,
    /// TLS handshakes that failed since the client knows no version that is spoken (`min_version`).
    tls_version,
    /// TLS handshakes that failed since the client wants to speak another protocol inside (ALPN).
    tls_protocol,
    /// TLS handshakes that failed since the client can verify none of the certificates' signatures.
    tls_signature,
    /// TLS handshakes that failed for want of a cipher suite or a key exchange that both sides have.
    tls_incompatible,
    /// TLS handshakes that failed since the client had no certificate, or none to be believed (`client_ca`, `verify`).
    tls_client_certificate,
    /// TLS handshakes that the client has ended by an alert, most often since it does not believe the certificate.
    tls_alert,
    /// TLS handshakes that failed since the client broke their rules.
    tls_malformed,
    /// Times that certificates had changed and could not be read again: what was is served on.
    tls_reload_failures,
    /// Requests refused because the server had too much to do (503), for one of the next four reasons.
    overloaded,
    /// Requests that came when `queue_depth` others waited.
    queue_depth,
    /// Requests that waited longer than `queue_timeout`.
    queue_timeout,
    /// Bodies, and answers that their clients are slow to read, that could not be written to `spool_dir`.
    spool_dir,
    /// Files that were not sent since the rest of those that may be open is for connections.
    open_files,
    /// Requests that were not there, or not answered, in time (408, 504): the sum of the next three.
    timed_out,
    /// Heads that took longer than `header_timeout` (408).
    header_timeout,
    /// Bodies that stopped for `body_timeout`, or came slower than `body_min_rate` (408).
    body_timeout,
    /// Requests whose answer had not begun when `request_timeout` was over (504).
    request_timeout,
    /// Answers that came after their 504, and were dropped.
    late,
    /// Requests that were dropped unserved, since their client had gone while they waited.
    gone,
    /// Connections closed between requests when `keepalive_timeout` was over, or that sent nothing at all.
    keepalive_timeout,
    /// Connections closed after `max_keepalive_requests`.
    max_keepalive_requests,
    /// Connections that spoke HTTP/2.
    http2_connections,
    /// Streams of HTTP/2 that the app has taken and that are open now.
    tunnels,
    /// Connections and streams of HTTP/2 that ended since their client broke the protocol.
    http2_errors,
    /// Connections of HTTP/2 that ended since their client sent more of what costs it nothing than anybody needs: the sum of the
    /// next five.
    http2_floods,
    /// Those that had more streams reset than `http2_max_resets`.
    http2_max_resets,
    /// Those with more CONTINUATION frames in a header block than `http2_max_continuations`.
    http2_max_continuations,
    /// Those with more PING, SETTINGS and other frames that ask for nothing than `http2_max_control_frames`.
    http2_max_control_frames,
    /// Those with more DATA frames that have nothing in them than `http2_max_empty_frames`.
    http2_max_empty_frames,
    /// Those with a header block that is, or stands for, far more than `max_header_size`.
    http2_header_blocks,
    /// Streams refused past `http2_max_streams`, or after their connection's end was told.
    http2_refused,
    /// Answers given up since their client took nothing for `write_timeout`.
    write_timeout,
    /// Times that `max_connections` had new connections wait.
    max_connections,
    /// Connections that were idle for longest, closed to let newcomers in.
    evicted,
    /// Times the fallback poller took the lead.
    covered,
    /// Workers that were ended in the middle of the app, or could not boot; others took their places.
    died,
    /// Workers that were quarantined because a request took them too long; others took their places.
    stuck,
    /// Collections of garbage that were made while nothing was in flight (`gc_when_idle`).
    gc_when_idle,
    /// Faults of Kino's own that were caught, each at the price of one connection at most.
    panics,
}

impl Stats {
    /// Counts a refusal by its kind and its cause.
    pub fn count_refusal(&self, fault: Fault) {
        let (kind, cause) = match fault {
            Fault::Malformed(_)
            | Fault::Expectation
            | Fault::UnknownCoding
            | Fault::Connect
            | Fault::Version
            | Fault::WithoutTls => (&self.refused, &self.malformed),
            Fault::HeadTooLarge => (&self.refused, &self.max_header_size),
            Fault::TooManyFields => (&self.refused, &self.max_headers),
            Fault::TargetTooLong => (&self.refused, &self.max_uri_size),
            Fault::BodyTooLarge => (&self.refused, &self.max_body_size),
            Fault::QueueFull => (&self.overloaded, &self.queue_depth),
            Fault::QueueTimeout => (&self.overloaded, &self.queue_timeout),
            Fault::NoRoom => (&self.overloaded, &self.spool_dir),
            Fault::OpenFiles => (&self.overloaded, &self.open_files),
            Fault::HeadTimeout => (&self.timed_out, &self.header_timeout),
            Fault::BodyTimeout => (&self.timed_out, &self.body_timeout),
            Fault::RequestTimeout => (&self.timed_out, &self.request_timeout),
            Fault::Flood(flood) => (&self.http2_floods, self.floods(flood)),
            Fault::Stopping => return self.aborted.add(),
        };
        kind.add();
        cause.add();
    }

    fn floods(&self, flood: Flood) -> &Counter {
        match flood {
            Flood::Resets => &self.http2_max_resets,
            Flood::Continuations => &self.http2_max_continuations,
            Flood::ControlFrames => &self.http2_max_control_frames,
            Flood::EmptyFrames => &self.http2_max_empty_frames,
            Flood::HeaderBlocks => &self.http2_header_blocks,
        }
    }
}
