//! One connection's requests, out of whatever bytes come: it owns no socket.

use std::sync::Arc;

use super::decode::{Chunked, Piece, Trailers};
use super::framing::{self, Framing, Length};
use super::head::{Head, Seen};
use super::parse;
use super::spool::{Body, Spool};
use crate::config::Limits;
use crate::error::Fault;
use crate::spool_file::Spools;

/// Bytes of a head that is refused that are kept to tell what it was.
const TOLD: usize = 2048;

/// How far the bytes so far have brought the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing of a request has come; empty lines are nothing.
    Idle,
    /// A head has begun.
    Head,
    /// The head of a request with a body is complete: [`Receiver::receive_body`] goes on.
    Headed {
        /// The client waits for a 100 before it sends the body.
        wants_continue: bool,
    },
    /// The head is complete, the body is not.
    Body,
    /// The request is complete: see [`Receiver::take_request`].
    Complete,
}

/// Gathers requests, one after the other.
///
/// ```text
///   Idle --bytes--> Head --end of head--> Headed --receive_body()--> Body --end of body--> Complete --next()--> Idle
///                          \--without a body--------------------------------------------/
/// ```
#[derive(Debug, Default)]
pub struct Receiver {
    phase: Phase,
    /// Whoever serves the request has it, too.
    head: Arc<Head>,
    /// It is the one of this request.
    is_parsed: bool,
    framing: Option<Framing>,
    /// The request is HEAD; false until that is known.
    is_head: bool,
    spool: Spool,
    trailers: Trailers,
    /// Bytes that have come but are not used: a piece of a head, or what follows a complete request.
    held: Vec<u8>,
    /// How many of them were already searched for the end of a head.
    searched: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Head,
    Headed,
    Sized(u64),
    Chunked(Chunked),
    Complete,
}

impl Receiver {
    /// Takes bytes. Those after a complete request are kept for [`Receiver::next`].
    ///
    /// # Errors
    /// A [`Fault`] that ends the connection.
    pub fn feed(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        match self.phase {
            Phase::Head if self.held.is_empty() => self.begin(input, limits),
            Phase::Head => {
                self.held.extend_from_slice(input);
                self.again(limits)
            }
            Phase::Complete => {
                self.held.extend_from_slice(input);
                Ok(Progress::Complete)
            }
            Phase::Headed => {
                self.held.extend_from_slice(input);
                Ok(self.headed_progress())
            }
            Phase::Sized(_) | Phase::Chunked(_) => self.body(input, limits),
        }
    }

    /// Goes on with the body after [`Progress::Headed`]. One that is `streamed` is complete only when all of it has come,
    /// but is taken as it comes ([`Receiver::take_part`]).
    ///
    /// # Errors
    /// As [`Receiver::feed`].
    pub fn receive_body(&mut self, streamed: bool, limits: &Limits) -> Result<Progress, Fault> {
        self.phase = match self.framing.map(|framing| framing.length) {
            Some(Length::Known(length)) => Phase::Sized(length),
            Some(Length::Chunked) => Phase::Chunked(Chunked::default()),
            Some(Length::None) | None => return Ok(Progress::Complete),
        };
        if streamed {
            self.spool.stream();
        }
        let held = std::mem::take(&mut self.held);
        self.body(&held, limits)
    }

    /// What has come of a streamed body: `most` bytes at most, none when there is nothing now.
    pub fn take_part(&mut self, most: usize) -> Vec<u8> {
        self.spool.take(most)
    }

    /// Whether the body is one for a file. What comes of it is to be read by those who may wait for a disk.
    pub fn is_long(&self) -> bool {
        self.spool.is_long()
    }

    /// Whether some of a long body is still in memory, to be moved to its file before more is read, and before the request
    /// is taken ([`Receiver::spill`]).
    pub fn has_to_spill(&self) -> bool {
        self.spool.has_to_spill()
    }

    /// Moves a long body to its file. May take long: a disk may be slow.
    ///
    /// # Errors
    /// [`Fault::NoRoom`] when it can't be.
    pub fn spill(&mut self, spools: &Spools) -> Result<(), Fault> {
        self.spool.spill(spools)?;
        if self.is_complete() { self.spool.rewind() } else { Ok(()) }
    }

