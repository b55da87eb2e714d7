//! A connection's beginning where TLS is served: whoever polls only looks whether something has come; what that is, and all that is
//! computed of it, is for a helper.

use std::io;
use std::sync::Arc;

use super::life::{Connection, Life, Preface, State, Step, Unread, Verdict};
use crate::error::Fault;
use crate::net::socket::Peek;
use crate::net::transport::{Transport, Wire};
use crate::tls::port::HTTP2;
use crate::tls::session::{Cause, Progress, Session};

/// Bytes that are read at once: a session that has just begun holds no more than that of what the client says behind its part.
const PART: usize = 4096;
/// So many of them for one client before the next one's turn.
const PARTS: usize = 8;
/// The first byte of a record that begins a handshake (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;

/// How far a helper has come.
enum Shaken {
    /// The client has to say more, or to read on.
    Waits,
    /// There may be more at once.
    Goes,
    /// The handshake is over, whatever has become of it.
    Over,
}

impl Connection {
    /// Looks whether there is something for a helper.
    pub(super) fn await_handshake(&self, life: &mut Life) -> Step {
        // All that is known is what the socket says: a helper that had it before has read it empty.
        if self.socket.peek() == Peek::Nothing && !life.transport.holds() {
            life.has_nothing_unread();
            return Step::Stop(Verdict::Wait);
        }
        self.owner.hand_over();
        Step::Stop(Verdict::Shake)
    }

    /// Goes on with the handshake, as the helper that owns the connection: true when there may be more at once. Otherwise the
    /// connection is the poll side's again.
    pub(super) fn shake_hands(self: &Arc<Self>) -> bool {
        let shaken = self.shake(&mut self.life.lock());
        match shaken {
            Shaken::Goes => return true,
            Shaken::Over => self.release(true),
            Shaken::Waits => self.release(self.deadline.is_early()),
        }
        false
    }

    fn shake(self: &Arc<Self>, life: &mut Life) -> Shaken {
        let mut buffer = [0; PART];
        // Whatever the last look was for, its event is used up.
        life.unread = Unread::BytesOrEnd;
        for _ in 0..PARTS {
            let length = match self.socket.read(&mut buffer) {
                Ok(0) => return self.lose_client(life),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.wait_for_more(life),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return self.lose_client(life),
            };
            let Some(length) = self.pass_preface(life, &mut buffer, length) else {
                return drop_client(life);
            };
            if length > 0 {
                if let Some(shaken) = self.go_on(life, &buffer[..length]) {
                    return shaken;
                }
            }
        }
        Shaken::Goes
    }

    /// The client has said something: `None` when it has to say more.
    fn go_on(&self, life: &mut Life, bytes: &[u8]) -> Option<Shaken> {
        if let Transport::Plain = life.transport {
            if bytes[0] != HANDSHAKE {
                return Some(self.refuse_plain(life, bytes[0]));
            }
            let port = self.local.tls.as_ref()?;
            match Session::new(port) {
                Ok(session) => life.transport = Transport::Tls(Box::new(session)),
                Err(error) => {
                    tracing::error!(%error, "there is no TLS to be had");
                    return Some(drop_client(life));
                }
            }
        }
        let Transport::Tls(session) = &mut life.transport else { return None };
        let shaken = session.shake(bytes);
        let flushed = Wire { transport: &mut life.transport, socket: &self.socket }.flush();
        match (shaken, flushed) {
            (Err((cause, error)), _) => {
                self.tell_failure(cause, &error);
                self.end_handshake(life);
                Some(Shaken::Over)
            }
            (_, Err(_)) => Some(self.lose_client(life)),
            (Ok(Progress::Wants), Ok(_)) => None,
            (Ok(Progress::Done { is_resumed }), Ok(_)) => {
                self.context.stats.tls_handshakes.add();
                if is_resumed {
                    self.context.stats.tls_resumed.add();
                }
                let protocol = life.transport.protocol().map(String::from_utf8_lossy);
                tracing::debug!(peer = %self.peer(), ?protocol, is_resumed, "a TLS handshake is done");
                life.state = State::Receiving;
                // It is noted for the poll side, which looks at the deadline after every look.
                self.expect_within(self.context.config.header_timeout);
                if life.transport.protocol() == Some(HTTP2) {
                    self.begin_http2(life);
                }
                Some(Shaken::Over)
            }
        }
    }

    fn wait_for_more(&self, life: &mut Life) -> Shaken {
        if (Wire { transport: &mut life.transport, socket: &self.socket }).flush().is_err() {
            return self.lose_client(life);
        }
        life.has_nothing_unread();
        // Whoever looks when the time is over, and finds nothing, was the last.
        if self.deadline.due() <= self.context.clock.now() {
            self.time_out_handshake(life);
            return Shaken::Over;
        }
        Shaken::Waits
    }

    /// It was not done in time.
    pub(super) fn time_out_handshake(&self, life: &mut Life) {
        if life.preface.as_ref().is_some_and(Preface::is_half_a_header) {
            self.tell_of_preface("it did not come in time");
        } else {
            self.context.stats.handshake_timeout.add();
        }
        drop_client(life);
    }

    fn lose_client(&self, life: &mut Life) -> Shaken {
        // Who says nothing at all only looks whether somebody is there, as load balancers do.
        if let Transport::Tls(_) = life.transport {
            self.context.stats.tls_left.add();
        }
        drop_client(life)
    }

    /// A client of HTTP hears what is wrong in its own words, and any other nothing.
    fn refuse_plain(&self, life: &mut Life, first: u8) -> Shaken {
        self.context.stats.tls_plain.add();
        // Methods may be in any case, and a line's end may come before them (RFC 9112 section 2.2).
        if first.is_ascii_alphabetic() || matches!(first, b'\r' | b'\n') {
            self.answer_fault(life, Fault::WithoutTls);
            Shaken::Over
        } else {
            drop_client(life)
        }
    }

    fn tell_failure(&self, cause: Cause, error: &rustls::Error) {
        let context = &self.context;
        let (counter, hint) = match cause {
            // Older ones nobody can have.
            Cause::Version if self.local.tls.as_ref().is_some_and(|port| port.refuses_tls12()) => {
                (&context.stats.tls_version, " (min_version)")
            }
            Cause::Version => (&context.stats.tls_version, ""),
            Cause::Protocol => (&context.stats.tls_protocol, " (http2, and the client's own ALPN)"),
            Cause::Signature => (&context.stats.tls_signature, " (cert and key are of a kind that it does not know)"),
            Cause::Incompatible => (&context.stats.tls_incompatible, ""),
            Cause::ClientCertificate => (&context.stats.tls_client_certificate, " (client_ca, verify)"),
            Cause::Alert => (&context.stats.tls_alert, ""),
            Cause::Malformed => (&context.stats.tls_malformed, ""),
        };
        counter.add();
        let peer = self.peer();
        // What is refused by a setting may be one that is set wrongly; the rest is everyday business of an open port.
        if !hint.is_empty() && context.may_name(hint) {
            tracing::warn!(%peer, "a TLS handshake has failed: {error}{hint}");
        } else {
            tracing::debug!(%peer, %error, "a TLS handshake has failed");
        }
    }

    /// The alert that says why is on its way, and what the client still sends must not destroy it.
    fn end_handshake(&self, life: &mut Life) {
        life.transport = Transport::Plain;
        life.has_timed_out = true;
        self.close(life);
    }
}

/// It is closed, and hears nothing more.
fn drop_client(life: &mut Life) -> Shaken {
    life.transport = Transport::Plain;
    life.state = State::Ended;
    Shaken::Over
}
