//! A socket that does what a test says: what it brings, what it takes, and when a system call fails.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use mio::event::Source;
use mio::{Interest, Registry, Token};
use parking_lot::Mutex;

/// One end of a simulated connection, the server's; the test holds the same object.
#[derive(Clone, Debug)]
pub struct FakeSocket(Arc<Ends>);

#[derive(Debug)]
struct Ends {
    state: Mutex<State>,
    /// A descriptor of no use, for who asks for one.
    null: File,
}

#[derive(Debug, Default)]
struct State {
    inbound: VecDeque<u8>,
    has_ended: bool,
    sent: Vec<u8>,
    /// How many bytes the socket takes before it is full.
    room: usize,
    /// The most that one call reads or writes.
    step: usize,
    /// Errors that the next reads, and the next writes, end with.
    read_errors: VecDeque<io::ErrorKind>,
    write_errors: VecDeque<io::ErrorKind>,
    is_write_shut: bool,
    is_reset: bool,
    is_closed: bool,
}

impl Default for FakeSocket {
    fn default() -> Self {
        FakeSocket(Arc::new(Ends {
            state: Mutex::new(State { room: usize::MAX, step: usize::MAX, ..State::default() }),
            null: File::open("/dev/null").expect("there is /dev/null"),
        }))
    }
}

/// What the test does as the client, and sees as one.
impl FakeSocket {
    /// The client sends bytes.
    pub fn bring(&self, bytes: &[u8]) {
        self.0.state.lock().inbound.extend(bytes);
    }

    /// The client ends its side.
    pub fn end(&self) {
        self.0.state.lock().has_ended = true;
    }

    /// From now on so many more bytes are taken until the client reads on.
    pub fn take_room(&self, room: usize) {
        self.0.state.lock().room = room;
    }

    /// From now on one call reads or writes so many bytes at most.
    pub fn limit_step(&self, step: usize) {
        self.0.state.lock().step = step.max(1);
    }

    /// The next read fails.
    pub fn fail_read(&self, kind: io::ErrorKind) {
        self.0.state.lock().read_errors.push_back(kind);
    }

    /// The next write fails.
    pub fn fail_write(&self, kind: io::ErrorKind) {
        self.0.state.lock().write_errors.push_back(kind);
    }

    /// What the server has sent since the last time.
    pub fn take_sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.state.lock().sent)
    }

    /// Whether the server has ended its side.
    pub fn is_write_shut(&self) -> bool {
        self.0.state.lock().is_write_shut
    }

    /// Whether its close is to be a reset.
    pub fn is_reset(&self) -> bool {
        self.0.state.lock().is_reset
    }

    /// Whether there are bytes, or an end, that have not been read.
    pub fn has_unread(&self) -> bool {
        let state = self.0.state.lock();
        !state.inbound.is_empty() || state.has_ended
    }
}

/// What the server does with it.
impl FakeSocket {
    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let mut state = self.0.state.lock();
        state.is_write_shut |= how != Shutdown::Read;
        state.is_closed |= how == Shutdown::Both;
        Ok(())
    }

    /// Whether there are bytes to read, and whether there is an end.
    pub(super) fn peek(&self) -> (bool, bool) {
        let state = self.0.state.lock();
        (!state.inbound.is_empty(), state.has_ended || state.is_closed)
    }

    pub(super) fn reset_on_close(&self) {
        self.0.state.lock().is_reset = true;
    }
}

impl Read for &FakeSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = &mut *self.0.state.lock();
        if let Some(kind) = state.read_errors.pop_front() {
            return Err(kind.into());
        }
        let length = state.inbound.len().min(state.step).min(buffer.len());
        if length == 0 && !state.has_ended && !state.is_closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for (place, byte) in buffer.iter_mut().zip(state.inbound.drain(..length)) {
            *place = byte;
        }
        Ok(length)
    }
}

impl Write for &FakeSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = &mut *self.0.state.lock();
        if let Some(kind) = state.write_errors.pop_front() {
            return Err(kind.into());
        }
        if state.is_write_shut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = bytes.len().min(state.step).min(state.room);
        if length == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.room -= length;
        state.sent.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for FakeSocket {
    fn register(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn reregister(&mut self, _: &Registry, _: Token, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: &Registry) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for FakeSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.null.as_fd()
    }
}
