//! Bytes of others in a line of the log: nothing that they hold may end the line, look like another's field, or mean anything
//! to a terminal.

use std::io::Write;

/// Bytes that stand for themselves anywhere: what is printed of ASCII, without quotes and backslashes.
const IS_PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        table[byte] = byte != b'"' as usize && byte != b'\\' as usize;
        byte += 1;
    }
    table
};

/// Whether all of a text stands for itself. In steps of a vector, of which the last may look at some bytes again: nearly all of what is
/// written does, and is looked at for that.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    is_plain_by::<16>(text)
        .or_else(|| is_plain_by::<8>(text))
        .or_else(|| is_plain_by::<4>(text))
        .unwrap_or_else(|| text.iter().all(|&byte| IS_PLAIN[usize::from(byte)]))
}

/// `None` of one that is shorter than a step.
#[inline]
fn is_plain_by<const STEP: usize>(text: &[u8]) -> Option<bool> {
    let is_plain = |step: &[u8; STEP]| {
        step.iter().fold(true, |all, &byte| all & (0x20..0x7f).contains(&byte) & (byte != b'"') & (byte != b'\\'))
    };
    let last = text.last_chunk::<STEP>()?;
    let steps = text.chunks_exact(STEP);
    Some(is_plain(last) && steps.into_iter().all(|step| step.try_into().is_ok_and(is_plain)))
}

/// Adds text to a plain line: quotes, backslashes, control characters and whatever is not ASCII escaped, as nginx does.
pub(crate) fn plain(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        return out.extend_from_slice(text);
    }
    escaped(out, text, |byte| IS_PLAIN[usize::from(byte)]);
}

/// The same for a field that ends at a space.
pub(crate) fn word(out: &mut Vec<u8>, text: &[u8]) {
    escaped(out, text, |byte| IS_PLAIN[usize::from(byte)] && byte != b' ');
}

fn escaped(out: &mut Vec<u8>, text: &[u8], is_harmless: impl Fn(u8) -> bool) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| !is_harmless(byte)) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            byte => hex(out, byte),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn hex(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Adds a string of JSON (RFC 8259 section 7), in quotes.
pub fn json(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    in_json(out, text);
    out.push(b'"');
}

/// Adds what stands between the quotes of a string of JSON. What is no UTF-8 becomes U+FFFD; control characters, those past ASCII
/// among them, are escaped.
#[inline]
pub(crate) fn in_json(out: &mut Vec<u8>, text: &[u8]) {
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        for chunk in text.utf8_chunks() {
            json_text(out, chunk.valid());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice(b"\\ufffd");
            }
        }
    }
}

fn json_text(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some((at, special)) = rest.char_indices().find(|(_, it)| it.is_control() || matches!(it, '"' | '\\')) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        match special {
            '"' | '\\' => out.extend_from_slice(&[b'\\', special as u8]),
            _ => {
                // Never an error: it is memory.
                let _ = write!(out, "\\u{:04x}", special as u32);
            }
        }
        rest = &rest[at + special.len_utf8()..];
    }
    out.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(how: fn(&mut Vec<u8>, &[u8]), text: &[u8]) -> String {
        let mut out = Vec::new();
        how(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_byte_is_found_wherever_it_is() {
        for length in 0..40 {
            let text = vec![b'a'; length];
            assert_eq!(told(plain, &text).len(), length);
            for at in 0..length {
                for (byte, escaped) in
                    [(0x1f, r"\x1F"), (0x7f, r"\x7F"), (0x80, r"\x80"), (b'"', r#"\""#), (b'\\', r"\\")]
                {
                    let mut text = text.clone();
                    text[at] = byte;
                    let expected = format!("{}{escaped}{}", "a".repeat(at), "a".repeat(length - at - 1));
                    assert_eq!(told(plain, &text), expected);
                }
            }
        }
    }

    #[test]
    fn nothing_that_others_send_can_end_a_line_or_speak_to_a_terminal() {
        let nasty = b"a\"b\\c\r\nd\x1b[31m\x00\x7f\x80\xc3\xa9 \xc2\x9b";
        assert_eq!(told(plain, nasty), r#"a\"b\\c\x0D\x0Ad\x1B[31m\x00\x7F\x80\xC3\xA9 \xC2\x9B"#);
        assert_eq!(told(word, b"a b"), r"a\x20b");
        assert_eq!(told(json, nasty), r#""a\"b\\c\u000d\u000ad\u001b[31m\u0000\u007f\ufffdé \u009b""#);
        for byte in 0..=255 {
            for how in [plain as fn(&mut Vec<u8>, &[u8]), word, json] {
                assert!(told(how, &[byte]).chars().all(|it| !it.is_control()), "{byte}");
            }
        }
    }
}
