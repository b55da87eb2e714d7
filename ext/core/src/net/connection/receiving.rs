//! A request on its way in: read by the poll side as long as it is small, by a helper once its body is for a file.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::life::{After, Arriving, Connection, Intake, Life, State, Step, Unread, Verdict};
use crate::error::Fault;
use crate::http::encode;
use crate::http::receive::Progress;
use crate::http::target;
use crate::net::right::Right;
use crate::net::transport::{Came, Wire};
use crate::net::unsent::Unsent;

/// What an unfinished head leaves of the time that a drain may take, so that it can be answered; and the least that it has then.
const DRAIN_HEAD: Duration = Duration::from_secs(1);
/// Bytes that a helper reads at once, and those of one client before the next one's turn.
const PART: usize = 64 * 1024;
const QUANTUM: usize = 1024 * 1024;
/// What the answer to a health check counts for, in bytes, of what a turn may take.
const HEALTH_CHECK: u64 = 16 * 1024;
/// A client that sends as fast as it can sends more so soon that a switch to whoever polls would cost more.
const MOMENT: Duration = Duration::from_millis(2);

impl Connection {
    /// Reads what has come.
    pub(super) fn receive(self: &Arc<Self>, life: &mut Life, intake: &mut Intake) -> Step {
        if life.receiver.has_to_spill() || life.receiver.is_long() && !life.receiver.is_complete() {
            self.owner.hand_over();
            return Step::Stop(Verdict::Help);
        }
        if life.receiver.is_complete() {
            if self.is_health_check(life) {
                self.answer_health_check(life);
                // However many a client sends at once, others have their turn.
                intake.spend(HEALTH_CHECK);
                return Step::Go;
            }
            return self.hand_over(life);
        }
        if life.unread == Unread::Nothing {
            return Step::Stop(Verdict::Wait);
        }
        if intake.is_spent() {
            return Step::Stop(Verdict::Again);
        }
        match self.read(life, &mut intake.buffer) {
            Came::Bytes { length, .. } => {
                intake.spend(length as u64);
                let Some(length) = self.pass_preface(life, &mut intake.buffer, length) else {
                    return Step::Stop(Verdict::Close);
                };
                if length == 0 {
                    return Step::Go;
                }
                let before = life.receiver.progress();
                let fed = life.receiver.feed(&intake.buffer[..length], &self.context.config.limits);
                self.received(life, before, fed)
            }
            Came::Nothing => Step::Stop(Verdict::Wait),
            Came::End => {
                self.account_of_leaving(life);
                Step::Stop(Verdict::Close)
            }
        }
    }

    /// Goes on to the next request, of which some may have come.
    pub(super) fn receive_next(&self, life: &mut Life) -> Step {
        life.state = State::Receiving;
        life.ready = 0;
        let next = life.receiver.next(&self.context.config.limits);
        if next == Ok(Progress::Idle) {
            if self.context.is_draining() {
                return Step::Stop(Verdict::Close);
            }
            self.expect_within(self.context.config.keepalive_timeout);
        }
        self.received(life, Progress::Idle, next)
    }

    /// Reads more of a body that is for a file, as the helper that owns the connection: true when there may be more. Otherwise
    /// the connection is the poll side's again.
    pub(super) fn receive_more(&self) -> bool {
        let goes_on = self.receive_quantum();
        self.life.lock().receiver.free_room();
        if goes_on == Some(true) {
            return true;
        }
        if goes_on == Some(false) && self.context.helpers.have_time() && self.socket.brings_more_within(MOMENT) {
            return true;
        }
        // The poll side has to hear of an end, and of a deadline that is early; otherwise of nothing until there is an event.
        self.release(goes_on.is_none() || self.deadline.is_early());
        false
    }

    /// Whether there may be more to read now; `None` when the poll side has to go on.
    fn receive_quantum(&self) -> Option<bool> {
        let life = &mut *self.life.lock();
        let mut buffer = vec![0; PART];
        let mut left = QUANTUM;
        // Whatever the last look was for, its event is used up.
        life.unread = Unread::BytesOrEnd;
        loop {
            if let Err(fault) = life.receiver.spill(&self.context.spools) {
                self.answer_fault(life, fault);
            }
            if life.state != State::Receiving || life.receiver.is_complete() {
                return None;
            }
            if left == 0 {
                return Some(true);
            }
            match self.read(life, &mut buffer) {
                Came::Bytes { length, .. } => {
                    left = left.saturating_sub(length);
                    match life.receiver.feed(&buffer[..length], &self.context.config.limits) {
                        Ok(_) => self.expect_body(life),
                        Err(fault) => self.answer_fault(life, fault),
                    }
                }
                // Whoever looks when the time is over, and finds nothing, was the last.
                Came::Nothing if self.deadline.due() <= self.context.clock.now() => {
                    self.answer_fault(life, Fault::BodyTimeout);
                }
                Came::Nothing => {
                    self.hurry_body(life.receiver.received());
                    return Some(false);
                }
                Came::End => {
                    self.account_of_leaving(life);
                    life.state = State::Aborted;
                    return None;
                }
            }
        }
    }

