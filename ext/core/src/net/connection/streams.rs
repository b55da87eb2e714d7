//! A connection that speaks HTTP/2, as the poll side drives it. It stays the poll side's: its requests go away one by one, and
//! whoever serves one writes its answer beside the others'.

mod arriving;
mod expiry;
mod gone;
mod jobs;
mod sending;
mod stream;
mod tunnel;

use std::sync::Arc;
use std::time::Duration;

pub(in crate::net) use self::stream::Stream;
use super::life::{Connection, Intake, Life, State, Step, Unread, Verdict};
use crate::http2::frame::{Code, Violation};
use crate::http2::session::Event;
use crate::net::deadlines::NEVER;
use crate::net::http2::{Call, Link, Speech, Stage};
use crate::net::transport::{Came, Wire};

/// For how long a client that is told of the connection's end may open streams, at most: until it must have heard of it.
const LEAVE: Duration = Duration::from_millis(500);
/// What a stream that comes or goes takes of a turn, as bytes: to deal with it takes as long as to read so many, however few it came in.
const STREAM: u64 = 2048;
/// Streams that come or go in one look at a connection, before the next one's turn: a connection's first read may have thousands.
const AT_ONCE: u64 = 64;
/// Bytes that the client has not taken, past which nothing more is read of it.
const UNHEARD: usize = 256 * 1024;

impl Connection {
    /// From its first byte on, or from the one after a PROXY header, it speaks HTTP/2: by the client's word that is to come
    /// next (the preface), whether it was agreed on before (ALPN) or is just known.
    pub(super) fn begin_http2(&self, life: &mut Life) {
        let link = Box::new(Link::new(std::mem::take(&mut life.transport), &self.context.config));
        link.lock().block_due = self.deadline.due();
        if self.link.set(link).is_ok() {
            self.context.stats.http2_connections.add();
            life.state = State::Speaking;
        }
    }

    /// What has come before it was known to be HTTP/2's.
    pub(super) fn listen_first(self: &Arc<Self>, input: &[u8]) {
        if let Some(link) = self.link.get() {
            self.listen(&mut link.lock(), input);
        }
    }

    /// Sends, reads and listens, as far as the socket and the turn's budget let it.
    pub(super) fn speak(self: &Arc<Self>, life: &mut Life, intake: &mut Intake) -> Step {
        let Some(link) = self.link.get() else { return Step::Stop(Verdict::Close) };
        let speech = &mut *link.lock();
        loop {
            if self.context.is_draining() {
                self.retire(speech);
            }
            self.find_places(speech);
            self.pump(speech);
            let is_said = speech.stuck.is_none() && (speech.is_ending || speech.session.is_over());
            if speech.is_lost || is_said {
                return self.fall_silent(life, speech);
            }
            let verdict = match self.hear(life, speech, intake) {
                None => continue,
                Some(verdict) => verdict,
            };
            let _ = self.reckon(speech);
            return Step::Stop(verdict);
        }
    }

    /// Reads once; `None` where that has brought something.
    fn hear(self: &Arc<Self>, life: &mut Life, speech: &mut Speech, intake: &mut Intake) -> Option<Verdict> {
        // What nobody reads the answers of is not read either: there is an event when the socket takes more.
        let is_full = speech.session.out().len() > UNHEARD;
        let has_more = life.unread != Unread::Nothing || !speech.unheard.is_empty();
        if !has_more || speech.is_ending || is_full {
            return Some(Verdict::Wait);
        }
        if intake.is_spent() {
            return Some(Verdict::Again);
        }
        if !speech.unheard.is_empty() {
            let unheard = std::mem::take(&mut speech.unheard);
            let streams = self.listen(speech, &unheard);
            return has_listened(speech, streams, intake);
        }
        let came = Wire { transport: &mut speech.transport, socket: &self.socket }.read(&mut intake.buffer);
        match came {
            Ok(Came::Bytes { length, is_drained }) => {
                intake.spend(length as u64);
                life.has_read(is_drained);
                let streams = self.listen(speech, &intake.buffer[..length]);
                has_listened(speech, streams, intake)
            }
            Ok(Came::Nothing) => {
                life.has_nothing_unread();
                Some(Verdict::Wait)
            }
            Ok(Came::End) if !speech.is_deaf => {
                self.client_says_no_more(speech);
                None
            }
            // Whoever has closed both halves has answered GOAWAY with a reset, which a read does not tell.
            Ok(Came::End) if !self.socket.has_left() => {
                life.has_nothing_unread();
                Some(Verdict::Wait)
            }
            Ok(Came::End) => {
                speech.is_lost = true;
                None
            }
            Err(_) => {
                speech.is_lost = true;
                None
            }
        }
    }

