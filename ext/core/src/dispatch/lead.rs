//! Leadership, and the queue of requests that are ready to be served.
//!
//! The poller itself is passed from hand to hand through a channel with room for one: who has received it leads, who
//! sends it back steps down. Nothing else says who leads, so nothing can disagree.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, Sender, bounded, select_biased};
use parking_lot::Mutex;

use super::idle::Idle;
use super::interrupt::Interrupt;
use super::queue::{Queue, Waiting};
use super::runners::Runners;
use crate::error::Fault;
use crate::net::context::{Context, Phase};
use crate::net::exchange::Exchange;
use crate::net::poller::{Poller, Turn};

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

/// Who has waited for so many milliseconds may have left: worth a look. One that was taken at once is served even if it has
/// closed its sending half, as clients may that will ask nothing more.
const GONE_AFTER: u64 = 100;

/// Hands the lead and the ready requests to workers.
#[derive(Debug)]
pub struct Dispatch {
    context: Arc<Context>,
    ready: Queue,
    lead: (Sender<Box<Poller>>, Receiver<Box<Poller>>),
    pub(super) idle: Idle,
    is_shared: AtomicBool,
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
    pub(crate) fn new(mut poller: Poller) -> Dispatch {
        poller.set_vital(true);
        let context = poller.context().clone();
        let lead = bounded(1);
        let (over, is_over) = bounded(0);
        lead.0.send(Box::new(poller)).expect("the channel is new and has room");
        let ready = Queue::new(context.config.queue_depth);
        let over = (Mutex::new(Some(over)), is_over);
        Dispatch {
            context,
            ready,
            lead,
            idle: Idle::default(),
            is_shared: AtomicBool::new(false),
            over,
            watch: Watch::default(),
        }
    }

