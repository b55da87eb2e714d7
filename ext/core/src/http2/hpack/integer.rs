//! Integers (RFC 7541 section 5.1).

/// Nothing that HPACK counts comes near: a longer one is an attempt at something.
const MOST: usize = 1 << 28;

/// Takes one off `input`, whose first byte has it in its last `prefix` bits; `None` where there is none that is right.
pub(super) fn decode(input: &mut &[u8], prefix: u8) -> Option<usize> {
    let (&first, mut rest) = input.split_first()?;
    let mask = (1 << prefix) - 1;
    let mut number = usize::from(first) & mask;
    if number == mask {
        let mut shift = 0;
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            number += (usize::from(byte) & 127) << shift;
            shift += 7;
            if number > MOST || shift > 28 {
                return None;
            }
            if byte & 128 == 0 {
                break;
            }
        }
    }
    *input = rest;
    Some(number)
}

/// Adds one, whose first byte begins with the bits of `pattern`.
pub(super) fn encode(number: usize, prefix: u8, pattern: u8, out: &mut Vec<u8>) {
    let mask = (1 << prefix) - 1;
    if number < mask {
        return out.push(pattern | number as u8);
    }
    out.push(pattern | mask as u8);
    let mut rest = number - mask;
    while rest >= 128 {
        out.push(rest as u8 | 128);
        rest >>= 7;
    }
    out.push(rest as u8);
}
