//! Streams that apps have taken (RFC 8441): what the client says is the app's at once, as far as that takes it, and what the app says
//! is sent by the thread that passes on such things, as far as there is room. Both windows are the backpressure: the client's is
//! closed by what the app has not taken, and of what the client has no room for the app can write no more than a socket holds.
//!
//! ```text
//!   client --DATA--> tunneled --> Tunnel --> the pair of sockets --> app
//!   client <--DATA-- Passage (the thread) <-- the pair of sockets <-- app
//! ```

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Registry, Token};

use super::super::life::Connection;
use super::super::takeover::{Family, TakenSocket};
use crate::http2::frame::Code;
use crate::http2::upgrade::{Greeted, Greeting};
use crate::net::deadlines::NEVER;
use crate::net::http2::{Call, Speech, Stage};
use crate::net::pump::{self, PART, PARTS, PATIENCE};
use crate::net::trap::At;
use crate::net::tunnel::Tunnel;

/// When a server that drains has nothing else left, the apps that have taken streams have so long to say their last.
const DRAIN: Duration = Duration::from_secs(1);
/// The answer to a client whose app has taken the stream and said nothing that could be told.
const WRONG: &[u8] = b"HTTP/1.1 500 \r\n\r\n";

/// What the thread passes on of one stream.
#[derive(Debug)]
struct Passage {
    connection: Arc<Connection>,
    id: u32,
    tunnel: Arc<Tunnel>,
    /// What the app writes first, where it does the handshake by itself.
    greeting: Option<Greeting>,
    /// What it has said and there is no room for yet.
    outbound: Vec<u8>,
    /// The app sends no more.
    app_ended: bool,
    /// The app has closed its end: until then what is left may still leave.
    until: Option<Instant>,
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Both sides have said all.
    Whole,
    /// The client has been told that there will be none. What it would still say is of no use (RFC 9113 section 8.1).
    Refused,
    /// One of them breaks off.
    Reset(Code),
    /// There is no stream any more.
    Gone,
}

