//! Chunked bodies: the same body, end and verdict whatever pieces it comes in.

#![no_main]

use kino_core::error::Fault;
use kino_core::http::decode::{Chunked, Piece, Trailers};
use libfuzzer_sys::fuzz_target;

type Decoded = Result<(Vec<u8>, Option<usize>, Trailers), Fault>;

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let (mut decoder, mut body, mut used) = (Chunked::default(), Vec::new(), 0);
    for mut rest in pieces {
        while !rest.is_empty() {
            let taken = match decoder.step(rest)? {
                Piece::Data(taken) => {
                    body.extend_from_slice(&rest[..taken]);
                    taken
                }
                Piece::Framing(taken) => taken,
                Piece::End => return Ok((body, Some(used), decoder.trailers(16)?)),
            };
            assert!(taken > 0, "every step gets further");
            used += taken;
            rest = &rest[taken..];
        }
    }
    let end = decoder.is_done().then_some(used);
    Ok((body, end, if end.is_some() { decoder.trailers(16)? } else { Trailers::new() }))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = decode(std::iter::once(bytes));
    let pieces = decode(bytes.chunks(usize::from(size).max(1)));
    // Of a body that turns out to be malformed, how much was decoded before that may differ.
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(whole), Err(pieces)) => assert_eq!(whole, pieces),
        (whole, pieces) => panic!("{whole:?} as a whole, {pieces:?} in pieces of {size}"),
    }
});
