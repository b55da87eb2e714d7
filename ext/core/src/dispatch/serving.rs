//! What a worker is at, for those who ask from outside: whoever looks for stuck workers, or names the requests that a stop
//! gave up.

use std::time::Duration;

use crate::net::peer::PeerAddr;
use crate::sync::Mutex;
use crate::text::harmless;

/// Bytes of a method and a path that are remembered.
const ROOM: usize = 256;

/// The request line of the request that a worker serves: short, and copied, since the request itself is the worker's.
#[derive(Debug)]
pub struct Serving(Mutex<Line>);

#[derive(Debug)]
struct Line {
    bytes: [u8; ROOM],
    length: usize,
    peer: Option<PeerAddr>,
}

/// A request that is being served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtWork {
    /// The worker's number within its engine.
    pub worker: u64,
    /// The number of the group that the worker belongs to.
    pub gvl_group: usize,
    /// How long it has been at it: since it took the request, or since a part of the answer last made progress.
    pub time: Duration,
    /// How long ago it took the request.
    pub age: Duration,
    /// Method and path, without the query, which may hold secrets; cut off when very long.
    pub request: String,
    /// It is the client who is waited for, which has a time limit of its own.
    pub waits_for_client: bool,
    /// Parts of the answer have been sent.
    pub is_streaming: bool,
    /// It was quarantined, since it has been at it for too long.
    pub is_quarantined: bool,
    /// Whose request it is.
    pub peer: Option<PeerAddr>,
}

impl Default for Serving {
    fn default() -> Self {
        Serving(Mutex::new(Line { bytes: [0; ROOM], length: 0, peer: None }))
    }
}

impl Serving {
    /// Remembers a request.
    pub fn begin(&self, method: &[u8], target: &[u8], peer: Option<PeerAddr>) {
        let path = &target[..memchr::memchr(b'?', target).unwrap_or(target.len())];
        let mut line = self.0.lock();
        line.length = 0;
        line.peer = peer;
        for part in [method, b" ", path] {
            line.push(part);
        }
    }

    /// The request that was begun last.
    pub fn describe(&self) -> String {
        self.describe_with_peer().0
    }

    /// The same, and whose it is.
    pub fn describe_with_peer(&self) -> (String, Option<PeerAddr>) {
        let line = self.0.lock();
        (harmless(&line.bytes[..line.length]), line.peer)
    }
}

impl Line {
    fn push(&mut self, part: &[u8]) {
        let free = &mut self.bytes[self.length..];
        let taken = part.len().min(free.len());
        free[..taken].copy_from_slice(&part[..taken]);
        self.length += taken;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_method_and_path_without_the_query() {
        let serving = Serving::default();
        assert_eq!(serving.describe(), "");
        serving.begin(b"GET", b"/orders?token=secret", Some(PeerAddr::Unix));
        assert_eq!(serving.describe_with_peer().1, Some(PeerAddr::Unix));
        assert_eq!(serving.describe(), "GET /orders");
        serving.begin(b"PUT", b"/", None);
        assert_eq!(serving.describe(), "PUT /");
    }

    #[test]
    fn says_nothing_to_a_terminal() {
        let serving = Serving::default();
        serving.begin(b"GET", "/\u{9b}31m\u{7f}\u{e9}".as_bytes(), None);
        assert_eq!(serving.describe(), "GET /?31m?\u{e9}");
    }

    #[test]
    fn cuts_what_is_very_long() {
        let serving = Serving::default();
        serving.begin(b"GET", &[b'/'; 1000], None);
        assert_eq!(serving.describe().len(), ROOM);
    }
}
