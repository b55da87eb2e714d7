//! Addresses that are listened on: TCP of either version, and unix sockets.

mod address;
mod socket_file;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockAddr, TcpKeepalive, Type};

use self::address::Address;
use self::socket_file::SocketFile;
use super::peer::PeerAddr;
use super::socket::Socket;
use crate::error::ListenError;

/// Connections the kernel holds until they are accepted. It takes `net.core.somaxconn` where that is smaller.
const BACKLOG: i32 = 1024;

/// A peer that has been silent for so long is asked by the kernel whether it is still there,
const SILENT: Duration = Duration::from_secs(60);
/// so often, with such pauses: one that has vanished without a word is given up after two minutes.
const PROBES: u32 = 4;
const PROBE_PAUSE: Duration = Duration::from_secs(15);

/// A bound, listening, non-blocking socket, closed when dropped.
///
/// It may be made before a fork and used after it: every process registers it with a poll of its own. The file of a
/// unix socket is removed by the process that bound it, and by no other.
#[derive(Debug)]
pub struct Listener {
    // Before the socket, so that it is dropped first: see `SocketFile`.
    file: Option<SocketFile>,
    socket: Listening,
    uri: String,
    speaks_proxy: bool,
}

/// What a listener knows of the connections that it accepts: the server's name and port, for requests without a `host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The name, `localhost` as Puma has it.
    pub name: &'static str,
    /// The bound port; 80 for a unix socket.
    pub port: u16,
    /// Each begins with a header of the PROXY protocol.
    pub speaks_proxy: bool,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Calls the same method on the socket inside, whichever it is.
macro_rules! delegate {
    ($listener:expr, $socket:ident => $call:expr) => {
        match $listener {
            Listening::Tcp($socket) => $call,
            Listening::Unix($socket) => $call,
        }
    };
}

impl Listener {
    /// Binds and listens on `tcp://host:port`, `tcp://[ipv6]:port` or `unix:///path/to.sock`.
    ///
    /// Port 0 is any free port: see [`Listener::port`]. A host name is resolved and its addresses are tried in the
    /// resolver's order. A version 6 socket takes no version 4 clients, so that `[::]` and `0.0.0.0` can both be
    /// bound. A unix socket's file that a dead server left behind is replaced. With the option `proxy=true` (or
    /// `proxy=false`), behind a `?` or a `&`, each connection has to begin with a header of the PROXY protocol.
    ///
    /// # Errors
    /// A [`ListenError`], ready to be shown to whoever chose the address.
    pub fn bind(uri: &str) -> Result<Listener, ListenError> {
        let (uri, speaks_proxy) = address::without_proxy(uri);
        let listener = match Address::parse(&uri)? {
            Address::Tcp { host, port } => bind_tcp(&uri, host, port),
            Address::Unix(path) => bind_unix(&uri, path),
        };
        listener.map(|listener| Listener { speaks_proxy, ..listener })
    }

    /// The next waiting connection. What is sent on it leaves at once (`TCP_NODELAY`): answers are written whole. The kernel
    /// asks a silent TCP peer whether it is still there (`SO_KEEPALIVE`), and ends the connection of one that has vanished.
    ///
    /// # Errors
    /// `WouldBlock` when none waits; otherwise what the kernel says of this connection or of this process (no more
    /// file descriptors), while the listener itself stays good.
    pub fn accept(&self) -> io::Result<(Socket, PeerAddr)> {
        match &self.socket {
            Listening::Tcp(socket) => {
                let (stream, address) = socket.accept()?;
                // It can fail only for a client that has left; the first read tells that better.
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(stream), address.into()))
            }
            Listening::Unix(socket) => {
                let (stream, _) = socket.accept()?;
                Ok((Socket::Unix(stream), PeerAddr::Unix))
            }
        }
    }

    /// Where it listens, with the port that was really bound: `tcp://127.0.0.1:43211`, `unix:///run/app.sock`.
    pub fn uri(&self) -> String {
        self.uri.clone()
    }

    /// The port that was bound; `None` for a unix socket.
    pub fn port(&self) -> Option<u16> {
        match &self.socket {
            Listening::Tcp(socket) => socket.local_addr().ok().map(|address| address.port()),
            Listening::Unix(_) => None,
        }
    }

    /// What an app is told of the server's address when the client does not name one.
    pub fn local(&self) -> Local {
        Local { name: "localhost", port: self.port().unwrap_or(80), speaks_proxy: self.speaks_proxy }
    }

    /// Removes a unix socket's file now, for a process that is about to exit without dropping anything.
    /// Dropping the listener does it too; doing both is harmless.
    pub fn remove_file(&self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }
}

