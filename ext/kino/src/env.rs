//! A request as the Rack env (Rack 3 SPEC, "The Environment").

use std::cell::{Cell, RefCell};

use kino_core::http::head::{Head, Version};
use kino_core::http::{parse, target};
use kino_core::net::exchange::Exchange;
use kino_core::net::stream::PeerAddr;
use magnus::value::{InnerValue, Opaque, ReprValue};
use magnus::{Error, RHash, RString, Ruby, Value, gc};

use crate::ffi::protect::{Protected, protect};
use crate::keys::{Keys, keys};

/// Name and port of the server, where the host has one.
type Named = (Opaque<RString>, Option<Opaque<RString>>);

/// What a worker remembers from one request to the next: most come from the same proxy, for the same host. The strings are
/// frozen, so that several envs can have them. Cells, since the collector may come by at any time.
#[derive(Default)]
pub(crate) struct Memory {
    peer: Cell<Option<(PeerAddr, Opaque<RString>)>>,
    host: RefCell<Vec<u8>>,
    server: Cell<Option<Named>>,
}

impl Memory {
    /// Keeps the strings alive.
    pub(crate) fn mark(&self, marker: &gc::Marker) {
        if let Some((_, peer)) = self.peer.get() {
            marker.mark(peer);
        }
        if let Some((name, port)) = self.server.get() {
            marker.mark(name);
            if let Some(port) = port {
                marker.mark(port);
            }
        }
    }
}

/// A copy of `base` with room for all that every request sets, so that an env's table never has to grow for it.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn template(ruby: &Ruby, base: RHash) -> Result<RHash, Error> {
    let keys = keys();
    let set_always = [
        keys.request_method,
        keys.server_protocol,
        keys.path_info,
        keys.request_path,
        keys.request_uri,
        keys.query_string,
        keys.remote_addr,
        keys.response_finished,
        keys.input,
        keys.server_name,
        keys.server_port,
    ];
    protect(|calls| {
        let template = calls.duplicate(base);
        for key in set_always {
            calls.set(template, ruby.get_inner(key), ruby.get_inner(keys.empty));
        }
        template
    })
}

/// Builds the env of `exchange` from a copy of the template. `input` is its `rack.input`; `length` the body's length where
/// the client has not stated it.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn build(
    ruby: &Ruby,
    (template, memory): (RHash, &Memory),
    exchange: &Exchange,
    (input, length): (Value, Option<u64>),
) -> Result<RHash, Error> {
    let (head, keys) = (exchange.head(), keys());
    let target = target::split(head.target()).expect("a request with an invalid target has been refused");
    let mut number = Decimal::default();
    let peer = exchange.peer();
    let known_peer =
        memory.peer.get().filter(|(known, _)| known.is_same_host(peer)).map(|(_, text)| ruby.get_inner(text));
    let peer_text = if known_peer.is_none() { Text::of(peer) } else { Text::default() };

    let (hash, peer_string, host, server) = protect(|calls| {
        let mut env = Env { ruby, calls, keys, hash: calls.duplicate(template) };
        env.request_line(head, &target);
        let peer = known_peer.unwrap_or_else(|| calls.frozen(peer_text.bytes()));
        env.set(keys.remote_addr, peer);
        env.set(keys.response_finished, calls.array());
        env.set(keys.input, input);
        let host = env.headers(head, target.authority);
        let local = exchange.local();
        let server = env.server(&host, memory, (local.name, number.format(u64::from(local.port))));
        if let Some(length) = length {
            env.set(keys.content_length, calls.string(number.format(length)));
        }
        (env.hash, peer, host, server)
    })?;

    if known_peer.is_none() {
        memory.peer.set(Some((peer, peer_string.into())));
    }
    if let (Some(name), Some((server_name, port))) = (host.name, server) {
        memory.host.replace(name.to_vec());
        memory.server.set(Some((server_name.into(), port.map(Opaque::from))));
    }
    Ok(hash)
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
        // A string of its own: there are middlewares that change this one in place.
        self.set(keys.path_info, calls.string(target.path));
        let uri = calls.frozen(head.target());
        let path = if target.path.len() == head.target().len() { uri } else { calls.frozen(target.path) };
        self.set(keys.request_uri, uri);
        self.set(keys.request_path, path);
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

    /// Sets the server's name and port; gives back strings that are new and worth remembering.
    fn server(&mut self, host: &Host<'_>, memory: &Memory, (local_name, local_port): (&str, &[u8])) -> Option<Server> {
        let remembered = memory.server.get().filter(|_| host.name.is_some_and(|name| *memory.host.borrow() == name));
        let (name, port) = match remembered {
            Some((name, port)) => (self.ruby.get_inner(name), port.map(|port| self.ruby.get_inner(port))),
            None => {
                let local = (local_name.as_bytes(), Some(local_port));
                let (name, port) = host.name.map_or(local, target::host_and_port);
                let name = if name.is_empty() { local.0 } else { name };
                (self.calls.frozen(name), port.map(|port| self.calls.frozen(port)))
            }
        };
        let default = if host.is_https { self.keys.port_443 } else { self.keys.port_80 };
        self.set(self.keys.server_name, name);
        self.set(self.keys.server_port, port.unwrap_or_else(|| self.ruby.get_inner(default)));
        remembered.is_none().then_some((name, port))
    }
}

/// Name and port of the server, where the host has one.
type Server = (RString, Option<RString>);

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
