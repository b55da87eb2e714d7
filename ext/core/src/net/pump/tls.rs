//! A client that speaks TLS, its session, and the end that is not the app's.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::time::Instant;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use super::{PART, PARTS, PATIENCE, Passage, Pump, nothing_now, pair};
use crate::budget::Share;
use crate::net::socket::Socket;
use crate::net::transport::{Came, Transport, Wire};

#[derive(Debug)]
struct Pair {
    transport: Transport,
    socket: Socket,
    end: UnixStream,
    /// What has come for the app and was not taken yet.
    inbound: Vec<u8>,
    /// The client sends no more, and the app has been told.
    client_ended: bool,
    /// The app sends no more, and the client has been told.
    app_ended: bool,
    /// The app has closed its end: until then what is left may still leave.
    until: Option<Instant>,
    /// Their part of the engine's descriptors.
    _share: Share,
}

impl Pump {
    /// Takes a client over: the end that is the app's.
    ///
    /// # Errors
    /// When the system has no descriptor or no thread left. The transport is as it was then.
    pub(in crate::net) fn adopt(&self, transport: &mut Transport, socket: Socket, share: Share) -> io::Result<OwnedFd> {
        let (theirs, ours) = pair()?;
        self.begin(|_| {
            let passage = Box::new(Pair {
                transport: std::mem::take(transport),
                socket,
                end: UnixStream::from_std(ours),
                inbound: Vec::new(),
                client_ended: false,
                app_ended: false,
                until: None,
                _share: share,
            });
            (passage, theirs)
        })
    }
}

impl Passage for Pair {
    fn register(&mut self, registry: &Registry, client: Token, app: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut self.socket, client, both)?;
        registry.register(&mut self.end, app, both)
    }

    fn app_has_closed(&mut self) {
        self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
    }

    fn until(&self) -> Option<Instant> {
        self.until
    }

    fn go_on(&mut self, is_late: bool) -> Option<bool> {
        match self.pass() {
            Ok(is_busy) if !self.is_over() && !is_late => Some(is_busy),
            Ok(_) => None,
            Err(_) => {
                // Broken, or the app has closed its end with something unread: a reset, as of a plain socket.
                self.socket.cut();
                None
            }
        }
    }
}

impl Pair {
    /// Passes on what there is, both ways: whether there may be more at once.
    fn pass(&mut self) -> io::Result<bool> {
        for _ in 0..PARTS {
            if !self.pass_to_client()? & !self.pass_to_app()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether something has moved.
    fn pass_to_client(&mut self) -> io::Result<bool> {
        let mut wire = Wire { transport: &mut self.transport, socket: &self.socket };
        if !wire.flush()? || self.app_ended {
            return Ok(false);
        }
        let mut part = [0; PART];
        match self.end.read(&mut part) {
            Ok(0) => {
                self.app_ended = true;
                wire.close();
                // An error means that the client has left; the next read tells.
                let _ = self.socket.shutdown(Shutdown::Write);
                Ok(true)
            }
            // What holds nothing takes more than that.
            Ok(length) => wire.write(&[IoSlice::new(&part[..length])]).map(|_| true),
            Err(error) => nothing_now(error),
        }
    }

    fn pass_to_app(&mut self) -> io::Result<bool> {
        if !self.inbound.is_empty() {
            return match self.end.write(&self.inbound) {
                Ok(length) => {
                    self.inbound.drain(..length);
                    Ok(true)
                }
                Err(error) => nothing_now(error),
            };
        }
        if self.client_ended {
            return Ok(false);
        }
        let mut part = [0; PART];
        match (Wire { transport: &mut self.transport, socket: &self.socket }).read(&mut part)? {
            Came::Bytes { length, .. } => {
                self.inbound.extend_from_slice(&part[..length]);
                Ok(true)
            }
            Came::Nothing => Ok(false),
            Came::End => {
                self.client_ended = true;
                let _ = self.end.shutdown(Shutdown::Write);
                Ok(true)
            }
        }
    }

    /// Nothing is left to pass on.
    fn is_over(&self) -> bool {
        let is_out = !self.transport.holds();
        is_out && self.app_ended && (self.client_ended && self.inbound.is_empty() || self.until.is_some())
    }
}

/// Both hear of it, even where a forked child holds the descriptors, too. An error means that they have ended.
impl Drop for Pair {
    fn drop(&mut self) {
        let _ = self.end.shutdown(Shutdown::Both);
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream as Stream;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::budget::Budget;
    use crate::tls::session::Session;
    use crate::tls::test_client::{Client, port};

    /// A client that has shaken hands, its socket, the end that an app has got, and what counts their descriptors.
    fn taken() -> (Client, Stream, Stream, Budget) {
        let (mut session, mut client) = (Session::new(&port()).unwrap(), Client::plain());
        while client.0.is_handshaking() || client.0.wants_write() {
            session.shake(&client.sends()).unwrap();
            let mut sent = Vec::new();
            session.flush(&mut sent).unwrap();
            client.reads(&sent).unwrap();
        }
        let (near, far) = Stream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        let budget = Budget::new(2);
        let mut transport = Transport::Tls(Box::new(session));
        let socket = Socket::Unix(UnixStream::from_std(near));
        let end = Pump::default().adopt(&mut transport, socket, budget.count(2)).unwrap();
        assert!(matches!(transport, Transport::Plain), "it was taken");
        far.set_read_timeout(Some(PATIENCE)).unwrap();
        (client, far, end.into(), budget)
    }

    fn wait_until_let_go(budget: &Budget) {
        let end = Instant::now() + PATIENCE;
        while budget.used() > 0 {
            assert!(Instant::now() < end, "somebody still has them");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_either_says_comes_to_the_other_and_so_do_ends() {
        let (mut client, mut far, mut app, budget) = taken();
        far.write_all(&client.says(b"hello")).unwrap();
        let mut heard = [0; 5];
        app.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");

        app.write_all(b"world").unwrap();
        drop(app);
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).unwrap();
        assert_eq!(client.reads(&sent).unwrap(), b"world");
        assert_eq!(client.0.reader().read(&mut [0]).unwrap(), 0, "the client was told of the end");
        drop(far);
        wait_until_let_go(&budget);
    }

    #[test]
    fn an_app_hears_of_a_clients_end_and_may_go_on_talking() {
        let (mut client, mut far, mut app, budget) = taken();
        far.write_all(&client.says(b"last")).unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        let mut heard = Vec::new();
        app.read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"last");
        app.write_all(b"bye").unwrap();
        drop(app);
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).unwrap();
        assert_eq!(client.reads(&sent).unwrap(), b"bye");
        wait_until_let_go(&budget);
    }

    #[test]
    fn a_client_that_reads_nothing_holds_the_app_up_and_nobody_else() {
        let (mut client, mut far, app, budget) = taken();
        let all = vec![7; 3_000_000];
        app.set_nonblocking(true).unwrap();
        let mut written = 0;
        // Until neither the pair, nor the session, nor the client's socket takes more for a while.
        for _ in 0..20 {
            while let Ok(length) = (&app).write(&all[written..]) {
                written += length;
            }
            thread::sleep(Duration::from_millis(5));
        }
        assert!(written < all.len(), "somebody has taken all of it");
        app.set_nonblocking(false).unwrap();
        let rest = all[written..].to_vec();
        let writer = thread::spawn(move || (&app).write_all(&rest));
        let mut sent = Vec::new();
        far.read_to_end(&mut sent).unwrap();
        assert!(client.reads(&sent).unwrap() == all);
        writer.join().unwrap().unwrap();
        wait_until_let_go(&budget);
    }
}
