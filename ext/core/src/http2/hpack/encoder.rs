//! Header blocks, written.

use super::table::{STATIC, Table};
use super::{huffman, integer};

/// Of what the client offers to remember, no more than this is used.
const MOST: usize = 4096;

/// What becomes of a field in the table that both sides keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexing {
    /// The next answer is likely to have the same.
    Remember,
    /// It differs in each answer.
    Once,
    /// It is a secret, which nobody on the way may remember either, and whose value nobody is to guess by the size of what is sent
    /// (RFC 7541 section 7.1).
    Never,
}

/// One connection's.
#[derive(Debug)]
pub struct Encoder {
    table: Table,
    /// The sizes that the next block begins with: the smallest that there was since the last block, and the last (section 4.2).
    resized: Option<(usize, usize)>,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder { table: Table::new(MOST), resized: None }
    }
}

impl Encoder {
    /// The client remembers so many bytes from now on (SETTINGS_HEADER_TABLE_SIZE).
    pub fn resize(&mut self, size: usize) {
        let size = size.min(MOST);
        if size == self.resized.map_or(self.table.most(), |(_, last)| last) {
            return;
        }
        let smallest = self.resized.map_or(size, |(smallest, _)| smallest.min(size));
        self.resized = Some((smallest, size));
    }

    /// A block begins in `out`.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if let Some((smallest, last)) = self.resized.take() {
            if smallest < last {
                integer::encode(smallest, 5, 0x20, out);
                self.table.resize(smallest);
            }
            integer::encode(last, 5, 0x20, out);
            self.table.resize(last);
        }
    }

    /// Adds the status of an answer.
    pub fn status(&mut self, status: u16, out: &mut Vec<u8>) {
        let number = match status {
            200 => 8,
            204 => 9,
            206 => 10,
            304 => 11,
            400 => 12,
            404 => 13,
            500 => 14,
            _ => {
                let digits = [status / 100 % 10, status / 10 % 10, status % 10].map(|digit| b'0' + digit as u8);
                return self.field(b":status", &digits, Indexing::Remember, out);
            }
        };
        integer::encode(number, 7, 0x80, out);
    }

    /// Adds a field, whose name is in lower case.
    pub fn field(&mut self, name: &[u8], value: &[u8], indexing: Indexing, out: &mut Vec<u8>) {
        // What is larger would push out all others.
        let indexing = match indexing {
            Indexing::Remember if name.len() + value.len() > self.table.most() / 4 => Indexing::Once,
            indexing => indexing,
        };
        let (prefix, pattern) = match indexing {
            Indexing::Remember => {
                if let Some(index) = self.table.find(name, value) {
                    return integer::encode(index, 7, 0x80, out);
                }
                (6, 0x40)
            }
            Indexing::Once => (4, 0),
            Indexing::Never => (4, 0x10),
        };
        match number(name) {
            Some(number) => integer::encode(number, prefix, pattern, out),
            None => {
                out.push(pattern);
                string(name, out);
            }
        }
        string(value, out);
        if indexing == Indexing::Remember {
            self.table.add(name, value);
        }
    }
}

/// The number of a name in the static table. Those of requests are nothing to an answer.
fn number(name: &[u8]) -> Option<usize> {
    // Nearly all that answers have.
    match name {
        b"content-length" => return Some(28),
        b"content-type" => return Some(31),
        b"date" => return Some(33),
        b":status" => return Some(8),
        _ => {}
    }
    STATIC[14..].iter().position(|(known, _)| known.as_bytes() == name).map(|at| at + 15)
}

/// In the Huffman code where that is shorter.
fn string(text: &[u8], out: &mut Vec<u8>) {
    let length = huffman::encoded_length(text);
    if length < text.len() {
        integer::encode(length, 7, 0x80, out);
        huffman::encode(text, out);
    } else {
        integer::encode(text.len(), 7, 0, out);
        out.extend_from_slice(text);
    }
}
