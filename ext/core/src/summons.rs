//! What a signal asks for while Ruby hears nothing. Ruby has its say in what a signal does, and says nothing while native code of the
//! app's has its lock. In a process that serves alone nobody else would end it, so a stop begins here, and ends in time.
//!
//! ```text
//!   a signal's handler --its number--> a pipe --> "kino signals"
//!     at once                            not ready any more, and answers end their connections
//!     Ruby has heard nothing of it       after drain_delay: accepts no more; a second signal ends that, and another the process
//!     at shutdown_timeout                names what still runs, and ends the process; later where Ruby has heard, which does so itself
//! ```

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::dispatch::lead::Dispatch;
use crate::net::context::Phase;
use crate::{fatal, heart, log};

/// Between two looks at whether Ruby has heard, and how late it is.
const LOOK: Duration = Duration::from_millis(100);
/// Ruby has heard nothing: otherwise it would have said so by then.
const SILENCE: Duration = Duration::from_secs(1);
/// For Ruby to hear, however short shutdown_timeout is: threads that compute have their turns before its main thread.
const LEAST: Duration = Duration::from_secs(5);
/// For Ruby's own way out, once it has heard.
const OWN_WAY: Duration = Duration::from_secs(10);
/// Signals that come so close to each other are one wish.
const ONE_WISH: Duration = Duration::from_secs(1);
/// The exit status of a process that had not come to its end in time.
const STATUS: i32 = 1;

/// How long what takes.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// `drain_delay`.
    pub drain: Duration,
    /// `shutdown_timeout`.
    pub shutdown: Duration,
}

/// Whether a signal has asked for a stop, and Ruby has heard of it.
#[derive(Debug)]
pub struct Summons {
    began: Instant,
    /// When it asked, in milliseconds since that, and one; zero before.
    asked: AtomicU64,
    is_heard: AtomicBool,
}

impl Default for Summons {
    fn default() -> Summons {
        Summons { began: Instant::now(), asked: AtomicU64::new(0), is_heard: AtomicBool::new(false) }
    }
}

impl Summons {
    /// Ruby has heard of it: how long ago it was asked for; `None` where no signal has.
    pub fn hear(&self) -> Option<Duration> {
        self.is_heard.store(true, SeqCst);
        self.age()
    }

    fn age(&self) -> Option<Duration> {
        let asked = self.asked.load(SeqCst).checked_sub(1)?;
        Some(self.began.elapsed().saturating_sub(Duration::from_millis(asked)))
    }

    fn ask(&self) {
        let now = self.began.elapsed().as_millis() as u64;
        let _ = self.asked.compare_exchange(0, now + 1, SeqCst, SeqCst);
    }

    fn is_heard(&self) -> bool {
        self.is_heard.load(SeqCst)
    }
}

/// Starts the thread. `bell` has a byte for each signal, its number; the thread ends when the other end of `end` is closed.
pub(crate) fn attend(
    dispatch: Arc<Dispatch>,
    bell: OwnedFd,
    end: UnixStream,
    delays: Delays,
) -> io::Result<(Arc<Summons>, JoinHandle<()>)> {
    let summons = Arc::<Summons>::default();
    let attended = Attended { dispatch, summons: summons.clone(), delays };
    let run = move || attended.run(bell.as_fd(), end.as_fd());
    Ok((summons, thread::Builder::new().name("kino signals".to_owned()).spawn(run)?))
}

struct Attended {
    dispatch: Arc<Dispatch>,
    summons: Arc<Summons>,
    delays: Delays,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    AcceptNoMore,
    GiveUp,
}

/// How far a stop has come that Ruby has, or has not, heard of for so long.
fn step(age: Duration, is_heard: bool, delays: Delays) -> Step {
    let latest = if is_heard { delays.shutdown.saturating_add(OWN_WAY) } else { delays.shutdown.max(LEAST) };
    if age >= latest {
        Step::GiveUp
    } else if !is_heard && age >= delays.drain.max(SILENCE) {
        Step::AcceptNoMore
    } else {
        Step::Nothing
    }
}

impl Attended {
    fn run(&self, bell: BorrowedFd<'_>, end: BorrowedFd<'_>) {
        let mut first = None;
        loop {
            let pause = self.summons.age().map(|_| LOOK);
            let Some(number) = next(bell, end, pause) else { return };
            match (number, first) {
                (Some(number), None) => {
                    first = Some((number, Instant::now()));
                    self.summons.ask();
                    self.dispatch.context().enter(Phase::LameDuck);
                }
                (Some(again), Some((number, since))) if again == number && since.elapsed() >= ONE_WISH => {
                    self.again(number);
                    first = Some((number, Instant::now()));
                }
                _ => {}
            }
            self.go_on();
        }
    }

