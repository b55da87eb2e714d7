//! A text in memory that several processes have: one writes, and whoever reads waits for nobody.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, fence};

/// So often reading is tried again while somebody writes; then it is as it is: a writer may have died in the middle.
const TRIES: usize = 8;

/// Valid as zeros: empty.
#[repr(C)]
pub(super) struct Text<const ROOM: usize> {
    /// How often it has been begun or ended to be written: odd while it is.
    changes: AtomicU32,
    length: AtomicU32,
    bytes: [AtomicU8; ROOM],
}

impl<const ROOM: usize> fmt::Debug for Text<ROOM> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.read(), f)
    }
}

impl<const ROOM: usize> Default for Text<ROOM> {
    fn default() -> Self {
        Text::<ROOM> {
            changes: AtomicU32::new(0),
            length: AtomicU32::new(0),
            bytes: std::array::from_fn(|_| AtomicU8::new(0)),
        }
    }
}

impl<const ROOM: usize> Text<ROOM> {
    /// Writes it, as far as there is room. For one thread of the one process that owns it.
    pub(super) fn write(&self, text: &str) {
        // A process that has died in the middle may have left it odd.
        let changes = self.changes.load(Relaxed) | 1;
        self.changes.store(changes, Relaxed);
        fence(Release);
        let text = &text.as_bytes()[..text.len().min(ROOM)];
        for (place, byte) in self.bytes.iter().zip(text) {
            place.store(*byte, Relaxed);
        }
        self.length.store(text.len() as u32, Relaxed);
        self.changes.store(changes.wrapping_add(1), Release);
    }

    /// What it says; while it is written for long, a mixture of two texts.
    pub(super) fn read(&self) -> String {
        let mut bytes = Vec::new();
        for _ in 0..TRIES {
            let before = self.changes.load(Acquire);
            let length = (self.length.load(Relaxed) as usize).min(ROOM);
            bytes.clear();
            bytes.extend(self.bytes[..length].iter().map(|byte| byte.load(Relaxed)));
            fence(Acquire);
            if before % 2 == 0 && self.changes.load(Relaxed) == before {
                break;
            }
            std::hint::spin_loop();
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use super::*;

    const ROOM: usize = 1016;

    #[test]
    fn keeps_what_there_is_room_for() {
        let text = Text::<ROOM>::default();
        assert_eq!(text.read(), "");
        text.write("GET /");
        assert_eq!(text.read(), "GET /");
        text.write(&"é".repeat(ROOM));
        assert!(text.read().starts_with("éé"));
        text.changes.store(5, SeqCst);
        text.write("after a death");
        assert_eq!(text.read(), "after a death");
    }

    #[test]
    fn a_reader_beside_a_writer_waits_for_nobody_and_sees_text() {
        let (text, is_over) = (Text::<ROOM>::default(), AtomicBool::new(false));
        let (one, other) = ("a".repeat(500), "b".repeat(900));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..2000 {
                    text.write(&one);
                    text.write(&other);
                    std::thread::yield_now();
                }
                is_over.store(true, SeqCst);
            });
            while !is_over.load(SeqCst) {
                let read = text.read();
                // One that is written over and over may be read in between.
                assert!(read.bytes().all(|byte| byte == b'a' || byte == b'b'));
            }
        });
        assert_eq!(text.read(), other);
    }
}
