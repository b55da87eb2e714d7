//! A running engine, found by its number: no object may go from one ractor to another, but an Integer may.

use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use kino_core::config::Config;
use kino_core::dispatch::gvl_group::GvlGroup;
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::serving::AtWork;
use kino_core::net::deadlines::Micros;
use kino_core::net::listener::Listener;
use kino_core::server::Server;
use parking_lot::Mutex;

use crate::ends::Ends;
use crate::ffi::process::{self, PerProcess, generation};
use crate::ffi::thread_hooks;

static NUMBERS: AtomicU64 = AtomicU64::new(1);
static RUNNING: PerProcess<Mutex<Vec<Weak<Running>>>> = PerProcess::new();

/// An engine, and the workers that serve it.
pub(crate) struct Running {
    pub(crate) number: u64,
    /// The process it was started in. In a child that the app has forked it is the parent's, and its threads don't exist.
    made_in: u32,
    server: Server,
    /// By gvl_group: workers that share a GVL.
    groups: Mutex<Vec<Arc<GvlGroup>>>,
    ends: Ends,
    /// What the thread that looks after its workers is called by.
    supervisor: Arc<Interrupt>,
}

/// A reference to a running engine. A forked child never ends an engine, not even when its exit frees all objects.
#[derive(Clone)]
pub(crate) struct Engine(Arc<Running>);

impl Engine {
    /// Starts one. Its own thread exists from here on.
    ///
    /// # Errors
    /// When the system gives no poll or no thread.
    pub(crate) fn start(listeners: Vec<Listener>, config: Config) -> io::Result<Engine> {
        thread_hooks::install();
        process::outlive_file_limits();
        let server = Server::start(listeners, config)?;
        let running = Arc::new(Running {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            made_in: generation(),
            supervisor: Arc::new(server.interrupt()),
            server,
            groups: Mutex::default(),
            ends: Ends::default(),
        });
        let mut known = RUNNING.get().lock();
        known.retain(|weak| weak.strong_count() > 0);
        known.push(Arc::downgrade(&running));
        Ok(Engine(running))
    }

    /// The one of that number, if it is this process's.
    pub(crate) fn find(number: u64) -> Option<Engine> {
        let known = RUNNING.get().lock();
        let mut all = known.iter().filter_map(Weak::upgrade).map(Engine);
        all.find(|engine| engine.number == number && engine.is_ours())
    }

    /// How many of this process's are to serve.
    pub(crate) fn number_running() -> usize {
        let known = RUNNING.get().lock();
        let all = known.iter().filter_map(Weak::upgrade).map(Engine);
        all.filter(|engine| engine.is_ours() && !engine.server().is_stopped()).count()
    }

    /// Whether this process has started it.
    pub(crate) fn is_ours(&self) -> bool {
        self.made_in == generation()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if !self.is_ours() {
            std::mem::forget(self.0.clone());
        }
    }
}

impl Deref for Engine {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}

impl Running {
    /// The engine of `kino-core`.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The workers of a GVL group, which there is from the first time that it is asked for.
    pub(crate) fn group(&self, gvl_group: usize) -> Arc<GvlGroup> {
        let mut groups = self.groups.lock();
        while groups.len() <= gvl_group {
            let group = Arc::new(GvlGroup::by(groups.len(), Micros::of(&self.server.context().clock)));
            thread_hooks::listen(&group);
            self.server.dispatch().watch_over(&group);
            groups.push(group);
        }
        groups[gvl_group].clone()
    }

    /// How the workers of its GVL groups came to their end.
    pub(crate) fn ends(&self) -> &Ends {
        &self.ends
    }

    /// What calls the thread that looks after its workers.
    pub(crate) fn supervisor(&self) -> &Arc<Interrupt> {
        &self.supervisor
    }

    /// What all workers serve now, and what apps go on with by themselves, which is no worker's.
    pub(crate) fn in_flight(&self) -> Vec<AtWork> {
        let detached = self.server.context().detached.all().into_iter();
        let of_no_worker = detached.map(|(request, time)| AtWork {
            time,
            age: time,
            request,
            waits_for_client: true,
            ..AtWork::default()
        });
        self.groups.lock().iter().flat_map(|group| group.at_work()).chain(of_no_worker).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for group in &*self.groups.lock() {
            thread_hooks::ignore(group);
        }
    }
}
