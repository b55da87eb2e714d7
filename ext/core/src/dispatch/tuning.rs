//! The numbers that dispatch goes by, and what was measured with them. Times are the server's CPU a request unless it says
//! otherwise, on two cores. `QUIET`, `MEMORY`, `PAUSE` and `STEADY` were chosen, and not measured against others.

use std::time::Duration;

/// Milliseconds after which a client that waits may have left: worth a look before its request is served. One whose
/// request was taken at once is served even if it has closed its sending half, as clients may that will ask nothing more.
pub(super) const GONE_AFTER: u64 = 100;

// The fallback poller.

/// How long nobody has to lead before the fallback poller does; and between two of its looks at who holds a run token.
pub(super) const PATIENCE: Duration = Duration::from_millis(5);
/// Then workers that have requests waiting are given so long to look for themselves, between two requests. Rails with 32 clients:
/// 0.1 context switches a request, and one a request where the fallback poller was woken by each that came.
pub(super) const ASIDE: Duration = Duration::from_millis(3);
/// It leaves the lead to them again when they answer so many in [`PATIENCE`].
pub(super) const BRISK: u64 = 2;
/// After so many times [`PATIENCE`] without a worker stepping down it sleeps until one does: an idle server costs nothing.
pub(super) const QUIET: u32 = 20;

// Whom a batch of requests wakes (`idle`).

/// A request that took longer is a reason to wake others for the next ones: waking one costs about as much as serving a
/// plain request does. With two ractors, one woken for each plain request took 11.0 us where one GVL alone took 8.3.
pub(super) const QUICK: Duration = Duration::from_micros(50);
/// For so many requests after a slow one.
pub(super) const MEMORY: u32 = 64;
/// So many requests are a batch worth sharing even when each is quick: 7.9 us with two ractors. At 8 it took 5 % more.
pub(super) const BATCH: usize = 24;

// Whether a leader lets others run before it falls asleep (`yielding`).

/// When others had the processor for longer, somebody computes: who sleeps is woken sooner by a request than who waits for its turn.
pub(super) const LONGEST_ABSENCE: Duration = Duration::from_micros(500);
/// It is of use when so many requests are there then: one alone would have been there as soon after a sleep. With one enough, four
/// clients' took 11.3 us in place of 9.5.
pub(super) const BROUGHT: usize = 2;
/// So many times it isn't tried at most, where it is of no use. Plaintext, two processes and wrk on two processors: 7.0 us, 156,000 requests
/// a second; 7.5 us and 135,000 where all fall asleep at once.
pub(super) const MOST_PASSED: u32 = 1024;

// When the run token is passed on (`run_token`, `gvl_releases`).

/// Giving up the GVL for less is no reason to wake another worker: reading a file's status takes a few microseconds, and
/// Rails does nine of these a request. Passing the token on at each took 20 context switches and a third of the throughput.
pub(super) const SHORT: Duration = Duration::from_micros(200);
/// A request that computes for longer has to share the GVL with others, by Ruby's time slices of 100 ms, where most take less.
pub(super) const SLICE: Duration = Duration::from_millis(50);
/// When one was seen to take so long, it is measured how long the next ones compute: an app whose requests are all quick is spared that.
pub(super) const NOTICED: Duration = Duration::from_millis(2);
/// Where most requests compute for long, one may do so alone for so long at most (`service_time`). Two processes on two processors that
/// were busy, 10 clients of Redmine's list of issues (40 ms): at 50 ms for all of them 41 to 49 a second, 17 to 22 % of the time for
/// Ruby's collections, a p99 of 700 ms; now 45 to 51, 4 to 5 %, 300 to 380 ms.
pub(super) const LONGEST_SLICE: Duration = Duration::from_millis(200);
/// What passing the token on costs, in microseconds: two switches, and two workers that want the GVL at the same time.
/// Keeping it costs the others what the release takes, so that is worth it while releases take less on average.
pub(super) const WORTH: u64 = 100;
/// Microseconds of a longer release that count as lost: a busy machine stops a thread for milliseconds anywhere.
pub(super) const MOST: u64 = 2000;
/// When so many microseconds more have been lost than was saved, releases are long. With one long release enough, an app that opens a file in
/// each request had its token passed on nearly always, at half the throughput; with twice as many, one that waits 1 ms for its
/// database five times a request answered 2 % fewer.
pub(super) const LOSS: u64 = 4000;
/// Averages are those of about so many.
pub(super) const WEIGHT: u64 = 32;
/// When they have turned out long, so many are expected to be long, too, before it is tried again.
pub(super) const PAUSE: u32 = 64;
/// The most, reached by doubling whenever they turn out long again soon. Without it every second start of Rails stayed at
/// 650 us a request instead of 350.
pub(super) const LONGEST_PAUSE: u32 = 4096;
/// After so many in a row with which the token was kept, it was right to try.
pub(super) const STEADY: u32 = 128;
