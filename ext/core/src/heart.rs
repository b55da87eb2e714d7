//! The heart of one process of several: a thread that says on the scoreboard that the process is alive, and what it is at, and that
//! ends the process when its parent has. It needs nobody: neither Ruby, nor a worker, nor who polls.

use std::fmt::Write;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::dispatch::lead::Dispatch;
use crate::dispatch::serving::AtWork;
use crate::net::context::Phase;
use crate::scoreboard::Vitals;
use crate::{fatal, log, scoreboard, survey};

/// Between two beats.
const PAUSE: Duration = Duration::from_millis(250);
/// The exit status of a process that its parent has left alone, and that had not come to its end in time.
const STATUS: i32 = 1;

/// Starts the thread, if the engine is one of several. It ends when the engine is stopped.
///
/// # Errors
/// When the system gives no thread, or no pair of sockets.
pub(crate) fn start(dispatch: &Arc<Dispatch>) -> io::Result<Option<JoinHandle<()>>> {
    let Some(place) = &dispatch.context().place else { return Ok(None) };
    let (ours, end) = UnixStream::pair()?;
    place.end_heart_with(end);
    let dispatch = dispatch.clone();
    beat(&dispatch);
    let run = move || run(&dispatch, &ours);
    thread::Builder::new().name("kino heart".to_owned()).spawn(run).map(Some)
}

/// What has ended a pause.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    TheEnd,
    ParentGone,
}

fn run(dispatch: &Dispatch, end: &UnixStream) {
    let parent = dispatch.context().config.parent.clone();
    loop {
        beat(dispatch);
        match pause(PAUSE, end.as_fd(), parent.as_ref().map(AsFd::as_fd)) {
            Heard::Nothing => {}
            Heard::TheEnd => return,
            Heard::ParentGone => outlive_nobody(dispatch),
        }
    }
}

/// The parent is gone. Requests that have begun may come to their end, and the process with them.
fn outlive_nobody(dispatch: &Dispatch) -> ! {
    let context = dispatch.context();
    let patience = context.config.shutdown_timeout;
    tracing::warn!("the parent process is gone; this one drains, and ends in {} s at most", patience.as_secs());
    context.enter(Phase::Draining);
    let end = Instant::now() + patience;
    while Instant::now() < end {
        beat(dispatch);
        thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
    }
    let in_flight = in_flight(dispatch, dispatch.at_work());
    let what =
        if in_flight.is_empty() { "no request is served any more, so a hook, or at_exit, stays" } else { &in_flight };
    tracing::error!("the parent process is gone, and this one has not come to its end: {what}");
    log::flush(fatal::LAST_WORDS);
    fatal::leave(STATUS)
}

/// Nothing is asked for of the two descriptors but that their other ends are closed, which is told anyway.
fn pause(pause: Duration, end: BorrowedFd<'_>, parent: Option<BorrowedFd<'_>>) -> Heard {
    let asked = [Some(end), parent];
    let mut asked: Vec<_> =
        asked.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::empty())).collect();
    let timeout = Timespec::try_from(pause).expect("it is a moment");
    // A signal is as good as a pause that is over.
    let _ = poll(&mut asked, Some(&timeout));
    let mut closed = asked.iter().map(|asked| !asked.revents().is_empty());
    // Both at once, it may be since the parent is gone: then nobody else sees to the process's end.
    match (closed.next(), closed.next()) {
        (_, Some(true)) => Heard::ParentGone,
        (Some(true), _) => Heard::TheEnd,
        _ => Heard::Nothing,
    }
}

/// Says it once more when the engine is over and nobody counts any more, or what has been since the last beat is in no sum.
pub(crate) fn beat_last(dispatch: &Dispatch) {
    if dispatch.context().place.as_ref().is_some_and(|place| place.is_ours()) {
        beat(dispatch);
    }
}

fn beat(dispatch: &Dispatch) {
    let context = dispatch.context();
    let Some(place) = &context.place else { return };
    let began = scoreboard::now();
    let (slot, at_work) = (place.slot(), dispatch.at_work());
    let now = vitals(dispatch, &at_work);
    slot.set_vitals(now);
    // The first worker may have come since that was looked at, and have said so already.
    if !now.is_ready {
        slot.set_vitals(vitals(dispatch, &at_work));
    }
    slot.beat(began, context.stats.requests.get(), context.counts(), &in_flight(dispatch, at_work));
    if let Some(asked) = slot.asked() {
        let all = survey::take(dispatch);
        let lines: String = all.iter().map(|one| format!("{one}\n")).collect();
        slot.tell(asked, &lines);
    }
    if slot.question().is_some() {
        context.questions.ring();
    }
    log::set_level(slot.log_level());
}

fn vitals(dispatch: &Dispatch, at_work: &[AtWork]) -> Vitals {
    let context = dispatch.context();
    let quarantined = at_work.iter().filter(|one| one.is_quarantined).count();
    // Those that are there now, where there are not always as many. One that was quarantined has another in its place.
    let varying = || (context.stats.threads.get() as usize).saturating_sub(quarantined);
    Vitals {
        workers: if dispatch.varies() { varying() } else { context.config.workers } as u32,
        busy: at_work.len() as u32,
        quarantined: quarantined as u32,
        is_ready: context.is_ready().is_ok(),
        unserved: context.unserved(),
        unheard: context.unheard(),
    }
}

/// What is served now, the longest first.
pub(crate) fn in_flight(dispatch: &Dispatch, at_work: Vec<AtWork>) -> String {
    let detached = dispatch.context().detached.all().into_iter();
    let of_workers = at_work.into_iter().map(|AtWork { request, time, .. }| (request, time));
    let mut all: Vec<_> = of_workers.chain(detached).collect();
    all.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let mut text = String::new();
    for (request, time) in all {
        let before = if text.is_empty() { "" } else { "; " };
        let _ = write!(text, "{before}{request} for {:.1} s", time.as_secs_f64());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hears_which_end_is_closed_and_no_bytes() {
        let (ours, end) = UnixStream::pair().unwrap();
        let (child, parent) = UnixStream::pair().unwrap();
        let hear = || pause(Duration::from_millis(1), ours.as_fd(), Some(child.as_fd()));
        io::Write::write_all(&mut &parent, b"hello").unwrap();
        assert_eq!(hear(), Heard::Nothing);
        drop(parent);
        assert_eq!(hear(), Heard::ParentGone);
        drop(end);
        assert_eq!(hear(), Heard::ParentGone);
        assert_eq!(pause(Duration::from_millis(1), ours.as_fd(), None), Heard::TheEnd);
    }

    #[test]
    fn hears_that_a_pipe_is_closed() {
        let (_ours, end) = UnixStream::pair().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let hear = || pause(Duration::from_millis(1), end.as_fd(), Some(reader.as_fd()));
        assert_eq!(hear(), Heard::Nothing);
        drop(writer);
        assert_eq!(hear(), Heard::ParentGone);
    }
}
