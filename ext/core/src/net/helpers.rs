//! Threads for what may take long and must not keep whoever polls from everyone else: sending much, which may come from a slow
//! disk; writing long request bodies to one. They know nothing of what they do.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering};

/// So many threads are enough while disks are quick: more got in the way of those who serve.
const ENOUGH: usize = 4;
/// There are no more threads than that, however many disks hang.
const MOST: usize = 32;
/// A thread that has been at one turn of a job for longer waits for a disk that hangs.
pub(super) const STUCK: Duration = Duration::from_secs(1);

/// How much nicer than the others the threads are, see nice(2). Beside 20 uploads at full speed, on two processors, an ordinary
/// request's p99 was 24 ms without it, 12 to 17 ms with 5 and 4 to 7 ms with 10 (measured when files were still closed by whoever
/// had them). With 19 it was 5 ms, but whoever then needs a
/// lock that such a thread holds may wait for long: a Ruby thread was kept from going on for 87 ms, once in four runs.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// What may take long.
pub(crate) trait Job: fmt::Debug + Send + Sync {
    /// Does a turn of it: true when more is to be done after the others' turn.
    fn work(self: Arc<Self>) -> bool;
}

/// The threads, and the jobs that wait for one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Helpers(Arc<Pool>);

#[derive(Debug, Default)]
struct Pool {
    work: Mutex<Work>,
    /// How many jobs wait: readable without the lock, for whoever polls.
    number: AtomicUsize,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<Arc<dyn Job>>,
    threads: Vec<JoinHandle<()>>,
    /// Threads that have not ended.
    alive: usize,
    /// Threads that have nothing to do.
    idle: usize,
    /// When the turns began that are under way.
    turns: Vec<Instant>,
    is_over: bool,
}

impl Helpers {
    /// Starts the first thread, so that there is always one. Others follow when they are needed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(&self) -> io::Result<()> {
        self.begin_thread(&mut self.0.work.lock())
    }

    /// Has a job done.
    pub(super) fn put(&self, job: Arc<dyn Job>) {
        let mut work = self.0.work.lock();
        if work.is_over {
            return;
        }
        self.0.push(&mut work, job);
        if work.waiting.len() > work.idle && work.alive < ENOUGH {
            // Without another one it takes longer.
            if let Err(error) = self.begin_thread(&mut work) {
                tracing::warn!(%error, "no more threads to help with");
            }
        }
        self.0.more.notify_one();
    }

    /// Whether no other job waits.
    pub(super) fn have_time(&self) -> bool {
        self.0.work.lock().waiting.is_empty()
    }

    /// To be called now and then while this says so: sees to it that jobs don't wait for ever behind those whose disk hangs.
    pub(super) fn relieve(&self) -> bool {
        if self.0.number.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut work = self.0.work.lock();
        if work.waiting.is_empty() || work.idle > 0 {
            return false;
        }
        let are_stuck = work.turns.len() >= work.alive && work.turns.iter().all(|turn| turn.elapsed() >= STUCK);
        if are_stuck && work.alive < MOST && !work.is_over {
            let alive = work.alive;
            match self.begin_thread(&mut work) {
                Ok(()) => tracing::warn!(
                    stuck = alive,
                    waiting = work.waiting.len(),
                    "all threads that send files and write spool_dir wait for a disk; one more is started"
                ),
                Err(error) => tracing::warn!(%error, "no more threads to help with"),
            }
        }
        true
    }

    /// Ends it all. What is still to be done is not.
    pub(crate) fn end(&self) {
        let waiting = {
            let mut work = self.0.work.lock();
            work.is_over = true;
            self.0.more.notify_all();
            std::mem::take(&mut work.waiting)
        };
        // Not under the lock: it may be the last that holds a connection.
        drop(waiting);
    }

    /// The threads, for whoever waits for them.
    pub(crate) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.0.work.lock().threads)
    }

    /// No thread does anything from now on: jobs wait until they are taken.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn have_no_threads(&self) {
        self.0.work.lock().alive = MOST;
    }

    /// The next job.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn take_job(&self) -> Option<Arc<dyn Job>> {
        self.0.work.lock().waiting.pop_front()
    }

    /// Whether this is one of the jobs that wait.
    #[cfg(any(test, feature = "simulation"))]
    pub(super) fn have_waiting(&self, job: *const ()) -> bool {
        self.0.work.lock().waiting.iter().any(|waiting| Arc::as_ptr(waiting).cast() == job)
    }

    fn begin_thread(&self, work: &mut Work) -> io::Result<()> {
        let pool = self.0.clone();
        let thread = thread::Builder::new().name("kino helper".to_owned()).spawn(move || pool.run())?;
        work.threads.retain(|thread| !thread.is_finished());
        work.threads.push(thread);
        work.alive += 1;
        Ok(())
    }
}

