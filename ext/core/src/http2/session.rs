//! One connection of HTTP/2: what its frames mean, and which may come when. It owns no socket, and knows nothing of what its
//! streams are for: each has room for what its host keeps of it.

mod incoming;
mod outgoing;
mod priorities;
mod reading;
mod settings;
#[cfg(test)]
mod tests;
mod windows;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use super::flow::{Allowance, INITIAL, Room, Used};
use super::frame::{self, Code, Header, Violation};
use super::guard::Guard;
use super::hpack::{Decoder, Encoder};
use super::priority::Priority;
use crate::config::{Floods, Limits};
use crate::error::{Fault, Flood};
use crate::http::decode::Trailers;
use crate::http::framing::Framing;
use crate::http::head::Head;

/// Streams that are remembered after their end: frames for them may be on their way.
const REMEMBERED: usize = 256;
/// How many seconds' worth of resets a client may make at once.
const RESETS_AT_ONCE: u64 = 4;
/// The same of frames that ask for nothing.
const FRAMES_AT_ONCE: u64 = 8;
/// Bytes that wait to be sent, past which nothing is answered any more: the client reads nothing, and asks for more and more.
const UNREAD: usize = 1024 * 1024;

/// What is known of a connection. Its streams each have a `T`.
///
/// ```text
///   Preface --24 bytes--> Settings --its first frame--> Open
/// ```
#[derive(Debug)]
pub struct Session<T> {
    stage: Stage,
    bounds: Bounds,
    /// Of a frame, or of the preface, that has not come whole.
    held: Vec<u8>,
    block: Option<Block>,
    decoder: Decoder,
    encoder: Encoder,
    streams: BTreeMap<u32, Stream<T>>,
    /// Those that were closed last, and how.
    closed: VecDeque<(u32, Closed)>,
    /// Those whose request or answer is not at its end.
    active: usize,
    /// The highest that the client has opened, and the highest of those that were taken.
    last: u32,
    last_taken: u32,
    allowance: Allowance,
    room: Room,
    /// Every stream's room in the beginning, as the client says.
    initial: u32,
    /// The longest frame that the client takes.
    longest: usize,
    out: Vec<u8>,
    /// Bytes of it that have been sent.
    sent: usize,
    resets: Guard,
    /// PING, SETTINGS, GOAWAY, PRIORITY and its update, unknown frames, and windows that open for nothing ([`Used`]).
    control_frames: Guard,
    /// DATA without data.
    empty_frames: Guard,
    /// Of the connection's window, and of those of all streams.
    used: [Used; 2],
    /// When windows that have opened by little are used all the same.
    open_late: Option<u64>,
    /// Of streams that are yet to be opened.
    early_priorities: BTreeMap<u32, Priority>,
    leaving: Leaving,
    /// Streams that were opened since the client was told to open none.
    opened_late: usize,
    /// In milliseconds, as whoever has it says.
    now: u64,
}

/// What one connection may have.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Streams at one time.
    pub streams: usize,
    /// What holds for a request's head.
    pub limits: Limits,
    /// What it is ended for.
    pub floods: Floods,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Preface,
    Settings,
    Open,
}

/// How a connection ends: the client hears that nothing new is taken, and once it must have heard, what was.
///
/// ```text
///   No --warn()--> Warned --the client has heard, or has opened too many streams, or leave()--> Left
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    Warned,
    Left,
}

/// How a stream was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    /// Both sides have said all.
    Ended,
    /// By us: the client may not know yet.
    Reset,
    /// By the client.
    ByClient,
}

#[derive(Debug)]
struct Stream<T> {
    host: T,
    /// The client may still send.
    is_receiving: bool,
    /// We may.
    is_sending: bool,
    /// It is to be a tunnel (RFC 8441): there are no trailers in it.
    is_tunnel: bool,
    /// Its body's bytes that the head has promised and that have not come.
    to_come: Option<u64>,
    allowance: Allowance,
    room: Room,
}

impl<T> Stream<T> {
    fn is_active(&self) -> bool {
        self.is_receiving || self.is_sending
    }
}

/// A header block that has not come whole.
#[derive(Debug)]
struct Block {
    stream: u32,
    ends_stream: bool,
    bytes: Vec<u8>,
    frames: u32,
}

