//! Leadership: who polls.
//!
//! The poller itself is passed from hand to hand through one place: who has taken it from there leads, who puts it back steps
//! down. Nothing else says who leads, so nothing can disagree.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::gvl_group::GvlGroup;
use super::idle::Idle;
use super::interrupt::Interrupt;
use super::queue::Queue;
use super::serving::AtWork;
use super::tuning::{BROUGHT, GONE_AFTER};
use super::turns::Waiting;
use super::watch::Watch;
use super::yielding::Yielding;
use crate::bell::End;
use crate::error::Fault;
use crate::net::context::{Context, Phase};
use crate::net::exchange::Exchange;
use crate::net::poller::{Brought, Poller, Turn};
use crate::net::request::Request;
use crate::sync::{AtomicBool, Mutex, Ordering};

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

/// The same of a wait that takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// There is a request, unless another worker is quicker ([`Dispatch::take_ready`]).
    Request,
    /// The worker was called ([`Interrupt::raise`]).
    Interrupted,
    /// There will be no more requests.
    Over,
}

/// Hands the lead and the ready requests to workers.
#[derive(Debug)]
pub struct Dispatch {
    context: Arc<Context>,
    ready: Queue,
    /// The one poller, while nobody leads.
    lead: Mutex<Option<Box<Poller>>>,
    pub(super) idle: Idle,
    yielding: Yielding,
    /// There are workers of several GVLs.
    is_shared: AtomicBool,
    end: End,
    /// Sockets and listeners are closed, and who had no answer has got one, as far as there was time for it.
    closed: End,
    pub(super) watch: Watch,
}

