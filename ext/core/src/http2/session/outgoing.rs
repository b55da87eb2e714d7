//! Answers on their way out.

use std::io::IoSlice;

use super::{Closed, Session};
use crate::http2::frame::{self, Code, Header};
use crate::http2::lines;

/// Bytes that wait for the socket, past which no more of a body is taken: of one that is slow to read, no more than this is
/// in memory twice.
const FULL: usize = 64 * 1024;

impl<T: Default> Session<T> {
    /// Bytes that wait to be sent.
    pub fn out(&self) -> &[u8] {
        &self.out[self.sent..]
    }

    /// So many of them have been.
    pub fn has_sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent == self.out.len() {
            self.sent = 0;
            self.out.clear();
            // An idle connection should be small.
            if self.streams.is_empty() && self.out.capacity() > frame::MOST {
                self.out = Vec::new();
            }
        } else if self.sent > FULL {
            self.out.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// How much of a stream's body may be sent now, in bytes.
    pub fn room(&self, id: u32) -> usize {
        let Some(stream) = self.streams.get(&id) else { return 0 };
        let waiting = self.out.len() - self.sent;
        stream.room.left().min(self.room.left()).min(FULL.saturating_sub(waiting))
    }

    /// Sends a head, as lines of HTTP/1; `ends` when nothing follows it.
    pub fn head(&mut self, id: u32, head: &[u8], ends: bool) {
        if !self.is_sending(id) {
            return;
        }
        let start = self.begin_block();
        lines::encode_head(head, &mut self.encoder, &mut self.out);
        self.end_block(start, id, ends);
    }

    /// Sends trailers, as lines, or nothing: the end of an answer.
    pub fn end_answer(&mut self, id: u32, trailers: &[u8]) {
        if !self.is_sending(id) {
            return;
        }
        if trailers.is_empty() {
            frame::push(&mut self.out, frame::DATA, frame::END_STREAM, id, b"");
            return self.has_ended(id);
        }
        let start = self.begin_block();
        lines::encode_trailers(trailers, &mut self.encoder, &mut self.out);
        self.end_block(start, id, true);
    }

    /// Sends as much of a body's parts as there is room for: how many bytes. Of the last of the answer if it `ends` with them.
    pub fn data(&mut self, id: u32, parts: &[IoSlice<'_>], ends: bool) -> usize {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.hold_back(id, length);
        let taken = length.min(self.room(id));
        if !self.is_sending(id) || taken == 0 && !(ends && length == 0) {
            return 0;
        }
        let ends = ends && taken == length;
        let mut bytes = parts.iter().flat_map(|part| part.chunks(frame::MOST)).peekable();
        let (mut left, mut rest): (usize, &[u8]) = (taken, b"");
        loop {
            let size = left.min(self.longest);
            left -= size;
            let flags = if ends && left == 0 { frame::END_STREAM } else { 0 };
            self.out.extend_from_slice(&Header { length: size, kind: frame::DATA, flags, stream: id }.bytes());
            let mut missing = size;
            while missing > 0 {
                if rest.is_empty() {
                    rest = bytes.next().unwrap_or_default();
                }
                let (now, later) = rest.split_at(rest.len().min(missing));
                self.out.extend_from_slice(now);
                (missing, rest) = (missing - now.len(), later);
            }
            // Who measures how fast it is answered asks for that by PING with each, as gRPC does.
            self.control_frames.give(1);
            self.used.iter_mut().for_each(|used| used.sent(size));
            if left == 0 {
                break;
            }
        }
        self.room.take(taken);
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.room.take(taken);
        }
        if ends {
            self.has_ended(id);
        }
        taken
    }

    /// Ends a stream at once: what its host has kept of it.
    pub fn reset(&mut self, id: u32, code: Code) -> Option<T> {
        self.streams.contains_key(&id).then(|| self.push_reset(id, code))?;
        self.close(id, Closed::Reset)
    }

    /// So many bytes of a stream's body have been read: its client may send as many more.
    pub fn give(&mut self, id: u32, bytes: usize) {
        self.give_connection(bytes);
        self.give_stream(id, bytes);
    }

    /// The same of the connection's window alone.
    pub fn give_connection(&mut self, bytes: usize) {
        if let Some(more) = self.allowance.give(bytes) {
            frame::push_number(&mut self.out, frame::WINDOW_UPDATE, 0, more);
        }
    }

    /// The same of the stream's.
    pub fn give_stream(&mut self, id: u32, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&id).filter(|stream| stream.is_receiving) else { return };
        if let Some(more) = stream.allowance.give(bytes) {
            frame::push_number(&mut self.out, frame::WINDOW_UPDATE, id, more);
        }
    }

    pub(super) fn push_reset(&mut self, id: u32, code: Code) {
        frame::push_number(&mut self.out, frame::RST_STREAM, id, code as u32);
    }

    /// Room for a frame's header, which is known when its block is written.
    fn begin_block(&mut self) -> usize {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; frame::HEADER]);
        start
    }

    /// Writes the header; of a block that is too long for one frame, several (section 4.3).
    fn end_block(&mut self, start: usize, id: u32, ends: bool) {
        let flags = if ends { frame::END_STREAM } else { 0 };
        let length = self.out.len() - start - frame::HEADER;
        if length <= self.longest {
            let header = Header { length, kind: frame::HEADERS, flags: flags | frame::END_HEADERS, stream: id };
            self.out[start..start + frame::HEADER].copy_from_slice(&header.bytes());
        } else {
            let block = self.out.split_off(start + frame::HEADER);
            self.out.truncate(start);
            let mut fragments = block.chunks(self.longest).peekable();
            let (mut kind, mut flags) = (frame::HEADERS, flags);
            while let Some(fragment) = fragments.next() {
                flags |= if fragments.peek().is_none() { frame::END_HEADERS } else { 0 };
                frame::push(&mut self.out, kind, flags, id, fragment);
                (kind, flags) = (frame::CONTINUATION, 0);
            }
        }
        if ends {
            self.has_ended(id);
        }
    }

    /// The answer is whole.
    fn has_ended(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        stream.is_sending = false;
        self.active -= usize::from(!stream.is_active());
    }
}