/// What has come.
#[derive(Debug)]
pub enum Event<'i, T> {
    /// A request's head; `ends` where there is no more of it.
    Head {
        /// The stream's number.
        id: u32,
        /// What it is, and how long its body, or why it is refused.
        head: Result<(Head, Framing), Fault>,
        /// The request is complete.
        ends: bool,
    },
    /// More of its body.
    Data {
        /// The stream's number.
        id: u32,
        /// The bytes, to be [given back](Session::give) once they have been read.
        data: Cow<'i, [u8]>,
        /// The request is complete.
        ends: bool,
    },
    /// The end of its body.
    Trailers {
        /// The stream's number.
        id: u32,
        /// The fields.
        trailers: Trailers,
    },
    /// The body is not what the head has said, or its trailers are none.
    Malformed {
        /// The stream's number.
        id: u32,
        /// What is wrong.
        fault: Fault,
    },
    /// The stream is there no more.
    Gone {
        /// What its host has kept of it.
        host: T,
        /// Why, where the client has broken the protocol.
        broken: Option<&'static str>,
    },
    /// A stream past what there may be.
    Refused,
    /// The client wants an answer sooner, or later.
    Priority {
        /// The stream's number.
        id: u32,
        /// How urgent it is now.
        priority: Priority,
    },
    /// There may be more room to send in.
    Moved,
    /// Nothing that is anybody's business.
    Nothing,
}

impl<T: Default> Session<T> {
    /// Nothing has come; the server's own settings wait to be sent.
    pub fn new(bounds: Bounds) -> Session<T> {
        let floods = bounds.floods;
        let guard = |a_second: u64, at_once: u64| Guard::new(a_second.saturating_mul(at_once), a_second);
        let mut session = Session {
            stage: Stage::Preface,
            bounds,
            held: Vec::new(),
            block: None,
            decoder: Decoder::default(),
            encoder: Encoder::default(),
            streams: BTreeMap::new(),
            closed: VecDeque::new(),
            active: 0,
            last: 0,
            last_taken: 0,
            allowance: Allowance::new(super::flow::CONNECTION),
            room: Room::new(INITIAL),
            initial: INITIAL,
            longest: frame::MOST,
            out: Vec::new(),
            sent: 0,
            resets: guard(floods.resets, RESETS_AT_ONCE),
            control_frames: guard(floods.control_frames, FRAMES_AT_ONCE),
            empty_frames: guard(floods.empty_frames, FRAMES_AT_ONCE),
            used: Default::default(),
            open_late: None,
            early_priorities: BTreeMap::new(),
            leaving: Leaving::No,
            opened_late: 0,
            now: 0,
        };
        session.greet();
        session
    }

