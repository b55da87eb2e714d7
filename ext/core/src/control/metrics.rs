//! `/metrics`: all numbers in the text format of Prometheus (version 0.0.4). Counters and histograms are sums over all processes, and
//! over those that are gone; what says how a process is now has a label with its number.

use std::fmt::{Display, Write};

use super::board::Snapshot;
use super::message::Answer;
use super::system;
use crate::scoreboard::{CLASSES, Distribution, Reading, SIZES, State, TIMES};
use crate::stats::EXPIRES;

/// What refusals are counted by: the status, and the setting or other reason.
const REFUSALS: [(&str, &str); 14] = [
    ("400", "malformed"),
    ("431", "max_header_size"),
    ("431", "max_headers"),
    ("414", "max_uri_size"),
    ("413", "max_body_size"),
    ("none", "proxy_header"),
    ("503", "queue_depth"),
    ("503", "queue_timeout"),
    ("503", "spool_dir"),
    ("503", "open_files"),
    ("408", "header_timeout"),
    ("408", "body_timeout"),
    ("504", "request_timeout"),
    ("none", "gone"),
];
/// What connections of HTTP/2 are ended for: the counter, and the setting.
const FLOODS: [(&str, &str); 5] = [
    ("http2_max_resets", "http2_max_resets"),
    ("http2_max_continuations", "http2_max_continuations"),
    ("http2_max_control_frames", "http2_max_control_frames"),
    ("http2_max_empty_frames", "http2_max_empty_frames"),
    ("http2_header_blocks", "max_header_size"),
];
/// What TLS handshakes fail by: the counter, and the cause.
const HANDSHAKES: [(&str, &str); 10] = [
    ("handshake_timeout", "timeout"),
    ("tls_plain", "plain"),
    ("tls_left", "left"),
    ("tls_version", "version"),
    ("tls_protocol", "protocol"),
    ("tls_signature", "signature"),
    ("tls_incompatible", "incompatible"),
    ("tls_client_certificate", "client_certificate"),
    ("tls_alert", "alert"),
    ("tls_malformed", "malformed"),
];
/// Counters with a metric of their own.
const COUNTERS: [(&str, &str, &str); 26] = [
    ("accepted", "connections_accepted_total", "Connections accepted"),
    ("requests", "requests_taken_total", "Requests that workers have taken"),
    ("answered", "answers_total", "Answers sent whole"),
    ("aborted", "answers_aborted_total", "Connections given up in the middle of an answer"),
    ("health", "health_checks_total", "Answers at health_path"),
    ("hijacked", "connections_hijacked_total", "Connections, and streams of HTTP/2, that the app has taken for itself"),
    ("evicted", "connections_evicted_total", "Idle connections closed to let newcomers in"),
    ("keepalive_timeout", "keepalive_timeouts_total", "Connections closed between requests"),
    ("write_timeout", "write_timeouts_total", "Answers given up since their client took nothing"),
    ("http2_connections", "http2_connections_total", "Connections that spoke HTTP/2"),
    ("http2_errors", "http2_errors_total", "Connections and streams of HTTP/2 that broke the protocol"),
    ("http2_floods", "http2_floods_total", "Connections of HTTP/2 that were ended for floods"),
    ("http2_refused", "http2_streams_refused_total", "Streams past http2_max_streams"),
    ("late", "late_answers_total", "Answers that came after their 504, and were dropped"),
    ("died", "workers_died_total", "Workers that were ended in the middle of the app or could not boot"),
    ("stuck", "workers_quarantined_total", "Workers quarantined since a request took them too long"),
    ("panics", "faults_total", "Faults of Kino's own that were caught"),
    ("log_dropped", "log_lines_lost_total", "Lines of the log that could not be written"),
    ("access_log_dropped", "access_log_lines_lost_total", "Lines of the access log that could not be written"),
    ("max_connections", "connections_held_back_total", "Times that max_connections had new connections wait"),
    ("max_keepalive_requests", "connections_used_up_total", "Connections closed after max_keepalive_requests"),
    ("covered", "fallback_polls_total", "Times that the fallback poller took the lead, while all workers were busy"),
    ("gc_when_idle", "idle_collections_total", "Garbage collections made while nothing was in flight"),
    ("tls_handshakes", "tls_handshakes_total", "TLS handshakes that were done"),
    ("tls_resumed", "tls_handshakes_resumed_total", "TLS handshakes that went on with an earlier session"),
    ("tls_reload_failures", "tls_reload_failures_total", "Times that changed certificates could not be read"),
];
/// What Ruby tells: its name, the metric's, whether it only grows, and what it is.
const RUBY: [(&str, &str, bool, &str); 10] = [
    ("gc_count", "gc_runs_total", true, "Garbage collections"),
    ("gc_major_count", "gc_major_runs_total", true, "Major garbage collections"),
    ("heap_live_slots", "heap_live_slots", false, "Slots of the heap in use"),
    ("heap_free_slots", "heap_free_slots", false, "Slots of the heap that are free"),
    ("heap_allocated_pages", "heap_pages", false, "Pages of the heap"),
    ("total_allocated_objects", "allocated_objects_total", true, "Objects allocated"),
    ("threads", "threads", false, "Threads of Ruby's"),
    ("yjit_enabled", "yjit_enabled", false, "Whether YJIT is on"),
    ("yjit_code_bytes", "yjit_code_bytes", false, "Bytes of code that YJIT has made"),
    ("yjit_compiled_iseqs", "yjit_compiled_iseqs", false, "Methods and blocks that YJIT has compiled"),
];

