//! What proxies say of how their clients came: whatever stands there, a host is one that a URL may have, and a port a number
//! that does not contradict the scheme.

#![no_main]

use kino_core::config::Limits;
use kino_core::http::head::Head;
use kino_core::http::{forwarded, parse, target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|fields: &[u8]| {
    let input = [b"GET / HTTP/1.1\r\nhost: h\r\n", fields, b"\r\n\r\n"].concat();
    let mut head = Head::default();
    let Ok(Some(_)) = parse::head(&input, &Limits::default(), &mut head) else { return };
    let told = forwarded::of(&head);
    if let Some(host) = told.host {
        assert!(!target::host_and_port(host).0.is_empty() && target::is_authority(host));
    }
    if let Some(port) = told.port {
        let port: u16 = std::str::from_utf8(port).unwrap().parse().unwrap();
        assert!(port != if told.is_https == Some(true) { 80 } else { 443 });
    }
});
