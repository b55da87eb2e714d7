//! What an app may do beside its answer: say something before it, or take the socket for itself.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use super::life::{Connection, State};
use crate::net::transport::{Transport, Wire};

/// A socket that an app has taken, whether it is a unix socket, and what has come from it that nobody has read.
pub type TakenSocket = (OwnedFd, bool, Vec<u8>);

impl Connection {
    /// Sends an interim answer (RFC 9110 section 15.2), as far as the socket takes it now: how many bytes, and whether some of
    /// them have still to leave. None when the request has been answered by others, and none when there is no room at all: nobody
    /// waits for an interim answer.
    ///
    /// # Errors
    /// When the client is gone.
    pub(in crate::net) fn send_interim(&self, bytes: &[u8]) -> io::Result<(usize, bool)> {
        let life = &mut *self.life.lock();
        if life.state != State::Served {
            return Ok((0, false));
        }
        let mut wire = Wire { transport: &mut life.transport, socket: &self.socket };
        let sent = wire.write(&[IoSlice::new(bytes)])?.unwrap_or_default();
        Ok((sent, life.transport.holds()))
    }

    /// Gives the socket away, with what has come from it and has not been read, and tells whether it is a unix socket. The poll
    /// side forgets the connection.
    ///
    /// # Errors
    /// When the process has no descriptor left. Nothing has changed then.
    pub(in crate::net) fn hijack(&self) -> io::Result<TakenSocket> {
        let socket = self.socket.duplicate()?;
        let (socket, is_unix, unread) = {
            let life = &mut *self.life.lock();
            let (socket, is_unix) = match life.transport {
                Transport::Plain => socket.give_away()?,
                Transport::Tls(_) => {
                    // Both ends of the pair. What is passed on goes by the client's socket.
                    let share = self.context.descriptors.count(2);
                    (self.context.pump.adopt(&mut life.transport, socket, share)?, true)
                }
            };
            life.state = State::Hijacked;
            life.arriving.place = None;
            (socket, is_unix, life.receiver.take_held())
        };
        self.context.stats.hijacked.add();
        self.release(true);
        Ok((socket, is_unix, unread))
    }
}
