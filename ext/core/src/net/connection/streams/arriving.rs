//! Requests of streams on their way in.

use std::io::IoSlice;
use std::sync::Arc;

use super::super::life::Connection;
use super::jobs::SpoolJob;
use crate::error::Fault;
use crate::http::framing::{Framing, Length};
use crate::http::head::{Head, Version};
use crate::http::plan::{Asked, BodyFraming};
use crate::http::{date, encode, target};
use crate::http2::frame::Code;
use crate::http2::priority::Priority;
use crate::net::context::StreamingPlace;
use crate::net::deadlines::NEVER;
use crate::net::http2::{Answer, Call, HELD, Speech, Stage};

/// Requests that one connection's workers may still have though their streams are there no more, for each stream that there may be.
const LEFT_BEHIND: usize = 2;

impl Connection {
    pub(super) fn head_came(
        self: &Arc<Self>,
        speech: &mut Speech,
        id: u32,
        head: Result<(Head, Framing), Fault>,
        ends: bool,
    ) {
        self.count_opened(speech);
        let (head, framing) = match head {
            Ok(head) => head,
            Err(fault) => {
                if let Some(call) = speech.session.host(id) {
                    call.head = Arc::new(Head::assemble(Version::Http2, b"", b"", std::iter::empty()));
                }
                return self.refuse(speech, id, fault);
            }
        };
        let Some(link) = self.link.get() else { return };
        if link.busy() >= self.context.config.http2_max_streams.saturating_mul(LEFT_BEHIND) {
            self.context.stats.http2_refused.add();
            drop(speech.session.reset(id, Code::RefusedStream));
            return;
        }
        let made_id = self.context.make_id(Some(&head));
        let early = speech.session.early_priority(id);
        let Some(call) = speech.session.host(id) else { return };
        call.prioritize(early.or_else(|| head.field("priority").map(Priority::of)).unwrap_or_default());
        call.head = Arc::new(head);
        call.framing = Some(framing);
        call.made_id = made_id;
        if self.asks_for_health(call) {
            return self.answer_health(speech, id);
        }
        // What comes on a stream that is to be a tunnel is no body.
        if ends || call.head.is_extended_connect() {
            self.is_complete(speech, id);
        } else {
            self.body_begins(speech, id, framing);
        }
    }

    /// Of so many requests one connection may have.
    fn count_opened(&self, speech: &mut Speech) {
        speech.opened += 1;
        let is_last = self.context.config.max_keepalive_requests.is_some_and(|most| speech.opened >= most);
        if is_last && !speech.session.is_leaving() {
            self.context.stats.max_keepalive_requests.add();
            self.retire(speech);
        }
    }

    fn body_begins(&self, speech: &mut Speech, id: u32, framing: Framing) {
        let config = &self.context.config;
        let Some(call) = speech.session.host(id) else { return };
        if let Length::Known(length) = framing.length {
            if let Err(fault) = call.spool.expect(length, &config.limits) {
                return self.refuse(speech, id, fault);
            }
        }
        call.since = self.context.clock.now();
        call.due = self.body_pace().due(0, call.since, call.since);
        let path = target::split(call.head.target()).map_or(&b""[..], |target| target.path);
        if config.streaming.includes(path) {
            call.wants_continue = framing.expects_continue;
            if let Some(place) = self.context.take_streaming_place() {
                return self.streams(speech, id, place);
            }
            call.wants_continue = false;
            call.wants_place = true;
            speech.is_in_line = true;
        }
        if framing.expects_continue {
            speech.session.head(id, encode::CONTINUE, false);
        }
    }

    /// It is served while its body arrives, unless too much of that has come meanwhile.
    fn streams(&self, speech: &mut Speech, id: u32, place: StreamingPlace) {
        let Some(call) = speech.session.host(id) else { return };
        call.wants_place = false;
        if !call.is_spooling && call.spool.stream() {
            call.place = Some(place);
            call.is_streamed = true;
            self.is_complete(speech, id);
        }
    }

    /// Serves those that wait for a place to be, as far as there are any.
    pub(super) fn find_places(&self, speech: &mut Speech) {
        if !speech.is_in_line {
            return;
        }
        // One of which too much has come, or that is at a helper's, is for a file: a place is nothing to it.
        let waits = |call: &mut Call| {
            call.wants_place &= call.stage == Stage::Arriving && !call.is_spooling && call.spool.may_stream();
            call.wants_place
        };
        let mut ids: Vec<u32> = speech.session.hosts().filter_map(|(id, call)| waits(call).then_some(id)).collect();
        ids.sort_unstable();
        let mut is_entered = false;
        let mut waiting = ids.into_iter().peekable();
        while let Some(&id) = waiting.peek() {
            if let Some(place) = self.context.take_streaming_place() {
                self.streams(speech, id, place);
                waiting.next();
            } else if is_entered {
                return;
            } else {
                self.context.wait_for_streaming_place(self.key);
                is_entered = true;
            }
        }
        self.leave_line(speech);
    }

    /// None of them waits any more.
    pub(super) fn leave_line(&self, speech: &mut Speech) {
        if std::mem::take(&mut speech.is_in_line) {
            self.context.leave_streaming_place(self.key);
        }
    }

