//! The chunked transfer coding, read (RFC 9112 section 7.1).

mod extension;
#[cfg(test)]
mod tests;

use self::extension::{Extension, is_text};
use crate::error::Fault;

/// Bytes of extensions and trailers that a body may carry beyond one for each byte of its own, since a client could send them
/// for ever. Extensions are dropped (RFC 9112 section 7.1.1), trailers kept.
const OVERHEAD: usize = 16 * 1024;

/// A decoder that may be fed any split of its input.
///
/// ```text
///   Size -> Extension -> SizeLf -> Data -> DataCr -> DataLf -> Size
///                           \-> (size 0) TrailerStart <-> Trailer -> TrailerLf
///                                            \-> EndLf -> done
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunked {
    state: State,
    overhead: usize,
    /// The trailer section, as it came.
    trailers: Vec<u8>,
}

/// The names and values of a message's trailer fields, in order (RFC 9110 section 6.5).
pub type Trailers = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { size: u64, digits: u8 },
    Extension { size: u64, at: Extension },
    SizeLf { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

/// What one step over the input found.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the body: so many from here on.
    Data(usize),
    /// So many bytes of framing, to be skipped.
    Framing(usize),
    /// The body ended before this byte.
    End,
}

impl Default for Chunked {
    fn default() -> Self {
        Chunked { state: State::Size { size: 0, digits: 0 }, overhead: 0, trailers: Vec::new() }
    }
}

impl Chunked {
    /// Looks at the next bytes, which must not be empty unless the body has ended.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for anything but well-formed chunks, a bare LF included.
    pub fn step(&mut self, input: &[u8]) -> Result<Piece, Fault> {
        if let State::Data { left } = self.state {
            let taken = left.min(input.len() as u64);
            self.state = if taken == left { State::DataCr } else { State::Data { left: left - taken } };
            self.overhead = self.overhead.saturating_sub(taken as usize);
            return Ok(Piece::Data(taken as usize));
        }
        let mut used = 0;
        for &byte in input {
            if matches!(self.state, State::Done | State::Data { .. }) {
                break;
            }
            self.byte(byte)?;
            used += 1;
        }
        if used == 0 && self.is_done() { Ok(Piece::End) } else { Ok(Piece::Framing(used)) }
    }

    /// Bytes of the body that the chunk which has begun says are still to come.
    pub fn to_come(&self) -> u64 {
        if let State::Data { left } = self.state { left } else { 0 }
    }

    /// Whether the last chunk and its trailers have been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailer fields, once the body has ended, `most` at most.
    ///
    /// # Errors
    /// [`Fault::Malformed`] for a line that is no field, [`Fault::TooManyFields`].
    pub fn trailers(&self, most: usize) -> Result<Trailers, Fault> {
        if self.trailers.is_empty() {
            return Ok(Trailers::new());
        }
        let section = [&self.trailers[..], b"\r\n"].concat();
        let mut fields = vec![httparse::EMPTY_HEADER; most];
        match httparse::parse_headers(&section, &mut fields) {
            Ok(httparse::Status::Complete((_, found))) => {
                Ok(found.iter().map(|field| (field.name.as_bytes().to_vec(), field.value.to_vec())).collect())
            }
            Err(httparse::Error::TooManyHeaders) => Err(Fault::TooManyFields),
            Ok(httparse::Status::Partial) | Err(_) => Err(Fault::Malformed("a trailer field is not valid")),
        }
    }

    fn byte(&mut self, byte: u8) -> Result<(), Fault> {
        self.state = match (self.state, byte) {
            (State::Size { size, digits }, byte) if byte.is_ascii_hexdigit() => {
                // Sixteen digits fill 64 bits; leading zeros count, or they could go on for ever.
                if digits == 16 {
                    return Err(Fault::Malformed("a chunk's size is too large"));
                }
                let digit = (byte as char).to_digit(16).unwrap_or_default();
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { digits: 0, .. }, _) => return Err(Fault::Malformed("a chunk's size is missing")),
            (State::Size { size, .. }, b'\r') => State::SizeLf { size },
            (State::Size { size, .. }, byte) => self.extension(size, Extension::begin(byte))?,
            (State::Extension { size, at }, b'\r') if at.may_end() => State::SizeLf { size },
            (State::Extension { size, at }, byte) => self.extension(size, at.after(byte))?,
            (State::SizeLf { size: 0 }, b'\n') => State::TrailerStart,
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { size: 0, digits: 0 },
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart | State::Trailer, byte) if is_text(byte) => {
                self.trailers.push(byte);
                self.over(State::Trailer)?
            }
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => {
                self.trailers.extend_from_slice(b"\r\n");
                State::TrailerStart
            }
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(Fault::Malformed("the chunked body is not well formed")),
        };
        Ok(())
    }

    fn extension(&mut self, size: u64, at: Option<Extension>) -> Result<State, Fault> {
        match at {
            Some(at) => self.over(State::Extension { size, at }),
            None => Err(Fault::Malformed("a chunk's size is followed by what is no extension")),
        }
    }

    fn over(&mut self, next: State) -> Result<State, Fault> {
        self.overhead += 1;
        if self.overhead > OVERHEAD {
            return Err(Fault::HeadTooLarge);
        }
        Ok(next)
    }
}
