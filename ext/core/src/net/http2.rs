//! What there is of a connection that speaks HTTP/2: the session, what each stream has of a request, and what waits to be sent. All
//! of it lies behind one lock, which is held for moments: by whoever polls, while it reads and listens; by whoever serves, while
//! an answer is written into frames and these to the socket. Nothing that may block is done with it.
//!
//! ```text
//!   poll side --bytes--> Session --> Call (head, body) --complete--> ready queue --> Stream, of an Exchange
//!   Exchange --answer--> Session --> frames --> socket; what there is no room for stays in its Call, for the poll side
//! ```

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

use super::account::Noted;
use super::completion::Completion;
use super::context::StreamingPlace;
use super::deadlines::NEVER;
use super::overflow::Common;
use super::owner::Owner;
use super::right::Right;
use super::transport::Transport;
use super::tunnel::Tunnel;
use super::unsent::Unsent;
use crate::config::{Config, Limits};
use crate::error::{Fault, Flood};
use crate::http::decode::Trailers;
use crate::http::framing::Framing;
use crate::http::head::Head;
use crate::http::plan::BodyFraming;
use crate::http::request_id::Made;
use crate::http::spool::Spool;
use crate::http2::flow;
use crate::http2::priority::Priority;
use crate::http2::session::{Bounds, Session};

/// Bytes of a body that are in memory, past which it goes to a file: what is in memory keeps its stream's window closed.
const IN_MEMORY: usize = (flow::STREAM / 2) as usize;
/// The same of all bodies of a connection together.
pub(super) const HELD: usize = (flow::CONNECTION / 2) as usize;

/// The connection's end of it.
#[derive(Debug)]
pub(super) struct Link {
    speech: Mutex<Speech>,
    /// Requests that somebody has, or that wait for a worker, whatever has become of their streams.
    busy: AtomicUsize,
    /// What holds for heads and bodies.
    limits: Limits,
    /// Where what is left of its streams' answers lies when memory should hold no more.
    overflow: Arc<Common>,
    /// What it was ended for.
    flood: OnceLock<Flood>,
}

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Speech {
    pub(super) transport: Transport,
    pub(super) session: Session<Call>,
    /// What has been read, and is to be listened to in the next look.
    pub(super) unheard: Vec<u8>,
    /// Requests that are to be handed over.
    pub(super) found: Vec<u32>,
    /// Streams of which a part of the answer waits for room, in the order of their turns where they are equally urgent.
    pub(super) leaving: VecDeque<u32>,
    /// Somebody waits for room.
    pub(super) is_awaited: bool,
    /// Since when the socket has taken nothing, and what it has taken since it began to be slow.
    pub(super) stuck: Option<Stuck>,
    /// Where no stream is there: how many the client had opened then, and by when it has to open another.
    pub(super) idle: Option<(u32, u64)>,
    /// The client sends no more.
    pub(super) is_deaf: bool,
    /// Some of its requests wait for a place to be served while their bodies arrive.
    pub(super) is_in_line: bool,
    /// Requests that have been opened.
    pub(super) opened: u64,
    /// A request that may be queued has been given up, or has become more urgent, or less.
    pub(super) has_changed_queue: bool,
    /// Bytes of bodies that are in memory and keep the connection's window closed.
    pub(super) held: usize,
    /// By when a header block that has begun has to be whole.
    pub(super) block_due: u64,
    /// By when a client that has been told of the end must have heard of it.
    pub(super) leave_due: u64,
    /// Nothing can be sent any more.
    pub(super) is_lost: bool,
    /// All that there is has to be sent, and then the connection ends.
    pub(super) is_ending: bool,
}

/// The socket takes no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stuck {
    pub(super) since: u64,
    pub(super) sent: u64,
    pub(super) due: u64,
}

/// A stream's request, and its answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) served: Arc<Served>,
    pub(super) right: Arc<Right>,
    pub(super) stage: Stage,
    pub(super) head: Arc<Head>,
    pub(super) framing: Option<Framing>,
    pub(super) made_id: Option<Made>,
    pub(super) spool: Spool,
    /// Bytes of the body that have come, wherever they are.
    pub(super) came: u64,
    /// Bytes that came while a helper has the body.
    pub(super) pending: Vec<u8>,
    /// A helper has the body.
    pub(super) is_spooling: bool,
    /// Bytes of the body that are in memory.
    pub(super) held: usize,
    pub(super) trailers: Trailers,
    /// The place of a body that is read while it arrives, until it is handed over.
    pub(super) place: Option<StreamingPlace>,
    /// It waits for one.
    pub(super) wants_place: bool,
    pub(super) is_streamed: bool,
    pub(super) wants_continue: bool,
    /// What the client did wrong, for whoever reads the body.
    pub(super) fault: Option<Fault>,
    /// How urgent its answer is.
    pub(super) priority: Priority,
    /// When the body began, in the clock's milliseconds.
    pub(super) since: u64,
    /// By when something has to have happened.
    pub(super) due: u64,
    /// When it was complete, in microseconds.
    pub(super) ready: u64,
    pub(super) answer: Answer,
    /// A helper may have it.
    pub(super) remainder: Option<Box<Remainder>>,
    /// Whoever writes the answer waits for room.
    pub(super) is_blocked: bool,
    /// What has come on a stream that is to be a tunnel, until it is one. Its window is closed by so much.
    pub(super) early: Vec<u8>,
    /// Once the app has taken it.
    pub(super) tunnel: Option<Arc<Tunnel>>,
}