/// The page.
pub(super) fn page(board: &Snapshot, uptime: u64) -> Answer {
    let mut text = Text(String::with_capacity(16 * 1024));
    about(&mut text, board, uptime);
    requests(&mut text, board);
    counters(&mut text, board);
    processes(&mut text, board);
    ruby(&mut text, board);
    Answer { kind: "text/plain; version=0.0.4; charset=utf-8", ..Answer::text(200, text.0) }
}

/// The page's text.
struct Text(String);

impl Text {
    /// The lines before a metric's values.
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP kino_{name} {help}.\n# TYPE kino_{name} {kind}\n");
    }

    fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "kino_{name} {value}")
        } else {
            writeln!(self.0, "kino_{name}{{{labels}}} {value}")
        };
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.begin(name, "counter", help);
        self.value(name, "", value);
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.begin(name, "gauge", help);
        self.value(name, "", value);
    }

    /// Of each process that has such a value.
    fn each<T: Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        board: &Snapshot,
        of: impl Fn(&Reading) -> Option<T>,
    ) {
        self.begin(name, kind, help);
        for one in &board.processes {
            if let Some(value) = of(one) {
                self.value(name, &process(one), value);
            }
        }
    }

    /// Values divided by `unit`.
    fn histogram(&mut self, name: &str, help: &str, of: &Distribution, bounds: &[u64], unit: f64) {
        self.begin(name, "histogram", help);
        let mut count = 0;
        for (bound, number) in bounds.iter().zip(of.buckets) {
            count += number;
            self.value(&format!("{name}_bucket"), &format!("le=\"{}\"", *bound as f64 / unit), count);
        }
        self.value(&format!("{name}_bucket"), "le=\"+Inf\"", of.count());
        self.value(&format!("{name}_sum"), "", of.sum as f64 / unit);
        self.value(&format!("{name}_count"), "", of.count());
    }
}

/// One that is about to leave may have the number of who takes its place.
fn process(one: &Reading) -> String {
    format!("process=\"{}\",pid=\"{}\"", one.number, one.pid)
}

fn about(text: &mut Text, board: &Snapshot, uptime: u64) {
    text.begin("info", "gauge", "What runs");
    let about = board.processes.first().map(|one| one.about.clone()).unwrap_or_default();
    let label = |text: &str| text.replace(['\\', '"', '\n'], "?");
    let (mode, ruby) = (label(&about.mode), label(&about.ruby));
    text.value("info", &format!("version=\"{}\",mode=\"{mode}\",ruby=\"{ruby}\"", env!("CARGO_PKG_VERSION")), 1);
    text.gauge("uptime_seconds", "Since the control socket is served", uptime as f64 / 1000.0);
    text.gauge("ready", "Whether requests are taken", u8::from(super::health::ready(board).status == 200));
}

fn requests(text: &mut Text, board: &Snapshot) {
    let tally = board.tally();
    text.begin("requests_total", "counter", "Requests that are over, by the class of their status");
    for (class, number) in CLASSES.iter().zip(tally.classes) {
        text.value("requests_total", &format!("status=\"{class}\""), number);
    }
    const SECOND: f64 = 1_000_000.0;
    text.histogram("request_queue_seconds", "Waiting for a worker", &tally.queue, &TIMES, SECOND);
    text.histogram("request_app_seconds", "In the app, until its answer began", &tally.app, &TIMES, SECOND);
    text.histogram("request_duration_seconds", "From complete until over", &tally.total, &TIMES, SECOND);
    text.histogram("response_size_bytes", "Bytes of answers after their heads", &tally.size, &SIZES, 1.0);
    text.begin("refused_total", "counter", "Requests that the server itself has refused, by the cause");
    for (status, cause) in REFUSALS {
        text.value("refused_total", &format!("status=\"{status}\",cause=\"{cause}\""), board.sum(cause));
    }
}

fn counters(text: &mut Text, board: &Snapshot) {
    for (counter, name, help) in COUNTERS {
        text.counter(name, help, board.sum(counter));
    }
    text.begin("http2_floods_by_cause_total", "counter", "The same connections, by the setting that was in their way");
    for (counter, cause) in FLOODS {
        text.value("http2_floods_by_cause_total", &format!("cause=\"{cause}\""), board.sum(counter));
    }
    text.begin("tls_handshake_failures_total", "counter", "TLS handshakes that have failed, by the cause");
    for (counter, cause) in HANDSHAKES {
        text.value("tls_handshake_failures_total", &format!("cause=\"{cause}\""), board.sum(counter));
    }
    let expires = board.sum(EXPIRES);
    if expires > 0 {
        let help = "When the first of the certificates that are served ends, in seconds since 1970";
        text.gauge("tls_certificate_expires_seconds", help, expires);
    }
    text.counter("processes_ended_total", "Processes that are gone, whatever has ended them", board.past.processes);
    text.gauge("kept_bytes", "Bytes of answers kept for slow clients", board.sum("kept_bytes"));
    let help = "Streams of HTTP/2 that apps have taken, such as WebSockets";
    text.gauge("http2_tunnels", help, board.sum("tunnels"));
    text.gauge("spooled_bytes", "Bytes of bodies and answers in files", board.sum("spooled_bytes"));
}

