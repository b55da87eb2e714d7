//! Dispatch, ownership, waiting for clients and deadlines under a checker that runs their threads in thousands of orders. The
//! files are the crate's own; `sync` and most of `net` are stand-ins of the same names. A wake-up that is lost leaves all
//! threads waiting, which the checker reports with the order that led there.
//!
//! Compiled without the test harness, which leaves the files' own tests out: those have real threads.
//!
//! ```text
//! cargo test -p kino-core --test model [NAME]
//! MODEL_ORDERS=100000 cargo test -p kino-core --test model [NAME]
//! ```

#![allow(dead_code, missing_docs, unreachable_pub, unused_imports)]

#[path = "../../src/bell.rs"]
mod bell;
#[path = "../../src/dispatch/mod.rs"]
mod dispatch;
mod net;
mod scenes;
mod sync;

pub(crate) use kino_core::{error, text};

/// Orders that are tried of each scene, twice: at random, and with few changes of thread at any moments. Faults that
/// were put in on purpose (a look that is left out, a ring, two steps the wrong way round) were found with that.
const ORDERS: usize = 300;

fn main() {
    let orders = std::env::var("MODEL_ORDERS").map_or(ORDERS, |number| number.parse().expect("a number of orders"));
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, times, scene) in scenes::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let start = std::time::Instant::now();
        let run = move || {
            sync::Instant::reset();
            scene();
        };
        shuttle::check_random(run, orders * times);
        shuttle::check_pct(run, orders * times, 3);
        println!("test {name} ... ok ({} ms)", start.elapsed().as_millis());
    }
}
