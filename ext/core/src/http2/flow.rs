//! Windows (RFC 9113 section 5.2): how much may be sent, and how much may come.

use super::frame::{LARGEST, MOST};

/// What a connection's client may send beyond what was read of it, in bytes.
pub const CONNECTION: u32 = 512 * 1024;
/// The same of one stream.
pub const STREAM: u32 = 256 * 1024;
/// Both windows before anybody has said anything.
pub const INITIAL: u32 = 65_535;

/// What room has to come to after it was used up, unless the client has never given half as much: half of a frame.
const WORTH: i64 = MOST as i64 / 2;

/// Room to send in. It may be less than none, when the client has taken some back (section 6.9.2).
///
/// ```text
///   open --used up--> shut --opened by as much as is worth a frame, or open()--> open
/// ```
///
/// A client that gives back the bytes of each frame that it gets would be answered in ever shorter frames otherwise: what is left of
/// the window cuts a frame in two, each part comes back, and is filled by one as short (RFC 1122 section 4.2.3.4). Of one that opens it
/// bit by bit, what is left and too short for all that is to be sent waits, too; otherwise it is used down to its end, since some
/// clients give nothing back before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    left: i64,
    /// The largest that it has been.
    most: i64,
    is_shut: bool,
    /// It was opened bit by bit the last time.
    is_gradual: bool,
}

impl Room {
    /// Of so many bytes.
    pub fn new(bytes: u32) -> Room {
        let left = i64::from(bytes);
        Room { left, most: left, is_shut: left == 0, is_gradual: false }
    }

    /// Bytes that may be sent.
    pub fn left(self) -> usize {
        if self.is_shut { 0 } else { usize::try_from(self.left).unwrap_or_default() }
    }

    /// So many are sent.
    pub fn take(&mut self, bytes: usize) {
        self.left -= bytes as i64;
        self.is_shut |= self.left <= 0;
    }

    /// So many more, or fewer; false past the largest window.
    #[must_use]
    pub fn change(&mut self, by: i64) -> bool {
        let (was_shut, was_little) = (self.is_shut, self.is_little());
        self.left += by;
        self.most = self.left.max(self.most + by.min(0));
        self.is_shut = self.left <= 0 || was_shut && self.left < self.worth();
        if was_shut && !self.is_shut {
            self.is_gradual = was_little;
        }
        self.left <= i64::from(LARGEST)
    }

    /// Whether there is some that waits until there is more.
    pub fn is_little(self) -> bool {
        self.is_shut && self.left > 0
    }

    /// Whether it is too little for so many bytes, which are to wait for more then.
    pub fn is_too_little(&mut self, bytes: usize) -> bool {
        let is_some = !self.is_shut && self.left > 0;
        let is_so = self.is_gradual && is_some && self.left < self.worth().min(bytes as i64);
        self.is_shut |= is_so;
        is_so
    }

    fn worth(self) -> i64 {
        WORTH.min(self.most / 2)
    }

    /// There was no more in good time: what there is may be used, down to its end.
    pub fn open(&mut self) {
        self.is_shut = self.left <= 0;
        self.is_gradual = false;
    }
}

/// What was sent and whose room the client has not given back yet. A window that opens by some of that is what keeps an answer going,
/// however many frames a client makes of it: some open their windows for each frame that they get, some by 4 KiB at a time.
#[derive(Debug, Default)]
pub(super) struct Used {
    bytes: u64,
    /// So many windows may open by however little.
    frames: u64,
}

impl Used {
    /// What a window opens by at least otherwise, unless less was used: else each byte could come back in a frame of its own.
    const STEP: u64 = 256;

    /// A frame has gone out, with so many bytes.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        self.frames = self.bytes.min(self.frames + 1);
    }

    /// Whether a window that opens by so much opens for something.
    pub(super) fn gives_back(&mut self, more: u32) -> bool {
        let more = u64::from(more);
        let is_used = self.bytes > 0 && (more >= self.bytes.min(Used::STEP) || self.frames > 0);
        self.bytes = self.bytes.saturating_sub(more);
        // Longer frames have room for more than is asked of them; what has come back entirely is told of no more.
        self.frames = self.frames.saturating_sub(1).min(self.bytes);
        is_used
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
    fn what_was_used_up_opens_by_what_is_worth_a_frame_or_half_of_all_that_there_ever_was() {
        let room_after = |size: u32, by: i64| {
            let mut room = Room::new(size);
            room.take(size as usize);
            assert!(!room.is_little() && room.change(by));
            (room.left(), room.is_little())
        };
        assert_eq!([8191, 8192].map(|by| room_after(65_535, by)), [(0, true), (8192, false)]);
        assert_eq!([499, 500].map(|by| room_after(1000, by)), [(0, true), (500, false)]);
        assert_eq!([0, 1].map(|size| room_after(size, 1)), [(1, false); 2]);
        let mut room = Room::new(65_535);
        room.take(65_530);
        assert!(room.change(-4) && room.left() == 1, "it was not used up");
        room.take(1);
        assert!(room.change(7));
        room.open();
        assert_eq!((room.left(), room.is_little()), (7, false));
    }

    #[test]
    fn what_is_left_waits_where_it_was_opened_bit_by_bit() {
        let left_of = |steps: &[i64]| {
            let mut room = Room::new(65_535);
            room.take(65_535);
            steps.iter().for_each(|&step| assert!(room.change(step)));
            room.take(room.left() - 1000);
            (room.is_too_little(1000), room.left(), room.is_too_little(1001), room.left(), room.is_little())
        };
        assert_eq!(
            left_of(&[9000]),
            (false, 1000, false, 1000, false),
            "it may give nothing back before it is used up"
        );
        assert_eq!(left_of(&[4500, 4500]), (false, 1000, true, 0, true));
    }

    #[test]
    fn room_is_given_back_once_for_each_frame_or_in_steps() {
        let mut used = Used::default();
        assert!(!used.gives_back(1000));
        (0..3).for_each(|_| used.sent(100));
        assert!((0..3).all(|_| used.gives_back(100)) && !used.gives_back(100));
        used.sent(1000);
        assert!(used.gives_back(1) && !used.gives_back(1) && used.gives_back(256) && used.gives_back(742));
        assert!(!used.gives_back(1));
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
