//! What a line may tell of a request.

use std::fmt::Display;
use std::io::Write;

use super::query::Filter;
use crate::error::Fault;
use crate::http::forwarded;
use crate::http::head::{Seen, Version};
use crate::net::account::{Account, CLIENT_LEFT, End};
use crate::net::peer::PeerAddr;
use crate::net::trusted::Trusted;
use crate::text::wall::Wall;
use crate::text::{escape, push_decimal, push_millis, push_three};

/// What a line is made of.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) account: &'a Account<'a>,
    pub(super) wall: &'a Wall,
    pub(super) filter: &'a Filter,
    pub(super) trusted: &'a Trusted,
    /// The number of the process, in digits.
    pub(super) process: &'a [u8],
}

/// Declares the fields once: its name in a template, and how it is written.
macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident $name:literal,)*) => {
        /// A field of a line.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            $($(#[$doc])* $field,)*
            /// A header of the request's.
            Header(String),
        }

        impl Field {
            /// The one that a template calls by that name.
            pub(super) fn named(name: &str) -> Option<Field> {
                match name {
                    $($name => Some(Field::$field),)*
                    name => name.strip_prefix("header:").map(|name| Field::Header(name.to_owned())),
                }
            }
        }
    };
}

fields! {
    /// When the request was over, in UTC, to the millisecond (RFC 3339).
    Time "time",
    /// The same as the Common Log Format has it.
    ClfTime "clf_time",
    /// Who has asked, also through proxies that are trusted.
    Peer "peer",
    /// Who has opened the connection: the app's REMOTE_ADDR.
    RemoteAddr "remote_addr",
    /// The request line.
    Request "request",
    Method "method",
    Target "target",
    Path "path",
    Protocol "protocol",
    Host "host",
    Status "status",
    /// Bytes of the answer's body that were sent.
    Bytes "bytes",
    /// Times in milliseconds.
    Queue "queue",
    App "app",
    Total "total",
    RequestId "request_id",
    Traceparent "traceparent",
    UserAgent "user_agent",
    Referer "referer",
    Worker "worker",
    Process "process",
    Cause "cause",
}

impl Field {
    /// Nothing is a dash.
    pub(super) fn write(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        let Entry { account, wall, filter, .. } = entry;
        let request = account.request;
        match self {
            Field::Time => out.extend_from_slice(wall.iso()),
            Field::ClfTime => out.extend_from_slice(wall.clf()),
            Field::Peer => show(out, entry.peer()),
            Field::RemoteAddr => show(out, account.peer),
            Field::Request => push_request(out, request, filter),
            Field::Method => word(out, some(request.method())),
            Field::Target if request.target().is_empty() => out.push(b'-'),
            Field::Target => filter.each(request.target(), |part| escape::word(out, part)),
            Field::Path => word(out, some(path(request.target()))),
            Field::Protocol => word(out, request.version().map(protocol)),
            Field::Status => push_status(out, account.status),
            Field::Bytes => push_decimal(out, account.sent),
            Field::Queue => push_time(out, account.times.queue),
            Field::App => push_time(out, account.times.app),
            Field::Total => push_time(out, account.times.total),
            Field::Referer => match request.field("referer") {
                Some(referer) => filter.each(referer, |part| escape::plain(out, part)),
                None => out.push(b'-'),
            },
            Field::UserAgent => plain(out, request.field("user-agent")),
            Field::Host => word(out, request.field("host")),
            Field::RequestId => word(out, entry.request_id()),
            Field::Traceparent => word(out, request.field("traceparent")),
            Field::Header(name) => plain(out, request.field(name)),
            Field::Worker => match account.worker {
                Some(worker) => push_decimal(out, worker),
                None => out.push(b'-'),
            },
            Field::Process => out.extend_from_slice(entry.process),
            Field::Cause => plain(out, entry.cause().map(str::as_bytes)),
        }
    }
}

impl Entry<'_> {
    /// Who has asked, by the word of proxies that are trusted.
    pub(super) fn peer(&self) -> PeerAddr {
        match self.account.request {
            Seen::Head(head) if self.trusted.includes(self.account.peer) => {
                let is_trusted = |ip| self.trusted.includes(PeerAddr::Ip(ip, 0));
                forwarded::client(head, is_trusted).map_or(self.account.peer, |ip| PeerAddr::Ip(ip, 0))
            }
            _ => self.account.peer,
        }
    }

    /// By which the request is known.
    pub(super) fn request_id(&self) -> Option<&[u8]> {
        self.account.request_id.or_else(|| self.account.request.field("x-request-id"))
    }

    /// Why it never reached the app, or its answer never the client.
    pub(super) fn cause(&self) -> Option<&'static str> {
        match (self.account.fault, self.account.status, self.account.end) {
            (Some(Fault::Stopping), ..) => Some("stopping"),
            (Some(fault), ..) => Some(fault.cause()),
            (None, CLIENT_LEFT, _) => Some("client left"),
            (None, _, End::Cut) => Some("cut"),
            (None, _, End::Whole | End::Taken) => None,
        }
    }
}

pub(super) fn path(target: &[u8]) -> &[u8] {
    &target[..memchr::memchr(b'?', target).unwrap_or(target.len())]
}

pub(super) fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::Http10 => b"HTTP/1.0",
        Version::Http11 => b"HTTP/1.1",
        Version::Http2 => b"HTTP/2.0",
    }
}

/// An address is written without the machinery of `Display` where that costs: most are of version 4.
pub(super) fn show(out: &mut Vec<u8>, peer: PeerAddr) {
    if let PeerAddr::Ip(std::net::IpAddr::V4(ip), _) = peer {
        let [first, rest @ ..] = ip.octets();
        push_decimal(out, first.into());
        for part in rest {
            out.push(b'.');
            push_decimal(out, part.into());
        }
    } else {
        display(out, peer);
    }
}

fn display(out: &mut Vec<u8>, what: impl Display) {
    // Never an error: it is memory.
    let _ = write!(out, "{what}");
}

fn push_time(out: &mut Vec<u8>, micros: Option<u64>) {
    match micros {
        Some(micros) => push_millis(out, micros),
        None => out.push(b'-'),
    }
}

/// A status has three digits.
fn push_status(out: &mut Vec<u8>, status: u16) {
    push_three(out, status.into());
}

fn push_request(out: &mut Vec<u8>, request: Seen<'_>, filter: &Filter) {
    let method = request.method();
    match request {
        // Nobody knows where a query is in there.
        Seen::Line(line) if method.is_empty() => {
            let shown = if *filter == Filter::Nothing { line } else { path(line) };
            plain(out, some(shown));
        }
        _ => {
            escape::word(out, method);
            out.push(b' ');
            filter.each(request.target(), |part| escape::word(out, part));
            if let Some(version) = request.version() {
                out.push(b' ');
                out.extend_from_slice(protocol(version));
            }
        }
    }
}

pub(super) fn some(text: &[u8]) -> Option<&[u8]> {
    (!text.is_empty()).then_some(text)
}

fn plain(out: &mut Vec<u8>, text: Option<&[u8]>) {
    escape::plain(out, text.unwrap_or(b"-"));
}

fn word(out: &mut Vec<u8>, text: Option<&[u8]>) {
    escape::word(out, text.unwrap_or(b"-"));
}