    /// What all sides share.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// A request that is ready, or that a quick look at the sockets brings. Never blocks, and never takes long: the caller
    /// may hold a lock that others wait for.
    pub fn try_take(&self) -> Option<Box<Exchange>> {
        if let Some(exchange) = self.next() {
            return Some(exchange);
        }
        let mut poller = self.lead.1.try_recv().ok()?;
        if self.ready.is_empty() {
            self.turn(&mut poller, Turn::Brief);
        }
        self.hand_on(poller)
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
            match self.lead.1.try_recv() {
                Ok(poller) => {
                    if let Some(exchange) = self.lead(poller, interrupt) {
                        return Taken::Exchange(exchange);
                    }
                }
                Err(_) => self.wait_for_work(interrupt),
            }
            if self.is_over_now() {
                return Taken::Over;
            }
            if interrupt.raised.try_recv().is_ok() {
                return Taken::Interrupted;
            }
        }
    }

    /// Polls until there is something to do, here or elsewhere. Looked at before the first turn, too: between this worker's
    /// look at the queue and its lead, another leader may have queued a request and found nobody idle to wake, or have
    /// used up the wake-up that came with an interrupt. Only leaders queue requests, so nothing can be missed after that.
    fn lead(&self, mut poller: Box<Poller>, interrupt: &Interrupt) -> Option<Box<Exchange>> {
        while self.ready.is_empty() && interrupt.raised.is_empty() && !self.is_over(&poller) {
            self.turn(&mut poller, Turn::Wait(None));
        }
        self.hand_on(poller)
    }

    /// Takes the first request, has the others shared, and steps down.
    fn hand_on(&self, poller: Box<Poller>) -> Option<Box<Exchange>> {
        let first = self.next();
        self.idle.share(self.ready.len());
        self.step_down(poller);
        // Whoever serves a request that takes long should not be the only one to look for others.
        if first.is_some() && self.idle.is_slow() {
            self.idle.wake(1);
        }
        first
    }

    fn wait_for_work(&self, interrupt: &Interrupt) {
        self.idle.enter(&interrupt.bell.0);
        // Looked at after that: whoever brought work or stepped down before could not know that this one waits.
        if self.ready.is_empty() && self.lead.1.is_empty() {
            let mut wait = Select::new();
            wait.recv(&interrupt.raised);
            wait.recv(&interrupt.bell.1);
            wait.recv(&self.over.1);
            wait.ready(); // which leaves it to `take` to look what came
            let _ = interrupt.bell.1.try_recv();
        }
        self.idle.leave(&interrupt.bell.0);
    }

    /// A request has been served, in that time. Worth telling only where there are several locks, see
    /// [`Dispatch::is_shared`].
    pub fn served(&self, time: Duration) {
        self.idle.served(time);
    }

    /// Whether there are workers of several locks, which serve beside each other.
    pub fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    /// Has the covering thread look after the workers of a group, too ([`Runners::overtake`]).
    pub fn watch_over(&self, group: &Arc<Runners>) {
        let mut groups = self.watch.groups.lock();
        groups.push(group.clone());
        self.is_shared.store(groups.len() > 1, Ordering::Relaxed);
    }

    /// Waits until everything has ended; false when it was called before ([`Interrupt::raise`]).
    pub fn wait_until_over(&self, interrupt: &Interrupt) -> bool {
        select_biased! {
            recv(self.over.1) -> _ => true,
            recv(interrupt.raised) -> _ => false,
        }
    }

    /// Whether everything has ended.
    pub fn is_over_now(&self) -> bool {
        self.over.0.lock().is_none()
    }

    /// Ends everything: those who wait are told, those who come are too, and connections nobody serves are closed.
    pub fn end(&self) {
        self.tell_end();
        // A leader drops the poller when it steps down; without one, it is here.
        if let Ok(poller) = self.lead.1.try_recv() {
            self.close(poller);
        }
        while self.ready.pop().is_some() {}
    }

    /// Tells everybody that all is over, and leaves it to the covering thread, or to who leads, to close what there is: that
    /// may take long.
    pub(crate) fn tell_end(&self) {
        self.context.enter(Phase::Over);
        self.context.helpers.end();
        self.over.0.lock().take();
    }

    /// The lead, if nobody has it.
    pub(super) fn try_lead(&self) -> Option<Box<Poller>> {
        self.lead.1.try_recv().ok()
    }

    /// Polls once and queues what is ready; what finds no room, or has waited for too long, is refused.
    pub(super) fn turn(&self, poller: &mut Poller, turn: Turn) {
        let mut without_room = Vec::new();
        for request in poller.turn(turn) {
            if let Err(request) = self.ready.push(request, self.context.turned()) {
                without_room.push(request);
            }
        }
        for request in without_room {
            poller.refuse(&request, Fault::QueueFull);
        }
        let patience = self.context.config.queue_timeout.as_millis() as u64;
        let Some(latest) = self.context.turned().checked_sub(patience) else { return };
        while let Some(request) = self.ready.pop_older(latest) {
            poller.refuse(&request, Fault::QueueTimeout);
        }
    }

    /// Passes the lead on, or ends everything if that was the last turn.
    pub(super) fn step_down(&self, poller: Box<Poller>) {
        if self.is_over(&poller) {
            self.end();
            self.close(poller);
            return;
        }
        // Nobody else has a poller to send, so there is room.
        let _ = self.lead.0.try_send(poller);
        // Looked at after that: whoever ends all looks for the poller after saying so.
        if self.context.phase() == Phase::Over {
            self.end();
        }
        self.watch.turns.fetch_add(1, Ordering::SeqCst);
        if self.watch.sleeps.load(Ordering::SeqCst)
            && self.watch.sleeps.swap(false, Ordering::SeqCst)
            && let Some(thread) = &*self.watch.thread.lock()
        {
            thread.unpark();
        }
    }

    /// Sockets and listeners close with the poller. Nobody waits in its poll now, so nobody has to be woken from it.
    fn close(&self, mut poller: Box<Poller>) {
        poller.set_vital(false);
        drop(poller);
        self.context.close_waker();
    }

    pub(super) fn is_over(&self, poller: &Poller) -> bool {
        poller.is_finished() || self.context.phase() == Phase::Over
    }

    /// Has idle workers serve what is ready.
    pub(super) fn share_all(&self) {
        self.idle.wake(self.ready.len());
    }

    fn next(&self) -> Option<Box<Exchange>> {
        loop {
            let Waiting { item: request, since } = self.ready.pop()?;
            let has_waited = self.context.turned().saturating_sub(since) >= GONE_AFTER;
            if request.waits() && !(has_waited && request.is_gone()) {
                return Some(Box::new(Exchange::begin(request)));
            }
        }
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;
    use std::sync::mpsc;

    use super::*;
    use crate::config::Config;
    use crate::net::listener::Listener;

    /// Runs `work` on a thread of its own; `None` when it has not ended after a while.
    fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (done, end) = mpsc::channel();
        std::thread::spawn(move || done.send(work()));
        end.recv_timeout(Duration::from_secs(20)).ok()
    }

    fn dispatch() -> (Arc<Dispatch>, u16) {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let port = listener.port().unwrap();
        (Arc::new(Dispatch::new(Poller::new(vec![listener], Config::default()).unwrap())), port)
    }

    #[test]
    fn a_request_that_another_leader_has_queued_meanwhile_is_taken_and_not_slept_over() {
        let (dispatch, port) = dispatch();
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        // As the covering thread does between a worker's look at the queue and its lead.
        let mut poller = dispatch.try_lead().unwrap();
        while dispatch.ready.is_empty() {
            dispatch.turn(&mut poller, Turn::Wait(Some(Duration::from_millis(5))));
        }
        let exchange = in_time(move || dispatch.lead(poller, &Interrupt::new(dispatch.context().clone())));
        assert!(exchange.expect("the leader fell asleep beside a request").is_some());
    }

    #[test]
    fn an_interrupt_whose_wake_up_another_leader_has_used_is_heard() {
        let (dispatch, _) = dispatch();
        let interrupt = Interrupt::new(dispatch.context().clone());
        interrupt.raise();
        let mut poller = dispatch.try_lead().unwrap();
        dispatch.turn(&mut poller, Turn::Wait(None));
        let exchange = in_time(move || dispatch.lead(poller, &interrupt));
        assert!(exchange.expect("the leader fell asleep though it was called").is_none());
    }
}