    /// Gives the memory back that a long body's parts have gone through, until more comes.
    pub fn free_room(&mut self) {
        self.spool.free_room();
    }

    /// How far the bytes so far have brought the request.
    pub fn progress(&self) -> Progress {
        match self.phase {
            Phase::Head if begins_no_head(&self.held) => Progress::Idle,
            Phase::Head => Progress::Head,
            Phase::Headed => self.headed_progress(),
            Phase::Sized(_) | Phase::Chunked(_) => Progress::Body,
            Phase::Complete => Progress::Complete,
        }
    }

    /// Bytes of the body that have come so far.
    pub fn received(&self) -> u64 {
        self.spool.received()
    }

    /// Whether all of the request has come.
    pub fn is_complete(&self) -> bool {
        self.phase == Phase::Complete
    }

    /// The trailer fields of a complete request.
    pub fn take_trailers(&mut self) -> Trailers {
        std::mem::take(&mut self.trailers)
    }

    /// Whether the request is known to be HEAD, which no answer with a body may follow.
    pub fn is_head(&self) -> bool {
        self.is_head
    }

    /// The head, from [`Progress::Headed`] on until it is taken.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What has come of the request's head, whatever became of it.
    pub fn seen(&self) -> Seen<'_> {
        if self.is_parsed { Seen::Head(&self.head) } else { Seen::line(skip_empty_lines(&self.held)) }
    }

    /// Goes on to the next request after a complete one, with the bytes that have come already.
    ///
    /// # Errors
    /// As [`Receiver::feed`].
    pub fn next(&mut self, limits: &Limits) -> Result<Progress, Fault> {
        let held = std::mem::take(&mut self.held);
        self.rest();
        if held.is_empty() { Ok(Progress::Idle) } else { self.begin(&held, limits) }
    }

    /// Goes on to wait for the next request, when nothing of it has come ([`Receiver::has_more`]).
    pub fn rest(&mut self) {
        self.phase = Phase::Head;
        self.is_parsed = false;
        self.framing = None;
        self.is_head = false;
        self.spool = Spool::default();
        self.trailers = Trailers::new();
        self.searched = 0;
        if let Some(head) = Arc::get_mut(&mut self.head) {
            head.trim();
        }
    }

    /// The request's head, its body and its framing, which go to whoever serves it.
    pub fn take_request(&mut self) -> (Arc<Head>, Body, Option<Framing>) {
        (self.head.clone(), self.spool.take_body(), self.framing)
    }

    /// Whether bytes after the complete request have come.
    pub fn has_more(&self) -> bool {
        !self.held.is_empty()
    }

    /// What has come after a complete request, or of a body that nobody has begun to read.
    pub fn take_held(&mut self) -> Vec<u8> {
        let mut taken = self.spool.take(usize::MAX);
        taken.append(&mut self.held);
        taken
    }

    /// Nothing is held yet: `input` is where a head begins, and nearly always the whole of it.
    fn begin(&mut self, input: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        let input = skip_empty_lines(input);
        if begins_no_head(input) {
            self.held.extend_from_slice(input);
            return Ok(Progress::Idle);
        }
        self.is_head = parse::is_head(input);
        match self.parse(input, limits)? {
            Some(length) => self.headed(&input[length..], limits),
            None => {
                parse::line_ends(input, 0).inspect_err(|_| self.keep_line(input))?;
                self.held = input.to_vec();
                self.searched = input.len();
                Ok(Progress::Head)
            }
        }
    }

    /// More of a head has come. It is parsed again only when its end is there: a client that sends it byte by byte
    /// must not make the server read it over and over.
    fn again(&mut self, limits: &Limits) -> Result<Progress, Fault> {
        let blank = self.held.len() - skip_empty_lines(&self.held).len();
        self.held.drain(..blank);
        if begins_no_head(&self.held) {
            self.searched = 0;
            return Ok(Progress::Idle);
        }
        if self.held.starts_with(b"\r") {
            return Err(Fault::Malformed("a line does not end with CR LF"));
        }
        let complete = parse::may_be_complete(&self.held, self.searched.saturating_sub(blank))?;
        self.searched = self.held.len();
        if !complete && self.held.len() < limits.head {
            return Ok(Progress::Head);
        }
        let held = std::mem::take(&mut self.held);
        self.is_head = parse::is_head(&held);
        match self.parse(&held, limits)? {
            Some(length) => self.headed(&held[length..], limits),
            None => {
                self.keep_line(&held);
                Err(Fault::Malformed("the request head is not well formed"))
            }
        }
    }

    /// Parses a head into the room of the last one, unless whoever had that still looks at it.
    fn parse(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, Fault> {
        if Arc::get_mut(&mut self.head).is_none() {
            self.head = Arc::default();
        }
        let head = Arc::get_mut(&mut self.head).expect("nobody else has one that has just been made");
        let parsed = parse::head(input, limits, head);
        self.is_parsed = matches!(parsed, Ok(Some(_)));
        if parsed.is_err() {
            self.keep_line(input);
        }
        parsed
    }

    /// Of a head that is refused.
    fn keep_line(&mut self, input: &[u8]) {
        self.held = input[..input.len().min(TOLD)].to_vec();
    }

    fn headed(&mut self, rest: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        self.is_head = self.head.is_head();
        let framing = framing::of(&self.head)?;
        self.framing = Some(framing);
        if let Length::None = framing.length {
            return self.complete(rest);
        }
        if let Length::Known(length) = framing.length {
            self.spool.expect(length, limits)?;
        }
        self.phase = Phase::Headed;
        self.held.clear();
        self.held.extend_from_slice(rest);
        Ok(self.headed_progress())
    }

    fn headed_progress(&self) -> Progress {
        let expects = self.framing.is_some_and(|framing| framing.expects_continue);
        Progress::Headed { wants_continue: expects && self.held.is_empty() }
    }

    fn body(&mut self, mut input: &[u8], limits: &Limits) -> Result<Progress, Fault> {
        while !input.is_empty() {
            let used = match &mut self.phase {
                Phase::Sized(left) => {
                    let taken = (*left).min(input.len() as u64);
                    *left -= taken;
                    self.spool.write(&input[..taken as usize], limits)?;
                    taken as usize
                }
                Phase::Chunked(decoder) => match decoder.step(input)? {
                    Piece::Data(taken) => {
                        self.spool.write(&input[..taken], limits)?;
                        taken
                    }
                    Piece::Framing(taken) => {
                        // What a chunk's size says is refused before it comes, as a content-length is.
                        self.spool.expect(self.spool.received().saturating_add(decoder.to_come()), limits)?;
                        taken
                    }
                    Piece::End => 0,
                },
                Phase::Head | Phase::Headed | Phase::Complete => 0,
            };
            input = &input[used..];
            if self.is_received(limits)? {
                return self.complete(input);
            }
        }
        Ok(Progress::Body)
    }

    fn is_received(&mut self, limits: &Limits) -> Result<bool, Fault> {
        Ok(match &self.phase {
            Phase::Sized(left) => *left == 0,
            Phase::Chunked(decoder) if decoder.is_done() => {
                self.trailers = decoder.trailers(limits.fields)?;
                true
            }
            Phase::Chunked(_) => false,
            Phase::Head | Phase::Headed | Phase::Complete => true,
        })
    }

    fn complete(&mut self, rest: &[u8]) -> Result<Progress, Fault> {
        self.phase = Phase::Complete;
        self.held.clear();
        self.held.extend_from_slice(rest);
        Ok(Progress::Complete)
    }
}

