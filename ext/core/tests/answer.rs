//! Answers over real sockets, from the head's promise to what follows the body, with Rust in the app's place.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use kino_core::budget::Budget;
use kino_core::config::{Config, Limits};
use kino_core::dispatch::client_wait::Woken;
use kino_core::dispatch::lead::Taken;
use kino_core::error::AnswerError;
use kino_core::http::date;
use kino_core::http::encode::{ResponseHead, trailer};
use kino_core::http::plan::Plan;
use kino_core::net::completion::Completion;
use kino_core::net::exchange::{AT_ONCE, Exchange, Lent};
use kino_core::net::kept::Kept;
use kino_core::net::listener::Listener;
use kino_core::net::response_writer::file::{Content, OpenError, send_file};
use kino_core::net::response_writer::whole::send_whole;
use kino_core::net::response_writer::{Apart, FEW, Lender, ResponseWriter};
use kino_core::server::Server;

/// A body's parts, as an app has them.
#[derive(Clone, Default)]
struct Parts {
    parts: Vec<Vec<u8>>,
    /// How often others went on meanwhile.
    apart: Cell<usize>,
    /// What it becomes when they do.
    then: Option<Vec<Vec<u8>>>,
    /// Its owner is called away instead.
    is_called_away: bool,
}

#[derive(Debug)]
enum Failed {
    Answer(AnswerError),
    CalledAway,
}

impl From<AnswerError> for Failed {
    fn from(error: AnswerError) -> Failed {
        Failed::Answer(error)
    }
}

fn parts(parts: &[&str]) -> Parts {
    Parts { parts: parts.iter().map(|part| part.as_bytes().to_vec()).collect(), ..Parts::default() }
}

impl Parts {
    fn now(&self) -> &[Vec<u8>] {
        self.then.as_ref().filter(|_| self.apart.get() > 0).unwrap_or(&self.parts)
    }
}

impl Apart for Parts {
    type Error = Failed;

    fn apart<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Failed> {
        if self.is_called_away {
            return Err(Failed::CalledAway);
        }
        self.apart.set(self.apart.get() + 1);
        Ok(work())
    }
}

impl Lender for Parts {
    fn with_parts<T>(&self, first: usize, see: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> T) -> T {
        see(&mut self.now().iter().skip(first).map(Vec::as_slice))
    }

    fn keep(&self, part: usize, budget: &Arc<Kept>) -> Result<Lent, Failed> {
        Ok(Lent { bytes: budget.hold(self.now()[part].clone()), is_common: false })
    }
}

