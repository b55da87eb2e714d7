//! Ruby's side of an answer on its way out ([`kino_core::net::response_writer`]): strings are lent, and errors become exceptions.

use std::sync::Arc;

use bytes::Bytes;
use kino_core::error::AnswerError;
use kino_core::net::exchange::Lent;
use kino_core::net::kept::Kept;
use kino_core::net::response_writer::{Apart, Lender};
use magnus::value::ReprValue;
use magnus::{Error, RArray, RString, Ruby, Value};

use crate::exception;
use crate::ffi::strings::{has_nil, with_bytes, with_bytes_from};
use crate::ffi::{gvl, pinned};

/// Why an answer could not be sent as the app gave it.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The answer or its client.
    Answer(AnswerError),
    /// Ruby: it has no memory left, or wants something else of the thread.
    Ruby(Error),
}

impl SendError {
    pub(crate) fn raise(self, ruby: &Ruby) -> Error {
        match self {
            SendError::Ruby(error) => error,
            SendError::Answer(error @ (AnswerError::Client(_) | AnswerError::NoRoom(_))) => {
                exception::client_disconnected(ruby, error.to_string())
            }
            SendError::Answer(error) => exception::response_error(ruby, error.to_string()),
        }
    }
}

impl From<Error> for SendError {
    fn from(error: Error) -> Self {
        SendError::Ruby(error)
    }
}

impl From<AnswerError> for SendError {
    fn from(error: AnswerError) -> Self {
        SendError::Answer(error)
    }
}

impl From<std::io::Error> for SendError {
    fn from(error: std::io::Error) -> Self {
        SendError::Answer(error.into())
    }
}

/// A thread that has Ruby's lock, and gives it up for what takes long.
pub(crate) struct Lock;

impl Apart for Lock {
    type Error = SendError;

    fn apart<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SendError> {
        let mut work = Some(work);
        loop {
            let waiting = &mut work;
            match gvl::without(move || waiting.take().map(|work| work()), || ()) {
                Some(Some(done)) => return Ok(done),
                // An interrupt came first. One that raises nothing keeps nobody from the work.
                Some(None) | None => gvl::check_interrupts()?,
            }
        }
    }
}

/// The Strings of a body. No reference to one is held between two calls: a body of many is looked up in its Array each
/// time, whatever Ruby has moved or the app has changed meanwhile.
#[derive(Clone, Copy)]
pub(crate) enum Strings {
    One(RString),
    Many(RArray),
}

impl Strings {
    /// The parts of a body; `nil` among them is none.
    ///
    /// # Errors
    /// When Ruby has no memory left.
    pub(crate) fn of(parts: RArray) -> Result<Strings, Error> {
        // Nearly every body is one string.
        if parts.len() == 1 {
            if let Some(one) = RString::from_value(parts.entry(0)?) {
                return Ok(Strings::One(one));
            }
        }
        Ok(Strings::Many(if has_nil(parts) { parts.funcall("compact", ())? } else { parts }))
    }

    /// Bytes of all of them.
    ///
    /// # Errors
    /// `Kino::ResponseError` for a part that is no String.
    pub(crate) fn length(self, ruby: &Ruby) -> Result<u64, Error> {
        let (number, length) =
            self.with_parts(0, |parts| parts.fold((0, 0), |(n, sum), part| (n + 1, sum + part.len() as u64)));
        match self {
            Strings::Many(parts) if number < parts.len() => {
                string_of(ruby, parts.entry(number as isize)?)?;
                Ok(length)
            }
            _ => Ok(length),
        }
    }

    /// How many there are.
    pub(crate) fn number(self) -> usize {
        match self {
            Strings::One(_) => 1,
            Strings::Many(parts) => parts.len(),
        }
    }

    /// One of them alone.
    ///
    /// # Errors
    /// `Kino::ResponseError` if it is no String.
    pub(crate) fn part(self, ruby: &Ruby, part: usize) -> Result<Strings, Error> {
        match self {
            Strings::One(_) => Ok(self),
            Strings::Many(parts) => Ok(Strings::One(string_of(ruby, parts.entry(part as isize)?)?)),
        }
    }
}

impl Apart for Strings {
    type Error = SendError;

    fn apart<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, SendError> {
        Lock.apart(work)
    }
}

impl Lender for Strings {
    fn with_parts<T>(&self, first: usize, see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T) -> T {
        match *self {
            Strings::One(string) => with_bytes(string, |bytes| see(&mut std::iter::once(bytes).skip(first))),
            Strings::Many(array) => with_bytes_from(array, first, see),
        }
    }

    fn keep(&self, part: usize, budget: &Arc<Kept>) -> Result<Lent, SendError> {
        let string = match *self {
            Strings::One(string) => Some(string),
            Strings::Many(parts) => RString::from_value(parts.entry(part as isize)?),
        };
        match string {
            Some(string) => Ok(pinned::keep(string, budget)?),
            // Not so: nobody has run since it was looked at.
            None => Ok(Lent { bytes: Bytes::new(), is_common: false }),
        }
    }
}

/// A part of a body.
///
/// # Errors
/// `Kino::ResponseError` for anything but a String.
pub(crate) fn string_of(ruby: &Ruby, part: Value) -> Result<RString, Error> {
    RString::from_value(part).ok_or_else(|| {
        let given = part.inspect();
        exception::response_error(ruby, format!("a part of the app's body is {given}; allowed are Strings"))
    })
}
