//! A client that speaks HTTP/2: what it says, and whether what it hears is right.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Weak;

use super::super::bytes::Bytes;
use super::super::client::{ANSWERS, pattern};
use crate::http2::flow;
use crate::http2::frame::PREFACE;
use crate::http2::hpack::{Decoder, Encoder, Fields, Indexing};
use crate::net::connection::Connection;
use crate::net::fake_socket::FakeSocket;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
/// Bytes that each of its streams lets the server send in the beginning.
const WINDOW: i64 = 3000;

/// A client and its connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) socket: FakeSocket,
    pub(super) connection: Weak<Connection>,
    /// It may not get an answer to each request: it has left, or something was broken on purpose.
    pub(super) is_excused: bool,
    /// It opens its windows for all that comes.
    pub(super) reads_all: bool,
    number: usize,
    encoder: Encoder,
    decoder: Decoder,
    streams: BTreeMap<u32, Stream>,
    next: u32,
    /// What the server may send yet, and what the client may.
    room: i64,
    own_room: i64,
    unsent: VecDeque<u8>,
    got: Vec<u8>,
    has_left: bool,
}

#[derive(Debug)]
struct Stream {
    target: Vec<u8>,
    is_head: bool,
    /// What is left of its request's body.
    body: Vec<u8>,
    has_ended: bool,
    own_room: i64,
    room: i64,
    answer: Answer,
    /// The client has reset it.
    is_reset: bool,
}

#[derive(Debug, Default)]
struct Answer {
    status: Option<u16>,
    is_own: bool,
    body: Vec<u8>,
    is_whole: bool,
    is_reset: bool,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

impl Client {
    pub(super) fn new(number: usize, socket: FakeSocket) -> Client {
        let mut client = Client {
            socket,
            connection: Weak::new(),
            is_excused: false,
            reads_all: false,
            number,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            streams: BTreeMap::new(),
            next: 1,
            room: i64::from(flow::INITIAL),
            own_room: i64::from(flow::CONNECTION),
            unsent: PREFACE.iter().copied().collect(),
            got: Vec::new(),
            has_left: false,
        };
        client.put(&frame(SETTINGS, 0, 0, &[&[0, 4][..], &(WINDOW as u32).to_be_bytes()].concat()));
        client
    }

    fn put(&mut self, bytes: &[u8]) {
        self.unsent.extend(bytes);
    }

    /// Sends so many of the bytes that it has to say.
    pub(super) fn send(&mut self, most: usize) {
        let most = most.min(self.unsent.len());
        let bytes: Vec<u8> = self.unsent.drain(..most).collect();
        self.socket.bring(&bytes);
    }

    /// Has something to say.
    pub(super) fn say(&mut self, script: &mut Bytes<'_>) {
        match script.below(16) {
            0..6 => self.ask(script),
            6..10 => self.go_on(script.one_of(&[1, 100, 5000, 16_384]), script.one_in(3)),
            10 => {
                if let Some((id, stream)) = self.streams.iter_mut().find(|(_, stream)| !stream.is_over()) {
                    stream.is_reset = true;
                    stream.has_ended = true;
                    let bytes = frame(RST_STREAM, 0, *id, &8u32.to_be_bytes());
                    self.put(&bytes);
                }
            }
            11 => self.put(&frame(PING, 0, 0, b"12345678")),
            12 | 13 => self.open_windows(script.one_of(&[100, 20_000])),
            14 => {
                // A field that may not be: an error of its stream alone.
                let id = self.head("GET", &[("X", "y")], true);
                self.streams.get_mut(&id).expect("it was just made").answer.is_own = true;
                self.is_excused = true;
            }
            _ => self.say_nonsense(script),
        }
    }

    fn say_nonsense(&mut self, script: &mut Bytes<'_>) {
        if !script.one_in(4) {
            return;
        }
        let mut payload = vec![0; script.below(12)];
        payload.fill_with(|| script.byte());
        let bytes = frame(script.byte() % 12, script.byte(), u32::from(script.byte() % 8), &payload);
        self.put(&bytes);
        self.is_excused = true;
        self.has_left = true;
    }

