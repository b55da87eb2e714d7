//! An engine from start to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::config::Config;
use crate::dispatch::fallback;
use crate::dispatch::interrupt::Interrupt;
use crate::dispatch::lead::Dispatch;
use crate::net::context::{Context, Phase};
use crate::net::listener::Listener;
use crate::net::poller::Poller;
use crate::net::senders::Senders;

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
    fallback: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Starts serving `listeners`. Threads start here and not before, so a process may fork until now.
    ///
    /// # Errors
    /// When the system gives no poll or no thread.
    pub fn start(listeners: Vec<Listener>, config: Config) -> io::Result<Server> {
        let dispatch = Arc::new(Dispatch::new(Poller::new(listeners, config)?));
        Senders::start(dispatch.context())?;
        let fallback = fallback::start(dispatch.clone())?;
        Ok(Server { dispatch, is_stopped: AtomicBool::new(false), fallback: Mutex::new(Some(fallback)) })
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
    pub fn part(&self) {
        self.context().enter(Phase::Parting);
    }

    /// Accepts no more, and lets every request that has begun be finished. Then workers find everything over.
    pub fn drain(&self) {
        self.context().enter(Phase::Draining);
    }

    /// Whether it was told to end at once, and not only to drain.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::SeqCst)
    }

    /// Ends everything now: waiting workers are told, connections are closed when the last of them comes back.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.dispatch.end();
        self.context().senders.join();
        let Some(fallback) = self.fallback.lock().take() else { return };
        if fallback.join().is_err() {
            tracing::error!("the fallback poller has panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
