//! Frames (RFC 9113 sections 4.1 and 6), as bytes.

use crate::error::Flood;

/// What a client sends first (section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's header.
pub const HEADER: usize = 9;
/// Bytes of the longest payload that is taken: the protocol's own default, which is never raised.
pub const MOST: usize = 16_384;
/// The largest window, and the largest number of a stream.
pub const LARGEST: u32 = (1 << 31) - 1;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;
/// RFC 9218, section 7.1.
pub(super) const PRIORITY_UPDATE: u8 = 16;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;
pub(super) const PRIORITIZED: u8 = 0x20;

pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_PUSH: u16 = 2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_FRAME_SIZE: u16 = 5;
pub(super) const MAX_HEADER_LIST_SIZE: u16 = 6;
/// RFC 8441, section 3.
pub(super) const ENABLE_CONNECT_PROTOCOL: u16 = 8;
/// RFC 9218, section 2.1.
pub(super) const NO_RFC7540_PRIORITIES: u16 = 9;

/// Why something ended (section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// Nothing is wrong.
    NoError = 0,
    /// The other side breaks the protocol.
    Protocol = 1,
    /// A fault of our own.
    Internal = 2,
    /// More was sent than the window had room for.
    FlowControl = 3,
    /// A frame for a stream, or a half of one, that has ended.
    StreamClosed = 5,
    /// A frame of a length that it can't have.
    FrameSize = 6,
    /// Nothing has been done for the request: it may be made again.
    RefusedStream = 7,
    /// Nobody waits for it any more.
    Cancel = 8,
    /// The tables of header compression differ.
    Compression = 9,
    /// The client makes more work than it asks for.
    EnhanceYourCalm = 11,
}

/// What ends a connection: the code that the client is told, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Violation {
    /// For the client.
    pub code: Code,
    /// For people.
    pub why: &'static str,
    /// What there was too much of.
    pub flood: Option<Flood>,
}

impl Violation {
    pub(super) fn new(code: Code, why: &'static str) -> Violation {
        Violation { code, why, flood: None }
    }

    pub(super) fn flood(flood: Flood, why: &'static str) -> Violation {
        Violation { code: Code::EnhanceYourCalm, why, flood: Some(flood) }
    }
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Header {
    /// Of bytes that begin with one; `None` where not all of it is there.
    pub(super) fn parse(input: &[u8]) -> Option<Header> {
        let bytes: &[u8; HEADER] = input.first_chunk()?;
        Some(Header {
            length: usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2]),
            kind: bytes[3],
            flags: bytes[4],
            stream: u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]) & LARGEST,
        })
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Its bytes.
    pub(super) fn bytes(self) -> [u8; HEADER] {
        let [_, high, middle, low] = (self.length as u32).to_be_bytes();
        let [a, b, c, d] = self.stream.to_be_bytes();
        [high, middle, low, self.kind, self.flags, a, b, c, d]
    }

    /// The payload without its padding (section 6.1).
    ///
    /// # Errors
    /// Where the padding is as long as the payload or longer.
    pub(super) fn unpadded(self, payload: &[u8]) -> Result<&[u8], Violation> {
        if !self.has(PADDED) {
            return Ok(payload);
        }
        let Some((&padding, rest)) = payload.split_first() else {
            return Err(Violation::new(Code::FrameSize, "a padded frame has no padding's length"));
        };
        let length = rest.len().checked_sub(usize::from(padding));
        length
            .map(|length| &rest[..length])
            .ok_or(Violation::new(Code::Protocol, "a frame's padding is as long as the frame"))
    }
}

/// Adds a frame.
pub(super) fn push(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&Header { length: payload.len(), kind, flags, stream }.bytes());
    out.extend_from_slice(payload);
}

/// Adds a SETTINGS frame.
pub(super) fn push_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    let each = |&(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()[..]].concat();
    let payload: Vec<u8> = settings.iter().flat_map(each).collect();
    push(out, SETTINGS, 0, 0, &payload);
}

/// Adds a frame whose payload is one number.
pub(super) fn push_number(out: &mut Vec<u8>, kind: u8, stream: u32, number: u32) {
    push(out, kind, 0, stream, &number.to_be_bytes());
}

/// The number that a payload begins with.
pub(super) fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written_without_the_bit_that_means_nothing() {
        let header = Header { length: 70_000, kind: HEADERS, flags: END_HEADERS, stream: 5 };
        let mut bytes = header.bytes();
        bytes[5] |= 0x80;
        assert_eq!(Header::parse(&bytes), Some(header));
        assert_eq!(Header::parse(&bytes[..8]), None);
    }

    #[test]
    fn padding_is_taken_off_and_never_longer_than_its_frame() {
        let header = Header { length: 0, kind: DATA, flags: PADDED, stream: 1 };
        assert_eq!(header.unpadded(b"\x02abcd").unwrap(), b"ab");
        assert_eq!(header.unpadded(b"\x04abcd").unwrap(), b"");
        assert_eq!(header.unpadded(b"\x05abcd").unwrap_err().code, Code::Protocol);
        assert_eq!(header.unpadded(b"").unwrap_err().code, Code::FrameSize);
        assert_eq!(Header { flags: 0, ..header }.unpadded(b"\x05").unwrap(), b"\x05");
    }
}