impl Source for Listener {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        delegate!(&mut self.socket, socket => socket.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        delegate!(&mut self.socket, socket => socket.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        delegate!(&mut self.socket, socket => socket.deregister(registry))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        delegate!(&self.socket, socket => socket.as_fd())
    }
}

fn bind_tcp(uri: &str, host: &str, port: u16) -> Result<Listener, ListenError> {
    let unresolved = |source| ListenError::Resolve { uri: uri.to_owned(), host: host.to_owned(), source };
    let addresses = (host, port).to_socket_addrs().map_err(unresolved)?;

    let mut refused = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match listen_tcp(address) {
            Ok(socket) => {
                let bound = socket.local_addr().map_err(|error| refusal(uri, error))?;
                let (socket, uri) = (Listening::Tcp(socket), format!("tcp://{bound}"));
                return Ok(Listener { file: None, socket, uri, speaks_proxy: false });
            }
            // The name has an address of a family this machine does not speak: the next one may do.
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => refused = error,
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error()) => {
                refused = error;
            }
            Err(error) => return Err(refusal(uri, error)),
        }
    }
    Err(refusal(uri, refused))
}

fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(Domain::for_address(address))?;
    // Without it a restarted server waits until the connections of the one before have left TIME_WAIT.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    // Accepted sockets have what their listener has, so it costs them no call. Streams and sockets that an app has taken may be
    // silent for hours, and no deadline ends them. Where a kernel doesn't know it, they are as good as before.
    let _ = socket.set_tcp_keepalive(&keepalive());
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

fn keepalive() -> TcpKeepalive {
    let keepalive = TcpKeepalive::new().with_time(SILENT);
    // OpenBSD has these for the whole machine only.
    #[cfg(not(target_os = "openbsd"))]
    let keepalive = keepalive.with_interval(PROBE_PAUSE).with_retries(PROBES);
    keepalive
}

fn bind_unix(uri: &str, path: &Path) -> Result<Listener, ListenError> {
    let address = SockAddr::unix(path).map_err(|error| refusal(uri, error))?;
    // Held until the socket listens: one that is bound but does not listen yet looks like a dead server's.
    let guard = socket_file::lock_folder(path).map_err(|error| refusal(uri, error))?;
    socket_file::make_room(uri, path, &address)?;

    let listen = || {
        let socket = open(Domain::UNIX)?;
        socket.bind(&address)?;
        let file = SocketFile::bound(path)?;
        socket.listen(BACKLOG)?;
        Ok((file, UnixListener::from_std(OwnedFd::from(socket).into())))
    };
    let (file, socket) = listen().map_err(|error| refusal(uri, error))?;
    drop(guard);
    Ok(Listener { file: Some(file), socket: Listening::Unix(socket), uri: uri.to_owned(), speaks_proxy: false })
}

/// A non-blocking socket. `Socket::new` also sees to it that programs the app starts do not inherit it.
fn open(domain: Domain) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The kernel's errors, with the cure where there is one that nearly always helps.
fn refusal(uri: &str, error: io::Error) -> ListenError {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse => return ListenError::InUse(uri.to_owned()),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; 0.0.0.0 and [::] stand for all it has",
        io::ErrorKind::PermissionDenied if uri.starts_with("tcp:") => {
            "ports below 1024 are for root; choose a higher one or grant CAP_NET_BIND_SERVICE"
        }
        _ => return ListenError::Io { uri: uri.to_owned(), source: error },
    };
    let source = io::Error::new(error.kind(), format!("{error}; {cure}"));
    ListenError::Io { uri: uri.to_owned(), source }
}
