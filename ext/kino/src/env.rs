//! A request as the Rack env (Rack 3 SPEC, "The Environment").

use kino_core::http::forwarded::{self, Forwarded};
use kino_core::http::head::{Head, Version};
use kino_core::http::{parse, target};
use kino_core::net::exchange::Exchange;
use kino_core::tls::port::Port;
use magnus::value::{InnerValue, ReprValue};
use magnus::{Class, Error, RClass, RHash, RString, Ruby, Value};

use crate::env_prototype::{Basics, EnvPrototype};
use crate::ffi::protect::{Protected, protect};
use crate::keys::{Keys, keys};
use crate::text::Text;

/// What an env has of a request beside its head.
pub(crate) struct Own {
    /// `kino.request`, which is `rack.hijack`, too.
    pub(crate) request: Value,
    /// `kino.client_gone?`.
    pub(crate) client_gone: Value,
    /// `rack.input`.
    pub(crate) input: Value,
    /// The body's length where the client has not stated it.
    pub(crate) length: Option<u64>,
    /// `kino.trailers`, where the client could send some.
    pub(crate) trailers: Option<RHash>,
}

/// Builds the env of `exchange` from a copy of the prototype.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn build(ruby: &Ruby, prototype: &EnvPrototype, exchange: &Exchange, own: Own) -> Result<RHash, Error> {
    let certificate = exchange.peer_certificate();
    let env = fill(ruby, prototype, exchange, own, certificate.as_deref())?;
    if let Some(certificate) = certificate {
        if let Some(parsed) = parsed(ruby, &certificate)? {
            env.aset(ruby.get_inner(keys().puma_certificate), parsed)?;
        }
    }
    Ok(env)
}

/// The client's certificate as the object that Puma has of it, where the app has loaded OpenSSL.
fn parsed(ruby: &Ruby, certificate: &str) -> Result<Option<Value>, Error> {
    let object = ruby.class_object();
    if !object.funcall::<_, _, bool>("const_defined?", ("OpenSSL::X509::Certificate",))? {
        return Ok(None);
    }
    let class: RClass = object.funcall("const_get", ("OpenSSL::X509::Certificate",))?;
    class.new_instance((certificate,)).map(Some)
}

fn fill(
    ruby: &Ruby,
    prototype: &EnvPrototype,
    exchange: &Exchange,
    own: Own,
    certificate: Option<&str>,
) -> Result<RHash, Error> {
    let (head, keys) = (exchange.head(), keys());
    let target = target::split(head.target()).expect("a request with an invalid target has been refused");
    let mut left_out = None;
    let hash = protect(|calls| {
        let config = &exchange.context().config;
        let underscores = config.underscore_headers;
        // An absolute-form target's host wins (RFC 9112 section 3.2.2).
        let basics = Basics {
            request: own.request,
            client_gone: own.client_gone,
            target: head.target(),
            path: target.path,
            query: target.query,
            host: target.authority.or_else(|| host(head)),
            peer: exchange.peer(),
            local: exchange.local(),
        };
        let port = basics.local.tls.as_deref();
        let mut env =
            Env { ruby, calls, keys, underscores, is_tls: port.is_some(), hash: prototype.env(ruby, calls, &basics) };
        env.method_and_version(head);
        if let Some(port) = port {
            env.secure(port, certificate);
        }
        env.set(keys.input, own.input);
        if let Some(trailers) = own.trailers {
            env.set(keys.trailers, trailers);
        }
        let is_forwarded;
        (is_forwarded, left_out) = env.headers(head);
        if is_forwarded && config.trusted_proxies.includes(basics.peer) {
            env.forwarded(&forwarded::of(head), basics.host);
        }
        // In the place of what can't be used, if the client sent that.
        if let Some(id) = exchange.request_id() {
            env.set(keys.http_request_id, calls.string(id));
            env.set(keys.request_id, calls.string(id));
        }
        if let Some(length) = own.length {
            env.set(keys.content_length, calls.string(Text::of(length).bytes()));
        }
        env.hash
    });
    if let Some(name) = left_out {
        exchange.context().tell_left_out(name);
    }
    hash
}

struct Env<'a> {
    ruby: &'a Ruby,
    calls: &'a Protected,
    keys: &'static Keys,
    /// Names with an underscore are wanted.
    underscores: bool,
    is_tls: bool,
    hash: RHash,
}

impl<'a> Env<'a> {
    fn set(&mut self, key: impl InnerValue<Value = RString>, value: impl ReprValue) {
        self.calls.set(self.hash, key.get_inner_with(self.ruby), value);
    }

    fn method_and_version(&mut self, head: &Head) {
        let (keys, calls) = (self.keys, self.calls);
        // The prototype has what is usual: GET, HTTP/1.1.
        if head.method() != b"GET" {
            match keys.method(head.method()) {
                Some(method) => self.set(keys.request_method, method.get_inner_with(self.ruby)),
                None => self.set(keys.request_method, calls.string(head.method())),
            }
        }
        let other = match head.version() {
            Version::Http11 => return,
            Version::Http10 => keys.http10,
            Version::Http2 => keys.http2,
        };
        self.set(keys.server_protocol, other.get_inner_with(self.ruby));
        self.set(keys.http_version, other.get_inner_with(self.ruby));
        if head.version() == Version::Http2 && !head.is_extended_connect() {
            // Its requests share a socket, and none of them can give it away; but streams, where that is asked for.
            calls.delete(self.hash, keys.hijack.get_inner_with(self.ruby));
            calls.set(self.hash, keys.may_hijack.get_inner_with(self.ruby), self.ruby.qfalse());
        }
    }

