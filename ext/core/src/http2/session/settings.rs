//! What both sides say of themselves, and frames that are the connection's alone.

use super::{Event, Leaving, Session};
use crate::http2::flow::{self, INITIAL};
use crate::http2::frame::{self, Code, Header, LARGEST, Violation};
use crate::http2::request;

/// What a PING of ours has in it, whose answer says that the client has heard of the end.
const HEARD: [u8; 8] = *b"kino end";

impl<T: Default> Session<T> {
    /// Our settings, and how much more than the protocol's default a connection may send.
    pub(super) fn greet(&mut self) {
        let limits = &self.bounds.limits;
        let list = request::longest_list(limits).min(u32::MAX as usize);
        let settings = [
            (frame::MAX_CONCURRENT_STREAMS, self.bounds.streams as u32),
            (frame::INITIAL_WINDOW_SIZE, flow::STREAM),
            (frame::MAX_HEADER_LIST_SIZE, list as u32),
            (frame::ENABLE_CONNECT_PROTOCOL, 1),
            (frame::NO_RFC7540_PRIORITIES, 1),
        ];
        frame::push_settings(&mut self.out, &settings);
        frame::push_number(&mut self.out, frame::WINDOW_UPDATE, 0, flow::CONNECTION - INITIAL);
    }

    /// Section 6.5.
    pub(super) fn settings_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        if header.stream != 0 {
            return Err(Violation::new(Code::Protocol, "SETTINGS names a stream"));
        }
        let is_ack = header.has(frame::ACK);
        if is_ack && !payload.is_empty() || payload.len() % 6 != 0 {
            return Err(Violation::new(Code::FrameSize, "SETTINGS has not its length"));
        }
        self.count_control_frame()?;
        if is_ack {
            return Ok(Event::Nothing);
        }
        for setting in payload.chunks_exact(6) {
            let name = u16::from_be_bytes([setting[0], setting[1]]);
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            self.setting_came(name, value)?;
        }
        frame::push(&mut self.out, frame::SETTINGS, frame::ACK, 0, b"");
        Ok(Event::Moved)
    }

    fn setting_came(&mut self, name: u16, value: u32) -> Result<(), Violation> {
        match name {
            frame::HEADER_TABLE_SIZE => self.encoder.resize(value as usize),
            frame::ENABLE_PUSH if value > 1 => {
                return Err(Violation::new(Code::Protocol, "SETTINGS_ENABLE_PUSH is neither 0 nor 1"));
            }
            frame::NO_RFC7540_PRIORITIES if value > 1 => {
                return Err(Violation::new(Code::Protocol, "SETTINGS_NO_RFC7540_PRIORITIES is neither 0 nor 1"));
            }
            frame::INITIAL_WINDOW_SIZE if value > LARGEST => {
                return Err(Violation::new(
                    Code::FlowControl,
                    "SETTINGS_INITIAL_WINDOW_SIZE is past the largest window",
                ));
            }
            frame::INITIAL_WINDOW_SIZE => {
                let by = i64::from(value) - i64::from(self.initial);
                self.initial = value;
                if self.streams.values_mut().any(|stream| !stream.room.change(by)) {
                    return Err(Violation::new(Code::FlowControl, "a setting opens a window past the largest"));
                }
                self.use_little_rooms_later();
            }
            frame::MAX_FRAME_SIZE if !(frame::MOST as u32..1 << 24).contains(&value) => {
                return Err(Violation::new(Code::Protocol, "SETTINGS_MAX_FRAME_SIZE is out of its range"));
            }
            // Longer ones would only make others wait.
            frame::MAX_FRAME_SIZE => self.longest = frame::MOST,
            // Push is not ours, and what else there may be is to be ignored.
            _ => {}
        }
        Ok(())
    }

    /// Section 6.7.
    pub(super) fn ping_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        if header.stream != 0 {
            return Err(Violation::new(Code::Protocol, "PING names a stream"));
        }
        if payload.len() != 8 {
            return Err(Violation::new(Code::FrameSize, "PING has not its length"));
        }
        if header.has(frame::ACK) {
            if payload == HEARD && self.leaving == Leaving::Warned {
                self.leave();
                return Ok(Event::Moved);
            }
            return self.count_control_frame().map(|()| Event::Nothing);
        }
        self.count_control_frame()?;
        frame::push(&mut self.out, frame::PING, frame::ACK, 0, payload);
        Ok(Event::Nothing)
    }

    /// The client is to open no more streams. Those that it has opened before it hears of that are answered.
    pub fn warn(&mut self) {
        if self.leaving == Leaving::No {
            self.leaving = Leaving::Warned;
            self.push_goaway(LARGEST, Code::NoError, b"");
            frame::push(&mut self.out, frame::PING, 0, 0, &HEARD);
        }
    }

    /// It has heard, or should have: what comes from here on is not taken.
    pub fn leave(&mut self) {
        if self.leaving != Leaving::Left {
            self.leaving = Leaving::Left;
            self.push_goaway(self.last_taken, Code::NoError, b"");
        }
    }

    /// The connection ends at once, and the client is told why.
    pub fn end(&mut self, violation: Violation) {
        self.leaving = Leaving::Left;
        self.push_goaway(self.last_taken, violation.code, violation.why.as_bytes());
    }

    fn push_goaway(&mut self, last: u32, code: Code, why: &[u8]) {
        let payload = [&last.to_be_bytes()[..], &(code as u32).to_be_bytes(), why].concat();
        frame::push(&mut self.out, frame::GOAWAY, 0, 0, &payload);
    }
}
