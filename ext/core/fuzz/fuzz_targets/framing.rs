//! What a head says of its message: no message may have two lengths, two hosts, or a host that is none.

#![no_main]

use kino_core::config::Limits;
use kino_core::http::framing::{self, Length};
use kino_core::http::head::{Head, Version};
use kino_core::http::{parse, target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|fields: &[u8]| {
    let input = [b"POST / HTTP/1.1\r\n", fields, b"\r\n\r\n"].concat();
    let mut head = Head::default();
    let Ok(Some(_)) = parse::head(&input, &Limits::default(), &mut head) else { return };
    let Ok(framing) = framing::of(&head) else { return };
    let all = |wanted: &str| -> Vec<&[u8]> {
        let named = head.fields().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        named.map(|(_, value)| value).collect()
    };
    let (lengths, codings, hosts) = (all("content-length"), all("transfer-encoding"), all("host"));
    match framing.length {
        Length::Chunked => assert!(lengths.is_empty() && codings.len() == 1),
        Length::Known(length) => {
            assert!(codings.is_empty() && lengths.len() == 1);
            let text = std::str::from_utf8(lengths[0]).expect("digits are text");
            assert!(text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse() == Ok(length));
        }
        Length::None => assert!(codings.is_empty() && lengths.len() <= 1),
    }
    match head.version() {
        Version::Http11 => assert!(hosts.len() == 1 && target::is_authority(hosts[0])),
        Version::Http10 => assert!(hosts.len() <= 1),
    }
    assert!(target::split(head.target()).is_some());
});
