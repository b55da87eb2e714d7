//! What helpers do for streams: bodies to files, and files to clients. A disk is never waited for with the connection's lock.

use std::sync::Arc;

use super::super::life::Connection;
use super::stream::Stream;
use crate::net::helpers::Job;
use crate::net::http2::{Remainder, Stage};
use crate::net::trap::At;
use crate::net::unsent::Flushed;

/// Bytes of a file that a helper sends of one answer before the next one's turn.
const QUANTUM: u64 = 1024 * 1024;

/// A body that is for a file.
#[derive(Debug)]
pub(super) struct SpoolJob {
    connection: Arc<Connection>,
    id: u32,
}

/// What is left of an answer that is a file, or has been moved to one.
#[derive(Debug)]
pub(super) struct FileJob {
    connection: Arc<Connection>,
    id: u32,
}

impl SpoolJob {
    pub(super) fn new(connection: &Arc<Connection>, id: u32) -> SpoolJob {
        SpoolJob { connection: connection.clone(), id }
    }

    fn spool(&self) {
        let (connection, id) = (&self.connection, self.id);
        let Some(link) = connection.link.get() else { return };
        loop {
            let Some(mut spool) = link.lock().session.host(id).map(|call| std::mem::take(&mut call.spool)) else {
                return;
            };
            let mut spilled = spool.spill(&connection.context.spools);
            let speech = &mut *link.lock();
            let is_whole = !speech.session.is_receiving(id);
            // It may have been answered meanwhile.
            let Some(call) = speech.session.host(id).filter(|call| call.stage == Stage::Arriving) else { return };
            let pending = std::mem::take(&mut call.pending);
            let kept = pending.len();
            if spilled.is_ok() {
                spilled = spool.write(&pending, link.limits());
            }
            let written = call.held - kept;
            call.held = kept;
            call.spool = spool;
            speech.held -= written;
            speech.session.give(id, written);
            if let Err(fault) = spilled {
                connection.refuse(speech, id, fault);
            } else if let Some(call) = speech.session.host(id) {
                if call.spool.has_to_spill() {
                    continue;
                }
                call.is_spooling = false;
                call.spool.free_room();
                if is_whole {
                    connection.is_complete(speech, id);
                }
            }
            connection.push_out(speech);
            // The poll side hands over what is complete.
            connection.context.note(connection.key);
            return;
        }
    }
}

impl Job for SpoolJob {
    fn work(self: Arc<Self>) -> bool {
        let done = self.connection.contained(At::Helping, || self.spool());
        if done.is_none() {
            self.connection.context.note(self.connection.key);
        }
        false
    }
}

impl FileJob {
    pub(super) fn new(connection: &Arc<Connection>, id: u32) -> FileJob {
        FileJob { connection: connection.clone(), id }
    }

    fn take(&self) -> Option<Box<Remainder>> {
        self.connection.link.get()?.lock().session.host(self.id)?.remainder.take()
    }

    /// Whether there is more to send at once.
    fn send(&self) -> bool {
        let (connection, id) = (&self.connection, self.id);
        let (Some(mut remainder), Some(link)) = (self.take(), connection.link.get()) else { return false };
        let before = remainder.unsent.len();
        let flushed = Stream::outlet(connection, id, |outlet| remainder.unsent.write_to(outlet, QUANTUM));
        let moved = before - remainder.unsent.len();
        let goes_on = matches!(flushed, Ok(Flushed::Some));
        let speech = &mut *link.lock();
        connection.has_pumped(speech, id, remainder, flushed, moved);
        connection.push_out(speech);
        // There may have been room since.
        let goes_on = goes_on || speech.session.room(id) > 0;
        if !goes_on || speech.session.host(id).is_none_or(|call| call.remainder.is_none()) {
            connection.context.note(connection.key);
            return false;
        }
        speech.leaving.retain(|&other| other != id);
        true
    }
}

impl Job for FileJob {
    fn work(self: Arc<Self>) -> bool {
        let done = self.connection.contained(At::Helping, || self.send());
        if done.is_none() {
            self.connection.context.note(self.connection.key);
        }
        done.unwrap_or(false)
    }
}