fn processes(text: &mut Text, board: &Snapshot) {
    text.begin("processes", "gauge", "Processes by how far they have come");
    for state in [State::Starting, State::Ready, State::Draining] {
        let number = board.processes.iter().filter(|one| one.state == state).count();
        text.value("processes", &format!("state=\"{}\"", format!("{state:?}").to_lowercase()), number);
    }
    text.begin("connections", "gauge", "Open connections by what they are at");
    for one in &board.processes {
        // Each number is read for itself, so they may not fit by a few.
        let (busy, waiting) = (one.running.min(one.connections), one.waiting.min(one.connections));
        let idle = one.connections.saturating_sub(busy + waiting);
        for (state, number) in [("running", busy), ("queued", waiting), ("other", idle)] {
            text.value("connections", &format!("{},state=\"{state}\"", process(one)), number);
        }
    }
    text.each(("queue_length", "gauge", "Requests that wait for a worker"), board, |one| Some(one.waiting));
    text.begin("workers", "gauge", "Threads that serve, by what they are at");
    for one in &board.processes {
        let busy = one.vitals.busy.saturating_sub(one.vitals.quarantined);
        let idle = one.vitals.workers.saturating_sub(busy);
        for (state, number) in [("busy", busy), ("idle", idle), ("stuck", one.vitals.quarantined)] {
            text.value("workers", &format!("{},state=\"{state}\"", process(one)), number);
        }
    }
    let age = |one: &Reading| Some(board.now.saturating_sub(one.beat) as f64 / 1000.0);
    text.each(("heartbeat_age_seconds", "gauge", "Since a process has last told how it is"), board, age);
    let uptime = |one: &Reading| Some(board.now.saturating_sub(one.started) as f64 / 1000.0);
    text.each(("process_uptime_seconds", "gauge", "Since a process was started"), board, uptime);
    text.each(("open_descriptors", "gauge", "Descriptors a process has open"), board, |one| {
        system::descriptors(one.pid)
    });
    let memory: Vec<_> = board.processes.iter().map(|one| (one, system::memory(one.pid))).collect();
    for (name, help, of) in [
        ("memory_pss_bytes", "Memory of a process, its share of what others have too", 0),
        ("memory_rss_bytes", "Memory of a process, with all that others have too", 1),
    ] {
        text.begin(name, "gauge", help);
        for (one, memory) in &memory {
            if let Some(bytes) = if of == 0 { memory.pss } else { memory.rss } {
                text.value(name, &process(one), bytes);
            }
        }
    }
}

/// As Ruby has told it last.
fn ruby(text: &mut Text, board: &Snapshot) {
    let told = |one: &Reading, name: &str| {
        let (numbers, _) = one.ruby.as_ref()?;
        numbers.iter().find(|(other, _)| *other == name).map(|(_, number)| *number)
    };
    let seconds = |one: &Reading| told(one, "gc_time_ms").map(|time| time as f64 / 1000.0);
    text.each(("ruby_gc_seconds_total", "counter", "Time in garbage collections"), board, seconds);
    for (name, metric, grows, help) in RUBY {
        let kind = if grows { "counter" } else { "gauge" };
        text.each((&format!("ruby_{metric}"), kind, help), board, |one| told(one, name));
    }
    let age = |one: &Reading| one.ruby.as_ref().map(|(_, at)| board.now.saturating_sub(*at) as f64 / 1000.0);
    text.each(("ruby_sample_age_seconds", "gauge", "Since Ruby has last told its numbers"), board, age);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoreboard::counted;

    /// Sums of others, and what says how things are now, which has its own lines.
    const OTHERS: [&str; 10] = [
        "connections",
        "running",
        "threads",
        "refused",
        "overloaded",
        "timed_out",
        "kept_bytes",
        "spooled_bytes",
        "tunnels",
        EXPIRES,
    ];

    #[test]
    fn nothing_that_is_counted_is_left_out() {
        let told = COUNTERS.iter().map(|(counter, ..)| *counter);
        let told = told.chain(REFUSALS.iter().map(|(_, cause)| *cause));
        let told = told.chain(HANDSHAKES.iter().chain(&FLOODS).map(|(one, _)| *one));
        let told: Vec<_> = told.chain(OTHERS).collect();
        let left_out: Vec<_> = counted().filter(|name| !told.contains(name)).collect();
        assert_eq!(left_out, Vec::<&str>::new());
        assert!(told.iter().all(|name| counted().any(|other| other == *name)), "{told:?}");
    }
}
