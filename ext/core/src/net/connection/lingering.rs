//! The end of a connection whose client may still be sending.
//!
//! Closing with bytes unread would make the kernel reset the connection, and the reset destroy the answer on its way (RFC 9112
//! section 9.6): only the sending half is closed, and what comes is read away for a while. A client that is refused in the
//! middle of its body has longer for that: many, and proxies among them, read nothing before they have sent all.

use std::net::Shutdown;
use std::time::Duration;

use super::life::{Connection, Intake, Life, State, Step, Verdict};
use crate::net::socket::Peek;
use crate::net::transport::{Came, Wire};

/// For how long, and how far, what still comes is read away.
const BRIEF: Bounds = Bounds { time: Duration::from_secs(2), bytes: 1024 * 1024 };
/// The same for a request that was answered before all of it had come, where there is a place for it.
const LONG: Bounds = Bounds { time: Duration::from_secs(5), bytes: 16 * 1024 * 1024 };
/// For how long when the engine drains.
const DRAIN_LINGER: Duration = Duration::from_millis(500);

struct Bounds {
    time: Duration,
    bytes: usize,
}

impl Connection {
    /// After the last answer. A client that has said all it has to say is not waited for.
    pub(super) fn close(&self, life: &mut Life) -> bool {
        let is_complete = life.receiver.is_complete();
        Wire { transport: &mut life.transport, socket: &self.socket }.close();
        let has_said_all = is_complete && !life.receiver.has_more();
        if has_said_all && self.socket.peek() != Peek::Bytes {
            life.state = State::Ended;
            return true;
        }
        // An error means that the client is gone; the next read tells.
        let _ = self.socket.shutdown(Shutdown::Write);
        // One that has been too slow would only hold a place.
        if !is_complete && !life.has_timed_out {
            life.lingering = self.context.lingering.take(1, 0);
        }
        life.state = State::Lingering { read: 0 };
        let _ = self.deadline.set(self.linger_due(life));
        true
    }

    /// Until when what still comes is read away.
    pub(super) fn linger_due(&self, life: &Life) -> u64 {
        let drained = self.context.drained_at().saturating_add(DRAIN_LINGER.as_millis() as u64);
        self.context.clock.after(bounds(life).time).min(drained.max(self.context.clock.after(DRAIN_LINGER)))
    }

    pub(super) fn linger(&self, life: &mut Life, read: usize, intake: &mut Intake) -> Step {
        if intake.is_spent() {
            return Step::Stop(Verdict::Again);
        }
        let came = Wire { transport: &mut life.transport, socket: &self.socket }.read(&mut intake.buffer);
        match came {
            Ok(Came::Bytes { length, .. }) if read + length <= bounds(life).bytes => {
                intake.spend(length as u64);
                life.state = State::Lingering { read: read + length };
                Step::Go
            }
            Ok(Came::Nothing) => Step::Stop(Verdict::Wait),
            Ok(Came::Bytes { .. } | Came::End) | Err(_) => Step::Stop(Verdict::Close),
        }
    }
}

fn bounds(life: &Life) -> &'static Bounds {
    if life.lingering.is_some() { &LONG } else { &BRIEF }
}
