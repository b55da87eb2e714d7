use std::path::Path;

use super::*;
use crate::config::Limits;
use crate::error::Fault;
use crate::http::head::{Head, Seen};
use crate::http::parse;
use crate::net::account::{End, Times};
use crate::net::peer::PeerAddr;

const SOON: Duration = Duration::from_secs(20);

fn head(text: &[u8]) -> Head {
    let mut head = Head::default();
    parse::head(text, &Limits::default(), &mut head).unwrap().unwrap();
    head
}

fn account(request: Seen<'_>) -> Account<'_> {
    let times = Times { queue: Some(120), app: Some(34_005), total: Some(35_000) };
    let peer = PeerAddr::Ip("127.0.0.1".parse().unwrap(), 1);
    Account {
        request,
        request_id: None,
        peer,
        status: 200,
        fault: None,
        end: End::Whole,
        sent: 13,
        times,
        worker: Some(7),
        over: 1,
    }
}

/// A line, at a quarter past 1994's best-known second.
fn line(format: &str, filter: Filter, account: &Account<'_>) -> String {
    let mut wall = Wall::default();
    wall.set(Duration::from_millis(784_111_777_250));
    let trusted = Trusted::of(["127.0.0.0/8"]).unwrap();
    let entry = Entry { account, wall: &wall, filter: &filter, trusted: &trusted, process: b"42" };
    let mut out = Vec::new();
    Format::of(format).unwrap().write(&entry, &mut out);
    String::from_utf8(out).unwrap()
}

const REQUEST: &[u8] = b"GET /a?token=x&b=1 HTTP/1.1\r\nhost: h.example\r\nuser-agent: agent/1 (x)\r\n\
    referer: http://h/?token=y\r\nx-request-id: id-1\r\nx-forwarded-for: 192.0.2.9, 198.51.100.7, 127.0.0.9\r\n\r\n";

#[test]
fn the_formats_that_have_a_name() {
    let head = head(REQUEST);
    let account = account(Seen::Head(&head));
    let told = |format: &str| line(format, Filter::values(["token"]), &account);
    let common = r#"198.51.100.7 - - [06/Nov/1994:08:49:37 +0000] "GET /a?token=[FILTERED]&b=1 HTTP/1.1" 200 13"#;
    assert_eq!(told("common"), common);
    assert_eq!(told("combined"), format!(r#"{common} "http://h/?token=[FILTERED]" "agent/1 (x)""#));
    assert_eq!(
        told("text"),
        r#"1994-11-06T08:49:37.250Z 198.51.100.7 "GET /a?token=[FILTERED]&b=1 HTTP/1.1" 200 bytes=13 queue=0.120 app=34.005 total=35.000 id=id-1 worker=7 process=42 cause="-""#
    );
    assert_eq!(
        told("json"),
        r#"{"time":"1994-11-06T08:49:37.250Z","peer":"198.51.100.7","method":"GET","target":"/a?token=[FILTERED]&b=1","protocol":"HTTP/1.1","status":200,"bytes":13,"queue_ms":0.120,"app_ms":34.005,"total_ms":35.000,"request_id":"id-1","user_agent":"agent/1 (x)","referer":"http://h/?token=[FILTERED]","worker":7,"process":42}"#
    );
}

#[test]
fn a_template_has_text_and_fields() {
    let head = head(REQUEST);
    let told = |format: &str| line(format, Filter::All, &account(Seen::Head(&head)));
    assert_eq!(told("{method} {target} {path} {protocol} {host}"), "GET /a /a HTTP/1.1 h.example");
    assert_eq!(told("{remote_addr}/{peer} {header:Host} {header:x-none}"), "127.0.0.1/198.51.100.7 h.example -");
    assert_eq!(told("{{{status}}}\n{traceparent}"), "{200} -");
    assert_eq!(Format::of("{no}").unwrap_err().to_string(), "there is no field {no}");
    assert_eq!(Format::of("{status").unwrap_err().to_string(), "there is no field {status}");
}

#[test]
fn what_never_reached_the_app_is_told_with_its_cause() {
    let broken = b"\x16\x03\x01\"; \x1b[31m\xff";
    let refused = Account {
        status: 400,
        fault: Some(Fault::Malformed("this port speaks HTTP, not TLS")),
        times: Times::default(),
        worker: None,
        ..account(Seen::line(broken))
    };
    assert_eq!(
        line("\"{request}\" {status} {queue} {worker} {cause}", Filter::Nothing, &refused),
        r#""\x16\x03\x01\"; \x1B[31m\xFF" 400 - - this port speaks HTTP, not TLS"#
    );
    let told = line("json", Filter::Nothing, &refused);
    let expected = r#"{"time":"1994-11-06T08:49:37.250Z","peer":"127.0.0.1","status":400,"bytes":13,"process":42,"cause":"this port speaks HTTP, not TLS"}"#;
    assert_eq!(told, expected, "what there is nothing of is left out");
    let left = Account { status: 499, end: End::Cut, ..refused };
    assert_eq!(line("{cause}", Filter::Nothing, &Account { fault: None, ..left }), "client left");
    assert_eq!(line("{cause}", Filter::Nothing, &Account { fault: None, status: 200, ..left }), "cut");
    let seen = Seen::line(b"GET /a b\\c HTTP/1.1\r\n");
    assert_eq!(line("{request} {target}", Filter::Nothing, &account(seen)), r"GET /a /a");
}

fn log(path: &Path) -> AccessLog {
    let format = Format::of("{method} {target}").unwrap();
    AccessLog::open(Target::File(path.to_owned()), format, Filter::Nothing, Trusted::default()).unwrap()
}

fn observe(log: &AccessLog, times: usize) {
    let head = head(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n");
    (0..times).for_each(|_| log.observe(&account(Seen::Head(&head))));
}

#[test]
fn lines_are_appended_and_the_file_opened_anew_when_it_was_renamed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    std::fs::write(&path, "before\n").unwrap();
    let log = log(&path);
    log.start().unwrap();
    observe(&log, 2);
    assert!(log.flush(SOON));
    std::fs::rename(&path, &old).unwrap();
    observe(&log, 1);
    assert!(log.flush(SOON));
    log.reopen();
    observe(&log, 1);
    assert!(log.flush(SOON));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    assert_eq!((read(&old), read(&path)), ("before\nGET /a\nGET /a\nGET /a\n".to_owned(), "GET /a\n".to_owned()));
    std::fs::remove_dir_all(folder.path()).unwrap();
    log.reopen();
    observe(&log, 1);
    assert!(log.flush(SOON), "where none can be opened the old one goes on");
    assert_eq!(log.dropped(), 0);
}

/// Another process, or a server before this one, had no room left on its disk.
#[test]
fn a_line_that_broke_off_has_no_other_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    std::fs::write(&path, "GET /hal").unwrap();
    let log = log(&path);
    log.start().unwrap();
    observe(&log, 2);
    assert!(log.flush(SOON));
    io::Write::write_all(&mut std::fs::File::options().append(true).open(&path).unwrap(), b"GET /ot").unwrap();
    observe(&log, 1);
    assert!(log.flush(SOON));
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written, "GET /hal\nGET /a\nGET /a\nGET /ot\nGET /a\n");
    assert_eq!(log.dropped(), 0);
}

#[test]
fn what_is_enough_for_a_write_is_written_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = log(&path);
    log.start().unwrap();
    // Three times as much, so that some of it finds the thread gathering, some writing.
    observe(&log, 60_000);
    let end = std::time::Instant::now() + SOON;
    while std::fs::read(&path).unwrap().len() < 60_000 * 7 {
        assert!(std::time::Instant::now() < end, "nobody writes");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(log.dropped(), 0);
}

#[test]
fn what_waits_at_the_end_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let log = log(&path);
    log.start().unwrap();
    observe(&log, 3);
    let writer = log.writer.clone();
    drop(log);
    assert!(writer.flush(SOON));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "GET /a\n".repeat(3));
}

