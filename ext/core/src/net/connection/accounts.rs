//! Accounts of requests that end on the poll side: those that never reach a worker, those that are answered in its place, and
//! those whose answer it sends on.

use std::sync::atomic::Ordering::Relaxed;

use super::life::{Connection, Life};
use crate::error::Fault;
use crate::http::head::Head;
use crate::http::receive::Progress;
use crate::net::account::{Account, CLIENT_LEFT, End, Noted, Times};
use crate::net::overdue::Overdue;

impl Connection {
    /// Of the request that has just been answered with a fault, whose text has so many bytes.
    pub(super) fn account_of_fault(&self, life: &Life, fault: Fault, sent: u64) {
        self.account(life, Noted { status: fault.status(), fault: Some(fault), sent, ..Noted::default() }, End::Whole);
    }

    /// Of the request whose client has left before it was complete. Nothing but empty lines is no request.
    pub(super) fn account_of_leaving(&self, life: &Life) {
        if life.receiver.progress() != Progress::Idle {
            self.account(life, Noted { status: CLIENT_LEFT, ..Noted::default() }, End::Cut);
        }
    }

    /// Keeps the request that was taken back for whoever looks after its worker, if one has it.
    pub(super) fn tell_overdue(&self, life: &Life) {
        let (worker, request) = (self.worker.load(Relaxed), life.receiver.seen().head().map(Head::describe));
        if let Some(request) = request.filter(|_| worker > 0) {
            self.context.overdue.add(self.context.clock.now(), Overdue { worker, request, right: self.right() });
        }
    }

    /// Of one that was taken back, and got no answer by a fault of Kino's own.
    pub(super) fn account_of_loss(&self, life: &Life) {
        self.account(life, Noted::default(), End::Cut);
    }

    /// Of the request whose answer was sent on, if that was one of a worker's: it counts as answered only now.
    pub(super) fn account_of_rest(&self, life: &mut Life, end: End) {
        if let Some(mut noted) = life.remainder.noted.take() {
            if end == End::Whole {
                self.context.stats.answered.add();
            }
            noted.sent += life.remainder.sent;
            self.context.account(|now| {
                let account = noted.account_of(life.receiver.seen(), self.peer(), end, now);
                Account { request_id: self.id_of(life), ..account }
            });
        }
    }

    fn id_of<'i>(&self, life: &'i Life) -> Option<&'i [u8]> {
        self.context.id_of(life.receiver.seen().head(), life.made_id.as_ref())
    }

    /// A request that was not complete, and so was never handed over, has no times.
    fn account(&self, life: &Life, noted: Noted, end: End) {
        self.context.account(|now| {
            let (ready, taken, worker) = (life.ready, self.taken.load(Relaxed), self.worker.load(Relaxed));
            let noted = Noted { ready, taken, worker, ..noted };
            let account = noted.account_of(life.receiver.seen(), self.peer(), end, now);
            let account = Account { request_id: self.id_of(life), ..account };
            if ready > 0 { account } else { Account { times: Times::default(), worker: None, ..account } }
        });
    }
}

/// Whatever has ended it, such as the end of the engine.
impl Drop for Connection {
    fn drop(&mut self) {
        let life = &mut *self.life.lock();
        if life.remainder.noted.is_some() {
            self.context.stats.aborted.add();
        }
        self.account_of_rest(life, End::Cut);
    }
}
