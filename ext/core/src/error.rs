//! Errors, named by who is at fault: the peer ([`Fault`]), the app ([`HeaderFault`]), or whoever set the server up
//! ([`ListenError`]).

use std::io;

/// What a client did (or the server could not do for it) that ends its request before the app sees it.
/// Each has one status; the connection closes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The message breaks RFC 9110 or RFC 9112; the text names the rule.
    #[error("{0}")]
    Malformed(&'static str),
    /// The head was not complete in time.
    #[error("the request did not arrive in time")]
    Timeout,
    /// The body is longer than the server takes.
    #[error("the request body is larger than this server takes")]
    BodyTooLarge,
    /// The request target is longer than the server takes.
    #[error("the request target is longer than this server takes")]
    TargetTooLong,
    /// `expect` names something other than `100-continue` (RFC 9110 section 10.1.1).
    #[error("only the expectation 100-continue is known")]
    Expectation,
    /// The head, or the number of its fields, is larger than the server takes.
    #[error("the request head is larger than this server takes")]
    HeadTooLarge,
    /// A transfer coding other than `chunked` (RFC 9112 section 6.1).
    #[error("only the transfer coding chunked is known")]
    UnknownCoding,
    /// The body could not be spooled to disk, or too many requests wait for a worker.
    #[error("the server is overloaded")]
    Overload,
    /// A major version other than 1 (RFC 9110 section 15.6.6).
    #[error("this server speaks HTTP/1.1")]
    Version,
}

impl Fault {
    /// The status the client gets (RFC 9110 section 15).
    pub fn status(self) -> u16 {
        match self {
            Fault::Malformed(_) => 400,
            Fault::Timeout => 408,
            Fault::BodyTooLarge => 413,
            Fault::TargetTooLong => 414,
            Fault::Expectation => 417,
            Fault::HeadTooLarge => 431,
            Fault::UnknownCoding => 501,
            Fault::Overload => 503,
            Fault::Version => 505,
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
    #[error("a response header's value has a CR, LF or NUL")]
    Value,
    /// `content-length` is not one decimal number.
    #[error("content-length is not a decimal number")]
    Length,
}

/// Why an address could not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is not one of the forms the server knows.
    #[error("can't listen on {0:?}: write tcp://host:port, tcp://[ipv6]:port or unix:///path/to.sock")]
    Address(String),
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
    #[error("can't listen on {0}: another process is listening there; stop it or choose another address")]
    InUse(String),
    /// There is something at the path of a unix socket that is not a socket.
    #[error("can't listen on {0}: there is something else at that path; choose a path that is free")]
    NotASocket(String),
    /// Anything else the kernel refused.
    #[error("can't listen on {uri}: {source}")]
    Io {
        /// The address as it was given.
        uri: String,
        /// What the kernel said.
        source: io::Error,
    },
}
