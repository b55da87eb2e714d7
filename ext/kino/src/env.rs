//! A request as the Rack env (Rack 3 SPEC, "The Environment").

use kino_core::http::head::{Head, Version};
use kino_core::http::{parse, target};
use kino_core::net::exchange::Exchange;
use magnus::value::{InnerValue, ReprValue};
use magnus::{Error, RHash, RString, Ruby, Value};

use crate::ffi::protect::{Protected, protect};
use crate::keys::{Keys, keys};

/// Builds the env of `exchange` from a copy of `template`, which has what is the same for all requests. `input` is its
/// `rack.input`; `length` the body's length where the client has not stated it.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn build(
    ruby: &Ruby,
    template: RHash,
    exchange: &Exchange,
    input: Value,
    length: Option<u64>,
) -> Result<RHash, Error> {
    let (head, keys) = (exchange.head(), keys());
    let target = target::split(head.target()).expect("a request with an invalid target has been refused");
    let mut number = Decimal::default();
    let peer = Text::of(exchange.peer());
    protect(|ruby_calls| {
        let mut env = Env { ruby, calls: ruby_calls, keys, hash: ruby_calls.duplicate(template) };
        env.request_line(head, &target);
        env.set(keys.remote_addr, ruby_calls.string(peer.bytes()));
        env.set(keys.response_finished, ruby_calls.array());
        env.set(keys.input, input);
        let host = env.headers(head, target.authority);
        env.server(host, exchange.local().name.as_bytes(), number.format(u64::from(exchange.local().port)));
        if let Some(length) = length {
            env.set(keys.content_length, ruby_calls.string(number.format(length)));
        }
        env.hash
    })
}

struct Env<'a> {
    ruby: &'a Ruby,
    calls: &'a Protected,
    keys: &'static Keys,
    hash: RHash,
}

impl<'a> Env<'a> {
    fn set(&mut self, key: impl InnerValue<Value = RString>, value: impl ReprValue) {
        self.calls.set(self.hash, key.get_inner_with(self.ruby), value);
    }

    fn request_line(&mut self, head: &Head, target: &target::Target<'_>) {
        let (keys, calls) = (self.keys, self.calls);
        match keys.method(head.method()) {
            Some(method) => self.set(keys.request_method, method.get_inner_with(self.ruby)),
            None => self.set(keys.request_method, calls.string(head.method())),
        }
        let protocol = if head.version() == Version::Http10 { keys.http10 } else { keys.http11 };
        self.set(keys.server_protocol, protocol.get_inner_with(self.ruby));
        // Strings of their own: apps and middleware do change these two in place.
        self.set(keys.path_info, calls.string(target.path));
        self.set(keys.request_path, calls.string(target.path));
        self.set(keys.request_uri, calls.string(head.target()));
        if target.query.is_empty() {
            self.set(keys.query_string, keys.empty.get_inner_with(self.ruby));
        } else {
            self.set(keys.query_string, calls.string(target.query));
        }
    }

