//! Where a client of the control socket comes from, as its being accepted said. Its own socket is not asked: of one that its client
//! has reset the system tells nothing any more, and what may be done hangs on this.

use socket2::{SockAddr, Socket};

use crate::net::listener::Listener;

/// Where it comes from. By default nobody is known, and nobody is trusted for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// For people.
    pub(super) who: String,
    /// Whether it came by a unix socket.
    pub(super) is_unix: bool,
    /// Whose process that was, where the system tells.
    pub(super) user: Option<u32>,
    /// Whether other machines can reach the socket.
    pub(super) is_public: bool,
}

impl Default for Origin {
    fn default() -> Origin {
        Origin { who: "an unknown address".to_owned(), is_unix: false, user: None, is_public: true }
    }
}

impl Origin {
    /// Of a client that was accepted there, with the address that it had then.
    pub(super) fn of(listener: &Listener, client: &Socket, address: &SockAddr) -> Origin {
        if listener.is_unix() {
            return Origin::of_unix(client);
        }
        let is_public = listener.is_reachable_from_elsewhere();
        match address.as_socket() {
            Some(address) => Origin { who: address.to_string(), is_public, ..Origin::default() },
            None => Origin { is_public, ..Origin::default() },
        }
    }

    /// The system keeps for good whose process has connected.
    fn of_unix(client: &Socket) -> Origin {
        let unix = Origin { is_unix: true, is_public: false, ..Origin::default() };
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(peer) = rustix::net::sockopt::socket_peercred(client) {
            let user = peer.uid.as_raw();
            let who = format!("pid {}, uid {user}", peer.pid.as_raw_nonzero());
            return Origin { who, user: Some(user), ..unix };
        }
        let _ = client;
        Origin { who: "a process of this machine".to_owned(), ..unix }
    }
}