    /// It is `now`, in milliseconds: what a client may do in a second goes by that.
    pub fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// Takes frames off `input` until one has something to say; `None` when all of it has been taken.
    ///
    /// # Errors
    /// A [`Violation`], with which the connection ends ([`Session::end`]).
    pub fn receive<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Event<'i, T>>, Violation> {
        if self.stage == Stage::Preface && !self.take_preface(input)? {
            return Ok(None);
        }
        while let Some((header, payload)) = self.next_frame(input)? {
            match self.frame(header, payload)? {
                Event::Nothing => {}
                event => return Ok(Some(event)),
            }
        }
        Ok(None)
    }

    /// What the host keeps of a stream.
    pub fn host(&mut self, id: u32) -> Option<&mut T> {
        self.streams.get_mut(&id).map(|stream| &mut stream.host)
    }

    /// The same of all, with their numbers.
    pub fn hosts(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        self.streams.iter_mut().map(|(id, stream)| (*id, &mut stream.host))
    }

    /// Takes what the host keeps of all streams, which are there no more.
    pub fn take_all(&mut self) -> Vec<T> {
        self.active = 0;
        std::mem::take(&mut self.streams).into_values().map(|stream| stream.host).collect()
    }

    /// Whether there are no streams.
    pub fn is_idle(&self) -> bool {
        self.streams.is_empty()
    }

    /// The highest stream that the client has opened.
    pub fn last_opened(&self) -> u32 {
        self.last
    }

    /// Whether a stream's client may still send.
    pub fn is_receiving(&self, id: u32) -> bool {
        self.streams.get(&id).is_some_and(|stream| stream.is_receiving)
    }

    /// Whether a stream's answer is not at its end.
    pub fn is_sending(&self, id: u32) -> bool {
        self.streams.get(&id).is_some_and(|stream| stream.is_sending)
    }

    /// Whether a header block, or the beginning of the connection, is still to come to its end.
    pub fn is_amid(&self) -> bool {
        self.block.is_some() || self.stage != Stage::Open
    }

    /// Whether nothing that comes is taken any more, and all that was taken is done.
    pub fn is_over(&self) -> bool {
        self.leaving == Leaving::Left && self.streams.is_empty()
    }

    /// Whether nothing that comes is taken any more.
    pub fn has_left(&self) -> bool {
        self.leaving == Leaving::Left
    }

    /// Whether the client has been told that the connection ends.
    pub fn is_leaving(&self) -> bool {
        self.leaving != Leaving::No
    }

    fn frame<'i>(&mut self, header: Header, payload: Cow<'i, [u8]>) -> Result<Event<'i, T>, Violation> {
        if self.stage == Stage::Settings {
            if header.kind != frame::SETTINGS || header.has(frame::ACK) {
                return Err(Violation::new(Code::Protocol, "the first frame is not SETTINGS"));
            }
            self.stage = Stage::Open;
        }
        if let Some(block) = &self.block {
            if header.kind != frame::CONTINUATION || header.stream != block.stream {
                return Err(Violation::new(Code::Protocol, "a header block is interrupted"));
            }
        }
        match header.kind {
            frame::DATA => self.data_came(header, payload),
            frame::HEADERS => self.headers_came(header, &payload),
            frame::CONTINUATION => self.continuation_came(header, &payload),
            frame::PRIORITY => self.priority_came(header, &payload),
            frame::RST_STREAM => self.reset_came(header, &payload),
            frame::SETTINGS => self.settings_came(header, &payload),
            frame::PUSH_PROMISE => Err(Violation::new(Code::Protocol, "a client can't push")),
            frame::PING => self.ping_came(header, &payload),
            frame::GOAWAY => self.goaway_came(header),
            frame::WINDOW_UPDATE => self.window_came(header, &payload),
            frame::PRIORITY_UPDATE => self.priority_update_came(header, &payload),
            // To be ignored (section 4.1).
            _ => self.count_control_frame().map(|()| Event::Nothing),
        }
    }

    /// Section 6.8. What the client has asked for is answered still.
    fn goaway_came(&mut self, header: Header) -> Result<Event<'static, T>, Violation> {
        if header.stream != 0 {
            return Err(Violation::new(Code::Protocol, "GOAWAY names a stream"));
        }
        if header.length < 8 {
            return Err(Violation::new(Code::FrameSize, "GOAWAY has not its length"));
        }
        self.count_control_frame().map(|()| Event::Nothing)
    }

    /// A frame that asks for nothing.
    fn count_control_frame(&mut self) -> Result<(), Violation> {
        if self.out.len() - self.sent >= UNREAD {
            return Err(Violation::flood(Flood::ControlFrames, "frames are sent, and no answer is read"));
        }
        if self.control_frames.take(self.now) {
            return Ok(());
        }
        Err(Violation::flood(Flood::ControlFrames, "too many frames that ask for nothing"))
    }

    /// DATA that neither has any nor ends its stream.
    fn count_empty_frame(&mut self) -> Result<(), Violation> {
        if self.empty_frames.take(self.now) {
            return Ok(());
        }
        Err(Violation::flood(Flood::EmptyFrames, "too many DATA frames without data"))
    }

    /// A stream's own error: it ends alone. Whoever has its request goes on with it, so that is worth as much to an attacker as a
    /// reset of the client's own, and counted as one.
    fn break_stream(&mut self, id: u32, code: Code, why: &'static str) -> Result<Event<'static, T>, Violation> {
        self.count_reset()?;
        Ok(match self.reset(id, code) {
            Some(host) => Event::Gone { host, broken: Some(why) },
            None => Event::Nothing,
        })
    }

    /// The same of one that its host is to answer before it ends it.
    fn malformed(&mut self, id: u32, why: &'static str) -> Result<Event<'static, T>, Violation> {
        self.count_reset()?;
        Ok(Event::Malformed { id, fault: Fault::Malformed(why) })
    }

    /// A stream ends before its answer does.
    fn count_reset(&mut self) -> Result<(), Violation> {
        if self.resets.take(self.now) {
            return Ok(());
        }
        Err(Violation::flood(Flood::Resets, "too many streams are reset"))
    }

    /// Forgets a stream whose request and answer are at their end.
    pub fn settle(&mut self, id: u32) {
        if self.streams.get(&id).is_some_and(|stream| !stream.is_active()) {
            self.close(id, Closed::Ended);
        }
    }

    fn close(&mut self, id: u32, how: Closed) -> Option<T> {
        let stream = self.streams.remove(&id);
        self.active -= usize::from(stream.as_ref().is_some_and(Stream::is_active));
        if self.closed.len() == REMEMBERED {
            self.closed.pop_front();
        }
        self.closed.push_back((id, how));
        stream.map(|stream| stream.host)
    }

    fn how_closed(&self, id: u32) -> Option<Closed> {
        self.closed.iter().rev().find(|(other, _)| *other == id).map(|&(_, how)| how)
    }

    /// Of a frame that no stream can have before its HEADERS.
    fn refuse_idle(&self, id: u32) -> Result<(), Violation> {
        if id == 0 {
            return Err(Violation::new(Code::Protocol, "a frame that is a stream's names none"));
        }
        if id > self.last || id % 2 == 0 {
            return Err(Violation::new(Code::Protocol, "a frame is for a stream that nobody has opened"));
        }
        Ok(())
    }
}
