//! Frames out of bytes, however those come.

use std::borrow::Cow;

use super::{Session, Stage};
use crate::http2::frame::{self, Code, Header, Violation};

/// A frame: its header and its payload.
type Framed<'i> = (Header, Cow<'i, [u8]>);

impl<T: Default> Session<T> {
    /// The preface, until all of it has come.
    pub(super) fn take_preface(&mut self, input: &mut &[u8]) -> Result<bool, Violation> {
        let missing = frame::PREFACE.len() - self.held.len();
        let (more, rest) = input.split_at(missing.min(input.len()));
        self.held.extend_from_slice(more);
        *input = rest;
        if !frame::PREFACE.starts_with(&self.held) {
            return Err(Violation::new(Code::Protocol, "the connection's beginning is not HTTP/2's"));
        }
        let is_whole = self.held.len() == frame::PREFACE.len();
        if is_whole {
            self.held.clear();
            self.stage = Stage::Settings;
        }
        Ok(is_whole)
    }

    /// The next frame, once all of it has come. Its payload is where it came, if it came at once.
    pub(super) fn next_frame<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Framed<'i>>, Violation> {
        if !self.held.is_empty() {
            return self.next_held(input);
        }
        let Some(header) = Header::parse(input) else {
            self.hold(input);
            return Ok(None);
        };
        check_length(header)?;
        let Some(payload) = input.get(frame::HEADER..frame::HEADER + header.length) else {
            self.hold(input);
            return Ok(None);
        };
        *input = &input[frame::HEADER + header.length..];
        Ok(Some((header, Cow::Borrowed(payload))))
    }

    fn next_held(&mut self, input: &mut &[u8]) -> Result<Option<Framed<'static>>, Violation> {
        self.hold_until(frame::HEADER, input);
        let Some(header) = Header::parse(&self.held) else { return Ok(None) };
        check_length(header)?;
        self.hold_until(frame::HEADER + header.length, input);
        if self.held.len() < frame::HEADER + header.length {
            return Ok(None);
        }
        let mut payload = std::mem::take(&mut self.held);
        payload.drain(..frame::HEADER);
        Ok(Some((header, Cow::Owned(payload))))
    }

    fn hold(&mut self, input: &mut &[u8]) {
        self.held.extend_from_slice(input);
        *input = &[];
    }

    fn hold_until(&mut self, length: usize, input: &mut &[u8]) {
        let (more, rest) = input.split_at(length.saturating_sub(self.held.len()).min(input.len()));
        self.held.extend_from_slice(more);
        *input = rest;
    }
}

/// Of what is longer than we take, nothing more than this header is read (section 4.2).
fn check_length(header: Header) -> Result<(), Violation> {
    if header.length > frame::MOST {
        return Err(Violation::new(Code::FrameSize, "a frame is longer than SETTINGS_MAX_FRAME_SIZE"));
    }
    Ok(())
}
