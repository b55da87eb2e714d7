//! Waiting for one client, on the thread of whoever serves it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

const CLIENT: Token = Token(0);
const WAKER: Token = Token(1);

/// What a wait ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The client reads on or has sent something, whichever was asked, or is gone: trying tells.
    Ready,
    /// Somebody used the waker.
    Called,
    /// The time is over.
    TimedOut,
}

/// A small poll of a worker's own, made when it first has to wait for a client.
#[derive(Debug)]
pub struct ClientWait {
    poll: Poll,
    events: Events,
}

impl ClientWait {
    /// A poll, and what wakes whoever waits in it.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn new() -> io::Result<(ClientWait, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        Ok((ClientWait { poll, events: Events::with_capacity(4) }, waker))
    }

    /// Waits until the socket takes bytes again, or has some to read.
    ///
    /// # Errors
    /// When the kernel refuses to poll the socket.
    pub fn until(&mut self, socket: BorrowedFd<'_>, interest: Interest, limit: Duration) -> io::Result<Woken> {
        let descriptor = socket.as_raw_fd();
        let mut source = SourceFd(&descriptor);
        self.poll.registry().register(&mut source, CLIENT, interest)?;
        let woken = self.wait(limit);
        self.poll.registry().deregister(&mut source)?;
        woken
    }

    fn wait(&mut self, limit: Duration) -> io::Result<Woken> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.poll.poll(&mut self.events, Some(left)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if self.events.iter().any(|event| event.token() == WAKER) {
                return Ok(Woken::Called);
            }
            if !self.events.is_empty() {
                return Ok(Woken::Ready);
            }
            if left.is_zero() {
                return Ok(Woken::TimedOut);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn waits_until_the_client_reads_the_time_is_over_or_it_is_called() {
        let (mut near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(length) = near.write(&[0; 4096]) {
            sent += length;
        }
        let (mut wait, waker) = ClientWait::new().unwrap();
        assert_eq!(wait.until(near.as_fd(), Interest::WRITABLE, Duration::from_millis(1)).unwrap(), Woken::TimedOut);
        waker.wake().unwrap();
        assert_eq!(wait.until(near.as_fd(), Interest::WRITABLE, Duration::from_secs(10)).unwrap(), Woken::Called);
        let reader = std::thread::spawn(move || far.read_exact(&mut vec![0; sent]).map(|()| far));
        assert_eq!(wait.until(near.as_fd(), Interest::WRITABLE, Duration::from_secs(10)).unwrap(), Woken::Ready);
        reader.join().unwrap().unwrap();
    }
}
