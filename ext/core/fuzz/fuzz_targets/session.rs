//! The first bytes of TLS: what becomes of a handshake does not depend on how its bytes come, and none of them is a panic.

#![no_main]

use std::io::sink;
use std::sync::LazyLock;

use kino_core::tls::given::{Given, Pem, Settings};
use kino_core::tls::port::Port;
use kino_core::tls::session::{Cause, Progress, Session};
use libfuzzer_sys::fuzz_target;

/// With a certificate and a key that are for this alone.
static PORT: LazyLock<Port> = LazyLock::new(|| {
    let text = Pem::Text(include_str!("session.pem").to_owned());
    let given = Given { cert: text.clone(), key: text, key_password_command: None, ocsp: None };
    Port::load(Settings { certificates: vec![given], ..Settings::default() }, [0; 32]).unwrap()
});

fn shake<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Progress, Cause> {
    let mut session = Session::new(&PORT).unwrap();
    let mut shaken = Ok(Progress::Wants);
    for piece in pieces {
        shaken = session.shake(piece).map_err(|(cause, _)| cause);
        assert!(session.flush(&mut sink()).unwrap());
        if shaken != Ok(Progress::Wants) {
            break;
        }
    }
    shaken
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = (usize::from(input.0) + 1, input.1);
    assert_eq!(shake([bytes].into_iter()), shake(bytes.chunks(size)));
});
