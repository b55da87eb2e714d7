//! Connections that begin to speak HTTP/2, or don't.

use super::*;
use crate::http2::frame::PREFACE;

/// An empty SETTINGS frame.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// What a request may be in, all of it.
const REQUEST: [u8; 15] = [0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x41, 1, b'x'];

fn scene(speaks_proxy: bool) -> Scene {
    Scene::at(Config { http2: true, ..Config::default() }, speaks_proxy)
}

#[test]
fn http2_begins_with_its_preface_also_after_a_proxy_header_in_any_split() {
    for (speaks_proxy, before) in [(false, &b""[..]), (true, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")] {
        let bytes = [before, PREFACE, &SETTINGS].concat();
        for size in [1, 7, 24, 1000] {
            let mut scene = scene(speaks_proxy);
            for part in bytes.chunks(size) {
                scene.client.bring(part);
                assert_eq!(scene.look(), Verdict::Wait);
            }
            let sent = scene.client.take_sent();
            assert_eq!((sent[3], &sent[sent.len() - 9..]), (4, &[0, 0, 0, 4, 1, 0, 0, 0, 0][..]), "{size}");
            let client = if speaks_proxy { "192.0.2.1" } else { "127.0.0.1" };
            assert_eq!(scene.connection.peer().to_string(), client);
        }
    }
}

#[test]
fn a_request_that_begins_as_the_preface_does_is_one_of_http1() {
    for begins in ["", "P", "PR", "PRI"] {
        let mut scene = scene(false);
        scene.client.bring(begins.as_bytes());
        scene.look();
        scene.client.bring(b"VATE / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(scene.look(), Verdict::Request);
        let request = Request::of(&scene.connection);
        assert_eq!(request.head.method(), [begins.as_bytes(), b"VATE"].concat());
    }
}

#[test]
fn the_preface_and_what_follows_it_are_part_of_the_time_for_a_first_head() {
    for bytes in [&b"PRI * HT"[..], PREFACE, &[&PREFACE[..], &SETTINGS, &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]].concat()] {
        let mut scene = scene(false);
        let due = scene.connection.deadline.due();
        assert_eq!(scene.after(bytes).1.min(due), due);
        let timeout = scene.context.config.header_timeout;
        scene.pass(timeout + SECOND);
        // Whoever speaks HTTP/2 is told of it, and closed once it must have heard.
        assert_eq!(scene.pass(10 * SECOND), Verdict::Close);
    }
}

#[test]
fn without_the_setting_the_preface_is_a_version_that_nobody_speaks() {
    let mut scene = Scene::new(Config::default());
    scene.client.bring(PREFACE);
    scene.look();
    assert!(scene.client.take_sent().starts_with(b"HTTP/1.1 505 "));
}

#[test]
fn many_small_requests_take_more_of_a_turn_than_their_bytes() {
    let mut scene = scene(false);
    scene.client.bring(&[&PREFACE[..], &SETTINGS].concat());
    scene.look();
    for id in (1..200).step_by(2) {
        let mut request = REQUEST;
        request[8] = id;
        scene.client.bring(&request);
    }
    // More than all of them have.
    scene.intake.left = 16 * 1024;
    assert_eq!(scene.connection.advance(Look::Noted, &mut scene.intake), Verdict::Again);
    let found = |scene: &Scene| scene.connection.link.get().unwrap().lock().found.len();
    assert!(found(&scene) < 100);
    assert_eq!((scene.look(), found(&scene)), (Verdict::Wait, 100));
}

#[test]
fn streams_that_come_and_go_at_once_leave_others_their_turn() {
    let mut scene = scene(false);
    scene.intake.buffer = vec![0; 64 * 1024].into();
    scene.client.bring(&[&PREFACE[..], &SETTINGS].concat());
    scene.look();
    let mut bytes = Vec::new();
    for id in (1..200).step_by(2) {
        bytes.extend(&REQUEST[..8]);
        bytes.push(id);
        bytes.extend(&REQUEST[9..]);
        bytes.extend([0, 0, 4, 3, 0, 0, 0, 0, id, 0, 0, 0, 8]);
    }
    scene.client.bring(&bytes);
    let looks = std::iter::repeat_with(|| scene.look()).take_while(|&verdict| verdict == Verdict::Again).count();
    assert_eq!(looks, 3);
    assert!(scene.connection.link.get().unwrap().lock().session.is_idle());
    assert_eq!(scene.context.stats.http2_floods.get(), 0);
}

#[test]
fn only_what_is_asked_for_moves_the_time_of_an_idle_connection() {
    // PING, WINDOW_UPDATE of the connection's, SETTINGS, PRIORITY_UPDATE, and a part of a frame.
    let ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat();
    let window = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
    let priority = [&[0, 0, 7, 16, 0, 0, 0, 0, 0, 0, 0, 0, 9][..], b"u=1"].concat();
    let mut scene = scene(false);
    scene.client.bring(&[&PREFACE[..], &SETTINGS].concat());
    scene.look();
    let due = scene.connection.deadline.due();
    for said in [&ping[..], &window, &SETTINGS, &priority, &ping[..4]] {
        scene.pass(SECOND);
        scene.client.bring(said);
        assert_eq!(scene.look(), Verdict::Wait);
        assert_eq!(scene.connection.deadline.due(), due);
    }
    scene.client.bring(&ping[4..]);
    // A request that comes and goes in one look.
    let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8];
    scene.client.bring(&[&REQUEST[..], &reset].concat());
    scene.look();
    let next = scene.connection.deadline.due();
    assert!(next > due);
    scene.pass(SECOND);
    scene.client.bring(&ping);
    scene.look();
    assert_eq!(scene.connection.deadline.due(), next);
    let timeout = scene.context.config.keepalive_timeout;
    scene.pass(timeout);
    assert_eq!(scene.context.stats.keepalive_timeout.get(), 1);
    assert_eq!(scene.pass(10 * SECOND), Verdict::Close);
}

#[test]
fn who_ends_one_half_has_the_answers_to_all_of_what_was_asked_and_who_ends_both_has_left() {
    for leaves in [false, true] {
        let mut scene = scene(false);
        let mut part = REQUEST;
        // A second one, whose body is still to come.
        (part[4], part[8]) = (4, 3);
        scene.client.bring(&[&PREFACE[..], &SETTINGS, &REQUEST, &part].concat());
        scene.look();
        scene.client.end();
        assert_eq!(scene.look(), Verdict::Wait);
        let streams = |scene: &Scene| {
            let mut speech = scene.connection.link.get().unwrap().lock();
            speech.session.hosts().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(streams(&scene), [1]);
        let mut found = Vec::new();
        Request::take_streams(&scene.connection, &mut found);
        assert!(found.len() == 1 && found[0].waits());
        if leaves {
            scene.client.reset();
            assert_eq!(scene.look(), Verdict::Close);
            assert!(!found[0].waits());
        } else {
            assert_eq!(scene.look(), Verdict::Wait);
            drop(found);
            scene.connection.take_all_back(crate::error::Fault::RequestTimeout);
            assert_eq!(scene.look(), Verdict::Close);
            assert!(memchr::memmem::find(&scene.client.take_sent(), b"504").is_some());
        }
    }
}
