//! Addresses that are listened on: TCP of either version, and unix sockets.

mod address;
mod parameters;
mod refusal;
mod security;
mod socket_file;
mod tcp;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use mio::event::Source;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockAddr, SockRef};

use self::address::{Address, Place};
use self::refusal::refusal;
use self::security::Security;
use self::socket_file::SocketFile;
use super::peer::PeerAddr;
use super::socket::Socket;
use crate::error::ListenError;
use crate::tls::given::{Settings, SetupError};
use crate::tls::port::{Otherwise, Port};

/// Connections the kernel holds until they are accepted. It takes `net.core.somaxconn` where that is smaller.
const BACKLOG: i32 = 1024;
/// A unix socket's file, as Puma makes it: who is to be kept out is kept out of its folder.
const ANYBODY: u32 = 0o777;

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
    tls: Option<Box<Security>>,
    /// It is who has started this process who has opened it, and whose its file stays.
    is_lent: bool,
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
    /// What TLS is served with, where it is.
    pub tls: Option<Arc<Port>>,
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
    /// Binds and listens on the one address `uri`, as [`Listener::bind_each`] does: of `localhost`, the first of its two.
    ///
    /// # Errors
    /// A [`ListenError`], ready to be shown to whoever chose the address.
    pub fn bind(uri: &str) -> Result<Listener, ListenError> {
        Ok(Listener::bind_each(&[uri])?.swap_remove(0))
    }

    /// Binds and listens on each of `tcp://host:port`, `tcp://[ipv6]:port`, `unix:///path/to.sock` and `unix://@name`.
    ///
    /// Port 0 is any free port: see [`Listener::port`]. A host name is resolved and its addresses are tried in the
    /// resolver's order. `localhost` is both loopback addresses, at the same port, as far as the machine has both. `[::]` takes
    /// the clients of IPv4, too, unless another of the addresses is for them, or it says `?ipv6only=true`; on a machine without
    /// IPv6 it takes them alone. A unix socket's file that a dead server left behind is replaced; everybody may connect to it
    /// unless it says `?mode=0660` or `?umask=0007`. With `?reuse_port=true` other servers may listen at a port, too, which say
    /// the same. With `?proxy=true` each connection has to begin with a header of the PROXY
    /// protocol.
    ///
    /// # Errors
    /// A [`ListenError`], ready to be shown to whoever chose the address. Nothing is bound then.
    pub fn bind_each(uris: &[impl AsRef<str>]) -> Result<Vec<Listener>, ListenError> {
        let addresses = uris.iter().map(|uri| Address::parse(uri.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let mut listeners = Vec::new();
        let mut secret = None;
        for address in &addresses {
            match address.place {
                Place::Tcp { host, port, is_tls } => {
                    let has_ipv4 = addresses.iter().any(|other| other.is_ipv4_at(port));
                    let ways = tcp::Ways {
                        only_v6: address.options.ipv6only.unwrap_or(has_ipv4),
                        reuse_port: address.options.reuse_port.unwrap_or(false),
                        backlog: backlog(address),
                    };
                    let bound = tcp::bind(address.uri, (host, port), ways)?;
                    for bound in bound {
                        let tls = if is_tls { Some(Security::of(address, &mut secret)?) } else { None };
                        listeners.push(Listener::of(bound, address.options.proxy.unwrap_or(false), tls));
                    }
                }
                Place::File(path) => listeners.push(bind_unix(address, path)?),
                Place::Abstract(name) => listeners.push(bind_abstract(address, name)?),
            }
        }
        Ok(listeners)
    }

    fn of((socket, bound): (TcpListener, SocketAddr), speaks_proxy: bool, tls: Option<Security>) -> Listener {
        let scheme = if tls.is_some() { "ssl" } else { "tcp" };
        Listener {
            file: None,
            socket: Listening::Tcp(socket),
            uri: format!("{scheme}://{bound}"),
            speaks_proxy,
            tls: tls.map(Box::new),
            is_lent: false,
        }
    }

    /// The same socket once more, for another engine: closing one leaves the other open. The file of a unix socket stays this
    /// one's.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn duplicate(&self) -> io::Result<Listener> {
        let socket = match &self.socket {
            Listening::Tcp(socket) => {
                Listening::Tcp(TcpListener::from_std(socket.as_fd().try_clone_to_owned()?.into()))
            }
            Listening::Unix(socket) => {
                Listening::Unix(UnixListener::from_std(socket.as_fd().try_clone_to_owned()?.into()))
            }
        };
        let (uri, speaks_proxy, tls) =
            (self.uri.clone(), self.speaks_proxy, self.tls.as_ref().map(|tls| Box::new(tls.of_engine())));
        Ok(Listener { file: None, socket, uri, speaks_proxy, tls, is_lent: self.is_lent })
    }

    /// Whether addresses are written like that.
    ///
    /// # Errors
    /// They aren't.
    pub(super) fn look_at(uri: &str) -> Result<(), ListenError> {
        Address::parse(uri).map(|_| ())
    }

    /// A socket that listens already at the address, and doesn't block.
    ///
    /// # Errors
    /// It is no address.
    pub(super) fn listening(socket: OwnedFd, uri: &str, is_lent: bool) -> Result<Listener, ListenError> {
        let address = Address::parse(uri)?;
        let socket = match address.place {
            Place::Tcp { .. } => Listening::Tcp(TcpListener::from_std(socket.into())),
            Place::File(_) | Place::Abstract(_) => Listening::Unix(UnixListener::from_std(socket.into())),
        };
        let place = uri.split('?').next().unwrap_or(uri).to_owned();
        let speaks_proxy = address.options.proxy.unwrap_or(false);
        let tls = match address.place {
            Place::Tcp { is_tls: true, .. } => Some(Box::new(Security::of(&address, &mut None)?)),
            _ => None,
        };
        Ok(Listener { file: None, socket, uri: place, speaks_proxy, tls, is_lent })
    }

    /// Whether who has started this process, systemd for one, has opened it.
    pub fn is_lent(&self) -> bool {
        self.is_lent
    }

    /// Whether this process removes a unix socket's file at the end, or leaves that to another one. One that is lent never is
    /// this process's.
    pub fn own_file(&mut self, is_ours: bool) {
        let before = self.file.take();
        if !is_ours || self.is_lent {
            before.into_iter().for_each(SocketFile::disown);
            return;
        }
        let path = self.uri.strip_prefix("unix://").filter(|path| !path.starts_with('@'));
        // Where there is none, there is none to remove.
        self.file = before.or_else(|| path.and_then(|path| SocketFile::bound(path.as_ref()).ok()));
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

    /// Whether it is a unix socket.
    pub(crate) fn is_unix(&self) -> bool {
        matches!(self.socket, Listening::Unix(_))
    }

    /// Whether clients of other machines can reach it.
    pub(crate) fn is_reachable_from_elsewhere(&self) -> bool {
        match &self.socket {
            Listening::Tcp(socket) => {
                !socket.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback())
            }
            Listening::Unix(_) => false,
        }
    }

    /// Nobody may connect any more, whoever else has this socket, and its file is gone.
    pub(crate) fn listen_no_more(&self) {
        self.remove_file();
        let _ = SockRef::from(self).shutdown(Shutdown::Both);
    }

    /// What an app is told of the server's address when the client does not name one.
    pub fn local(&self) -> Local {
        let tls = self.tls.as_ref().and_then(|tls| tls.port());
        Local { name: "localhost", port: self.port().unwrap_or(80), speaks_proxy: self.speaks_proxy, tls }
    }

    /// Whether TLS is spoken there.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Reads what TLS is served with at those where it is: what an address says, or else `settings`; once for all that say the same.
    /// May take long.
    ///
    /// # Errors
    /// What can't be read, or used.
    pub fn secure_each(
        listeners: &mut [Listener],
        settings: &Settings,
        otherwise: Otherwise,
    ) -> Result<(), SetupError> {
        let mut read: Vec<Arc<Port>> = Vec::new();
        listeners
            .iter_mut()
            .filter_map(|listener| listener.tls.as_mut())
            .try_for_each(|tls| tls.load(settings, otherwise, &mut read))
    }

    /// A file with what tickets are encrypted with, for a program that is started with this.
    pub(super) fn tickets(&self) -> Option<&File> {
        self.tls.as_ref()?.file()
    }

    /// Whether what tickets are encrypted with is the same.
    #[cfg(test)]
    pub(super) fn has_tickets_of(&self, other: &Listener) -> bool {
        self.tls.as_ref().map(|tls| tls.secret()) == other.tls.as_ref().map(|tls| tls.secret())
    }

    /// Goes on with those of another program, by its file.
    pub(super) fn take_over_tickets(&mut self, file: File) {
        if let Some(tls) = &mut self.tls {
            tls.take_over(file);
        }
    }

    /// What an address has after its `?` for this to be bound there once more.
    pub(super) fn query(&self) -> String {
        let proxy = self.speaks_proxy.then(|| "proxy=true".to_owned());
        let tls = self.tls.iter().map(|tls| tls.query().to_owned()).filter(|query| !query.is_empty());
        proxy.into_iter().chain(tls).collect::<Vec<_>>().join("&")
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

/// Connections the kernel holds for it until they are accepted.
fn backlog(address: &Address<'_>) -> i32 {
    address.options.backlog.map_or(BACKLOG, i32::from)
}

fn bind_unix(address: &Address<'_>, path: &Path) -> Result<Listener, ListenError> {
    let uri = address.uri;
    let name = SockAddr::unix(path).map_err(|error| refusal(uri, error))?;
    // Held until the socket listens: one that is bound but does not listen yet looks like a dead server's.
    let guard = socket_file::lock_folder(path).map_err(|error| refusal(uri, error))?;
    socket_file::make_room(uri, path, &name)?;

    let mode = address.options.mode.unwrap_or(ANYBODY & !address.options.umask.unwrap_or(0));
    let listen = || {
        let socket = tcp::open(Domain::UNIX)?;
        socket.bind(&name)?;
        let file = SocketFile::bound(path)?;
        // Nobody can connect before it listens.
        file.allow(mode)?;
        socket.listen(backlog(address))?;
        Ok((file, UnixListener::from_std(OwnedFd::from(socket).into())))
    };
    let (file, socket) = listen().map_err(|error| refusal(uri, error))?;
    drop(guard);
    let uri = format!("unix://{}", path.display());
    Ok(Listener {
        file: Some(file),
        socket: Listening::Unix(socket),
        uri,
        speaks_proxy: address.options.proxy.unwrap_or(false),
        tls: None,
        is_lent: false,
    })
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind_abstract(address: &Address<'_>, name: &str) -> Result<Listener, ListenError> {
    let listen = || {
        let socket = tcp::open(Domain::UNIX)?;
        socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
        socket.listen(backlog(address))?;
        Ok(UnixListener::from_std(OwnedFd::from(socket).into()))
    };
    let socket = listen().map_err(|error| refusal(address.uri, error))?;
    let (uri, speaks_proxy) = (format!("unix://@{name}"), address.options.proxy.unwrap_or(false));
    Ok(Listener { file: None, socket: Listening::Unix(socket), uri, speaks_proxy, tls: None, is_lent: false })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bind_abstract(address: &Address<'_>, name: &str) -> Result<Listener, ListenError> {
    let message = format!("only Linux has unix sockets without a file; write unix:///tmp/{name}.sock");
    Err(ListenError::Io { uri: address.uri.to_owned(), source: io::Error::new(io::ErrorKind::Unsupported, message) })
}
