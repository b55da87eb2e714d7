//! Text for logs: of others, made harmless, and the time.

pub mod escape;
pub(crate) mod wall;

/// The two digits of each number below a hundred.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Adds a number in decimal digits. Most of those in a log have few, which are added at once.
#[inline]
pub(crate) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    match number {
        0..10 => out.push(b'0' + number as u8),
        10..100 => out.extend_from_slice(&PAIRS[number as usize]),
        100..1000 => push_three(out, number),
        _ => push_long(out, number),
    }
}

#[inline(never)]
fn push_long(out: &mut Vec<u8>, number: u64) {
    push_decimal(out, number / 1000);
    push_three(out, number % 1000);
}

/// Adds three of them.
#[inline]
pub(crate) fn push_three(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&three(number));
}

/// The last three.
#[inline]
fn three(number: u64) -> [u8; 3] {
    let number = (number % 1000) as usize;
    let [ten, one] = PAIRS[number % 100];
    [b'0' + (number / 100) as u8, ten, one]
}

/// Adds microseconds as milliseconds, all digits after the point.
#[inline]
pub(crate) fn push_millis(out: &mut Vec<u8>, micros: u64) {
    let [a, b, c] = three(micros);
    match micros / 1000 {
        whole @ 0..10 => out.extend_from_slice(&[b'0' + whole as u8, b'.', a, b, c]),
        whole => {
            push_decimal(out, whole);
            out.extend_from_slice(&[b'.', a, b, c]);
        }
    }
}

/// What others have sent, for a line that people read: what is no UTF-8 becomes U+FFFD, and a control character, which may speak to
/// their terminal, a question mark.
pub fn harmless(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    if text.chars().any(char::is_control) {
        text.chars().map(|one| if one.is_control() { '?' } else { one }).collect()
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_display_writes_them() {
        for number in (0..2000).chain([9_999, 10_000, 100_005, 999_999, 1_000_000, 18_000_000_001, u64::MAX]) {
            let mut out = Vec::new();
            push_decimal(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn microseconds_are_written_as_milliseconds() {
        for (micros, expected) in
            [(0, "0.000"), (7, "0.007"), (9_999, "9.999"), (10_010, "10.010"), (1_234_567_890, "1234567.890")]
        {
            let mut out = Vec::new();
            push_millis(&mut out, micros);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_of_others_speaks_to_a_terminal() {
        assert_eq!(harmless("/a é".as_bytes()), "/a é");
        assert_eq!(harmless(b"/\x1b[31m\n\xc2\x9b\xff".as_slice()), "/?[31m??\u{fffd}");
    }
}
