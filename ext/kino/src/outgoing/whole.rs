//! Answers that are there as a whole: what the socket does not take at once is left to the engine.

use std::fs::File;
use std::io::{self, IoSlice, Read};
use std::ops::Range;
use std::path::Path;

use bytes::Bytes;
use kino_core::http::encode::{BodyFraming, Plan};
use kino_core::net::exchange::{AT_ONCE, Exchange, Piece};
use kino_core::net::notice::Notice;
use magnus::{Error, RString};

use super::{SendError, conclude};
use crate::ffi::strings::{with_all_bytes, with_bytes};
use crate::ffi::{gvl, kept};

/// Bodies up to this are copied behind their head: one plain write costs less than a gathering one saves.
const COPIED: u64 = 4096;
/// What is left of a string is copied up to this; more is kept where it lies.
const SMALL: usize = 16 * 1024;
/// A file up to this is read, and sent with its head by one call.
const READ: u64 = 64 * 1024;
/// Bytes of a longer one that its worker sends. Any more is for the engine's senders.
const BEGINNING: usize = 1024 * 1024;

/// Sends head and body. What the client does not take now is sent when it reads on, without the caller: then true, and there
/// will be a notice.
pub(crate) fn send_whole(
    mut exchange: Exchange,
    plan: Plan,
    head: &mut Vec<u8>,
    bodies: &[RString],
    notice: impl FnOnce() -> Notice,
) -> Result<bool, SendError> {
    let given = bodies.iter().map(|body| body.len() as u64).sum();
    let length = wanted(plan, given);
    let sent = if length <= COPIED {
        copy(head, bodies, length as usize);
        exchange.send(head).map_err(SendError::from)
    } else {
        send_long(&mut exchange, head, bodies, length)
    };
    if let Err(error) = sent {
        exchange.abort();
        return Err(error);
    }
    conclude(exchange, plan, given, notice)
}

/// The same for a body that is a file.
pub(crate) fn send_file(
    mut exchange: Exchange,
    plan: Plan,
    head: &[u8],
    content: Content,
    notice: impl FnOnce() -> Notice,
) -> Result<bool, SendError> {
    let given = content.len();
    let length = wanted(plan, given);
    let sent = match content {
        Content::Bytes(bytes) => send_read(&mut exchange, head, Bytes::from(bytes).slice(..length as usize)),
        Content::File(..) if length == 0 => exchange.send(head),
        Content::File(file, _) => begin_file(&mut exchange, head, file, length),
    };
    if let Err(error) = sent {
        exchange.abort();
        return Err(error.into());
    }
    conclude(exchange, plan, given, notice)
}

/// Bytes of a body of `given` that are to be sent: never one past its content-length.
fn wanted(plan: Plan, given: u64) -> u64 {
    match plan.framing {
        BodyFraming::Sized(stated) => stated.min(given),
        BodyFraming::None => 0,
        BodyFraming::Chunked | BodyFraming::UntilClose => given,
    }
}

/// What a file has to be sent of.
pub(crate) enum Content {
    /// A small one has been read.
    Bytes(Vec<u8>),
    /// A large one with its length.
    File(File, u64),
}

impl Content {
    /// Opens a file; may take long.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn open(path: &Path) -> io::Result<Content> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > READ {
            return Ok(Content::File(file, length));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        file.read_to_end(&mut bytes)?;
        Ok(Content::Bytes(bytes))
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(_, length) => *length,
        }
    }
}

/// Keeps what is left of a head, when so many bytes have been taken of it and its body: how many of the body.
///
/// # Errors
/// As [`Exchange::keep`].
pub(super) fn keep_head(exchange: &mut Exchange, head: &[u8], taken: usize) -> io::Result<usize> {
    exchange.keep(&head[taken.min(head.len())..])?;
    Ok(taken.saturating_sub(head.len()))
}

/// What is left of a string, to be sent after its request is over.
///
/// # Errors
/// When Ruby is out of memory.
pub(super) fn rest_of(string: RString, range: Range<usize>) -> Result<Piece, Error> {
    let bytes = if range.len() <= SMALL {
        with_bytes(string, |bytes| Bytes::copy_from_slice(&bytes[range]))
    } else {
        kept::keep(string)?.slice(range)
    };
    Ok(Piece::Bytes(bytes))
}

fn copy(head: &mut Vec<u8>, bodies: &[RString], length: usize) {
    let all = head.len() + length;
    with_all_bytes(bodies, |bodies| {
        for body in bodies {
            let left = all - head.len();
            head.extend_from_slice(&body[..body.len().min(left)]);
        }
    });
}

fn send_long(exchange: &mut Exchange, head: &[u8], bodies: &[RString], length: u64) -> Result<(), SendError> {
    let taken = with_all_bytes(bodies, |bodies| send_beginning(exchange, head, bodies, length))?;
    let taken = keep_head(exchange, head, taken)?;
    let pieces = rest(bodies, taken as u64..length)?;
    for piece in pieces {
        match piece {
            // What the app makes for each client can't be kept for each. Nobody waits for Ruby's lock while it is written.
            Piece::Bytes(bytes) if bytes.len() > SMALL && kept::is_full() => {
                let spooled = gvl::without(|| exchange.spool(&bytes), || ());
                exchange.keep_piece(spooled.unwrap_or_else(|| exchange.spool(&bytes))?)?;
            }
            piece => exchange.keep_piece(piece)?,
        }
    }
    Ok(())
}

/// Gives the socket as much as may be given at once: how many bytes it has taken, of head and bodies.
fn send_beginning(
    exchange: &mut Exchange,
    head: &[u8],
    bodies: &mut dyn Iterator<Item = &[u8]>,
    length: u64,
) -> Result<usize, SendError> {
    let mut slices = vec![IoSlice::new(head)];
    let mut left = length.min(AT_ONCE as u64) as usize;
    for body in bodies {
        let part = &body[..body.len().min(left)];
        left -= part.len();
        slices.push(IoSlice::new(part));
        if left == 0 {
            break;
        }
    }
    let mut slices = &mut slices[..];
    let mut taken = 0;
    loop {
        let once = exchange.try_send(slices)?;
        taken += once;
        IoSlice::advance_slices(&mut slices, once);
        if once == 0 || slices.is_empty() {
            return Ok(taken);
        }
    }
}

fn send_read(exchange: &mut Exchange, head: &[u8], body: Bytes) -> io::Result<()> {
    let taken = exchange.try_send(&[IoSlice::new(head), IoSlice::new(&body)])?;
    let taken = keep_head(exchange, head, taken)?;
    exchange.keep_piece(Piece::Bytes(body.slice(taken..)))
}

/// As far as the socket takes it now, without Ruby's lock, since the disk may be slow. What goes wrong with that goes wrong
/// for the engine, too, which deals with it.
fn begin_file(exchange: &mut Exchange, head: &[u8], file: File, length: u64) -> io::Result<()> {
    exchange.keep(head)?;
    exchange.keep_piece(Piece::File { file, at: 0, end: length, claim: None })?;
    let _ = gvl::without(|| exchange.flush(BEGINNING), || ());
    Ok(())
}

/// The bytes of that range of all bodies together. All of them are kept before anyone else may run and change them.
fn rest(bodies: &[RString], range: Range<u64>) -> Result<Vec<Piece>, Error> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for &body in bodies {
        let end = at + body.len() as u64;
        let from = range.start.clamp(at, end);
        let to = range.end.clamp(from, end);
        if from < to {
            pieces.push(rest_of(body, (from - at) as usize..(to - at) as usize)?);
        }
        at = end;
    }
    Ok(pieces)
}
