//! Header compression (HPACK, RFC 7541): both tables, both ways.

mod decoder;
mod encoder;
mod huffman;
mod integer;
mod table;
#[cfg(test)]
mod tests;

pub use self::decoder::{Decoder, Fields, Unread};
pub use self::encoder::{Encoder, Indexing};