#[test]
fn a_reader_that_stands_still_costs_lines_which_are_counted_and_nobody_s_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    // Both ends, so that opening it waits for nobody.
    let _reader = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let log = log(&path);
    log.start().unwrap();
    observe(&log, 1_000_000);
    let before = log.dropped();
    assert!(before > 0);
    assert!(!log.flush(Duration::from_millis(1)));
    log.finish(Duration::from_millis(1));
    assert!(log.dropped() > before, "what waits at the end is lost, and counted");
}

#[test]
fn a_reader_that_leaves_costs_lines_which_are_counted_and_another_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let target = || Target::File(path.clone());
    let open = || AccessLog::open(target(), Format::of("{method}").unwrap(), Filter::Nothing, Trusted::default());
    let error = open().expect_err("nobody reads, and nobody waits for a reader");
    assert!(error.cure().starts_with("nobody reads that pipe"), "{error}; {}", error.cure());
    let options = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK;
    let reader = || rustix::fs::open(&path, options, rustix::fs::Mode::empty()).unwrap();
    let first = reader();
    let log = open().unwrap();
    log.start().unwrap();
    drop(first);
    observe(&log, 3);
    assert!(log.flush(SOON));
    assert_eq!(log.dropped(), 3);
    let second = reader();
    observe(&log, 2);
    assert!(log.flush(SOON));
    let mut read = [0; 64];
    let length = rustix::io::read(&second, &mut read).unwrap();
    assert_eq!(&read[..length], b"GET\nGET\n");
    assert_eq!(log.dropped(), 3);
}

#[test]
fn a_file_that_can_not_be_opened_is_named() {
    let target = Target::File("/no/such/folder/access.log".into());
    let error = AccessLog::open(target, Format::Json, Filter::Nothing, Trusted::default()).unwrap_err();
    assert!(error.to_string().starts_with("/no/such/folder/access.log can't be opened: "), "{error}");
    let full = Target::File("/dev/full".into());
    let log = AccessLog::open(full, Format::of("{status}").unwrap(), Filter::Nothing, Trusted::default()).unwrap();
    log.start().unwrap();
    observe(&log, 3);
    assert!(log.flush(SOON));
    assert_eq!(log.dropped(), 3);
}
