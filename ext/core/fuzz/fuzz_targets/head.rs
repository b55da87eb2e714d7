//! Request heads: whatever comes, a head that is taken is well formed, and a longer input changes nothing about it.

#![no_main]

use kino_core::config::Limits;
use kino_core::http::head::Head;
use kino_core::http::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let limits = Limits { head: 4096, fields: 16, target: 256, ..Limits::default() };
    let mut head = Head::default();
    let Ok(Some(length)) = parse::head(input, &limits, &mut head) else { return };
    assert!(length <= input.len() && length <= limits.head);
    assert!(input[..length].ends_with(b"\r\n\r\n"));
    assert!(!head.method().is_empty() && head.target().len() <= limits.target);
    assert!(head.fields().count() <= limits.fields);
    for (name, value) in head.fields() {
        assert!(!name.is_empty() && name.len() <= parse::LONGEST_NAME);
        let forbidden = |&byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        assert!(!name.iter().any(|byte| forbidden(byte) || byte.is_ascii_whitespace()));
        assert!(!value.iter().any(forbidden) && value.trim_ascii() == value);
    }

    let mut alone = Head::default();
    assert_eq!(parse::head(&input[..length], &limits, &mut alone), Ok(Some(length)));
    assert!(head.fields().eq(alone.fields()));
    assert_eq!(parse::head(&input[..length - 1], &limits, &mut alone), Ok(None), "nothing less is a head");
});
