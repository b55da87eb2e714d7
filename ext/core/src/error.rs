//! Errors, named by who is at fault: the peer ([`Fault`]), the app ([`HeaderFault`], most of [`AnswerError`]), or whoever
//! set the server up ([`ListenError`]).

use std::io;

/// A client that has left before its answer began gets no status; this is what is written of it (nginx's).
pub const CLIENT_LEFT: u16 = 499;

/// What a client did, or the server could not do for it, that ends its request. Each has one status; the connection
/// closes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The message breaks RFC 9110 or RFC 9112; the text names the rule.
    #[error("{0}")]
    Malformed(&'static str),
    /// The head was not complete in time (`header_timeout`).
    #[error("the request did not arrive in time")]
    HeadTimeout,
    /// The body stopped coming, or came too slowly (`body_timeout`, `body_min_rate`).
    #[error("the request body did not arrive in time")]
    BodyTimeout,
    /// The body is longer than the server takes (`max_body_size`).
    #[error("the request body is larger than this server takes")]
    BodyTooLarge,
    /// The request target is longer than the server takes (`max_uri_size`).
    #[error("the request target is longer than this server takes")]
    TargetTooLong,
    /// `expect` names something other than `100-continue` (RFC 9110 section 10.1.1).
    #[error("only the expectation 100-continue is known")]
    Expectation,
    /// The head, or its trailers or chunk extensions, is larger than the server takes (`max_header_size`).
    #[error("the request head is larger than this server takes")]
    HeadTooLarge,
    /// The head has more fields than the server takes (`max_headers`).
    #[error("the request head has more fields than this server takes")]
    TooManyFields,
    /// A transfer coding other than `chunked` (RFC 9112 section 6.1).
    #[error("only the transfer coding chunked is known")]
    UnknownCoding,
    /// CONNECT: this server is no proxy (RFC 9110 section 9.3.6).
    #[error("this server is no proxy")]
    Connect,
    /// A body could not be spooled (`spool_dir`): the disk is full, or the folder is gone.
    #[error("the server has no room for the request body")]
    NoRoom,
    /// A file can't be sent: the rest of those that may be open (`ulimit -n`) is for connections.
    #[error("the server has too many files open")]
    OpenFiles,
    /// Too many requests wait for a worker (`queue_depth`).
    #[error("the server is overloaded")]
    QueueFull,
    /// The request has waited too long for a worker (`queue_timeout`).
    #[error("the server is overloaded")]
    QueueTimeout,
    /// The app has not begun to answer in time (`request_timeout`).
    #[error("the app did not answer in time")]
    RequestTimeout,
    /// The server ends at once, and the app's answer has not begun.
    #[error("the server is stopping")]
    Stopping,
    /// A request came as it is, at a port where TLS is spoken.
    #[error("this port speaks TLS: ask it by https://")]
    WithoutTls,
    /// A major version other than 1 (RFC 9110 section 15.6.6).
    #[error("this version of HTTP is not spoken here, or not in this way")]
    Version,
    /// Its connection of HTTP/2 has ended for a flood, and all of its streams with that.
    #[error("the connection was ended for a flood")]
    Flood(Flood),
}

/// What a client of HTTP/2 can send without end and at no cost. Its connection ends (RFC 9113 section 10.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// Streams that end before their answers do (`http2_max_resets`).
    Resets,
    /// CONTINUATION frames of one header block (`http2_max_continuations`).
    Continuations,
    /// PING, SETTINGS and others that ask for nothing (`http2_max_control_frames`).
    ControlFrames,
    /// DATA frames with nothing in them (`http2_max_empty_frames`).
    EmptyFrames,
    /// Header blocks that are, or stand for, far more than a head may have (`max_header_size`).
    HeaderBlocks,
}

impl Flood {
    /// The setting that the client has come up against.
    pub fn setting(self) -> &'static str {
        match self {
            Flood::Resets => "http2_max_resets",
            Flood::Continuations => "http2_max_continuations",
            Flood::ControlFrames => "http2_max_control_frames",
            Flood::EmptyFrames => "http2_max_empty_frames",
            Flood::HeaderBlocks => "max_header_size",
        }
    }
}

impl Fault {
    /// The status the client gets (RFC 9110 section 15); of a flood, after which it gets none, what is written of it.
    pub fn status(self) -> u16 {
        match self {
            Fault::Malformed(_) | Fault::WithoutTls => 400,
            Fault::HeadTimeout | Fault::BodyTimeout => 408,
            Fault::BodyTooLarge => 413,
            Fault::TargetTooLong => 414,
            Fault::Expectation => 417,
            Fault::HeadTooLarge | Fault::TooManyFields => 431,
            Fault::Flood(_) => CLIENT_LEFT,
            Fault::UnknownCoding | Fault::Connect => 501,
            Fault::NoRoom | Fault::OpenFiles | Fault::QueueFull | Fault::QueueTimeout | Fault::Stopping => 503,
            Fault::RequestTimeout => 504,
            Fault::Version => 505,
        }
    }

    /// Whether whoever runs the server should hear of it: a setting may be too small, the app too slow, or a client speak
    /// something else.
    pub fn is_loud(self) -> bool {
        // Slow clients are everyday business, and so is a stop; whoever met a full disk, or workers that are busy for long, has
        // told of it.
        !self.is_slowness() && !matches!(self, Fault::NoRoom | Fault::QueueTimeout | Fault::Stopping)
    }

