//! What the system says no to when somebody connects: it costs that client a moment, or the connection, and nobody else.

use std::io::{Read, Write};

use rustix::io::Errno;

use super::panics::{GET, Served};
use crate::config::Config;
use crate::net::trap::Call;

fn asks(served: &Served) -> bool {
    let mut client = served.connect();
    client.write_all(GET).unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).is_ok() && &status == b"HTTP/1.1 200"
}

#[test]
fn an_accept_that_fails_is_tried_again() {
    let served = Served::start(1, Config::default());
    // The process's files, the machine's, its memory, a firewall's rule, a signal, a client that has left.
    for error in [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::PERM,
        Errno::INTR,
        Errno::CONNABORTED,
        Errno::PROTO,
    ] {
        served.server.context().trap.fail(Call::Accept, error.raw_os_error());
        assert!(asks(&served), "{error}");
    }
    served.drain();
}

#[test]
fn a_newcomer_that_the_poll_does_not_take_is_closed_and_the_next_is_served() {
    let served = Served::start(1, Config::default());
    for error in [Errno::NOSPC, Errno::NOMEM] {
        served.server.context().trap.fail(Call::Register, error.raw_os_error());
        assert!(!asks(&served), "{error}");
        assert!(asks(&served), "{error}");
    }
    let used = served.server.context().descriptors.used();
    assert!(used <= 1, "{used} descriptors are still counted");
    served.drain();
}