/// An answer: status, fields, and a body in one of several ways.
#[derive(Clone)]
struct Given {
    status: u16,
    fields: Vec<(&'static str, &'static str)>,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Whole(Parts),
    /// Part by part, each waited for.
    Parts(Vec<&'static str>, Vec<(&'static str, &'static str)>),
    /// Part by part, none waited for.
    Unwaited(Parts),
    File(&'static [u8]),
    /// Given up after these.
    Aborted(Parts),
    /// Forgotten with these on their way.
    Dropped(Parts),
}

impl Given {
    fn whole(fields: &[(&'static str, &'static str)], body: &[&str]) -> Given {
        Given { status: 200, fields: fields.to_vec(), body: Body::Whole(parts(body)) }
    }

    fn parts(fields: &[(&'static str, &'static str)], body: &[&'static str]) -> Given {
        Given { status: 200, fields: fields.to_vec(), body: Body::Parts(body.to_vec(), Vec::new()) }
    }
}

struct Engine {
    server: Arc<Server>,
    port: u16,
    worker: Option<JoinHandle<()>>,
    ended: Receiver<Result<bool, Failed>>,
    told: Receiver<bool>,
}

impl Engine {
    /// Answers everything with that.
    fn start(config: Config, given: Given) -> Engine {
        let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
        let port = listener.port().unwrap();
        let server = Arc::new(Server::start(vec![listener], config).unwrap());
        let ((end, ended), (tell, told)) = (channel(), channel());
        let serving = server.clone();
        let worker = thread::spawn(move || {
            let interrupt = serving.interrupt();
            while let Taken::Exchange(exchange) = serving.dispatch().take(&interrupt) {
                let _ = end.send(answer(exchange, given.clone(), &serving, &tell));
            }
        });
        Engine { server, port, worker: Some(worker), ended, told }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client
    }

    /// All that comes back until the connection ends, by an end or by a reset.
    fn ask(&self, request: &str) -> String {
        let mut client = self.connect();
        client.write_all(request.as_bytes()).unwrap();
        String::from_utf8(read_all(&mut client)).unwrap()
    }

    fn ended(&self) -> Result<bool, Failed> {
        self.ended.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    fn told(&self) -> bool {
        self.told.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    fn kept(&self) -> u64 {
        self.server.context().kept.bytes()
    }

    /// Waits until nothing is kept: however an answer ends, that comes.
    fn await_nothing_kept(&self) {
        while self.kept() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.server.stop();
        let joined = self.worker.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(joined.unwrap().is_ok());
            assert_eq!(self.kept(), 0, "nothing is kept after the end");
        }
    }
}

fn answer(exchange: Box<Exchange>, given: Given, server: &Server, tell: &Sender<bool>) -> Result<bool, Failed> {
    let Given { status, fields, body } = given;
    let length = match &body {
        Body::Whole(parts) => Some(parts.parts.iter().map(|part| part.len() as u64).sum()),
        Body::File(bytes) => Some(bytes.len() as u64),
        _ => None,
    };
    let mut head = Vec::new();
    let mut response = ResponseHead::begin(&mut head, status);
    for (name, value) in fields {
        response.field(name.as_bytes(), value.as_bytes()).unwrap();
    }
    let plan = response.end(exchange.asked(), length, &date::format(0));
    let tell = tell.clone();
    let completion = move || Completion::new(move |is_sent| tell.send(is_sent).unwrap_or_default());
    match body {
        Body::Whole(parts) if plan.is_encoded => {
            send_parts(exchange, (plan, head), parts).map(|out| out.conclude(completion))?.map_err(Failed::from)
        }
        Body::Whole(parts) => send_whole(*exchange, plan, &mut head, &parts, completion),
        Body::Unwaited(parts) => send_parts(exchange, (plan, head), parts)?.conclude(completion).map_err(Failed::from),
        Body::Aborted(parts) => {
            send_parts(exchange, (plan, head), parts)?.abort();
            Ok(false)
        }
        Body::Dropped(parts) => send_parts(exchange, (plan, head), parts).map(|_| false),
        Body::File(bytes) => {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            let content = Content::open(file.path(), &exchange.context().descriptors).unwrap();
            send_file(*exchange, plan, &head, content, &Parts::default(), completion)
        }
        Body::Parts(given, trailers) => {
            let mut writer = ResponseWriter::new(exchange, plan, head);
            let result = (|| {
                for part in given {
                    writer.part(&parts(&[part]))?;
                    wait(&mut writer, server);
                }
                let mut lines = Vec::new();
                for (name, value) in trailers {
                    trailer(&mut lines, name.as_bytes(), value.as_bytes()).unwrap();
                }
                Ok(writer.end(&lines)?)
            })();
            match result {
                Ok(()) => Ok(writer.conclude(completion)?),
                Err(error) => {
                    writer.abort();
                    Err(error)
                }
            }
        }
    }
}

/// All parts, as far as they go; with an error the answer has been given up.
fn send_parts(exchange: Box<Exchange>, (plan, head): (Plan, Vec<u8>), parts: Parts) -> Result<ResponseWriter, Failed> {
    let mut writer = ResponseWriter::new(exchange, plan, head);
    for part in &parts.parts {
        let one = Parts { parts: vec![part.clone()], is_called_away: parts.is_called_away, ..Parts::default() };
        writer.part(&one)?;
        writer.relieve(&one)?;
    }
    writer.end(b"")?;
    Ok(writer)
}

fn wait(writer: &mut ResponseWriter, server: &Server) {
    while writer.exchange().is_blocked() {
        let (client, before) = (writer.exchange().client(), writer.exchange().kept());
        if !writer.exchange().flush(AT_ONCE).unwrap() && before - writer.exchange().kept() < AT_ONCE as u64 {
            let woken = server.dispatch().wait_for_client(&client, writer.exchange().room_wait(), &server.interrupt());
            assert_eq!(woken, Woken::Ready);
        }
    }
}

fn read_all(client: &mut TcpStream) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = client.read_to_end(&mut text); // a reset is an end, too
    text
}

/// What follows the head.
fn body(text: &str) -> &str {
    text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");

/// Larger than what the kernel takes for a client that doesn't read.
fn long(number: usize, size: usize) -> Parts {
    let part = |n: usize| (0..size).map(|at| b'a' + ((at / 7 + n) % 26) as u8).collect();
    Parts { parts: (0..number).map(part).collect(), ..Parts::default() }
}

fn spooling(kept_bytes: u64) -> Config {
    Config { kept_bytes, ..Config::default() }
}

#[test]
fn a_whole_answer_is_followed_by_the_next_and_so_is_one_in_parts() {
    for given in [Given::whole(&[], &["one", "", "two"]), Given::parts(&[("content-length", "6")], &["one", "", "two"])]
    {
        let engine = Engine::start(Config::default(), given);
        let text = engine.ask(&format!("{GET}{LAST}"));
        assert_eq!(text.matches("content-length: 6\r\n").count(), 2);
        assert_eq!(text.matches("\r\n\r\nonetwo").count(), 2);
    }
}

#[test]
fn parts_of_unknown_length_are_chunks_and_trailers_follow_them() {
    let trailers = vec![("digest", "abc")];
    let given = Given { body: Body::Parts(vec!["one", "", "two"], trailers), ..Given::whole(&[], &[]) };
    let engine = Engine::start(Config::default(), given);
    let text = engine.ask(LAST);
    assert_eq!(body(&text), "3\r\none\r\n3\r\ntwo\r\n0\r\ndigest: abc\r\n\r\n");
    // HTTP/1.0 knows neither: its body ends with the connection.
    let text = engine.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(body(&text), "onetwo");
    assert!(text.contains("connection: close\r\n"), "{text}");
}

#[test]
fn an_answer_without_parts_is_whole_too() {
    let engine = Engine::start(Config::default(), Given::parts(&[], &["", ""]));
    assert_eq!(body(&engine.ask(LAST)), "0\r\n\r\n");
    let engine = Engine::start(Config::default(), Given::whole(&[], &[]));
    assert!(engine.ask(LAST).contains("content-length: 0\r\n"));
}

#[test]
fn too_long_a_body_is_cut_off_and_nothing_follows_it() {
    let stated = [("content-length", "5")];
    let whole =
        [Given::whole(&stated, &["hel", "lo, and", "more"]), Given::parts(&stated, &["hel", "lo, and", "more"])];
    let file = Given { body: Body::File(b"hello, and more"), ..Given::whole(&stated, &[]) };
    for given in whole.into_iter().chain([file]) {
        let engine = Engine::start(Config::default(), given);
        // The second request is never answered.
        let text = engine.ask(&format!("{GET}{GET}"));
        assert!(matches!(engine.ended(), Err(Failed::Answer(AnswerError::TooLong { stated: 5 }))));
        assert_eq!(body(&text), "hello");
    }
}

#[test]
fn too_short_a_body_is_seen_by_the_client() {
    let stated = [("content-length", "5")];
    let whole = [Given::whole(&stated, &["hel"]), Given::parts(&stated, &["hel"])];
    let file = Given { body: Body::File(b"hel"), ..Given::whole(&stated, &[]) };
    for given in whole.into_iter().chain([file]) {
        let engine = Engine::start(Config::default(), given);
        let text = engine.ask(&format!("{GET}{GET}"));
        assert!(matches!(engine.ended(), Err(Failed::Answer(AnswerError::TooShort { stated: 5, given: 3 }))));
        assert!(["hel", ""].contains(&body(&text)), "{text}");
        assert_eq!(engine.server.context().stats.aborted.get(), 1);
    }
}

#[test]
fn where_there_is_no_body_none_is_sent_and_the_next_answer_follows() {
    let fields = [("content-length", "5"), ("x-own", "y")];
    for status in [204, 205, 304] {
        for given in [Given::whole(&fields, &["hello"]), Given::parts(&[CHUNKED], &["5\r\nhello\r\n0\r\n\r\n"])] {
            let engine = Engine::start(Config::default(), Given { status, ..given });
            let text = engine.ask(&format!("{GET}{LAST}"));
            assert_eq!(text.matches(&format!("HTTP/1.1 {status} ")).count(), 2, "{text}");
            assert!(!text.contains("hello") && !text.contains("transfer-encoding"), "{text}");
            assert_eq!(text.contains("content-length: 0\r\n"), status == 205, "{text}");
        }
    }
    let file = Given { body: Body::File(b"hello"), ..Given::whole(&[], &[]) };
    for given in [Given::whole(&[], &["hello"]), Given::parts(&[], &["hello"]), file] {
        let engine = Engine::start(Config::default(), given);
        let text = engine.ask(&format!("{}{}", GET.replace("GET", "HEAD"), LAST.replace("GET", "HEAD")));
        assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
        assert!(!text.contains("hello") && !text.contains("chunk"), "{text}");
    }
}

#[test]
fn chunks_of_the_apps_own_are_made_anew() {
    let chunks = ["5\r\nhel", "lo\r\n", "6;x=y\r\n world\r\n0\r\n\r\n"];
    for given in [Given::whole(&[CHUNKED, ("content-length", "3")], &chunks), Given::parts(&[CHUNKED], &chunks)] {
        let engine = Engine::start(Config::default(), given);
        let text = engine.ask(&format!("{GET}{LAST}"));
        assert_eq!(text.matches("3\r\nhel\r\n2\r\nlo\r\n6\r\n world\r\n0\r\n\r\n").count(), 2, "{text}");
        assert_eq!(body(&engine.ask("GET / HTTP/1.0\r\n\r\n")), "hello world");
    }
}

#[test]
fn chunks_of_the_apps_own_that_are_none_end_the_answer() {
    for (given, sent) in [
        (&["hello"][..], ""),
        (&["5\r\nhello\r\n"], "5\r\nhello\r\n"),
        (&["5\r\nhello\r\n", "0\r\n\r\n", "x"], "5\r\nhello\r\n"),
    ] {
        let engine = Engine::start(Config::default(), Given::parts(&[CHUNKED], given));
        let text = engine.ask(GET);
        assert!(matches!(engine.ended(), Err(Failed::Answer(AnswerError::Encoding))), "{given:?}");
        assert!(body(&text).is_empty() || body(&text) == sent, "{text}");
        assert_eq!(engine.server.context().stats.aborted.get(), 1);
    }
}

/// An answer of unknown length to a client's last request, of which nothing has been sent.
fn begun(config: Config) -> (Server, TcpStream, ResponseWriter) {
    let listener = Listener::bind("tcp://127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", listener.port().unwrap())).unwrap();
    let server = Server::start(vec![listener], config).unwrap();
    client.write_all(LAST.as_bytes()).unwrap();
    let Taken::Exchange(exchange) = server.dispatch().take(&server.interrupt()) else { panic!("there is a request") };
    let mut head = Vec::new();
    let plan = ResponseHead::begin(&mut head, 200).end(exchange.asked(), None, &date::format(0));
    (server, client, ResponseWriter::new(exchange, plan, head))
}

/// All that the client gets, while somebody polls.
fn finished(server: Server, client: &mut TcpStream) -> Vec<u8> {
    let dispatch = server.dispatch().clone();
    let interrupt = server.interrupt();
    let poll = thread::spawn(move || assert!(matches!(dispatch.take(&interrupt), Taken::Over)));
    let got = read_all(client);
    drop(server);
    poll.join().unwrap();
    got
}

#[test]
fn nothing_has_left_before_the_first_part() {
    let (server, mut client, writer) = begun(Config::default());
    assert!(writer.is_unsent() && writer.wants_body() && writer.takes_trailers());
    // Given back, it can have another answer.
    let (tell, _told) = channel();
    let given = Given { status: 500, ..Given::whole(&[], &["another"]) };
    answer(writer.into_exchange(), given, &server, &tell).unwrap();
    let text = String::from_utf8(finished(server, &mut client)).unwrap();
    assert!(text.starts_with("HTTP/1.1 500 ") && body(&text) == "another", "{text}");
}

/// Bodies that no kernel takes at once, from a client that reads late and little at a time.
#[test]
fn long_bodies_arrive_whole_whatever_lies_in_memory_or_in_files() {
    let mixed = Parts {
        parts: [long(300, 5_000).parts, long(3, 1_500_000).parts, long(500, 16_384).parts, long(1, 20_000).parts]
            .concat(),
        ..Parts::default()
    };
    for most in [0, 1_000_000, u64::MAX] {
        for parts in [long(2_000, 4_000), long(1, 8_000_000), mixed.clone()] {
            let expected = parts.parts.concat();
            let engine =
                Engine::start(spooling(most), Given { body: Body::Whole(parts.clone()), ..Given::whole(&[], &[]) });
            let mut client = engine.connect();
            client.write_all(LAST.as_bytes()).unwrap();
            assert!(engine.ended().unwrap(), "some of it is left to the engine");
            // Apart from what is gathered before it goes to a file.
            assert!(engine.kept() <= most.saturating_add(FEW), "{} of {most}", engine.kept());
            let text = read_all(&mut client);
            assert!(text.ends_with(&expected), "{} of {} bytes", text.len(), expected.len());
            assert!(engine.told());
            engine.await_nothing_kept();
        }
    }
}

#[test]
fn parts_that_nobody_waits_for_arrive_whole_too() {
    for most in [0, u64::MAX] {
        let parts = long(1_000, 8_000);
        let encoded = Parts {
            parts: [
                parts.parts.iter().map(|part| [b"1f40\r\n", &part[..], b"\r\n"].concat()).collect(),
                vec![b"0\r\n\r\n".to_vec()],
            ]
            .concat(),
            ..Parts::default()
        };
        let size = parts.parts.concat().len();
        for (fields, parts) in [(vec![], parts), (vec![CHUNKED], encoded)] {
            let given = Given { status: 200, fields, body: Body::Unwaited(parts) };
            let engine = Engine::start(spooling(most), given);
            let mut client = engine.connect();
            client.write_all(LAST.as_bytes()).unwrap();
            assert!(engine.ended().unwrap());
            let text = read_all(&mut client);
            assert_eq!(text.iter().filter(|byte| byte.is_ascii_lowercase()).count() / size, 1);
            assert!(text.ends_with(b"\r\n0\r\n\r\n"));
            engine.await_nothing_kept();
        }
    }
}

#[test]
fn what_is_kept_is_given_back_however_an_answer_ends() {
    let ways: [fn(Parts) -> Body; 4] = [Body::Whole, Body::Unwaited, Body::Aborted, Body::Dropped];
    for most in [0, u64::MAX] {
        for way in ways {
            let given = Given { body: way(long(1_000, 8_000)), ..Given::whole(&[], &[]) };
            let engine = Engine::start(spooling(most), given);
            // One leaves without a word, one with a reset, one that has closed its half stays, one is there at the end.
            let mut clients: Vec<_> = (0..4).map(|_| engine.connect()).collect();
            for client in &mut clients {
                client.write_all(GET.as_bytes()).unwrap();
                let _ = engine.ended();
            }
            drop(clients.remove(0));
            clients[0].read_exact(&mut [0; 10]).ok();
            drop(clients.remove(0));
            let _ = clients[0].shutdown(Shutdown::Write); // it may have been reset
            read_all(&mut clients[0]);
            // `Engine::drop` looks what is left.
        }
    }
}

#[test]
fn a_disk_without_room_costs_an_answer_and_no_more() {
    let limits = Limits { spool_dir: "/nowhere/at/all".into(), ..Limits::default() };
    let config = Config { limits, ..spooling(0) };
    for way in [Body::Whole, Body::Unwaited] {
        let engine = Engine::start(config.clone(), Given { body: way(long(1_000, 8_000)), ..Given::whole(&[], &[]) });
        let mut client = engine.connect();
        client.write_all(GET.as_bytes()).unwrap();
        assert!(matches!(engine.ended(), Err(Failed::Answer(AnswerError::NoRoom(_)))));
        assert!(read_all(&mut client).len() < 8_000_000);
        engine.await_nothing_kept();
        let stats = &engine.server.context().stats;
        assert_eq!((stats.aborted.get(), stats.spool_dir.get()), (1, 1));
    }
}

#[test]
fn an_owner_that_is_called_away_gives_its_answer_up() {
    let body = Parts { is_called_away: true, ..long(1_000, 8_000) };
    let engine = Engine::start(spooling(0), Given { body: Body::Whole(body), ..Given::whole(&[], &[]) });
    engine.ask(GET);
    assert!(matches!(engine.ended(), Err(Failed::CalledAway)));
    assert_eq!(engine.server.context().stats.aborted.get(), 1);
}

#[test]
fn parts_that_become_fewer_while_others_go_on_break_the_answer_and_not_its_framing() {
    let changing = Parts { then: Some(vec![b"less".to_vec()]), ..long(1_000, 8_000) };
    let engine = Engine::start(spooling(0), Given { body: Body::Whole(changing), ..Given::whole(&[], &[]) });
    let text = engine.ask(GET);
    assert!(matches!(engine.ended(), Err(Failed::Answer(AnswerError::TooShort { stated: 8_000_000, .. }))));
    assert!(text.len() < 8_000_000);
    let changing = Parts { then: Some(long(2_000, 8_000).parts), ..long(1_000, 8_000) };
    let engine = Engine::start(spooling(0), Given { body: Body::Whole(changing), ..Given::whole(&[], &[]) });
    assert_eq!(body(&engine.ask(LAST)).len(), 8_000_000);
    assert!(engine.ended().unwrap());
}

#[test]
fn files_of_any_length_arrive_whole() {
    static SMALL: [u8; 60_000] = [b's'; 60_000];
    static LARGE: [u8; 5_000_000] = [b'l'; 5_000_000];
    for bytes in [&b""[..], b"few", &SMALL, &LARGE] {
        let given = Given { body: Body::File(bytes), ..Given::whole(&[], &[]) };
        let engine = Engine::start(spooling(0), given);
        let text = engine.ask(LAST);
        assert!(body(&text).as_bytes() == bytes);
        assert_eq!(engine.ended().unwrap(), bytes.len() > 1_000_000);
        engine.await_nothing_kept();
    }
    // Of a small one that its client does not read, nothing lies in memory once enough does.
    let given = Given { body: Body::File(&SMALL), ..Given::whole(&[], &[]) };
    let engine = Engine::start(spooling(0), given);
    let mut client = engine.connect();
    let requests = GET.repeat(200) + LAST;
    client.write_all(requests.as_bytes()).unwrap();
    while !engine.ended().unwrap() {}
    assert!(engine.kept() <= FEW, "{}", engine.kept());
    let text = read_all(&mut client);
    assert_eq!(text.iter().filter(|&&byte| byte == b's').count() / SMALL.len(), 201);
}

#[test]
fn what_is_sent_while_the_rest_is_moved_to_a_file_comes_after_it() {
    let (server, mut client, mut writer) = begun(spooling(0));
    writer.part(&long(1, 8_000_000)).unwrap();
    assert!(writer.exchange().overflows(FEW));
    let left = writer.exchange().kept();
    let mut spilling = writer.exchange().begin_spill();
    assert!(writer.exchange().is_blocked());
    assert!(!writer.exchange().flush(AT_ONCE).unwrap());
    writer.part(&parts(&["after it"])).unwrap();
    spilling.spill().unwrap();
    writer.exchange().end_spill(spilling);
    assert_eq!(writer.exchange().kept(), left + "8\r\nafter it\r\n".len() as u64);
    assert!(!writer.exchange().overflows(FEW));
    writer.end(b"").unwrap();
    let (tell, told) = channel();
    writer.conclude(|| Completion::new(move |is_sent| tell.send(is_sent).unwrap())).unwrap();
    let text = finished(server, &mut client);
    assert!(text.ends_with(b"\r\n8\r\nafter it\r\n0\r\n\r\n"));
    assert!(told.recv().unwrap());
}

#[test]
fn nothing_sent_and_given_up_is_no_answer_however_little_was_promised() {
    let (server, mut client, writer) = begun(Config::default());
    let mut head = Vec::new();
    let mut response = ResponseHead::begin(&mut head, 200);
    response.field(b"content-length", b"0").unwrap();
    let exchange = writer.into_exchange();
    let plan = response.end(exchange.asked(), None, &date::format(0));
    let mut writer = ResponseWriter::new(exchange, plan, head);
    assert!(writer.part(&parts(&["x"])).is_err());
    assert!(writer.is_unsent());
    writer.abort();
    assert_eq!(server.context().stats.aborted.get(), 1);
    assert!(finished(server, &mut client).is_empty());
}

#[test]
fn an_answer_whose_rest_is_lost_on_the_way_to_a_file_is_given_up() {
    let (server, mut client, mut writer) = begun(spooling(0));
    writer.part(&long(1, 8_000_000)).unwrap();
    drop(writer.exchange().begin_spill());
    writer.end(b"").unwrap();
    writer.conclude(|| Completion::new(|_| ())).unwrap();
    assert_eq!(server.context().stats.aborted.get(), 1);
    assert!(finished(server, &mut client).len() < 8_000_000);
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, folder.path(), Path::new("/dev/zero")] {
        let refused = Content::open(path, &Budget::new(8)).unwrap_err();
        let is_none = matches!(&refused, OpenError::File(error) if error.kind() == std::io::ErrorKind::InvalidInput);
        assert!(is_none, "{}: {refused}", path.display());
    }
    let (short, long) = (folder.path().join("short"), folder.path().join("long"));
    std::fs::write(&short, "few").unwrap();
    std::fs::write(&long, vec![b'x'; 70_000]).unwrap();
    let descriptors = Budget::new(2);
    let first = Content::open(&long, &descriptors).unwrap();
    let second = Content::open(&long, &descriptors).unwrap();
    assert!(matches!(Content::open(&long, &descriptors), Err(OpenError::Descriptors)));
    assert!(matches!(Content::open(&short, &descriptors), Ok(Content::Bytes(_))), "it is read, and closed again");
    drop((first, second));
    assert_eq!(descriptors.used(), 0);
}
