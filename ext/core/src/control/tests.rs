//! The control socket, as its clients see it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::*;
use crate::scoreboard::State;
use crate::siblings::tests::board;

fn control(slots: &'static [Slot], settings: Settings) -> Control {
    let control = Control::new(slots, settings);
    control.start(false).unwrap();
    control
}

fn over_tcp(slots: &'static [Slot], token: Option<&str>) -> (Control, u16) {
    let (uri, token) = ("tcp://127.0.0.1:0".to_owned(), token.map(str::to_owned));
    let control = control(slots, Settings { uri, token, bell: Some(pipe()), has_processes: true });
    let port = control.uris()[0].rsplit_once(':').unwrap().1.parse().unwrap();
    (control, port)
}

fn pipe() -> OwnedFd {
    io::pipe().unwrap().1.into()
}

fn ask_of(mut client: impl Read + Write, request: &str) -> String {
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn ask(port: u16, request: &str) -> String {
    ask_of(TcpStream::connect(("127.0.0.1", port)).unwrap(), request)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn get(port: u16, path: &str) -> String {
    ask(port, &format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"))
}

#[test]
fn says_that_it_lives_and_whether_any_process_is_ready() {
    let slots = board(2, 0);
    let (_control, port) = over_tcp(slots, None);
    assert!(get(port, "/live").starts_with("HTTP/1.1 200 OK\r\n"));
    slots.iter().for_each(|slot| slot.take(7));
    assert!(get(port, "/ready").ends_with("\r\n\r\nnot ready: booting\n"));
    // It has not beaten since.
    slots[1].ready();
    slots[1].beat.store(crate::scoreboard::now() + 600_000, std::sync::atomic::Ordering::Relaxed);
    assert!(get(port, "/ready").ends_with("\r\n\r\nready\n"));
    slots[1].set_vitals(crate::scoreboard::Vitals { unserved: 12_300, ..Default::default() });
    let answer = get(port, "/ready");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("none was taken for 12.3 s\n"), "{answer}");
    slots.iter().for_each(|slot| slot.set_state(State::Draining));
    assert!(get(port, "/ready").ends_with("not ready: stopping\n"));
    let head = ask(port, "HEAD /live HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn what_is_no_request_or_asks_for_no_page_is_told_so() {
    let (_control, port) = over_tcp(board(1, 0), None);
    assert_eq!(status(&ask(port, "hello\r\n\r\n")), "400");
    assert_eq!(status(&get(port, "/other")), "404");
    // RFC 9112 section 2.2.
    assert_eq!(status(&ask(port, "GET /live HTTP/1.1\nhost: localhost\n\n")), "200");
    let wrong = ask(port, "POST /live HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi");
    assert!(status(&wrong) == "405" && wrong.contains("\r\nallow: GET, HEAD\r\n"), "{wrong}");
    assert_eq!(status(&ask(port, &format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(20_000)))), "400");
}

/// RFC 9112 section 3.2.2.
#[test]
fn a_target_in_absolute_form_is_understood_and_its_host_counts() {
    let (_control, port) = over_tcp(board(1, 0), None);
    let ask = |target: &str, host: &str| ask(port, &format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    assert_eq!(status(&ask("http://localhost/live", "localhost")), "200");
    assert_eq!(status(&ask(&format!("HTTP://127.0.0.1:{port}/stats"), "x")), "200");
    assert!(ask("http://localhost", "localhost").contains("\r\ncontent-type: text/html"));
    assert!(ask("http://localhost/requests?format=text", "x").contains("REQUEST\n"));
    assert_eq!(status(&ask("http://example.com/stats", "localhost")), "403");
    assert_eq!(status(&ask("/other?u=http://localhost/live", "localhost")), "404");
    for target in ["ftp://localhost/live", "http:///live", "live"] {
        assert_eq!(status(&ask(target, "localhost")), "400", "{target}");
    }
}

#[test]
fn a_client_that_says_nothing_is_in_nobodys_way() {
    let (_control, port) = over_tcp(board(1, 0), None);
    let silent: Vec<_> = (0..3).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(status(&get(port, "/live")), "200");
    drop(silent);
}

#[test]
fn over_tcp_what_is_to_be_done_needs_the_token() {
    let (control, port) = over_tcp(board(1, 0), Some("secret"));
    let post = |path: &str, field: &str| {
        ask(port, &format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{field}content-length: 0\r\n\r\n"))
    };
    assert_eq!(status(&post("/stop", "")), "401");
    assert_eq!(status(&post("/stop", "authorization: Bearer secreT\r\n")), "401");
    assert_eq!(control.asked(), None);
    assert_eq!(status(&post("/stop", "authorization: Basic secret\r\n")), "401");
    assert_eq!(control.asked(), None);
    // RFC 9110 section 11.1: a scheme's case says nothing.
    for scheme in ["bearer", "BEARER"] {
        assert_eq!(status(&post("/stop", &format!("authorization: {scheme} secret\r\n"))), "202", "{scheme}");
        assert!(control.asked().is_some());
    }
    assert_eq!(status(&post("/stop", "authorization: Bearer secret\r\n")), "202");
    let asked = control.asked().unwrap();
    assert_eq!((asked.what.as_str(), asked.action), ("stop", Some(Action::Stop)));
    assert!(asked.who.starts_with("127.0.0.1:"), "{asked:?}");

    let (_control, port) = over_tcp(board(1, 0), None);
    let answer = ask(port, "POST /stop HTTP/1.1\r\n\r\n");
    assert!(status(&answer) == "403" && answer.contains("control_token"), "{answer}");
}

/// A process that boots ends at once when it is told to.
#[test]
fn who_is_to_do_what_was_asked_for_is_woken_when_the_client_has_its_answer() {
    let (mut rings, bell) = io::pipe().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let uri = format!("unix://{}", path.display());
    let _control = control(board(1, 0), Settings { uri, bell: Some(bell.into()), ..Settings::default() });
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"POST /stop HTTP/1.1\r\ncontent-length: 0\r\n\r\n").unwrap();
    rings.read_exact(&mut [0]).unwrap();
    client.set_nonblocking(true).unwrap();
    let mut answer = [0; 4096];
    let length = client.read(&mut answer).unwrap();
    assert!(answer[..length].ends_with(b"asked for stop; the log says how that goes\n"));
}

/// The system knows no peer of such a connection any more, and still gives what it has sent.
#[test]
fn who_resets_the_connection_is_no_process_of_this_machine() {
    let slots = board(1, 0);
    slots[0].take(7);
    for token in [Some("secret"), None] {
        let (control, port) = over_tcp(slots, token);
        // While as many as may be say nothing, nobody is accepted: these are all reset by then.
        let silent: Vec<_> = (0..64).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
        for _ in 0..16 {
            let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            client.write_all(b"POST /stop HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").unwrap();
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(silent);
        assert_eq!(status(&get(port, "/stats")), "200");
        assert!(!get(port, "/ready").contains("stopping"));
        assert_eq!(control.asked(), None);
    }
}

#[test]
fn what_is_asked_while_nobody_serves_yet_is_done_later_or_said_not_to_be() {
    let slots = board(2, 0);
    let (_control, port) = over_tcp(slots, Some("secret"));
    let post = |path: &str| {
        ask(port, &format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer secret\r\n\r\n"))
    };
    assert_eq!(status(&post("/log-level/debug")), "200");
    assert_eq!(status(&post("/gc")), "503");
    slots[0].take(7);
    assert_eq!(slots[0].log_level(), 4);
}

#[test]
fn a_server_that_stops_says_that_it_does_nothing_else() {
    let (control, port) = over_tcp(board(1, 0), Some("secret"));
    let post = |path: &str| {
        ask(port, &format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer secret\r\n\r\n"))
    };
    control.stopping();
    for path in ["/restart", "/restart/full", "/reload", "/processes/+1", "/processes/-1"] {
        assert_eq!(status(&post(path)), "409", "{path}");
    }
    assert_eq!(control.asked(), None);
    assert_eq!(status(&post("/stop")), "202");
}

#[test]
fn a_page_from_elsewhere_that_a_browser_shows_learns_nothing() {
    let (_control, port) = over_tcp(board(1, 0), None);
    for fields in [
        "host: example.com",
        "origin: http://example.com",
        "origin: null",
        "host: 127.0.0.1\r\nsec-fetch-site: cross-site",
    ] {
        assert_eq!(status(&ask(port, &format!("GET /other HTTP/1.1\r\n{fields}\r\n\r\n"))), "403", "{fields}");
    }
}

#[test]
fn a_unix_socket_is_its_owners_alone_and_its_file_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let uri = format!("unix://{}", path.display());
    let control =
        control(board(1, 0), Settings { uri, bell: Some(pipe()), has_processes: true, ..Settings::default() });
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let answer = ask_of(UnixStream::connect(&path).unwrap(), "POST /restart/full HTTP/1.1\r\n\r\n");
    assert_eq!(status(&answer), "202", "{answer}");
    let asked = control.asked().unwrap();
    assert_eq!((asked.what.as_str(), asked.action), ("restart/full", Some(Action::RestartFull)));
    assert!(asked.who.starts_with(&format!("pid {}, uid ", std::process::id())) || cfg!(not(target_os = "linux")));
    // What ssh -L lets in.
    for fields in ["origin: http://example.com", "host: example.com", "host: localhost:9293\r\norigin: null"] {
        let answer = ask_of(UnixStream::connect(&path).unwrap(), &format!("POST /stop HTTP/1.1\r\n{fields}\r\n\r\n"));
        assert_eq!(status(&answer), "403", "{fields}: {answer}");
    }
    let own = "host: localhost:9293\r\norigin: http://localhost:9293";
    let answer = ask_of(UnixStream::connect(&path).unwrap(), &format!("POST /stop HTTP/1.1\r\n{own}\r\n\r\n"));
    assert_eq!(status(&answer), "202", "{answer}");
    control.close();
    assert!(!path.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_without_a_file_is_for_the_servers_own_user() {
    use crate::control::board::Board;
    use crate::control::message::Request;
    use crate::control::origin::Origin;
    use crate::control::routes::Routes;

    let uri = "unix://@kino-test".to_owned();
    let routes = Routes::new(Board::new(board(1, 0)), Settings { uri, ..Settings::default() });
    let own = rustix::process::geteuid().as_raw();
    let status = |user| {
        let (path, method) = ("/stats".to_owned(), "GET".to_owned());
        routes
            .answer(&Request {
                path,
                method,
                origin: Origin { is_unix: true, user, ..Origin::default() },
                ..Request::default()
            })
            .status
    };
    assert_eq!([status(Some(own)), status(Some(0)), status(Some(own + 1)), status(None)], [200, 200, 403, 403]);
}

#[test]
fn one_that_takes_anothers_place_listens_once_that_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let settings = || Settings { uri: format!("unix://{}", path.display()), ..Settings::default() };
    let before = control(board(1, 0), settings());
    let next = Control::new(board(1, 0), settings());
    next.start(true).unwrap();
    before.close();
    let end = Instant::now() + Duration::from_secs(20);
    while next.uris().is_empty() {
        assert!(Instant::now() < end, "waited in vain for it to listen");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(status(&ask_of(UnixStream::connect(&path).unwrap(), "GET /live HTTP/1.1\r\n\r\n")), "200");
}

#[test]
fn a_file_that_says_who_may_connect_is_left_at_that() {
    assert_eq!(with_mode("unix:///run/kino.sock"), "unix:///run/kino.sock?mode=0600");
    assert_eq!(with_mode("unix:///run/kino.sock?backlog=8"), "unix:///run/kino.sock?backlog=8&mode=0600");
    for uri in ["unix:///run/kino.sock?mode=0660", "unix:///run/kino.sock?umask=0007", "unix://@kino", "tcp://[::1]:1"]
    {
        assert_eq!(with_mode(uri), uri);
    }
}

#[test]
fn clients_that_say_nothing_hold_nobody_up() {
    let (_control, port) = over_tcp(board(1, 0), None);
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    assert_eq!(status(&ask(port, "GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n")), "200");
    drop(silent);
}

#[test]
fn many_who_ask_at_once_all_have_their_answers() {
    let (_control, port) = over_tcp(board(1, 0), None);
    for path in ["/live", "/stats"] {
        let answers: Vec<_> = thread::scope(|scope| {
            let asking: Vec<_> = (0..48).map(|_| scope.spawn(|| get(port, path))).collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        answers.iter().for_each(|answer| assert_eq!(status(answer), "200", "{path}: {answer}"));
    }
}

#[test]
fn who_asks_how_it_is_waits_for_nobody_whose_answer_takes_long() {
    // Its process never tells anything, so each of these takes as long as there is patience.
    let slots = board(1, crate::scoreboard::now() + 600_000);
    slots[0].set_state(State::Ready);
    let (_control, port) = over_tcp(slots, None);
    let ask_for_long = || {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"GET /requests?backtrace=1 HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        client
    };
    let mut slow: Vec<_> = (0..24).map(|_| ask_for_long()).collect();
    assert_eq!(status(&get(port, "/live")), "200");
    assert_eq!(status(&get(port, "/stats")), "200");
    for client in &slow {
        client.set_nonblocking(true).unwrap();
        let answer = (&*client).read(&mut [0]);
        assert!(answer.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "it was answered already");
    }
    for client in &mut slow[..8] {
        client.set_nonblocking(false).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(status(&answer), "200", "{answer}");
    }
}

#[test]
fn half_of_a_head_holds_a_place_only_where_nobody_else_needs_it() {
    let (_control, port) = over_tcp(board(1, 0), None);
    let begun = || {
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"GET /live HTTP/1.1\r\n").unwrap();
        client
    };
    let half: Vec<_> = (0..200).map(|_| begun()).collect();
    assert_eq!(status(&get(port, "/live")), "200");
    drop(half);
}
