use super::*;

const GET: Asked = Asked { is_head: false, version: Version::Http11, keep_alive: true, is_extended: false };
const HEAD: Asked = Asked { is_head: true, ..GET };
const OLD: Asked = Asked { version: Version::Http10, ..GET };

fn encode(status: u16, fields: &[(&str, &str)], asked: Asked, body: Option<u64>) -> (String, Plan) {
    let mut out = Vec::new();
    let mut head = ResponseHead::begin(&mut out, status);
    for (name, value) in fields {
        head.field(name.as_bytes(), value.as_bytes()).unwrap();
    }
    let plan = head.end(asked, body, b"Thu, 01 Jan 1970 00:00:00 GMT");
    let text = String::from_utf8(out).unwrap();
    (text.replace("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "").replace("\r\n", "|"), plan)
}

fn plan(framing: BodyFraming, keep_alive: bool) -> Plan {
    Plan { framing, keep_alive, status: 200, is_encoded: false }
}

#[test]
fn states_the_length_it_knows() {
    let expected = ("HTTP/1.1 200 OK|a: b|content-length: 5||".to_owned(), plan(BodyFraming::Sized(5), true));
    assert_eq!(encode(200, &[("a", "b")], GET, Some(5)), expected);
    assert_eq!(encode(200, &[("a", "b"), ("Content-Length", "5")], GET, None), expected);
    assert_eq!(encode(200, &[("a", "b"), ("Transfer-Encoding", "gzip")], GET, Some(5)), expected);
}

#[test]
fn chunks_what_it_does_not() {
    let chunked = (
        "HTTP/1.1 404 Not Found|transfer-encoding: chunked||".to_owned(),
        Plan { status: 404, ..plan(BodyFraming::Chunked, true) },
    );
    assert_eq!(encode(404, &[], GET, None), chunked);
    let closed = ("HTTP/1.1 200 OK|connection: close||".to_owned(), plan(BodyFraming::UntilClose, false));
    assert_eq!(encode(200, &[], OLD, None), closed);
}

#[test]
fn leaves_the_connection_to_the_app_after_a_raw_head() {
    let raw = |status, fields: &[(&str, &str)], protocol| {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin_raw(&mut out, status);
        for (name, value) in fields {
            head.field(name.as_bytes(), value.as_bytes()).unwrap();
        }
        head.end_raw(protocol, b"Thu, 01 Jan 1970 00:00:00 GMT");
        let text = String::from_utf8(out).unwrap();
        text.replace("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "").replace("\r\n", "|")
    };
    let switched = "HTTP/1.1 101 Switching Protocols|upgrade: chat|connection: upgrade||";
    assert_eq!(raw(101, &[], Some(&b"chat"[..])), switched);
    assert_eq!(raw(101, &[("upgrade", "chat"), ("connection", "Upgrade")], None), switched);
    let own = [("transfer-encoding", "chunked"), ("content-length", "5")];
    let expected = "HTTP/1.1 200 OK|transfer-encoding: chunked|content-length: 5|connection: close||";
    assert_eq!(raw(200, &own, None), expected);
}

#[test]
fn says_what_the_client_could_go_on_with() {
    let fields = [("upgrade", "tls/1.2"), ("connection", "upgrade")];
    let (text, plan) = encode(426, &fields, GET, Some(0));
    assert_eq!(text, "HTTP/1.1 426 Upgrade Required|upgrade: tls/1.2|content-length: 0|connection: upgrade||");
    assert!(plan.keep_alive);
}

#[test]
fn an_interim_head_has_nothing_but_its_fields() {
    let mut out = Vec::new();
    let mut head = ResponseHead::begin(&mut out, 103);
    head.field(b"link", b"</a.css>").unwrap();
    head.end_interim();
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
}

#[test]
fn trailers_can_break_no_message() {
    let mut out = Vec::new();
    trailer(&mut out, b"digest", b"abc").unwrap();
    assert_eq!(out, b"digest: abc\r\n");
    for name in [&b"Content-Length"[..], b"transfer-encoding", b"SET-COOKIE", b"trailer"] {
        assert_eq!(trailer(&mut out, name, b"1"), Err(HeaderFault::Trailer));
    }
    assert_eq!(trailer(&mut out, b"a b", b"1"), Err(HeaderFault::Name));
    assert_eq!(trailer(&mut out, b"a", b"1\r\nb: c"), Err(HeaderFault::Value));
    assert_eq!(out, b"digest: abc\r\n");
}

#[test]
fn knows_a_body_that_is_in_chunks_already() {
    let fields = [("Transfer-Encoding", "Chunked"), ("content-length", "5")];
    let (text, plan) = encode(200, &fields, GET, Some(5));
    assert_eq!(text, "HTTP/1.1 200 OK|transfer-encoding: chunked||");
    assert_eq!(plan, Plan { is_encoded: true, ..self::plan(BodyFraming::Chunked, true) });
    let (text, plan) = encode(200, &fields, OLD, Some(5));
    assert_eq!(text, "HTTP/1.1 200 OK|connection: close||");
    assert_eq!(plan, Plan { is_encoded: true, ..self::plan(BodyFraming::UntilClose, false) });
}

#[test]
fn sends_no_body_where_there_is_none() {
    let none = |status| Plan { status, ..plan(BodyFraming::None, true) };
    assert_eq!(
        encode(204, &[("content-length", "0")], GET, Some(0)),
        ("HTTP/1.1 204 No Content||".to_owned(), none(204))
    );
    assert_eq!(encode(304, &[], GET, Some(0)), ("HTTP/1.1 304 Not Modified||".to_owned(), none(304)));
    assert_eq!(
        encode(200, &[("content-length", "9")], HEAD, Some(0)),
        ("HTTP/1.1 200 OK|content-length: 9||".to_owned(), none(200))
    );
    assert_eq!(encode(200, &[], HEAD, Some(9)), ("HTTP/1.1 200 OK|content-length: 9||".to_owned(), none(200)));
    assert_eq!(encode(200, &[], HEAD, Some(0)), ("HTTP/1.1 200 OK||".to_owned(), none(200)));
}

#[test]
fn a_reset_says_that_it_has_no_content() {
    let none = (
        "HTTP/1.1 205 Reset Content|content-length: 0||".to_owned(),
        Plan { status: 205, ..plan(BodyFraming::None, true) },
    );
    for asked in [GET, HEAD] {
        assert_eq!(encode(205, &[], asked, None), none);
        assert_eq!(encode(205, &[("content-length", "7")], asked, Some(7)), none);
    }
    let (text, _) = encode(205, &[("transfer-encoding", "chunked")], GET, None);
    assert_eq!(text, none.0);
}

#[test]
fn another_protocol_has_a_sink_of_its_own() {
    #[derive(Default)]
    struct Fields(Vec<(String, String)>);
    impl Sink for Fields {
        fn status(&mut self, status: u16) {
            self.field(b":status", status.to_string().as_bytes());
        }
        fn field(&mut self, name: &[u8], value: &[u8]) {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_ascii_lowercase()).unwrap();
            self.0.push((text(name), text(value)));
        }
        fn end(&mut self, decision: &Decision, _: Option<&[u8; date::LEN]>) {
            if let Some(length) = decision.length {
                self.field(b"content-length", length.to_string().as_bytes());
            }
        }
        fn end_interim(&mut self) {}
    }
    let mut fields = Fields::default();
    let mut head = ResponseHead::begin(&mut fields, 200);
    head.field(b"Etag", b"x").unwrap();
    head.field(b"Connection", b"close").unwrap();
    assert_eq!(head.field(b"a", b"b\r\nc: d"), Err(HeaderFault::Value));
    let plan = head.end(GET, Some(5), &date::format(0));
    assert_eq!(plan.framing, BodyFraming::Sized(5));
    let expected = [(":status", "200"), ("etag", "x"), ("content-length", "5")];
    assert_eq!(fields.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn says_when_the_connection_stays_and_when_it_closes() {
    let (text, plan) = encode(200, &[("Connection", "Close")], GET, Some(0));
    assert_eq!((text.as_str(), plan.keep_alive), ("HTTP/1.1 200 OK|content-length: 0|connection: close||", false));
    let (text, plan) = encode(200, &[], OLD, Some(0));
    assert_eq!((text.as_str(), plan.keep_alive), ("HTTP/1.1 200 OK|content-length: 0|connection: keep-alive||", true));
}

#[test]
fn refuses_fields_that_split_the_message() {
    let mut out = Vec::new();
    let mut head = ResponseHead::begin(&mut out, 200);
    assert_eq!(head.field(b"a", b"b\r\nc: d"), Err(HeaderFault::Value));
    assert_eq!(head.field(b"a", b"b\nc"), Err(HeaderFault::Value));
    assert_eq!(head.field(b"a", b"\0"), Err(HeaderFault::Value));
    assert_eq!(head.field(b"a b", b"c"), Err(HeaderFault::Name));
    assert_eq!(head.field(b"", b"c"), Err(HeaderFault::Name));
    assert_eq!(head.field(b"content-length", b"x"), Err(HeaderFault::Length));
    assert_eq!([b"12", b"12"].map(|length| head.field(b"content-length", length)), [Ok(()), Ok(())]);
    assert_eq!(head.field(b"Content-Length", b"13"), Err(HeaderFault::Lengths));
}

#[test]
fn sizes_chunks_in_hexadecimal() {
    for (length, text) in [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0xabcdef, "abcdef\r\n")] {
        let mut out = Vec::new();
        push_chunk_size(&mut out, length);
        assert_eq!(out, text.as_bytes());
    }
}

#[test]
fn refuses_in_words() {
    let text = String::from_utf8(refusal(Fault::QueueFull, false, None, &date::format(0)).bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    assert!(text.contains("retry-after: 1\r\n") && text.contains("connection: close\r\n"));
    assert!(text.ends_with("\r\n\r\nthe server is overloaded\n"));
    let text = String::from_utf8(refusal(Fault::QueueFull, true, Some(b"id"), &date::format(0)).bytes).unwrap();
    assert!(text.contains("content-length: 25\r\n") && text.ends_with("\r\n\r\n"));
}

#[test]
fn the_server_s_own_fields_come_after_the_app_s_and_its_id_for_the_request_counts() {
    let told = |fields: &[(&str, &str)]| {
        let mut out = Vec::new();
        let mut head = ResponseHead::begin(&mut out, 204);
        for (name, value) in fields {
            head.field(name.as_bytes(), value.as_bytes()).unwrap();
        }
        let timing = Some(Timing { queue: 120, app: 34_005 });
        head.own(&OwnFields { request_id: Some(b"id-1"[..].into()), timing });
        head.end(GET, None, &date::format(0));
        let text = String::from_utf8(out).unwrap();
        text.lines().filter(|line| !line.starts_with("date")).collect::<Vec<_>>().join("|")
    };
    let timing = "server-timing: queue;dur=0.120, app;dur=34.005";
    assert_eq!(told(&[]), format!("HTTP/1.1 204 No Content|x-request-id: id-1|{timing}|"));
    assert_eq!(told(&[("X-Request-Id", "own")]), format!("HTTP/1.1 204 No Content|X-Request-Id: own|{timing}|"));
}
