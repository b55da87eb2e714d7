//! TCP of either version.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use mio::net::TcpListener;
use rustix::io::Errno;
use socket2::{Domain, TcpKeepalive, Type};

use super::refusal::refusal;
use crate::error::ListenError;

/// A peer that has been silent for so long is asked by the kernel whether it is still there,
const SILENT: Duration = Duration::from_secs(60);
/// so often, with such pauses: one that has vanished without a word is given up after two minutes.
const PROBES: u32 = 4;
const PROBE_PAUSE: Duration = Duration::from_secs(15);
/// So many ports of the kernel's choice are tried until one is free at both addresses of `localhost`.
const PORTS: u32 = 16;

/// A socket that listens, and where.
type Bound = (TcpListener, SocketAddr);

/// How a socket listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) only_v6: bool,
    /// Others may listen at the same port (`SO_REUSEPORT`): the kernel gives each its share of the clients.
    pub(super) reuse_port: bool,
    pub(super) backlog: i32,
}

/// Listens at one address, or at both of `localhost`'s.
pub(super) fn bind(uri: &str, (host, port): (&str, u16), ways: Ways) -> Result<Vec<Bound>, ListenError> {
    let listen = |at: SocketAddr| {
        let socket = listen(at, ways)?;
        let bound = socket.local_addr()?;
        Ok((socket, bound))
    };
    let bound = if host.eq_ignore_ascii_case("localhost") {
        on_loopbacks(port, listen, |(_, bound)| bound.port())
    } else {
        on_first(candidates(uri, host, port, ways.only_v6)?, listen).map(|bound| vec![bound])
    };
    bound.map_err(|error| refusal(uri, error))
}

/// The addresses of a host, of which one is enough.
fn candidates(uri: &str, host: &str, port: u16, only_v6: bool) -> Result<Vec<SocketAddr>, ListenError> {
    let unresolved = |source| ListenError::Resolve { uri: uri.to_owned(), host: host.to_owned(), source };
    let mut addresses: Vec<_> = (host, port).to_socket_addrs().map_err(unresolved)?.collect();
    if addresses == [SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))] && !only_v6 {
        // Both families are meant; this machine may have only the one.
        addresses.push(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    Ok(addresses)
}

/// The first that this machine has.
fn on_first<T>(addresses: Vec<SocketAddr>, listen: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut refused = io::Error::from(ErrorKind::NotFound);
    for address in addresses {
        match listen(address) {
            Err(error) if is_missing(&error) => refused = error,
            done => return done,
        }
    }
    Err(refused)
}

/// Both loopback addresses at the same port, or the only one that this machine has.
fn on_loopbacks<T>(
    port: u16,
    listen: impl Fn(SocketAddr) -> io::Result<T>,
    port_of: impl Fn(&T) -> u16,
) -> io::Result<Vec<T>> {
    let (four, six) = (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    let mut tries = if port == 0 { PORTS } else { 1 };
    loop {
        tries -= 1;
        let first = match listen(SocketAddr::from((four, port))) {
            Err(error) if is_missing(&error) => return Ok(vec![listen(SocketAddr::from((six, port)))?]),
            done => done?,
        };
        match listen(SocketAddr::from((six, port_of(&first)))) {
            Ok(second) => return Ok(vec![first, second]),
            Err(error) if is_missing(&error) => return Ok(vec![first]),
            // The kernel has chosen a port that is free only at the other one.
            Err(error) if error.kind() == ErrorKind::AddrInUse && tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// This machine has no such address, or doesn't speak its family.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

fn listen(address: SocketAddr, ways: Ways) -> io::Result<TcpListener> {
    let socket = open(Domain::for_address(address))?;
    // Without it a restarted server waits until the connections of the one before have left TIME_WAIT.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(ways.only_v6)?;
    }
    if ways.reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    // Accepted sockets have what their listener has, so it costs them no call. Streams and sockets that an app has taken may be
    // silent for hours, and no deadline ends them. Where a kernel doesn't know it, they are as good as before.
    let _ = socket.set_tcp_keepalive(&keepalive());
    socket.listen(ways.backlog)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// A non-blocking socket. `Socket::new` also sees to it that programs the app starts do not inherit it.
pub(super) fn open(domain: Domain) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn keepalive() -> TcpKeepalive {
    let keepalive = TcpKeepalive::new().with_time(SILENT);
    // OpenBSD has these for the whole machine only.
    #[cfg(not(target_os = "openbsd"))]
    let keepalive = keepalive.with_interval(PROBE_PAUSE).with_retries(PROBES);
    keepalive
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn missing() -> io::Error {
        io::Error::from_raw_os_error(Errno::AFNOSUPPORT.raw_os_error())
    }

    #[test]
    fn localhost_is_what_the_machine_has_of_both_addresses() {
        let both = on_loopbacks(80, Ok, SocketAddr::port).unwrap();
        assert_eq!(both.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:80", "[::1]:80"]);
        let four = |at: SocketAddr| if at.is_ipv4() { Ok(at) } else { Err(ErrorKind::AddrNotAvailable.into()) };
        assert_eq!(on_loopbacks(80, four, SocketAddr::port).unwrap(), ["127.0.0.1:80".parse().unwrap()]);
        let six = |at: SocketAddr| if at.is_ipv6() { Ok(at) } else { Err(missing()) };
        assert_eq!(on_loopbacks(80, six, SocketAddr::port).unwrap(), ["[::1]:80".parse().unwrap()]);
        assert!(on_loopbacks(80, |_| Err::<SocketAddr, _>(missing()), SocketAddr::port).is_err());
    }

    #[test]
    fn a_port_of_the_kernels_choice_is_one_that_is_free_at_both() {
        let next = Cell::new(5000);
        let listen = |at: SocketAddr| match (at.is_ipv4(), at.port()) {
            (true, 0) => {
                next.set(next.get() + 1);
                Ok(SocketAddr::new(at.ip(), next.get()))
            }
            (true, _) => Ok(at),
            (false, 5003) => Ok(at),
            (false, _) => Err(ErrorKind::AddrInUse.into()),
        };
        let both = on_loopbacks(0, listen, SocketAddr::port).unwrap();
        assert_eq!(both.iter().map(SocketAddr::port).collect::<Vec<_>>(), [5003, 5003]);
        let refused = on_loopbacks(80, listen, SocketAddr::port).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrInUse, "a port that was asked for is that one or none");
    }

    #[test]
    fn both_families_are_the_one_that_the_machine_has() {
        let four = |at: SocketAddr| if at.is_ipv4() { Ok(at) } else { Err(missing()) };
        let all = on_first(candidates("", "::", 80, false).unwrap(), four).unwrap();
        assert_eq!(all, "0.0.0.0:80".parse().unwrap());
        assert!(on_first(candidates("", "::", 80, true).unwrap(), four).is_err());
        assert!(on_first(candidates("", "::1", 80, false).unwrap(), four).is_err());
    }
}