impl Pool {
    fn run(&self) {
        give_way();
        let mut work = self.work.lock();
        while !work.is_over {
            let Some(job) = self.pop(&mut work) else {
                if work.alive > ENOUGH {
                    break; // started while disks hung
                }
                work.idle += 1;
                self.more.wait(&mut work);
                work.idle -= 1;
                continue;
            };
            let began = Instant::now();
            work.turns.push(began);
            drop(work);
            // Let go of without the lock: a job may be the last to hold what puts another when it is dropped.
            let rest = job.clone().work().then_some(job);
            work = self.work.lock();
            if let Some(place) = work.turns.iter().position(|turn| *turn == began) {
                work.turns.swap_remove(place);
            }
            match rest {
                Some(job) if !work.is_over => self.push(&mut work, job),
                Some(job) => {
                    drop(work);
                    drop(job);
                    work = self.work.lock();
                }
                None => {}
            }
        }
        work.alive -= 1;
    }

    fn push(&self, work: &mut Work, job: Arc<dyn Job>) {
        work.waiting.push_back(job);
        self.number.store(work.waiting.len(), Ordering::Relaxed);
    }

    fn pop(&self, work: &mut Work) -> Option<Arc<dyn Job>> {
        let job = work.waiting.pop_front();
        self.number.store(work.waiting.len(), Ordering::Relaxed);
        job
    }
}

/// Has the thread take fewer turns at the processors than those that poll and serve: what is long may take a little longer,
/// and what is short is not to wait for it.
fn give_way() {
    // On Linux that is for the calling thread alone. Where it is refused, it takes as many turns as the others.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICE);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    #[derive(Debug)]
    struct Wait(Mutex<Receiver<()>>, Sender<()>);

    impl Job for Wait {
        fn work(self: Arc<Self>) -> bool {
            self.1.send(()).unwrap();
            let _ = self.0.lock().recv();
            false
        }
    }

    #[derive(Debug)]
    struct Turns(Mutex<u32>, Sender<u32>);

    impl Job for Turns {
        fn work(self: Arc<Self>) -> bool {
            let mut left = self.0.lock();
            *left -= 1;
            self.1.send(*left).unwrap();
            *left > 0
        }
    }

    fn end(helpers: &Helpers) {
        helpers.end();
        for thread in helpers.take_threads() {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_job_is_done_turn_by_turn() {
        let helpers = Helpers::default();
        helpers.start().unwrap();
        let (tell, told) = channel();
        helpers.put(Arc::new(Turns(Mutex::new(3), tell)));
        assert_eq!(told.iter().take(3).collect::<Vec<_>>(), [2, 1, 0]);
        end(&helpers);
    }

    #[derive(Debug)]
    struct Last(Helpers, Sender<()>);

    impl Job for Last {
        fn work(self: Arc<Self>) -> bool {
            false
        }
    }

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.put(Arc::new(Wait(Mutex::new(channel().1), self.1.clone())));
        }
    }

    #[test]
    fn what_is_dropped_with_a_job_may_put_another() {
        let helpers = Helpers::default();
        let (tell, done) = channel();
        helpers.put(Arc::new(Last(helpers.clone(), tell)));
        assert_eq!(done.recv_timeout(Duration::from_secs(20)), Ok(()));
        end(&helpers);
    }

    #[test]
    fn another_thread_is_started_when_all_have_been_stuck_for_long() {
        let helpers = Helpers::default();
        let (tell, told) = channel();
        let mut releases = Vec::new();
        for _ in 0..ENOUGH {
            let (release, wait) = channel();
            helpers.put(Arc::new(Wait(Mutex::new(wait), tell.clone())));
            releases.push(release);
        }
        told.iter().take(ENOUGH).for_each(drop);
        assert!(!helpers.relieve(), "nobody waits");
        let (tell, done) = channel();
        helpers.put(Arc::new(Turns(Mutex::new(1), tell)));
        assert!(helpers.relieve(), "somebody waits");
        thread::sleep(STUCK);
        helpers.relieve();
        assert_eq!(done.recv_timeout(Duration::from_secs(20)), Ok(0));
        drop(releases);
        end(&helpers);
    }
}