    /// What there is to know of a client that speaks TLS.
    #[cold]
    fn secure(&mut self, port: &Port, certificate: Option<&str>) {
        let (ruby, calls, keys) = (self.ruby, self.calls, self.keys);
        self.set(keys.url_scheme, keys.https_scheme.get_inner_with(ruby));
        self.set(keys.https, keys.on.get_inner_with(ruby));
        if let Some(certificate) = certificate {
            self.set(keys.peer_certificate, calls.string(certificate.as_bytes()));
        }
        // In the words of nginx and of Apache's mod_ssl. One that fails has failed the handshake.
        if port.asks_clients() {
            let result = if certificate.is_some() { keys.verified } else { keys.unverified };
            self.set(keys.peer_verification, result.get_inner_with(ruby));
        }
    }

    /// What a trusted proxy says: scheme and port go together, never one alone.
    fn forwarded(&mut self, told: &Forwarded<'_>, host: Option<&[u8]>) {
        let (ruby, calls, keys) = (self.ruby, self.calls, self.keys);
        if let Some(host) = told.host {
            self.set(keys.server_name, calls.string(target::host_and_port(host).0));
        }
        let (_, port) = target::host_and_port(told.host.or(host).unwrap_or_default());
        match (port.or(told.port), told.is_https) {
            (Some(port), _) => self.set(keys.server_port, calls.frozen(port)),
            (None, Some(true)) => self.set(keys.server_port, keys.port_443.get_inner_with(ruby)),
            (None, Some(false)) => self.set(keys.server_port, keys.port_80.get_inner_with(ruby)),
            (None, None) if told.host.is_some() => self.set(keys.server_port, keys.port_80.get_inner_with(ruby)),
            (None, None) => {}
        }
        match told.is_https {
            Some(true) => {
                self.set(keys.url_scheme, keys.https_scheme.get_inner_with(ruby));
                self.set(keys.https, keys.on.get_inner_with(ruby));
            }
            // The proxy may come by TLS though its client has not.
            Some(false) if self.is_tls => {
                self.set(keys.url_scheme, keys.http_scheme.get_inner_with(ruby));
                calls.delete(self.hash, keys.https.get_inner_with(ruby));
            }
            _ => {}
        }
    }

    /// Sets a key for each header but `host`, and tells whether a proxy says how its client came; and the name of the first that is
    /// left out for the underscore in it.
    fn headers<'h>(&mut self, head: &'h Head) -> (bool, Option<&'h [u8]>) {
        let (mut underscored, mut left_out) = (None, None);
        let mut seen = 0u64;
        for (name, value) in head.fields() {
            match name.len() {
                4 if name.eq_ignore_ascii_case(b"host") => continue,
                7 if name.eq_ignore_ascii_case(b"upgrade") => self.protocols(head, value),
                // Its key is the protocol's.
                7 if name.eq_ignore_ascii_case(b"version") => continue,
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
                // The body reaches the app decoded, with its length, so that nobody decodes it again.
                17 if name.eq_ignore_ascii_case(b"transfer-encoding") => continue,
                _ => {}
            }
            match self.keys.header(name) {
                Some((number, key)) => {
                    let bit = 1 << number;
                    let is_first = seen & bit == 0;
                    seen |= bit;
                    let is_cookie = name.eq_ignore_ascii_case(b"cookie");
                    self.header(self.hash, key.get_inner_with(self.ruby), value, is_first, is_cookie);
                }
                None if name.contains(&b'_') => {
                    if !may_have_underscore(name) {
                        continue;
                    }
                    if self.underscores {
                        let calls = self.calls;
                        self.unusual(*underscored.get_or_insert_with(|| calls.hash()), name, value);
                    } else {
                        left_out.get_or_insert(name);
                    }
                }
                None => self.unusual(self.hash, name, value),
            }
        }
        // `X_Y` and `X-Y` are the same key, and the second may be what a proxy has checked: it wins, wherever it stands.
        if let Some(underscored) = underscored {
            self.calls.set_missing(self.hash, underscored);
        }
        (seen & self.keys.forwarded != 0, left_out)
    }

    /// A header whose key is made for this request.
    fn unusual(&self, hash: RHash, name: &[u8], value: &[u8]) {
        let mut room = [0; KEY_ROOM];
        let Some(key) = header_key(name, &mut room) else { return };
        let key = self.calls.interned(key);
        let is_first = self.calls.get(hash, key).is_nil();
        self.header(hash, key, value, is_first, false);
    }

    /// What the client would go on with instead (RFC 9110 section 7.8; Rack 3 SPEC, `rack.protocol`).
    fn protocols(&mut self, head: &Head, value: &[u8]) {
        let mut options = head.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"connection"));
        let is_meant = options.any(|(_, options)| list(options).any(|option| option.eq_ignore_ascii_case(b"upgrade")));
        let has_them = head.version() == Version::Http11 || head.is_extended_connect();
        if !has_them || !is_meant {
            return;
        }
        let protocols = self.calls.array();
        for protocol in list(value) {
            self.calls.push(protocols, self.calls.string(protocol));
        }
        self.set(self.keys.protocol, protocols);
    }

    /// A field that is repeated is one list (RFC 9110 section 5.3); of cookies, one with semicolons (RFC 6265).
    fn header(&self, hash: RHash, key: RString, value: &[u8], is_first: bool, is_cookie: bool) {
        let string = if is_first {
            self.calls.string(value)
        } else {
            let before = self.calls.to_s(self.calls.get(hash, key));
            let separator: &[u8] = if is_cookie { b"; " } else { b", " };
            self.calls.joined(before, separator, value)
        };
        self.calls.set(hash, key, string);
    }
}

/// The `host` header, of which there is one at most.
fn host(head: &Head) -> Option<&[u8]> {
    head.fields().find(|(name, _)| name.len() == 4 && name.eq_ignore_ascii_case(b"host")).map(|(_, value)| value)
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
