//! The static and the dynamic table (RFC 7541 sections 2.3 and 4, appendix A).

use std::collections::VecDeque;

/// What an entry counts beside its bytes (section 4.1).
pub(super) const OVERHEAD: usize = 32;

/// The static table; its first entry has the number 1.
pub(super) const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// The dynamic table, the newest entry first.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    most: usize,
}

#[derive(Debug)]
struct Entry {
    bytes: Box<[u8]>,
    name: usize,
    hash: u32,
}

impl Entry {
    fn name(&self) -> &[u8] {
        &self.bytes[..self.name]
    }

    fn value(&self) -> &[u8] {
        &self.bytes[self.name..]
    }

    fn size(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

impl Table {
    /// An empty one of so many bytes.
    pub(super) fn new(most: usize) -> Table {
        Table { entries: VecDeque::new(), size: 0, most }
    }

    /// How large it may become.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// It may become so large from now on.
    pub(super) fn resize(&mut self, most: usize) {
        self.most = most;
        self.evict(0);
    }

    /// Name and value by their number in both tables.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let dynamic = match index.checked_sub(1)?.checked_sub(STATIC.len()) {
            None => {
                let (name, value) = STATIC[index - 1];
                return Some((name.as_bytes(), value.as_bytes()));
            }
            Some(dynamic) => dynamic,
        };
        self.entries.get(dynamic).map(|entry| (entry.name(), entry.value()))
    }

    /// The number of an entry with that name and value, in this table.
    pub(super) fn find(&self, name: &[u8], value: &[u8]) -> Option<usize> {
        let hash = hash(name, value);
        let is_it = |entry: &Entry| entry.hash == hash && entry.name() == name && entry.value() == value;
        self.entries.iter().position(is_it).map(|at| STATIC.len() + 1 + at)
    }

    /// Adds an entry, for which others go. One that is larger than the table empties it (section 4.4).
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + OVERHEAD;
        self.evict(size);
        if size <= self.most {
            let bytes = [name, value].concat().into_boxed_slice();
            self.entries.push_front(Entry { bytes, name: name.len(), hash: hash(name, value) });
            self.size += size;
        }
    }

    fn evict(&mut self, room: usize) {
        while self.size + room > self.most {
            let Some(entry) = self.entries.pop_back() else { break };
            self.size -= entry.size();
        }
    }
}

/// FNV-1a: names and values are short, and nobody gains anything by two that are the same.
fn hash(name: &[u8], value: &[u8]) -> u32 {
    name.iter().chain(value).fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
