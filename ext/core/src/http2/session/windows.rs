//! Windows that the client opens, and what of them is used when.

use super::{Event, Session, Stream};
use crate::http2::flow::Room;
use crate::http2::frame::{self, Code, Header, LARGEST, Violation};

/// For how long a little room waits for more, in milliseconds: who opens a window bit by bit is served so often, whatever comes.
const PATIENCE: u64 = 20;

impl<T: Default> Session<T> {
    /// Section 6.9.
    pub(super) fn window_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        let Some(more) = frame::number(payload).filter(|_| payload.len() == 4).map(|more| more & LARGEST) else {
            return Err(Violation::new(Code::FrameSize, "WINDOW_UPDATE has not its length"));
        };
        if !self.used[usize::from(header.stream > 0)].gives_back(more) {
            self.count_control_frame()?;
        }
        if header.stream == 0 {
            if more == 0 {
                return Err(Violation::new(Code::Protocol, "WINDOW_UPDATE opens nothing"));
            }
            if !self.room.change(i64::from(more)) {
                return Err(Violation::new(Code::FlowControl, "the connection's window is past the largest"));
            }
            self.use_later(self.room);
            return Ok(Event::Moved);
        }
        self.refuse_idle(header.stream)?;
        let Some(stream) = self.streams.get_mut(&header.stream) else { return Ok(Event::Nothing) };
        if more == 0 {
            return self.break_stream(header.stream, Code::Protocol, "WINDOW_UPDATE opens nothing");
        }
        if !stream.room.change(i64::from(more)) {
            return self.break_stream(header.stream, Code::FlowControl, "a stream's window is past the largest");
        }
        let room = stream.room;
        self.use_later(room);
        Ok(Event::Moved)
    }

    /// When windows that have opened by little are to be [used all the same](Session::open_late), in milliseconds.
    pub fn due(&self) -> Option<u64> {
        self.open_late
    }

    /// It is `now`: whether there is room that has waited for more until then, and may be used.
    pub fn open_late(&mut self, now: u64) -> bool {
        if self.open_late.is_none_or(|due| due > now) {
            return false;
        }
        self.open_late = None;
        self.room.open();
        self.streams.values_mut().for_each(|stream| stream.room.open());
        true
    }

    /// The same of all streams' windows, where they have changed.
    pub(super) fn use_little_rooms_later(&mut self) {
        let little = self.streams.values().map(|Stream { room, .. }| *room).find(|room| room.is_little());
        little.into_iter().for_each(|room| self.use_later(room));
    }

    /// So many bytes of a stream's are to be sent: where a window has too little room for them, that waits.
    pub(super) fn hold_back(&mut self, id: u32, bytes: usize) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let (stream_waits, all_wait) = (stream.room.is_too_little(bytes), self.room.is_too_little(bytes));
        if stream_waits || all_wait {
            self.open_late.get_or_insert(self.now + PATIENCE);
        }
    }

    /// A window has opened. Where that is by little it waits for more, but not for ever.
    fn use_later(&mut self, room: Room) {
        if room.is_little() {
            self.open_late.get_or_insert(self.now + PATIENCE);
        }
    }
}
