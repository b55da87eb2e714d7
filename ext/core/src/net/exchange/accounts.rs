//! What is noted of a request for the account of it.

use std::sync::atomic::Ordering;

use super::Exchange;
use crate::error::Fault;
use crate::net::account::{CLIENT_LEFT, End, Noted, TAKEN};

impl Exchange {
    /// A worker of that number serves it.
    pub fn served_by(&mut self, worker: u64) {
        self.noted.worker = worker;
        self.connection.worker.store(worker, Ordering::Relaxed);
    }

    /// The head of its answer has been made, with that status and of so many bytes: it is what is sent next.
    pub fn begins(&mut self, status: u16, head: usize) {
        self.noted = Noted { status, head: head as u64, headed: self.context.time_to_note(), ..self.noted };
    }

    /// Counts what the client did wrong.
    pub(super) fn tell_fault(&mut self, fault: Fault) {
        self.noted.fault = Some(fault);
        self.context.tell_refusal(fault, self.connection.peer());
    }

    /// It is over: the account of it.
    pub(super) fn account(&self, end: End) {
        self.context.account(|now| {
            let is_unanswered = end == End::Cut && self.noted.sent == 0;
            let status = match self.noted.status {
                0 if end == End::Taken => TAKEN,
                _ if is_unanswered && self.is_client_gone() => CLIENT_LEFT,
                _ if is_unanswered => 0,
                status => status,
            };
            Noted { status, ..self.noted }.account(self.head(), self.connection.peer(), end, now)
        });
    }
}