    fn ask(&mut self, script: &mut Bytes<'_>) {
        let method = script.one_of(&["GET", "HEAD", "POST", "POST"]);
        let length: usize = if method == "POST" { script.one_of(&[1, 300, 5000, 150_000, 290_000]) } else { 0 };
        let stated = length.to_string();
        let more: &[(&str, &str)] = match script.below(4) {
            0 if length > 0 => &[("content-length", &stated)],
            1 if length > 0 => &[("expect", "100-continue")],
            _ => &[],
        };
        let id = self.head(method, more, length == 0);
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.body = pattern(&stream.target, length);
        }
    }

    /// The head of a request: its stream.
    fn head(&mut self, method: &str, more: &[(&str, &str)], ends: bool) -> u32 {
        let id = self.next;
        self.next += 2;
        let target = format!("/{}/{id}", self.number);
        let mut block = Vec::new();
        let usual = [(":method", method), (":scheme", "http"), (":path", &target), (":authority", "x")];
        for (name, value) in usual.iter().chain(more) {
            self.encoder.field(name.as_bytes(), value.as_bytes(), Indexing::Remember, &mut block);
        }
        self.put(&frame(HEADERS, 4 | u8::from(ends), id, &block));
        let stream = Stream {
            target: target.into_bytes(),
            is_head: method == "HEAD",
            body: Vec::new(),
            has_ended: ends,
            own_room: i64::from(flow::STREAM),
            room: WINDOW,
            answer: Answer::default(),
            is_reset: false,
        };
        self.streams.insert(id, stream);
        id
    }

    /// Sends more of each body, as far as there is room.
    fn go_on(&mut self, most: usize, has_trailers: bool) {
        let mut bytes = Vec::new();
        for (&id, stream) in self.streams.iter_mut().filter(|(_, stream)| !stream.has_ended) {
            let room = stream.own_room.min(self.own_room).max(0) as usize;
            let length = stream.body.len().min(most).min(room);
            if length == 0 && !stream.body.is_empty() {
                continue;
            }
            let rest = stream.body.split_off(length);
            let part = std::mem::replace(&mut stream.body, rest);
            let is_last = stream.body.is_empty();
            stream.own_room -= length as i64;
            self.own_room -= length as i64;
            bytes.extend(frame(DATA, u8::from(is_last && !has_trailers), id, &part));
            if is_last && has_trailers {
                let mut block = Vec::new();
                self.encoder.field(b"t", b"v", Indexing::Once, &mut block);
                bytes.extend(frame(HEADERS, 5, id, &block));
            }
            stream.has_ended = is_last;
        }
        self.put(&bytes);
    }

    /// Lets the server send so many bytes more, on each stream and in all.
    pub(super) fn open_windows(&mut self, by: u32) {
        let mut bytes = frame(WINDOW_UPDATE, 0, 0, &by.to_be_bytes());
        self.room += i64::from(by);
        for (&id, stream) in self.streams.iter_mut().filter(|(_, stream)| !stream.is_over()) {
            stream.room += i64::from(by);
            bytes.extend(frame(WINDOW_UPDATE, 0, id, &by.to_be_bytes()));
        }
        self.put(&bytes);
    }

    /// Goes on with all that it has begun, and reads all that comes: whether there was anything.
    pub(super) fn finish(&mut self) -> bool {
        if !self.reads_all || self.has_left {
            return false;
        }
        self.go_on(16_384, false);
        if self.streams.values().any(|stream| !stream.is_over() && stream.room < 100_000) || self.room < 100_000 {
            self.open_windows(200_000);
        }
        let has_some = !self.unsent.is_empty();
        self.send(usize::MAX);
        has_some
    }

    /// Looks at all that it has heard since the last time.
    pub(super) fn listen(&mut self) {
        self.got.extend(self.socket.take_sent());
        while let Some(header) = self.got.first_chunk::<9>() {
            let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
            let (kind, flags) = (header[3], header[4]);
            let id = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
            assert!(length <= 16_384, "client {}: a frame of {length} bytes", self.number);
            if self.got.len() < 9 + length {
                return;
            }
            let payload: Vec<u8> = self.got.drain(..9 + length).skip(9).collect();
            self.hear(kind, flags, id, &payload);
        }
    }

