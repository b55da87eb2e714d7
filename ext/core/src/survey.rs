//! All that is in flight, put together from those who know of it.

use std::time::Duration;

use crate::dispatch::lead::Dispatch;
use crate::dispatch::serving::AtWork;
use crate::net::survey::{InFlight, Stage};

/// How long whoever polls is waited for. It may be at a turn, and never takes longer.
const PATIENCE: Duration = Duration::from_millis(200);
/// Requests of one kind at most: what is told has bounds.
const MOST: usize = 200;

/// What is in flight, the oldest first. Waits for no worker, and for whoever polls only a moment.
pub(crate) fn take(dispatch: &Dispatch) -> Vec<InFlight> {
    let context = dispatch.context();
    let running = dispatch.at_work().into_iter().map(of_worker);
    let detached = context.detached.all().into_iter().map(|(request, age)| {
        let (stage, worker, peer) = (Stage::Streaming, 0, None);
        InFlight { stage, age, worker, peer, request }
    });
    let now = context.clock.now();
    let queued = dispatch.queued(MOST, |request, since| {
        let (request, peer) = request.tell();
        let age = Duration::from_millis(now.saturating_sub(since));
        InFlight { stage: Stage::Queued, age, worker: 0, peer: Some(peer), request }
    });
    let of_connections = context.surveys.wait(PATIENCE, || context.wake());
    let mut all: Vec<_> = running.chain(detached).chain(queued).chain(of_connections).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.age));
    all
}

fn of_worker(at: AtWork) -> InFlight {
    let stage = match (at.is_streaming, at.waits_for_client) {
        (true, _) => Stage::Streaming,
        // Of its body.
        (false, true) => Stage::Reading,
        (false, false) => Stage::Running,
    };
    InFlight { stage, age: at.age, worker: at.worker, peer: at.peer, request: at.request }
}
