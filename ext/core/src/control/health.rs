//! `/live` and `/ready`: for whoever restarts what is dead, and for load balancers.

use super::board::Snapshot;
use super::message::Answer;
use crate::scoreboard::State;

/// That somebody is there who can answer.
pub(super) fn live() -> Answer {
    Answer::text(200, "live\n")
}

/// Whether requests are taken, by one process at least.
pub(super) fn ready(board: &Snapshot) -> Answer {
    let serving: Vec<_> = board.processes.iter().filter(|one| one.state == State::Ready).collect();
    if serving.iter().any(|one| one.vitals.is_ready && board.is_alive(one)) {
        return Answer::text(200, "ready\n");
    }
    let unserved = serving.iter().map(|one| one.vitals.unserved).max().unwrap_or(0);
    let reason = if serving.iter().any(|one| !board.is_alive(one)) {
        "no sign of life".to_owned()
    } else if unserved > 0 {
        format!("requests wait, and none was taken for {:.1} s", unserved as f64 / 1000.0)
    } else if serving.is_empty() && board.processes.iter().any(|one| one.state == State::Draining) {
        "stopping".to_owned()
    } else {
        "booting".to_owned()
    };
    Answer::text(503, format!("not ready: {reason}\n"))
}
