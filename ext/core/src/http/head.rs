//! A request head: the bytes as they came, and where its parts lie in them.

use crate::text::harmless;

/// A part of a head's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Where `part` lies inside `whole`. `part` must be a piece of `whole`.
    pub(super) fn of(part: &[u8], whole: &[u8]) -> Span {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        debug_assert!(start + part.len() <= whole.len());
        Span { start: start as u32, end: (start + part.len()) as u32 }
    }

    fn of_bytes(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// The protocol of a request: the minor version of HTTP/1 (RFC 9112 section 2.3), or HTTP/2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1, and any later minor version
    #[default]
    Http11,
    /// HTTP/2 (RFC 9113)
    Http2,
}

/// A request's head as far as it has come.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'h> {
    /// All of it.
    Head(&'h Head),
    /// It broke off, or is none: its first line, or the beginning of that.
    Line(&'h [u8]),
}

/// A parsed request head. It is filled again for each request of a connection, so its two buffers are allocated once.
#[derive(Debug, Default)]
pub struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) version: Version,
    pub(super) fields: Vec<(Span, Span)>,
    /// See [`Head::is_extended_connect`].
    pub(super) is_extended: bool,
}

impl<'h> Seen<'h> {
    /// Of the bytes that have come of a head.
    pub fn line(bytes: &'h [u8]) -> Seen<'h> {
        let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
        Seen::Line(&bytes[..end])
    }

    /// The method; empty where none is to be made out.
    pub fn method(self) -> &'h [u8] {
        match self {
            Seen::Head(head) => head.method(),
            Seen::Line(line) => {
                let method = part(line, 0).unwrap_or_default();
                if method.iter().all(u8::is_ascii_uppercase) { method } else { b"" }
            }
        }
    }

    /// The target; empty where none is to be made out.
    pub fn target(self) -> &'h [u8] {
        match self {
            Seen::Head(head) => head.target(),
            Seen::Line(line) if self.method().is_empty() => &line[..0],
            Seen::Line(line) => part(line, 1).unwrap_or_default(),
        }
    }

    /// The protocol, as it is known.
    pub fn version(self) -> Option<Version> {
        match self {
            Seen::Head(head) => Some(head.version()),
            Seen::Line(line) => match part(line, 2)? {
                b"HTTP/1.1" => Some(Version::Http11),
                b"HTTP/1.0" => Some(Version::Http10),
                _ => None,
            },
        }
    }

    /// The head, where all of it has come.
    pub fn head(self) -> Option<&'h Head> {
        match self {
            Seen::Head(head) => Some(head),
            Seen::Line(_) => None,
        }
    }

    /// The first value of a field.
    pub fn field(self, name: &str) -> Option<&'h [u8]> {
        match self {
            Seen::Head(head) => head.field(name),
            Seen::Line(_) => None,
        }
    }
}

fn part(line: &[u8], number: usize) -> Option<&[u8]> {
    line.split(|&byte| byte == b' ').nth(number)
}

impl Head {
    /// Of parts that have come one by one.
    pub fn assemble<'f>(
        version: Version,
        method: &[u8],
        target: &[u8],
        fields: impl Iterator<Item = (&'f [u8], &'f [u8])>,
    ) -> Head {
        let mut bytes = Vec::with_capacity(512);
        let mut add = |part: &[u8]| {
            let start = bytes.len() as u32;
            bytes.extend_from_slice(part);
            Span { start, end: bytes.len() as u32 }
        };
        let (method, target) = (add(method), add(target));
        let fields = fields.map(|(name, value)| (add(name), add(value))).collect();
        Head { bytes, method, target, version, fields, is_extended: false }
    }

    /// The same of one that an extended CONNECT stands for.
    pub fn extended(self) -> Head {
        Head { is_extended: true, ..self }
    }

    /// The method, as it was sent.
    pub fn method(&self) -> &[u8] {
        self.method.of_bytes(&self.bytes)
    }

    /// The request target, as it was sent.
    pub fn target(&self) -> &[u8] {
        self.target.of_bytes(&self.bytes)
    }

    /// The protocol version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The fields' names and values in order, white space around the values removed.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (name.of_bytes(&self.bytes), value.of_bytes(&self.bytes)))
    }

    /// The first value of a field.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let name = name.as_bytes();
        self.fields().find(|(other, _)| other.len() == name.len() && other.eq_ignore_ascii_case(name)).map(|(_, it)| it)
    }

    /// Whether the request is HEAD, whose answer has no body.
    pub fn is_head(&self) -> bool {
        self.method() == b"HEAD"
    }

    /// Whether it came as an extended CONNECT (RFC 8441), which asks for its stream to be a tunnel for another protocol. It is told as
    /// the request of HTTP/1.1 that it stands for: a GET with `upgrade`.
    pub fn is_extended_connect(&self) -> bool {
        self.is_extended
    }

    /// Method and path, without the query, which may hold secrets, for people; cut off when very long.
    pub fn describe(&self) -> String {
        const MOST: usize = 256;
        let target = self.target();
        let path = &target[..memchr::memchr(b'?', target).unwrap_or(target.len()).min(MOST)];
        format!("{} {}", harmless(self.method()), harmless(path))
    }

    /// Gives back what an unusually large head took, so that an idle connection stays small.
    pub fn trim(&mut self) {
        const KEPT_BYTES: usize = 2048;
        const KEPT_FIELDS: usize = 32;
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
        if self.fields.capacity() > KEPT_FIELDS {
            self.fields = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_head_that_broke_off_its_line_is_told_as_far_as_it_makes_sense() {
        let told = |bytes: &'static str| {
            let seen = Seen::line(bytes.as_bytes());
            let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
            (text(seen.method()), text(seen.target()), seen.version())
        };
        let expected = |method: &str, target: &str, version| (method.to_owned(), target.to_owned(), version);
        assert_eq!(told("GET /a HTTP/1.1\r\nhost: "), expected("GET", "/a", Some(Version::Http11)));
        assert_eq!(told("GET /a HTTP/1.0\nhost: x"), expected("GET", "/a", Some(Version::Http10)));
        assert_eq!(told("GET /a HTTP/2.0\r\n"), expected("GET", "/a", None));
        assert_eq!(told("GET /lon"), expected("GET", "/lon", None));
        assert_eq!(told("GE"), expected("GE", "", None));
        assert_eq!(told("\u{16}\u{3} /a b"), expected("", "", None));
        assert_eq!(told(""), expected("", "", None));
    }
}
