//! What frames a client may send, and what becomes of those that it may not: the cases of RFC 9113, after those of h2spec.

use std::io::IoSlice;

use super::*;
use crate::http2::flow;
use crate::http2::hpack::Indexing;

/// A client's end of a connection.
struct Client {
    session: Session<u32>,
    encoder: Encoder,
    decoder: Decoder,
    /// What the server has sent and nobody has looked at.
    heard: Vec<u8>,
}

/// A frame that the server has sent.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "h")];

impl Client {
    /// One that has begun.
    fn begin() -> Client {
        let mut client = Client::new(Limits::default());
        client.send(frame::PREFACE).unwrap();
        client.frame(frame::SETTINGS, 0, 0, b"").unwrap();
        client.heard();
        client
    }

    fn new(limits: Limits) -> Client {
        Client::of(Bounds { streams: 4, limits, floods: Floods::default() })
    }

    fn of(bounds: Bounds) -> Client {
        let session = Session::new(bounds);
        Client { session, encoder: Encoder::default(), decoder: Decoder::default(), heard: Vec::new() }
    }

    /// What the server makes of bytes, in words.
    fn send(&mut self, mut bytes: &[u8]) -> Result<Vec<String>, Violation> {
        let mut events = Vec::new();
        while let Some(event) = self.session.receive(&mut bytes)? {
            events.push(match event {
                Event::Head { id, head: Ok((head, _)), ends } => format!("head {id} {} {ends}", head.describe()),
                Event::Head { id, head: Err(fault), .. } => format!("fault {id} {}", fault.status()),
                Event::Data { id, data, ends } => format!("data {id} {} {ends}", data.len()),
                Event::Trailers { id, trailers } => format!("trailers {id} {}", trailers.len()),
                Event::Malformed { id, fault } => format!("malformed {id} {fault}"),
                Event::Gone { broken, .. } => format!("gone {}", broken.unwrap_or("by the client")),
                Event::Refused => "refused".to_owned(),
                Event::Priority { id, priority } => format!("priority {id} {}", priority.urgency),
                Event::Moved => "moved".to_owned(),
                Event::Nothing => "nothing".to_owned(),
            });
        }
        Ok(events)
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<Vec<String>, Violation> {
        let mut bytes = Vec::new();
        frame::push(&mut bytes, kind, flags, stream, payload);
        self.send(&bytes)
    }

    fn block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            self.encoder.field(name.as_bytes(), value.as_bytes(), Indexing::Once, &mut block);
        }
        block
    }

    fn headers(&mut self, stream: u32, flags: u8, fields: &[(&str, &str)]) -> Result<Vec<String>, Violation> {
        let block = self.block(fields);
        self.frame(frame::HEADERS, flags | frame::END_HEADERS, stream, &block)
    }

    fn get(&mut self, stream: u32) -> Result<Vec<String>, Violation> {
        self.headers(stream, frame::END_STREAM, &GET)
    }

    fn post(&mut self, stream: u32, more: &[(&str, &str)]) -> Result<Vec<String>, Violation> {
        self.headers(stream, 0, &[&GET[..], more].concat())
    }

    /// Frames that the server has sent since the last time.
    fn heard(&mut self) -> Vec<Sent> {
        self.heard.extend_from_slice(self.session.out());
        self.session.has_sent(self.session.out().len());
        let mut frames = Vec::new();
        while let Some(header) = Header::parse(&self.heard) {
            let payload = self.heard[frame::HEADER..frame::HEADER + header.length].to_vec();
            self.heard.drain(..frame::HEADER + header.length);
            frames.push(Sent { kind: header.kind, flags: header.flags, stream: header.stream, payload });
        }
        frames
    }

    /// The one frame that it has sent.
    fn heard_one(&mut self) -> Sent {
        let mut heard = self.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard.remove(0)
    }

    fn fields(&mut self, block: &[u8]) -> Vec<(String, String)> {
        let mut fields = crate::http2::hpack::Fields::new(65_536, 100);
        self.decoder.decode(block, &mut fields).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        fields.iter().map(|(name, value)| (text(name), text(value))).collect()
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Violation>) -> Code {
    result.unwrap_err().code
}

