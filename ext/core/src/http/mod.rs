//! HTTP/1.1 without sockets: bytes in, requests out; answers in, bytes out (RFC 9110, RFC 9112).

pub mod body_writer;
pub mod date;
pub mod decode;
pub mod encode;
pub mod forwarded;
pub mod framing;
pub mod head;
pub mod parse;
pub mod plan;
pub mod proxy_header;
pub mod receive;
pub mod request_id;
pub mod spool;
pub mod status;
pub mod target;
