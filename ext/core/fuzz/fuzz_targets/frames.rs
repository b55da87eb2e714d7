//! Frames of HTTP/2 from a client that keeps to no rule: what they mean, and what they are answered with, does not depend on how
//! their bytes come, and none of them is a panic.

#![no_main]

use std::io::IoSlice;

use arbitrary::Arbitrary;
use kino_core::config::{Floods, Limits};
use kino_core::http2::frame::{Code, PREFACE};
use kino_core::http2::session::{Bounds, Event, Session};
use libfuzzer_sys::fuzz_target;

/// What a client says.
#[derive(Arbitrary, Debug)]
enum Said<'a> {
    /// A frame.
    Frame { kind: u8, flags: u8, stream: u8, payload: &'a [u8] },
    /// A request's head, and more of it than there should be.
    Head { stream: u8, ends: bool, more: &'a [u8] },
    /// A part of its body.
    Data { stream: u8, ends: bool, bytes: u16 },
    /// Anything.
    Bytes(&'a [u8]),
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream % 16], payload].concat()
}

impl Said<'_> {
    fn bytes(&self) -> Vec<u8> {
        match *self {
            Said::Frame { kind, flags, stream, payload } => frame(kind % 17, flags, stream, payload),
            Said::Head { stream, ends, more } => {
                // GET, http, / and a host, of the table that all know.
                let block = [&[0x82, 0x86, 0x84, 0x41, 1, b'x'], more].concat();
                frame(1, 4 | u8::from(ends), stream | 1, &block)
            }
            Said::Data { stream, ends, bytes } => frame(0, u8::from(ends), stream | 1, &vec![b'x'; usize::from(bytes)]),
            Said::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// All that is heard and answered.
fn tell<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Vec<u8>) {
    let limits = Limits { head: 300, fields: 8, target: 64, ..Limits::default() };
    let mut session = Session::<u32>::new(Bounds { streams: 3, limits, floods: Floods::default() });
    let (mut heard, mut sent) = (Vec::new(), Vec::new());
    for mut piece in pieces {
        loop {
            let event = session.receive(&mut piece);
            heard.push(format!("{event:?}"));
            match event {
                Ok(None) => {
                    heard.pop();
                    break;
                }
                Ok(Some(Event::Head { id, .. })) => session.head(id, b"HTTP/1.1 200 OK\r\nx-y: z\r\n\r\n", false),
                Ok(Some(Event::Data { id, data, ends })) => {
                    let length = data.len();
                    session.give(id, length);
                    session.data(id, &[IoSlice::new(&vec![b'y'; length])], ends);
                    session.settle(id);
                }
                Ok(Some(Event::Trailers { id, .. })) => session.end_answer(id, b"t: v\r\n"),
                Ok(Some(Event::Malformed { id, .. })) => drop(session.reset(id, Code::Protocol)),
                Ok(Some(_)) => {}
                Err(violation) => {
                    session.end(violation);
                    sent.extend_from_slice(session.out());
                    return (heard, sent);
                }
            }
            let length = session.out().len();
            sent.extend_from_slice(session.out());
            session.has_sent(length);
        }
    }
    sent.extend_from_slice(session.out());
    (heard, sent)
}

fuzz_target!(|input: (u8, Vec<Said<'_>>)| {
    let (size, said) = input;
    let mut bytes = [&PREFACE[..], &frame(4, 0, 0, b"")].concat();
    said.iter().for_each(|said| bytes.extend(said.bytes()));
    assert_eq!(tell([&bytes[..]].into_iter()), tell(bytes.chunks(usize::from(size) + 1)));
});
