//! An answer on its way out: its body framed as its head has promised, sent from where its parts lie, and kept where the
//! client is slow.

pub mod file;
pub mod whole;

use std::io::IoSlice;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::completion::Completion;
use super::exchange::{AT_ONCE, Exchange, Lent, Piece};
use super::kept::Kept;
use crate::error::AnswerError;
use crate::http::body_writer::{BodyWriter, Frame};
use crate::http::plan::{BodyFraming, Plan};

/// What is left of a part is copied up to so many bytes; more is kept where it lies.
const SMALL: usize = 16 * 1024;
/// So many bytes of its own each answer may have in memory, however much is kept in all: a file would cost the kernel more.
pub const FEW: u64 = 4096;
/// So many bytes of an answer are gathered in memory before they are moved to a file.
const GATHERED: u64 = 2 * 1024 * 1024;

/// Whoever has an answer, and others to serve.
pub trait Apart {
    /// What may go wrong with its owner, or with the answer.
    type Error: From<AnswerError>;

    /// Does what may take long, such as writing to a disk, without holding others up.
    ///
    /// # Errors
    /// When its owner is called away; then `work` has not been done, and never is.
    fn apart<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Self::Error>;
}

/// Whoever owns the parts of a body, and lends them: they are sent from where they lie. While it is apart its parts may
/// change, which the next [`Lender::with_parts`] shows.
pub trait Lender: Apart {
    /// Shows the parts from the `first` on, one after the other, as they are now.
    fn with_parts<T>(&self, first: usize, see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T) -> T;

    /// The bytes of a part as they are now, for as long as anybody holds them, whatever becomes of the part. They are counted
    /// in `budget`, once for all who hold them.
    ///
    /// # Errors
    /// When its owner can't.
    fn keep(&self, part: usize, budget: &Arc<Kept>) -> Result<Lent, Self::Error>;
}

/// An answer that is sent part by part. Its head leaves with the first part.
///
/// ```text
///   new --part, flush--> (sent, or kept: see Exchange::is_blocked) --end--> conclude
/// ```
#[derive(Debug)]
pub struct ResponseWriter {
    exchange: Box<Exchange>,
    body: BodyWriter,
    /// What is to be sent before the next part: the head, a chunk's size.
    before: Vec<u8>,
    has_sent: bool,
    /// Some of what was to be sent is lost.
    has_lost: bool,
}

impl ResponseWriter {
    /// Nothing has been sent.
    pub fn new(mut exchange: Box<Exchange>, plan: Plan, head: Vec<u8>) -> ResponseWriter {
        exchange.begins(plan, head.len());
        ResponseWriter { exchange, body: BodyWriter::new(plan), before: head, has_sent: false, has_lost: false }
    }

    /// Whether nothing has left yet, not even the head.
    pub fn is_unsent(&self) -> bool {
        !self.has_sent
    }

    /// The request again, for another answer. Only while nothing of this one has been sent.
    pub fn into_exchange(self) -> Box<Exchange> {
        self.exchange
    }

    /// The request, to read on in its body.
    pub fn exchange(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// Whether the answer has a body at all.
    pub fn wants_body(&self) -> bool {
        self.body.is_wanted()
    }

    /// Whether trailer fields can follow the body.
    pub fn takes_trailers(&self) -> bool {
        self.body.takes_trailers()
    }

    /// Sends the lender's first part in one write. What the client does not take is kept, see [`Exchange::is_blocked`].
    ///
    /// # Errors
    /// When the client is gone; for a part that is not what the head has promised.
    pub fn part<L: Lender>(&mut self, part: &L) -> Result<(), L::Error> {
        if self.body.is_encoded() {
            let body = &mut self.body;
            let data = part.with_parts(0, |parts| parts.next().map_or(Ok(Vec::new()), |part| body.decode(part)))?;
            let sent = self.decoded(data);
            self.has_lost |= sent.is_err();
            return Ok(sent?);
        }
        let length = part.with_parts(0, |parts| parts.next().map_or(0, <[u8]>::len));
        let frame = self.body.part(length, &mut self.before);
        if frame.length > 0 {
            let sent = self.framed(part, frame);
            self.has_lost |= sent.is_err();
            sent?;
        }
        Ok(self.body.check_so_far()?)
    }

    /// Moves what is kept to a file, where much is, and memory should hold no more.
    ///
    /// # Errors
    /// When there is no room for it, or the host is called away.
    pub fn relieve<A: Apart>(&mut self, host: &A) -> Result<(), A::Error> {
        relieve(&mut self.exchange, host, GATHERED)
    }

    /// Sends the head, if no part has taken it along.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn flush(&mut self) -> Result<(), AnswerError> {
        self.has_sent = true;
        let sent = self.exchange.send(&self.before);
        self.has_lost |= sent.is_err();
        sent?;
        self.before.clear();
        Ok(())
    }

    /// Ends the body; the lines of `trailers` ([`trailer`](crate::http::encode::trailer)) follow it where they can.
    ///
    /// # Errors
    /// When the client is gone; where the app's own chunks have no end: nothing is sent then.
    pub fn end(&mut self, trailers: &[u8]) -> Result<(), AnswerError> {
        self.body.end(trailers, &mut self.before)?;
        self.flush()?;
        if self.body.plan().framing == BodyFraming::UntilEnd {
            self.exchange.end_body(trailers)?;
        }
        Ok(())
    }

