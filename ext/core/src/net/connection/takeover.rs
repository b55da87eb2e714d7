//! What an app may do beside its answer: say something before it, or take the socket for itself.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use super::life::{Connection, State};
use crate::net::transport::{Transport, Wire};

/// A socket that an app has taken, and what has come from it that nobody has read.
pub type TakenSocket = (OwnedFd, Family, Vec<u8>);

/// What kind of socket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// TCP.
    Tcp,
    /// A unix socket.
    Unix,
    /// One end of a pair of unix sockets: the client speaks TLS, or HTTP/2, which is spoken at the other end.
    Pair,
}

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

    /// Gives the socket away, with what has come from it and has not been read. The poll side forgets the connection.
    ///
    /// # Errors
    /// When the process has no descriptor left. Nothing has changed then.
    pub(in crate::net) fn hijack(&self) -> io::Result<TakenSocket> {
        let socket = self.socket.duplicate()?;
        let (socket, family, unread) = {
            let life = &mut *self.life.lock();
            let (socket, family) = match life.transport {
                Transport::Plain => {
                    let (socket, is_unix) = socket.give_away()?;
                    (socket, if is_unix { Family::Unix } else { Family::Tcp })
                }
                Transport::Tls(_) => {
                    // Both ends of the pair. What is passed on goes by the client's socket.
                    let share = self.context.descriptors.count(2);
                    (self.context.pump.adopt(&mut life.transport, socket, share)?, Family::Pair)
                }
            };
            life.state = State::Hijacked;
            life.arriving.place = None;
            (socket, family, life.receiver.take_held())
        };
        self.context.stats.hijacked.add();
        self.release(true);
        Ok((socket, family, unread))
    }
}
