//! Listeners over real sockets.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;
use tempfile::TempDir;

use super::*;

/// Waits until a connection is ready, through the poll a server would use.
fn accept(listener: &mut Listener) -> (Socket, PeerAddr) {
    let mut poll = Poll::new().unwrap();
    poll.registry().register(listener, Token(0), Interest::READABLE).unwrap();
    poll.poll(&mut Events::with_capacity(1), Some(Duration::from_secs(10))).unwrap();
    let accepted = listener.accept().unwrap();
    poll.registry().deregister(listener).unwrap();
    accepted
}

fn socket_path() -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let uri = format!("unix://{}", path.display());
    (folder, path, uri)
}

/// What a killed server leaves: std's listener does not remove its file.
fn leave_stale(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
    assert!(path.exists());
}

#[test]
fn tcp_binds_a_free_port_and_tells_which() {
    let mut listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let port = listener.port().unwrap();
    assert_ne!(port, 0);
    assert_eq!(listener.uri(), format!("tcp://127.0.0.1:{port}"));
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);

    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (stream, peer) = accept(&mut listener);
    assert_eq!(peer, client.local_addr().unwrap().into());
    assert_eq!(peer.to_string(), "127.0.0.1");
    assert!(matches!(&stream, Socket::Tcp(socket) if socket.nodelay().unwrap()));
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);

    assert_eq!(stream.write(&[std::io::IoSlice::new(b"hi")]).unwrap(), 2);
    drop(stream);
    let mut heard = String::new();
    client.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hi");
}

#[test]
fn a_peer_that_is_silent_is_probed_and_given_up_when_it_has_vanished() {
    let mut listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let _client = TcpStream::connect(("127.0.0.1", listener.port().unwrap())).unwrap();
    let (stream, _) = accept(&mut listener);
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(15));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
}

#[test]
fn both_ip_versions_can_hold_one_port() {
    let six = match Listener::bind("tcp://[::]:0") {
        Ok(listener) => listener,
        Err(error) if fs::metadata("/proc/net/if_inet6").is_err() => return eprintln!("no IPv6 here: {error}"),
        Err(error) => panic!("{error}"),
    };
    let port = six.port().unwrap();
    assert_eq!(six.uri(), format!("tcp://[::]:{port}"));
    let four = Listener::bind(&format!("tcp://0.0.0.0:{port}")).unwrap();
    assert_eq!(four.port(), Some(port));
}

#[test]
fn a_name_is_resolved() {
    let listener = Listener::bind("tcp://localhost:0").unwrap();
    let port = listener.port().unwrap();
    assert!([format!("tcp://127.0.0.1:{port}"), format!("tcp://[::1]:{port}")].contains(&listener.uri()));

    let error = Listener::bind("tcp://no-such-host.invalid:80").unwrap_err();
    assert!(matches!(&error, ListenError::Resolve { host, .. } if host == "no-such-host.invalid"), "{error}");
}

#[test]
fn a_port_in_use_is_refused_and_free_again_after_the_drop() {
    let first = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let uri = first.uri();
    let error = Listener::bind(&uri).unwrap_err();
    assert!(matches!(&error, ListenError::InUse(given) if *given == uri), "{error}");
    drop(first);
    Listener::bind(&uri).unwrap();
}

#[test]
fn an_address_of_another_machine_is_refused_with_the_cure() {
    let error = Listener::bind("tcp://192.0.2.1:0").unwrap_err();
    assert!(error.to_string().contains("this machine has no such address"), "{error}");
}

#[test]
fn unix_listens_and_removes_its_file() {
    let (_folder, path, uri) = socket_path();
    let mut listener = Listener::bind(&uri).unwrap();
    assert_eq!((listener.uri(), listener.port()), (uri, None));

    let mut client = UnixStream::connect(&path).unwrap();
    let (stream, peer) = accept(&mut listener);
    assert_eq!((peer, peer.to_string()), (PeerAddr::Unix, "127.0.0.1".to_owned()));
    client.write_all(b"hi").unwrap();
    let mut heard = [0; 2];
    assert_eq!(stream.read(&mut heard).unwrap(), heard.len());
    assert_eq!(&heard, b"hi");

    drop(listener);
    assert!(!path.exists());
}

#[test]
fn the_file_can_be_removed_before_the_drop() {
    let (_folder, path, uri) = socket_path();
    let listener = Listener::bind(&uri).unwrap();
    listener.remove_file();
    assert!(!path.exists());

    let _next = Listener::bind(&uri).unwrap();
    listener.remove_file();
    drop(listener);
    assert!(path.exists(), "the next server's file was removed");
}

#[test]
fn a_stale_socket_is_reclaimed_and_a_live_one_refused() {
    let (_folder, path, uri) = socket_path();
    leave_stale(&path);
    let listener = Listener::bind(&uri).unwrap();
    UnixStream::connect(&path).unwrap();

    let error = Listener::bind(&uri).unwrap_err();
    assert!(matches!(&error, ListenError::InUse(given) if *given == uri), "{error}");
    UnixStream::connect(&path).unwrap();
    drop(listener);
}

#[test]
fn a_live_socket_whose_backlog_is_full_or_of_another_kind_is_refused() {
    let (folder, path, uri) = socket_path();
    let busy = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    busy.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    busy.listen(0).unwrap();
    let _waiting = UnixStream::connect(&path).unwrap();
    assert!(matches!(Listener::bind(&uri).unwrap_err(), ListenError::InUse(_)));

    let datagrams = folder.path().join("b.sock");
    let _other = UnixDatagram::bind(&datagrams).unwrap();
    let error = Listener::bind(&format!("unix://{}", datagrams.display())).unwrap_err();
    assert!(matches!(error, ListenError::InUse(_)));
    assert!(datagrams.exists());
}

#[test]
fn something_else_at_the_path_is_left_alone() {
    let (folder, path, uri) = socket_path();
    fs::write(&path, "precious").unwrap();
    assert!(matches!(Listener::bind(&uri).unwrap_err(), ListenError::NotASocket(given) if given == uri));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");

    let directory = format!("unix://{}", folder.path().display());
    assert!(matches!(Listener::bind(&directory).unwrap_err(), ListenError::NotASocket(given) if given == directory));
}

#[test]
fn a_missing_folder_and_a_long_path_are_told_apart() {
    let (folder, _, _) = socket_path();
    let error = Listener::bind(&format!("unix://{}/missing/a.sock", folder.path().display())).unwrap_err();
    assert!(error.to_string().contains("there is no folder"), "{error}");

    let long = format!("unix://{}/{}", folder.path().display(), "a".repeat(120));
    assert!(matches!(Listener::bind(&long).unwrap_err(), ListenError::Io { uri, .. } if uri == long));
}

#[test]
fn of_two_that_find_a_stale_socket_one_wins() {
    let (_folder, path, uri) = socket_path();
    for _ in 0..50 {
        leave_stale(&path);
        let start = Barrier::new(2);
        let bind = || {
            start.wait();
            Listener::bind(&uri)
        };
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(bind);
            (bind(), other.join().unwrap())
        });
        assert_eq!([&first, &second].iter().filter(|bound| bound.is_ok()).count(), 1, "{first:?} {second:?}");
        UnixStream::connect(&path).unwrap();
    }
}