fn reset(stream: u32, code: Code) -> Sent {
    Sent { kind: frame::RST_STREAM, flags: 0, stream, payload: (code as u32).to_be_bytes().to_vec() }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";

#[test]
fn a_connection_begins_with_both_sides_settings() {
    let mut client = Client::new(Limits::default());
    let heard = client.heard();
    assert_eq!((heard[0].kind, heard[0].flags, heard[1].kind), (frame::SETTINGS, 0, frame::WINDOW_UPDATE));
    assert!(
        heard[0].payload.chunks(6).any(|setting| setting == [0, 8, 0, 0, 0, 1]),
        "tunnels may be asked for (RFC 8441)"
    );
    // Byte by byte.
    for byte in frame::PREFACE {
        assert_eq!(client.send(&[*byte]), Ok(vec![]));
    }
    assert_eq!(client.frame(frame::SETTINGS, 0, 0, b""), Ok(vec!["moved".to_owned()]));
    assert_eq!(client.heard_one(), Sent { kind: frame::SETTINGS, flags: frame::ACK, stream: 0, payload: vec![] });
}

#[test]
fn what_begins_otherwise_is_none() {
    let mut client = Client::new(Limits::default());
    assert_eq!(code(client.send(b"PRI * HTTP/2.0\r\n\r\nXX")), Code::Protocol);
    for (kind, flags) in [(frame::PING, 0), (frame::SETTINGS, frame::ACK), (frame::HEADERS, 0), (99, 0)] {
        let mut client = Client::new(Limits::default());
        client.send(frame::PREFACE).unwrap();
        assert_eq!(code(client.frame(kind, flags, 0, b"")), Code::Protocol);
    }
}

#[test]
fn a_request_and_its_answer() {
    let mut client = Client::begin();
    assert_eq!(client.get(1), Ok(vec!["head 1 GET / true".to_owned()]));
    client.session.head(1, OK, false);
    assert_eq!(client.session.data(1, &[IoSlice::new(b"he"), IoSlice::new(b""), IoSlice::new(b"llo")], true), 5);
    let heard = client.heard();
    assert_eq!((heard[0].kind, heard[0].flags, heard[0].stream), (frame::HEADERS, frame::END_HEADERS, 1));
    assert_eq!(client.fields(&heard[0].payload)[0], (":status".to_owned(), "200".to_owned()));
    assert_eq!((heard[1].flags, &heard[1].payload[..]), (frame::END_STREAM, &b"hello"[..]));
    client.session.settle(1);
    assert!(client.session.is_idle());
}

/// RFC 8441, RFC 9113 section 8.5.
#[test]
fn an_extended_connect_opens_a_stream_for_data_both_ways_and_nothing_else() {
    const CONNECT: [(&str, &str); 5] =
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/"), (":authority", "h")];
    let mut client = Client::begin();
    assert_eq!(client.headers(1, 0, &CONNECT), Ok(vec!["head 1 GET / false".to_owned()]));
    client.session.head(1, b"HTTP/1.1 200 \r\n\r\n", false);
    assert_eq!(client.frame(frame::DATA, 0, 1, b"hello"), Ok(vec!["data 1 5 false".to_owned()]));
    assert_eq!(client.session.data(1, &[IoSlice::new(b"world")], false), 5);
    assert_eq!(client.heard().iter().map(|frame| (frame.kind, frame.flags)).collect::<Vec<_>>(), [(1, 4), (0, 0)]);
    // Either side may end first.
    assert_eq!(client.frame(frame::DATA, frame::END_STREAM, 1, b""), Ok(vec!["data 1 0 true".to_owned()]));
    assert_eq!(client.session.data(1, &[IoSlice::new(b"more")], false), 4);
    client.session.end_answer(1, b"");
    client.session.settle(1);
    assert!(client.session.is_idle());
    client.heard();

    client.headers(3, 0, &CONNECT).unwrap();
    let gone = vec!["gone HEADERS is in a tunnel".to_owned()];
    assert_eq!(client.headers(3, frame::END_STREAM, &[("x-sum", "1")]), Ok(gone));
    assert_eq!(client.heard(), [reset(3, Code::Protocol)]);
}

#[test]
fn a_request_in_any_split_is_the_same() {
    let mut whole = Client::begin();
    let block = whole.block(&GET);
    let mut bytes = Vec::new();
    frame::push(&mut bytes, frame::HEADERS, 0, 1, &block[..3]);
    frame::push(&mut bytes, frame::CONTINUATION, frame::END_HEADERS, 1, &block[3..]);
    frame::push(&mut bytes, frame::DATA, frame::PADDED | frame::END_STREAM, 1, b"\x03hello123");
    let expected = ["head 1 GET / false", "data 1 5 true"];
    assert_eq!(whole.send(&bytes).unwrap(), expected);
    for size in 1..30 {
        let mut client = Client::begin();
        let events: Vec<String> = bytes.chunks(size).flat_map(|part| client.send(part).unwrap()).collect();
        assert_eq!(events, expected, "{size}");
    }
}

#[test]
fn bodies_are_as_long_as_their_heads_say() {
    let body = |length: Option<&str>, parts: &[(&[u8], bool)]| {
        let mut client = Client::begin();
        let more: Vec<_> = length.map(|length| ("content-length", length)).into_iter().collect();
        client.post(1, &more).unwrap();
        let send = |&(part, ends): &(&[u8], bool)| {
            client.frame(frame::DATA, if ends { frame::END_STREAM } else { 0 }, 1, part).unwrap()
        };
        parts.iter().flat_map(send).last().unwrap()
    };
    assert_eq!(body(Some("5"), &[(b"he", false), (b"llo", true)]), "data 1 3 true");
    assert_eq!(body(None, &[(b"he", false), (b"", true)]), "data 1 0 true");
    assert!(body(Some("5"), &[(b"hell", true)]).starts_with("malformed 1 the body is shorter"));
    assert!(body(Some("5"), &[(b"hello!", false)]).starts_with("malformed 1 the body is longer"));
    assert!(body(Some("0"), &[(b"x", false)]).starts_with("malformed 1 the body is longer"));
    let mut client = Client::begin();
    let ended = client.headers(1, frame::END_STREAM, &[&GET[..], &[("content-length", "5")]].concat());
    assert_eq!(ended.unwrap(), ["fault 1 400"]);
}

#[test]
fn trailers_end_a_request_and_are_fields_alone() {
    let trailers = |flags, fields: &[(&str, &str)]| {
        let mut client = Client::begin();
        client.post(1, &[]).unwrap();
        client.headers(1, flags, fields).unwrap().remove(0)
    };
    assert_eq!(trailers(frame::END_STREAM, &[("x-sum", "1")]), "trailers 1 1");
    assert!(trailers(0, &[("x-sum", "1")]).starts_with("malformed 1"));
    assert!(trailers(frame::END_STREAM, &[(":path", "/")]).starts_with("malformed 1"));
}

/// Frames that end the connection, whatever the stream is at: with a request on stream 1 whose body is to come.
#[test]
fn what_breaks_the_connection_has_its_code() {
    let huge = vec![0; frame::MOST + 1];
    type Case<'c> = (&'c str, u8, u8, u32, &'c [u8], Code);
    let cases: &[Case<'_>] = &[
        ("4.2: a frame past the longest", frame::DATA, 0, 1, &huge, Code::FrameSize),
        ("4.3: a block that can't be read", frame::HEADERS, frame::END_HEADERS, 3, b"\x80", Code::Compression),
        ("5.1: DATA on an idle stream", frame::DATA, 0, 5, b"x", Code::Protocol),
        ("5.1: RST_STREAM on an idle stream", frame::RST_STREAM, 0, 5, &[0; 4], Code::Protocol),
        ("5.1: WINDOW_UPDATE on an idle stream", frame::WINDOW_UPDATE, 0, 5, &[0, 0, 0, 1], Code::Protocol),
        ("5.1: CONTINUATION on an idle stream", frame::CONTINUATION, 0, 5, b"", Code::Protocol),
        ("5.1.1: a stream of the server's", frame::HEADERS, frame::END_HEADERS, 2, b"\x82", Code::Protocol),
        ("6.1: DATA on no stream", frame::DATA, 0, 0, b"x", Code::Protocol),
        ("6.1: padding as long as the frame", frame::DATA, frame::PADDED, 1, b"\x02x", Code::Protocol),
        ("6.2: HEADERS on no stream", frame::HEADERS, frame::END_HEADERS, 0, b"\x82", Code::Protocol),
        ("6.2: HEADERS without room for its priority", frame::HEADERS, 0x24, 3, b"\0\0", Code::FrameSize),
        ("6.3: PRIORITY on no stream", frame::PRIORITY, 0, 0, &[0; 5], Code::Protocol),
        ("6.4: RST_STREAM on no stream", frame::RST_STREAM, 0, 0, &[0; 4], Code::Protocol),
        ("6.4: RST_STREAM of a wrong length", frame::RST_STREAM, 0, 1, &[0; 3], Code::FrameSize),
        ("6.5: SETTINGS on a stream", frame::SETTINGS, 0, 1, b"", Code::Protocol),
        ("6.5: SETTINGS of a wrong length", frame::SETTINGS, 0, 0, &[0; 5], Code::FrameSize),
        ("6.5: an acknowledgement with something in it", frame::SETTINGS, frame::ACK, 0, &[0; 6], Code::FrameSize),
        ("6.5.2: ENABLE_PUSH of 2", frame::SETTINGS, 0, 0, &[0, 2, 0, 0, 0, 2], Code::Protocol),
        ("RFC 9218 2.1: neither 0 nor 1", frame::SETTINGS, 0, 0, &[0, 9, 0, 0, 0, 2], Code::Protocol),
        ("6.5.2: too large a window", frame::SETTINGS, 0, 0, &[0, 4, 0x80, 0, 0, 0], Code::FlowControl),
        ("6.5.2: too small a frame", frame::SETTINGS, 0, 0, &[0, 5, 0, 0, 0x3f, 0xff], Code::Protocol),
        ("6.5.2: too large a frame", frame::SETTINGS, 0, 0, &[0, 5, 1, 0, 0, 0], Code::Protocol),
        ("6.6: a push", frame::PUSH_PROMISE, frame::END_HEADERS, 1, &[0; 4], Code::Protocol),
        ("6.7: PING on a stream", frame::PING, 0, 1, &[0; 8], Code::Protocol),
        ("6.7: PING of a wrong length", frame::PING, 0, 0, &[0; 6], Code::FrameSize),
        ("6.8: GOAWAY on a stream", frame::GOAWAY, 0, 1, &[0; 8], Code::Protocol),
        ("6.8: GOAWAY of a wrong length", frame::GOAWAY, 0, 0, &[0; 4], Code::FrameSize),
        ("6.9: a window that opens by nothing", frame::WINDOW_UPDATE, 0, 0, &[0; 4], Code::Protocol),
        ("6.9: WINDOW_UPDATE of a wrong length", frame::WINDOW_UPDATE, 0, 0, &[0; 3], Code::FrameSize),
        ("6.9.1: past the largest window", frame::WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff], Code::FlowControl),
        ("6.10: CONTINUATION after a whole block", frame::CONTINUATION, 4, 1, b"", Code::Protocol),
    ];
    for &(why, kind, flags, stream, payload, expected) in cases {
        let mut client = Client::begin();
        client.post(1, &[]).unwrap();
        let result = client.frame(kind, flags, stream, payload);
        assert_eq!(result.as_ref().map_err(|violation| violation.code), Err(expected), "{why}");
        client.session.end(result.unwrap_err());
        let last = client.heard().pop().unwrap();
        assert_eq!((last.kind, last.payload[..4].to_vec()), (frame::GOAWAY, vec![0, 0, 0, 1]), "{why}");
        assert_eq!(last.payload[4..8], (expected as u32).to_be_bytes(), "{why}");
    }
}

