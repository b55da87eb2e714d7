//! Frames on their way out, and what of answers waits for room.

use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;

use super::super::life::Connection;
use super::jobs::FileJob;
use crate::http2::frame::Code;
use crate::net::account::End;
use crate::net::http2::{Remainder, Speech, Stage, Stuck};
use crate::net::transport::Wire;
use crate::net::unsent::{Flushed, Outlet, Unsent};

/// Bytes of one answer before the next one's turn: a frame.
const QUANTUM: u64 = 16 * 1024;

/// A stream, while its connection's lock is held.
struct Locked<'s> {
    speech: &'s mut Speech,
    id: u32,
}

impl Outlet for Locked<'_> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        Ok(Some(self.speech.write(self.id, parts)?).filter(|&taken| taken > 0))
    }

    fn send_file(&mut self, _: &File, _: u64, _: usize) -> io::Result<Option<usize>> {
        // A disk is not waited for with the lock: see `FileJob`.
        Ok(None)
    }
}

impl Connection {
    /// Gives the socket what it takes.
    pub(super) fn push_out(&self, speech: &mut Speech) {
        let mut moved = 0;
        while !speech.is_lost && !speech.session.out().is_empty() {
            let Speech { transport, session, .. } = speech;
            let written = Wire { transport, socket: &self.socket }.write(&[IoSlice::new(session.out())]);
            match written {
                Ok(Some(length)) => {
                    moved += length as u64;
                    session.has_sent(length);
                }
                Ok(None) => break,
                Err(_) => self.is_broken(speech),
            }
        }
        let Speech { transport, session, .. } = speech;
        let is_out = session.out().is_empty() && Wire { transport, socket: &self.socket }.flush().unwrap_or(true);
        if is_out {
            speech.stuck = None;
        } else if moved > 0 || speech.stuck.is_none() {
            let now = self.context.clock.now();
            let before = speech.stuck.unwrap_or(Stuck { since: now, sent: 0, due: 0 });
            let sent = before.sent + moved;
            let due = self.write_pace().due(sent, before.since, now);
            speech.stuck = Some(Stuck { sent, due, ..before });
            self.hear_of(due);
        }
        // What is left of a window may wait for more.
        if let Some(due) = speech.session.due() {
            self.hear_of(due);
        }
        if moved > 0 {
            speech.wake();
        }
    }

    /// Sends what waits of answers that nobody serves any more, as far as there is room: the most urgent first, and of those that are
    /// equally urgent one after the other, or a frame of each where their clients can use parts (RFC 9218 section 10).
    pub(super) fn pump(self: &Arc<Self>, speech: &mut Speech) {
        let Speech { leaving, session, .. } = speech;
        leaving.retain(|&id| session.host(id).is_some());
        loop {
            while let Some(id) = speech.next_to_leave() {
                self.pump_one(speech, id);
            }
            let waited = speech.session.out().len();
            self.push_out(speech);
            if speech.leaving.is_empty() || speech.session.out().len() == waited || speech.is_lost {
                return;
            }
        }
    }

    fn pump_one(self: &Arc<Self>, speech: &mut Speech, id: u32) {
        let Some(call) = speech.session.host(id) else { return };
        if call.remainder.as_ref().is_some_and(|remainder| remainder.unsent.has_files()) {
            return self.context.helpers.put(Arc::new(FileJob::new(self, id)));
        }
        let is_incremental = call.priority.is_incremental;
        let Some(mut remainder) = call.remainder.take() else { return };
        let before = remainder.unsent.len();
        let flushed = remainder.unsent.write_to(&mut Locked { speech, id }, QUANTUM);
        let moved = before - remainder.unsent.len();
        self.has_pumped(speech, id, remainder, flushed, moved);
        if !is_incremental && speech.leaving.back() == Some(&id) {
            speech.leaving.rotate_right(1);
        }
    }

    /// So much of what is left has been sent.
    pub(super) fn has_pumped(
        &self,
        speech: &mut Speech,
        id: u32,
        mut remainder: Box<Remainder>,
        flushed: io::Result<Flushed>,
        moved: u64,
    ) {
        remainder.sent += moved;
        let now = self.context.clock.now();
        let Some(call) = speech.session.host(id) else {
            self.context.stats.aborted.add();
            return self.account_of_rest_of(*remainder, End::Cut);
        };
        if moved > 0 {
            call.due = self.write_pace().due(remainder.sent, remainder.since, now);
        }
        match flushed {
            Ok(Flushed::All) => {
                speech.end_answer(id);
                self.account_of_rest_of(*remainder, End::Whole);
                self.conclude(speech, id);
            }
            Ok(Flushed::Some | Flushed::Blocked) => {
                call.remainder = Some(remainder);
                speech.leaving.push_back(id);
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::WriteZero {
                    tracing::warn!("a file became shorter while it was sent; its stream is reset");
                }
                self.context.stats.aborted.add();
                self.account_of_rest_of(*remainder, End::Cut);
                drop(speech.session.reset(id, Code::Internal));
            }
        }
    }

    /// Sends a whole answer of the server's own.
    pub(super) fn send_own(&self, speech: &mut Speech, id: u32, bytes: &[u8]) {
        let Ok(taken) = speech.write(id, &[IoSlice::new(bytes)]) else { return };
        if taken == bytes.len() {
            return self.conclude(speech, id);
        }
        let Some(call) = speech.session.host(id) else { return };
        let remainder = Remainder {
            head: call.head.clone(),
            made_id: call.made_id,
            unsent: Unsent::of(&bytes[taken..], &self.context.kept),
            completion: None,
            noted: None,
            since: self.context.clock.now(),
            sent: 0,
        };
        self.keep_rest(speech, id, remainder);
    }

    /// The rest of an answer is sent when there is room.
    pub(super) fn keep_rest(&self, speech: &mut Speech, id: u32, remainder: Remainder) {
        let Some(call) = speech.session.host(id) else { return };
        call.stage = Stage::Leaving;
        call.due = self.write_pace().due(0, remainder.since, remainder.since);
        let due = call.due;
        call.remainder = Some(Box::new(remainder));
        speech.leaving.push_back(id);
        self.hear_of(due);
    }

    /// All of an answer is in frames. What the client would still send of its request is of no use (RFC 9113 section 8.1).
    pub(super) fn conclude(&self, speech: &mut Speech, id: u32) {
        if speech.session.is_sending(id) {
            speech.session.end_answer(id, b"");
        }
        speech.release_held(id);
        if speech.session.is_receiving(id) {
            let fault = speech.session.host(id).and_then(|call| call.fault);
            let code = if fault.is_some() { Code::Protocol } else { Code::NoError };
            drop(speech.session.reset(id, code));
        } else {
            speech.session.settle(id);
        }
    }

    /// The socket is broken: the poll side closes the connection.
    fn is_broken(&self, speech: &mut Speech) {
        speech.is_lost = true;
        speech.wake_all();
        self.context.note(self.key);
    }
}
