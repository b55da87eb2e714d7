//! Streams that end before their answers do, and the accounts of requests that end on the poll side.

use std::sync::atomic::Ordering::Relaxed;

use super::super::life::Connection;
use crate::error::Fault;
use crate::http2::frame::Violation;
use crate::net::account::{Account, CLIENT_LEFT, End, Noted, Times};
use crate::net::http2::{Call, Remainder, Speech, Stage};
use crate::net::overdue::Overdue;

impl Connection {
    /// A stream is there no more, and nobody waits for its answer.
    pub(super) fn is_gone(&self, speech: &mut Speech, mut call: Call) {
        speech.forget_held(call.held);
        match call.stage {
            Stage::Arriving | Stage::Found => {
                call.ready = 0;
                self.account_of_call(&call, self.noted_of_gone(), End::Cut);
            }
            // Whoever has it finds out.
            Stage::Given if call.served.is_taken.load(Relaxed) => {}
            Stage::Given => {
                if call.right.begin() {
                    speech.has_changed_queue = true;
                    self.context.stats.gone.add();
                    self.account_of_call(&call, self.noted_of_gone(), End::Cut);
                }
            }
            Stage::Leaving => {
                if let Some(remainder) = call.remainder.take() {
                    self.context.stats.aborted.add();
                    self.account_of_rest_of(*remainder, End::Cut);
                }
            }
            Stage::Taken => call.tunnel.iter().for_each(|tunnel| tunnel.cut()),
        }
        call.served.tell();
    }

    /// The connection is there no more.
    pub(super) fn all_are_gone(&self, speech: &mut Speech) {
        for call in speech.session.take_all() {
            self.is_gone(speech, call);
        }
        self.leave_line(speech);
        speech.leaving.clear();
        speech.found.clear();
    }

    /// It is about to be closed: a client that can still hear that hears what was taken of it.
    pub(in crate::net) fn say_goodbye(&self) {
        if let Some(link) = self.link.get() {
            let speech = &mut *link.lock();
            speech.session.leave();
            self.push_out(speech);
        }
    }

    /// The same at once, whoever is at it.
    pub(in crate::net) fn hang_up(&self) {
        if let Some(link) = self.link.get() {
            let speech = &mut *link.lock();
            speech.is_lost = true;
            self.all_are_gone(speech);
        }
    }

    /// Counts it, and tells whoever runs the server of what looks like an attack.
    pub(super) fn tell_violation(&self, violation: Violation) {
        let stats = &self.context.stats;
        let Violation { code, why, flood } = violation;
        tracing::debug!(peer = %self.peer(), ?code, "a connection of HTTP/2 ends: {why}");
        let Some(flood) = flood else { return stats.http2_errors.add() };
        stats.count_refusal(Fault::Flood(flood));
        if let Some(link) = self.link.get() {
            link.is_flooded(flood);
        }
        if self.context.may_name(why) {
            tracing::warn!(peer = %self.peer(), "a connection of HTTP/2 was ended: {why} ({})", flood.setting());
        }
    }

    /// What is written of a request whose client has left, or was sent away.
    fn noted_of_gone(&self) -> Noted {
        let flood = self.link.get().and_then(|link| link.flood());
        Noted { status: CLIENT_LEFT, fault: flood.map(Fault::Flood), ..Noted::default() }
    }

    pub(super) fn account_of_refusal(&self, call: &Call, fault: Fault, sent: u64) {
        let noted = Noted { status: fault.status(), fault: Some(fault), sent, ..Noted::default() };
        self.account_of_call(call, noted, End::Whole);
    }

    /// Of a request whose answer was sent on, if that was one of a worker's: it counts as answered only now.
    pub(super) fn account_of_rest_of(&self, remainder: Remainder, end: End) {
        let Remainder { head, made_id, completion, noted, sent, .. } = remainder;
        if let Some(mut noted) = noted {
            if end == End::Whole {
                self.context.stats.answered.add();
            }
            noted.sent += sent;
            self.context.account(|now| {
                let account = noted.account(&head, self.peer(), end, now);
                Account { request_id: self.context.id_of(Some(&head), made_id.as_ref()), ..account }
            });
        }
        if let Some(completion) = completion.filter(|_| end == End::Whole) {
            completion.sent();
        }
    }

    /// Keeps a request that was taken back for whoever looks after its worker, if one has it.
    pub(super) fn tell_overdue_call(&self, call: &Call) {
        let worker = call.served.worker.load(Relaxed);
        if worker > 0 {
            let one = Overdue { worker, request: call.head.describe(), right: call.right.clone() };
            self.context.overdue.add(self.context.clock.now(), one);
        }
    }

    /// One that was never handed over has no times.
    fn account_of_call(&self, call: &Call, noted: Noted, end: End) {
        self.context.account(|now| {
            let (taken, worker) = (call.served.taken.load(Relaxed), call.served.worker.load(Relaxed));
            let noted = Noted { ready: call.ready, taken, worker, ..noted };
            let account = noted.account(&call.head, self.peer(), end, now);
            let account =
                Account { request_id: self.context.id_of(Some(&call.head), call.made_id.as_ref()), ..account };
            if call.ready > 0 { account } else { Account { times: Times::default(), worker: None, ..account } }
        });
    }
}