#[test]
fn a_header_block_is_not_interrupted() {
    let cases = [
        (frame::DATA, 1),
        (frame::PING, 0),
        (frame::HEADERS, 3),
        (frame::CONTINUATION, 3),
        (99, 0),
        (frame::PRIORITY, 1),
    ];
    for (kind, stream) in cases {
        let mut client = Client::begin();
        let block = client.block(&GET);
        client.frame(frame::HEADERS, 0, 1, &block).unwrap();
        assert!(client.session.is_amid());
        assert_eq!(code(client.frame(kind, 0, stream, &[0; 8])), Code::Protocol, "{kind}");
    }
}

#[test]
fn what_breaks_a_stream_ends_that_stream_alone() {
    let cases: &[(&str, u8, u8, &[u8], Code)] = &[
        ("6.3: PRIORITY of a wrong length", frame::PRIORITY, 0, &[0; 4], Code::FrameSize),
        ("6.9: a window that opens by nothing", frame::WINDOW_UPDATE, 0, &[0; 4], Code::Protocol),
        ("6.9.1: past the largest window", frame::WINDOW_UPDATE, 0, &[0x7f, 0xff, 0xff, 0xff], Code::FlowControl),
    ];
    for &(why, kind, flags, payload, expected) in cases {
        let mut client = Client::begin();
        client.post(1, &[]).unwrap();
        assert!(client.frame(kind, flags, 1, payload).unwrap()[0].starts_with("gone"), "{why}");
        assert_eq!(client.heard_one(), reset(1, expected), "{why}");
        assert_eq!(client.get(3).unwrap(), ["head 3 GET / true"], "{why}");
    }
}

