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

    pub(super) fn flush(&self, life: &mut Life, after: After, most: u64, context: &Context) -> Step {
        let before = life.outgoing.len();
        let flushed = life.outgoing.write_to(&self.stream, most);
        if life.outgoing.len() < before {
            self.expect_within(context.config.write_timeout, context);
        }
        match flushed {
            Err(error) => {
                if error.kind() == io::ErrorKind::WriteZero {
                    tracing::warn!("a file became shorter while it was sent; its connection is closed");
                }
                // A reset, which the client can't take for the end of the answer.
                self.stream.reset_on_close();
                context.stats.aborted.add();
                return Step::Stop(Verdict::Close);
            }
            Ok(Flushed::Blocked) => return Step::Stop(Verdict::Wait),
            Ok(Flushed::Some) => return Step::Stop(Verdict::Again),
            Ok(Flushed::All) => {}
        }
        // Given back, not kept: an idle connection should be small.
        life.outgoing = Unsent::default();
        if let Some(notice) = life.notice.take() {
            notice.sent();
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
