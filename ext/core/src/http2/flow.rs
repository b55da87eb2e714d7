//! Windows (RFC 9113 section 5.2): how much may be sent, and how much may come.

use super::frame::LARGEST;

/// What a connection's client may send beyond what was read of it, in bytes.
pub const CONNECTION: u32 = 512 * 1024;
/// The same of one stream.
pub const STREAM: u32 = 256 * 1024;
/// Both windows before anybody has said anything.
pub const INITIAL: u32 = 65_535;

/// Room to send in. It may be less than none, when the client has taken some back (section 6.9.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room(i64);

impl Room {
    /// Of so many bytes.
    pub fn new(bytes: u32) -> Room {
        Room(i64::from(bytes))
    }

    /// Bytes that may be sent.
    pub fn left(self) -> usize {
        usize::try_from(self.0).unwrap_or_default()
    }

    /// So many are sent.
    pub fn take(&mut self, bytes: usize) {
        self.0 -= bytes as i64;
    }

    /// So many more, or fewer; false past the largest window.
    #[must_use]
    pub fn change(&mut self, by: i64) -> bool {
        self.0 += by;
        self.0 <= i64::from(LARGEST)
    }
}

/// What may come, and what is to be given back of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    left: i64,
    /// Read, and not told of yet.
    read: u32,
    size: u32,
}

impl Allowance {
    /// Of so many bytes.
    pub fn new(size: u32) -> Allowance {
        Allowance { left: i64::from(size), read: 0, size }
    }

    /// So many have come; false where they should not have.
    #[must_use]
    pub fn take(&mut self, bytes: usize) -> bool {
        self.left -= bytes as i64;
        self.left >= 0
    }

    /// So many have been read: by how much the client is to be told that the window opens, which it isn't for each byte.
    pub fn give(&mut self, bytes: usize) -> Option<u32> {
        self.read += bytes as u32;
        if self.read < self.size / 2 {
            return None;
        }
        let more = std::mem::take(&mut self.read);
        self.left += i64::from(more);
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_may_be_less_than_none_and_never_more_than_the_largest() {
        let mut room = Room::new(10);
        room.take(4);
        assert!(room.change(-8));
        assert_eq!(room.left(), 0);
        assert!(room.change(5));
        assert_eq!(room.left(), 3);
        assert!(room.change(i64::from(LARGEST) - 3) && !room.change(1));
    }

    #[test]
    fn an_allowance_is_given_back_by_halves() {
        let mut window = Allowance::new(100);
        assert!(window.take(100) && !window.take(1));
        let mut window = Allowance::new(100);
        assert!(window.take(60));
        assert_eq!((window.give(49), window.give(1)), (None, Some(50)));
        assert!(window.take(90) && !window.take(1));
    }
}
