//! One request at the control socket, and its answer: HTTP/1.1, after which the connection ends.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use socket2::Socket;

use super::message::{Answer, Request};
use super::routes::Routes;
use crate::http::{date, status};

/// For a request's head, and for a part of an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);
/// For all of an answer: who takes it byte by byte has a place that others wait for.
const ALL: Duration = Duration::from_secs(10);
/// Bytes of a head, and of a body that nobody reads.
const MOST: usize = 8192;

/// Serves one client; `has_asked` is called when its request is there, or never will be.
pub(super) fn serve(routes: &Routes, client: Socket, is_public: bool, has_asked: impl FnOnce()) {
    let end = Instant::now() + PATIENCE;
    let _ = client.set_nonblocking(false);
    let read = read(&client, end);
    has_asked();
    let Some(read) = read else { return };
    let (answer, is_head) = match read.and_then(|head| Request::parse(&head)) {
        Ok(mut request) => {
            request.is_public = is_public;
            (request.who, request.is_unix, request.user) = who(&client);
            (routes.answer(&request), request.method == "HEAD")
        }
        Err(fault) => (Answer::text(400, fault), false),
    };
    let bytes = bytes(&answer, is_head);
    send(&client, &bytes, Instant::now() + ALL);
    // Only now: a process that is told to stop may end before its client has heard of it.
    routes.asked.ring();
    let _ = client.shutdown(Shutdown::Write);
    // Closing with bytes unread would make the kernel send a reset, which may destroy the answer on its way.
    let _ = client.set_read_timeout(Some(Duration::from_millis(100)));
    let mut rest = [0; 1024];
    for _ in 0..MOST / 1024 {
        if !matches!((&client).read(&mut rest), Ok(length) if length > 0) {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}

/// A head; `None` of a client that says nothing, or leaves.
fn read(client: &Socket, end: Instant) -> Option<Result<Vec<u8>, &'static str>> {
    let (mut head, mut buffer) = (Vec::new(), [0; 2048]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || client.set_read_timeout(Some(left)).is_err() {
            return None;
        }
        match (&*client).read(&mut buffer) {
            Ok(length) if length > 0 => head.extend_from_slice(&buffer[..length]),
            _ => return None,
        }
        if memchr::memmem::find(&head, b"\r\n\r\n").is_some() {
            return Some(Ok(head));
        }
        if head.len() > MOST {
            return Some(Err("this request's head is too long\n"));
        }
    }
}

/// Sends as much as the client takes until then.
fn send(mut client: &Socket, mut bytes: &[u8], end: Instant) {
    while !bytes.is_empty() {
        let left = end.saturating_duration_since(Instant::now()).min(PATIENCE);
        if left.is_zero() || client.set_write_timeout(Some(left)).is_err() {
            return;
        }
        match client.write(bytes) {
            Ok(length) if length > 0 => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

fn bytes(answer: &Answer, is_head: bool) -> Vec<u8> {
    let Answer { status, kind, body, allow } = answer;
    let (reason, date) = (status::reason(*status), date::format(date::now()));
    let allow = allow.map(|allow| format!("allow: {allow}\r\n")).unwrap_or_default();
    // Whatever such a page may come to say, it is no other site's.
    let policy = if *kind == Answer::HTML {
        format!("content-security-policy: {}\r\n", include_str!("page.policy").trim_end())
    } else {
        String::new()
    };
    let challenge = if *status == 401 { "www-authenticate: Bearer\r\n" } else { "" };
    let mut bytes = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\n{allow}{policy}{challenge}date: {}\r\nconnection: close\r\n\r\n",
        body.len(),
        String::from_utf8_lossy(&date)
    )
    .into_bytes();
    if !is_head {
        bytes.extend_from_slice(body.as_bytes());
    }
    bytes
}

/// Who is at the other end, whether by a unix socket, and then as which user.
fn who(client: &Socket) -> (String, bool, Option<u32>) {
    if let Ok(Some(address)) = client.peer_addr().map(|address| address.as_socket()) {
        return (address.to_string(), false, None);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Ok(peer) = rustix::net::sockopt::socket_peercred(client) {
        let user = peer.uid.as_raw();
        return (format!("pid {}, uid {user}", peer.pid.as_raw_nonzero()), true, Some(user));
    }
    ("a process of this machine".to_owned(), true, None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn who_takes_an_answer_byte_by_byte_is_not_waited_for_for_ever() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let ours = Socket::from(std::os::fd::OwnedFd::from(ours));
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) && matches!((&theirs).read(&mut [0; 512]), Ok(1..)) {
                    thread::sleep(Duration::from_millis(1));
                }
            });
            // At that pace it would be minutes.
            let bytes = vec![b'a'; 64 * 1024 * 1024];
            send(&ours, &bytes, Instant::now() + Duration::from_millis(200));
            is_over.store(true, Ordering::SeqCst);
            ours.shutdown(Shutdown::Both).unwrap();
        });
    }
}
