//! A stream of HTTP/2 that an app has taken (RFC 8441), between the poll side, which gives the app what its client says, and the
//! thread that passes on what the app says ([`Pump`](super::pump::Pump)).

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use parking_lot::Mutex;

use super::pump::Call;
use crate::budget::Share;

/// The end of a pair of sockets whose other end is the app's, and what waits for the app.
#[derive(Debug)]
pub(super) struct Tunnel {
    end: UnixStream,
    inbound: Mutex<Inbound>,
    call: Call,
    /// Both ends' part of the engine's descriptors.
    _share: Share,
}

/// ```text
///   Open --end()--> Ending --all was given--> Ended
///      \--the app reads no more, or cut()--> Ended
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Open,
    /// The client has said all, and the app has still to be given some of it.
    Ending,
    /// The app has been told that there is no more.
    Ended,
}

#[derive(Debug, Default)]
struct Inbound {
    /// What the app has not taken yet. Its stream's window is closed by so much.
    waiting: Vec<u8>,
    side: Side,
}

impl Tunnel {
    /// With the thread's end of the pair, and a way to call that.
    pub(super) fn new(end: UnixStream, call: Call, share: Share) -> Tunnel {
        Tunnel { end, inbound: Mutex::default(), call, _share: share }
    }

    /// The client says more: how many bytes of all that it has said have got rid of now.
    pub(super) fn give(&self, data: &[u8]) -> usize {
        let inbound = &mut *self.inbound.lock();
        if inbound.side != Side::Open {
            return data.len();
        }
        let now = if inbound.waiting.is_empty() { self.write(inbound, data) } else { 0 };
        inbound.waiting.extend_from_slice(&data[now..]);
        now
    }

    /// The client says no more.
    pub(super) fn end(&self) {
        let inbound = &mut *self.inbound.lock();
        if inbound.side == Side::Open {
            inbound.side = Side::Ending;
        }
        self.settle(inbound);
    }

    /// The app may take more of what waits for it: how many bytes it has taken.
    pub(super) fn pass_on(&self) -> usize {
        let inbound = &mut *self.inbound.lock();
        let waiting = std::mem::take(&mut inbound.waiting);
        let taken = self.write(inbound, &waiting);
        if taken < waiting.len() {
            inbound.waiting = waiting;
            inbound.waiting.drain(..taken);
        }
        self.settle(inbound);
        taken
    }

    /// What the app says; `None` when that is nothing now, and no bytes at its end.
    ///
    /// # Errors
    /// When it has closed its end with something unread.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            match (&self.end).read(buffer) {
                Ok(length) => return Ok(Some(length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the app has been given all that its client had to say.
    pub(super) fn has_given_all(&self) -> bool {
        self.inbound.lock().side == Side::Ended
    }

    /// There is no stream any more: the app finds out.
    pub(super) fn cut(&self) {
        let inbound = &mut *self.inbound.lock();
        *inbound = Inbound { waiting: Vec::new(), side: Side::Ended };
        // An error means that the app has closed its end.
        let _ = self.end.shutdown(Shutdown::Both);
        self.call();
    }

    /// The thread is to look at it.
    pub(super) fn call(&self) {
        self.call.call();
    }

    /// Enters the thread's poll.
    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.end.as_raw_fd()), token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Writes until the socket takes no more, which is followed by an event: how many bytes are gone.
    fn write(&self, inbound: &mut Inbound, data: &[u8]) -> usize {
        let mut gone = 0;
        while gone < data.len() {
            match (&self.end).write(&data[gone..]) {
                Ok(length) => gone += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The app reads no more. It may still have something to say.
                Err(_) => {
                    inbound.side = Side::Ended;
                    return data.len();
                }
            }
        }
        gone
    }

    fn settle(&self, inbound: &mut Inbound) {
        if inbound.side == Side::Ending && inbound.waiting.is_empty() {
            inbound.side = Side::Ended;
            let _ = self.end.shutdown(Shutdown::Write);
        }
    }
}