impl Dispatch {
    pub(crate) fn new(mut poller: Poller) -> Dispatch {
        poller.set_vital(true);
        let context = poller.context().clone();
        Dispatch {
            ready: Queue::new(context.config.queue_depth),
            context,
            lead: Mutex::new(Some(Box::new(poller))),
            idle: Idle::default(),
            yielding: Yielding::default(),
            is_shared: AtomicBool::new(false),
            end: End::default(),
            closed: End::default(),
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
        self.context.has_worker();
        self.look_if_due();
        if let Some(exchange) = self.next() {
            return Some(exchange);
        }
        let mut poller = self.try_lead()?;
        if self.ready.is_empty() {
            self.turn(&mut poller, Turn::Brief);
        }
        let first = self.next();
        self.share_and_step_down(poller, first.is_some(), self.ready.len());
        first
    }

    /// A request that is ready.
    pub fn take_ready(&self) -> Option<Box<Exchange>> {
        self.next()
    }

    /// A quick look at the sockets though there are requests: without it the fallback poller would have to, woken by each that comes.
    fn look_if_due(&self) {
        if !self.watch.take_due_turn() {
            return;
        }
        if let Some(mut poller) = self.try_lead() {
            self.turn(&mut poller, Turn::Brief);
            self.idle.share(self.ready.len());
            self.step_down(poller);
        }
    }

    /// What `tell` says of the requests that wait, and since when they do; of `most` at most.
    pub(crate) fn queued<R>(&self, most: usize, tell: impl Fn(&Request, u64) -> R) -> Vec<R> {
        self.ready.list(most, |waiting| tell(&waiting.item, waiting.since))
    }

    /// Whether a request waits for a worker, or has one.
    pub fn is_busy(&self) -> bool {
        self.has_ready() || self.context.is_any_running()
    }

    /// Whether a request waits for a worker.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How many requests wait for a worker.
    pub(super) fn ready_now(&self) -> usize {
        self.ready.len()
    }

    /// Whether there are not always as many workers.
    pub(crate) fn varies(&self) -> bool {
        self.watch.varies()
    }

    /// Waits for a request and takes it, leading while nobody else does.
    pub fn take(&self, interrupt: &Interrupt) -> Taken {
        loop {
            match self.wait(interrupt) {
                Awaited::Request => {
                    if let Some(exchange) = self.take_ready() {
                        return Taken::Exchange(exchange);
                    }
                }
                Awaited::Interrupted => return Taken::Interrupted,
                Awaited::Over => return Taken::Over,
            }
        }
    }

    /// Waits for a request, leading while nobody else does, and leaves it where it is: a worker that needs a lock before it can
    /// serve takes it when it has that. Until then the request is one that waits, to those who look, and for `queue_timeout`; and
    /// another worker may have it.
    pub fn wait(&self, interrupt: &Interrupt) -> Awaited {
        self.context.has_worker();
        loop {
            if self.has_ready() {
                return Awaited::Request;
            }
            self.ask_for_lead();
            match self.try_lead() {
                Some(poller) => {
                    if self.lead(poller, interrupt) {
                        return Awaited::Request;
                    }
                }
                None => self.wait_for_work(interrupt),
            }
            if self.is_over_now() {
                return Awaited::Over;
            }
            if interrupt.hear() {
                return Awaited::Interrupted;
            }
        }
    }

    /// The lead, if nobody has it.
    pub(super) fn try_lead(&self) -> Option<Box<Poller>> {
        self.lead.lock().take()
    }

    /// Polls until there is something to do, here or elsewhere. Looked at before the first turn, too: between this worker's
    /// look at the queue and its lead, another leader may have queued a request and found nobody idle to wake, or have
    /// used up the wake-up that came with an interrupt. Only leaders queue requests, so nothing can be missed after that. True
    /// when there is a request: the first is this worker's to take.
    fn lead(&self, mut poller: Box<Poller>, interrupt: &Interrupt) -> bool {
        let goes_on = |poller: &Poller| self.ready.is_empty() && !interrupt.is_raised() && !self.is_over(poller);
        if goes_on(&poller) && self.context.has_siblings() && self.yielding.is_due() {
            self.let_others_run(&mut poller);
        }
        while goes_on(&poller) {
            self.turn(&mut poller, Turn::Wait(None));
        }
        let ready = self.ready.len();
        self.share_and_step_down(poller, ready > 0, ready.saturating_sub(1));
        ready > 0
    }

    /// Others have the processor, if they want it, before this thread falls asleep.
    fn let_others_run(&self, poller: &mut Poller) {
        let began = Instant::now();
        thread::yield_now();
        self.turn(poller, Turn::Brief);
        self.yielding.tell(began.elapsed(), self.ready.len() >= BROUGHT);
    }

    /// Has those requests shared that are left to `others`, and steps down.
    fn share_and_step_down(&self, poller: Box<Poller>, has_own: bool, others: usize) {
        self.idle.share(others);
        self.step_down(poller);
        // Whoever serves a request that takes long should not be the only one to look for others.
        if has_own && self.idle.is_slow() {
            self.idle.wake(1);
        }
    }

    /// Polls once and queues what is ready; what finds no room, or has waited for too long, is refused.
    pub(super) fn turn(&self, poller: &mut Poller, turn: Turn) {
        let mut without_room = Vec::new();
        let waited = self.ready.len();
        self.context.tell_waiting(waited);
        let Brought { ready, has_changed_queue } = poller.turn(self.until_oldest_is_late(turn));
        // Those that were answered in their worker's place leave room for others.
        if has_changed_queue {
            self.ready.keep(Request::waits);
        }
        for request in ready {
            if let Err(one) = self.ready.push(request, self.context.turn_began()) {
                without_room.push(one);
            }
        }
        self.context.look_at_queue(self.ready.len(), waited == 0);
        for request in without_room {
            poller.refuse(&request, Fault::QueueFull);
        }
        let Some(latest) = self.context.turn_began().checked_sub(self.patience()) else { return };
        while let Some(request) = self.ready.pop_older(latest) {
            poller.refuse_late(&request, || self.watch.describe());
        }
    }

    /// The turn, which waits for less when a request that is queued will have waited for too long before: whoever polls in
    /// place of workers leaves requests in the queue.
    fn until_oldest_is_late(&self, turn: Turn) -> Turn {
        let (Turn::Wait(most), Some(since)) = (turn, self.ready.oldest()) else { return turn };
        let left = since.saturating_add(self.patience()).saturating_sub(self.context.clock.now());
        let left = Duration::from_millis(left);
        Turn::Wait(Some(most.map_or(left, |most| most.min(left))))
    }

    /// For how many milliseconds a request may be queued.
    fn patience(&self) -> u64 {
        self.context.config.queue_timeout.as_millis() as u64
    }

    /// Passes the lead on, or ends everything if that was the last turn.
    pub(super) fn step_down(&self, poller: Box<Poller>) {
        if self.is_over(&poller) {
            self.close(poller);
            return;
        }
        *self.lead.lock() = Some(poller);
        // Whoever ends everything says so first, and then closes the poller if it finds it. This side puts it back first, and
        // then looks.
        if self.context.phase() == Phase::Over {
            self.end();
        }
        self.watch.stepped_down();
    }

    pub(super) fn is_over(&self, poller: &Poller) -> bool {
        poller.is_finished() || self.context.phase() == Phase::Over
    }

    fn wait_for_work(&self, interrupt: &Interrupt) {
        self.idle.enter(&interrupt.bell);
        // Looked at after that: whoever brought work, stepped down or ended it all before rang no bell here.
        if self.ready.is_empty() && self.lead.lock().is_none() && !self.is_over_now() {
            interrupt.bell.wait(None);
        }
        self.idle.leave(&interrupt.bell);
    }

    /// The next request that somebody still waits for.
    fn next(&self) -> Option<Box<Exchange>> {
        loop {
            let Waiting { item: request, since } = self.ready.pop()?;
            self.context.tell_waiting(self.ready.len());
            let has_waited = self.context.turn_began().saturating_sub(since) >= GONE_AFTER;
            if request.waits() && !(has_waited && request.is_gone()) {
                return Some(Box::new(Exchange::begin(request)));
            }
        }
    }

    /// Has idle workers serve what is ready.
    pub(super) fn share_all(&self) {
        self.idle.wake(self.ready.len());
    }

    /// A request has been served, in that time. Worth telling only where there are several GVLs, see
    /// [`Dispatch::is_shared`].
    pub fn served(&self, time: Duration) {
        self.idle.served(time);
    }

    /// Whether there are workers of several GVLs, which serve beside each other.
    pub fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    /// Has the fallback poller look after the workers of a group, too ([`GvlGroup::overtake`]).
    pub fn watch_over(&self, group: &Arc<GvlGroup>) {
        let number = self.watch.add(group);
        self.is_shared.store(number > 1, Ordering::Relaxed);
    }

    /// What all workers serve now.
    pub(crate) fn at_work(&self) -> Vec<AtWork> {
        self.watch.at_work()
    }

    /// Waits until everything has ended, for `limit` at most (`None`: for as long as it takes); false when it was called
    /// before ([`Interrupt::raise`]), or the time was over.
    pub fn wait_until_over(&self, interrupt: &Interrupt, limit: Option<Duration>) -> bool {
        interrupt.wait_for_end(&self.end, limit) && self.is_over_now()
    }

    /// Whether everything has ended.
    pub fn is_over_now(&self) -> bool {
        self.end.has_come()
    }

    /// Ends everything: those who wait are told, those who come are too, and connections nobody serves are closed.
    pub fn end(&self) {
        self.tell_end();
        // A leader drops the poller when it steps down; without one, it is here.
        if let Some(poller) = self.try_lead() {
            self.close(poller);
        }
        while self.ready.pop().is_some() {}
    }

    /// Waits until that is done, by whoever had the lead when all was over.
    pub(crate) fn wait_until_closed(&self, interrupt: &Interrupt) {
        interrupt.wait_for_end(&self.closed, None);
    }

    /// Tells everybody that all is over, and leaves it to the fallback poller, or to who leads, to close what there is: that
    /// may take long.
    pub(crate) fn tell_end(&self) {
        self.context.enter(Phase::Over);
        self.context.helpers.end();
        self.context.shakers.end();
        self.end.come();
        self.idle.wake(usize::MAX);
        self.watch.wake();
    }

    /// Sockets and listeners close with the poller. Nobody waits in its poll now, so nobody has to be woken from it.
    fn close(&self, mut poller: Box<Poller>) {
        self.tell_end();
        poller.set_vital(false);
        drop(poller);
        self.context.close_waker();
        while self.ready.pop().is_some() {}
        self.closed.come();
    }
}

impl Drop for Dispatch {
    fn drop(&mut self) {
        self.end();
    }
}
