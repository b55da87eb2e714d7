//! A client of the simulated world: what it says, and whether what it hears is right.

use std::collections::VecDeque;
use std::sync::Weak;

use super::bytes::Bytes;
use crate::net::connection::Connection;
use crate::net::fake_socket::FakeSocket;

/// Where an answer says which request it is for.
pub(super) const ANSWERS: &[u8] = b"x-answers";

/// A client and its connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) socket: FakeSocket,
    /// What it speaks by, where that is TLS.
    #[cfg(test)]
    pub(super) layer: Option<super::layer::Layer>,
    pub(super) connection: Weak<Connection>,
    /// It goes on sending a byte now and then, and reads as slowly.
    pub(super) drips: bool,
    /// It has ended its sending half, and waits for its answers.
    has_said_all: bool,
    /// It may not get an answer to each request: it has left, or something was broken on purpose.
    pub(super) is_excused: bool,
    /// The app has its socket.
    pub(super) is_hijacked: bool,
    /// The requests that it says, in order, and where the last byte of each is in all that it says.
    asked: Vec<(Asked, usize)>,
    /// What it has to say and has not sent.
    unsent: VecDeque<u8>,
    said: usize,
    /// Something in what it says is broken: after that, nothing is known.
    is_broken: bool,
    got: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Asked {
    target: Vec<u8>,
    is_head: bool,
    is_http10: bool,
}

/// One answer as its client reads it.
struct Answer<'a> {
    status: u16,
    answers: Option<&'a [u8]>,
    closes: bool,
    body: Vec<u8>,
    is_whole: bool,
}

/// What the body of a request, or of an answer, is: nobody else's is the same.
pub(super) fn pattern(target: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + target.len());
    while bytes.len() < length {
        bytes.extend_from_slice(target);
    }
    bytes.truncate(length);
    bytes
}

impl Client {
    pub(super) fn new(number: usize, socket: FakeSocket) -> Client {
        Client {
            number,
            socket,
            #[cfg(test)]
            layer: None,
            connection: Weak::new(),
            drips: false,
            has_said_all: false,
            is_excused: false,
            is_hijacked: false,
            asked: Vec::new(),
            unsent: VecDeque::new(),
            said: 0,
            is_broken: false,
            got: Vec::new(),
        }
    }

    /// Has a request to say, or something that is none.
    pub(super) fn say(&mut self, script: &mut Bytes<'_>) {
        if self.has_said_all {
            return;
        }
        let target = format!("/{}/{}", self.number, self.asked.len()).into_bytes();
        let kind = if script.one_in(10) { 12 + script.below(4) } else { script.below(12) };
        // Whether nonsense, or what comes after it, is a HEAD, nobody knows.
        let method = script.one_of(&["GET", if kind < 12 && !self.is_broken { "HEAD" } else { "GET" }, "POST", "PUT"]);
        let version = if script.one_in(8) { "1.0" } else { "1.1" };
        let mut text =
            [method.as_bytes(), b" ", &target, format!(" HTTP/{version}\r\nHost: x\r\n").as_bytes()].concat();
        if script.one_in(8) {
            text.extend(script.one_of(&["Connection: close\r\n", "Connection: keep-alive\r\n"]).bytes());
        }
        let expect = if script.one_in(4) && version == "1.1" { "Expect: 100-continue\r\n" } else { "" };
        let body = pattern(&target, script.one_of(&[1, 5, 40, 300, 900]));
        match kind {
            0..6 => text.extend(b"\r\n"),
            9 | 10 if version == "1.1" => {
                text.extend(format!("{expect}Transfer-Encoding: chunked\r\n\r\n").bytes());
                for chunk in body.chunks(64) {
                    text.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    text.extend(chunk);
                    text.extend(b"\r\n");
                }
                text.extend(b"0\r\nt: v\r\n\r\n");
            }
            6..11 => {
                text.extend(format!("{expect}Content-Length: {}\r\n\r\n", body.len()).bytes());
                text.extend(&body);
            }
            11 => {
                // Empty lines are nothing.
                self.put(b"\r\n\r\n");
                text.extend(b"\r\n");
            }
            _ => return self.say_nonsense(kind, text, &target, script),
        }
        self.put(&text);
        if !self.is_broken {
            let asked = Asked { target, is_head: method == "HEAD", is_http10: version == "1.0" };
            self.asked.push((asked, self.said + self.unsent.len()));
        }
    }

    fn say_nonsense(&mut self, kind: usize, mut text: Vec<u8>, target: &[u8], script: &mut Bytes<'_>) {
        match kind {
            12 => text.extend(b"Content-Length: 99999999\r\n\r\n"),
            13 => {
                text.extend(b"Transfer-Encoding: chunked\r\n\r\n4\r\n");
                text.extend(pattern(target, 4));
                text.extend(b"XXXXX");
            }
            14 => text = vec![b'x'; 700],
            _ => {
                let mut any = [0; 6];
                any.fill_with(|| script.byte());
                text.truncate(text.len() / 2);
                text.extend(any);
            }
        }
        self.put(&text);
        self.is_broken = true;
    }

    fn put(&mut self, bytes: &[u8]) {
        self.unsent.extend(bytes);
    }

    /// Sends all that it has to say, and ends its sending half.
    pub(super) fn say_no_more(&mut self) {
        self.send(usize::MAX);
        self.has_said_all = true;
        // In the middle of a handshake nothing was said yet.
        #[cfg(test)]
        {
            self.is_excused |= self.layer.as_ref().is_some_and(super::layer::Layer::is_shaking);
        }
        self.socket.end();
    }

