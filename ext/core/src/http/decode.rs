//! The chunked transfer coding, read (RFC 9112 section 7.1).

use crate::error::Fault;

/// Bytes of extensions and trailers that a body may carry beyond one for each byte of its own, since a client could send them
/// for ever. Extensions are dropped (RFC 9112 section 7.1.1), trailers kept.
const OVERHEAD: usize = 16 * 1024;

/// A decoder that may be fed any split of its input.
///
/// ```text
///   Size -> Blank -> Extension -> SizeLf -> Data -> DataCr -> DataLf -> Size
///                                    \-> (size 0) TrailerStart <-> Trailer -> TrailerLf
///                                                     \-> EndLf -> done
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
    Blank { size: u64 },
    Extension { size: u64 },
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
            (State::Size { size, .. } | State::Blank { size }, b' ' | b'\t') => self.over(State::Blank { size })?,
            (State::Size { size, .. } | State::Blank { size }, b';') => self.over(State::Extension { size })?,
            (State::Blank { size }, b'\r') => State::SizeLf { size },
            (State::Extension { size }, b'\r') => State::SizeLf { size },
            (State::Extension { size }, byte) if is_text(byte) => self.over(State::Extension { size })?,
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

    fn over(&mut self, next: State) -> Result<State, Fault> {
        self.overhead += 1;
        if self.overhead > OVERHEAD {
            return Err(Fault::HeadTooLarge);
        }
        Ok(next)
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes `input` in pieces of `size` bytes: the body, and how many bytes were used.
    fn decode(input: &[u8], size: usize) -> Result<(Vec<u8>, Option<usize>), Fault> {
        let (mut decoder, mut body, mut used) = (Chunked::default(), Vec::new(), 0);
        for piece in input.chunks(size) {
            let mut rest = piece;
            while !rest.is_empty() {
                let taken = match decoder.step(rest)? {
                    Piece::Data(n) => {
                        body.extend_from_slice(&rest[..n]);
                        n
                    }
                    Piece::Framing(n) => n,
                    Piece::End => return Ok((body, Some(used))),
                };
                used += taken;
                rest = &rest[taken..];
            }
        }
        Ok((body, decoder.is_done().then_some(used)))
    }

    #[test]
    fn reads_chunks_at_any_split() {
        let input = b"3;a=b\r\nabc\r\n0A \r\n0123456789\r\n0\r\nX: y\r\n\r\nGET";
        for size in 1..input.len() {
            let (body, used) = decode(input, size).unwrap();
            assert_eq!((body.as_slice(), used), (&b"abc0123456789"[..], Some(input.len() - 3)));
        }
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for wrong in [
            &b"\r\n"[..],
            b"g\r\n",
            b"3\nabc\r\n",
            b"3\r\nabcd\r\n",
            b"3\r\nabc\n",
            b"-1\r\n",
            b"0x3\r\n",
            b"3;\x00\r\n",
            b"3 x\r\nabc\r\n",
            b"00000000000000001\r\n",
            b"0\r\n\n",
            b"0\r\nA: b\n\r\n",
        ] {
            assert!(decode(wrong, 64).is_err(), "{:?}", String::from_utf8_lossy(wrong));
        }
        assert!(decode(&[b"1;".as_slice(), &[b'x'; OVERHEAD + 1]].concat(), 100).is_err());
        let signed = [b"64;signature=".as_slice(), &[b'x'; 80], b"\r\n", &[b'd'; 100], b"\r\n"].concat().repeat(1000);
        assert!(decode(&signed, 1000).is_ok(), "extensions that the data outweighs");
    }

    #[test]
    fn keeps_the_trailers() {
        let trailers = |section: &str, most| {
            let mut decoder = Chunked::default();
            let input = format!("0\r\n{section}\r\n");
            decoder.step(input.as_bytes()).unwrap();
            assert!(decoder.is_done());
            decoder.trailers(most).map_err(Fault::status)
        };
        let field = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(trailers("", 9), Ok(vec![]));
        assert_eq!(trailers("A: b\r\nC:d \r\n", 9), Ok(vec![field("A", "b"), field("C", "d")]));
        assert_eq!(trailers("A: b\r\nC: d\r\n", 1), Err(431));
        assert_eq!(trailers("A b\r\n", 9), Err(400));
        assert_eq!(trailers("A: b\r\n c\r\n", 9), Err(400));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_depends_on_the_split(input in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..50) {
            prop_assert_eq!(decode(&input, size).ok(), decode(&input, input.len().max(1)).ok());
        }

        #[test]
        fn gives_back_what_was_encoded(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..10), size in 1usize..50) {
            let mut input = Vec::new();
            for part in &parts {
                input.extend(format!("{:x}\r\n", part.len()).into_bytes());
                input.extend(part);
                input.extend(b"\r\n");
            }
            input.extend(b"0\r\n\r\n");
            let length = input.len();
            prop_assert_eq!(decode(&input, size).unwrap(), (parts.concat(), Some(length)));
        }
    }
}