    /// Whether its client was too slow.
    pub fn is_slowness(self) -> bool {
        matches!(self, Fault::HeadTimeout | Fault::BodyTimeout)
    }

    /// The same for all that one line in the log stands for.
    pub fn cause(self) -> &'static str {
        match self {
            Fault::Malformed(rule) => rule,
            Fault::Expectation => "expect",
            Fault::UnknownCoding => "transfer-encoding",
            Fault::Connect => "CONNECT",
            Fault::Version => "version",
            Fault::WithoutTls => "without TLS",
            fault => fault.setting().unwrap_or_default(),
        }
    }

    /// The setting that a client has come up against, for whoever runs the server; `None` for a breach of the protocol.
    pub fn setting(self) -> Option<&'static str> {
        match self {
            Fault::HeadTimeout => Some("header_timeout"),
            Fault::BodyTimeout => Some("body_timeout or body_min_rate"),
            Fault::BodyTooLarge => Some("max_body_size"),
            Fault::TargetTooLong => Some("max_uri_size"),
            Fault::HeadTooLarge => Some("max_header_size"),
            Fault::TooManyFields => Some("max_headers"),
            Fault::NoRoom => Some("spool_dir"),
            Fault::OpenFiles => Some("ulimit -n"),
            Fault::QueueFull => Some("queue_depth"),
            Fault::QueueTimeout => Some("queue_timeout"),
            Fault::RequestTimeout => Some("request_timeout"),
            Fault::Flood(flood) => Some(flood.setting()),
            Fault::Malformed(_)
            | Fault::Expectation
            | Fault::UnknownCoding
            | Fault::Connect
            | Fault::Stopping
            | Fault::Version
            | Fault::WithoutTls => None,
        }
    }
}

/// A response header the app may not send: it would split or corrupt the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// The name is empty or has a byte that is no token character (RFC 9110 section 5.6.2).
    #[error("a response header's name is empty or has a character that is not allowed")]
    Name,
    /// The value has CR, LF or NUL (RFC 9110 section 5.5).
    #[error("a response header's value has a CR or NUL")]
    Value,
    /// `content-length` is not one decimal number.
    #[error("content-length is not a decimal number")]
    Length,
    /// `content-length` is there twice, with different numbers (RFC 9110 section 8.6).
    #[error("content-length is given twice, with different numbers")]
    Lengths,
    /// The field may not be a trailer (RFC 9110 section 6.5.1).
    #[error("a message is understood by this field, so it can't be a trailer")]
    Trailer,
}

/// Why an answer could not be sent as the app gave it.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The client has left, or does not read on.
    #[error("the client has left: {0}")]
    Client(#[from] io::Error),
    /// What the client has not read yet could be kept neither in memory nor in a file (`spool_dir`), which whoever runs the
    /// server has been told.
    #[error("the client does not read on, and the rest can't be written to spool_dir: {0}")]
    NoRoom(io::Error),
    /// The body is not the chunks that its `transfer-encoding` says.
    #[error(
        "the app's transfer-encoding is chunked, and its body is not well-formed chunks; leave the header out, and Kino makes \
         them"
    )]
    Encoding,
    /// The body is shorter than its `content-length`.
    #[error("the app's body is shorter than its content-length: {given} of {stated} bytes; the connection is closed")]
    TooShort {
        /// What the head said, in bytes.
        stated: u64,
        /// What the app gave.
        given: u64,
    },
    /// The body is longer than its `content-length`.
    #[error("the app's body is longer than its content-length of {stated}; the rest is not sent")]
    TooLong {
        /// What the head said, in bytes.
        stated: u64,
    },
}

/// Why an address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is not one of the forms the server knows.
    #[error(
        "can't listen on {0:?}: write tcp://host:port, tcp://[ipv6]:port, ssl://host:port, unix:///path/to.sock or \
         unix://@name"
    )]
    Address(String),
    /// What follows the address's `?` is nothing the server knows.
    #[error("can't listen on {uri}: a parameter can't be {given:?}; allowed: {allowed}")]
    Parameter {
        /// The address as it was given.
        uri: String,
        /// The parameter as it was given.
        given: String,
        /// What there is.
        allowed: String,
    },
    /// The host name has no address.
    #[error("can't listen on {uri}: {host:?} has no address ({source})")]
    Resolve {
        /// The address as it was given.
        uri: String,
        /// Its host.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// Another process holds the address.
    #[error(
        "can't listen on {uri}: another process is listening there ({ask} names it); stop it or choose another address"
    )]
    InUse {
        /// The address as it was given.
        uri: String,
        /// The command that tells who it is.
        ask: String,
    },
    /// There is something at the path of a unix socket that is not a socket.
    #[error("can't listen on {0}: there is something else at that path; choose a path that is free")]
    NotASocket(String),
    /// A socket that another program has given to this one is not what was said of it.
    #[error("can't take over {word:?}: {reason}")]
    Handover {
        /// What was said.
        word: String,
        /// Why not.
        reason: String,
    },
    /// Anything else the kernel refused.
    #[error("can't listen on {uri}: {source}")]
    Io {
        /// The address as it was given.
        uri: String,
        /// What the kernel said.
        source: io::Error,
    },
}