/// What they say is obsolete (section 5.3.2), and where there is no stream to end, none is.
#[test]
fn old_priorities_are_nothing_whatever_they_say() {
    let mut client = Client::begin();
    client.post(1, &[]).unwrap();
    for (stream, payload) in [(1, &[0, 0, 0, 1, 0][..]), (9, &[0, 0, 0, 9, 0]), (9, &[0; 4]), (2, &[0; 6])] {
        assert_eq!(client.frame(frame::PRIORITY, 0, stream, payload), Ok(vec![]), "{stream}");
    }
    let block = [&[0, 0, 0, 3, 0][..], &client.block(&GET)].concat();
    let flags = frame::PRIORITIZED | frame::END_HEADERS | frame::END_STREAM;
    assert_eq!(client.frame(frame::HEADERS, flags, 3, &block).unwrap(), ["head 3 GET / true"]);
    assert!(client.heard().is_empty());
}

#[test]
fn after_its_end_a_request_has_nothing_more() {
    let mut client = Client::begin();
    client.get(1).unwrap();
    assert!(client.frame(frame::DATA, 0, 1, b"x").unwrap()[0].starts_with("gone DATA follows"));
    assert_eq!(client.heard_one(), reset(1, Code::StreamClosed));
    client.get(3).unwrap();
    assert!(client.headers(3, frame::END_STREAM, &[("x", "y")]).unwrap()[0].starts_with("gone HEADERS follows"));
    // What was on its way when we reset it is nothing.
    assert_eq!(client.frame(frame::DATA, 0, 1, b"x"), Ok(vec![]));
    assert_eq!(client.headers(3, frame::END_STREAM, &[("x", "y")]), Ok(vec![]));
}

#[test]
fn of_streams_that_have_ended_only_some_frames_are_nothing() {
    let ended = || {
        let mut client = Client::begin();
        client.get(5).unwrap();
        client.session.head(5, OK, true);
        client.session.settle(5);
        client
    };
    let mut client = ended();
    assert_eq!(client.frame(frame::WINDOW_UPDATE, 0, 5, &[0, 0, 0, 1]), Ok(vec![]));
    assert_eq!(client.frame(frame::RST_STREAM, 0, 5, &[0; 4]), Ok(vec![]));
    assert_eq!(client.frame(frame::PRIORITY, 0, 5, &[0; 5]), Ok(vec![]));
    assert_eq!(code(client.frame(frame::DATA, 0, 5, b"x")), Code::StreamClosed);
    assert_eq!(code(ended().get(5)), Code::StreamClosed);
    assert_eq!(code(ended().get(3)), Code::Protocol, "5.1.1: numbers only grow");
    let mut client = ended();
    client.get(7).unwrap();
    assert_eq!(client.frame(frame::RST_STREAM, 0, 7, &[0; 4]).unwrap(), ["gone by the client"]);
    assert_eq!(code(client.frame(frame::DATA, 0, 7, b"x")), Code::StreamClosed);
}

#[test]
fn no_more_streams_than_there_may_be() {
    let mut client = Client::begin();
    (0..4).for_each(|n| assert!(client.get(1 + 2 * n).unwrap()[0].starts_with("head")));
    assert_eq!(client.get(9).unwrap(), ["refused"]);
    assert_eq!(client.heard_one(), reset(9, Code::RefusedStream));
    // One that is answered makes room, though whoever has answered it has not let go of it yet.
    client.session.head(1, OK, true);
    assert!(client.get(11).unwrap()[0].starts_with("head"));
}

