//! A stream, for whoever serves its request.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::body::{Part, ReadError};
use super::super::life::Connection;
use super::super::takeover::TakenSocket;
use crate::error::Fault;
use crate::http::decode::Trailers;
use crate::http::encode;
use crate::http::framing::Framing;
use crate::http::head::Head;
use crate::http::plan::BodyFraming;
use crate::http::request_id::Made;
use crate::http::spool::Body;
use crate::http2::frame::Code;
use crate::net::account::{Account, End, Noted};
use crate::net::completion::Completion;
use crate::net::context::StreamingPlace;
use crate::net::http2::{Answer, Remainder, Served, Speech, Stage};
use crate::net::right::{self, Right};
use crate::net::unsent::{Flushed, Outlet, Unsent};

/// Bytes of a file that are read at once, at most.
const READ: usize = 64 * 1024;

/// The stream of one request, as long as somebody has that.
#[derive(Debug)]
pub(in crate::net) struct Stream {
    connection: Arc<Connection>,
    id: u32,
    served: Arc<Served>,
    head: Arc<Head>,
    made_id: Option<Made>,
}

/// What is handed over with it.
#[derive(Debug)]
pub(in crate::net) struct Handed {
    pub(in crate::net) right: Arc<Right>,
    pub(in crate::net) head: Arc<Head>,
    pub(in crate::net) framing: Option<Framing>,
    pub(in crate::net) body: Body,
    pub(in crate::net) trailers: Trailers,
    pub(in crate::net) place: Option<StreamingPlace>,
    pub(in crate::net) ready: u64,
    pub(in crate::net) made_id: Option<Made>,
}

/// A stream, without its connection's lock.
pub(super) struct Unlocked<'c> {
    connection: &'c Connection,
    id: u32,
}

