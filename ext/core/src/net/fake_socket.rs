//! A socket that does what a test says: what it brings, what it takes, and when a system call fails. It also tells what events
//! an edge-triggered poll would have: one for whatever is new, and none for what was there before (epoll(7)).

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
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
    /// A write has found it full, so that the next room will be an event.
    is_full: bool,
    /// Something is new since the last event.
    has_event: bool,
    /// The peer has reset it; the first who tries after that is told how.
    broken: Option<Option<io::ErrorKind>>,
    /// Bytes that have been read and written, and errors that have been met.
    moved: u64,
    /// Errors that the next reads, and the next writes, end with.
    read_errors: VecDeque<io::ErrorKind>,
    write_errors: VecDeque<io::ErrorKind>,
    is_write_shut: bool,
    is_reset: bool,
    is_cut: bool,
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

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The peer sends no more, or the socket is broken.
    pub has_ended: bool,
}

/// What the test does as the client, and sees as one.
impl FakeSocket {
    /// The client sends bytes.
    pub fn bring(&self, bytes: &[u8]) {
        let mut state = self.0.state.lock();
        if state.broken.is_none() && !bytes.is_empty() {
            state.inbound.extend(bytes);
            state.has_event = true;
        }
    }

    /// The client ends its side.
    pub fn end(&self) {
        let mut state = self.0.state.lock();
        state.has_ended = true;
        state.has_event = true;
    }

    /// The client resets the connection. What it has sent before can still be read.
    pub fn reset(&self) {
        let mut state = self.0.state.lock();
        if state.broken.is_none() {
            state.broken = Some(Some(io::ErrorKind::ConnectionReset));
            state.has_event = true;
        }
    }

    /// From now on so many more bytes are taken until the client reads on.
    pub fn take_room(&self, room: usize) {
        let mut state = self.0.state.lock();
        state.room = room;
        if room > 0 && std::mem::take(&mut state.is_full) {
            state.has_event = true;
        }
    }

    /// From now on one call reads or writes so many bytes at most: what is left comes, and room for it is there, just after the
    /// call.
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

    /// Whether the server has ended it at once, since all is over.
    pub fn is_cut(&self) -> bool {
        self.0.state.lock().is_cut
    }

    /// Whether the client has ended its side, or reset the connection.
    pub fn has_left(&self) -> bool {
        let state = self.0.state.lock();
        state.has_ended || state.broken.is_some()
    }

    /// What an edge-triggered poll would say now: nothing unless something is new since the last time.
    pub fn take_event(&self) -> Option<Event> {
        let mut state = self.0.state.lock();
        let has_ended = state.has_ended || state.broken.is_some();
        std::mem::take(&mut state.has_event).then_some(Event { has_ended })
    }

    /// Whether there would be an event.
    pub fn has_event(&self) -> bool {
        self.0.state.lock().has_event
    }

    /// Bytes that have been read and written, and errors that have been met.
    pub fn moved(&self) -> u64 {
        self.0.state.lock().moved
    }
}

/// What the server does with it.
impl FakeSocket {
    pub(in crate::net) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let mut state = self.0.state.lock();
        state.is_write_shut |= how != Shutdown::Read;
        state.is_closed |= how == Shutdown::Both;
        Ok(())
    }

    /// Whether there are bytes to read, and whether there is an end.
    pub(in crate::net) fn peek(&self) -> (bool, bool) {
        let state = self.0.state.lock();
        (!state.inbound.is_empty(), state.has_ended || state.is_closed || state.broken.is_some())
    }

    /// Whether the peer has reset it.
    pub(in crate::net) fn has_been_reset(&self) -> bool {
        self.0.state.lock().broken.is_some()
    }

    pub(in crate::net) fn cut(&self) {
        let mut state = self.0.state.lock();
        (state.is_cut, state.is_write_shut, state.is_closed) = (true, true, true);
    }

    pub(in crate::net) fn reset_on_close(&self) {
        self.0.state.lock().is_reset = true;
    }
}

impl Read for &FakeSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let state = &mut *self.0.state.lock();
        if let Some(kind) = state.read_errors.pop_front() {
            // Where something is there all the same, it has come just after the call.
            state.has_event |= kind == io::ErrorKind::WouldBlock;
            state.moved += 1;
            return Err(kind.into());
        }
        let there = state.inbound.len().min(buffer.len());
        let length = there.min(state.step);
        if length == 0 {
            return match &mut state.broken {
                Some(how) => how.take().map_or(Ok(0), |kind| Err(kind.into())),
                None if state.has_ended || state.is_closed => Ok(0),
                None => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        state.has_event |= length < there;
        for (place, byte) in buffer.iter_mut().zip(state.inbound.drain(..length)) {
            *place = byte;
        }
        state.moved += length as u64;
        Ok(length)
    }
}

impl Write for &FakeSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = &mut *self.0.state.lock();
        if let Some(kind) = state.write_errors.pop_front() {
            state.has_event |= kind == io::ErrorKind::WouldBlock;
            state.moved += 1;
            return Err(kind.into());
        }
        if let Some(how) = &mut state.broken {
            return Err(how.take().unwrap_or(io::ErrorKind::BrokenPipe).into());
        }
        if state.is_write_shut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let all = parts.iter().map(|part| part.len()).sum::<usize>();
        let length = all.min(state.step).min(state.room);
        state.is_full |= all.min(state.step) > state.room;
        if length == 0 && all > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.has_event |= length < all.min(state.room);
        state.room -= length;
        state.moved += length as u64;
        let mut left = length;
        for part in parts {
            let taken = part.len().min(left);
            state.sent.extend_from_slice(&part[..taken]);
            left -= taken;
        }
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
