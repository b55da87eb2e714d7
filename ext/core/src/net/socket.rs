//! One connection's socket: a descriptor, whatever its family. What is read and written through it is the transport's
//! business ([`super::transport`]).

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::SendFlags;
use socket2::SockRef;

#[cfg(any(test, feature = "simulation"))]
use super::fake_socket::FakeSocket;

/// What the kernel may hold of an answer that has not been sent to a client yet, once it has turned out slow.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES: u32 = 128 * 1024;

/// How to tell that more follows, where that can be told.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MORE: i32 = SendFlags::MORE.union(SendFlags::NOSIGNAL).bits() as i32;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const MORE: i32 = 0;

/// An accepted, non-blocking socket.
#[derive(Debug)]
pub enum Socket {
    /// TCP, version 4 or 6.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
    /// One that does what a test says.
    #[cfg(any(test, feature = "simulation"))]
    Fake(FakeSocket),
}

/// What a socket holds for its reader, as far as can be seen without reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek {
    /// Nothing now.
    Nothing,
    /// Bytes; whether an end follows them can't be seen.
    Bytes,
    /// The peer has ended it, or it is broken.
    End,
}

/// Calls the same method on the socket inside, whichever it is.
macro_rules! delegate {
    ($stream:expr, $socket:ident => $call:expr) => {
        match $stream {
            Socket::Tcp($socket) => $call,
            Socket::Unix($socket) => $call,
            #[cfg(any(test, feature = "simulation"))]
            Socket::Fake($socket) => $call,
        }
    };
}

