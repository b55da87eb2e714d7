//! What a client says of how urgent its streams are.

use super::{Event, Session};
use crate::http2::frame::{self, Code, Header, LARGEST, Violation};
use crate::http2::priority::Priority;

impl<T: Default> Session<T> {
    /// Section 6.3. What it says is obsolete (section 5.3.2); of a stream that there is not, nothing could be said of its length.
    pub(super) fn priority_came(&mut self, header: Header, payload: &[u8]) -> Result<Event<'static, T>, Violation> {
        if header.stream == 0 {
            return Err(Violation::new(Code::Protocol, "PRIORITY names no stream"));
        }
        self.count_control_frame()?;
        if payload.len() != 5 && self.streams.contains_key(&header.stream) {
            return self.break_stream(header.stream, Code::FrameSize, "PRIORITY has not its length");
        }
        Ok(Event::Nothing)
    }

    /// RFC 9218, section 7.1.
    pub(super) fn priority_update_came(
        &mut self,
        header: Header,
        payload: &[u8],
    ) -> Result<Event<'static, T>, Violation> {
        if header.stream != 0 {
            return Err(Violation::new(Code::Protocol, "PRIORITY_UPDATE is a stream's"));
        }
        let Some(id) = frame::number(payload).map(|id| id & LARGEST) else {
            return Err(Violation::new(Code::FrameSize, "PRIORITY_UPDATE has not its length"));
        };
        if id % 2 == 0 {
            return Err(Violation::new(Code::Protocol, "PRIORITY_UPDATE names no stream of the client's"));
        }
        self.count_control_frame()?;
        let priority = Priority::of(&payload[4..]);
        if self.streams.contains_key(&id) {
            return Ok(Event::Priority { id, priority });
        }
        if id > self.last {
            self.early_priorities.insert(id, priority);
            // One whose block is on its way is no stream yet, and idle no more.
            let idle = self.early_priorities.range(self.last + 1..).count();
            if idle + self.active > self.bounds.streams {
                return Err(Violation::new(Code::Protocol, "PRIORITY_UPDATE is for more streams than there may be"));
            }
        }
        Ok(Event::Nothing)
    }

    /// Takes what was said of a stream before its head came, which counts for more than what that says.
    pub fn early_priority(&mut self, id: u32) -> Option<Priority> {
        self.early_priorities.remove(&id)
    }

    /// That stream opens: those before it never will.
    pub(super) fn forget_early_priorities(&mut self, id: u32) {
        if self.early_priorities.first_key_value().is_some_and(|(&first, _)| first < id) {
            self.early_priorities = self.early_priorities.split_off(&id);
        }
    }
}
