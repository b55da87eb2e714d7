//! The account of a request: what is known of it once it is over, whatever has ended it. There is exactly one for each, told
//! to all who have asked to hear of them ([`Config::observers`](crate::config::Config::observers)) by
//! [`Context::account`](super::context::Context::account). Where nobody has, nothing is noted and no clock is read.

use std::fmt::Debug;

use super::peer::PeerAddr;
pub use crate::error::CLIENT_LEFT;
use crate::error::Fault;
use crate::http::head::{Head, Seen};

/// What is written of a connection that the app has taken without an answer by the server: it goes on with another protocol.
pub const TAKEN: u16 = 101;

/// Who hears of each request once it is over.
pub trait Observer: Debug + Send + Sync {
    /// Hears of one, on the thread that has ended it, which may hold what others wait for: it may not block, and nothing that
    /// takes long may be done here.
    fn observe(&self, account: &Account<'_>);
}

/// How a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client was sent the whole answer.
    Whole,
    /// It was sent a part of it, or nothing.
    Cut,
    /// The app has taken the connection.
    Taken,
}

/// What is known of a request that is over.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its head, as far as it has come.
    pub request: Seen<'a>,
    /// The id it is known by, where requests have some ([`Config::request_id`](crate::config::Config::request_id)).
    pub request_id: Option<&'a [u8]>,
    /// Whose it was.
    pub peer: PeerAddr,
    /// The status of its answer; [`CLIENT_LEFT`] or 0 where there was none.
    pub status: u16,
    /// Why it was refused, where it was.
    pub fault: Option<Fault>,
    /// How it has ended.
    pub end: End,
    /// Bytes of the answer after its head that were sent, with the framing of chunks.
    pub sent: u64,
    /// Its times.
    pub times: Times,
    /// The number of the worker that has served it; `None` where none has.
    pub worker: Option<u64>,
    /// When it was over, in microseconds of the engine's clock.
    pub over: u64,
}

/// Where its time went, in microseconds; `None` for what it never came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// From complete (or from its head on, where the app reads the body as it comes) until a worker took it, or it was refused.
    pub queue: Option<u64>,
    /// From there until the answer's head was begun; where none was, until it was over.
    pub app: Option<u64>,
    /// From complete until over. A short answer that leaves with one write counts as over when it is about to: the clock is not read
    /// again for that.
    pub total: Option<u64>,
}

/// What is noted of a request on its way, in microseconds of the engine's clock. Zero is for what has not been.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noted {
    /// It was complete.
    pub(super) ready: u64,
    /// A worker took it.
    pub(super) taken: u64,
    /// Its answer's head was begun.
    pub(super) headed: u64,
    /// It was over; looked at when it is told of, where that was not noted.
    pub(super) over: u64,
    pub(super) worker: u64,
    pub(super) status: u16,
    pub(super) fault: Option<Fault>,
    /// Bytes that were sent, those of the answer's head, and of what was sent before it.
    pub(super) sent: u64,
    pub(super) head: u64,
    pub(super) before: u64,
}

impl Noted {
    /// The account of it, `now` that it is over.
    pub(super) fn account<'a>(&self, head: &'a Head, peer: PeerAddr, end: End, now: u64) -> Account<'a> {
        self.account_of(Seen::Head(head), peer, end, now)
    }

    /// The same of a head as far as it has come.
    pub(super) fn account_of<'a>(&self, request: Seen<'a>, peer: PeerAddr, end: End, now: u64) -> Account<'a> {
        Account {
            request,
            request_id: None,
            peer,
            status: self.status,
            fault: self.fault.filter(|fault| fault.status() == self.status),
            end,
            sent: self.sent.saturating_sub(self.head + self.before),
            times: self.times(now),
            worker: (self.worker > 0).then_some(self.worker),
            over: now,
        }
    }

    fn times(&self, now: u64) -> Times {
        let since = |from: u64, to: u64| to.saturating_sub(from);
        let taken = (self.taken > 0).then_some(self.taken);
        Times {
            queue: Some(since(self.ready, taken.unwrap_or(now))),
            app: taken.map(|taken| since(taken, if self.headed > 0 { self.headed } else { now })),
            total: Some(since(self.ready, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_far_as_a_request_has_come() {
        let queued = Noted { ready: 10, ..Noted::default() };
        assert_eq!(queued.times(50), Times { queue: Some(40), app: None, total: Some(40) });
        let taken = Noted { taken: 30, ..queued };
        assert_eq!(taken.times(50), Times { queue: Some(20), app: Some(20), total: Some(40) });
        let headed = Noted { headed: 45, ..taken };
        assert_eq!(headed.times(50), Times { queue: Some(20), app: Some(15), total: Some(40) });
    }

    #[test]
    fn a_fault_is_told_where_it_was_answered_with() {
        let fault = Some(Fault::BodyTooLarge);
        let told = |status| {
            let head = Head::default();
            Noted { status, fault, ..Noted::default() }.account(&head, PeerAddr::Unix, End::Whole, 1).fault
        };
        assert_eq!(told(413), fault);
        assert_eq!(told(200), None, "the app has dealt with it");
    }
}
