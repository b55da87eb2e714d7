//! Each way a request can end has one account that says what it was.

use std::sync::Mutex;

use super::*;
use crate::http::plan::Plan;
use crate::net::account::{Account, Observer, Times};

/// What was told of requests, a line each.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn observe(&self, account: &Account<'_>) {
        let Account { request, status, fault, end, sent, times, worker, .. } = account;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (method, target) = (text(request.method()), text(request.target()));
        let fault = fault.map(|fault| format!(" {fault:?}")).unwrap_or_default();
        let worker = worker.map(|worker| format!(" by {worker}")).unwrap_or_default();
        let seconds = |time: Option<u64>| time.map_or("-".to_owned(), |micros| (micros / 1_000_000).to_string());
        let Times { queue, app, total } = *times;
        let times = [queue, app, total].map(seconds).join(" ");
        let line = format!("{method} {target} {status}{fault} {end:?} {sent} | {times}{worker}");
        self.0.lock().unwrap().push(line);
    }
}

/// A scene whose first request, in three seconds, a worker takes after one, if it is to; and what was told at the end.
fn told(
    config: Config,
    sent: &[u8],
    is_taken: bool,
    go_on: impl FnOnce(&mut Scene, Option<Box<Exchange>>),
) -> Vec<String> {
    let told = Arc::<Told>::default();
    let mut scene = Scene::new(Config { observers: vec![told.clone()], ..config });
    scene.context.clock.skip(SECOND);
    scene.context.begin_turn();
    scene.client.bring(sent);
    let is_ready = scene.look() == Verdict::Request;
    let exchange = (is_ready && is_taken).then(|| {
        scene.context.clock.skip(SECOND);
        let mut exchange = Exchange::begin(Request::of(&scene.connection));
        exchange.served_by(7);
        scene.context.clock.skip(SECOND);
        Box::new(exchange)
    });
    go_on(&mut scene, exchange);
    drop(scene);
    std::mem::take(&mut *told.0.lock().unwrap())
}

fn served(go_on: impl FnOnce(&mut Scene, Box<Exchange>)) -> Vec<String> {
    let request = b"GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n";
    told(Config::default(), request, true, |scene, exchange| go_on(scene, exchange.expect("a request is complete")))
}

fn head(exchange: &Exchange, status: u16, length: Option<u64>) -> (Vec<u8>, Plan) {
    let mut out = Vec::new();
    let plan = ResponseHead::begin(&mut out, status).end(exchange.asked(), length, &date::format(0));
    (out, plan)
}

fn writer(exchange: Box<Exchange>, status: u16) -> ResponseWriter {
    let (out, plan) = head(&exchange, status, Some(5));
    ResponseWriter::new(exchange, plan, out)
}

#[test]
fn an_answer_that_is_whole() {
    let whole = served(|scene, exchange| {
        let mut writer = writer(exchange, 201);
        writer.part(&Fleeting(b"hello".to_vec())).unwrap();
        scene.context.clock.skip(SECOND);
        writer.conclude(|| unreachable!("all was sent")).unwrap();
    });
    assert_eq!(whole, ["GET /a?b 201 Whole 5 | 1 1 3 by 7"]);
}

#[test]
fn an_answer_that_the_engine_sends_on() {
    let slow = |ends: bool| {
        served(move |scene, exchange| {
            scene.client.take_room(100);
            let mut writer = writer(exchange, 200);
            writer.part(&Fleeting(b"hello".to_vec())).unwrap();
            scene.client.take_room(0);
            let mut exchange = *writer.into_exchange();
            exchange.keep(b"and more").unwrap();
            exchange.finish(true, None);
            let counted = || (scene.context.stats.answered.get(), scene.context.stats.aborted.get());
            assert_eq!(counted(), (0, 0), "nobody knows yet what becomes of it");
            scene.context.clock.skip(SECOND);
            if ends {
                scene.client.reset();
            } else {
                scene.client.take_room(usize::MAX);
            }
            scene.connection.advance(Look::Noted, &mut scene.intake);
            assert_eq!(counted(), if ends { (0, 1) } else { (1, 0) });
        })
    };
    assert_eq!(slow(false), ["GET /a?b 200 Whole 13 | 1 1 3 by 7"]);
    assert_eq!(slow(true), ["GET /a?b 200 Cut 5 | 1 1 3 by 7"]);
}

