//! The env that a worker's requests get copies of. It remembers from one request to the next: most come from the same
//! proxy, for the same host, and a key that is there already costs nothing.

use std::cell::{Cell, RefCell};

use kino_core::http::target;
use kino_core::net::listener::Local;
use kino_core::net::peer::PeerAddr;
use magnus::value::Opaque;
use magnus::{Error, RHash, RString, Ruby, Value, gc};

use crate::ffi::protect::{Protected, protect};
use crate::keys::keys;
use crate::text::Text;

/// One worker's prototype. Cells, since the collector may come by at any time.
pub(crate) struct EnvPrototype {
    hash: Opaque<RHash>,
    /// Whose address it has.
    peer: Cell<Option<PeerAddr>>,
    /// Whose name and port it has; empty for none.
    host: RefCell<Vec<u8>>,
    is_https: Cell<bool>,
}

/// What a request says of whom it is for.
#[derive(Default)]
pub(crate) struct Host<'h> {
    pub(crate) name: Option<&'h [u8]>,
    pub(crate) is_https: bool,
}

impl EnvPrototype {
    /// A copy of `base` with what is usual in a request, and a place for all else that every request sets, so that an
    /// env's table never has to grow for it.
    ///
    /// # Errors
    /// When Ruby has no memory left.
    pub(crate) fn new(ruby: &Ruby, base: RHash, no_input: Value) -> Result<EnvPrototype, Error> {
        let keys = keys();
        let usual = [
            (keys.request_method, keys.get),
            (keys.server_protocol, keys.http11),
            (keys.path_info, keys.empty),
            (keys.request_path, keys.empty),
            (keys.request_uri, keys.empty),
            (keys.query_string, keys.empty),
            (keys.remote_addr, keys.empty),
            (keys.response_finished, keys.empty),
            (keys.after_reply, keys.empty),
            (keys.server_name, keys.empty),
            (keys.server_port, keys.empty),
            (keys.request, keys.empty),
            (keys.hijack, keys.empty),
        ];
        let hash = protect(|calls| {
            let hash = calls.duplicate(base);
            for (key, value) in usual {
                calls.set(hash, ruby.get_inner(key), ruby.get_inner(value));
            }
            calls.set(hash, ruby.get_inner(keys.input), no_input);
            hash
        })?;
        Ok(EnvPrototype {
            hash: hash.into(),
            peer: Cell::new(None),
            host: RefCell::default(),
            is_https: Cell::new(false),
        })
    }

    /// What it holds, for those who must keep that alive before [`EnvPrototype::mark`] can.
    pub(crate) fn hash(&self, ruby: &Ruby) -> RHash {
        ruby.get_inner(self.hash)
    }

    /// Keeps it alive.
    pub(crate) fn mark(&self, marker: &gc::Marker) {
        marker.mark(self.hash);
    }

    /// A copy, with the client's address.
    pub(crate) fn copy(&self, ruby: &Ruby, calls: &Protected, peer: PeerAddr) -> RHash {
        let hash = ruby.get_inner(self.hash);
        if !self.peer.get().is_some_and(|known| known.is_same_host(peer)) {
            calls.set(hash, ruby.get_inner(keys().remote_addr), calls.frozen(Text::of(peer).bytes()));
            self.peer.set(Some(peer));
        }
        calls.duplicate(hash)
    }

    /// Sets the server's name and port in `env`, a copy, where they are not what the prototype had.
    pub(crate) fn name_server(&self, ruby: &Ruby, calls: &Protected, env: RHash, host: &Host<'_>, local: &Local) {
        let stated = host.name.unwrap_or_default();
        if !stated.is_empty() && *self.host.borrow() == stated && self.is_https.get() == host.is_https {
            return;
        }
        if host.name.is_none() {
            let port = calls.frozen(Text::of(local.port).bytes());
            set_server(ruby, calls, env, calls.frozen(local.name.as_bytes()), port);
            return;
        }
        let (name, port) = target::host_and_port(stated);
        let default = if host.is_https { keys().port_443 } else { keys().port_80 };
        let port = port.map_or_else(|| ruby.get_inner(default), |port| calls.frozen(port));
        if name.is_empty() {
            set_server(ruby, calls, env, calls.frozen(local.name.as_bytes()), port);
            return;
        }
        let name = calls.frozen(name);
        // Forgotten first, should Ruby raise in between.
        self.host.borrow_mut().clear();
        for hash in [ruby.get_inner(self.hash), env] {
            set_server(ruby, calls, hash, name, port);
        }
        self.host.borrow_mut().extend_from_slice(stated);
        self.is_https.set(host.is_https);
    }
}

fn set_server(ruby: &Ruby, calls: &Protected, hash: RHash, name: RString, port: RString) {
    calls.set(hash, ruby.get_inner(keys().server_name), name);
    calls.set(hash, ruby.get_inner(keys().server_port), port);
}
