//! What is noted of a request for the account of it.

use super::Exchange;
use crate::error::Fault;
use crate::http::encode::{OwnFields, Timing};
use crate::http::plan::Plan;
use crate::net::account::{Account, CLIENT_LEFT, End, Noted, TAKEN};

impl Exchange {
    /// A worker of that number serves it.
    pub fn served_by(&mut self, worker: u64) {
        self.noted.worker = worker;
        self.line.is_served_by(worker);
    }

    /// When it was taken, in microseconds of the engine's clock, where that was noted.
    pub fn taken(&self) -> Option<u64> {
        (self.noted.taken > 0).then_some(self.noted.taken)
    }

    /// The head of its answer has been made, of so many bytes: it is what is sent next.
    pub fn begins(&mut self, plan: Plan, head: usize) {
        self.noted =
            Noted { status: plan.status, head: head as u64, headed: self.context.time_to_note(), ..self.noted };
        self.line.begins(head, plan.framing);
    }

    /// All of its answer was one write, right behind its head.
    pub(in crate::net) fn is_sent_at_once(&mut self) {
        if !self.is_blocked() {
            self.noted.over = self.noted.headed;
        }
    }

    /// The id that the request is known by, where requests have one.
    pub fn request_id(&self) -> Option<&[u8]> {
        self.context.id_of(self.head.as_deref(), self.made_id.as_ref())
    }

    /// What the server has to say of the request in its answer's head, which is about to be made.
    pub fn own_fields(&self) -> OwnFields {
        let timing = self.context.config.server_timing.then(|| Timing {
            queue: self.noted.taken.saturating_sub(self.noted.ready),
            app: self.context.clock.micros().saturating_sub(self.noted.taken),
        });
        OwnFields { request_id: self.request_id().map(Into::into), timing }
    }

    /// Counts what the client did wrong.
    pub(super) fn tell_fault(&mut self, fault: Fault) {
        self.noted.fault = Some(fault);
        self.context.tell_refusal(fault, self.line.peer());
    }

    /// It is over: the account of it.
    pub(super) fn account(&self, end: End) {
        let over = if end == End::Whole { self.noted.over } else { 0 };
        self.context.account_since(over, |now| {
            let is_unanswered = end == End::Cut && self.noted.sent == 0;
            let status = match self.noted.status {
                0 if end == End::Taken && self.asked.is_extended => 200,
                0 if end == End::Taken => TAKEN,
                _ if is_unanswered && self.is_client_gone() => CLIENT_LEFT,
                _ if is_unanswered => 0,
                status => status,
            };
            let flood = self.line.flood().filter(|_| status == CLIENT_LEFT);
            let noted = Noted { status, fault: flood.map(Fault::Flood).or(self.noted.fault), ..self.noted };
            let account = noted.account(self.head(), self.line.peer(), end, now);
            Account { request_id: self.request_id(), ..account }
        });
    }
}
