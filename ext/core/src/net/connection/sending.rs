//! What is left of an answer, and what comes after it: the next request, or the connection's end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::life::{After, Connection, Intake, Life, Remainder, State, Step, Unread, Verdict};
use crate::net::account::{End, Noted};
use crate::net::completion::Completion;
use crate::net::transport::Wire;
use crate::net::unsent::{Flushed, Unsent};

/// Bytes that a helper sends to one client before the next one's turn.
const QUANTUM: u64 = 1024 * 1024;
/// A client that takes a long answer as fast as it can reads on so soon that a switch to whoever polls would cost more.
const MOMENT: Duration = Duration::from_millis(2);

/// The connection has to be closed.
struct Lost;

impl Connection {
    /// Gives the connection back to the poll side after an answer, of which `unsent` has not been taken by the socket, and
    /// for which `completion` waits; to a helper, if that is much. What is `noted` of its request is given where the account of
    /// it is still to be told, when all is sent.
    pub(in crate::net) fn give_back(
        self: &Arc<Self>,
        (unsent, noted): (Unsent, Option<Noted>),
        completion: Option<Completion>,
        after: After,
    ) {
        let (look, is_long) = {
            let life = &mut *self.life.lock();
            life.answered += 1;
            let is_long = unsent.is_long();
            let look = self.after_answer(life, unsent, completion, after);
            life.remainder.noted = noted;
            (look, is_long)
        };
        if is_long {
            self.context.helpers.put(self.clone());
        } else {
            self.release(look);
        }
    }

    /// Gives the connection back to be closed at once, so that the client sees that its answer is not whole.
    pub(in crate::net) fn give_up(&self) {
        self.socket.reset_on_close();
        self.life.lock().state = State::Aborted;
        self.release(true);
    }

    /// After an answer: nearly always nothing is left to send, nothing has come, and the next request is waited for.
    /// Whether the poll side should look at it now.
    fn after_answer(&self, life: &mut Life, unsent: Unsent, completion: Option<Completion>, after: After) -> bool {
        if !unsent.is_empty() || life.transport.holds() {
            self.begin_sending(life, unsent, completion, after);
            return true;
        }
        if let Some(completion) = completion {
            completion.sent();
        }
        match after {
            After::Close => self.close(life),
            After::Next if !life.receiver.has_more() => {
                life.receiver.rest();
                life.ready = 0;
                life.state = State::Receiving;
                let told = self.expect_within(self.context.config.keepalive_timeout);
                told || life.unread != Unread::Nothing || self.context.is_draining()
            }
            // The poll side goes on with it: with what may be the next request.
            After::Next | After::Body => {
                self.begin_sending(life, Unsent::default(), None, after);
                true
            }
        }
    }

    /// Sends more of a long answer, as the helper that owns the connection: true when the socket may take more. Otherwise
    /// the connection is the poll side's again.
    pub(super) fn send_more(&self) -> bool {
        let look = {
            let life = &mut *self.life.lock();
            let State::Sending(after) = life.state else { return false };
            match self.write(life, QUANTUM) {
                Ok(Flushed::Some) => return true,
                Ok(Flushed::Blocked) => None,
                Ok(Flushed::All) => Some(self.after_answer(life, Unsent::default(), None, after)),
                Err(Lost) => Some(true),
            }
        };
        if look.is_none() && self.context.helpers.have_time() && self.socket.takes_more_within(MOMENT) {
            return true;
        }
        // The poll side has to hear of a deadline that is early, and of nothing else until there is an event.
        self.release(look.unwrap_or_else(|| self.deadline.is_early()));
        false
    }

    /// Sends what is left, if it is little; much is for a helper.
    pub(super) fn send(&self, life: &mut Life, after: After, intake: &mut Intake) -> Step {
        if life.remainder.unsent.is_long() {
            self.owner.hand_over();
            return Step::Stop(Verdict::Help);
        }
        let length = life.remainder.unsent.len();
        if length > 0 && intake.is_spent() {
            return Step::Stop(Verdict::Again);
        }
        let written = self.write(life, u64::MAX);
        intake.spend(length - life.remainder.unsent.len());
        match written {
            Ok(Flushed::All) => {}
            Ok(Flushed::Blocked | Flushed::Some) => return Step::Stop(Verdict::Wait),
            Err(Lost) => return Step::Go,
        }
        match after {
            After::Close => {
                self.close(life);
                Step::Go
            }
            After::Next => self.receive_next(life),
            After::Body => self.receive_body(life),
        }
    }

    /// As far as the socket takes it, and `most` bytes at most. Who waits to hear that all has been sent is told.
    fn write(&self, life: &mut Life, most: u64) -> Result<Flushed, Lost> {
        let Life { remainder, transport, .. } = life;
        let mut wire = Wire { transport, socket: &self.socket };
        let (before, passed) = (remainder.unsent.len(), wire.transport.passed());
        let flushed = remainder.unsent.write_to(&mut wire, most);
        let flushed = match flushed {
            Ok(Flushed::All) => wire.flush().map(|is_out| if is_out { Flushed::All } else { Flushed::Blocked }),
            other => other,
        };
        let (now, moved) = (self.context.clock.now(), before - remainder.unsent.len());
        if moved > 0 || wire.transport.passed() > passed {
            remainder.sent += moved;
            let _ = self.deadline.set(self.write_pace().due(remainder.sent, remainder.since, now));
        }
        match flushed {
            Ok(Flushed::All) => {
                self.account_of_rest(life, End::Whole);
                // Given back, not kept: an idle connection should be small.
                let Remainder { completion, .. } = std::mem::take(&mut life.remainder);
                if let Some(completion) = completion {
                    completion.sent();
                }
                return Ok(Flushed::All);
            }
            // Whoever tries when the time is over, and gets nothing rid, or too little for all the time it took, was the last.
            Ok(Flushed::Blocked) if self.deadline.due() <= now => self.context.stats.write_timeout.add(),
            Ok(flushed) => return Ok(flushed),
            Err(error) if error.kind() == io::ErrorKind::WriteZero => {
                tracing::warn!("a file became shorter while it was sent; its connection is closed");
            }
            Err(_) => {}
        }
        // A reset, which the client can't take for the end of the answer; and the kernel would go on trying to send what it
        // has, for minutes.
        self.socket.reset_on_close();
        self.context.stats.aborted.add();
        self.account_of_rest(life, End::Cut);
        life.state = State::Aborted;
        Err(Lost)
    }
}
