//! One connection's socket, whatever its family, and who is at its other end.

use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::SendFlags;
use socket2::SockRef;

/// What the kernel may hold of an answer that has not been sent to a client yet, once it has turned out slow.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES: u32 = 128 * 1024;

/// How to tell that more follows, where that can be told.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MORE: i32 = SendFlags::MORE.union(SendFlags::NOSIGNAL).bits() as i32;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const MORE: i32 = 0;

/// An accepted, non-blocking connection. TLS joins as one more variant: nothing above this file asks which it is.
#[derive(Debug)]
pub enum Stream {
    /// TCP, version 4 or 6.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

/// Calls the same method on the socket inside, whichever it is.
macro_rules! delegate {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Stream::Tcp($socket) => $call,
            Stream::Unix($socket) => $call,
        }
    };
}

impl Stream {
    /// Ends one direction or both. What was written before still reaches the peer.
    ///
    /// # Errors
    /// What the kernel says; `NotConnected` when the peer has left already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        delegate!(self, socket => socket.shutdown(how))
    }

    /// Ends it as a reset does, though others still hold it and may be waiting for it.
    pub fn cut(&self) {
        let is_cut = matches!(self, Stream::Tcp(_)) && rustix::net::connect_unspec(self).is_ok();
        if !is_cut {
            // An error means that the peer has left.
            let _ = self.shutdown(Shutdown::Both);
        }
    }

    /// From now on the kernel takes little more than the client reads. Without that it takes megabytes for each client.
    pub fn hold_little(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Stream::Tcp(_) = self {
            // Where it can't be set, more is held.
            let _ = SockRef::from(self).set_tcp_notsent_lowat(UNSENT_BYTES);
        }
    }

    /// As `write_vectored`, where something else follows at once that may share a packet with it.
    ///
    /// # Errors
    /// What the kernel says; `WouldBlock` when the socket takes no more.
    pub fn write_before_more(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        SockRef::from(self).send_vectored_with_flags(slices, MORE)
    }

    /// Whether it takes more within that time.
    pub fn takes_more_within(&self, wait: Duration) -> bool {
        let Ok(wait) = Timespec::try_from(wait) else { return false };
        // An error, such as an interrupt, is a no.
        matches!(poll(&mut [PollFd::new(self, PollFlags::OUT)], Some(&wait)), Ok(1..))
    }

    /// Sends bytes of a file, from `at` on and `most` at most, without their coming into memory; how many were taken. None
    /// when the file ends before.
    ///
    /// # Errors
    /// What the kernel says; `WouldBlock` when the socket takes no more.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn send_file(&self, file: &File, at: u64, most: usize) -> io::Result<usize> {
        Ok(rustix::fs::sendfile(self, file, Some(&mut { at }), most)?)
    }

    /// The same by way of a small buffer, where the kernel offers no such call.
    ///
    /// # Errors
    /// What the kernel says; `WouldBlock` when the socket takes no more.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn send_file(&self, file: &File, at: u64, most: usize) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let most = most.min(buffer.len());
        let length = std::os::unix::fs::FileExt::read_at(file, &mut buffer[..most], at)?;
        (&mut &*self).write(&buffer[..length])
    }

    /// Whether the peer has ended it, as far as can be seen: behind bytes that it sent before, its end is hidden.
    pub fn has_ended(&self) -> bool {
        match SockRef::from(self).peek(&mut [MaybeUninit::uninit()]) {
            Ok(length) => length == 0,
            Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        }
    }

    /// Makes the coming close a reset, which the peer can't take for the end of a message (TCP; a unix socket only closes).
    pub fn reset_on_close(&self) {
        // It can fail only for a peer that has left.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

/// By reference, since a connection's two sides take turns and never need it at once.
impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        delegate!(self, socket => (&*socket).read(buffer))
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        delegate!(self, socket => (&*socket).write(bytes))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        delegate!(self, socket => (&*socket).write_vectored(slices))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        delegate!(self, socket => socket.register(registry, token, interests))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        delegate!(self, socket => socket.reregister(registry, token, interests))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        delegate!(self, socket => socket.deregister(registry))
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        delegate!(self, socket => socket.as_fd())
    }
}

/// Who is at the other end of a connection. Its `Display` text is what apps read as `REMOTE_ADDR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddr {
    /// Address and port.
    Ip(IpAddr, u16),
    /// Some process of this machine. It has no address, and is shown as the loopback's, as Puma shows it: code that
    /// trusts or parses `REMOTE_ADDR` expects an IP address there.
    Unix,
}

impl PeerAddr {
    /// Whether both have the same address, whatever the port.
    pub fn is_same_host(self, other: PeerAddr) -> bool {
        match (self, other) {
            (PeerAddr::Ip(one, _), PeerAddr::Ip(another, _)) => one == another,
            (PeerAddr::Unix, PeerAddr::Unix) => true,
            (PeerAddr::Ip(..), PeerAddr::Unix) | (PeerAddr::Unix, PeerAddr::Ip(..)) => false,
        }
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        PeerAddr::Ip(address.ip(), address.port())
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A version 4 client of a dual-stack socket is known by its version 4 address, not by ::ffff:a.b.c.d.
            PeerAddr::Ip(ip, _) => ip.to_canonical().fmt(formatter),
            PeerAddr::Unix => Ipv4Addr::LOCALHOST.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str) -> String {
        PeerAddr::from(address.parse::<SocketAddr>().unwrap()).to_string()
    }

    #[test]
    fn a_peer_reads_as_its_ip_address() {
        assert_eq!(text("192.0.2.7:1234"), "192.0.2.7");
        assert_eq!(text("[2001:db8::7]:1234"), "2001:db8::7");
        assert_eq!(text("[::ffff:192.0.2.7]:1234"), "192.0.2.7");
        assert_eq!(PeerAddr::Unix.to_string(), "127.0.0.1");
    }

    #[test]
    fn bytes_pass_both_ways_and_shutdown_ends_them() {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let owned = Stream::Unix(UnixStream::from_std(near));
        let mut stream = &owned;

        assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let slices = [IoSlice::new(b"he"), IoSlice::new(b"llo")];
        assert_eq!(stream.write_vectored(&slices).unwrap(), 5);
        stream.flush().unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        far.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "hello");

        assert!(!owned.has_ended());
        far.write_all(b"world").unwrap();
        let mut heard = [0; 8];
        assert_eq!((stream.read(&mut heard).unwrap(), &heard[..5]), (5, &b"world"[..]));
        drop(far);
        assert!(owned.has_ended());
    }
}
