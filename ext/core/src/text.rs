//! Text for logs: of others, made harmless, and the time.

pub mod escape;
pub(crate) mod wall;

/// Adds a number in decimal digits. Most of those in a log have few, which are added at once.
pub(crate) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    let digit = |number: u64| b'0' + (number % 10) as u8;
    match number {
        0..10 => out.push(digit(number)),
        10..100 => out.extend_from_slice(&[digit(number / 10), digit(number)]),
        100..1000 => push_three(out, number),
        _ => {
            push_decimal(out, number / 1000);
            push_three(out, number % 1000);
        }
    }
}

/// Adds three of them.
pub(crate) fn push_three(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&[100, 10, 1].map(|place| b'0' + (number / place % 10) as u8));
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
}