impl Socket {
    /// Reads what is there.
    ///
    /// # Errors
    /// What the kernel says; `WouldBlock` when there is nothing now.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        delegate!(self, socket => (&*socket).read(buffer))
    }

    /// Writes as much of the parts, in their order, as it takes.
    ///
    /// # Errors
    /// What the kernel says; `WouldBlock` when it takes nothing now.
    pub fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        // A plain write costs the kernel less than a gathering one.
        match parts {
            [one] => delegate!(self, socket => (&*socket).write(one)),
            parts => delegate!(self, socket => (&*socket).write_vectored(parts)),
        }
    }

    /// As [`Socket::write`], where something else follows at once that may share a packet with it.
    ///
    /// # Errors
    /// As [`Socket::write`].
    pub fn write_before_more(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            #[cfg(any(test, feature = "simulation"))]
            Socket::Fake(_) => self.write(parts),
            _ => SockRef::from(self).send_vectored_with_flags(parts, MORE),
        }
    }

    /// Sends bytes of a file, from `at` on and `most` at most, without their coming into memory; how many were taken. None
    /// when the file ends before.
    ///
    /// # Errors
    /// As [`Socket::write`]; what the disk says.
    pub fn send_file(&self, file: &File, at: u64, most: usize) -> io::Result<usize> {
        match self {
            #[cfg(any(test, feature = "simulation"))]
            Socket::Fake(_) => self.copy_file(file, at, most),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            _ => Ok(rustix::fs::sendfile(self, file, Some(&mut { at }), most)?),
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            _ => self.copy_file(file, at, most),
        }
    }

    /// The same by way of a small buffer, where the kernel offers no such call.
    #[cfg(any(test, feature = "simulation", not(any(target_os = "linux", target_os = "android"))))]
    fn copy_file(&self, file: &File, at: u64, most: usize) -> io::Result<usize> {
        let mut buffer = [0; 64 * 1024];
        let most = most.min(buffer.len());
        let length = std::os::unix::fs::FileExt::read_at(file, &mut buffer[..most], at)?;
        self.write(&[IoSlice::new(&buffer[..length])])
    }

    /// Ends one direction or both. What was written before still reaches the peer.
    ///
    /// # Errors
    /// What the kernel says; `NotConnected` when the peer has left already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        delegate!(self, socket => socket.shutdown(how))
    }

    /// Ends it as a reset does, though others still hold it and may be waiting for it.
    pub fn cut(&self) {
        #[cfg(any(test, feature = "simulation"))]
        if let Socket::Fake(socket) = self {
            return socket.cut();
        }
        let is_cut = matches!(self, Socket::Tcp(_)) && rustix::net::connect_unspec(self).is_ok();
        if !is_cut {
            // An error means that the peer has left.
            let _ = self.shutdown(Shutdown::Both);
        }
    }

    /// From now on the kernel takes little more than the client reads. Without that it takes megabytes for each client.
    pub fn hold_little(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Socket::Tcp(_) = self {
            // Where it can't be set, more is held.
            let _ = SockRef::from(self).set_tcp_notsent_lowat(UNSENT_BYTES);
        }
    }

    /// Whether it takes more within that time.
    pub fn takes_more_within(&self, wait: Duration) -> bool {
        self.is_within(PollFlags::OUT, wait)
    }

    /// Whether there is something to read within that time.
    pub fn brings_more_within(&self, wait: Duration) -> bool {
        self.is_within(PollFlags::IN, wait)
    }

    fn is_within(&self, what: PollFlags, wait: Duration) -> bool {
        #[cfg(any(test, feature = "simulation"))]
        if let Socket::Fake(_) = self {
            return false;
        }
        let Ok(wait) = Timespec::try_from(wait) else { return false };
        // An error, such as an interrupt, is a no.
        matches!(poll(&mut [PollFd::new(self, what)], Some(&wait)), Ok(1..))
    }

    /// The same socket once more: closing one leaves the other open.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn duplicate(&self) -> io::Result<Socket> {
        let copy = self.as_fd().try_clone_to_owned()?;
        Ok(match self {
            Socket::Tcp(_) => Socket::Tcp(TcpStream::from_std(copy.into())),
            Socket::Unix(_) => Socket::Unix(UnixStream::from_std(copy.into())),
            #[cfg(any(test, feature = "simulation"))]
            Socket::Fake(socket) => Socket::Fake(socket.clone()),
        })
    }

    /// Its descriptor, for somebody else, and whether it is a unix socket.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn give_away(self) -> io::Result<(OwnedFd, bool)> {
        Ok(match self {
            Socket::Tcp(socket) => (OwnedFd::from(std::net::TcpStream::from(socket)), false),
            Socket::Unix(socket) => (OwnedFd::from(std::os::unix::net::UnixStream::from(socket)), true),
            #[cfg(any(test, feature = "simulation"))]
            Socket::Fake(socket) => (socket.as_fd().try_clone_to_owned()?, false),
        })
    }

    /// What there is to read.
    pub fn peek(&self) -> Peek {
        #[cfg(any(test, feature = "simulation"))]
        if let Socket::Fake(socket) = self {
            return match socket.peek() {
                (true, _) => Peek::Bytes,
                (false, true) => Peek::End,
                (false, false) => Peek::Nothing,
            };
        }
        match SockRef::from(self).peek(&mut [MaybeUninit::uninit()]) {
            Ok(0) => Peek::End,
            Ok(_) => Peek::Bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Peek::Nothing
            }
            Err(_) => Peek::End,
        }
    }

    /// Whether nobody is there to read what is sent: the peer has reset the connection, or has closed a unix socket.
    ///
    /// A TCP peer that closes looks from here like one that has only ended its sending half, and may be waiting for its answer
    /// (RFC 9293 section 3.6): it is known to have left once it has answered something that was sent with a reset. A keep-alive
    /// probe brings that out after a minute or so, too.
    pub fn has_left(&self) -> bool {
        #[cfg(any(test, feature = "simulation"))]
        if let Socket::Fake(socket) = self {
            return socket.has_been_reset();
        }
        let mut asked = [PollFd::new(self, PollFlags::empty())];
        // Unlike an error that is read, this stays true however often it is asked.
        matches!(poll(&mut asked, Some(&Timespec::default())), Ok(1..))
            && asked[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }

    /// Makes the coming close a reset, which the peer can't take for the end of a message (TCP; a unix socket only closes).
    pub fn reset_on_close(&self) {
        #[cfg(any(test, feature = "simulation"))]
        if let Socket::Fake(socket) = self {
            return socket.reset_on_close();
        }
        // It can fail only for a peer that has left.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Source for Socket {
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

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        delegate!(self, socket => socket.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_both_ways_and_shutdown_ends_them() {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let socket = Socket::Unix(UnixStream::from_std(near));

        assert_eq!(socket.read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(socket.write(&[IoSlice::new(b"he"), IoSlice::new(b"llo")]).unwrap(), 5);
        socket.shutdown(Shutdown::Write).unwrap();
        let mut heard = String::new();
        far.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "hello");

        assert_eq!(socket.peek(), Peek::Nothing);
        far.write_all(b"world").unwrap();
        assert_eq!(socket.peek(), Peek::Bytes);
        let mut heard = [0; 8];
        assert_eq!((socket.read(&mut heard).unwrap(), &heard[..5]), (5, &b"world"[..]));
        drop(far);
        assert_eq!(socket.peek(), Peek::End);
    }

    fn tcp_pair() -> (Socket, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let far = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let near = listener.accept().unwrap().0;
        near.set_nonblocking(true).unwrap();
        (Socket::Tcp(TcpStream::from_std(near)), far)
    }

    #[test]
    fn a_peer_that_has_ended_its_sending_half_has_not_left() {
        let (tcp, far_tcp) = tcp_pair();
        far_tcp.shutdown(Shutdown::Write).unwrap();
        let (near, far_unix) = std::os::unix::net::UnixStream::pair().unwrap();
        far_unix.shutdown(Shutdown::Write).unwrap();
        let unix = Socket::Unix(UnixStream::from_std(near));
        for socket in [&tcp, &unix] {
            assert!(socket.brings_more_within(Duration::from_secs(10)), "the end itself has come");
            assert_eq!((socket.peek(), socket.has_left()), (Peek::End, false));
        }
    }

    #[test]
    fn a_peer_that_has_reset_the_connection_or_closed_a_unix_socket_has_left_for_good() {
        let (tcp, far_tcp) = tcp_pair();
        SockRef::from(&far_tcp).set_linger(Some(Duration::ZERO)).unwrap();
        drop(far_tcp);
        let (near, far_unix) = std::os::unix::net::UnixStream::pair().unwrap();
        drop(far_unix);
        for socket in [tcp, Socket::Unix(UnixStream::from_std(near))] {
            assert!(socket.brings_more_within(Duration::from_secs(10)));
            assert_eq!([socket.has_left(), socket.peek() == Peek::End, socket.has_left()], [true; 3]);
        }
    }
}
