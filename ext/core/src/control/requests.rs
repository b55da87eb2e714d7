//! `/requests`: what is in flight, the oldest first; with `?backtrace=1` where the threads of each process are.

use std::fmt::Write;

use super::board::Board;
use super::json::Value;
use super::message::{Answer, Request};
use crate::scoreboard::{Question, Reading};

/// What is said of a Ruby that doesn't answer.
const SILENT: &str = "not available: Ruby did not answer within 1 s";

/// A request, as its process has told it.
struct Line<'t> {
    process: &'t Reading,
    stage: &'t str,
    age: u64,
    worker: &'t str,
    peer: &'t str,
    request: &'t str,
}

/// The page.
pub(super) fn page(board: &Board, request: &Request) -> Answer {
    let told = board.survey();
    let backtraces = match request.parameter("backtrace") {
        Some("1" | "true") => Some(board.ask(Question::Backtraces)),
        _ => None,
    };
    let mut lines: Vec<_> = told.iter().flat_map(|(process, text)| lines(process, text.as_deref())).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.age));
    let silent: Vec<_> = told.iter().filter(|(_, text)| text.is_none()).map(|(process, _)| process).collect();
    match request.parameter("format") {
        None | Some("json") => as_json(&lines, &silent, backtraces),
        Some("text") => as_text(&lines, &silent, backtraces),
        Some(other) => {
            Answer::text(400, format!("format: given {other:?}, allowed: json or text; write ?format=text\n"))
        }
    }
}

/// The last line may have found no room.
fn lines<'t>(process: &'t Reading, text: Option<&'t str>) -> impl Iterator<Item = Line<'t>> {
    text.unwrap_or_default().split_inclusive('\n').filter_map(move |line| {
        let mut parts = line.strip_suffix('\n')?.splitn(5, '\t');
        let mut next = || parts.next();
        let (stage, age, worker, peer, request) = (next()?, next()?.parse().ok()?, next()?, next()?, next()?);
        Some(Line { process, stage, age, worker, peer, request })
    })
}

type Backtraces = Option<Vec<(Reading, Option<String>)>>;

fn as_json(lines: &[Line<'_>], silent: &[&Reading], backtraces: Backtraces) -> Answer {
    let known = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let requests = lines.iter().map(|line| {
        let (method, path) = line.request.split_once(' ').unwrap_or_default();
        Value::object([
            ("method", known(method)),
            ("path", known(path)),
            ("age", Value::seconds(line.age)),
            ("phase", line.stage.into()),
            ("worker", line.worker.parse().ok().filter(|number| *number > 0).map_or(Value::Null, Value::Number)),
            ("process", line.process.number.into()),
            ("pid", line.process.pid.into()),
            ("peer", known(line.peer)),
        ])
    });
    let silent =
        silent.iter().map(|process| Value::object([("process", process.number.into()), ("pid", process.pid.into())]));
    let mut fields = vec![
        ("requests".to_owned(), Value::List(requests.collect())),
        ("silent".to_owned(), Value::List(silent.collect())),
    ];
    if let Some(backtraces) = backtraces {
        let told = backtraces.iter().map(|(process, text)| {
            Value::object([
                ("process", process.number.into()),
                ("pid", process.pid.into()),
                ("backtraces", text.as_deref().unwrap_or(SILENT).into()),
                ("available", Value::Bool(text.is_some())),
            ])
        });
        fields.push(("threads".to_owned(), Value::List(told.collect())));
    }
    Answer::json(200, &Value::Object(fields))
}

fn as_text(lines: &[Line<'_>], silent: &[&Reading], backtraces: Backtraces) -> Answer {
    let mut text =
        format!("{:>9}  {:<9}  {:>7}  {:>6}  {:<15}  REQUEST\n", "AGE", "PHASE", "PROCESS", "WORKER", "PEER");
    for line in lines {
        let Line { process, stage, age, worker, peer, request } = line;
        let (age, request) = (*age as f64 / 1000.0, if request.is_empty() { "-" } else { request });
        let worker = if *worker == "0" { "-" } else { worker };
        let _ = writeln!(text, "{age:>8.1}s  {stage:<9}  {:>7}  {worker:>6}  {peer:<15}  {request}", process.number);
    }
    for process in silent {
        let _ = writeln!(text, "process {} (pid {}) has not told what it serves", process.number, process.pid);
    }
    for (process, told) in backtraces.into_iter().flatten() {
        let told = told.unwrap_or_else(|| SILENT.to_owned());
        let _ = write!(text, "\nprocess {} (pid {}):\n{}\n", process.number, process.pid, told.trim_end());
    }
    Answer::text(200, text)
}
