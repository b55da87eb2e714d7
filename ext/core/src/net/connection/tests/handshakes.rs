//! The handshake of TLS, with its client and its time in the test's hand.

use super::*;
use crate::tls::test_client::{Client, port};

/// A connection that waits for a handshake.
fn scene() -> Scene {
    Scene::with(Config::default(), |local| Local { tls: Some(Arc::new(port())), ..local })
}

/// What a helper does when it has its turn.
fn help(scene: &Scene) {
    while scene.connection.clone().work() {}
}

/// The handshake, in as many looks as it takes.
fn shake(scene: &mut Scene, client: &mut Client) {
    while client.0.is_handshaking() || client.0.wants_write() {
        scene.client.bring(&client.sends());
        assert_eq!(scene.look(), Verdict::Shake);
        help(scene);
        client.reads(&scene.client.take_sent()).unwrap();
    }
}

fn request(scene: &mut Scene, client: &mut Client) {
    scene.client.bring(&client.says(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_eq!(scene.look(), Verdict::Request);
}

#[test]
fn nobody_is_asked_to_help_before_anything_has_come() {
    let mut scene = scene();
    assert_eq!(scene.look(), Verdict::Wait);
    assert_eq!(scene.look(), Verdict::Wait);
    let (mut client, stats) = (Client::plain(), scene.context.clone());
    shake(&mut scene, &mut client);
    assert_eq!(stats.stats.tls_handshakes.get(), 1);
    request(&mut scene, &mut client);
}

#[test]
fn what_comes_together_with_the_last_of_the_handshake_is_not_waited_for() {
    let (mut scene, mut client) = (scene(), Client::plain());
    scene.client.bring(&client.sends());
    assert_eq!(scene.look(), Verdict::Shake);
    help(&scene);
    client.reads(&scene.client.take_sent()).unwrap();
    let last = client.says(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    scene.client.bring(&last);
    assert_eq!(scene.look(), Verdict::Shake);
    help(&scene);
    assert!(scene.context.has_note(0), "no event will tell of what has been read");
    assert_eq!(scene.look(), Verdict::Request);
}

#[test]
fn a_handshake_has_its_time_from_accept_on_and_a_head_its_own_after_it() {
    let config = Config::default();
    let mut late = scene();
    late.client.bring(&Client::plain().sends()[..5]);
    assert_eq!(late.look(), Verdict::Shake);
    help(&late);
    assert_eq!(late.pass(config.handshake_timeout), Verdict::Close);
    assert_eq!(late.context.stats.handshake_timeout.get(), 1);

    let (mut scene, mut client) = (scene(), Client::plain());
    scene.context.clock.skip(config.handshake_timeout - SECOND);
    shake(&mut scene, &mut client);
    let due = scene.context.clock.now() + config.header_timeout.as_millis() as u64;
    assert_eq!(scene.connection.deadline.due(), due);
}

#[test]
fn who_says_nothing_behind_a_proxy_is_not_told_of_as_one_without_its_header() {
    let config = Config::default();
    let proxied =
        || Scene::with(Config::default(), |local| Local { tls: Some(Arc::new(port())), speaks_proxy: true, ..local });
    let mut silent = proxied();
    assert_eq!(silent.look(), Verdict::Wait);
    assert_eq!(silent.pass(config.handshake_timeout), Verdict::Close);
    assert_eq!((silent.context.stats.proxy_header.get(), silent.context.stats.handshake_timeout.get()), (0, 1));

    let mut half = proxied();
    half.client.bring(b"PROXY TCP4 1.2");
    assert_eq!(half.look(), Verdict::Shake);
    help(&half);
    assert_eq!(half.pass(config.handshake_timeout), Verdict::Close);
    assert_eq!((half.context.stats.proxy_header.get(), half.context.stats.handshake_timeout.get()), (1, 0));
}

#[test]
fn a_helper_that_finds_the_time_over_is_the_last() {
    let mut scene = scene();
    scene.client.bring(b"\x16");
    assert_eq!(scene.look(), Verdict::Shake);
    scene.context.clock.skip(Config::default().handshake_timeout);
    help(&scene);
    assert_eq!(scene.look(), Verdict::Close);
    assert_eq!(scene.context.stats.handshake_timeout.get(), 1);
}

#[test]
fn plain_http_is_told_so_and_what_is_neither_hears_nothing() {
    let mut plain = scene();
    plain.client.bring(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(plain.look(), Verdict::Shake);
    help(&plain);
    plain.look();
    let sent = String::from_utf8(plain.client.take_sent()).unwrap();
    assert!(
        sent.starts_with("HTTP/1.1 400 ") && sent.ends_with("this port speaks TLS: ask it by https://\n"),
        "{sent}"
    );

    let mut other = scene();
    other.client.bring(b"\x05\x01\x00");
    assert_eq!(other.look(), Verdict::Shake);
    help(&other);
    assert_eq!(other.look(), Verdict::Close);
    assert_eq!(other.client.take_sent(), b"");
    assert_eq!(other.context.stats.tls_plain.get(), 1);
}

#[test]
fn a_client_that_breaks_the_rules_hears_an_alert_and_is_counted() {
    let mut scene = scene();
    // What a server says.
    scene.client.bring(b"\x16\x03\x01\x00\x04\x02\x00\x00\x00");
    assert_eq!(scene.look(), Verdict::Shake);
    help(&scene);
    assert_eq!(scene.client.take_sent()[0], 21, "an alert");
    assert_eq!(scene.context.stats.tls_malformed.get(), 1);
    scene.look();
    assert!(scene.client.is_write_shut());
}

#[test]
fn a_client_that_leaves_in_the_middle_is_let_go() {
    let mut scene = scene();
    scene.client.bring(&Client::plain().sends());
    assert_eq!(scene.look(), Verdict::Shake);
    help(&scene);
    scene.client.end();
    assert_eq!(scene.look(), Verdict::Shake);
    help(&scene);
    assert_eq!(scene.look(), Verdict::Close);
    assert_eq!(scene.context.stats.tls_left.get(), 1);
}

#[test]
fn an_answer_that_the_session_holds_keeps_the_connection_sending() {
    let (mut scene, mut client) = (scene(), Client::plain());
    shake(&mut scene, &mut client);
    request(&mut scene, &mut client);
    scene.client.take_room(10);
    let mut exchange = Exchange::begin(Request::of(&scene.connection));
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    assert!(exchange.is_blocked(), "all of it was taken, and ten bytes have left");
    exchange.finish(true, None);
    assert_eq!(scene.look(), Verdict::Wait);
    assert!(!scene.context.has_note(0) || scene.look() == Verdict::Wait);

    scene.client.take_room(usize::MAX);
    assert_eq!(scene.look(), Verdict::Wait);
    let answer = client.reads(&scene.client.take_sent()).unwrap();
    assert!(answer.ends_with(b"content-length: 0\r\n\r\n"));
    request(&mut scene, &mut client);
}

#[test]
fn a_client_that_does_not_read_what_is_held_is_given_up() {
    let (mut scene, mut client) = (scene(), Client::plain());
    shake(&mut scene, &mut client);
    request(&mut scene, &mut client);
    scene.client.take_room(10);
    let mut exchange = Exchange::begin(Request::of(&scene.connection));
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    exchange.finish(true, None);
    assert_eq!(scene.look(), Verdict::Wait);
    assert_eq!(scene.pass(Config::default().write_timeout), Verdict::Close);
    assert_eq!(scene.context.stats.write_timeout.get(), 1);
}

#[test]
fn an_end_in_order_is_told() {
    let (mut scene, mut client) = (scene(), Client::plain());
    shake(&mut scene, &mut client);
    request(&mut scene, &mut client);
    let mut exchange = Exchange::begin(Request::of(&scene.connection));
    exchange.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap();
    exchange.finish(false, None);
    scene.look();
    client.reads(&scene.client.take_sent()).unwrap();
    assert_eq!(std::io::Read::read(&mut client.0.reader(), &mut [0]).unwrap(), 0, "close_notify");
    scene.connection.end();
    assert!(scene.client.is_write_shut());
}