    /// Sets a key for each header, and gives back the host.
    fn headers<'h>(&mut self, head: &'h Head, authority: Option<&'h [u8]>) -> Host<'h> {
        let mut host = Host { name: authority, ..Host::default() };
        let mut seen = 0u64;
        for (name, value) in head.fields() {
            match name.len() {
                4 if name.eq_ignore_ascii_case(b"host") => {
                    host.name = host.name.or(Some(value));
                    // An absolute-form target's host wins (RFC 9112 section 3.2.2).
                    let value = host.name.unwrap_or(value);
                    let value = self.calls.string(value);
                    self.set(self.keys.http_host, value);
                    continue;
                }
                // A CGI script's `HTTP_PROXY` is where it sends its own requests: nobody's to set from outside (httpoxy).
                5 if name.eq_ignore_ascii_case(b"proxy") => continue,
                12 if name.eq_ignore_ascii_case(b"content-type") => {
                    let value = self.calls.string(value);
                    self.set(self.keys.content_type, value);
                    continue;
                }
                14 if name.eq_ignore_ascii_case(b"content-length") => {
                    let value = self.calls.string(value);
                    self.set(self.keys.content_length, value);
                    continue;
                }
                17 if name.eq_ignore_ascii_case(b"x-forwarded-proto") => {
                    host.is_https = value.len() >= 5 && value[..5].eq_ignore_ascii_case(b"https");
                }
                // The body reaches the app decoded, with its length, so that nobody decodes it again.
                17 if name.eq_ignore_ascii_case(b"transfer-encoding") => continue,
                _ => {}
            }
            match self.keys.header(name) {
                Some((number, key)) => {
                    let bit = 1 << number;
                    let is_first = seen & bit == 0;
                    seen |= bit;
                    self.header(key.get_inner_with(self.ruby), value, is_first, name.eq_ignore_ascii_case(b"cookie"));
                }
                // `X_Y` and `X-Y` would be the same key, and one of them may be what a proxy has checked.
                None if name.contains(&b'_') => {}
                None => {
                    let mut room = [0; KEY_ROOM];
                    let Some(key) = header_key(name, &mut room) else { continue };
                    let key = self.calls.interned(key);
                    let is_first = self.calls.get(self.hash, key).is_nil();
                    self.header(key, value, is_first, false);
                }
            }
        }
        host
    }

    /// A field that is repeated is one list (RFC 9110 section 5.3); of cookies, one with semicolons (RFC 6265).
    fn header(&mut self, key: RString, value: &[u8], is_first: bool, is_cookie: bool) {
        let string = if is_first {
            self.calls.string(value)
        } else {
            let before = self.calls.to_s(self.calls.get(self.hash, key));
            let separator: &[u8] = if is_cookie { b"; " } else { b", " };
            self.calls.joined(before, separator, value)
        };
        self.calls.set(self.hash, key, string);
    }

    fn server(&mut self, host: Host<'_>, local_name: &[u8], local_port: &[u8]) {
        let (name, port) = host.name.map_or((local_name, Some(local_port)), target::host_and_port);
        let name = self.calls.string(if name.is_empty() { local_name } else { name });
        self.set(self.keys.server_name, name);
        match port {
            Some(port) => {
                let port = self.calls.string(port);
                self.set(self.keys.server_port, port);
            }
            None => {
                let port = if host.is_https { self.keys.port_443 } else { self.keys.port_80 };
                self.set(self.keys.server_port, port.get_inner_with(self.ruby));
            }
        }
    }
}

/// What the request says of whom it is for.
#[derive(Default)]
struct Host<'h> {
    name: Option<&'h [u8]>,
    is_https: bool,
}

const KEY_ROOM: usize = b"HTTP_".len() + parse::LONGEST_NAME;

/// `X-Request-Start` as `HTTP_X_REQUEST_START`; `None` for a name that does not fit, which parsing refuses.
fn header_key<'r>(name: &[u8], room: &'r mut [u8; KEY_ROOM]) -> Option<&'r [u8]> {
    const PREFIX: &[u8] = b"HTTP_";
    let key = room.get_mut(..PREFIX.len() + name.len())?;
    key[..PREFIX.len()].copy_from_slice(PREFIX);
    for (at, &byte) in key[PREFIX.len()..].iter_mut().zip(name) {
        *at = if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() };
    }
    Some(key)
}

/// A number as text, without memory of its own.
#[derive(Default)]
struct Decimal(Text);

impl Decimal {
    fn format(&mut self, number: u64) -> &[u8] {
        self.0 = Text::of(number);
        self.0.bytes()
    }
}

/// Room for the longest address or number.
struct Text {
    room: [u8; 48],
    length: usize,
}

impl Default for Text {
    fn default() -> Self {
        Text { room: [0; 48], length: 0 }
    }
}

impl Text {
    fn of(what: impl std::fmt::Display) -> Text {
        use std::io::Write;
        let mut text = Text::default();
        let mut rest = &mut text.room[..];
        // An IPv6 address has at most 39 characters, a u64 20 digits.
        let _ = write!(rest, "{what}");
        text.length = 48 - rest.len();
        text
    }

    fn bytes(&self) -> &[u8] {
        &self.room[..self.length]
    }
}