#[test]
fn windows_hold_both_ways() {
    let mut client = Client::begin();
    client.frame(frame::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 3]).unwrap();
    client.get(1).unwrap();
    client.heard();
    client.session.head(1, OK, false);
    assert_eq!((client.session.data(1, &[IoSlice::new(b"hello")], true), client.session.room(1)), (3, 0));
    client.frame(frame::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]).unwrap();
    assert_eq!(client.session.data(1, &[IoSlice::new(b"lo")], true), 1);
    // A setting changes all windows, below nothing if need be (6.9.2).
    client.frame(frame::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]).unwrap();
    client.frame(frame::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 2]).unwrap();
    assert_eq!(client.session.data(1, &[IoSlice::new(b"o")], true), 0);
    client.frame(frame::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1]).unwrap();
    assert_eq!(client.session.data(1, &[IoSlice::new(b"o")], true), 1);
    let flags: Vec<u8> = client.heard().iter().filter(|sent| sent.kind == frame::DATA).map(|sent| sent.flags).collect();
    assert_eq!(flags, [0, 0, frame::END_STREAM]);

    let part = vec![0; frame::MOST];
    let mut client = Client::begin();
    client.post(1, &[]).unwrap();
    for _ in 0..flow::STREAM as usize / frame::MOST {
        client.frame(frame::DATA, 0, 1, &part).unwrap();
    }
    assert!(client.heard().is_empty(), "nobody has read anything");
    assert!(client.frame(frame::DATA, 0, 1, b"x").unwrap()[0].starts_with("gone more was sent"));
    assert_eq!(client.heard_one(), reset(1, Code::FlowControl));
    let mut client = Client::begin();
    let mut streams = [1, 3, 5].into_iter();
    let result = loop {
        let stream = streams.next().unwrap();
        client.post(stream, &[]).unwrap();
        let sent: Result<Vec<_>, _> =
            (0..flow::STREAM as usize / frame::MOST).map(|_| client.frame(frame::DATA, 0, stream, &part)).collect();
        if sent.is_err() {
            break sent;
        }
    };
    assert_eq!(code(result), Code::FlowControl);
}

#[test]
fn room_that_is_given_back_in_small_steps_is_no_flood_and_in_bytes_is_one() {
    let take_all = |step: u32| {
        let mut client = Client::begin();
        client.get(1).unwrap();
        client.session.head(1, OK, false);
        let part = [0; 4096];
        for _ in 0..2000 {
            if client.session.data(1, &[IoSlice::new(&part)], false) != part.len() {
                return Ok(false);
            }
            client.heard();
            for _ in 0..part.len() as u32 / step {
                client.frame(frame::WINDOW_UPDATE, 0, 1, &step.to_be_bytes())?;
                client.frame(frame::WINDOW_UPDATE, 0, 0, &step.to_be_bytes())?;
            }
        }
        Ok(true)
    };
    assert!(take_all(1024).unwrap());
    assert_eq!(code(take_all(16)), Code::EnhanceYourCalm);
    // What was used is given back once.
    let mut client = Client::begin();
    client.get(1).unwrap();
    client.session.head(1, OK, false);
    client.session.data(1, &[IoSlice::new(&[0; 60_000])], false);
    client.heard();
    let flood = (0..3000).try_for_each(|_| client.frame(frame::WINDOW_UPDATE, 0, 0, &[0, 0, 4, 0]).map(drop));
    assert_eq!(code(flood), Code::EnhanceYourCalm);
}

#[test]
fn room_that_is_given_back_for_each_frame_is_no_flood_however_short_those_are() {
    let take_all = |updates: usize| {
        let mut client = Client::begin();
        client.get(1).unwrap();
        client.session.head(1, OK, false);
        for _ in 0..40 {
            // As many as are on their way at one time.
            (0..200).for_each(|_| assert_eq!(client.session.data(1, &[IoSlice::new(&[0; 100])], false), 100));
            client.heard();
            for _ in 0..200 * updates {
                client.frame(frame::WINDOW_UPDATE, 0, 1, &(100 / updates as u32).to_be_bytes())?;
                client.frame(frame::WINDOW_UPDATE, 0, 0, &(100 / updates as u32).to_be_bytes())?;
            }
        }
        Ok(())
    };
    take_all(1).unwrap();
    assert_eq!(code(take_all(2)), Code::EnhanceYourCalm);
}

#[test]
fn a_request_may_come_with_a_window_of_its_own() {
    let ask = |updates: usize| {
        let mut client = Client::begin();
        for n in 0..4000 {
            let id = 1 + 2 * n;
            client.get(id)?;
            (0..updates).try_for_each(|_| client.frame(frame::WINDOW_UPDATE, 0, id, &[0, 1, 0, 0]).map(drop))?;
            client.session.head(id, OK, true);
            client.session.settle(id);
            client.heard();
        }
        Ok(())
    };
    ask(1).unwrap();
    assert_eq!(code(ask(2)), Code::EnhanceYourCalm);
}