    pub(super) fn data_came(self: &Arc<Self>, speech: &mut Speech, id: u32, data: &[u8], ends: bool) {
        let Some(link) = self.link.get() else { return };
        let Some(call) = speech.session.host(id) else { return };
        if call.head.is_extended_connect() {
            return self.tunneled(speech, id, data, ends);
        }
        call.came += data.len() as u64;
        if call.is_streamed {
            // Whoever reads it opens the stream's window again.
            call.wants_continue = false;
            call.served.tell();
            let written = call.spool.write(data, link.limits());
            speech.session.give_connection(data.len());
            if let Err(fault) = written {
                self.body_malformed(speech, id, fault);
            }
            return;
        }
        if call.stage != Stage::Arriving {
            // It has been answered before it had come.
            return speech.session.give_connection(data.len());
        }
        call.held += data.len();
        let written = if call.is_spooling {
            call.pending.extend_from_slice(data);
            call.spool.expect(call.came, link.limits())
        } else {
            call.spool.write(data, link.limits())
        };
        call.due = self.body_pace().due(call.came, call.since, self.context.clock.now());
        speech.held += data.len();
        if let Err(fault) = written {
            return self.refuse(speech, id, fault);
        }
        if ends {
            return self.body_ended(speech, id);
        }
        self.spool_if_long(speech, id);
        // Many that are short would keep the window closed as well.
        if speech.held > HELD {
            let all: Vec<u32> = speech.session.hosts().filter(|(_, call)| call.held > 0).map(|(id, _)| id).collect();
            for id in all {
                if let Some(call) = speech.session.host(id).filter(|call| !call.is_spooling) {
                    call.spool.lengthen();
                }
                self.spool_if_long(speech, id);
            }
        }
    }

    /// All of a body has come.
    pub(super) fn body_ended(self: &Arc<Self>, speech: &mut Speech, id: u32) {
        let Some(call) = speech.session.host(id) else { return };
        if call.is_streamed || call.stage != Stage::Arriving {
            return call.served.tell();
        }
        // The helper that has it goes on.
        if !call.is_spooling && !self.spool_if_long(speech, id) {
            self.is_complete(speech, id);
        }
    }

    /// Leaves a body to a helper, if it is one for a file.
    fn spool_if_long(self: &Arc<Self>, speech: &mut Speech, id: u32) -> bool {
        let Some(call) = speech.session.host(id).filter(|call| call.stage == Stage::Arriving) else { return false };
        let is_due = !call.is_spooling && call.spool.has_to_spill();
        if is_due {
            call.is_spooling = true;
            self.context.helpers.put(Arc::new(SpoolJob::new(self, id)));
        }
        is_due
    }

    /// The client has done wrong after the head.
    pub(super) fn body_malformed(&self, speech: &mut Speech, id: u32, fault: Fault) {
        let Some(call) = speech.session.host(id) else { return };
        if call.stage == Stage::Arriving {
            return self.refuse(speech, id, fault);
        }
        // Whoever reads it is told, and answers.
        call.fault.get_or_insert(fault);
        call.served.tell();
    }

    /// It can be served: whoever polls hands it over.
    pub(super) fn is_complete(&self, speech: &mut Speech, id: u32) {
        let Some(call) = speech.session.host(id) else { return };
        // No more than a number in the kernel: nobody waits for a disk.
        if let Err(fault) = call.spool.rewind() {
            return self.refuse(speech, id, fault);
        }
        call.stage = Stage::Found;
        call.ready = self.context.turn_began_micros().max(1);
        call.due = self.context.config.request_timeout.map_or(NEVER, |limit| self.context.clock.after(limit));
        speech.found.push(id);
        speech.release_held(id);
    }

    /// Answers a request with a fault.
    pub(super) fn refuse(&self, speech: &mut Speech, id: u32, fault: Fault) {
        self.context.tell_refusal(fault, self.peer());
        let Some(call) = speech.session.host(id) else { return };
        call.place = None;
        call.stage = Stage::Leaving;
        if call.ready == 0 && call.made_id.is_none() {
            call.made_id = self.context.make_id(None);
        }
        let request_id = self.context.id_of(Some(&call.head), call.made_id.as_ref());
        let answer = encode::refusal(fault, call.head.is_head(), request_id, &date::format(date::now()));
        self.account_of_refusal(call, fault, answer.body() as u64);
        let is_malformed = matches!(fault, Fault::Malformed(_));
        // What is malformed is an error of its stream, answer or no answer (RFC 9113 section 8.1.1).
        call.answer = Answer::of(
            answer.head,
            match is_malformed {
                true => BodyFraming::UntilEnd,
                false => BodyFraming::Sized(answer.body() as u64),
            },
        );
        speech.release_held(id);
        if is_malformed {
            let _ = speech.write(id, &[IoSlice::new(&answer.bytes)]);
            drop(speech.session.reset(id, Code::Protocol));
        } else {
            self.send_own(speech, id, &answer.bytes);
        }
    }

    fn asks_for_health(&self, call: &Call) -> bool {
        let Some(health_path) = &self.context.config.health_path else { return false };
        matches!(call.head.method(), b"GET" | b"HEAD")
            && !call.head.is_extended_connect()
            && target::split(call.head.target()).is_some_and(|target| target.path == health_path.as_slice())
    }

    fn answer_health(&self, speech: &mut Speech, id: u32) {
        let Some(call) = speech.session.host(id) else { return };
        let asked = Asked::of(&call.head, true);
        let (bytes, plan) = encode::health(&self.context.is_ready(), asked, &date::format(date::now()));
        let head = memchr::memmem::find(&bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        call.stage = Stage::Leaving;
        call.answer = Answer::of(head, plan.framing);
        self.context.stats.health.add();
        self.send_own(speech, id, &bytes);
    }
}
