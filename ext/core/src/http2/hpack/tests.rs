//! RFC 7541, appendix C, and what it doesn't show.

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<(String, String)>, Unread> {
    let mut fields = Fields::new(65_536, 100);
    decoder.decode(block, &mut fields)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok(fields.iter().map(|(name, value)| (text(name), text(value))).collect())
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

const FIRST: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")];
const SECOND: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "www.example.com"),
    ("cache-control", "no-cache"),
];
const THIRD: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "https"),
    (":path", "/index.html"),
    (":authority", "www.example.com"),
    ("custom-key", "custom-value"),
];

#[test]
fn single_fields_are_read_in_each_representation() {
    for (block, name, value) in [
        ("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key", "custom-header"),
        ("040c 2f73 616d 706c 652f 7061 7468", ":path", "/sample/path"),
        ("1008 7061 7373 776f 7264 0673 6563 7265 74", "password", "secret"),
        ("82", ":method", "GET"),
    ] {
        assert_eq!(decode(&mut Decoder::default(), &hex(block)).unwrap(), pairs(&[(name, value)]), "{block}");
    }
}

#[test]
fn requests_of_one_connection_are_read_with_and_without_huffman() {
    for blocks in [
        [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ],
        [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ],
    ] {
        let mut decoder = Decoder::default();
        for (block, fields) in blocks.iter().zip([FIRST, SECOND, THIRD]) {
            assert_eq!(decode(&mut decoder, &hex(block)).unwrap(), pairs(fields));
        }
    }
}

#[test]
fn what_is_evicted_is_gone() {
    // The answers of C.5, with a table of 256 bytes.
    let mut decoder = Decoder::default();
    let first = "3fe1 01 48 0333 3032 58 0770 7269 7661 7465 61 1d4d 6f6e 2c20 3231 204f 6374 2032 3031 3320 3230 3a31 333a \
                 3231 2047 4d54 6e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d";
    let common = [("cache-control", "private"), ("date", "Mon, 21 Oct 2013 20:13:21 GMT")];
    let location = ("location", "https://www.example.com");
    let all = |status| pairs(&[(":status", status), common[0], common[1], location]);
    assert_eq!(decode(&mut decoder, &hex(first)).unwrap(), all("302"));
    assert_eq!(decode(&mut decoder, &hex("4803 3330 37c1 c0bf")).unwrap(), all("307"));
    assert_eq!(decode(&mut decoder, &hex("88c1 c0bf")).unwrap(), all("200"), "and 302 is not there any more");
}

#[test]
fn what_is_not_well_formed_ends_the_connection() {
    for (block, why) in [
        ("80", "the number 0"),
        ("be", "a number past both tables"),
        ("ff", "a number that breaks off"),
        ("ff ffff ffff ff7f", "a number of too many bytes"),
        ("4001 6101", "a value that breaks off"),
        ("400a 6375", "a name that breaks off"),
        ("40", "nothing after the first byte"),
        ("82 20", "a size after a field"),
        ("3fe2 1f", "a size past what was said: 4097"),
        ("0085 f2b2 4a87 ff fffffe 00", "a padding of more than seven bits"),
        ("0083 f1e3 c2 81 00", "a padding of zeros"),
        ("0087 ffff ffff ffff ff 00", "the end's own code in the middle"),
    ] {
        assert_eq!(decode(&mut Decoder::default(), &hex(block)), Err(Unread::Broken), "{why}");
    }
    assert_eq!(decode(&mut Decoder::default(), &hex("20 3fe1 1f 82")).unwrap(), pairs(&[(":method", "GET")]));
}

#[test]
fn every_byte_comes_back_from_the_huffman_code() {
    let all: Vec<u8> = (0..=255).collect();
    for text in [&all[..], b"", b"a", b"www.example.com", &[0xff; 9], b"\0\0", b"no-cache"] {
        let (mut coded, mut back) = (Vec::new(), Vec::new());
        huffman::encode(text, &mut coded);
        assert_eq!(coded.len(), huffman::encoded_length(text));
        assert!(huffman::decode(&coded, &mut back));
        assert_eq!(back, text);
    }
}

#[test]
fn a_bomb_is_read_through_and_not_kept() {
    let mut decoder = Decoder::default();
    let value = "x".repeat(4000);
    let mut block = Vec::new();
    Encoder::default().field(b"a", value.as_bytes(), Indexing::Once, &mut block);
    block[0] |= 0x40; // into the table
    let mut fields = Fields::new(16_384, 100);
    decoder.decode(&[&block[..], &[0xbe; 50]].concat(), &mut fields).unwrap();
    assert!(fields.are_too_large(), "what is only too large is read to its end");
    assert!(fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= 16_384);
    let bomb = decoder.decode(&[0xbe; 10_000], &mut Fields::new(16_384, 100));
    assert_eq!(bomb, Err(Unread::Bomb));
    let mut many = Fields::new(1_000_000, 100);
    decoder.decode(&[0x82; 102], &mut many).unwrap();
    assert!(many.are_too_many() && !many.are_too_large() && many.iter().count() == 101);
}

#[test]
fn what_is_written_can_be_read_whatever_the_table_is() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let mut lengths = Vec::new();
    for (round, size) in [4096, 4096, 0, 100, 4096, 9000].into_iter().enumerate() {
        encoder.resize(size);
        let mut block = Vec::new();
        encoder.begin(&mut block);
        encoder.status(if round % 2 == 0 { 200 } else { 418 }, &mut block);
        let number = round.to_string();
        let fields = [
            ("content-type", "text/html", Indexing::Remember),
            ("x-round", &number, Indexing::Once),
            ("set-cookie", "secret=1", Indexing::Never),
            ("x-long", &"y".repeat(2000), Indexing::Remember),
        ];
        for (name, value, indexing) in &fields {
            encoder.field(name.as_bytes(), value.as_bytes(), *indexing, &mut block);
        }
        lengths.push(block.len());
        let status = (":status", if round % 2 == 0 { "200" } else { "418" });
        let expected: Vec<_> =
            std::iter::once(status).chain(fields.iter().map(|(name, value, _)| (*name, *value))).collect();
        assert_eq!(decode(&mut decoder, &block).unwrap(), pairs(&expected), "round {round}");
    }
    assert!(lengths[4] > 0);
}

#[test]
fn what_is_remembered_is_one_byte_the_next_time() {
    let mut encoder = Encoder::default();
    let mut write = || {
        let mut block = Vec::new();
        encoder.begin(&mut block);
        encoder.field(b"x-app", b"shop", Indexing::Remember, &mut block);
        block
    };
    assert!(write().len() > 1);
    assert_eq!(write(), [0xbe]);
}
