//! Frames that are a request's.

use std::borrow::Cow;

use super::{Block, Closed, Event, Leaving, Session, Stream};
use crate::error::{Fault, Flood};
use crate::http::framing::Length;
use crate::http2::flow::{self, Allowance, Room};
use crate::http2::frame::{self, Code, Header, Violation};
use crate::http2::hpack::{Fields, Unread};
use crate::http2::request;

impl<T: Default> Session<T> {
    /// Section 6.2.
    pub(super) fn headers_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        let id = header.stream;
        if id % 2 == 0 {
            return Err(Violation::new(Code::Protocol, "HEADERS is for no stream that a client may open"));
        }
        if id <= self.last && !self.streams.contains_key(&id) {
            match self.how_closed(id) {
                // It may not know yet; its block is read, since the next one builds on it.
                Some(Closed::Reset) => {}
                Some(_) => return Err(Violation::new(Code::StreamClosed, "HEADERS is for a stream that has ended")),
                None => return Err(Violation::new(Code::Protocol, "HEADERS is for a stream before others")),
            }
        }
        let mut fragment = header.unpadded(payload)?;
        if header.has(frame::PRIORITIZED) {
            // What it says is obsolete (section 5.3.2).
            let Some((_, rest)) = fragment.split_at_checked(5) else {
                return Err(Violation::new(Code::FrameSize, "HEADERS has no room for its priority"));
            };
            fragment = rest;
        }
        let block =
            Block { stream: id, ends_stream: header.has(frame::END_STREAM), bytes: fragment.to_vec(), frames: 0 };
        self.last = self.last.max(id);
        self.block_came(block, header.has(frame::END_HEADERS))
    }

    /// Section 6.10.
    pub(super) fn continuation_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        let Some(mut block) = self.block.take() else {
            return Err(Violation::new(Code::Protocol, "CONTINUATION follows nothing"));
        };
        block.frames += 1;
        block.bytes.extend_from_slice(payload);
        self.block_came(block, header.has(frame::END_HEADERS))
    }

    fn block_came(&mut self, block: Block, is_whole: bool) -> Result<Event<'static, T>, Violation> {
        // Compressed, it is no longer than what it stands for may be, but for what the coding itself takes.
        if block.bytes.len() > self.bounds.limits.head + frame::MOST {
            return Err(Violation::flood(Flood::HeaderBlocks, "a header block is far too long"));
        }
        if block.frames > self.bounds.floods.continuations {
            return Err(Violation::flood(Flood::Continuations, "a header block has no end"));
        }
        if !is_whole {
            self.block = Some(block);
            return Ok(Event::Nothing);
        }
        let limits = &self.bounds.limits;
        let mut fields = Fields::new(request::longest_list(limits), request::most_fields(limits));
        self.decoder.decode(&block.bytes, &mut fields).map_err(|unread| match unread {
            Unread::Broken => Violation::new(Code::Compression, "a header block can't be read"),
            Unread::Bomb => Violation::flood(Flood::HeaderBlocks, "a header block stands for far too much"),
        })?;
        let (id, ends) = (block.stream, block.ends_stream);
        if let Some(stream) = self.streams.get(&id) {
            if !stream.is_active() {
                return Err(Violation::new(Code::StreamClosed, "HEADERS is for a stream that has ended"));
            }
            return self.trailers_came(id, ends, &fields);
        }
        match self.how_closed(id) {
            Some(_) => Ok(Event::Nothing),
            None => self.opened(id, ends, &fields),
        }
    }

    fn opened(&mut self, id: u32, ends: bool, fields: &Fields) -> Result<Event<'static, T>, Violation> {
        self.forget_early_priorities(id);
        if self.leaving == Leaving::Warned {
            // Whoever never tells that it has heard can have had no more than these on their way.
            self.opened_late += 1;
            if self.opened_late > self.bounds.streams {
                self.leave();
            }
        }
        if self.leaving == Leaving::Left || self.active >= self.bounds.streams {
            self.refuse_stream(id)?;
            return Ok(Event::Refused);
        }
        // Many open its window at once, or say how urgent it is.
        self.control_frames.give(1);
        let mut head = request::head(fields, &self.bounds.limits);
        let is_tunnel = matches!(&head, Ok((head, _)) if head.is_extended_connect());
        let mut to_come = None;
        if let Ok((_, framing)) = &mut head {
            if !is_tunnel {
                to_come = match framing.length {
                    Length::Known(length) => Some(length),
                    // Nothing says so: transfer-encoding has been refused.
                    Length::None | Length::Chunked => None,
                };
                if ends && to_come.is_some() {
                    head = Err(Fault::Malformed("content-length is given, and no body"));
                } else if !ends && to_come.is_none() {
                    // Its end tells how long it is; one that says that there is none has none.
                    if fields.iter().any(|(name, _)| name == b"content-length") {
                        to_come = Some(0);
                    }
                    framing.length = Length::Chunked;
                }
            }
        }
        if matches!(head, Err(Fault::Malformed(_))) {
            self.count_reset()?;
        }
        let stream = Stream {
            host: T::default(),
            is_receiving: !ends,
            is_sending: true,
            is_tunnel,
            to_come,
            allowance: Allowance::new(flow::STREAM),
            room: Room::new(self.initial),
        };
        self.streams.insert(id, stream);
        self.active += 1;
        self.last_taken = id;
        Ok(Event::Head { id, head, ends })
    }

    fn trailers_came(&mut self, id: u32, ends: bool, fields: &Fields) -> Result<Event<'static, T>, Violation> {
        let Some(stream) = self.streams.get_mut(&id) else { return Ok(Event::Nothing) };
        if !stream.is_receiving {
            return self.break_stream(id, Code::StreamClosed, "HEADERS follows the request's end");
        }
        if stream.is_tunnel {
            // RFC 9113 section 8.5.
            return self.break_stream(id, Code::Protocol, "HEADERS is in a tunnel");
        }
        if !ends {
            return self.malformed(id, "trailers are not the request's end");
        }
        stream.is_receiving = false;
        self.active -= usize::from(!stream.is_sending);
        if stream.to_come.is_some_and(|left| left > 0) {
            return self.malformed(id, "the body is shorter than its content-length");
        }
        match request::trailers(fields, &self.bounds.limits) {
            Ok(trailers) => Ok(Event::Trailers { id, trailers }),
            Err(fault) => {
                self.count_reset()?;
                Ok(Event::Malformed { id, fault })
            }
        }
    }

    /// Section 6.1.
    pub(super) fn data_came<'i>(&mut self, header: Header, payload: Cow<'i, [u8]>) -> Result<Event<'i, T>, Violation> {
        let (id, ends) = (header.stream, header.has(frame::END_STREAM));
        self.refuse_idle(id)?;
        let data = match payload {
            Cow::Borrowed(payload) => Cow::Borrowed(header.unpadded(payload)?),
            Cow::Owned(payload) => Cow::Owned(header.unpadded(&payload)?.to_vec()),
        };
        // All of the frame counts (section 6.9.1).
        if !self.allowance.take(header.length) {
            return Err(Violation::new(Code::FlowControl, "more was sent than the connection's window has room for"));
        }
        if data.is_empty() && !ends {
            self.count_empty_frame()?;
        } else {
            self.control_frames.give(1);
            self.empty_frames.give(1);
        }
        let padding = header.length - data.len();
        let Some(stream) = self.streams.get_mut(&id) else {
            self.give_connection(header.length);
            return match self.how_closed(id) {
                // It was on its way.
                Some(Closed::Reset) => Ok(Event::Nothing),
                _ => Err(Violation::new(Code::StreamClosed, "DATA is for a stream that has ended")),
            };
        };
        if !stream.is_active() {
            return Err(Violation::new(Code::StreamClosed, "DATA is for a stream that has ended"));
        }
        if !stream.is_receiving {
            self.give_connection(header.length);
            return self.break_stream(id, Code::StreamClosed, "DATA follows the request's end");
        }
        if !stream.allowance.take(header.length) {
            self.give_connection(header.length);
            return self.break_stream(id, Code::FlowControl, "more was sent than the stream's window has room for");
        }
        stream.is_receiving = !ends;
        self.active -= usize::from(!stream.is_active());
        if let Some(left) = &mut stream.to_come {
            let wrong = match left.checked_sub(data.len() as u64) {
                None => Some("the body is longer than its content-length"),
                Some(rest) => {
                    *left = rest;
                    (ends && rest > 0).then_some("the body is shorter than its content-length")
                }
            };
            if let Some(why) = wrong {
                self.give_connection(header.length);
                return self.malformed(id, why);
            }
        }
        if padding > 0 {
            self.give(id, padding);
        }
        Ok(Event::Data { id, data, ends })
    }

    /// Section 6.4.
    pub(super) fn reset_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        self.refuse_idle(header.stream)?;
        if payload.len() != 4 {
            return Err(Violation::new(Code::FrameSize, "RST_STREAM has not its length"));
        }
        self.count_reset()?;
        if !self.streams.contains_key(&header.stream) {
            return Ok(Event::Nothing);
        }
        Ok(match self.close(header.stream, Closed::ByClient) {
            Some(host) => Event::Gone { host, broken: None },
            None => Event::Nothing,
        })
    }

    /// Nothing has been done for it, and the client may ask again.
    fn refuse_stream(&mut self, id: u32) -> Result<(), Violation> {
        // As a reset by the client is, it is work for nothing.
        if !self.resets.take(self.now) {
            return Err(Violation::flood(Flood::Resets, "too many streams are opened that are past the limit"));
        }
        self.push_reset(id, Code::RefusedStream);
        self.close(id, Closed::Reset);
        Ok(())
    }
}
