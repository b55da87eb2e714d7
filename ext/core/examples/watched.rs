//! What it costs to be watched: nanoseconds of CPU for a line of the access log, and for counting one request, on the thread that has
//! ended it. `cargo run --release --example watched [requests] [part of a name]`; under `valgrind --tool=callgrind` it counts instructions.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use kino_core::access_log::{AccessLog, Filter, Format, Target};
use kino_core::http::head::{Head, Seen, Version};
use kino_core::net::account::{Account, End, Observer, Times};
use kino_core::net::peer::PeerAddr;
use kino_core::net::trusted::Trusted;
use kino_core::scoreboard::Slot;
use kino_core::tally::Counting;
use rustix::time::{ClockId, clock_gettime};

type Fields = [(&'static [u8], &'static [u8])];

/// What wrk sends, and what a browser does.
const PLAIN: &Fields = &[(b"host", b"127.0.0.1:9292")];
const BROWSER: &Fields = &[
    (b"host", b"app.example"),
    (b"accept", b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    (b"accept-language", b"de,en-US;q=0.7,en;q=0.3"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    (b"referer", b"https://app.example/orders"),
    (b"cookie", b"session=0123456789abcdef0123456789abcdef0123456789abcdef"),
    (b"x-forwarded-for", b"198.51.100.7"),
    (b"x-forwarded-proto", b"https"),
    (b"x-request-id", b"01982f3e-7a00-7a6c-9c1b-3a4e5f607182"),
];

/// What this thread alone has had of the processor.
fn busy() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// As many as come while the log gathers; then it is given the time to write them, as it has it on a server.
const BATCH: u64 = 500;

fn measure(what: &str, times: u64, mut work: impl FnMut(u64), mut between: impl FnMut()) {
    if std::env::args().nth(2).is_some_and(|wanted| !what.contains(&wanted)) {
        return;
    }
    let mut had = Duration::ZERO;
    for batch in 0..times.div_ceil(BATCH) {
        let start = busy();
        (batch * BATCH..(batch + 1) * BATCH).for_each(&mut work);
        had += busy() - start;
        between();
    }
    println!("{what:<28} {:>7.1} ns", had.as_nanos() as f64 / (times.div_ceil(BATCH) * BATCH) as f64);
}

/// What is told of a request that was over then.
fn account(head: &Head, over: u64) -> Account<'_> {
    Account {
        request: Seen::Head(head),
        request_id: None,
        peer: PeerAddr::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST), 1),
        status: 200,
        fault: None,
        end: End::Whole,
        sent: 13,
        times: Times { queue: Some(over % 90), app: Some(12), total: Some(120) },
        worker: Some(3),
        over,
    }
}

fn main() {
    let times = std::env::args().nth(1).map_or(200_000, |number| number.parse().expect("a number of requests"));
    let trusted = Trusted::of(["127.0.0.0/8", "::1"]).expect("both are networks");
    let open = |format: &str| {
        let target = Target::File("/dev/null".into());
        let format = Format::of(format).expect("it is known");
        let log = AccessLog::open(target, format, Filter::Nothing, trusted.clone()).expect("it can be opened");
        log.start().expect("a thread");
        log
    };
    for (name, fields) in [("wrk", PLAIN), ("browser", BROWSER)] {
        let head = Head::assemble(Version::Http11, b"GET", b"/plaintext", fields.iter().copied());
        for format in ["json", "combined"] {
            let log = open(format);
            let write = || assert!(log.flush(Duration::from_secs(20)), "it is written");
            measure(&format!("a line, {format}, {name}"), times, |at| log.observe(&account(&head, at * 10)), write);
        }
    }
    let head = Head::assemble(Version::Http11, b"GET", b"/plaintext", PLAIN.iter().copied());
    let counting = Counting(Box::leak(Box::<Slot>::default()));
    measure("counting", times, |at| counting.observe(&account(&head, at)), || ());
}