    /// What the receiver says of bytes that have come.
    pub(super) fn received(&self, life: &mut Life, before: Progress, fed: Result<Progress, Fault>) -> Step {
        match fed {
            // The time for a head runs from its first byte to its last, however many there are in between; of a connection's
            // first one, from the time it was accepted, unless a drain has cut that short. Empty lines are nothing, and give
            // nothing.
            Ok(Progress::Head) if before != Progress::Head && (life.answered > 0 || self.context.is_draining()) => {
                let _ = self.deadline.set(self.head_due());
            }
            Ok(Progress::Idle | Progress::Head) => {}
            Ok(Progress::Headed { wants_continue }) => return self.headed(life, wants_continue),
            Ok(Progress::Body) => self.expect_body(life),
            // The loop looks at it: complete, it may still have to be moved to a file.
            Ok(Progress::Complete) => {}
            Err(fault) => self.answer_fault(life, fault),
        }
        Step::Go
    }

    /// The body is waited for, or handed over to be read while it arrives.
    fn headed(&self, life: &mut Life, wants_continue: bool) -> Step {
        let config = &self.context.config;
        life.arriving = Arriving::default();
        let path = target::split(life.receiver.head().target()).map_or(&b""[..], |target| target.path);
        if config.streaming.includes(path) {
            life.arriving.place = self.context.take_streaming_place();
        }
        let is_streamed = life.arriving.place.is_some();
        life.arriving.wants_continue = wants_continue && is_streamed;
        if wants_continue && !is_streamed {
            let Ok(sent) = self.write_continue(life) else {
                self.account_of_leaving(life);
                return Step::Stop(Verdict::Close);
            };
            if sent < encode::CONTINUE.len() {
                let rest = Unsent::of(&encode::CONTINUE[sent..], &self.context.kept);
                self.begin_sending(life, rest, None, After::Body);
                return Step::Go;
            }
        }
        self.receive_body(life)
    }

    /// Goes on with the body after a head, and after a 100 if the client waits for one.
    pub(super) fn receive_body(&self, life: &mut Life) -> Step {
        life.state = State::Receiving;
        life.arriving.since = self.context.clock.now();
        let is_streamed = life.arriving.place.is_some();
        match life.receiver.receive_body(is_streamed, &self.context.config.limits) {
            Ok(_) if is_streamed => self.hand_over(life),
            fed => self.received(life, Progress::Head, fed),
        }
    }

    /// A request is complete: it goes to whoever serves it.
    fn hand_over(&self, life: &mut Life) -> Step {
        life.state = State::Served;
        life.ready = self.context.turn_began_micros().max(1);
        life.made_id = self.context.make_id(Some(life.receiver.head()));
        self.taken.store(0, Ordering::Relaxed);
        self.worker.store(0, Ordering::Relaxed);
        match self.context.config.request_timeout {
            Some(limit) => {
                self.expect_within(limit);
            }
            None => self.deadline.clear(),
        }
        let right = &mut *self.right.lock();
        match Arc::get_mut(right) {
            Some(free) => *free = Right::default(),
            None => *right = Arc::default(),
        }
        self.owner.hand_over();
        Step::Stop(Verdict::Request)
    }

    /// A broken connection has ended.
    fn read(&self, life: &mut Life, buffer: &mut [u8]) -> Came {
        let came = Wire { transport: &mut life.transport, socket: &self.socket }.read(buffer).unwrap_or(Came::End);
        match came {
            Came::Bytes { is_drained, .. } => life.has_read(is_drained),
            Came::Nothing => life.has_nothing_unread(),
            Came::End => {}
        }
        came
    }

    /// By when a head that has begun has to be complete. In a drain it has the time that it would have without: whoever has begun to
    /// ask can't go elsewhere.
    pub(super) fn head_due(&self) -> u64 {
        let config = &self.context.config;
        let patience = config.shutdown_timeout.saturating_sub(DRAIN_HEAD).max(DRAIN_HEAD);
        let drained = self.context.drained_at().saturating_add(patience.as_millis() as u64);
        self.context.clock.after(config.header_timeout).min(drained)
    }

    /// More of a body has come, or its head: by when the next of it has to. Chunks' framing and trailers are not the body, and
    /// give no time.
    fn expect_body(&self, life: &mut Life) {
        let (now, came) = (self.context.clock.now(), life.receiver.received());
        if life.arriving.paid.replace(came) == Some(came) {
            return;
        }
        let due = self.body_pace().due(came, life.arriving.since, now);
        // The poll side looks at the deadline after every look, and a helper when it gives the connection back.
        let _ = self.deadline.set(due);
    }

    /// Sends a 100 as far as there is room now: how many bytes.
    ///
    /// # Errors
    /// When the client is gone.
    pub(super) fn write_continue(&self, life: &mut Life) -> io::Result<usize> {
        let mut wire = Wire { transport: &mut life.transport, socket: &self.socket };
        Ok(wire.write(&[IoSlice::new(encode::CONTINUE)])?.unwrap_or_default())
    }
}