/// What a server that answers at once with each bit of room would fall into: ever shorter frames (RFC 9113 section 6.9, and the silly
/// windows of RFC 1122 section 4.2.3.4).
#[test]
fn a_client_that_gives_back_each_frame_is_not_answered_in_ever_shorter_ones() {
    let mut client = Client::begin();
    client.frame(frame::SETTINGS, 0, 0, &[0, 4, 0, 16, 0, 0]).unwrap();
    client.get(1).unwrap();
    client.session.head(1, OK, false);
    client.heard();
    let (mut lengths, mut on_their_way) = (Vec::new(), VecDeque::new());
    for _ in 0..2000 {
        let mut left = 1024;
        while left > 0 {
            let taken = client.session.data(1, &[IoSlice::new(&vec![0; left])], false);
            left -= taken;
            on_their_way.extend(client.heard().into_iter().filter(|sent| sent.kind == frame::DATA));
            if left > 0 {
                let length = on_their_way.pop_front().expect("it never waits for nothing").payload.len();
                lengths.push(length);
                client.frame(frame::WINDOW_UPDATE, 0, 1, &(length as u32).to_be_bytes()).unwrap();
                client.frame(frame::WINDOW_UPDATE, 0, 0, &(length as u32).to_be_bytes()).unwrap();
            }
        }
    }
    let short = lengths.iter().filter(|&&length| length < 512).count();
    assert!(short < 4, "{short} of {}", lengths.len());
}

/// Nobody may wait for ever for a window that its client never means to open further.
#[test]
fn a_little_room_is_used_after_a_while_and_a_small_window_at_once() {
    let mut client = Client::begin();
    client.get(1).unwrap();
    client.session.head(1, OK, false);
    let send = |client: &mut Client, length: usize| client.session.data(1, &[IoSlice::new(&vec![0; length])], false);
    client.session.set_time(5000);
    client.heard();
    assert_eq!(send(&mut client, 70_000), 65_535, "down to its end a window is used");
    client.heard();
    assert_eq!(client.session.due(), None);
    client.frame(frame::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 10]).unwrap();
    client.frame(frame::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 10]).unwrap();
    assert_eq!((client.session.room(1), send(&mut client, 20)), (0, 0));
    let due = client.session.due().expect("it waits for no longer than that");
    assert!(!client.session.open_late(due - 1) && client.session.open_late(due));
    assert_eq!((client.session.due(), send(&mut client, 20)), (None, 10));

    // Nor for what is left where the client opens it bit by bit.
    for stream in [0, 1] {
        (0..2).for_each(|_| drop(client.frame(frame::WINDOW_UPDATE, 0, stream, &[0, 0, 0x11, 0]).unwrap()));
    }
    client.heard();
    assert_eq!((send(&mut client, 8000), send(&mut client, 1000)), (8000, 0));
    let due = client.session.due().expect("it waits for no longer than that");
    client.session.set_time(due);
    assert!(client.session.open_late(due));
    assert_eq!((send(&mut client, 1000), client.session.due()), (704, None));

    // A client that has never opened more than that is served as it asks to be.
    let mut client = Client::begin();
    client.frame(frame::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 10]).unwrap();
    client.get(1).unwrap();
    client.session.head(1, OK, false);
    for _ in 0..5 {
        assert_eq!(send(&mut client, 20), 10);
        client.frame(frame::WINDOW_UPDATE, 0, 1, &[0, 0, 0, 10]).unwrap();
    }
}

#[test]
fn a_ping_with_each_frame_of_an_answer_or_a_body_is_no_flood_and_two_are() {
    let ask = |pings: usize, is_answer: bool| {
        let mut client = Client::begin();
        client.post(1, &[]).unwrap();
        client.session.head(1, OK, false);
        for _ in 0..4000 {
            if is_answer {
                assert_eq!(client.session.data(1, &[IoSlice::new(&[0; 1024])], false), 1024);
                client.frame(frame::WINDOW_UPDATE, 0, 1, &1024_u32.to_be_bytes())?;
                client.frame(frame::WINDOW_UPDATE, 0, 0, &1024_u32.to_be_bytes())?;
            } else {
                client.frame(frame::DATA, 0, 1, b"x")?;
                client.session.give(1, 1);
            }
            for _ in 0..pings {
                client.frame(frame::PING, 0, 0, &[0; 8])?;
            }
            client.heard();
        }
        Ok::<_, Violation>(())
    };
    for is_answer in [true, false] {
        ask(1, is_answer).unwrap();
        assert_eq!(code(ask(2, is_answer)), Code::EnhanceYourCalm);
    }
}

#[test]
fn what_has_been_read_may_come_again() {
    let mut client = Client::begin();
    client.post(1, &[]).unwrap();
    let part = vec![0; frame::MOST];
    for _ in 0..100 {
        assert_eq!(client.frame(frame::DATA, 0, 1, &part).unwrap(), ["data 1 16384 false"]);
        client.session.give(1, part.len());
    }
    let opened: u64 = client
        .heard()
        .iter()
        .filter(|sent| sent.kind == frame::WINDOW_UPDATE && sent.stream == 1)
        .map(|sent| u64::from(frame::number(&sent.payload).unwrap()))
        .sum();
    assert!(opened > 100 * 16_384 - u64::from(flow::STREAM));
}

