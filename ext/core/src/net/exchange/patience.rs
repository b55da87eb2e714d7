//! For how long whoever serves a request may wait for its client.

use std::time::Duration;

use crate::net::pace::Pace;

/// What has been waited for: counted rather than measured from a time on, since the client is not to blame
/// for the time that the app takes between two waits, and since whatever else ends a wait, such as bytes the other way, must
/// not give it new time.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// For room to send, in all.
    room: Duration,
    /// Of that, up to the client's last progress.
    room_before: Duration,
    /// Bytes that it has read of what waited for it.
    read: u64,
    /// For more of the body, since the last of it came.
    body: Duration,
}

impl Patience {
    /// The client has read so many bytes of what waited for it.
    pub(super) fn has_read(&mut self, bytes: u64) {
        if bytes > 0 {
            self.read += bytes;
            self.room_before = self.room;
        }
    }

    /// More of the body has come.
    pub(super) fn has_sent(&mut self) {
        self.body = Duration::ZERO;
    }

    /// It has been waited for room.
    pub(super) fn waited_for_room(&mut self, time: Duration) {
        self.room += time;
    }

    /// It has been waited for more of the body.
    pub(super) fn waited_for_body(&mut self, time: Duration) {
        self.body += time;
    }

    /// For how long room may still be waited for.
    pub(super) fn room_left(&self, pace: Pace) -> Duration {
        let until = pace.due(self.read, 0, self.room_before.as_millis() as u64);
        Duration::from_millis(until).saturating_sub(self.room)
    }

    /// The same for more of a body of which `received` bytes have come since `since`.
    pub(super) fn body_left(&self, pace: Pace, (received, since): (u64, u64), now: u64) -> Duration {
        Duration::from_millis(
            pace.due(received, since, now.saturating_sub(self.body.as_millis() as u64)).saturating_sub(now),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace { silence: 20 * SECOND, min_rate: 500 }
    }

    #[test]
    fn only_progress_gives_new_time_and_bytes_no_more_than_they_are_worth() {
        let mut patience = Patience::default();
        for left in (0..20).rev() {
            patience.waited_for_room(SECOND);
            assert_eq!(patience.room_left(pace()), left * SECOND);
        }
        patience.has_read(1);
        assert_eq!(patience.room_left(pace()), 10 * SECOND, "half a minute in all for next to nothing");
        patience.has_read(50_000);
        assert_eq!(patience.room_left(pace()), 20 * SECOND);
    }

    #[test]
    fn a_body_has_time_for_as_long_as_it_is_waited_for() {
        let mut patience = Patience::default();
        patience.waited_for_body(5 * SECOND);
        assert_eq!(patience.body_left(pace(), (0, 1_000), 11_000), 15 * SECOND, "the app took the rest of the time");
        patience.has_sent();
        assert_eq!(patience.body_left(pace(), (1, 1_000), 11_000), 20 * SECOND);
        assert_eq!(patience.body_left(pace(), (1, 1_000), 21_000), 10 * SECOND, "the slow start is over then");
    }
}
