//! Leadership, and the queue of requests that are ready to be served.
//!
//! The poller itself is passed from hand to hand through a channel with room for one: who has received it leads, who
//! sends it back steps down. Nothing else says who leads, so nothing can disagree.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use parking_lot::Mutex;

use super::interrupt::Interrupt;
use super::runners::Runners;
use crate::error::Fault;
use crate::net::connection::Connection;
use crate::net::context::{Context, Phase};
use crate::net::exchange::Exchange;
use crate::net::poller::Poller;

/// What a wait for work ended with.
#[derive(Debug)]
pub enum Taken {
    /// A request to serve.
    Exchange(Box<Exchange>),
    /// The worker was called ([`Interrupt::raise`]).
    Interrupted,
    /// There will be no more requests.
    Over,
}

/// Hands the lead and the ready requests to workers.
#[derive(Debug)]
pub struct Dispatch {
    context: Arc<Context>,
    ready: (Sender<Arc<Connection>>, Receiver<Arc<Connection>>),
    lead: (Sender<Box<Poller>>, Receiver<Box<Poller>>),
    /// Never sent on; closed when all is over, which everybody who waits hears.
    over: (Mutex<Option<Sender<()>>>, Receiver<()>),
    pub(super) watch: Watch,
}

/// What the covering thread goes by.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// How many times a worker has stepped down.
    pub(super) turns: AtomicU64,
    /// The covering thread leads.
    pub(super) covers: AtomicBool,
    /// A worker waits for the covering thread to step down.
    pub(super) wanted: AtomicBool,
    /// The covering thread sleeps until a worker steps down.
    pub(super) sleeps: AtomicBool,
    /// Workers to look after, as long as it is awake and does not lead.
    pub(super) groups: Mutex<Vec<Arc<Runners>>>,
    pub(super) thread: Mutex<Option<Thread>>,
}

impl Dispatch {
    pub(crate) fn new(poller: Poller) -> Dispatch {
        let context = poller.context().clone();
        let lead = bounded(1);
        let (over, is_over) = bounded(0);
        lead.0.send(Box::new(poller)).expect("the channel is new and has room");
        let ready = bounded(context.config.queue_depth);
        Dispatch { context, ready, lead, over: (Mutex::new(Some(over)), is_over), watch: Watch::default() }
    }

    /// What all sides share.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// A request that is ready, or that a quick look at the sockets brings. Never blocks.
    pub fn try_take(&self) -> Option<Box<Exchange>> {
        if let Some(exchange) = self.next() {
            return Some(exchange);
        }
        let mut poller = self.lead.1.try_recv().ok()?;
        self.turn(&mut poller, Some(Duration::ZERO));
        self.step_down(poller);
        self.next()
    }

    /// Waits for a request, leading while nobody else does.
    pub fn take(&self, interrupt: &Interrupt) -> Taken {
        loop {
            if let Some(exchange) = self.next() {
                return Taken::Exchange(exchange);
            }
            if self.watch.covers.load(Ordering::SeqCst) {
                self.watch.wanted.store(true, Ordering::SeqCst);
                self.context.wake();
            }
            let mut poller = select_biased! {
                recv(interrupt.raised) -> _ => return Taken::Interrupted,
                recv(self.ready.1) -> connection => match connection {
                    Ok(connection) => return Taken::Exchange(self.begin(connection)),
                    Err(_) => return Taken::Over,
                },
                recv(self.over.1) -> _ => return Taken::Over,
                recv(self.lead.1) -> poller => match poller {
                    Ok(poller) => poller,
                    Err(_) => return Taken::Over,
                },
            };
            loop {
                self.turn(&mut poller, None);
                if !self.ready.1.is_empty() || !interrupt.raised.is_empty() || self.is_over(&poller) {
                    break;
                }
            }
            self.step_down(poller);
        }
    }

    /// Has the covering thread look after the workers of a group, too ([`Runners::overtake`]).
    pub fn watch_over(&self, group: &Arc<Runners>) {
        self.watch.groups.lock().push(group.clone());
    }

    /// Whether everything has ended.
    pub fn is_over_now(&self) -> bool {
        self.over.0.lock().is_none()
    }

    /// Ends everything: those who wait are told, those who come are too, and connections nobody serves are closed.
    pub fn end(&self) {
        self.context.enter(Phase::Over);
        self.over.0.lock().take();
        // A leader drops the poller when it steps down; without one, it is here.
        drop(self.lead.1.try_recv());
        while self.ready.1.try_recv().is_ok() {}
    }

    /// Closed, and readable as such, once all is over.
    pub(crate) fn over(&self) -> &Receiver<()> {
        &self.over.1
    }

    /// The lead, if nobody has it.
    pub(super) fn try_lead(&self) -> Option<Box<Poller>> {
        self.lead.1.try_recv().ok()
    }

    /// Polls once and queues what is ready; what finds no room is refused.
    pub(super) fn turn(&self, poller: &mut Poller, timeout: Option<Duration>) {
        let mut without_room = Vec::new();
        for connection in poller.turn(timeout) {
            if let Err(error) = self.ready.0.try_send(connection) {
                without_room.push(error.into_inner());
            }
        }
        for connection in without_room {
            poller.refuse(&connection, Fault::Overload);
        }
    }

    /// Passes the lead on, or ends everything if that was the last turn.
    pub(super) fn step_down(&self, poller: Box<Poller>) {
        if self.is_over(&poller) {
            self.end();
            return; // sockets and listeners close with the poller
        }
        // Nobody else has a poller to send, so there is room.
        let _ = self.lead.0.try_send(poller);
        self.watch.turns.fetch_add(1, Ordering::SeqCst);
        if self.watch.sleeps.load(Ordering::SeqCst)
            && self.watch.sleeps.swap(false, Ordering::SeqCst)
            && let Some(thread) = &*self.watch.thread.lock()
        {
            thread.unpark();
        }
    }

    pub(super) fn is_over(&self, poller: &Poller) -> bool {
        poller.is_finished() || self.context.phase() == Phase::Over
    }

    fn next(&self) -> Option<Box<Exchange>> {
        self.ready.1.try_recv().ok().map(|connection| self.begin(connection))
    }

    fn begin(&self, connection: Arc<Connection>) -> Box<Exchange> {
        Box::new(Exchange::begin(connection, self.context.clone()))
    }
}
