//! PROXY headers: what is said of the first bytes stands whatever follows, and a header that is taken is within its bounds.

#![no_main]

use kino_core::http::proxy_header::{self, LONGEST};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let whole = proxy_header::parse(input);
    if let Ok(Some(header)) = whole {
        assert!(header.length <= input.len() && header.length <= LONGEST);
        assert_eq!(proxy_header::parse(&input[..header.length]), whole);
        assert!(input[..header.length].ends_with(b"\r\n") || input.starts_with(b"\r\n\r\n\0"));
    }
    // Whatever is undecided is short: who sends such bytes is not listened to for long.
    assert!(whole != Ok(None) || input.len() < LONGEST);
    for end in 0..input.len().min(LONGEST) {
        match proxy_header::parse(&input[..end]) {
            Ok(None) => {}
            early => {
                assert_eq!(early, whole);
                break;
            }
        }
    }
});