    /// Sends so many of the bytes that it has to say.
    pub(super) fn send(&mut self, most: usize) {
        let most = most.min(self.unsent.len());
        let bytes: Vec<u8> = self.unsent.drain(..most).collect();
        self.said += bytes.len();
        #[cfg(test)]
        if let Some(layer) = &mut self.layer {
            let bytes = layer.say(&bytes);
            return self.socket.bring(&bytes);
        }
        self.socket.bring(&bytes);
    }

    /// Hears what has come, and answers what TLS has to be answered.
    pub(super) fn hear(&mut self) {
        let come = self.socket.take_sent();
        #[cfg(test)]
        if let Some(layer) = &mut self.layer {
            let (heard, says) = layer.hear(&come);
            self.got.extend(heard);
            return self.socket.bring(&says);
        }
        self.got.extend(come);
    }

    /// Sends one byte more, which makes no sense, and reads one.
    pub(super) fn drip(&mut self) {
        if self.unsent.is_empty() && !self.has_said_all {
            self.put(b"x");
            self.is_broken = true;
        }
        self.send(1);
        self.socket.take_room(1);
    }

    /// Has it ended the connection, or lost it?
    pub(super) fn is_over(&self) -> bool {
        self.connection.strong_count() == 0
    }

    /// Looks at all that it has heard; with `is_settled`, nothing more will come of what it has asked for until now.
    pub(super) fn check(&mut self, is_settled: bool) {
        self.hear();
        if self.is_hijacked {
            return;
        }
        let mut rest = &self.got[..];
        let (mut number, mut has_closed) = (0, false);
        while !rest.is_empty() {
            assert!(!has_closed, "client {}: bytes after an answer that closes: {}", self.number, show(rest));
            let asked = self.asked.get(number).map(|(asked, _)| asked);
            let answer = self.next(&mut rest, asked);
            let Some(answer) = answer else { break };
            if answer.status < 200 {
                continue;
            }
            if let Some(answers) = answer.answers {
                let is_its_own = asked.map_or(self.is_broken, |asked| asked.target == answers);
                assert!(is_its_own, "client {}: {} is not answered in turn", self.number, show(answers));
                let expected = pattern(answers, answer.body.len());
                assert!(
                    answer.body == expected,
                    "client {}: {} in {}, {}",
                    self.number,
                    show(&answer.body),
                    show(answers),
                    show(&self.got)
                );
            } else {
                assert!(answer.status >= 400 && answer.closes, "client {}: {}", self.number, answer.status);
            }
            if !answer.is_whole {
                // Whatever it was, the client must not take it for the end.
                let is_cut = self.socket.is_reset() || self.socket.is_cut() || !is_settled;
                assert!(
                    is_cut && rest.is_empty(),
                    "client {}: an answer is not whole: {}",
                    self.number,
                    show(&self.got)
                );
                return;
            }
            (number, has_closed) = (number + 1, answer.closes);
        }
        if is_settled && !self.is_excused && !has_closed {
            let complete = self.asked.iter().filter(|(_, end)| *end <= self.said).count();
            // What is broken may be a request after all.
            let is_right = if self.is_broken { number >= complete } else { number == complete };
            assert!(is_right, "client {}: {number} answers to {complete} requests: {}", self.number, show(&self.got));
        }
    }

    /// Reads the next answer; `None` when its head is not whole.
    fn next<'a>(&self, rest: &mut &'a [u8], asked: Option<&Asked>) -> Option<Answer<'a>> {
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, body) = (&rest[..end + 2], &rest[end + 4..]);
        let status =
            head.strip_prefix(b"HTTP/1.1 ").and_then(|line| std::str::from_utf8(&line[..3]).ok()?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("client {}: this is no answer: {}", self.number, show(rest)));
        let field = |name: &[u8]| {
            let mut lines = head.split(|byte| *byte == b'\n').skip(1);
            let line = lines.find(|line| line.len() > name.len() && line.starts_with(name) && line[name.len()] == b':');
            line.map(|line| line[name.len() + 1..].trim_ascii())
        };
        let answers = field(ANSWERS);
        let is_head = asked.is_some_and(|asked| asked.is_head);
        let closes = match field(b"connection") {
            Some(option) => option == b"close",
            None => asked.is_some_and(|asked| asked.is_http10),
        };
        let length = field(b"content-length").map(|value| String::from_utf8_lossy(value).parse::<usize>().unwrap());
        let mut answer = Answer { status, answers, closes, body: Vec::new(), is_whole: true };
        *rest = body;
        // Of a head that has not come whole, the server need not know that it is a HEAD.
        if status < 200 || is_head && (answers.is_some() || rest.is_empty()) {
            return Some(answer);
        }
        if field(b"transfer-encoding").is_some() {
            answer.is_whole = dechunk(rest, &mut answer.body);
        } else if let Some(length) = length {
            answer.is_whole = rest.len() >= length;
            let (own, others) = rest.split_at(length.min(rest.len()));
            answer.body = own.to_vec();
            *rest = others;
        } else {
            answer.body = std::mem::take(rest).to_vec();
            answer.closes = true;
        }
        Some(answer)
    }
}

/// Takes a chunked body off: true when it is whole.
fn dechunk(rest: &mut &[u8], body: &mut Vec<u8>) -> bool {
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            *rest = b"";
            return false;
        };
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16).expect("a chunk's size");
        *rest = &rest[end + 2..];
        let has_come = size.min(rest.len());
        body.extend_from_slice(&rest[..has_come]);
        if rest.len() < size + 2 {
            *rest = b"";
            return false;
        }
        assert!(rest[size..].starts_with(b"\r\n"), "after a chunk comes its end, not {}", show(&rest[size..]));
        *rest = &rest[size + 2..];
        if size == 0 {
            return true;
        }
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(600)]).into_owned()
}
