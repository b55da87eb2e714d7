//! A whole connection: the same requests out of the same bytes, wherever they are split, streamed or waited for.

#![no_main]

use std::io::Read;

use arbitrary::Arbitrary;
use kino_core::config::Limits;
use kino_core::error::Fault;
use kino_core::http::receive::{Progress, Receiver};
use kino_core::http::spool::Body;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    cuts: Vec<u16>,
    streams: bool,
    bytes: &'a [u8],
}

/// Method and target, and the body.
type Request = (Vec<u8>, Vec<u8>);

/// All requests, and how far the connection has come after them.
fn requests<'a>(pieces: impl Iterator<Item = &'a [u8]>, streams: bool) -> (Vec<Request>, Result<Progress, Fault>) {
    let limits = Limits { head: 1024, fields: 16, target: 128, body: 4096, body_buffer: 512, ..Limits::default() };
    let mut found = Vec::new();
    let end = receive(pieces, streams, &limits, &mut found);
    (found, end)
}

fn receive<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    streams: bool,
    limits: &Limits,
    found: &mut Vec<Request>,
) -> Result<Progress, Fault> {
    let (mut receiver, mut streamed) = (Receiver::default(), Vec::new());
    let mut progress = Progress::Idle;
    for piece in pieces {
        progress = receiver.feed(piece, limits)?;
        loop {
            let part = receiver.take_part(usize::MAX);
            streamed.extend_from_slice(&part);
            match progress {
                Progress::Headed { .. } => progress = receiver.receive_body(streams, limits)?,
                Progress::Complete => {
                    let (head, body, _) = receiver.take_request();
                    let mut bytes = Vec::new();
                    match body {
                        Body::Empty => {}
                        Body::Memory(held) => bytes = held,
                        Body::File { mut file, .. } => {
                            file.read_to_end(&mut bytes).expect("a spooled body can be read");
                        }
                        Body::Arriving => bytes = std::mem::take(&mut streamed),
                    }
                    found.push(([head.method(), b" ", head.target()].concat(), bytes));
                    progress = receiver.next(limits)?;
                }
                Progress::Idle | Progress::Head | Progress::Body => break,
            }
        }
    }
    Ok(progress)
}

fuzz_target!(|input: Input<'_>| {
    let bytes = input.bytes;
    let mut cuts: Vec<usize> = input.cuts.iter().map(|&cut| usize::from(cut) % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).filter(|piece| !piece.is_empty());
    let (whole, whole_end) = requests(std::iter::once(bytes).filter(|bytes| !bytes.is_empty()), false);
    let (split, split_end) = requests(pieces, input.streams);
    assert_eq!(whole, split);
    match (whole_end, split_end) {
        (Ok(whole), Ok(split)) => assert_eq!(whole, split),
        // Which of several faults is found first may depend on what has come.
        (Err(_), Err(_)) => {}
        // A head that comes in pieces is looked at when its end is there, or its limit reached.
        (Err(_), Ok(Progress::Head)) => {}
        (whole, split) => panic!("{whole:?} as a whole, {split:?} in pieces"),
    }
});
