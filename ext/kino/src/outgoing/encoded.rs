//! Bodies that the app gives in chunks already, with `transfer-encoding: chunked`, as Rails' streamed pages are: decoded, so
//! that they are framed as the client needs them, and can't break the connection.

use kino_core::http::decode::{Chunked, Piece};
use magnus::RString;

use super::SendError;
use crate::ffi::strings::with_bytes;

/// The bytes of the body in one part of it.
///
/// # Errors
/// For anything but well-formed chunks, and for what follows the last.
pub(super) fn decode(decoder: &mut Chunked, part: RString) -> Result<Vec<u8>, SendError> {
    with_bytes(part, |mut input| {
        let mut data = Vec::with_capacity(input.len());
        while !input.is_empty() {
            let used = match decoder.step(input) {
                Ok(Piece::Data(length)) => {
                    data.extend_from_slice(&input[..length]);
                    length
                }
                Ok(Piece::Framing(length)) => length,
                Ok(Piece::End) | Err(_) => return Err(SendError::Encoding),
            };
            input = &input[used..];
        }
        Ok(data)
    })
}