/// ```text
///   Arriving --complete, or streamed--> Found --> Given --answer not taken whole--> Leaving
///      \                               \                        /
///       \--------------fault----------- | ---------------------/
///                                        \--the app takes it--> Taken
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The body is waited for.
    Arriving,
    /// It is to be handed over.
    Found,
    /// Somebody has it, or it is queued.
    Given,
    /// What is left of the answer is sent.
    Leaving,
    /// It is a tunnel, and the app's.
    Taken,
}

/// What is known of an answer that is being written.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// So many of the bytes that come next are its head.
    head: usize,
    /// So many bytes of its body are to come, where that is known.
    left: Option<u64>,
    /// What ends it once all that is kept has been sent: its trailers.
    pub(super) end: Option<Vec<u8>>,
}

/// What is left of an answer, with what the account of it is made of: its stream may go while a helper has it.
#[derive(Debug)]
pub(super) struct Remainder {
    pub(super) head: Arc<Head>,
    pub(super) made_id: Option<Made>,
    pub(super) unsent: Unsent,
    pub(super) completion: Option<Completion>,
    pub(super) noted: Option<Noted>,
    pub(super) since: u64,
    pub(super) sent: u64,
}

/// What the poll side and whoever serves a request both know of it.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Always away: whoever waits for the client hears of all that happens to its stream.
    pub(super) owner: Owner,
    /// When a worker took it, in microseconds, and which one.
    pub(super) taken: AtomicU64,
    pub(super) worker: AtomicU64,
    /// Whether one has.
    pub(super) is_taken: AtomicBool,
    /// How urgent its answer is, as the client has said last.
    pub(super) urgency: AtomicU8,
}

impl Default for Call {
    fn default() -> Self {
        let served = Served::default();
        served.owner.hand_over();
        Call {
            served: Arc::new(served),
            right: Arc::default(),
            stage: Stage::Arriving,
            head: Arc::default(),
            framing: None,
            made_id: None,
            spool: Spool::default(),
            came: 0,
            pending: Vec::new(),
            is_spooling: false,
            held: 0,
            trailers: Trailers::new(),
            place: None,
            wants_place: false,
            is_streamed: false,
            wants_continue: false,
            fault: None,
            priority: Priority::default(),
            since: 0,
            due: NEVER,
            ready: 0,
            answer: Answer::default(),
            remainder: None,
            is_blocked: false,
            early: Vec::new(),
            tunnel: None,
        }
    }
}

impl Call {
    /// Its answer is wanted so soon.
    pub(super) fn prioritize(&mut self, priority: Priority) {
        self.priority = priority;
        self.served.urgency.store(priority.urgency, Ordering::Relaxed);
    }

    /// Something has happened: whoever waits for the client, or passes on what the app says, looks again.
    fn tell(&self) {
        match &self.tunnel {
            Some(tunnel) => tunnel.call(),
            None => self.served.tell(),
        }
    }
}

impl Served {
    /// Something has happened: whoever waits for the client looks again.
    pub(super) fn tell(&self) {
        let _ = self.owner.claim(false);
    }
}

impl Link {
    /// Of a connection whose first byte is HTTP/2's.
    pub(super) fn new(transport: Transport, config: &Config) -> Link {
        let limits = config.limits.clone();
        let bounds = Bounds { streams: config.http2_max_streams, limits: limits.clone(), floods: config.floods };
        let speech = Speech {
            transport,
            session: Session::new(bounds),
            unheard: Vec::new(),
            found: Vec::new(),
            leaving: VecDeque::new(),
            is_awaited: false,
            stuck: None,
            idle: None,
            is_deaf: false,
            is_in_line: false,
            opened: 0,
            has_changed_queue: false,
            held: 0,
            block_due: NEVER,
            leave_due: NEVER,
            is_lost: false,
            is_ending: false,
        };
        let limits = Limits { body_buffer: limits.body_buffer.min(IN_MEMORY), ..limits };
        Link {
            speech: Mutex::new(speech),
            busy: AtomicUsize::new(0),
            limits,
            overflow: Arc::default(),
            flood: OnceLock::new(),
        }
    }