    fn go_on(&self) {
        let Some(age) = self.summons.age() else { return };
        match step(age, self.summons.is_heard(), self.delays) {
            Step::Nothing => {}
            Step::AcceptNoMore => self.dispatch.context().enter(Phase::Draining),
            Step::GiveUp => {
                let seconds = self.delays.shutdown.as_secs_f64();
                self.leave(STATUS, &format!("requests still ran {seconds} s after the signal (shutdown_timeout)"));
            }
        }
    }

    /// Whoever asks twice has waited for long enough. Ruby, once it has heard, hears that by itself.
    fn again(&self, number: u8) {
        let context = self.dispatch.context();
        if self.summons.is_heard() {
            return;
        }
        if context.phase() < Phase::Draining && self.delays.drain > SILENCE {
            context.enter(Phase::Draining);
        } else {
            self.leave(128 + i32::from(number), "a second signal came");
        }
    }

    fn leave(&self, status: i32, why: &str) -> ! {
        let context = self.dispatch.context();
        let in_flight = heart::in_flight(&self.dispatch, self.dispatch.at_work());
        let what = if in_flight.is_empty() { "no request any more" } else { &in_flight };
        // Whoever reads a pipe in its place may be a thread of Ruby's that is stuck.
        log::send_to(None);
        tracing::error!("{why}, and Ruby does not come to its end: something native has its lock; gave up {what}");
        if let Some(access_log) = &context.config.access_log {
            access_log.finish(fatal::LAST_WORDS);
        }
        log::flush(fatal::LAST_WORDS);
        fatal::leave(status)
    }
}

/// The next signal's number, or none where the pause is over; `None` at the end.
fn next(bell: BorrowedFd<'_>, end: BorrowedFd<'_>, pause: Option<Duration>) -> Option<Option<u8>> {
    let mut asked = [PollFd::from_borrowed_fd(bell, PollFlags::IN), PollFd::from_borrowed_fd(end, PollFlags::empty())];
    let pause = pause.map(|pause| Timespec::try_from(pause).expect("it is a moment"));
    // A signal is as good as a pause that is over.
    let _ = poll(&mut asked, pause.as_ref());
    if !asked[1].revents().is_empty() {
        return None;
    }
    let mut number = [0];
    let has_come = !asked[0].revents().is_empty() && matches!(rustix::io::read(bell, &mut number), Ok(1));
    Some(has_come.then_some(number[0]))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const DELAYS: Delays = Delays { drain: Duration::from_secs(5), shutdown: Duration::from_secs(30) };

    #[test]
    fn a_stop_that_nobody_hears_of_goes_on_by_itself() {
        let at = |seconds: u64, is_heard: bool| step(Duration::from_secs(seconds), is_heard, DELAYS);
        assert_eq!((at(0, false), at(4, false)), (Step::Nothing, Step::Nothing));
        assert_eq!((at(5, false), at(29, false)), (Step::AcceptNoMore, Step::AcceptNoMore));
        assert_eq!((at(29, true), at(39, true)), (Step::Nothing, Step::Nothing), "Ruby does that");
        assert_eq!((at(30, false), at(40, true)), (Step::GiveUp, Step::GiveUp));
        let short = Delays { drain: Duration::ZERO, shutdown: Duration::from_millis(300) };
        let late = |millis| step(Duration::from_millis(millis), false, short);
        assert_eq!((late(4_999), late(5_000)), (Step::AcceptNoMore, Step::GiveUp), "Ruby has the time to hear");
        let at_once = Delays { drain: Duration::ZERO, ..DELAYS };
        let step = |millis| step(Duration::from_millis(millis), false, at_once);
        assert_eq!((step(999), step(1000)), (Step::Nothing, Step::AcceptNoMore), "Ruby has a moment to hear");
    }

    #[test]
    fn the_time_counts_from_the_first_signal() {
        let summons = Summons::default();
        assert_eq!(summons.hear(), None);
        summons.ask();
        thread::sleep(Duration::from_millis(20));
        summons.ask();
        assert!(summons.hear().unwrap() >= Duration::from_millis(19));
        assert!(summons.is_heard());
    }

    #[test]
    fn hears_numbers_pauses_and_the_end() {
        let (bell, mut handler) = io::pipe().unwrap();
        let (ours, end) = UnixStream::pair().unwrap();
        let moment = Some(Duration::from_millis(1));
        assert_eq!(next(bell.as_fd(), ours.as_fd(), moment), Some(None));
        handler.write_all(&[15, 2]).unwrap();
        assert_eq!(next(bell.as_fd(), ours.as_fd(), None), Some(Some(15)));
        assert_eq!(next(bell.as_fd(), ours.as_fd(), moment), Some(Some(2)));
        drop(end);
        assert_eq!(next(bell.as_fd(), ours.as_fd(), None), None);
    }
}
