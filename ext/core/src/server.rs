//! An engine from start to end.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use crate::bell::End;
use crate::certificates;
use crate::config::Config;
use crate::dispatch::fallback;
use crate::dispatch::interrupt::Interrupt;
use crate::dispatch::lead::Dispatch;
use crate::fatal;
use crate::heart;
use crate::net::context::{Context, Phase};
use crate::net::listener::Listener;
use crate::net::poller::Poller;
use crate::reporter;
use crate::summons::{self, Delays, Summons};

/// A running engine.
///
/// ```no_run
/// use kino_core::{config::Config, dispatch::lead::Taken, net::listener::Listener, server::Server};
///
/// let listener = Listener::bind("tcp://127.0.0.1:9292")?;
/// let server = Server::start(vec![listener], Config::default())?;
/// let interrupt = server.interrupt();
/// while let Taken::Exchange(exchange) = server.dispatch().take(&interrupt) {
///     exchange.refuse(kino_core::error::Fault::QueueFull);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    dispatch: Arc<Dispatch>,
    is_stopped: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Closed when the engine's own threads have ended. There is one when somebody has asked.
    threads_ended: OnceLock<Arc<End>>,
    /// What signals ask for, where somebody has it noticed; and what ends the thread that does, by being closed.
    summons: OnceLock<(Arc<Summons>, Mutex<Option<UnixStream>>)>,
}

impl Server {
    /// Starts serving `listeners`. Threads start here and not before, so a process may fork until now.
    ///
    /// # Errors
    /// When the system gives no poll or no thread.
    pub fn start(listeners: Vec<Listener>, config: Config) -> io::Result<Server> {
        let dispatch = Arc::new(Dispatch::new(Poller::new(listeners, config)?));
        dispatch.context().helpers.start()?;
        if let Some(log) = &dispatch.context().config.access_log {
            log.start()?;
        }
        dispatch.context().spools.try_out();
        let heart = heart::start(&dispatch)?;
        let reporter = reporter::start(&dispatch)?;
        let certificates = certificates::start(&dispatch)?;
        let fallback = fallback::start(dispatch.clone())?;
        Ok(Server {
            dispatch,
            is_stopped: AtomicBool::new(false),
            threads: Mutex::new([fallback].into_iter().chain(heart).chain(reporter).chain(certificates).collect()),
            threads_ended: OnceLock::new(),
            summons: OnceLock::new(),
        })
    }

    /// Where workers get their requests.
    pub fn dispatch(&self) -> &Arc<Dispatch> {
        &self.dispatch
    }

    /// Settings, counters and phase.
    pub fn context(&self) -> &Arc<Context> {
        self.dispatch.context()
    }

    /// A way to call one worker out of a wait.
    pub fn interrupt(&self) -> Interrupt {
        Interrupt::new(self.context().clone())
    }

    /// Goes on for now, but ends every connection with its next answer, so that clients go elsewhere.
    pub fn lame_duck(&self) {
        self.context().enter(Phase::LameDuck);
    }

    /// Has stops that signals ask for begun, and ended in time, also while Ruby hears nothing: see [`summons`]. `bell` has each
    /// signal's number. Once for an engine.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn attend(&self, bell: OwnedFd, delays: Delays) -> io::Result<()> {
        if self.summons.get().is_none() {
            let (ours, end) = UnixStream::pair()?;
            let (summons, thread) = summons::attend(self.dispatch.clone(), bell, ours, delays)?;
            self.threads.lock().push(thread);
            // Who was quicker has it; this thread ends with what is dropped.
            let _ = self.summons.set((summons, Mutex::new(Some(end))));
        }
        Ok(())
    }

    /// Ruby goes on with a stop itself: how long ago a signal has asked for it; `None` where none has.
    pub fn hear_summons(&self) -> Option<Duration> {
        self.summons.get()?.0.hear()
    }

    /// Accepts no more, and lets every request that has begun be finished. Then workers find everything over.
    pub fn drain(&self) {
        self.context().enter(Phase::Draining);
    }

    /// Whether it was told to end at once, and not only to drain.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    /// Ends everything now: waiting workers are told, connections are closed when the last of them comes back. Waits for
    /// nothing, so that a caller may hold what others need.
    pub fn end(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.dispatch.tell_end();
        // Not before: who has drained may still wait for what never ends, and has nobody else who sees the parent's end.
        self.context().end_heart();
        if let Some((_, end)) = self.summons.get() {
            end.lock().take();
        }
    }

    /// Waits until the engine's own threads have ended after [`Server::end`], and its sockets are closed, for `limit` at most: a
    /// thread may be held by a disk. False when it was called before by `interrupt`.
    pub fn join(&self, interrupt: &Interrupt, limit: Duration) -> bool {
        interrupt.wait_for_end(self.threads_ended.get_or_init(|| self.reap()), Some(limit))
    }

    /// [`Server::end`], and then waits for the engine's own threads, however long that takes.
    pub fn stop(&self) {
        self.end();
        self.interrupt().wait_for_end(self.threads_ended.get_or_init(|| self.reap()), None);
    }

    /// Has a thread wait for the others, and for a worker's, where that had the lead. Where there is none to be had, nobody waits.
    fn reap(&self) -> Arc<End> {
        let all_ended = Arc::new(End::default());
        let ended = all_ended.clone();
        let (dispatch, interrupt) = (self.dispatch.clone(), self.interrupt());
        let mut threads = self.context().helpers.take_threads();
        threads.append(&mut self.context().shakers.take_threads());
        threads.append(&mut self.threads.lock());
        let reap = move || {
            for thread in threads {
                let name = thread.thread().name().unwrap_or_default().to_owned();
                if thread.join().is_err() {
                    tracing::error!("the thread {name} has panicked");
                }
            }
            dispatch.wait_until_closed(&interrupt);
            heart::beat_last(&dispatch);
            if let Some(log) = &dispatch.context().config.access_log {
                log.finish(fatal::LAST_WORDS);
            }
            ended.come();
        };
        if let Err(error) = thread::Builder::new().name("kino reaper".to_owned()).spawn(reap) {
            tracing::warn!(%error, "no thread to wait for the engine's others with");
            all_ended.come();
        }
        all_ended
    }
}

/// It may be whoever collects garbage who drops it, and holds what everybody needs.
impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod ending;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod siblings;
#[cfg(test)]
mod system_calls;