    /// It ends for that.
    pub(super) fn is_flooded(&self, flood: Flood) {
        let _ = self.flood.set(flood);
    }

    /// What it was ended for, where that was a flood.
    pub(super) fn flood(&self) -> Option<Flood> {
        self.flood.get().copied()
    }

    /// Lets whoever asks at it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Speech> {
        self.speech.lock()
    }

    /// The same, unless somebody else is at it.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Speech>> {
        self.speech.try_lock()
    }

    /// What holds for bodies.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where what is left of answers lies when memory should hold no more.
    pub(super) fn overflow(&self) -> &Arc<Common> {
        &self.overflow
    }

    /// How many requests somebody has.
    pub(super) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    /// One more.
    pub(super) fn is_given(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub(super) fn is_over(&self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Answer {
    /// One whose head has so many bytes.
    pub(super) fn of(head: usize, framing: BodyFraming) -> Answer {
        let left = match framing {
            BodyFraming::None => Some(0),
            BodyFraming::Sized(length) => Some(length),
            BodyFraming::Chunked | BodyFraming::UntilClose | BodyFraming::UntilEnd => None,
        };
        Answer { head, left, end: None }
    }
}

impl Speech {
    /// Writes an answer's bytes, its head first, into frames: how many are taken.
    ///
    /// # Errors
    /// When the stream is there no more.
    pub(super) fn write(&mut self, id: u32, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length == 0 {
            return Ok(0);
        }
        let Some(call) = self.session.host(id).filter(|_| !self.is_lost) else {
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        let (first, rest) = parts.split_first().map_or((&[][..], parts), |(first, rest)| (&first[..], rest));
        let (head, left) = (std::mem::take(&mut call.answer.head), call.answer.left);
        let Some((head, body)) = first.split_at_checked(head) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "an answer's head is sent in parts"));
        };
        if !head.is_empty() {
            self.session.head(id, head, left == Some(0));
        }
        let ends = left == Some((length - head.len()) as u64);
        let mut taken = 0;
        if !body.is_empty() {
            let is_last = rest.iter().all(|part| part.is_empty());
            taken = self.session.data(id, &[IoSlice::new(body)], ends && is_last);
        }
        if taken == body.len() && length > first.len() {
            taken += self.session.data(id, rest, ends);
        }
        if let Some(call) = self.session.host(id) {
            call.answer.left = left.map(|left| left - taken as u64);
            call.is_blocked = head.len() + taken < length;
            self.is_awaited |= call.is_blocked;
        }
        Ok(head.len() + taken)
    }

    /// Whoever writes a stream's answer waits for room.
    ///
    /// # Errors
    /// When the stream is there no more.
    pub(super) fn await_room(&mut self, id: u32) -> io::Result<()> {
        let Some(call) = self.session.host(id).filter(|_| !self.is_lost) else {
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        call.is_blocked = true;
        self.is_awaited = true;
        Ok(())
    }

    /// Ends the answer, of which nothing is kept.
    pub(super) fn end_answer(&mut self, id: u32) {
        let end = self.session.host(id).and_then(|call| call.answer.end.take());
        if let Some(trailers) = end {
            self.session.end_answer(id, &trailers);
        }
    }

    /// Takes the stream that is to send next of what waits of its answer, if there is one that has room.
    pub(super) fn next_to_leave(&mut self) -> Option<u32> {
        let Speech { leaving, session, .. } = self;
        let mut next: Option<(u8, usize)> = None;
        for (at, &id) in leaving.iter().enumerate() {
            if session.room(id) > 0 {
                if let Some(Priority { urgency, .. }) = session.host(id).map(|call| call.priority) {
                    if next.is_none_or(|(most, _)| urgency < most) {
                        next = Some((urgency, at));
                    }
                }
            }
        }
        let (_, at) = next?;
        leaving.remove(at)
    }

    /// Wakes those who wait for room.
    pub(super) fn wake(&mut self) {
        if std::mem::take(&mut self.is_awaited) {
            for (_, call) in self.session.hosts().filter(|(_, call)| call.is_blocked) {
                call.is_blocked = false;
                call.tell();
            }
        }
    }

    /// Wakes all who wait for anything.
    pub(super) fn wake_all(&mut self) {
        self.session.hosts().for_each(|(_, call)| call.tell());
    }

    /// What was held of a body is in memory no more, or is the app's: others may send as much.
    pub(super) fn release_held(&mut self, id: u32) {
        if let Some(call) = self.session.host(id) {
            let held = std::mem::take(&mut call.held);
            self.forget_held(held);
        }
    }

    /// The same of a stream that is there no more.
    pub(super) fn forget_held(&mut self, held: usize) {
        self.held -= held;
        self.session.give_connection(held);
    }
}
