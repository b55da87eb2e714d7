//! What is left of an answer, and what comes after it: the next request, or the connection's end.

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::Duration;

use super::{After, Connection, Life, State, Step, Verdict};
use crate::http::receive::Progress;
use crate::net::context::Context;
use crate::net::unsent::{Flushed, Unsent};

/// How long a client may take to read an answer and close, once the server has said that it will (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);
/// How much of what the client still sends is read away meanwhile.
const LINGER_BYTES: usize = 1024 * 1024;

/// A client that takes a long answer as fast as it can reads on so soon that a switch to whoever polls would cost more.
const MOMENT: Duration = Duration::from_millis(2);

/// The connection has to be closed.
struct Lost;

impl Connection {
    /// After an answer: nearly always nothing is left to send, nothing has come, and the next request is waited for.
    /// Whether the poll side should look at it now.
    pub(super) fn settle(&self, life: &mut Life, after: After, context: &Context) -> bool {
        if !life.outgoing.is_empty() || (after == After::Next && life.receiver.has_more()) {
            life.state = State::Flushing(after);
            self.expect_within(context.config.write_timeout, context);
            return true;
        }
        if after == After::Close {
            return self.begin_linger(life, context);
        }
        life.receiver.rest();
        life.progress = Progress::Idle;
        life.state = State::Reading;
        let told = self.expect_within(context.config.keepalive_timeout, context);
        told || life.has_unread || context.is_draining()
    }

    /// Sends more of a long answer, `most` bytes at most, as the sender that owns the connection: true when the socket may
    /// take more. Otherwise the connection is the poll side's again.
    pub(in crate::net) fn send_more(&self, most: u64, context: &Context) -> bool {
        let look = {
            let life = &mut *self.life.lock();
            let State::Flushing(after) = life.state else { return false };
            match self.write(life, most, context) {
                Ok(Flushed::Some) => return true,
                Ok(Flushed::Blocked) => None,
                Ok(Flushed::All) => Some(self.settle(life, after, context)),
                Err(Lost) => Some(true),
            }
        };
        if look.is_none() && context.senders.have_time() && self.stream.takes_more_within(MOMENT) {
            return true;
        }
        // The poll side has to hear of a deadline that is early, and of nothing else until there is an event.
        self.release(look.unwrap_or_else(|| self.deadline.is_early()), context);
        false
    }

    /// Sends what is left, which is little.
    pub(super) fn flush(&self, life: &mut Life, after: After, context: &Context) -> Step {
        match self.write(life, u64::MAX, context) {
            Ok(Flushed::All) => {}
            Ok(Flushed::Blocked | Flushed::Some) => return Step::Stop(Verdict::Wait),
            Err(Lost) => return Step::Go,
        }
        if after == After::Close {
            self.begin_linger(life, context);
            return Step::Go;
        }
        life.state = State::Reading;
        match life.receiver.next(&context.config.limits) {
            Ok(Progress::Idle) => {
                life.progress = Progress::Idle;
                self.expect_within(context.config.keepalive_timeout, context);
                if context.is_draining() { Step::Stop(Verdict::Close) } else { Step::Go }
            }
            Ok(progress) => {
                life.progress = Progress::Idle;
                self.progressed(life, progress, context)
            }
            Err(fault) => self.refused(life, fault, context),
        }
    }

    /// As far as the socket takes it, and `most` bytes at most. Who waits to hear that all has been sent is told.
    fn write(&self, life: &mut Life, most: u64, context: &Context) -> Result<Flushed, Lost> {
        let before = life.outgoing.len();
        let flushed = life.outgoing.write_to(&self.stream, most);
        if life.outgoing.len() < before {
            life.is_late = false;
            self.expect_within(context.config.write_timeout, context);
        }
        match flushed {
            Ok(Flushed::All) => {
                // Given back, not kept: an idle connection should be small.
                life.outgoing = Unsent::default();
                if let Some(notice) = life.notice.take() {
                    notice.sent();
                }
                return Ok(Flushed::All);
            }
            Ok(Flushed::Blocked) if life.is_late => context.stats.write_timeout.add(),
            Ok(flushed) => return Ok(flushed),
            Err(error) if error.kind() == io::ErrorKind::WriteZero => {
                tracing::warn!("a file became shorter while it was sent; its connection is closed");
            }
            Err(_) => {}
        }
        // A reset, which the client can't take for the end of the answer; and the kernel would go on trying to send what it
        // has, for minutes.
        self.stream.reset_on_close();
        context.stats.aborted.add();
        life.state = State::Aborted;
        Err(Lost)
    }

    /// Closing at once would make the kernel reset a connection with unread bytes, and the reset destroy the answer on its
    /// way (RFC 9112 section 9.6): so only the sending half is closed, and what comes is read away for a while.
    fn begin_linger(&self, life: &mut Life, context: &Context) -> bool {
        // An error means that the client is gone; the next read tells.
        let _ = self.stream.shutdown(Shutdown::Write);
        life.state = State::Lingering { read: 0 };
        self.expect_within(LINGER, context);
        true
    }

    pub(super) fn linger(&self, life: &mut Life, read: usize, buffer: &mut [u8]) -> Step {
        match (&self.stream).read(buffer) {
            Ok(length) if length > 0 && read + length <= LINGER_BYTES => {
                life.state = State::Lingering { read: read + length };
                Step::Go
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::Stop(Verdict::Wait),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Step::Go,
            Ok(_) | Err(_) => Step::Stop(Verdict::Close),
        }
    }
}