/// Empty lines before a request line are skipped (RFC 9112 section 2.2).
fn skip_empty_lines(mut input: &[u8]) -> &[u8] {
    while let Some(rest) = input.strip_prefix(b"\r\n") {
        input = rest;
    }
    input
}

/// Whether `input`, without the empty lines before it, is nothing yet: half an empty line is none either, or a client could
/// begin one head after the other with a byte each, and have the time for a whole head for it.
fn begins_no_head(input: &[u8]) -> bool {
    matches!(input, b"" | b"\r")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::spool_file::Closer;
    use proptest::prelude::*;
    use std::io::Read;

    type Request = (String, Vec<u8>);

    fn text(body: Body) -> Vec<u8> {
        match body {
            Body::Empty => Vec::new(),
            Body::Memory(bytes) => bytes,
            Body::Arriving => panic!("no body is streamed here"),
            Body::File { mut file, length, .. } => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).unwrap();
                assert_eq!(bytes.len() as u64, length);
                bytes
            }
        }
    }

    /// All requests of a stream that comes in the given pieces: method and target, and body.
    fn requests<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Result<Vec<Request>, Fault> {
        let spools = Spools::new(std::env::temp_dir(), None, Budget::new(100), Closer::at_once());
        let (mut receiver, mut found) = (Receiver::default(), Vec::new());
        for piece in pieces {
            let mut progress = receiver.feed(piece, limits)?;
            loop {
                receiver.spill(&spools)?;
                match progress {
                    Progress::Headed { .. } => progress = receiver.receive_body(false, limits)?,
                    Progress::Complete => {
                        let (head, body, _) = receiver.take_request();
                        let line = [head.method(), b" ", head.target()].concat();
                        found.push((String::from_utf8(line).unwrap(), text(body)));
                        progress = receiver.next(limits)?;
                    }
                    Progress::Idle | Progress::Head | Progress::Body => break,
                }
            }
        }
        Ok(found)
    }

    const STREAM: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello\
        \r\n\r\nPUT /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n\
        GET /d HTTP/1.0\r\n\r\n";

    fn expected() -> Vec<Request> {
        let request = |line: &str, body: &str| (line.to_owned(), body.as_bytes().to_vec());
        vec![
            request("GET /a", ""),
            request("POST /b", "hello"),
            request("PUT /c", "abc0123456789abcdef"),
            request("GET /d", ""),
        ]
    }

    #[test]
    fn finds_the_same_requests_in_pieces_of_any_size() {
        for size in 1..STREAM.len() {
            assert_eq!(requests(STREAM.chunks(size), &Limits::default()).unwrap(), expected(), "pieces of {size}");
        }
    }

    #[test]
    fn spools_what_the_buffer_does_not_hold() {
        let limits = Limits { body_buffer: 4, ..Limits::default() };
        for size in [1, 7, STREAM.len()] {
            assert_eq!(requests(STREAM.chunks(size), &limits).unwrap(), expected());
        }
    }

    #[test]
    fn refuses_a_body_past_its_limit() {
        let limits = Limits { body: 4, body_buffer: 2, ..Limits::default() };
        assert_eq!(requests([&STREAM[28..]], &limits), Err(Fault::BodyTooLarge));
        let chunked = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n";
        assert_eq!(requests([&chunked[..]], &limits), Err(Fault::BodyTooLarge));
        // By what a chunk's size says, before any of it has come.
        for size in ["5", "2\r\nab\r\n3", "8000000000000000", "ffffffffffffffff"] {
            let said = format!("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n");
            assert_eq!(requests([said.as_bytes()], &limits), Err(Fault::BodyTooLarge), "{size}");
        }
    }

    #[test]
    fn tells_when_a_client_waits_for_a_100() {
        let head = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        let limits = Limits::default();
        let mut receiver = Receiver::default();
        assert_eq!(receiver.feed(head, &limits), Ok(Progress::Headed { wants_continue: true }));
        assert_eq!(receiver.receive_body(false, &limits), Ok(Progress::Body));
        assert_eq!(receiver.feed(b"ab", &limits), Ok(Progress::Body));
        assert_eq!(receiver.feed(b"c", &limits), Ok(Progress::Complete));
        let with_body = [&head[..], b"a"].concat();
        assert_eq!(Receiver::default().feed(&with_body, &limits), Ok(Progress::Headed { wants_continue: false }));
    }

    #[test]
    fn a_streamed_body_is_taken_as_it_comes_and_what_follows_is_kept() {
        let head = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
        let limits = Limits::default();
        let mut receiver = Receiver::default();
        assert_eq!(receiver.feed(head, &limits), Ok(Progress::Headed { wants_continue: false }));
        assert_eq!(receiver.receive_body(true, &limits), Ok(Progress::Body));
        assert!(matches!(receiver.take_request(), (_, Body::Arriving, _)));
        assert_eq!((receiver.take_part(2), receiver.take_part(2), receiver.received()), (b"ab".into(), b"c".into(), 3));
        assert_eq!(receiver.feed(b"2\r\nde\r\n0\r\nA: b\r\n\r\nGET /", &limits), Ok(Progress::Complete));
        assert_eq!((receiver.take_part(9), receiver.has_more()), (b"de".into(), true));
        assert_eq!(receiver.take_trailers(), [(b"A".to_vec(), b"b".to_vec())]);
        assert_eq!(receiver.next(&limits), Ok(Progress::Head));
    }

    #[test]
    fn a_head_without_end_is_refused_at_its_limit() {
        let limits = Limits::default();
        let mut receiver = Receiver::default();
        let mut fed = receiver.feed(b"GET / HTTP/1.1\r\nA: ", &limits);
        for _ in 0..limits.head {
            if fed.is_err() {
                break;
            }
            fed = receiver.feed(b"x", &limits);
        }
        assert_eq!(fed, Err(Fault::HeadTooLarge));
    }

    #[test]
    fn empty_lines_before_a_request_line_are_skipped_and_bare_line_ends_are_not() {
        let limits = Limits::default();
        for pieces in [&[&b"\r\n\r\nGET /a HTTP/1.0\r\n\r\n"[..]][..], &[b"\r", b"\n\r\nGET /a HT", b"TP/1.0\r\n\r\n"]]
        {
            assert_eq!(requests(pieces.iter().copied(), &limits).unwrap(), [("GET /a".to_owned(), vec![])]);
        }
        let good_then_bad = [&b"GET /a HT"[..], b"TP/1.0\r\n\r\n\nGET"];
        let (mut receiver, limits) = (Receiver::default(), Limits::default());
        assert_eq!(
            good_then_bad.map(|piece| receiver.feed(piece, &limits)),
            [Ok(Progress::Head), Ok(Progress::Complete)]
        );
        assert_eq!(receiver.next(&limits).map_err(Fault::status), Err(400), "after it, not in its place");
        let wrong: [&[&[u8]]; 6] = [
            &[b"\n\r"],
            &[b"\n", b"\r"],
            &[b"\nGET / HTTP/1.0\r\n\r\n"],
            &[b"\rGET / HTTP/1.0\r\n\r\n"],
            &[b"GET / HTTP/1.0\r\nA: b\n", b"\n"],
            &[b"GET / HT", b"TP/1.0\n"],
        ];
        for pieces in wrong {
            let fault = requests(pieces.iter().copied(), &limits).unwrap_err();
            assert_eq!(fault.status(), 400, "{pieces:?}");
        }
    }

    #[test]
    fn empty_lines_begin_nothing_in_any_pieces() {
        let limits = Limits::default();
        let feed = |receiver: &mut Receiver, piece: &[u8]| receiver.feed(piece, &limits).unwrap();
        for size in 1..8 {
            let mut receiver = Receiver::default();
            for _ in 0..2 {
                for piece in b"\r\n".repeat(20).chunks(size) {
                    assert_eq!(feed(&mut receiver, piece), Progress::Idle, "pieces of {size}");
                    assert!(receiver.held.len() < 2, "one CR is all that is to be kept");
                }
                assert_eq!(feed(&mut receiver, b"\r\nG"), Progress::Head);
                assert_eq!(feed(&mut receiver, b"ET / HTTP/1.0\r\n\r\n\r"), Progress::Complete);
                assert_eq!(receiver.next(&limits), Ok(Progress::Idle), "the lone CR behind it");
                assert_eq!(feed(&mut receiver, b"\n"), Progress::Idle);
            }
        }
        let mut receiver = Receiver::default();
        assert_eq!(feed(&mut receiver, b"\r"), Progress::Idle);
        assert_eq!(receiver.feed(b"\r", &limits).map_err(Fault::status), Err(400), "no line begins with a CR");
    }

    #[test]
    fn knows_head_even_where_parsing_fails() {
        let mut receiver = Receiver::default();
        assert!(receiver.feed(b"HEAD / HTTP/1.1\r\nA b\r\n\r\n", &Limits::default()).is_err());
        assert!(receiver.is_head());
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_requests(cuts in proptest::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|cut| &STREAM[cut[0]..cut[1]]).filter(|piece| !piece.is_empty());
            prop_assert_eq!(requests(pieces, &Limits::default()).unwrap(), expected());
        }

        #[test]
        fn garbage_never_panics(input in proptest::collection::vec(any::<u8>(), 0..300), size in 1usize..40) {
            let _ = requests(input.chunks(size), &Limits::default());
        }
    }
}