#[test]
fn floods_end_the_connection() {
    type Step = fn(&mut Client, u32) -> Result<Vec<String>, Violation>;
    let (of_frames, of_resets) = (Flood::ControlFrames, Flood::Resets);
    let floods: [(&str, Flood, Step); 12] = [
        ("PING", of_frames, |client, _| client.frame(frame::PING, 0, 0, &[0; 8])),
        ("SETTINGS", of_frames, |client, _| client.frame(frame::SETTINGS, 0, 0, b"")),
        ("PRIORITY", of_frames, |client, _| client.frame(frame::PRIORITY, 0, 9, &[0; 5])),
        ("PRIORITY_UPDATE", of_frames, |client, _| client.frame(frame::PRIORITY_UPDATE, 0, 0, b"\0\0\0\x01u=1")),
        ("GOAWAY", of_frames, |client, _| client.frame(frame::GOAWAY, 0, 0, &[0; 8])),
        ("an unknown frame", of_frames, |client, _| client.frame(77, 0, 0, b"x")),
        ("WINDOW_UPDATE", of_frames, |client, _| client.frame(frame::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("empty DATA", Flood::EmptyFrames, |client, n| {
            if n == 0 {
                client.post(1, &[])?;
            }
            client.frame(frame::DATA, 0, 1, b"")
        }),
        ("resets", of_resets, |client, n| {
            client.get(1 + 2 * n)?;
            client.frame(frame::RST_STREAM, 0, 1 + 2 * n, &[0; 4])
        }),
        ("streams that the client has us reset", of_resets, |client, n| {
            client.get(1 + 2 * n)?;
            client.frame(frame::WINDOW_UPDATE, 0, 1 + 2 * n, &[0; 4])
        }),
        ("heads that are malformed", of_resets, |client, n| {
            let events = client.headers(1 + 2 * n, frame::END_STREAM, &[("X", "y")])?;
            client.session.reset(1 + 2 * n, Code::Protocol);
            Ok(events)
        }),
        ("refused streams", of_resets, |client, n| client.get(1 + 2 * n)),
    ];
    for (what, flood, step) in floods {
        // How many come through is the setting that the flood is of, and no other's.
        let come_through = |most: u64| {
            let usual = Floods::default();
            let floods = match flood {
                Flood::Resets => Floods { resets: most, ..usual },
                Flood::EmptyFrames => Floods { empty_frames: most, ..usual },
                _ => Floods { control_frames: most, ..usual },
            };
            let mut client = Client::of(Bounds { streams: 4, limits: Limits::default(), floods });
            client.send(frame::PREFACE).unwrap();
            client.frame(frame::SETTINGS, 0, 0, b"").unwrap();
            let ended = (0..10_000).find_map(|n| {
                client.heard();
                step(&mut client, n).err().map(|violation| (n, violation))
            });
            let (number, violation) = ended.expect(what);
            assert_eq!((violation.code, violation.flood), (Code::EnhanceYourCalm, Some(flood)), "{what}");
            number
        };
        assert!(come_through(100) >= come_through(1) + 4 * 99, "{what}");
    }
}

#[test]
fn a_header_block_has_an_end() {
    let mut client = Client::begin();
    client.frame(frame::HEADERS, 0, 1, b"").unwrap();
    let ended = (0..10_000).find_map(|n| Some((n, client.frame(frame::CONTINUATION, 0, 1, b"").err()?)));
    let ended = ended.map(|(n, violation)| (n, violation.code, violation.flood));
    assert_eq!(ended, Some((32, Code::EnhanceYourCalm, Some(Flood::Continuations))));
    let mut client = Client::begin();
    client.frame(frame::HEADERS, 0, 1, &[0; 16_000]).unwrap();
    let ended = (0..10).find_map(|_| client.frame(frame::CONTINUATION, 0, 1, &[0; 16_000]).err());
    assert_eq!(ended.and_then(|violation| violation.flood), Some(Flood::HeaderBlocks));
}

#[test]
fn a_head_that_is_refused_costs_its_stream_alone() {
    let mut client = Client::new(Limits { head: 200, fields: 3, target: 10, ..Limits::default() });
    client.send(frame::PREFACE).unwrap();
    client.frame(frame::SETTINGS, 0, 0, b"").unwrap();
    let mut status = |stream, more: &[(&str, &str)]| {
        client.headers(stream, frame::END_STREAM, &[&GET[..], more].concat()).unwrap().remove(0)
    };
    assert_eq!(status(1, &[("x", &"y".repeat(400))]), "fault 1 431");
    assert_eq!(status(3, &[("x", "1"), ("y", "1"), ("z", "1"), ("a", "1"), ("b", "1")]), "fault 3 431");
    assert_eq!(status(5, &[("X", "y")]), "fault 5 400");
    assert_eq!(status(7, &[]), "head 7 GET / true");
}

#[test]
fn the_end_is_told_in_two_steps_and_nothing_is_lost_between_them() {
    let mut client = Client::begin();
    client.get(1).unwrap();
    client.session.warn();
    let heard = client.heard();
    assert_eq!((heard[0].kind, &heard[0].payload[..8]), (frame::GOAWAY, &[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0][..]));
    assert_eq!(heard[1].kind, frame::PING);
    assert!(client.get(3).unwrap()[0].starts_with("head"), "it has not heard yet");
    client.frame(frame::PING, frame::ACK, 0, &heard[1].payload).unwrap();
    let last = client.heard_one();
    assert_eq!((last.kind, &last.payload[..8]), (frame::GOAWAY, &[0, 0, 0, 3, 0, 0, 0, 0][..]));
    assert_eq!(client.get(5).unwrap(), ["refused"]);
    assert!(!client.session.is_over());
    for stream in [1, 3] {
        client.session.head(stream, OK, true);
        client.session.settle(stream);
    }
    assert!(client.session.is_over());
}

#[test]
fn who_never_hears_of_the_end_may_open_as_many_streams_as_there_may_be_at_once() {
    let mut client = Client::begin();
    client.session.warn();
    let mut ask = |id| {
        let event = client.get(id).unwrap().remove(0);
        client.session.head(id, OK, true);
        client.session.settle(id);
        event
    };
    (0..4).for_each(|n| assert!(ask(1 + 2 * n).starts_with("head")));
    assert_eq!((ask(9), ask(11)), ("refused".to_owned(), "refused".to_owned()));
    assert!(client.session.is_over());
    let heard = client.heard();
    let told = heard.iter().filter(|sent| sent.kind == frame::GOAWAY).map(|sent| frame::number(&sent.payload).unwrap());
    assert_eq!(told.collect::<Vec<_>>(), [frame::LARGEST, 7]);
    assert!(heard.contains(&reset(9, Code::RefusedStream)));
}

#[test]
fn a_priority_may_come_before_its_request_and_no_more_than_there_may_be_streams() {
    let mut client = Client::begin();
    let update = |client: &mut Client, payload: &[u8]| client.frame(frame::PRIORITY_UPDATE, 0, 0, payload);
    for payload in [&b"\0\0\0\x01u=6"[..], b"\0\0\0\x05u=1", b"\0\0\0\x05u=2, i", b"\0\0\0\x07u=7"] {
        assert_eq!(update(&mut client, payload), Ok(vec![]));
    }
    client.get(5).unwrap();
    let said = client.session.early_priority(5);
    assert_eq!(said, Some(Priority { urgency: 2, is_incremental: true }), "the last one");
    assert_eq!([1, 5].map(|id| client.session.early_priority(id)), [None; 2], "nobody opens 1 any more");
    assert_eq!(update(&mut client, b"\0\0\0\x09u=6"), Ok(vec![]));
    assert_eq!(update(&mut client, b"\0\0\0\x0bu=6"), Ok(vec![]));
    assert_eq!(update(&mut client, b"\0\0\0\x0bu=5"), Ok(vec![]), "it is there");
    assert_eq!(
        code(update(&mut client, b"\0\0\0\x0du=6")),
        Code::Protocol,
        "RFC 9218 7.1: three, and one that is open"
    );
}

#[test]
fn a_priority_may_change_for_streams_that_there_are() {
    let mut client = Client::begin();
    client.get(1).unwrap();
    let update = |client: &mut Client, stream, payload: &[u8]| client.frame(frame::PRIORITY_UPDATE, 0, stream, payload);
    assert_eq!(update(&mut client, 0, b"\0\0\0\x01u=6").unwrap(), ["priority 1 6"]);
    assert_eq!(update(&mut client, 0, b"\0\0\0\x07u=6").unwrap(), [""; 0]);
    assert_eq!(code(update(&mut client, 1, b"\0\0\0\x01u=6")), Code::Protocol);
    assert_eq!(code(update(&mut client, 0, b"\0\0\0\0u=6")), Code::Protocol);
    assert_eq!(code(update(&mut client, 0, b"\0\0\0\x02u=6")), Code::Protocol, "a push, and there are none");
    assert_eq!(code(update(&mut client, 0, b"\0\0\0")), Code::FrameSize);
}

#[test]
fn a_long_head_is_sent_in_several_frames() {
    let mut client = Client::begin();
    client.get(1).unwrap();
    let value = "~".repeat(40_000);
    client.session.head(1, format!("HTTP/1.1 200 OK\r\nx: {value}\r\n\r\n").as_bytes(), true);
    let heard = client.heard();
    let kinds: Vec<(u8, u8)> = heard.iter().map(|sent| (sent.kind, sent.flags)).collect();
    assert_eq!(
        kinds,
        [(frame::HEADERS, frame::END_STREAM), (frame::CONTINUATION, 0), (frame::CONTINUATION, frame::END_HEADERS)]
    );
    let block: Vec<u8> = heard.into_iter().flat_map(|sent| sent.payload).collect();
    assert_eq!(client.fields(&block)[1].1, value);
}

#[test]
fn an_answer_ends_with_its_trailers_or_without() {
    let mut client = Client::begin();
    for (stream, trailers) in [(1, &b"x-sum: 1\r\n"[..]), (3, b"")] {
        client.get(stream).unwrap();
        client.session.head(stream, OK, false);
        client.session.end_answer(stream, trailers);
        client.session.end_answer(stream, trailers);
        let heard = client.heard();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert_eq!(heard[1].flags & frame::END_STREAM, frame::END_STREAM);
        let block = heard[0].payload.clone();
        client.fields(&block);
        if !trailers.is_empty() {
            let block = heard[1].payload.clone();
            assert_eq!(client.fields(&block), [("x-sum".to_owned(), "1".to_owned())]);
        }
    }
}