impl Outlet for Unlocked<'_> {
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        Ok(Some(self.connection.write_stream(self.id, parts)?).filter(|&taken| taken > 0))
    }

    fn send_file(&mut self, file: &File, at: u64, most: usize) -> io::Result<Option<usize>> {
        let Some(link) = self.connection.link.get() else { return Ok(None) };
        let room = {
            let speech = &mut *link.lock();
            let room = speech.session.room(self.id).min(most).min(READ);
            if room == 0 {
                speech.await_room(self.id)?;
                return Ok(None);
            }
            room
        };
        // Read without the lock. What there is no room for any more is read again.
        let mut buffer = vec![0; room];
        let length = loop {
            match file.read_at(&mut buffer, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if length == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.write(&[IoSlice::new(&buffer[..length])])
    }
}

impl Connection {
    /// Takes the requests that are to be handed over, and whether one that may be queued is to wait no more, or elsewhere.
    pub(in crate::net) fn take_found(self: &Arc<Self>, mut give: impl FnMut(Stream, Handed)) -> bool {
        let Some(link) = self.link.get() else { return false };
        let speech = &mut *link.lock();
        for id in std::mem::take(&mut speech.found) {
            let Some(call) = speech.session.host(id).filter(|call| call.stage == Stage::Found) else { continue };
            call.stage = Stage::Given;
            let handed = Handed {
                right: call.right.clone(),
                head: call.head.clone(),
                framing: call.framing,
                body: call.spool.take_body(),
                trailers: std::mem::take(&mut call.trailers),
                place: call.place.take(),
                ready: call.ready,
                made_id: call.made_id,
            };
            link.is_given();
            let (served, head, made_id) = (call.served.clone(), call.head.clone(), call.made_id);
            give(Stream { connection: self.clone(), id, served, head, made_id }, handed);
        }
        std::mem::take(&mut speech.has_changed_queue)
    }

    fn write_stream(&self, id: u32, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(link) = self.link.get() else { return Err(io::ErrorKind::ConnectionReset.into()) };
        let speech = &mut *link.lock();
        let taken = speech.write(id, parts)?;
        self.push_out(speech);
        Ok(taken)
    }
}

impl Stream {
    /// Writes by `work` to a stream whose connection's lock nobody here has.
    pub(super) fn outlet<T>(connection: &Connection, id: u32, work: impl FnOnce(&mut Unlocked<'_>) -> T) -> T {
        work(&mut Unlocked { connection, id })
    }

    pub(in crate::net) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(in crate::net) fn served(&self) -> &Served {
        &self.served
    }

    /// How urgent its answer is, from 0, the most, on.
    pub(in crate::net) fn urgency(&self) -> u8 {
        self.served.urgency.load(Ordering::Relaxed)
    }

    /// A worker took it.
    pub(in crate::net) fn is_taken(&self, micros: u64) {
        self.served.taken.store(micros, Ordering::Relaxed);
        self.served.is_taken.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits for the answer.
    pub(in crate::net) fn has_left(&self) -> bool {
        self.with(|speech| speech.is_lost || speech.session.host(self.id).is_none()).unwrap_or(true)
    }

    pub(in crate::net) fn take_back(&self, fault: Fault) -> bool {
        let taken = self.with(|speech| {
            let is_ours = speech.session.host(self.id).is_some_and(|call| call.right.take_back());
            if is_ours {
                self.connection.take_call_back(speech, self.id, fault);
            }
            is_ours
        });
        taken.unwrap_or(false)
    }

    pub(in crate::net) fn read_body(&self, most: usize) -> Result<Part, ReadError> {
        let gone = || ReadError::Gone(io::ErrorKind::ConnectionReset.into());
        let read = self.with(|speech| {
            let is_whole = !speech.session.is_receiving(self.id);
            let call = speech.session.host(self.id).ok_or_else(gone)?;
            if call.stage != Stage::Given {
                return Err(ReadError::Gone(right::lost()));
            }
            let part = call.spool.take(most);
            if !part.is_empty() {
                speech.session.give_stream(self.id, part.len());
                self.connection.push_out(speech);
                return Ok(Part::Bytes(part));
            }
            match call.fault {
                Some(fault) => Err(ReadError::Fault(fault)),
                None if is_whole => Ok(Part::End),
                None => Ok(Part::NotYet),
            }
        });
        read.unwrap_or_else(|| Err(gone()))
    }

    pub(in crate::net) fn body_progress(&self) -> (u64, u64) {
        let progress =
            |speech: &mut Speech| speech.session.host(self.id).map(|call| (call.came, call.since)).unwrap_or_default();
        self.with(progress).unwrap_or_default()
    }

    pub(in crate::net) fn take_trailers(&self) -> Trailers {
        let taken = self.with(|speech| speech.session.host(self.id).map(|call| std::mem::take(&mut call.trailers)));
        taken.flatten().unwrap_or_default()
    }

    /// The client may wait for a 100 before it sends more.
    pub(in crate::net) fn send_continue(&self) {
        self.with(|speech| {
            let is_due = speech.session.host(self.id).is_some_and(|call| std::mem::take(&mut call.wants_continue));
            if is_due {
                speech.session.head(self.id, encode::CONTINUE, false);
                self.connection.push_out(speech);
            }
        });
    }

    /// Sends a head that is not the last.
    pub(in crate::net) fn send_interim(&self, head: &[u8]) -> io::Result<usize> {
        let sent = self.with(|speech| {
            if speech.is_lost || speech.session.host(self.id).is_none_or(|call| call.stage != Stage::Given) {
                return 0;
            }
            speech.session.head(self.id, head, false);
            self.connection.push_out(speech);
            head.len()
        });
        Ok(sent.unwrap_or_default())
    }

    pub(in crate::net) fn begins(&self, head: usize, framing: BodyFraming) {
        self.with(|speech| {
            if let Some(call) = speech.session.host(self.id).filter(|call| call.stage == Stage::Given) {
                call.answer = Answer::of(head, framing);
            }
        });
    }

    pub(in crate::net) fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.connection.write_stream(self.id, parts)
    }

    pub(in crate::net) fn flush(&self, unsent: &mut Unsent, most: u64) -> io::Result<Flushed> {
        let flushed = Stream::outlet(&self.connection, self.id, |outlet| unsent.write_to(outlet, most))?;
        if flushed == Flushed::All {
            self.with(|speech| {
                speech.end_answer(self.id);
                self.connection.push_out(speech);
            });
        }
        Ok(flushed)
    }

    pub(in crate::net) fn ends(&self, trailers: &[u8], is_all_sent: bool) {
        self.with(|speech| {
            if let Some(call) = speech.session.host(self.id).filter(|call| call.stage == Stage::Given) {
                call.answer.end = Some(trailers.to_vec());
                if is_all_sent {
                    speech.end_answer(self.id);
                    self.connection.push_out(speech);
                }
            }
        });
    }

    pub(in crate::net) fn retires(&self) {
        self.with(|speech| self.connection.retire(speech));
    }

    /// Gives the stream away as a tunnel, with the head of an answer that grants it, or the app writes one of HTTP/1.1.
    ///
    /// # Errors
    /// When the client has asked for none, or is gone; or the process has no descriptor left. Nothing has changed then.
    pub(in crate::net) fn hijack(&self, granted: Option<&[u8]>) -> io::Result<TakenSocket> {
        let taken = self.with(|speech| self.connection.open_tunnel(speech, self.id, granted));
        taken.unwrap_or_else(|| Err(io::ErrorKind::ConnectionReset.into()))
    }

    /// The answer is whole, but for what has not been taken yet.
    pub(in crate::net) fn give_back(&self, (unsent, noted): (Unsent, Option<Noted>), completion: Option<Completion>) {
        let since = self.connection.context.clock.now();
        self.ending(|speech| {
            let Some(call) = speech.session.host(self.id).filter(|call| call.stage == Stage::Given) else {
                return self.account_of_lost(noted);
            };
            call.stage = Stage::Leaving;
            if unsent.is_empty() {
                self.connection.conclude(speech, self.id);
                if let Some(completion) = completion {
                    completion.sent();
                }
            } else {
                let (head, made_id) = (self.head.clone(), self.made_id);
                let rest = Remainder { head, made_id, unsent, completion, noted, since, sent: 0 };
                self.connection.keep_rest(speech, self.id, rest);
                // A file is a helper's, and what came meanwhile may have made room.
                self.connection.context.note(self.connection.key);
            }
        });
    }

    /// It can't be made whole, and the client is to see that.
    pub(in crate::net) fn give_up(&self) {
        self.ending(|speech| {
            if speech.session.host(self.id).is_some_and(|call| call.stage == Stage::Given) {
                speech.release_held(self.id);
                drop(speech.session.reset(self.id, Code::Internal));
            }
        });
    }

    /// Of an answer whose client has left before its end.
    fn account_of_lost(&self, noted: Option<Noted>) {
        if let Some(noted) = noted {
            let context = &self.connection.context;
            context.stats.aborted.add();
            context.account(|now| {
                let account = noted.account(&self.head, self.connection.peer(), End::Cut, now);
                Account { request_id: context.id_of(Some(&self.head), self.made_id.as_ref()), ..account }
            });
        }
    }

    /// Nobody serves it any more.
    fn ending(&self, work: impl FnOnce(&mut Speech)) {
        self.with(|speech| {
            work(speech);
            self.connection.push_out(speech);
            let is_over = speech.session.is_over() || speech.is_ending;
            // The last one's end is when the wait for the next begins. One that drains may have had nothing else left.
            let is_heard = is_over || self.connection.context.is_draining();
            if is_heard || speech.session.is_idle() && self.connection.reckon(speech) {
                self.connection.context.note(self.connection.key);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Speech) -> T) -> Option<T> {
        self.connection.link.get().map(|link| work(&mut link.lock()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(link) = self.connection.link.get() {
            link.is_over();
        }
    }
}
