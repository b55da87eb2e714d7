//! The time, in UTC, as logs have it.

use std::io::Write;
use std::time::Duration;

use super::push_three;
use crate::http::date;

/// The time, as lines have it: made anew when the second has changed.
#[derive(Debug)]
pub(crate) struct Wall {
    second: u64,
    millis: u32,
    /// `[30/Nov/2026:07:12:12 +0000]`
    clf: [u8; 28],
    /// `2026-11-30T07:12:12`
    iso: [u8; 19],
}

impl Default for Wall {
    fn default() -> Self {
        let mut wall = Wall { second: 1, millis: 0, clf: [0; 28], iso: [0; 19] };
        wall.set(Duration::ZERO);
        wall
    }
}

impl Wall {
    /// It is that time after 1970.
    pub(crate) fn set(&mut self, now: Duration) {
        self.millis = now.subsec_millis();
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.format();
        }
    }

    fn format(&mut self) {
        let date::Civil { year, month, day } = date::civil_day(self.second / 86_400);
        let of_day = self.second % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let name = date::month_name(month);
        // Both are as long as they are for as long as years have four digits.
        let _ = write!(&mut self.clf[..], "[{day:02}/{name}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000]");
        let _ = write!(&mut self.iso[..], "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    }

    /// As the Common Log Format has it.
    pub(crate) fn clf(&self) -> &[u8] {
        &self.clf
    }

    /// As RFC 3339 has it, to the millisecond.
    pub(crate) fn push_iso(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.iso);
        out.push(b'.');
        push_three(out, self.millis.into());
        out.push(b'Z');
    }
}