#[test]
fn an_answer_that_is_given_up_or_was_never_begun() {
    assert_eq!(served(|_, exchange| exchange.abort()), ["GET /a?b 0 Cut 0 | 1 1 2 by 7"]);
    let left = served(|scene, exchange| {
        scene.client.reset();
        exchange.abort();
    });
    assert_eq!(left, ["GET /a?b 499 Cut 0 | 1 1 2 by 7"]);
    let cut = served(|_, exchange| {
        let mut writer = writer(exchange, 200);
        writer.part(&Fleeting(b"hel".to_vec())).unwrap();
        writer.abort();
    });
    assert_eq!(cut, ["GET /a?b 200 Cut 3 | 1 1 2 by 7"]);
}

#[test]
fn a_refusal_of_whoever_serves() {
    assert_eq!(
        served(|_, exchange| exchange.refuse(Fault::OpenFiles)),
        ["GET /a?b 503 OpenFiles Whole 35 | 1 1 2 by 7"]
    );
}

#[test]
fn an_answer_in_the_place_of_a_worker_and_the_late_one() {
    let late = served(|scene, exchange| {
        scene.context.clock.skip(SECOND);
        assert!(scene.connection.take_back(Fault::RequestTimeout));
        scene.context.clock.skip(SECOND);
        exchange.abort();
    });
    assert_eq!(late, ["GET /a?b 504 RequestTimeout Whole 31 | 1 2 3 by 7"]);
}

#[test]
fn requests_that_no_worker_takes() {
    let request = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n";
    let queued = told(Config::default(), request, false, |scene, _| {
        scene.context.clock.skip(SECOND);
        assert!(scene.connection.take_back(Fault::QueueTimeout));
    });
    assert_eq!(queued, ["GET /a 503 QueueTimeout Whole 25 | 1 - 1"]);
    let gone = told(Config::default(), request, false, |scene, _| {
        scene.client.reset();
        assert!(Request::of(&scene.connection).is_gone());
    });
    assert_eq!(gone, ["GET /a 499 Cut 0 | 0 - 0"]);
}

#[test]
fn requests_that_are_not_complete() {
    let of = |sent: &[u8]| told(Config::default(), sent, false, |_, _| ());
    assert_eq!(of(b"GET /a HTTP/1.1\r\nhost : x\r\n\r\n").len(), 1);
    assert!(of(b"GET /a HTTP/1.1\r\nhost : x\r\n\r\n")[0].starts_with("GET /a 400 Malformed("));
    assert!(of(b"\x16\x03\x01\x02")[0].starts_with("  400 Malformed("));
    let long = [&b"PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n"[..]].concat();
    assert_eq!(of(&long), ["PUT /a 413 BodyTooLarge Whole 50 | - - -"]);
    let dawdles = told(Config::default(), b"GET /a HTTP/1.1\r\nho", false, |scene, _| {
        scene.pass(scene.context.config.header_timeout);
    });
    assert_eq!(dawdles, ["GET /a 408 HeadTimeout Whole 35 | - - -"]);
    let leaves = told(Config::default(), b"GET /a HTTP/1.1\r\nho", false, |scene, _| {
        scene.client.end();
        scene.connection.advance(Look::MayBeEnded, &mut scene.intake);
    });
    assert_eq!(leaves, ["GET /a 499 Cut 0 | - - -"]);
    let says_nothing = told(Config::default(), b"\r\n", false, |scene, _| {
        scene.client.end();
        scene.connection.advance(Look::MayBeEnded, &mut scene.intake);
    });
    assert!(says_nothing.is_empty());
}

#[test]
fn the_next_request_of_a_connection_has_nothing_of_the_one_before() {
    let both = served(|scene, exchange| {
        let mut writer = writer(exchange, 200);
        writer.part(&Fleeting(b"hello".to_vec())).unwrap();
        writer.conclude(|| unreachable!("all was sent")).unwrap();
        scene.client.bring(b"GET /next HTTP/1.1\r\nhost : x\r\n\r\n");
        scene.look();
    });
    assert_eq!(both.len(), 2);
    assert!(both[1].starts_with("GET /next 400 Malformed(") && both[1].ends_with("| - - -"), "{both:?}");
}
