//! The env that a thread's requests get copies of. It remembers what may be shared from one request to the next; a key that is
//! there already costs nothing. What public middleware changes in place is each request's own, and is put in before the copy is
//! made.

use std::cell::{Cell, RefCell};

use kino_core::http::target;
use kino_core::net::listener::Local;
use kino_core::net::peer::PeerAddr;
use magnus::value::{Opaque, ReprValue};
use magnus::{Error, RHash, Ruby, Value, gc};

use crate::ffi::protect::{Protected, protect};
use crate::keys::keys;
use crate::text::Text;

/// One thread's prototype. Cells, since the collector may come by at any time.
pub(crate) struct EnvPrototype {
    hash: Opaque<RHash>,
    /// The last client, and its address as text: most requests come from the same proxy.
    peer: RefCell<Option<(PeerAddr, Text)>>,
    /// The port that the hash has.
    port: Cell<Option<Port>>,
}

/// A port as text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Port {
    digits: [u8; 5],
    length: u8,
}

/// What every request has.
pub(crate) struct Basics<'r> {
    /// `kino.request`, which is `rack.hijack`, too.
    pub(crate) request: Value,
    /// `kino.client_gone?`.
    pub(crate) client_gone: Value,
    pub(crate) target: &'r [u8],
    pub(crate) path: &'r [u8],
    pub(crate) query: &'r [u8],
    /// Whom it is for; `None` where that is not said, as HTTP/1.0 allows.
    pub(crate) host: Option<&'r [u8]>,
    pub(crate) peer: PeerAddr,
    pub(crate) local: &'r Local,
}

impl EnvPrototype {
    /// A copy of `base` with what is usual in a request, and a place for all else that every request sets, so that an
    /// env's table never has to grow for it.
    ///
    /// # Errors
    /// When Ruby has no memory left.
    pub(crate) fn new(ruby: &Ruby, base: RHash, no_input: Value) -> Result<EnvPrototype, Error> {
        let keys = keys();
        // The first are those of `env`, in its order.
        let usual = [
            (keys.request, keys.empty),
            (keys.hijack, keys.empty),
            (keys.client_gone, keys.empty),
            (keys.response_finished, keys.empty),
            (keys.after_reply, keys.empty),
            (keys.request_uri, keys.empty),
            (keys.request_path, keys.empty),
            (keys.path_info, keys.empty),
            (keys.query_string, keys.empty),
            (keys.server_name, keys.empty),
            (keys.remote_addr, keys.empty),
            (keys.http_host, keys.empty),
            // From here on each request has the same; of Puma's, this is frozen, too.
            (keys.script_name, keys.empty),
            (keys.server_port, keys.port_80),
            (keys.request_method, keys.get),
            (keys.server_protocol, keys.http11),
            (keys.http_version, keys.http11),
        ];
        let hash = protect(|calls| {
            let hash = calls.hash();
            for (key, value) in usual {
                calls.set(hash, ruby.get_inner(key), ruby.get_inner(value));
            }
            calls.set(hash, ruby.get_inner(keys.input), no_input);
            calls.set_missing(hash, base);
            hash
        })?;
        Ok(EnvPrototype { hash: hash.into(), peer: RefCell::default(), port: Cell::default() })
    }

    /// What it holds, for those who must keep that alive before [`EnvPrototype::mark`] can.
    pub(crate) fn hash(&self, ruby: &Ruby) -> RHash {
        ruby.get_inner(self.hash)
    }

    /// Keeps it alive.
    pub(crate) fn mark(&self, marker: &gc::Marker) {
        marker.mark(self.hash);
    }

    /// A copy for a request.
    pub(crate) fn env(&self, ruby: &Ruby, calls: &Protected, basics: &Basics<'_>) -> RHash {
        let prototype = ruby.get_inner(self.hash);
        let (name, port) = target::host_and_port(basics.host.unwrap_or_default());
        match (port, basics.host) {
            (Some(port), _) => self.set_port(ruby, calls, port),
            (None, Some(_)) => self.set_port(ruby, calls, if basics.local.tls.is_none() { b"80" } else { b"443" }),
            (None, None) => self.set_port(ruby, calls, Text::of(basics.local.port).bytes()),
        }
        let name = if name.is_empty() { basics.local.name.as_bytes() } else { name };
        let address = self.address(basics.peer);
        let strings =
            [basics.target, basics.path, basics.query, name, address.bytes(), basics.host.unwrap_or_default()];
        let [uri, path, query, name, address, host] = strings.map(|text| calls.string(text).as_value());
        let (request, gone) = (basics.request, basics.client_gone);
        // The second is Puma's, which is called the other way round.
        let [finished, replies] = [(); 2].map(|()| calls.array().as_value());
        // As with Puma, `REQUEST_PATH` and `PATH_INFO` are one string.
        calls.refill(
            prototype,
            [request, request, gone, finished, replies, uri, path, path, query, name, address, host],
        );
        let env = calls.duplicate(prototype);
        // What may hold anything of the app's is not kept until the next request comes.
        calls.refill(prototype, [ruby.get_inner(keys().empty).as_value(); 5]);
        if basics.host.is_none() {
            calls.delete(env, ruby.get_inner(keys().http_host));
        }
        env
    }

    fn address(&self, peer: PeerAddr) -> Text {
        let mut last = self.peer.borrow_mut();
        match &*last {
            Some((known, text)) if known.is_same_host(peer) => *text,
            _ => last.insert((peer, Text::of(peer))).1,
        }
    }

    /// Ports may be shared, and nearly all requests have the same one.
    fn set_port(&self, ruby: &Ruby, calls: &Protected, port: &[u8]) {
        let wanted = Port::of(port);
        if wanted.is_some() && wanted == self.port.get() {
            return;
        }
        // Forgotten first, should Ruby raise in between.
        self.port.set(None);
        calls.set(ruby.get_inner(self.hash), ruby.get_inner(keys().server_port), calls.frozen(port));
        self.port.set(wanted);
    }
}

impl Port {
    /// `None` for what is too long for one.
    fn of(text: &[u8]) -> Option<Port> {
        let mut digits = [0; 5];
        digits.get_mut(..text.len())?.copy_from_slice(text);
        Some(Port { digits, length: text.len() as u8 })
    }
}
