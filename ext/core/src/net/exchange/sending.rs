//! How bytes of an answer leave, and what is kept of them.

use std::io::{self, IoSlice};
use std::sync::Arc;

use super::{Answer, Exchange};
use crate::net::context::Context;
use crate::net::kept::Kept;
use crate::net::overflow::Common;
use crate::net::unsent::{Flushed, Piece, Unsent};

/// What is kept of an answer, while it is moved to a file by somebody who must not borrow the exchange for so long.
#[derive(Debug)]
pub struct Spilling {
    unsent: Unsent,
    common: Option<Arc<Common>>,
    context: Arc<Context>,
}

impl Spilling {
    /// Moves it. May take long.
    ///
    /// # Errors
    /// When there is no room on the disk, which is counted and told. Then the answer is to be given up.
    pub fn spill(&mut self) -> io::Result<()> {
        spill(&mut self.unsent, self.common.as_deref(), &self.context)
    }
}

impl Exchange {
    /// Sends bytes that are few; what the socket does not take now is kept, see [`Exchange::is_blocked`].
    ///
    /// # Errors
    /// When the client is gone. Nothing is kept then.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let taken = self.try_send(&[IoSlice::new(bytes)])?;
        self.unsent.copy(&bytes[taken..], &self.context.kept);
        Ok(())
    }

    /// Sends bytes, in order, as far as the socket takes them without a wait: how many. The others are to be kept
    /// ([`Exchange::keep`]).
    ///
    /// # Errors
    /// When the client is gone.
    pub fn try_send(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.begin_answer()?;
        if self.is_blocked() {
            return Ok(0);
        }
        // Nearly always all of it is taken at once.
        let (taken, is_held) = self.line.write(parts);
        self.is_held = is_held;
        let taken = taken?;
        self.noted.sent += taken as u64;
        Ok(taken)
    }

    /// Keeps bytes that come next, to be sent when the client reads on, by copying them.
    ///
    /// # Errors
    /// When the request was answered meanwhile, with a 504 or by a server that stops.
    pub fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.begin_answer()?;
        self.unsent.copy(bytes, &self.context.kept);
        Ok(())
    }

    /// The same for a piece that lies where it is.
    ///
    /// # Errors
    /// As [`Exchange::keep`].
    pub fn keep_piece(&mut self, piece: Piece) -> io::Result<()> {
        self.begin_answer()?;
        self.unsent.push(piece, &self.context.kept);
        Ok(())
    }

    /// What counts the bytes that are kept.
    pub fn budget(&self) -> &Arc<Kept> {
        &self.context.kept
    }

    /// Whether this answer has more than `few` bytes of its own in memory while the engine keeps more than it should: then
    /// they are to be moved to a file ([`Exchange::spill`]).
    pub fn overflows(&self, few: u64) -> bool {
        self.unsent.own() > few && self.context.kept.is_full()
    }

    /// Moves what is kept to a file. May take long.
    ///
    /// # Errors
    /// When there is no room on the disk, which is counted and told. Then the answer is to be given up.
    pub fn spill(&mut self) -> io::Result<()> {
        spill(&mut self.unsent, self.line.common().as_deref(), &self.context)
    }

    /// Takes what is kept away to be moved to a file, and to be brought back by [`Exchange::end_spill`]. What is sent
    /// meanwhile waits.
    pub fn begin_spill(&mut self) -> Spilling {
        let unsent = std::mem::take(&mut self.unsent);
        self.spilling += unsent.len();
        Spilling { unsent, common: self.line.common(), context: self.context.clone() }
    }

    /// Brings it back.
    pub fn end_spill(&mut self, spilled: Spilling) {
        let next = std::mem::replace(&mut self.unsent, spilled.unsent);
        self.spilling -= self.unsent.len();
        self.unsent.append(next);
    }

    /// Whether some of what is kept is away ([`Exchange::begin_spill`]).
    pub fn is_spilling(&self) -> bool {
        self.spilling > 0
    }

    /// The body is at its end, which its head does not tell: trailer fields follow it, as lines.
    ///
    /// # Errors
    /// When the request was answered meanwhile, with a 504 or by a server that stops.
    pub fn end_body(&mut self, trailers: &[u8]) -> io::Result<()> {
        self.begin_answer()?;
        self.line.ends(trailers, !self.is_blocked());
        Ok(())
    }

    /// Whether bytes wait for the client to read on. What comes next should wait too ([`Exchange::flush`]).
    pub fn is_blocked(&self) -> bool {
        self.kept() > 0
    }

    /// Bytes that wait for the client to read on. What the transport holds counts as one: it is little.
    pub fn kept(&self) -> u64 {
        self.unsent.len() + self.spilling + u64::from(self.is_held)
    }

    /// Tries to send some of what is kept, `most` bytes at most: true when nothing is left.
    ///
    /// # Errors
    /// When the client is gone, or a file can't be read, or has become shorter.
    pub fn flush(&mut self, most: usize) -> io::Result<bool> {
        if self.spilling > 0 {
            return Ok(false);
        }
        let before = self.unsent.len();
        let (flushed, passed, is_held) = self.line.flush(&mut self.unsent, most as u64);
        self.is_held = is_held;
        let moved = before - self.unsent.len();
        self.noted.sent += moved;
        self.patience.has_read(moved.max(passed));
        Ok(flushed? == Flushed::All && !is_held)
    }

    /// Sends an interim answer (RFC 9110 section 15.2), unless the client is slow to take it. It is not to be sent to a
    /// client of HTTP/1.0.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn send_interim(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.answer != Answer::Waited {
            return Ok(());
        }
        let (sent, is_held) = self.line.send_interim(bytes)?;
        self.is_held = is_held;
        // Half of it was sent, and the other half must come before all else.
        if sent > 0 && sent < bytes.len() { self.keep_interim(&bytes[sent..]) } else { Ok(()) }
    }

    pub(super) fn keep_interim(&mut self, rest: &[u8]) -> io::Result<()> {
        self.noted.before += rest.len() as u64;
        self.keep(rest)
    }
}

fn spill(unsent: &mut Unsent, common: Option<&Common>, context: &Context) -> io::Result<()> {
    unsent.spill(&context.spools, common).map_err(|error| {
        context.stats.spool_dir.add();
        io::Error::other(error)
    })
}