impl Connection {
    /// Makes a stream a tunnel: the app's end of it.
    ///
    /// # Errors
    /// As [`Stream::hijack`](super::Stream::hijack).
    pub(super) fn open_tunnel(
        self: &Arc<Self>,
        speech: &mut Speech,
        id: u32,
        granted: Option<&[u8]>,
    ) -> io::Result<TakenSocket> {
        let is_whole = !speech.session.is_receiving(id);
        let Some(call) = speech.session.host(id).filter(|call| call.stage == Stage::Given) else {
            return Err(io::ErrorKind::ConnectionReset.into());
        };
        if !call.head.is_extended_connect() {
            let why = "requests of HTTP/2 have no socket of their own, unless they ask for one (RFC 8441)";
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
        // Both ends of the pair. One client may ask for as many as it has streams.
        let Some(share) = self.context.descriptors.take_with_spare(2) else {
            return Err(io::Error::other("the rest of the files that may be open is for connections"));
        };
        let greeting = granted.is_none().then(|| Greeting::of(&call.head));
        let (theirs, ours) = pump::pair()?;
        let tunnel = self.context.pump.begin(|way| {
            let tunnel = Arc::new(Tunnel::new(ours, way, share));
            let passage = Passage {
                connection: self.clone(),
                id,
                tunnel: tunnel.clone(),
                greeting,
                outbound: Vec::new(),
                app_ended: false,
                until: None,
            };
            (Box::new(passage), tunnel)
        })?;
        self.context.stats.hijacked.add();
        self.context.stats.tunnels.add();
        call.stage = Stage::Taken;
        call.due = NEVER;
        call.tunnel = Some(tunnel.clone());
        let early = std::mem::take(&mut call.early);
        if let Some(head) = granted {
            speech.session.head(id, head, false);
        }
        let given = tunnel.give(&early);
        if is_whole {
            tunnel.end();
        }
        speech.session.give_stream(id, given);
        self.push_out(speech);
        Ok((theirs, Family::Pair, Vec::new()))
    }

    /// The client has said more on a stream that is, or is to be, a tunnel.
    pub(super) fn tunneled(&self, speech: &mut Speech, id: u32, data: &[u8], ends: bool) {
        speech.session.give_connection(data.len());
        let Some(call) = speech.session.host(id) else { return };
        let Some(tunnel) = &call.tunnel else {
            // Once it has been refused, nobody listens.
            if call.stage != Stage::Leaving {
                call.early.extend_from_slice(data);
            }
            return;
        };
        let given = tunnel.give(data);
        if ends {
            tunnel.end();
            // It may have been the last word.
            tunnel.call();
        }
        speech.session.give_stream(id, given);
    }

    /// Breaks one off, for both sides.
    pub(super) fn cut_tunnel(&self, speech: &mut Speech, id: u32, code: Code) {
        if let Some(call) = speech.session.reset(id, code) {
            self.is_gone(speech, call);
        }
    }

    /// Whether nothing is left of it but tunnels, and nothing else can come.
    pub(in crate::net) fn has_only_tunnels(&self) -> bool {
        let Some(link) = self.link.get() else { return false };
        let speech = &mut *link.lock();
        let has_other = |speech: &mut Speech| speech.session.hosts().any(|(_, call)| call.stage != Stage::Taken);
        speech.session.has_left() && !speech.session.is_idle() && !has_other(speech)
    }

    /// Nothing else is left of the server, which drains: apps read that their clients have ended, and have a moment for their last
    /// words.
    pub(in crate::net) fn end_tunnels(&self) {
        let Some(link) = self.link.get() else { return };
        let speech = &mut *link.lock();
        let due = self.context.clock.after(DRAIN);
        for (_, call) in speech.session.hosts().filter(|(_, call)| call.due == NEVER) {
            call.due = due;
            call.tunnel.iter().for_each(|tunnel| tunnel.end());
        }
        self.hear_of(due);
    }
}

impl Passage {
    /// Passes on what there is, both ways: whether there may be more at once.
    fn pass(&mut self) -> Result<bool, End> {
        for _ in 0..PARTS {
            if !self.pass_to_client()? & !self.pass_to_app() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn pass_to_app(&self) -> bool {
        let passed = self.tunnel.pass_on();
        if passed > 0 {
            self.with(|speech| speech.session.give_stream(self.id, passed));
        }
        passed > 0
    }

    /// Whether something has moved.
    fn pass_to_client(&mut self) -> Result<bool, End> {
        if self.outbound.is_empty() {
            if self.app_ended {
                return Ok(false);
            }
            let mut part = [0; PART];
            match self.tunnel.read(&mut part) {
                Ok(None) => return Ok(false),
                Ok(Some(0)) => return self.end_of_app().map(|()| true),
                Ok(Some(length)) => self.hear(&part[..length])?,
                // With something unread, as a plain socket would be reset.
                Err(_) => return Err(End::Reset(Code::Cancel)),
            }
        }
        if self.outbound.is_empty() {
            return Ok(true);
        }
        let (id, outbound) = (self.id, &self.outbound);
        let sent = self.with(|speech| {
            let sent = speech.session.data(id, &[IoSlice::new(outbound)], false);
            if sent < outbound.len() {
                speech.await_room(id)?;
            }
            Ok::<_, io::Error>(sent)
        });
        let sent = sent.and_then(Result::ok).ok_or(End::Gone)?;
        self.outbound.drain(..sent);
        Ok(sent > 0)
    }

    /// The app says something: in the beginning an answer of HTTP/1.1, where it does the handshake by itself.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), End> {
        let Some(greeting) = &mut self.greeting else {
            self.outbound.extend_from_slice(bytes);
            return Ok(());
        };
        match greeting.hear(bytes) {
            Greeted::NotYet => Ok(()),
            Greeted::In(answer, rest) => {
                self.greeting = None;
                self.outbound = rest;
                self.with(|speech| speech.session.head(self.id, &answer.lines, false)).ok_or(End::Gone)
            }
            Greeted::Refused(answer) => self.refuse(&answer.lines),
            Greeted::Wrong(why) => {
                let request = self.with(|speech| speech.session.host(self.id).map(|call| call.head.describe()));
                let request = request.flatten().unwrap_or_default();
                tracing::warn!("{request} has taken its stream, and its client gets a 500: {why}");
                self.refuse(WRONG)
            }
        }
    }

    fn refuse(&self, lines: &[u8]) -> Result<(), End> {
        self.with(|speech| speech.session.head(self.id, lines, true));
        Err(End::Refused)
    }

    fn end_of_app(&mut self) -> Result<(), End> {
        if self.greeting.is_some() {
            return Err(End::Reset(Code::Internal));
        }
        self.app_ended = true;
        self.with(|speech| speech.session.end_answer(self.id, b"")).ok_or(End::Gone)
    }

    /// Whether all has been said, both ways.
    fn is_over(&self) -> bool {
        let is_heard = || self.with(|speech| !speech.session.is_receiving(self.id)).unwrap_or(true);
        self.app_ended && self.outbound.is_empty() && self.tunnel.has_given_all() && is_heard()
    }

    fn end(&self, how: End) {
        let (connection, id) = (&self.connection, self.id);
        self.with(|speech| match how {
            End::Refused if speech.session.is_receiving(id) => connection.cut_tunnel(speech, id, Code::NoError),
            End::Whole | End::Refused => speech.session.settle(id),
            End::Reset(code) => connection.cut_tunnel(speech, id, code),
            End::Gone => {}
        });
        // What comes next is the poll side's: another request is waited for, or the connection ends.
        connection.context.note(connection.key);
    }

    /// Works on the stream, if it is there, and has what follows from that sent.
    fn with<T>(&self, work: impl FnOnce(&mut Speech) -> T) -> Option<T> {
        let speech = &mut *self.connection.link.get()?.lock();
        let is_ours = |call: &mut Call| call.stage == Stage::Taken;
        if speech.is_lost || !speech.session.host(self.id).is_some_and(is_ours) {
            return None;
        }
        let done = work(speech);
        self.connection.push_out(speech);
        Some(done)
    }
}

impl pump::Passage for Passage {
    fn register(&mut self, registry: &Registry, _: Token, app: Token) -> io::Result<()> {
        self.tunnel.register(registry, app)
    }

    fn app_has_closed(&mut self) {
        self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    fn until(&self) -> Option<Instant> {
        self.until
    }

    fn go_on(&mut self, is_late: bool) -> Option<bool> {
        let connection = self.connection.clone();
        let passed = connection.contained(At::Helping, || self.pass());
        let how = match passed {
            // It was cut by whoever has said so.
            Some(Ok(_)) if self.with(|_| ()).is_none() => End::Gone,
            Some(Ok(_)) if self.is_over() => End::Whole,
            Some(Ok(_)) if is_late => End::Reset(Code::Cancel),
            Some(Ok(is_busy)) => return Some(is_busy),
            Some(Err(how)) => how,
            None => End::Reset(Code::Internal),
        };
        self.end(how);
        None
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.tunnel.cut();
        self.connection.context.stats.tunnels.sub();
    }
}
