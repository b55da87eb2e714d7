//! Answers that are files.

use std::fs::File;
use std::io::{self, IoSlice, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::OFlags;

use super::{Apart, FEW, conclude, keep_head, relieve};
use crate::budget::{Budget, Share};
use crate::error::AnswerError;
use crate::http::plan::Plan;
use crate::net::completion::Completion;
use crate::net::exchange::{Exchange, Piece};

/// A file up to this is read, and sent with its head by one call.
const READ: u64 = 64 * 1024;
/// Bytes of a longer one that its worker sends. Any more is for the engine's senders.
const BEGINNING: usize = 1024 * 1024;

/// What a file has to be sent of.
#[derive(Debug)]
pub enum Content {
    /// A small one has been read.
    Bytes(Vec<u8>),
    /// A large one with its length, and its part of the engine's descriptors.
    File(File, u64, Share),
}

/// Why a file can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It can't be read, or is none.
    #[error(transparent)]
    File(#[from] io::Error),
    /// The rest of the files that may be open is for connections.
    #[error("too many of the files that may be open are in use (ulimit -n)")]
    Descriptors,
}

impl Content {
    /// Opens a file; may take long.
    ///
    /// # Errors
    /// When it can't be read, or is none: a pipe could be waited at for ever, and a device has no end. When no descriptor is
    /// left for it: a client that is slow to read keeps one for as long as it takes.
    pub fn open(path: &Path, descriptors: &Budget) -> Result<Content, OpenError> {
        // Without a wait for somebody to write, where it is a pipe; of no meaning for a file.
        let mut file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
        let known = file.metadata()?;
        if !known.is_file() {
            let what = "to_path names something that is no regular file";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what).into());
        }
        let length = known.len();
        if length > READ {
            let share = descriptors.take_with_spare(1).ok_or(OpenError::Descriptors)?;
            return Ok(Content::File(file, length, share));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        file.read_to_end(&mut bytes)?;
        Ok(Content::Bytes(bytes))
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(_, length, _) => *length,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Sends head and file. What the client does not take now is sent when it reads on, without the caller: then true, and there
/// will be a completion.
///
/// # Errors
/// When the client is gone, and for a file that is not what the head has promised: the answer has ended then. When the host is
/// called away: the answer goes on.
pub fn send_file<A: Apart>(
    mut exchange: Exchange,
    plan: Plan,
    head: &[u8],
    content: Content,
    host: &A,
    completion: impl FnOnce() -> Completion,
) -> Result<bool, A::Error> {
    exchange.begins(plan, head.len());
    let given = content.len();
    let length = plan.wanted(given);
    let begun = match content {
        _ if length == 0 => exchange.send(head).map_err(|error| AnswerError::from(error).into()),
        Content::Bytes(bytes) => send_read(&mut exchange, head, Bytes::from(bytes).slice(..length as usize), host),
        Content::File(file, _, share) => match begin_file(&mut exchange, head, (file, share), length) {
            // The disk may be slow. What goes wrong now goes wrong for the engine, too, which deals with it.
            Ok(()) => {
                let called_away = host.apart(|| exchange.flush(BEGINNING)).map(|_| ());
                let is_left = conclude(exchange, plan, plan.check(given), completion)?;
                return called_away.map(|()| is_left);
            }
            Err(error) => Err(error.into()),
        },
    };
    if let Err(error) = begun {
        exchange.abort();
        return Err(error);
    }
    Ok(conclude(exchange, plan, plan.check(given), completion)?)
}

fn send_read<A: Apart>(exchange: &mut Exchange, head: &[u8], body: Bytes, host: &A) -> Result<(), A::Error> {
    let taken = exchange.try_send(&[IoSlice::new(head), IoSlice::new(&body)]).map_err(AnswerError::from)?;
    let taken = keep_head(exchange, head, taken)?;
    exchange.keep_piece(Piece::Bytes(body.slice(taken..))).map_err(AnswerError::from)?;
    relieve(exchange, host, FEW)
}

fn begin_file(
    exchange: &mut Exchange,
    head: &[u8],
    (file, share): (File, Share),
    length: u64,
) -> Result<(), AnswerError> {
    exchange.keep(head)?;
    exchange.keep_piece(Piece::File { file, at: 0, end: length, share: Some(share) })?;
    Ok(())
}
