//! One connection's life, as the poll side drives it: each look takes it as far as its socket lets it.

mod accounts;
mod body;
mod contained;
mod handshake;
mod health;
mod life;
mod lingering;
mod preface;
mod receiving;
mod sending;
mod streams;
mod takeover;
#[cfg(test)]
mod tests;

use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub use self::body::{Part, ReadError};
pub use self::life::Connection;
#[cfg(any(test, feature = "simulation"))]
pub(super) use self::life::Standing;
pub(super) use self::life::{After, Intake, Life, Look, Verdict};
use self::life::{Preface, State, Step};
pub(super) use self::streams::Stream;
pub use self::takeover::{Family, TakenSocket};
use super::helpers::Job;
use super::right::Right;
use super::survey::{InFlight, Stage};
use super::transport::{Transport, Wire};
use super::trap::At;
use crate::error::Fault;
use crate::http::head::Head;
use crate::http::receive::Progress;

/// How long a connection that has sent nothing yet is waited for when the engine drains.
const DRAIN_GRACE: Duration = Duration::from_millis(500);
/// The same for one that is still at its handshake, which takes several ways there and back.
const DRAIN_HANDSHAKE: Duration = Duration::from_secs(1);
/// How long a body may stand still when the engine drains: no app has seen its request.
const DRAIN_BODY: Duration = Duration::from_secs(5);

impl Connection {
    /// Looks at it, as its owner, the poll side: sends, reads, closes, as far as the socket and the turn's budget let it.
    pub(super) fn advance(self: &Arc<Self>, look: Look, intake: &mut Intake) -> Verdict {
        let life = &mut *self.life.lock();
        life.begin_look(look);
        loop {
            let step = match life.state {
                State::Handshaking => self.await_handshake(life),
                State::Receiving => self.receive(life, intake),
                State::Sending(after) => self.send(life, after, intake),
                State::Lingering { read } => self.linger(life, read, intake),
                State::Speaking => self.speak(life, intake),
                State::Ended | State::Aborted | State::Hijacked => Step::Stop(Verdict::Close),
                State::Served => Step::Stop(Verdict::Wait),
            };
            if let Step::Stop(verdict) = step {
                return verdict;
            }
        }
    }

    /// Its deadline is over, and the poll side owns it.
    pub(super) fn expire(self: &Arc<Self>, intake: &mut Intake) -> Verdict {
        {
            let life = &mut *self.life.lock();
            match (life.state, life.receiver.progress()) {
                (State::Handshaking, _) => {
                    self.time_out_handshake(life);
                    return Verdict::Close;
                }
                (State::Receiving, Progress::Idle) => {
                    if life.preface.as_ref().is_some_and(Preface::is_half_a_header) {
                        self.tell_of_preface("it did not come in time");
                    } else {
                        self.context.stats.keepalive_timeout.add();
                    }
                    return Verdict::Close;
                }
                (State::Receiving, Progress::Body) => self.answer_fault(life, Fault::BodyTimeout),
                (State::Receiving, Progress::Head | Progress::Headed { .. }) => {
                    self.answer_fault(life, Fault::HeadTimeout);
                }
                // Complete, and on its way from a helper to a worker. Or being sent: one more try tells, since the kernel takes
                // more long before it says so.
                (State::Receiving, Progress::Complete) | (State::Sending(_), _) => {}
                (State::Served, _) => return Verdict::Wait,
                (State::Speaking, _) => self.expire_streams(),
                (State::Lingering { .. } | State::Ended | State::Aborted | State::Hijacked, _) => {
                    return Verdict::Close;
                }
            }
        }
        self.advance(Look::MayBeEnded, intake)
    }

    /// The right to answer the request that it has found complete.
    pub(super) fn right(&self) -> Arc<Right> {
        self.right.lock().clone()
    }

    /// Takes its request back from whoever serves it, or waits to, and answers it with a fault; false when an answer has
    /// begun, or there is no request. For the poll side, whose own the connection is after that.
    pub(super) fn take_back(&self, fault: Fault) -> bool {
        if self.link.get().is_some() {
            return self.take_all_back(fault);
        }
        if !self.right.lock().take_back() {
            return false;
        }
        self.owner.give_back();
        // One that has panicked is closed by the look that follows.
        if self.contained(At::Connection, || self.answer_fault(&mut self.life.lock(), fault)).is_none() {
            self.account_of_loss(&self.life.lock());
        }
        if fault == Fault::RequestTimeout {
            self.tell_overdue(&self.life.lock());
        }
        true
    }

    /// Whether the app has taken its socket.
    pub(super) fn is_hijacked(&self) -> bool {
        self.life.lock().state == State::Hijacked
    }

    /// Since when nothing of a request has come, in the clock's milliseconds; `None` while there is anything to do for it. For
    /// the poll side, which owns it.
    pub(super) fn idle_since(&self) -> Option<u64> {
        let life = self.life.lock();
        let config = &self.context.config;
        let (is_idle, wait) = match life.state {
            State::Handshaking => (true, config.handshake_timeout),
            State::Receiving if life.answered == 0 => {
                (life.receiver.progress() == Progress::Idle, config.header_timeout)
            }
            State::Receiving => (life.receiver.progress() == Progress::Idle, config.keepalive_timeout),
            State::Speaking => (self.is_silent(), config.keepalive_timeout),
            _ => return None,
        };
        is_idle.then(|| self.deadline.due().saturating_sub(wait.as_millis() as u64))
    }

