//! The time, in UTC, as logs have it.

use std::io::Write;
use std::time::Duration;

use crate::http::date;

/// The time, as lines have it: what has changed of it is made anew.
#[derive(Debug)]
pub(crate) struct Wall {
    millis: u64,
    /// `[30/Nov/2026:07:12:12 +0000]`
    clf: [u8; 28],
    /// `2026-11-30T07:12:12.345Z`
    iso: [u8; 24],
}

impl Default for Wall {
    fn default() -> Self {
        let mut wall = Wall { millis: u64::MAX, clf: [0; 28], iso: [0; 24] };
        wall.set_millis(0);
        wall
    }
}

impl Wall {
    /// It is that time after 1970.
    pub(crate) fn set(&mut self, now: Duration) {
        self.set_millis(now.as_millis() as u64);
    }

    /// The same in milliseconds.
    pub(crate) fn set_millis(&mut self, millis: u64) {
        if self.millis == millis {
            return;
        }
        if self.millis / 1000 != millis / 1000 {
            self.format(millis / 1000);
        }
        self.millis = millis;
        for (at, place) in [(20, 100), (21, 10), (22, 1)] {
            self.iso[at] = b'0' + (millis / place % 10) as u8;
        }
    }

    fn format(&mut self, second: u64) {
        let date::Civil { year, month, day } = date::civil_day(second / 86_400);
        let of_day = second % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let name = date::month_name(month);
        // Both are as long as they are for as long as years have four digits.
        let _ = write!(&mut self.clf[..], "[{day:02}/{name}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000]");
        let _ = write!(&mut self.iso[..], "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z");
    }

    /// As the Common Log Format has it.
    pub(crate) fn clf(&self) -> &[u8; 28] {
        &self.clf
    }

    /// As RFC 3339 has it, to the millisecond.
    pub(crate) fn iso(&self) -> &[u8; 24] {
        &self.iso
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_made_anew_as_far_as_it_has_changed() {
        let mut wall = Wall::default();
        let mut told = |millis| {
            wall.set_millis(millis);
            [wall.clf().as_slice(), wall.iso()].map(|text| String::from_utf8_lossy(text).into_owned())
        };
        let expected = |clf: &str, iso: &str| [clf.to_owned(), iso.to_owned()];
        assert_eq!(told(0), expected("[01/Jan/1970:00:00:00 +0000]", "1970-01-01T00:00:00.000Z"));
        assert_eq!(told(784_111_777_250), expected("[06/Nov/1994:08:49:37 +0000]", "1994-11-06T08:49:37.250Z"));
        assert_eq!(told(784_111_777_250), expected("[06/Nov/1994:08:49:37 +0000]", "1994-11-06T08:49:37.250Z"));
        assert_eq!(told(784_111_777_007), expected("[06/Nov/1994:08:49:37 +0000]", "1994-11-06T08:49:37.007Z"));
        assert_eq!(told(784_111_778_007), expected("[06/Nov/1994:08:49:38 +0000]", "1994-11-06T08:49:38.007Z"));
    }
}