    fn hear(&mut self, kind: u8, flags: u8, id: u32, payload: &[u8]) {
        let number = self.number;
        match kind {
            SETTINGS if flags & 1 == 0 => self.put(&frame(SETTINGS, 1, 0, b"")),
            PING if flags & 1 == 0 => self.put(&frame(PING, 1, 0, payload)),
            WINDOW_UPDATE => {
                let by = i64::from(u32::from_be_bytes(payload.try_into().expect("four bytes")));
                assert!(by > 0, "client {number}: a window opens by nothing");
                match self.streams.get_mut(&id) {
                    Some(stream) => stream.own_room += by,
                    None if id == 0 => self.own_room += by,
                    None => {}
                }
            }
            DATA | HEADERS | RST_STREAM => {
                if kind == DATA {
                    self.room -= payload.len() as i64;
                    assert!(self.room >= 0, "client {number}: more than the connection's window");
                }
                let fields = if kind == HEADERS { Some(self.fields(payload)) } else { None };
                let Some(stream) = self.streams.get_mut(&id) else {
                    // Of nonsense, it may have opened some that it knows nothing of.
                    assert!(self.has_left, "client {number}: {id} was never asked for");
                    return;
                };
                stream.hear(number, (kind, flags), fields, payload);
            }
            GOAWAY => self.is_excused = true,
            _ => {}
        }
    }

    fn fields(&mut self, block: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut fields = Fields::new(65_536, 100);
        self.decoder.decode(block, &mut fields).expect("a header block that can be read");
        fields.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    }

    /// With `is_settled`, nothing more will come of what it has asked for until now.
    pub(super) fn check(&mut self, is_settled: bool) {
        self.listen();
        for (id, stream) in &self.streams {
            let answer = &stream.answer;
            if is_settled && !self.is_excused && stream.has_ended && !stream.is_reset {
                assert!(answer.is_whole, "client {}: {id} has no whole answer: {stream:?}", self.number);
            }
        }
    }
}

impl Stream {
    /// Nothing more is to come of it.
    fn is_over(&self) -> bool {
        self.is_reset || self.answer.is_whole || self.answer.is_reset
    }

    fn hear(
        &mut self,
        number: usize,
        (kind, flags): (u8, u8),
        fields: Option<Vec<(Vec<u8>, Vec<u8>)>>,
        payload: &[u8],
    ) {
        let answer = &mut self.answer;
        assert!(!answer.is_reset, "client {number}: more after a reset");
        if kind == RST_STREAM {
            answer.is_reset = true;
            self.has_ended = true;
            return;
        }
        assert!(!answer.is_whole, "client {number}: more after the end");
        if let Some(fields) = fields {
            let value = |name: &[u8]| fields.iter().find(|(other, _)| other == name).map(|(_, value)| &value[..]);
            let status =
                value(b":status").map(|status| String::from_utf8_lossy(status).parse::<u16>().expect("a status"));
            match status {
                Some(100..200) => return,
                Some(status) => {
                    assert!(answer.status.is_none(), "client {number}: two heads");
                    let answers = value(ANSWERS);
                    assert!(answers.is_none_or(|target| target == self.target), "client {number}: another's answer");
                    assert!(answers.is_some() || status >= 400, "client {number}: {status}");
                    answer.is_own = answers.is_some();
                    answer.status = Some(status);
                }
                None => assert!(answer.status.is_some() && flags & 1 == 1, "client {number}: trailers before a head"),
            }
        } else {
            assert!(answer.status.is_some() && !self.is_head, "client {number}: a body without a head");
            self.room -= payload.len() as i64;
            assert!(self.room >= 0, "client {number}: more than the stream's window");
            answer.body.extend_from_slice(payload);
            let expected = pattern(&self.target, answer.body.len());
            assert!(!answer.is_own || answer.body == expected, "client {number}: another's body");
        }
        answer.is_whole = flags & 1 == 1;
    }
}