    /// Ends it for the client, even where a forked child still holds its descriptor. An error means that it has ended.
    pub(super) fn end(&self) {
        let state = self.life.lock().state;
        if state == State::Aborted {
            self.socket.cut();
        } else if state != State::Hijacked {
            self.say_goodbye();
            if state != State::Handshaking {
                self.close_wire();
            }
            let _ = self.socket.shutdown(Shutdown::Both);
        }
        self.hang_up();
    }

    /// Tells the client that nothing more is sent, where its transport has a word for that.
    fn close_wire(&self) {
        let close = |transport: &mut Transport| Wire { transport, socket: &self.socket }.close();
        match self.link.get() {
            Some(link) => close(&mut link.lock().transport),
            None => close(&mut self.life.lock().transport),
        }
    }

    /// The engine is over: whoever still has the connection, on whatever thread, and its client hear of it at once.
    pub(super) fn cut(&self) {
        if self.owner.is_away() {
            self.socket.cut();
        } else if matches!(self.life.lock().state, State::Sending(_)) {
            // The client must not take what it has got for the whole answer.
            self.socket.reset_on_close();
        }
        if self.link.get().is_some() {
            self.socket.cut();
            self.hang_up();
        }
        self.owner.ring();
    }

    /// What of a request is still coming, or of an answer leaving. Locked for long only by who is at it without the poll side, such
    /// as a helper that waits for a disk: then nothing is told.
    pub(super) fn in_flight(&self, now: u64) -> Vec<InFlight> {
        if self.link.get().is_some() {
            self.streams_in_flight(now)
        } else {
            self.request_in_flight(now).into_iter().collect()
        }
    }

    fn request_in_flight(&self, now: u64) -> Option<InFlight> {
        let life = self.life.try_lock()?;
        let config = &self.context.config;
        let (stage, since, worker, request) = match (life.state, life.receiver.progress()) {
            (State::Receiving, Progress::Head) => {
                let began = self.deadline.due().saturating_sub(config.header_timeout.as_millis() as u64);
                (Stage::Reading, began, 0, String::new())
            }
            (State::Receiving, Progress::Body | Progress::Headed { .. } | Progress::Complete) => {
                (Stage::Reading, life.arriving.since, 0, life.receiver.head().describe())
            }
            (State::Sending(After::Next | After::Close), _) => {
                let request = life.receiver.seen().head().map(Head::describe).unwrap_or_default();
                // One that was refused before it was complete has had none.
                let worker = if life.ready > 0 { self.worker.load(Relaxed) } else { 0 };
                (Stage::Writing, life.remainder.since, worker, request)
            }
            _ => return None,
        };
        let age = Duration::from_millis(now.saturating_sub(since));
        Some(InFlight { stage, age, worker, peer: Some(self.peer()), request })
    }

    /// The engine drains: true when nothing of a request has come, and none is to be waited for any longer. What has begun
    /// to come has until a time that the client can't move.
    pub(super) fn is_done_when_draining(&self) -> bool {
        let life = self.life.lock();
        match (life.state, life.receiver.progress()) {
            (State::Handshaking, _) => {
                self.expect_by(self.context.drained_at().saturating_add(DRAIN_HANDSHAKE.as_millis() as u64));
                false
            }
            (State::Receiving, Progress::Idle) if life.answered == 0 => {
                self.expect_by(self.context.drained_at().saturating_add(DRAIN_GRACE.as_millis() as u64));
                false
            }
            (State::Receiving, Progress::Idle) => true,
            (State::Receiving, Progress::Head) => {
                self.expect_by(self.head_due());
                false
            }
            (State::Receiving, Progress::Body) => {
                self.hurry_body(life.receiver.received());
                false
            }
            (State::Lingering { .. }, _) => {
                self.expect_by(self.linger_due(&life));
                false
            }
            _ => false,
        }
    }

    /// While the engine drains, a body whose client stands still is not waited for as long as otherwise, nor one that comes more
    /// slowly than it has to on the whole: `came` bytes of it have come.
    fn hurry_body(&self, came: u64) {
        if self.context.is_draining() {
            let rate = self.context.config.body_min_rate;
            let paid = came.saturating_mul(1000).checked_div(rate).unwrap_or(u64::MAX);
            let slow = self.context.drained_at().saturating_add(DRAIN_BODY.as_millis() as u64).saturating_add(paid);
            self.expect_by(slow.min(self.context.clock.after(DRAIN_BODY)));
        }
    }

    fn expect_by(&self, due: u64) {
        if due < self.deadline.due() {
            // The poll side looks at the deadline after every look, and a helper when it gives the connection back.
            let _ = self.deadline.set(due);
        }
    }
}

/// What a helper does for it, which owns it meanwhile.
impl Job for Connection {
    fn work(self: Arc<Self>) -> bool {
        let done = self.contained(At::Helping, || {
            let state = self.life.lock().state;
            match state {
                State::Sending(_) => self.send_more(),
                State::Handshaking => self.shake_hands(),
                _ => self.receive_more(),
            }
        });
        done.unwrap_or_else(|| {
            self.release(true);
            false
        })
    }
}
