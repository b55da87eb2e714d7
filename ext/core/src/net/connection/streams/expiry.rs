//! Deadlines of a connection that speaks HTTP/2: each stream has one, and the connection the earliest.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::super::life::Connection;
use crate::error::Fault;
use crate::http2::frame::Code;
use crate::net::account::End;
use crate::net::deadlines::NEVER;
use crate::net::http2::{Call, Speech, Stage};
use crate::net::survey::{InFlight, Stage as Standing};

impl Connection {
    /// Sets the connection's deadline to the earliest that there is; whether the poll side, if it is not the one who asks, has to hear
    /// of that.
    pub(super) fn reckon(&self, speech: &mut Speech) -> bool {
        let config = &self.context.config;
        let mut due = speech.block_due.min(speech.leave_due).min(speech.stuck.map_or(NEVER, |stuck| stuck.due));
        due = due.min(speech.session.due().unwrap_or(NEVER));
        if speech.session.is_idle() {
            // Whatever else the client says, only what it asks for keeps the connection.
            let opened = speech.session.last_opened();
            let idle = speech.idle.filter(|&(before, _)| before == opened);
            let idle = idle.unwrap_or_else(|| (opened, self.context.clock.after(config.keepalive_timeout)));
            speech.idle = Some(idle);
            if due == NEVER {
                due = idle.1;
            }
        } else {
            speech.idle = None;
            due = speech.session.hosts().map(|(_, call)| call.due).fold(due, u64::min);
        }
        self.deadline.set(due)
    }

    /// Something is due then: the poll side is told if it would come too late. For whoever has the lock.
    pub(super) fn hear_of(&self, due: u64) {
        if due < self.deadline.due() && self.deadline.set(due) {
            self.context.note(self.key);
        }
    }

    /// Deals with all that is due.
    pub(in crate::net) fn expire_streams(&self) {
        let Some(link) = self.link.get() else { return };
        let speech = &mut *link.lock();
        let now = self.context.clock.now();
        if speech.stuck.is_some_and(|stuck| stuck.due <= now) {
            self.context.stats.write_timeout.add();
            self.socket.reset_on_close();
            speech.is_lost = true;
            return;
        }
        speech.session.set_time(now);
        if speech.session.open_late(now) {
            speech.wake();
        }
        if speech.leave_due <= now {
            speech.leave_due = NEVER;
            speech.session.leave();
        }
        if speech.block_due <= now {
            speech.block_due = NEVER;
            self.context.stats.count_refusal(Fault::HeadTimeout);
            self.end_politely(speech);
        }
        let is_idle = speech.session.is_idle() && !speech.session.is_leaving() && !speech.session.is_amid();
        if is_idle && speech.idle.is_some_and(|(_, due)| due <= now) {
            self.context.stats.keepalive_timeout.add();
            self.end_politely(speech);
        }
        let due: Vec<u32> = speech.session.hosts().filter(|(_, call)| call.due <= now).map(|(id, _)| id).collect();
        due.into_iter().for_each(|id| self.expire_stream(speech, id));
    }

    /// The client hears that it is over, and the connection ends when all there is has been sent.
    fn end_politely(&self, speech: &mut Speech) {
        speech.session.leave();
        speech.is_ending |= speech.session.is_idle();
    }

    fn expire_stream(&self, speech: &mut Speech, id: u32) {
        let Some(call) = speech.session.host(id) else { return };
        call.due = NEVER;
        match call.stage {
            Stage::Arriving => self.refuse(speech, id, Fault::BodyTimeout),
            Stage::Taken => self.cut_tunnel(speech, id, Code::Cancel),
            // It is about to be handed over, and looked at again then.
            Stage::Found => {}
            Stage::Given => {
                if call.right.take_back() {
                    speech.has_changed_queue = true;
                    self.take_call_back(speech, id, Fault::RequestTimeout);
                }
            }
            Stage::Leaving => {
                // A helper that has it finds out.
                let remainder = call.remainder.take();
                self.context.stats.write_timeout.add();
                if let Some(remainder) = remainder {
                    self.context.stats.aborted.add();
                    self.account_of_rest_of(*remainder, End::Cut);
                }
                speech.release_held(id);
                drop(speech.session.reset(id, Code::Cancel));
            }
        }
    }

    /// Answers a request, whose right has been taken back, in the place of whoever has it.
    pub(super) fn take_call_back(&self, speech: &mut Speech, id: u32, fault: Fault) {
        if let Some(call) = speech.session.host(id) {
            if fault == Fault::RequestTimeout {
                self.tell_overdue_call(call);
            }
        }
        let served = speech.session.host(id).map(|call| call.served.clone());
        self.refuse(speech, id, fault);
        if let Some(served) = served {
            served.tell();
        }
    }

    /// Takes all requests back that nobody has begun to answer: whether there were any.
    pub(in crate::net) fn take_all_back(&self, fault: Fault) -> bool {
        let Some(link) = self.link.get() else { return false };
        let speech = &mut *link.lock();
        let waits = |call: &mut Call| match call.stage {
            Stage::Found => {
                call.ready = 0;
                true
            }
            Stage::Given => call.right.take_back(),
            Stage::Arriving | Stage::Leaving | Stage::Taken => false,
        };
        let all: Vec<u32> = speech.session.hosts().filter_map(|(id, call)| waits(call).then_some(id)).collect();
        all.iter().for_each(|&id| self.take_call_back(speech, id, fault));
        if fault == Fault::Stopping {
            // Nothing more is read: it could only be lost.
            speech.session.leave();
            speech.is_ending = true;
            return true;
        }
        !all.is_empty()
    }

    /// Whether nothing of a request has come, and nothing is to be sent.
    pub(in crate::net) fn is_silent(&self) -> bool {
        let Some(speech) = self.link.get().and_then(|link| link.try_lock()) else { return false };
        let has_heard_all = !speech.session.is_amid() && speech.unheard.is_empty();
        speech.session.is_idle() && has_heard_all && speech.session.out().is_empty()
    }

    /// What of requests is still coming, or of answers leaving.
    pub(in crate::net) fn streams_in_flight(&self, now: u64) -> Vec<InFlight> {
        let Some(mut speech) = self.link.get().and_then(|link| link.try_lock()) else { return Vec::new() };
        let peer = Some(self.peer());
        let tell = |call: &Call| {
            let rest = call.remainder.as_ref();
            let (stage, since, worker) = match call.stage {
                Stage::Arriving => (Standing::Reading, call.since, 0),
                Stage::Found | Stage::Given | Stage::Taken => return None,
                Stage::Leaving => {
                    (Standing::Writing, rest.map_or(now, |rest| rest.since), call.served.worker.load(Relaxed))
                }
            };
            let age = Duration::from_millis(now.saturating_sub(since));
            let head = rest.map_or(&call.head, |rest| &rest.head);
            Some(InFlight { stage, age, worker, peer, request: head.describe() })
        };
        speech.session.hosts().filter_map(|(_, call)| tell(call)).collect()
    }
}
