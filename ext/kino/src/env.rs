//! A request as the Rack env (Rack 3 SPEC, "The Environment").

use kino_core::http::head::{Head, Version};
use kino_core::http::{parse, target};
use kino_core::net::exchange::Exchange;
use magnus::value::{InnerValue, ReprValue};
use magnus::{Error, RHash, RString, Ruby, Value};

use crate::env_prototype::{EnvPrototype, Host};
use crate::ffi::protect::{Protected, protect};
use crate::keys::{Keys, keys};
use crate::text::Text;

/// What an env has of a request's body.
pub(crate) struct BodyKeys {
    /// `rack.input`, where there is a body.
    pub(crate) input: Option<Value>,
    /// The body's length where the client has not stated it.
    pub(crate) length: Option<u64>,
    /// `kino.trailers`, where the client could send some.
    pub(crate) trailers: Option<RHash>,
}

/// Builds the env of `exchange` from a copy of the prototype.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn build(
    ruby: &Ruby,
    prototype: &EnvPrototype,
    exchange: &Exchange,
    body: BodyKeys,
) -> Result<RHash, Error> {
    let (head, keys) = (exchange.head(), keys());
    let target = target::split(head.target()).expect("a request with an invalid target has been refused");
    protect(|calls| {
        let underscores = exchange.context().config.underscore_headers;
        let mut env = Env { ruby, calls, keys, underscores, hash: prototype.copy(ruby, calls, exchange.peer()) };
        env.request_line(head, &target);
        env.set(keys.response_finished, calls.array());
        // Puma's, which is called the other way round.
        env.set(keys.after_reply, calls.array());
        if let Some(input) = body.input {
            env.set(keys.input, input);
        }
        if let Some(trailers) = body.trailers {
            env.set(keys.trailers, trailers);
        }
        let host = env.headers(head, target.authority);
        prototype.name_server(ruby, calls, env.hash, &host, exchange.local());
        if let Some(length) = body.length {
            env.set(keys.content_length, calls.string(Text::of(length).bytes()));
        }
        env.hash
    })
}

struct Env<'a> {
    ruby: &'a Ruby,
    calls: &'a Protected,
    keys: &'static Keys,
    /// Names with an underscore are wanted.
    underscores: bool,
    hash: RHash,
}

impl<'a> Env<'a> {
    fn set(&mut self, key: impl InnerValue<Value = RString>, value: impl ReprValue) {
        self.calls.set(self.hash, key.get_inner_with(self.ruby), value);
    }

    fn request_line(&mut self, head: &Head, target: &target::Target<'_>) {
        let (keys, calls) = (self.keys, self.calls);
        // The prototype has what is usual: GET, HTTP/1.1, no query.
        if head.method() != b"GET" {
            match keys.method(head.method()) {
                Some(method) => self.set(keys.request_method, method.get_inner_with(self.ruby)),
                None => self.set(keys.request_method, calls.string(head.method())),
            }
        }
        if head.version() == Version::Http10 {
            self.set(keys.server_protocol, keys.http10.get_inner_with(self.ruby));
        }
        // A string of its own: there are middlewares that change this one in place.
        self.set(keys.path_info, calls.string(target.path));
        let uri = calls.frozen(head.target());
        let path = if target.path.len() == head.target().len() { uri } else { calls.frozen(target.path) };
        self.set(keys.request_uri, uri);
        self.set(keys.request_path, path);
        if !target.query.is_empty() {
            self.set(keys.query_string, calls.string(target.query));
        }
    }

    /// Sets a key for each header, and gives back the host.
    fn headers<'h>(&mut self, head: &'h Head, authority: Option<&'h [u8]>) -> Host<'h> {
        let mut host = Host { name: authority, ..Host::default() };
        if let Some(authority) = authority {
            // Even where no `host` is given, as HTTP/1.0 allows.
            let value = self.calls.string(authority);
            self.set(self.keys.http_host, value);
        }
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
                7 if name.eq_ignore_ascii_case(b"upgrade") => self.protocols(head, value),
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
                None if name.contains(&b'_') && !(self.underscores && may_have_underscore(name)) => {}
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

    /// What the client would go on with instead (RFC 9110 section 7.8; Rack 3 SPEC, `rack.protocol`).
    fn protocols(&mut self, head: &Head, value: &[u8]) {
        let mut options = head.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"connection"));
        let is_meant = options.any(|(_, options)| list(options).any(|option| option.eq_ignore_ascii_case(b"upgrade")));
        if head.version() == Version::Http10 || !is_meant {
            return;
        }
        let protocols = self.calls.array();
        for protocol in list(value) {
            self.calls.push(protocols, self.calls.string(protocol));
        }
        self.set(self.keys.protocol, protocols);
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
}

/// The elements of a list (RFC 9110 section 5.6.1).
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// These three decide on how the body is read: no other spelling of theirs may.
fn may_have_underscore(name: &[u8]) -> bool {
    let decisive = [&b"content_length"[..], b"content_type", b"transfer_encoding"];
    !decisive.iter().any(|other| other.eq_ignore_ascii_case(name))
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
