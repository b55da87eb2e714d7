//! Text for logs: of others, made harmless, and the time.

pub mod escape;
pub(crate) mod wall;

/// Adds a number in decimal digits.
pub(crate) fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Adds three of them.
pub(crate) fn push_three(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&[100, 10, 1].map(|place| b'0' + (number / place % 10) as u8));
}
