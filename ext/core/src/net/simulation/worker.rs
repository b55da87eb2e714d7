//! Who serves requests in the simulated world: all that a worker may do with one, a step at a time.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bytes::Bytes;
use super::client::{ANSWERS, pattern};
use crate::error::{AnswerError, Fault};
use crate::http::date;
use crate::http::encode::ResponseHead;
use crate::http::head::Version;
use crate::http::plan::Plan;
use crate::http::spool::Body;
use crate::net::completion::Completion;
use crate::net::exchange::{Exchange, Lent, Part, ReadError};
use crate::net::kept::Kept;
use crate::net::response_writer::file::{Content, send_file};
use crate::net::response_writer::whole::send_whole;
use crate::net::response_writer::{Apart, Lender, ResponseWriter};

/// Lengths of answers: nothing, what is copied, what is kept where it lies, what a helper sends.
const LENGTHS: [usize; 5] = [0, 30, 5_000, 40_000, 200_000];
/// The longest answer.
pub(super) const LONGEST: usize = 3 * 200_000;

/// A request that is served.
#[derive(Debug)]
pub(super) struct Serving {
    /// Of the client's number and the request's.
    target: Vec<u8>,
    state: State,
    /// Of its body.
    read: usize,
}

#[derive(Debug)]
enum State {
    Taken(Box<Exchange>),
    /// What is sent, and how much of its body has been.
    Out(ResponseWriter, usize),
}

/// How many completions were promised and how many were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Completions {
    promised: Rc<Cell<usize>>,
    given: Arc<AtomicUsize>,
}

impl Completions {
    fn promise(&self) -> Completion {
        self.promised.set(self.promised.get() + 1);
        let given = self.given.clone();
        Completion::new(move |_| {
            given.fetch_add(1, Ordering::SeqCst);
        })
    }

    /// All that were promised have been given, each once.
    pub(super) fn are_all_given(&self) -> bool {
        self.promised.get() == self.given.load(Ordering::SeqCst)
    }
}

/// What became of a step.
#[derive(Debug)]
pub(super) enum Became {
    /// It goes on.
    Goes(Serving),
    /// It has come to its end.
    Over,
    /// The same, without a whole answer.
    Cut,
    /// The app has the socket.
    Hijacked(OwnedFd),
}

struct Parts(Vec<Vec<u8>>);

impl Apart for Parts {
    type Error = AnswerError;

    fn apart<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, AnswerError> {
        Ok(work())
    }
}

impl Lender for Parts {
    fn with_parts<T>(&self, first: usize, see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T) -> T {
        see(&mut self.0.iter().skip(first).map(Vec::as_slice))
    }

    fn keep(&self, part: usize, budget: &Arc<Kept>) -> Result<Lent, AnswerError> {
        Ok(Lent { bytes: budget.hold(self.0[part].clone()), is_common: part % 2 == 1 })
    }
}

impl Serving {
    pub(super) fn new(mut exchange: Box<Exchange>) -> Serving {
        let target = exchange.head().target().to_vec();
        let read = match exchange.take_body() {
            Body::Empty | Body::Arriving => 0,
            Body::Memory(bytes) => right(&target, 0, &bytes),
            Body::File { mut file, length, .. } => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut bytes).expect("a spooled body can be read");
                assert_eq!(bytes.len() as u64, length);
                right(&target, 0, &bytes)
            }
        };
        Serving { target, state: State::Taken(exchange), read }
    }

    /// The number of the client that it is for; `None` where the target is nonsense.
    pub(super) fn client(&self) -> Option<usize> {
        let text = std::str::from_utf8(&self.target).ok()?;
        text.split('/').nth(1)?.parse().ok()
    }

    /// The worker does something with it.
    pub(super) fn step(self, script: &mut Bytes<'_>, completions: &Completions) -> Became {
        let Serving { target, state, read } = self;
        match state {
            State::Taken(exchange) => step_taken(target, exchange, read, script, completions),
            State::Out(out, sent) => step_out(target, out, sent, read, script, completions),
        }
    }

    /// The worker does what is left to do.
    pub(super) fn finish(self, completions: &Completions) -> Became {
        match self.state {
            State::Taken(exchange) => whole(&self.target, *exchange, &[30], completions),
            State::Out(out, sent) => end(&self.target, out, sent, completions),
        }
    }

    /// Whether it is the one that has this connection.
    pub(super) fn has(&mut self, connection: *const ()) -> bool {
        match &mut self.state {
            State::Taken(exchange) => exchange.has(connection),
            State::Out(out, _) => out.exchange().has(connection),
        }
    }
}

