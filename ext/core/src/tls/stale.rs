//! Sessions that are not taken up again, since the certificate that their client has shown has ended: the client is to show another
//! in a handshake of its own, and is not sent away after its ticket was taken.

use super::expiry;

/// Whether a session, as rustls seals it in a ticket, is one of a client whose certificate has ended by `now`, in seconds since 1970. One
/// that can't be read is none: it is looked at again when it has been taken.
pub(super) fn is_stale(session: &[u8], now: u64) -> bool {
    let end = client_certificate(session).and_then(expiry::validity).map(|(_, end)| end);
    end.is_some_and(|end| end < now)
}

/// The first of its client's certificates. Before it stand the server's name, if one was asked for, version and cipher suite, the
/// secret, and whether that is an extended one (RFC 7627).
fn client_certificate(session: &[u8]) -> Option<&[u8]> {
    let rest = match session.split_first()? {
        (1, rest) => prefixed(rest, 1)?.1,
        (_, rest) => rest,
    };
    let (_, rest) = rest.split_at_checked(4)?;
    let (_, rest) = prefixed(rest, 1)?;
    let (_, rest) = rest.split_first()?;
    let (1, rest) = rest.split_first()? else { return None };
    // A list of them has its length before it, and each its own (RFC 8446 section 4.4.2).
    Some(prefixed(prefixed(rest, 3)?.0, 3)?.0)
}

/// What has its length before it, in so many bytes, and what follows that.
fn prefixed(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(width)?;
    rest.split_at_checked(length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use rustls::ServerConnection;
    use rustls::server::ProducesTickets;
    use rustls::version::{TLS12, TLS13};

    use super::super::given::{Settings, Verify};
    use super::super::port::Port;
    use super::super::test_client::{Client, Made, client_config};
    use super::*;

    /// Gives no tickets, and keeps what would be in them.
    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Vec<u8>>>);

    impl ProducesTickets for Kept {
        fn enabled(&self) -> bool {
            true
        }

        fn lifetime(&self) -> u32 {
            1
        }

        fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
            self.0.lock().unwrap().push(plain.to_vec());
            None
        }

        fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
    }

    /// A session of a client that asks for that host, and has that certificate.
    fn session(port: &Port, mut client: Client) -> Vec<u8> {
        let kept = Arc::new(Kept::default());
        let mut config = (*port.config()).clone();
        config.ticketer = kept.clone();
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        while client.0.is_handshaking() || server.is_handshaking() {
            server.read_tls(&mut &client.sends()[..]).unwrap();
            server.process_new_packets().unwrap();
            let mut sent = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut sent).unwrap();
            }
            client.reads(&sent).unwrap();
        }
        let sessions = kept.0.lock().unwrap();
        sessions.first().expect("there is a ticket").clone()
    }

    #[test]
    fn a_session_is_stale_with_its_clients_certificate() {
        let made = Made::of(&["localhost"]);
        let settings = Settings { verify: Verify::Optional, client_ca: Some(made.given().cert), ..made.settings() };
        let port = Port::load(settings, [1; 32]).unwrap();
        for version in [&TLS12, &TLS13] {
            // An address is no name, which is all that a client asks for.
            for host in ["localhost", "127.0.0.1"] {
                let own = session(&port, Client::new(&client_config(&[version], Some(&made)), host));
                assert!(is_stale(&own, Made::EXPIRES + 1) && !is_stale(&own, Made::EXPIRES), "{version:?} {host}");
                let none = session(&port, Client::new(&client_config(&[version], None), host));
                assert!(!is_stale(&none, Made::EXPIRES + 1));
                assert!(
                    (0..own.len() / 2).all(|length| !is_stale(&own[..length], Made::EXPIRES + 1)),
                    "what is cut off"
                );
            }
        }
    }
}
