//! Listeners over real sockets.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use socket2::{SockRef, Type};
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
fn a_port_can_be_shared_where_all_say_so() {
    let one = Listener::bind("tcp://127.0.0.1:0?reuse_port=true").unwrap();
    let port = one.port().unwrap();
    assert!(Listener::bind(&format!("tcp://127.0.0.1:{port}?reuse_port=true")).is_ok());
    assert!(Listener::bind(&format!("tcp://127.0.0.1:{port}")).is_err(), "this one doesn't");
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

fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

/// Where an address that is bound takes a connection.
fn reaches(hosts: &[&'static str], port: u16) -> Vec<&'static str> {
    let is_taken = |host: &&str| TcpStream::connect((*host, port)).is_ok();
    hosts.iter().copied().filter(is_taken).collect()
}

const LOOPBACKS: &[&str] = &["127.0.0.1", "::1"];

#[test]
fn an_address_for_everything_takes_both_families_unless_it_is_told_otherwise() {
    if !has_ipv6() {
        return eprintln!("no IPv6 here");
    }
    let both = Listener::bind("tcp://[::]:0").unwrap();
    let port = both.port().unwrap();
    assert_eq!((both.uri(), reaches(LOOPBACKS, port)), (format!("tcp://[::]:{port}"), LOOPBACKS.to_vec()));
    let (one, false_one) = (Listener::bind("tcp://[::]:0?ipv6only=true").unwrap(), "tcp://[::]:0?ipv6only=false");
    assert_eq!(reaches(LOOPBACKS, one.port().unwrap()), ["::1"]);
    assert_eq!(reaches(LOOPBACKS, Listener::bind(false_one).unwrap().port().unwrap()), LOOPBACKS);
}

#[test]
fn both_ip_versions_can_hold_one_port_in_any_order() {
    if !has_ipv6() {
        return eprintln!("no IPv6 here");
    }
    let port = Listener::bind("tcp://[::]:0").unwrap().port().unwrap();
    let (four, six) = (format!("tcp://0.0.0.0:{port}"), format!("tcp://[::]:{port}"));
    for uris in [[&four, &six], [&six, &four]] {
        let listeners = Listener::bind_each(&uris).unwrap();
        assert_eq!(listeners.iter().map(Listener::uri).collect::<Vec<_>>(), uris.map(String::clone));
        assert_eq!(reaches(LOOPBACKS, port), LOOPBACKS);
    }
}

#[test]
fn localhost_is_both_loopback_addresses_at_one_port() {
    if !has_ipv6() {
        return eprintln!("no IPv6 here");
    }
    for uri in ["tcp://localhost:0", "tcp://LocalHost:0?backlog=5"] {
        let listeners = Listener::bind_each(&[uri]).unwrap();
        let port = listeners[0].port().unwrap();
        let uris: Vec<_> = listeners.iter().map(Listener::uri).collect();
        assert_eq!(uris, [format!("tcp://127.0.0.1:{port}"), format!("tcp://[::1]:{port}")]);
        assert_eq!(reaches(LOOPBACKS, port), LOOPBACKS);
    }
}

#[test]
fn a_name_is_resolved() {
    let error = Listener::bind("tcp://no-such-host.invalid:80").unwrap_err();
    assert!(matches!(&error, ListenError::Resolve { host, .. } if host == "no-such-host.invalid"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn as_many_wait_as_the_backlog_says() {
    let listener = Listener::bind("tcp://127.0.0.1:0?backlog=2").unwrap();
    // The kernel's own number: `Send-Q` of a socket that listens.
    let asked =
        std::process::Command::new("ss").args(["-Hltn", &format!("sport = :{}", listener.port().unwrap())]).output();
    let Ok(output) = asked else { return eprintln!("no ss here") };
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.split_whitespace().nth(2), Some("2"), "{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_unix_socket_needs_no_file() {
    use std::os::linux::net::SocketAddrExt;

    let name = format!("kino-test-{}", std::process::id());
    let uri = format!("unix://@{name}");
    let mut listener = Listener::bind(&uri).unwrap();
    assert_eq!((listener.uri(), listener.port()), (uri.clone(), None));
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _client = UnixStream::connect_addr(&address).unwrap();
    assert_eq!(accept(&mut listener).1, PeerAddr::Unix);
    assert!(matches!(Listener::bind(&uri).unwrap_err(), ListenError::InUse { .. }));
    drop(listener);
    Listener::bind(&uri).unwrap();
}

#[test]
fn who_may_connect_to_a_file_is_said_by_mode_and_umask_and_is_anybody_by_default() {
    use std::os::unix::fs::PermissionsExt;

    for (query, mode) in [
        ("", 0o777),
        ("?mode=0660", 0o660),
        ("?umask=0027", 0o750),
        ("?umask=0777&mode=600", 0o600),
        ("?backlog=5", 0o777),
    ] {
        let (_folder, path, uri) = socket_path();
        let listener = Listener::bind(&format!("{uri}{query}")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode, "{query}");
        assert_eq!(listener.uri(), uri);
        drop(listener);
        assert!(!path.exists());
    }
}

#[test]
fn the_refusal_of_an_address_in_use_names_who_to_ask() {
    let first = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let uri = format!("{}?backlog=9", first.uri());
    let text = Listener::bind(&uri).unwrap_err().to_string();
    let ask = if cfg!(target_os = "linux") { "ss -ltnp 'sport = :" } else { "lsof -nP -iTCP:" };
    assert!(text.contains(&format!("{ask}{}", first.port().unwrap())), "{text}");
    let (_folder, _, uri) = socket_path();
    let _first = Listener::bind(&uri).unwrap();
    let text = Listener::bind(&uri).unwrap_err().to_string();
    assert!(
        text.contains(if cfg!(target_os = "linux") { "(ss -lxp names it)" } else { "(lsof -U names it)" }),
        "{text}"
    );
}

#[test]
fn a_port_in_use_is_refused_and_free_again_after_the_drop() {
    let first = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let uri = first.uri();
    let error = Listener::bind(&uri).unwrap_err();
    assert!(matches!(&error, ListenError::InUse { uri: given, .. } if *given == uri), "{error}");
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
    assert!(matches!(&error, ListenError::InUse { uri: given, .. } if *given == uri), "{error}");
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
    assert!(matches!(Listener::bind(&uri).unwrap_err(), ListenError::InUse { .. }));

    let datagrams = folder.path().join("b.sock");
    let _other = UnixDatagram::bind(&datagrams).unwrap();
    let error = Listener::bind(&format!("unix://{}", datagrams.display())).unwrap_err();
    assert!(matches!(error, ListenError::InUse { .. }));
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
