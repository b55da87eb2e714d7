//! `/stats`: all numbers, by process and in sum, as JSON. `doc/operations.md` has its keys, which stay.

use super::board::Snapshot;
use super::health;
use super::json::Value;
use super::message::Answer;
use super::system;
use crate::scoreboard::{Distribution, Reading, State, TIMES};

/// The page.
pub(super) fn page(board: &Snapshot, uptime: u64) -> Answer {
    let processes: Vec<_> = board.processes.iter().map(|one| of_process(board, one)).collect();
    let server = Value::object([
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("pid", std::process::id().into()),
        ("uptime", Value::seconds(uptime)),
        ("ready", Value::Bool(health::ready(board).status == 200)),
        ("processes", (processes.len() as u64).into()),
        ("processes_ended", board.past.processes.into()),
    ]);
    let fields =
        [("server", server), ("sum", sum(board)), ("times", times(board)), ("processes", Value::List(processes))];
    Answer::json(200, &Value::object(fields))
}

/// Of all processes together. Counters are those of processes that are gone, too, so they never go back.
fn sum(board: &Snapshot) -> Value {
    let add = |of: &dyn Fn(&Reading) -> u64| board.processes.iter().map(of).sum::<u64>();
    let memory: Vec<_> = board.processes.iter().map(|one| system::memory(one.pid)).collect();
    let all = |of: &dyn Fn(&system::Memory) -> Option<u64>| memory.iter().map(of).sum::<Option<u64>>();
    let descriptors = board.processes.iter().map(|one| system::descriptors(one.pid)).sum::<Option<u64>>();
    Value::object([
        ("queue", add(&|one| u64::from(one.waiting)).into()),
        (
            "workers",
            workers([
                add(&|one| u64::from(one.vitals.workers)),
                add(&|one| u64::from(one.vitals.busy)),
                add(&|one| u64::from(one.vitals.quarantined)),
            ]),
        ),
        ("memory", Value::object([("pss", Value::known(all(&|it| it.pss))), ("rss", Value::known(all(&|it| it.rss)))])),
        ("descriptors", Value::known(descriptors)),
        ("counters", counters(board.names().map(|name| (name, board.sum(name))))),
    ])
}

/// How many requests took how long: up to each bound, and longer than all.
fn times(board: &Snapshot) -> Value {
    let tally = board.tally();
    let counts =
        |of: &Distribution| Value::List(of.buckets[..=TIMES.len()].iter().map(|&count| count.into()).collect());
    let bounds = TIMES.iter().map(|&bound| Value::Exact(bound as f64 / 1_000_000.0)).collect();
    Value::object([
        ("bounds", Value::List(bounds)),
        ("queue", counts(&tally.queue)),
        ("app", counts(&tally.app)),
        ("total", counts(&tally.total)),
    ])
}

fn of_process(board: &Snapshot, one: &Reading) -> Value {
    let memory = system::memory(one.pid);
    let vitals = one.vitals;
    Value::object([
        ("process", one.number.into()),
        ("pid", one.pid.into()),
        ("state", state(one).into()),
        ("ready", Value::Bool(one.vitals.is_ready)),
        ("uptime", Value::seconds(board.now.saturating_sub(one.started))),
        ("beat", Value::seconds(board.now.saturating_sub(one.beat))),
        ("mode", one.about.mode.as_str().into()),
        ("ruby", one.about.ruby.as_str().into()),
        ("connections", one.connections.into()),
        ("queue", one.waiting.into()),
        ("workers", workers([vitals.workers.into(), vitals.busy.into(), vitals.quarantined.into()])),
        ("memory", Value::object([("pss", Value::known(memory.pss)), ("rss", Value::known(memory.rss))])),
        ("descriptors", Value::known(system::descriptors(one.pid))),
        ("gc", gc(board, one)),
        ("counters", counters(one.counts.iter().copied())),
    ])
}

/// How far a process has come.
pub(super) fn state(one: &Reading) -> &'static str {
    match one.state {
        State::Free => "free",
        State::Starting => "starting",
        State::Ready => "ready",
        State::Draining => "draining",
    }
}

/// Those that were quarantined are neither busy nor idle: nobody counts on them.
fn workers([all, busy, quarantined]: [u64; 3]) -> Value {
    let busy = busy.saturating_sub(quarantined);
    let idle = all.saturating_sub(busy);
    Value::object([("all", all.into()), ("busy", busy.into()), ("idle", idle.into()), ("stuck", quarantined.into())])
}

/// What Ruby has told last, and how long ago: while it is stuck it tells nothing.
fn gc(board: &Snapshot, one: &Reading) -> Value {
    let Some((numbers, at)) = &one.ruby else { return Value::Null };
    let age = ("age".to_owned(), Value::seconds(board.now.saturating_sub(*at)));
    let numbers =
        numbers.iter().map(|(name, number)| (name.strip_prefix("gc_").unwrap_or(name).to_owned(), (*number).into()));
    Value::Object([age].into_iter().chain(numbers).collect())
}

fn counters(all: impl Iterator<Item = (&'static str, u64)>) -> Value {
    Value::Object(all.map(|(name, count)| (name.to_owned(), count.into())).collect())
}
