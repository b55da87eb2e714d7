//! One request at the control socket, and its answer: HTTP/1.1, after which the connection ends. Nothing here waits.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use socket2::Socket;

use super::message::{Answer, Request};
use super::origin::Origin;
use crate::http::{date, status};

/// For a request's head, and for a part of an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);
/// For all of an answer: who takes it byte by byte has a place that others wait for.
const ALL: Duration = Duration::from_secs(10);
/// For a request to be looked at: each of those before it takes that long at most.
const WAIT: Duration = Duration::from_secs(3);
/// For a client that has been answered to close.
const FAREWELL: Duration = Duration::from_millis(500);
/// So long nobody has to leave for others who has come, or begun to be answered.
const GRACE: Duration = Duration::from_millis(250);
/// Bytes of a head.
const MOST: usize = 8192;
/// Bytes of a body, or of too long a head, that nobody reads.
const MOST_AFTER: usize = 64 * 1024;

/// A client, and how far it has come.
#[derive(Debug)]
pub(super) struct Exchange {
    client: Socket,
    origin: Origin,
    is_head: bool,
    /// It asks for something to be done.
    is_order: bool,
    stage: Stage,
    since: Instant,
    /// Then it is over.
    due: Option<Instant>,
}

#[derive(Debug)]
enum Stage {
    /// Its head is coming.
    Asking(Vec<u8>),
    /// It is about to be looked at.
    Waiting(Request),
    /// Somebody makes its answer.
    Answering,
    Sending {
        bytes: Vec<u8>,
        sent: usize,
        end: Instant,
    },
    /// All is sent. Closing with bytes unread would make the kernel send a reset, which may destroy the answer on its way.
    Leaving {
        read: usize,
    },
    Over,
}

impl Exchange {
    pub(super) fn new(client: Socket, origin: Origin, now: Instant) -> Exchange {
        let _ = client.set_nonblocking(true);
        let stage = Stage::Asking(Vec::new());
        Exchange { client, origin, is_head: false, is_order: false, stage, since: now, due: Some(now + PATIENCE) }
    }

    pub(super) fn client(&self) -> &Socket {
        &self.client
    }

