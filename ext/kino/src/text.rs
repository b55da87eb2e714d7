//! Addresses and numbers as text, without memory of their own.

use std::fmt::Display;
use std::io::Write;

/// Room for the longest address (39 characters of IPv6) or number (20 digits of a `u64`).
#[derive(Clone, Copy)]
pub(crate) struct Text {
    room: [u8; Text::ROOM],
    length: usize,
}

impl Text {
    const ROOM: usize = 48;

    /// What `what` displays, cut off where the room ends.
    pub(crate) fn of(what: impl Display) -> Text {
        let mut room = [0; Text::ROOM];
        let mut rest = &mut room[..];
        // The one error that there can be is the end of the room.
        let _ = write!(rest, "{what}");
        let length = Text::ROOM - rest.len();
        Text { room, length }
    }

    /// The text.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[..self.length]
    }
}
