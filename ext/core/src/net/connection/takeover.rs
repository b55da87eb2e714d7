//! What an app may do beside its answer: say something before it, or take the socket for itself.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};

use super::life::{Connection, State};
use crate::net::transport::Wire;

impl Connection {
    /// Sends an interim answer (RFC 9110 section 15.2), as far as the socket takes it now: how many bytes. None when the
    /// request has been answered by others, and none when there is no room at all: nobody waits for an interim answer.
    ///
    /// # Errors
    /// When the client is gone.
    pub(in crate::net) fn send_interim(&self, bytes: &[u8]) -> io::Result<usize> {
        let life = &mut *self.life.lock();
        if life.state != State::Served {
            return Ok(0);
        }
        let mut wire = Wire { transport: &mut life.transport, socket: &self.socket };
        Ok(wire.write(&[IoSlice::new(bytes)])?.unwrap_or_default())
    }

    /// Gives the socket away, with what has come from it and has not been read. The poll side forgets the connection.
    ///
    /// # Errors
    /// When the process has no descriptor left. Nothing has changed then.
    pub(in crate::net) fn hijack(&self) -> io::Result<(OwnedFd, Vec<u8>)> {
        let socket = self.socket.as_fd().try_clone_to_owned()?;
        let unread = {
            let life = &mut *self.life.lock();
            life.state = State::Hijacked;
            life.arriving.place = None;
            life.receiver.take_held()
        };
        self.context.stats.hijacked.add();
        self.release(true);
        Ok((socket, unread))
    }
}
