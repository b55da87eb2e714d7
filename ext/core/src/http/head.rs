//! A request head: the bytes as they came, and where its parts lie in them.

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

/// The minor version of HTTP/1 (RFC 9112 section 2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1, and any later minor version
    #[default]
    Http11,
}

/// A parsed request head. It is filled again for each request of a connection, so its two buffers are allocated once.
#[derive(Debug, Default)]
pub struct Head {
    pub(super) bytes: Vec<u8>,
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) version: Version,
    pub(super) fields: Vec<(Span, Span)>,
}

impl Head {
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

    /// Whether the request is HEAD, whose answer has no body.
    pub fn is_head(&self) -> bool {
        self.method() == b"HEAD"
    }

    /// Method and path, without the query, which may hold secrets; cut off when very long.
    pub fn describe(&self) -> String {
        const MOST: usize = 256;
        let target = self.target();
        let path = &target[..memchr::memchr(b'?', target).unwrap_or(target.len()).min(MOST)];
        format!("{} {}", String::from_utf8_lossy(self.method()), String::from_utf8_lossy(path))
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
