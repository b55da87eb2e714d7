//! Strings in HPACK's Huffman code (RFC 7541 section 5.2 and appendix B).

/// How many bits each byte takes, and the end of a string last. The code is canonical: of those with the same length, the
/// smaller symbol has the smaller code, so the lengths are all there is to it.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26, 30,
];
const END: usize = 256;
const LONGEST: u8 = 30;
/// Inner nodes of the code's tree: one less than its leaves.
const NODES: usize = LENGTHS.len() - 1;

static CODES: [u32; 257] = codes();
static STEPS: [[Step; 16]; NODES] = steps();

/// What four more bits lead to.
#[derive(Clone, Copy)]
struct Step {
    node: u8,
    /// A byte that they complete. There is one at most: the shortest code has five bits.
    byte: Option<u8>,
    is_wrong: bool,
}

const fn codes() -> [u32; 257] {
    let mut codes = [0; 257];
    let (mut code, mut length) = (0, 1);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] == length {
                codes[symbol] = code;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    codes
}

/// The two children of each inner node: below [`NODES`] an inner one, above it a symbol.
const fn tree() -> [[usize; 2]; NODES] {
    let codes = codes();
    let mut tree = [[0; 2]; NODES];
    let (mut used, mut symbol) = (1, 0);
    while symbol < LENGTHS.len() {
        let (mut node, mut left) = (0, LENGTHS[symbol]);
        while left > 0 {
            left -= 1;
            let bit = (codes[symbol] >> left & 1) as usize;
            if left == 0 {
                tree[node][bit] = NODES + symbol;
            } else {
                // The root is nobody's child.
                if tree[node][bit] == 0 {
                    tree[node][bit] = used;
                    used += 1;
                }
                node = tree[node][bit];
            }
        }
        symbol += 1;
    }
    tree
}

const fn steps() -> [[Step; 16]; NODES] {
    let tree = tree();
    let mut steps = [[Step { node: 0, byte: None, is_wrong: false }; 16]; NODES];
    let mut from = 0;
    while from < NODES {
        let mut bits = 0;
        while bits < 16 {
            let mut step = Step { node: 0, byte: None, is_wrong: false };
            let (mut node, mut left) = (from, 4);
            while left > 0 {
                left -= 1;
                node = tree[node][bits >> left & 1];
                if node >= NODES {
                    let symbol = node - NODES;
                    // A string that has its own end in it is none (section 5.2).
                    if symbol == END {
                        step.is_wrong = true;
                    }
                    step.byte = Some(symbol as u8);
                    node = 0;
                }
            }
            step.node = node as u8;
            steps[from][bits] = step;
            bits += 1;
        }
        from += 1;
    }
    steps
}

/// Bits that a node stands for, if all of them are ones, as the padding has to be.
const fn ones() -> [Option<u8>; NODES] {
    let tree = tree();
    let mut ones = [None; NODES];
    let (mut node, mut bits) = (0, 0);
    while node < NODES {
        ones[node] = Some(bits);
        node = tree[node][1];
        bits += 1;
    }
    ones
}

static ONES: [Option<u8>; NODES] = ones();

/// Adds what `input` stands for to `out`; false when it is not well-formed.
#[must_use]
pub(super) fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut node = 0;
    for &byte in input {
        for bits in [byte >> 4, byte & 15] {
            let step = &STEPS[usize::from(node)][usize::from(bits)];
            if step.is_wrong {
                return false;
            }
            out.extend(step.byte);
            node = step.node;
        }
    }
    // The beginning of the end, and less than a byte of it.
    ONES[usize::from(node)].is_some_and(|bits| bits < 8)
}

/// Bytes that `input` takes in the code.
pub(super) fn encoded_length(input: &[u8]) -> usize {
    let bits: usize = input.iter().map(|&byte| usize::from(LENGTHS[usize::from(byte)])).sum();
    bits.div_ceil(8)
}

/// Adds `input` in the code to `out`.
pub(super) fn encode(input: &[u8], out: &mut Vec<u8>) {
    let (mut bits, mut number) = (0u64, 0);
    for &byte in input {
        let symbol = usize::from(byte);
        bits = bits << LENGTHS[symbol] | u64::from(CODES[symbol]);
        number += LENGTHS[symbol];
        while number >= 8 {
            number -= 8;
            out.push((bits >> number) as u8);
        }
    }
    if number > 0 {
        out.push((bits << (8 - number)) as u8 | 0xff >> number);
    }
}