fn step_taken(
    target: Vec<u8>,
    mut exchange: Box<Exchange>,
    mut read: usize,
    script: &mut Bytes<'_>,
    completions: &Completions,
) -> Became {
    let goes = |target, exchange, read| Became::Goes(Serving { target, state: State::Taken(exchange), read });
    match script.below(16) {
        0..3 => {
            let mut buffer = [0; 512];
            match exchange.read(script.one_of(&[1, 100, 1000]), &mut buffer) {
                Ok(Part::Bytes(bytes)) => read += right(&target, read, &bytes),
                Ok(Part::NotYet) if exchange.body_wait().is_zero() => {
                    let fault = exchange.time_out();
                    return refuse(*exchange, fault);
                }
                Ok(Part::NotYet | Part::End) => {}
                Err(ReadError::Fault(fault)) => return refuse(*exchange, fault),
                Err(ReadError::Gone(_)) => {
                    exchange.abort();
                    return Became::Cut;
                }
            }
            goes(target, exchange, read)
        }
        3..6 => {
            let lengths: Vec<usize> = (0..script.below(4)).map(|_| script.one_of(&LENGTHS)).collect();
            whole(&target, *exchange, &lengths, completions)
        }
        6 => file(&target, *exchange, script.one_of(&[10, 70_000]), script.below(4), completions),
        7..10 => match begin(&target, exchange, script.one_of(&[None, Some(3 * 5_000)])) {
            Some(out) => Became::Goes(Serving { target, state: State::Out(out, 0), read }),
            None => Became::Cut,
        },
        10 => {
            drop(exchange);
            Became::Cut
        }
        11 => {
            exchange.abort();
            Became::Cut
        }
        12 => refuse(*exchange, Fault::QueueFull),
        // A real thread would pass on what comes by TLS.
        13 if exchange.local().tls.is_none() => match exchange.hijack() {
            Ok((socket, ..)) => Became::Hijacked(socket),
            Err((exchange, _)) => goes(target, exchange, read),
        },
        14 => {
            if exchange.asked().version != Version::Http10
                && exchange.send_interim(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n").is_err()
            {
                return Became::Cut;
            }
            goes(target, exchange, read)
        }
        _ => {
            let _ = exchange.is_client_gone();
            exchange.detach();
            goes(target, exchange, read)
        }
    }
}

fn step_out(
    target: Vec<u8>,
    mut out: ResponseWriter,
    sent: usize,
    read: usize,
    script: &mut Bytes<'_>,
    completions: &Completions,
) -> Became {
    let length = match script.below(10) {
        0..5 => script.one_of(&[1, 4_000, 5_000]).min(15_000 - sent.min(15_000)),
        5 | 6 => {
            let done = if out.exchange().is_blocked() { out.exchange().flush(1024 * 1024).map(|_| ()) } else { Ok(()) };
            return match done {
                Ok(()) => Became::Goes(Serving { target, state: State::Out(out, sent), read }),
                Err(_) => cut(out),
            };
        }
        7 => return cut(out),
        8 => {
            drop(out);
            return Became::Cut;
        }
        _ => return end(&target, out, sent, completions),
    };
    let part = Parts(vec![pattern(&target, sent + length).split_off(sent)]);
    if out.part(&part).and_then(|()| out.relieve(&part)).is_err() {
        return cut(out);
    }
    Became::Goes(Serving { target, state: State::Out(out, sent + length), read })
}

fn cut(out: ResponseWriter) -> Became {
    out.abort();
    Became::Cut
}

/// Gives what is missing to a length that was promised, and ends it.
fn end(target: &[u8], mut out: ResponseWriter, sent: usize, completions: &Completions) -> Became {
    let all = 15_000;
    if sent < all {
        let part = Parts(vec![pattern(target, all).split_off(sent)]);
        if out.part(&part).is_err() {
            return cut(out);
        }
    }
    if out.end(b"").is_err() {
        return cut(out);
    }
    of(out.conclude(|| completions.promise()))
}

fn of(concluded: Result<bool, AnswerError>) -> Became {
    if concluded.is_ok() { Became::Over } else { Became::Cut }
}

fn head(target: &[u8], exchange: &Exchange, length: Option<u64>) -> (Vec<u8>, Plan) {
    let mut out = Vec::new();
    let mut head = ResponseHead::begin(&mut out, 200);
    head.field(ANSWERS, target).expect("a target is a value");
    let plan = head.end(exchange.asked(), length, &date::format(0));
    (out, plan)
}

fn begin(target: &[u8], mut exchange: Box<Exchange>, length: Option<u64>) -> Option<ResponseWriter> {
    exchange.skip_body();
    let (head, plan) = head(target, &exchange, length);
    let mut out = ResponseWriter::new(exchange, plan, head);
    match out.flush() {
        Ok(()) => Some(out),
        Err(_) => {
            out.abort();
            None
        }
    }
}

fn whole(target: &[u8], mut exchange: Exchange, lengths: &[usize], completions: &Completions) -> Became {
    exchange.skip_body();
    let mut bytes = pattern(target, lengths.iter().sum());
    let (mut head, plan) = head(target, &exchange, Some(bytes.len() as u64));
    let mut parts = Vec::new();
    for &length in lengths.iter().rev() {
        parts.insert(0, bytes.split_off(bytes.len() - length));
    }
    of(send_whole(exchange, plan, &mut head, &Parts(parts), || completions.promise()))
}

/// A file, which may have become shorter meanwhile, or be one that can't be read.
fn file(target: &[u8], mut exchange: Exchange, length: usize, fault: usize, completions: &Completions) -> Became {
    exchange.skip_body();
    let (head, plan) = head(target, &exchange, Some(length as u64));
    let mut file = tempfile::tempfile().expect("there is room for a file");
    file.write_all(&pattern(target, length)).expect("there is room for a file");
    if fault == 2 {
        file.set_len(length as u64 / 2).expect("a file can become shorter");
    }
    if fault == 3 {
        file = File::options().write(true).open("/dev/null").expect("there is /dev/null");
    }
    let share = exchange.context().descriptors.count(1);
    let content = Content::File(file, length as u64, share);
    let became = of(send_file(exchange, plan, &head, content, &Parts(Vec::new()), || completions.promise()));
    if fault < 2 { became } else { Became::Cut }
}

fn refuse(exchange: Exchange, fault: Fault) -> Became {
    exchange.refuse(fault);
    Became::Cut
}

/// Bytes of a request's body from `at` on, which must be the ones that were sent with it: how many.
fn right(target: &[u8], at: usize, bytes: &[u8]) -> usize {
    let expected = pattern(target, at + bytes.len());
    // Of a target that is nonsense, nothing is known.
    let is_known = target.iter().all(|byte| *byte == b'/' || byte.is_ascii_digit());
    assert!(
        !is_known || bytes == &expected[at..],
        "the body of another request in {}",
        String::from_utf8_lossy(target)
    );
    bytes.len()
}