    /// What of its socket is waited for.
    pub(super) fn awaits(&self) -> Option<PollFlags> {
        match self.stage {
            Stage::Asking(_) | Stage::Leaving { .. } => Some(PollFlags::IN),
            Stage::Sending { .. } => Some(PollFlags::OUT),
            Stage::Waiting(_) | Stage::Answering | Stage::Over => None,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Whether something is to be done now, and its client has heard of that, or never will: once.
    pub(super) fn may_be_done(&mut self) -> bool {
        matches!(self.stage, Stage::Leaving { .. } | Stage::Over) && std::mem::take(&mut self.is_order)
    }

    /// The request that is to be looked at.
    pub(super) fn request(&self) -> Option<&Request> {
        match &self.stage {
            Stage::Waiting(request) => Some(request),
            _ => None,
        }
    }

    /// The same, for whoever makes its answer.
    pub(super) fn take_request(&mut self) -> Option<Request> {
        if !matches!(self.stage, Stage::Waiting(_)) {
            return None;
        }
        self.due = None;
        match std::mem::replace(&mut self.stage, Stage::Answering) {
            Stage::Waiting(request) => Some(request),
            _ => None,
        }
    }

    /// How soon it has to leave where others need its place, the first the soonest; `None` where it doesn't.
    pub(super) fn leaves_for_others(&self, now: Instant) -> Option<(u8, Instant)> {
        let has_had_grace = now.saturating_duration_since(self.since) >= GRACE;
        match self.stage {
            Stage::Leaving { .. } => Some((0, self.since)),
            Stage::Asking(_) if has_had_grace => Some((1, self.since)),
            Stage::Sending { .. } if has_had_grace => Some((2, self.since)),
            _ => None,
        }
    }

    /// Has it leave.
    pub(super) fn end(&mut self) {
        (self.stage, self.due) = (Stage::Over, None);
    }

    /// Goes on as far as the client has come.
    pub(super) fn go_on(&mut self, now: Instant) {
        loop {
            let goes_on = match self.stage {
                Stage::Asking(_) => self.read(now),
                Stage::Sending { .. } => self.send(now),
                Stage::Leaving { .. } => self.see_off(),
                Stage::Waiting(_) | Stage::Answering | Stage::Over => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Ends what takes too long.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        match &self.stage {
            Stage::Waiting(_) => self.refuse(now),
            Stage::Asking(head) if !head.is_empty() => {
                self.answer(&Answer::text(408, "this request's head has no end\n"), now);
            }
            _ => self.end(),
        }
    }

    /// Too many ask.
    pub(super) fn refuse(&mut self, now: Instant) {
        self.answer(&Answer::text(503, "too many ask at once; ask again in a moment\n"), now);
    }

    pub(super) fn answer(&mut self, answer: &Answer, now: Instant) {
        let bytes = bytes(answer, self.is_head);
        (self.since, self.due) = (now, Some(now + PATIENCE));
        self.stage = Stage::Sending { bytes, sent: 0, end: now + ALL };
        self.go_on(now);
    }

    /// Reads of its head: whether to go on.
    fn read(&mut self, now: Instant) -> bool {
        let Stage::Asking(head) = &mut self.stage else { return false };
        let mut buffer = [0; 2048];
        match (&self.client).read(&mut buffer) {
            Ok(0) => {
                self.end();
                return false;
            }
            Ok(length) => head.extend_from_slice(&buffer[..length]),
            Err(error) => return self.is_passing(&error),
        }
        // A line may end without its CR (RFC 9112 section 2.2).
        if [&b"\n\r\n"[..], b"\n\n"].iter().any(|end| memchr::memmem::find(head, end).is_some()) {
            match Request::parse(head) {
                Ok(request) => self.wait(request, now),
                Err(fault) => self.answer(&Answer::text(400, fault), now),
            }
        } else if head.len() > MOST {
            self.answer(&Answer::text(400, "this request's head is too long\n"), now);
        }
        true
    }

    fn wait(&mut self, mut request: Request, now: Instant) {
        self.is_head = request.method == "HEAD";
        self.is_order = request.method == "POST";
        request.origin = std::mem::take(&mut self.origin);
        (self.stage, self.since, self.due) = (Stage::Waiting(request), now, Some(now + WAIT));
    }

    /// Sends as much as the client takes: whether to go on.
    fn send(&mut self, now: Instant) -> bool {
        let Stage::Sending { bytes, sent, end } = &mut self.stage else { return false };
        match (&self.client).write(&bytes[*sent..]) {
            Ok(length) => {
                *sent += length;
                self.due = Some((now + PATIENCE).min(*end));
                if *sent == bytes.len() {
                    let _ = self.client.shutdown(Shutdown::Write);
                    (self.stage, self.since, self.due) = (Stage::Leaving { read: 0 }, now, Some(now + FAREWELL));
                }
                // A client that takes all the time is no reason to keep others waiting.
                length > 0 && !matches!(self.stage, Stage::Sending { .. })
            }
            Err(error) => self.is_passing(&error),
        }
    }

    /// Reads what is left: whether to go on.
    fn see_off(&mut self) -> bool {
        let Stage::Leaving { read } = &mut self.stage else { return false };
        match (&self.client).read(&mut [0; 2048]) {
            Ok(length) if length > 0 && *read < MOST_AFTER => {
                *read += length;
                true
            }
            Ok(_) => {
                self.end();
                false
            }
            Err(error) => self.is_passing(&error),
        }
    }

    /// Whether to try again at once. What is no matter of time ends it.
    fn is_passing(&mut self, error: &std::io::Error) -> bool {
        match error.kind() {
            ErrorKind::Interrupted => return true,
            ErrorKind::WouldBlock => {}
            _ => self.end(),
        }
        false
    }
}

/// A child of fork may still have the socket, which is to be over nevertheless.
impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.client.shutdown(Shutdown::Both);
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

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use socket2::SockRef;

    use super::*;
    use crate::net::listener::Listener;

    fn pair(now: Instant) -> (Exchange, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Exchange::new(Socket::from(OwnedFd::from(ours)), Origin::default(), now), theirs)
    }

    fn after(now: Instant, milliseconds: u64) -> Instant {
        now + Duration::from_millis(milliseconds)
    }

    #[test]
    fn who_takes_an_answer_byte_by_byte_is_not_waited_for_for_ever() {
        let start = Instant::now();
        let (mut exchange, mut theirs) = pair(start);
        // At that pace it would be hours.
        exchange.answer(&Answer::text(200, "a".repeat(64 * 1024 * 1024)), start);
        let mut seconds = 0;
        while !exchange.is_over() {
            seconds += 1;
            let now = start + Duration::from_secs(seconds);
            let _ = theirs.read(&mut vec![0; 512 * 1024]).unwrap();
            exchange.go_on(now);
            exchange.expire(now);
        }
        assert_eq!(seconds, ALL.as_secs());
    }

    #[test]
    fn who_has_been_answered_leaves_first_and_who_is_answered_not_at_all() {
        let start = Instant::now();
        let (mut exchange, mut theirs) = pair(start);
        assert_eq!(exchange.leaves_for_others(start), None, "it has just come");
        assert!(exchange.leaves_for_others(after(start, 250)).is_some());
        theirs.write_all(b"GET /stats HTTP/1.1\r\n\r\n").unwrap();
        exchange.go_on(after(start, 250));
        assert_eq!(exchange.take_request().unwrap().path, "/stats");
        exchange.expire(after(start, 60_000));
        assert_eq!((exchange.leaves_for_others(after(start, 60_000)), exchange.is_over()), (None, false));
        exchange.answer(&Answer::text(200, "that\n"), after(start, 60_000));
        assert_eq!(exchange.leaves_for_others(after(start, 60_000)), Some((0, after(start, 60_000))));
        exchange.expire(after(start, 60_500));
        assert!(exchange.is_over());
        drop(exchange);
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\nthat\n"), "{answer}");
    }

    #[test]
    fn who_sends_half_of_a_head_is_told_so_and_who_says_nothing_is_not() {
        let start = Instant::now();
        for (sent, told) in [("GET /live HTTP/1.1\r\nhost: x\r\n", "HTTP/1.1 408 Request Timeout\r\n"), ("", "")] {
            let (mut exchange, mut theirs) = pair(start);
            theirs.write_all(sent.as_bytes()).unwrap();
            exchange.go_on(start);
            exchange.expire(start + PATIENCE);
            drop(exchange);
            let mut answer = String::new();
            theirs.read_to_string(&mut answer).unwrap();
            assert_eq!(answer.split_inclusive("\r\n").next().unwrap_or_default(), told, "{answer}");
        }
    }

    #[test]
    fn who_has_waited_in_vain_is_told_so() {
        let start = Instant::now();
        let (mut exchange, mut theirs) = pair(start);
        theirs.write_all(b"GET /requests HTTP/1.1\r\n\r\n").unwrap();
        exchange.go_on(start);
        exchange.expire(start + WAIT);
        drop(exchange);
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    }

    #[test]
    fn who_has_reset_the_connection_has_come_from_where_it_came() {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let mut theirs = TcpStream::connect(("127.0.0.1", listener.port().unwrap())).unwrap();
        let address = theirs.local_addr().unwrap();
        let start = Instant::now();
        let (client, peer) = SockRef::from(&listener).accept().unwrap();
        let origin = Origin::of(&listener, &client, &peer);
        let mut exchange = Exchange::new(client, origin, start);
        theirs.write_all(b"POST /stop HTTP/1.1\r\n\r\n").unwrap();
        SockRef::from(&theirs).set_linger(Some(Duration::ZERO)).unwrap();
        drop(theirs);
        while exchange.request().is_none() {
            assert!(!exchange.is_over() && start.elapsed() < Duration::from_secs(20), "{exchange:?}");
            exchange.go_on(start);
        }
        let origin = &exchange.request().unwrap().origin;
        assert_eq!((origin.is_unix, origin.who.clone()), (false, address.to_string()));
    }
}