    /// Bytes have come: how often a stream came or went with them. Past some, the rest is left for the next look.
    fn listen(self: &Arc<Self>, speech: &mut Speech, mut input: &[u8]) -> u64 {
        let mut streams = 0;
        speech.session.set_time(self.context.clock.now());
        while !speech.is_ending {
            if streams >= AT_ONCE {
                speech.unheard = input.to_vec();
                break;
            }
            match speech.session.receive(&mut input) {
                Ok(Some(event)) => {
                    streams += u64::from(matches!(event, Event::Head { .. } | Event::Gone { .. } | Event::Refused));
                    self.heard(speech, event);
                }
                Ok(None) => break,
                Err(violation) => self.violated(speech, violation),
            }
        }
        speech.block_due = match speech.session.is_amid() {
            true => speech.block_due.min(self.context.clock.after(self.context.config.header_timeout)),
            false => NEVER,
        };
        streams
    }

    fn heard(self: &Arc<Self>, speech: &mut Speech, event: Event<'_, Call>) {
        match event {
            Event::Head { id, head, ends } => self.head_came(speech, id, head, ends),
            Event::Data { id, data, ends } => self.data_came(speech, id, &data, ends),
            Event::Trailers { id, trailers } => {
                if let Some(call) = speech.session.host(id) {
                    call.trailers = trailers;
                }
                self.body_ended(speech, id);
            }
            Event::Malformed { id, fault } => self.body_malformed(speech, id, fault),
            Event::Gone { host, broken } => {
                if let Some(why) = broken {
                    self.context.stats.http2_errors.add();
                    tracing::debug!(peer = %self.peer(), "a stream is reset: {why}");
                }
                self.is_gone(speech, host);
            }
            Event::Refused => self.context.stats.http2_refused.add(),
            Event::Priority { id, priority } => {
                if let Some(call) = speech.session.host(id) {
                    call.prioritize(priority);
                    // Where it waits for a worker it may have to wait elsewhere.
                    speech.has_changed_queue |= call.stage == Stage::Given;
                }
            }
            Event::Moved => speech.wake(),
            Event::Nothing => {}
        }
    }

    /// The client breaks the protocol in a way that ends the connection.
    fn violated(&self, speech: &mut Speech, violation: Violation) {
        self.tell_violation(violation);
        speech.session.end(violation);
        speech.is_ending = true;
        self.all_are_gone(speech);
    }

    /// No more streams are to be opened; those that have been are answered.
    pub(super) fn retire(&self, speech: &mut Speech) {
        if !speech.session.is_leaving() {
            speech.session.warn();
            speech.leave_due = self.context.clock.after(LEAVE);
            self.hear_of(speech.leave_due);
        }
    }

    /// The client has ended its half. What it has asked for in full it may still wait for, as on HTTP/1; of what it has not said to its
    /// end there will be no more.
    fn client_says_no_more(&self, speech: &mut Speech) {
        speech.is_deaf = true;
        speech.block_due = NEVER;
        let mut cut: Vec<u32> = speech.session.hosts().map(|(id, _)| id).collect();
        cut.retain(|&id| speech.session.is_receiving(id));
        for id in cut {
            if let Some(call) = speech.session.reset(id, Code::Cancel) {
                self.is_gone(speech, call);
            }
        }
        if speech.session.is_idle() {
            // Nobody is there any more, most often.
            speech.is_lost = true;
        } else {
            speech.session.leave();
        }
    }

    /// Nothing is said any more: the connection ends as one of HTTP/1 does.
    fn fall_silent(&self, life: &mut Life, speech: &mut Speech) -> Step {
        let was_lost = speech.is_lost;
        speech.is_lost = true;
        self.all_are_gone(speech);
        life.transport = std::mem::take(&mut speech.transport);
        if was_lost {
            life.state = State::Aborted;
            return Step::Stop(Verdict::Close);
        }
        // It has been told all, and needs none of the places for those who still send.
        life.has_timed_out = true;
        self.close(life);
        Step::Go
    }
}

/// Takes what that took of a turn; a verdict where the rest is for another look.
fn has_listened(speech: &Speech, streams: u64, intake: &mut Intake) -> Option<Verdict> {
    intake.spend(streams * STREAM);
    (!speech.unheard.is_empty()).then_some(Verdict::Again)
}
