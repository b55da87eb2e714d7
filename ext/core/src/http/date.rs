//! The `date` header's value (RFC 9110 section 5.6.7).

use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of an IMF-fixdate.
pub const LEN: usize = 29;

const DAYS: &[u8; 21] = b"ThuFriSatSunMonTueWed";
const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// An IMF-fixdate, formatted anew only when the second changes. Each worker has its own: nothing to lock.
#[derive(Debug)]
pub struct DateCache {
    second: u64,
    text: [u8; LEN],
}

impl Default for DateCache {
    fn default() -> Self {
        DateCache { second: 0, text: format(0) }
    }
}

impl DateCache {
    /// The text for `unix` seconds since 1970.
    pub fn at(&mut self, unix: u64) -> &[u8; LEN] {
        if unix != self.second {
            self.second = unix;
            self.text = format(unix);
        }
        &self.text
    }
}

/// Seconds since 1970, now.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Formats `unix` seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn format(unix: u64) -> [u8; LEN] {
    let (days, second) = (unix / 86_400, unix % 86_400);
    let Civil { year, month, day } = civil_day(days);
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let weekday = (days % 7) as usize * 3;
    text[0..3].copy_from_slice(&DAYS[weekday..weekday + 3]);
    two(&mut text[5..7], day);
    text[8..11].copy_from_slice(month_name(month).as_bytes());
    two(&mut text[12..14], year / 100);
    two(&mut text[14..16], year % 100);
    two(&mut text[17..19], second / 3600);
    two(&mut text[20..22], second / 60 % 60);
    two(&mut text[23..25], second % 60);
    text
}

fn two(at: &mut [u8], number: u64) {
    at[0] = b'0' + (number / 10 % 10) as u8;
    at[1] = b'0' + (number % 10) as u8;
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Civil {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
}

/// A month's name, in three letters.
pub(crate) fn month_name(month: u64) -> &'static str {
    let at = (month as usize - 1) * 3;
    &MONTHS[at..at + 3]
}

/// The day of a day count since 1970. Years are taken to begin in March, so that the leap day comes last.
pub(crate) fn civil_day(days: u64) -> Civil {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    Civil { year: year_of_era + era * 400 + u64::from(month <= 2), month, day }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_known_dates() {
        assert_eq!(&format(0), b"Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(&format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(&format(951_827_696), b"Tue, 29 Feb 2000 12:34:56 GMT");
        assert_eq!(&format(4_107_542_399), b"Sun, 28 Feb 2100 23:59:59 GMT");
        assert_eq!(&format(4_107_542_400), b"Mon, 01 Mar 2100 00:00:00 GMT");
    }

    #[test]
    fn follows_the_second() {
        let mut clock = DateCache::default();
        assert_eq!(clock.at(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(clock.at(784_111_778), b"Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
