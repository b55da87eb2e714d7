//! Header blocks, read.

use super::table::{OVERHEAD, Table};
use super::{huffman, integer};

/// What a client may have us remember, in bytes: the protocol's own default (RFC 9113 section 6.5.2).
const TABLE_SIZE: usize = 4096;

/// A block that stands for so many times more than may be kept of it is there to be read for ever: a byte may stand for the
/// largest entry of the table.
const BOMB: usize = 16;

/// Why a header block can't be read to its end. Both sides' tables may differ from here on, so the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is not well-formed (COMPRESSION_ERROR).
    Broken,
    /// It stands for far too much.
    Bomb,
}

/// The fields of one block, in order. Past its bounds nothing is kept, and that there was more.
#[derive(Debug)]
pub struct Fields {
    bytes: Vec<u8>,
    /// Where each name ends, and its value.
    ends: Vec<(u32, u32)>,
    size: usize,
    most_bytes: usize,
    most: usize,
}

impl Fields {
    /// Room for `most` fields of so many bytes in all, as SETTINGS_MAX_HEADER_LIST_SIZE counts them.
    pub fn new(most_bytes: usize, most: usize) -> Fields {
        Fields { bytes: Vec::new(), ends: Vec::new(), size: 0, most_bytes, most }
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|&(_, end)| end as usize));
        starts.zip(&self.ends).map(|(start, &(name, value))| {
            (&self.bytes[start..name as usize], &self.bytes[name as usize..value as usize])
        })
    }

    /// There were more bytes than may be kept.
    pub fn are_too_large(&self) -> bool {
        self.size > self.most_bytes
    }

    /// There were more fields than may be kept, each of which is small.
    pub fn are_too_many(&self) -> bool {
        self.ends.len() > self.most
    }

    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Unread> {
        self.size = self.size.saturating_add(name.len() + value.len() + OVERHEAD);
        if self.are_too_large() || self.are_too_many() {
            return if self.size / BOMB > self.most_bytes { Err(Unread::Bomb) } else { Ok(()) };
        }
        self.bytes.extend_from_slice(name);
        let name = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        self.ends.push((name, self.bytes.len() as u32));
        Ok(())
    }
}

/// One connection's.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
    /// Room for strings that have to be decoded first.
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder { table: Table::new(TABLE_SIZE), name: Vec::new(), value: Vec::new() }
    }
}

impl Decoder {
    /// Reads a whole block. However little is kept of it, all of it is read: the next one builds on it.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn decode(&mut self, mut block: &[u8], fields: &mut Fields) -> Result<(), Unread> {
        let mut is_beginning = true;
        while let Some(&first) = block.first() {
            if first & 0xe0 == 0x20 {
                // Only before a block's first field (section 4.2), and never more than we have said.
                let size = integer::decode(&mut block, 5).ok_or(Unread::Broken)?;
                if !is_beginning || size > TABLE_SIZE {
                    return Err(Unread::Broken);
                }
                self.table.resize(size);
                continue;
            }
            is_beginning = false;
            if first & 0x80 != 0 {
                let index = integer::decode(&mut block, 7).ok_or(Unread::Broken)?;
                let (name, value) = self.table.get(index).ok_or(Unread::Broken)?;
                fields.add(name, value)?;
            } else if first & 0xc0 == 0x40 {
                self.literal(&mut block, 6)?;
                fields.add(&self.name, &self.value)?;
                self.table.add(&self.name, &self.value);
            } else {
                self.literal(&mut block, 4)?;
                fields.add(&self.name, &self.value)?;
            }
        }
        self.trim();
        Ok(())
    }

    /// A field whose value, and maybe its name, stands here.
    fn literal(&mut self, block: &mut &[u8], prefix: u8) -> Result<(), Unread> {
        self.name.clear();
        match integer::decode(block, prefix).ok_or(Unread::Broken)? {
            0 => string(block, &mut self.name)?,
            index => self.name.extend_from_slice(self.table.get(index).ok_or(Unread::Broken)?.0),
        }
        self.value.clear();
        string(block, &mut self.value)
    }

    /// An idle connection should be small.
    fn trim(&mut self) {
        const KEPT: usize = 1024;
        for room in [&mut self.name, &mut self.value] {
            if room.capacity() > KEPT {
                *room = Vec::new();
            }
        }
    }
}

fn string(block: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Unread> {
    let is_huffman = block.first().ok_or(Unread::Broken)? & 0x80 != 0;
    let length = integer::decode(block, 7).ok_or(Unread::Broken)?;
    let (bytes, rest) = block.split_at_checked(length).ok_or(Unread::Broken)?;
    *block = rest;
    if is_huffman {
        return if huffman::decode(bytes, out) { Ok(()) } else { Err(Unread::Broken) };
    }
    out.extend_from_slice(bytes);
    Ok(())
}