    /// Gives the connection back, after the body's end. Whether some of it is left to the engine, which then gives the
    /// completion.
    ///
    /// # Errors
    /// For a body that was not as long as its `content-length`.
    pub fn conclude(self, completion: impl FnOnce() -> Completion) -> Result<bool, AnswerError> {
        conclude(*self.exchange, self.body.plan(), self.body.check(), completion)
    }

    /// Ends it early. A client that has been sent all that the head promised is let down gently.
    pub fn abort(self) {
        let is_whole =
            self.has_sent && self.body.is_whole_for_client() && !self.has_lost && !self.exchange.is_spilling();
        if is_whole { self.exchange.finish(false, None) } else { self.exchange.abort() }
    }

    /// Sends what is due before it, as much of the part as the frame says, and what comes after it.
    fn framed<L: Lender>(&mut self, part: &L, frame: Frame) -> Result<(), L::Error> {
        let Frame { length, after } = frame;
        self.has_sent = true;
        let (exchange, before) = (&mut self.exchange, &mut self.before);
        let taken = part.with_parts(0, |parts| {
            let bytes = parts.next().map_or(&[][..], |bytes| &bytes[..length]);
            exchange.try_send(&slices(before, bytes, after)[..])
        });
        let taken = taken.map_err(AnswerError::from)?;
        if taken < before.len() + length + after.len() {
            let taken = keep_head(exchange, before, taken)?;
            if taken < length {
                keep_rest(exchange, part, 0, taken..length)?;
            }
            exchange.keep(&after[taken.saturating_sub(length)..]).map_err(AnswerError::from)?;
        }
        before.clear();
        Ok(())
    }

    fn decoded(&mut self, data: Vec<u8>) -> Result<(), AnswerError> {
        let Frame { length, after } = self.body.part(data.len(), &mut self.before);
        if length == 0 {
            return Ok(());
        }
        self.has_sent = true;
        let taken = self.exchange.try_send(&slices(&self.before, &data, after))?;
        let taken = keep_head(&mut self.exchange, &self.before, taken)?;
        if taken < length {
            self.exchange.keep_piece(Piece::Bytes(Bytes::from(data).slice(taken..)))?;
        }
        self.exchange.keep(&after[taken.saturating_sub(length).min(after.len())..])?;
        self.before.clear();
        Ok(())
    }
}

/// Of a long part only the beginning, so that nobody waits for long.
fn slices<'a>(before: &'a [u8], part: &'a [u8], after: &'a [u8]) -> [IoSlice<'a>; 3] {
    let first = &part[..part.len().min(AT_ONCE)];
    let after = if first.len() < part.len() { b"" } else { after };
    [IoSlice::new(before), IoSlice::new(first), IoSlice::new(after)]
}

/// Ends an answer of which all is sent that will be, by what was found of its length. Whether some of it is left to the
/// engine, which then gives the completion.
///
/// # Errors
/// What was found.
fn conclude(
    exchange: Exchange,
    plan: Plan,
    found: Result<(), AnswerError>,
    completion: impl FnOnce() -> Completion,
) -> Result<bool, AnswerError> {
    match found {
        Ok(()) => {
            let is_blocked = exchange.is_blocked();
            exchange.finish(plan.keep_alive, is_blocked.then(completion));
            Ok(is_blocked)
        }
        // The client has a whole answer. What else the app thinks it has said is unknown, so nothing follows it.
        Err(error @ AnswerError::TooLong { .. }) => {
            exchange.finish(false, None);
            Err(error)
        }
        Err(error) => {
            exchange.abort();
            Err(error)
        }
    }
}

/// Keeps what is left of a head, when so many bytes have been taken of it and its body: how many of the body.
fn keep_head(exchange: &mut Exchange, head: &[u8], taken: usize) -> Result<usize, AnswerError> {
    exchange.keep(&head[taken.min(head.len())..])?;
    Ok(taken.saturating_sub(head.len()))
}

/// Keeps what is left of one part.
fn keep_rest<L: Lender>(exchange: &mut Exchange, lender: &L, part: usize, range: Range<usize>) -> Result<(), L::Error> {
    let kept = if range.len() <= SMALL {
        lender.with_parts(part, |parts| exchange.keep(parts.next().map_or(&[][..], |part| &part[range])))
    } else {
        let Lent { bytes, is_common } = lender.keep(part, exchange.budget())?;
        exchange.keep_piece(Piece::Lent(Lent { bytes: bytes.slice(range), is_common }))
    };
    Ok(kept.map_err(AnswerError::from)?)
}

/// Moves what is kept to a file, where it is more than `few` bytes, and memory should hold no more.
fn relieve<A: Apart>(exchange: &mut Exchange, host: &A, few: u64) -> Result<(), A::Error> {
    if exchange.overflows(few) {
        host.apart(|| exchange.spill())?.map_err(AnswerError::NoRoom)?;
    }
    Ok(())
}
