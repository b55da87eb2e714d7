//! Chunked bodies, at any split, and against the grammar word for word.

use super::*;
use proptest::prelude::*;

/// Decodes `input` in pieces of `size` bytes: the body, and how many bytes were used.
fn decode(input: &[u8], size: usize) -> Result<(Vec<u8>, Option<usize>), Fault> {
    let (mut decoder, mut body, mut used) = (Chunked::default(), Vec::new(), 0);
    for piece in input.chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = match decoder.step(rest)? {
                Piece::Data(n) => {
                    body.extend_from_slice(&rest[..n]);
                    n
                }
                Piece::Framing(n) => n,
                Piece::End => return Ok((body, Some(used))),
            };
            used += taken;
            rest = &rest[taken..];
        }
    }
    Ok((body, decoder.is_done().then_some(used)))
}

#[test]
fn reads_chunks_at_any_split() {
    let input = b"3;a=b\r\nabc\r\n0A ;c\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET";
    for size in 1..input.len() {
        let (body, used) = decode(input, size).unwrap();
        assert_eq!((body.as_slice(), used), (&b"abc0123456789"[..], Some(input.len() - 3)));
    }
}

#[test]
fn refuses_what_is_not_well_formed() {
    for wrong in [
        &b"\r\n"[..],
        b"g\r\n",
        b"3\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n",
        b"-1\r\n",
        b"0x3\r\n",
        b"3;\x00\r\n",
        b"3 x\r\nabc\r\n",
        b"3 \r\nabc\r\n",
        b"00000000000000001\r\n",
        b"0\r\n\n",
        b"0\r\nA: b\n\r\n",
    ] {
        assert!(decode(wrong, 64).is_err(), "{:?}", String::from_utf8_lossy(wrong));
    }
    assert!(decode(&[b"1;".as_slice(), &[b'x'; OVERHEAD + 1]].concat(), 100).is_err());
    let signed = [b"64;signature=".as_slice(), &[b'x'; 80], b"\r\n", &[b'd'; 100], b"\r\n"].concat().repeat(1000);
    assert!(decode(&signed, 1000).is_ok(), "extensions that the data outweighs");
}

/// Whether a chunk with this between its size and the line's end is taken, the same at every split.
fn takes_extension(extension: &[u8]) -> bool {
    let input = [b"3", extension, b"\r\nabc\r\n0", extension, b"\r\n\r\n"].concat();
    let whole = decode(&input, input.len());
    for size in 1..input.len() {
        assert_eq!(decode(&input, size), whole, "{:?} in pieces of {size}", String::from_utf8_lossy(extension));
    }
    whole.is_ok_and(|decoded| decoded == (b"abc".to_vec(), Some(input.len())))
}

#[test]
fn takes_the_extensions_that_the_grammar_has_and_no_others() {
    let good: [&[u8]; 12] = [
        b"",
        b";a",
        b";a=b",
        b"; a",
        b" ;a",
        b"\t ; \ta \t= \tb \t; c",
        b";a;b=c;d",
        b";!#$%&'*+-.^_`|~09az=!#$%&'*+-.^_`|~09AZ",
        b";a=\"\"",
        b";a=\"b\";c",
        b";a=\" \t;,\\\"\\\\\\\t\\ \\\x80\x80\xff\" ;c",
        b";a = \"=;\"",
    ];
    for extension in good {
        assert!(takes_extension(extension), "{:?}", String::from_utf8_lossy(extension));
    }
    let bad: [&[u8]; 32] = [
        b" ",
        b"\t",
        b"   ",
        b";",
        b"; ",
        b";;a",
        b";a;",
        b";a; ",
        b";a;;b",
        b";a ",
        b";a b",
        b";a=",
        b";a= ",
        b";a=;b",
        b";=b",
        b";=",
        b";a==b",
        b";a=b=c",
        b";a=b ",
        b";a=b c",
        b";bad[=x",
        b";a=b[",
        b";a\x80",
        b";a=\x80",
        b";a=b\"c\"",
        b";a=\"",
        b";a=\"b",
        b";a=\"b\\\"",
        b";a=\"b\"c",
        b";a=\"b\" ",
        b";a=\"\x01\"",
        b";a=\"\\\x7f\"",
    ];
    for extension in bad {
        assert!(!takes_extension(extension), "{:?}", String::from_utf8_lossy(extension));
    }
}

#[test]
fn keeps_the_trailers() {
    let trailers = |section: &str, most| {
        let mut decoder = Chunked::default();
        let input = format!("0\r\n{section}\r\n");
        decoder.step(input.as_bytes()).unwrap();
        assert!(decoder.is_done());
        decoder.trailers(most).map_err(Fault::status)
    };
    let field = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    assert_eq!(trailers("", 9), Ok(vec![]));
    assert_eq!(trailers("A: b\r\nC:d \r\n", 9), Ok(vec![field("A", "b"), field("C", "d")]));
    assert_eq!(trailers("A: b\r\nC: d\r\n", 1), Err(431));
    assert_eq!(trailers("A b\r\n", 9), Err(400));
    assert_eq!(trailers("A: b\r\n c\r\n", 9), Err(400));
}

/// The grammar of extensions, word for word (RFC 9112 section 7.1.1): each rule says at which places it may end in `of`
/// when it begins at `from`.
mod grammar {
    use std::collections::BTreeSet;

    type Ends = BTreeSet<usize>;

    /// `chunked-body = *chunk last-chunk trailer-section CRLF` (section 7.1): the body, and where it ends; `None` for
    /// anything else, and for one whose end is missing.
    pub(super) fn chunked_body(of: &[u8]) -> Option<(Vec<u8>, usize)> {
        let (mut body, mut at) = (Vec::new(), 0);
        loop {
            let line = line(of, &mut at)?;
            let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            if !(1..=16).contains(&digits) || !is_extension(&line[digits..]) {
                return None;
            }
            let size = usize::from_str_radix(std::str::from_utf8(&line[..digits]).unwrap(), 16).unwrap();
            if size == 0 {
                break;
            }
            body.extend_from_slice(of.get(at..at.checked_add(size)?)?);
            at += size;
            if !line_is_empty(of, &mut at)? {
                return None;
            }
        }
        while !line_is_empty(of, &mut at)? {}
        Some((body, at))
    }

    /// The bytes before the next CR LF, which is passed. None has other controls than tabs; what a trailer's line says is
    /// looked at later.
    fn line<'a>(of: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
        let line = &of[*at..*at + of[*at..].windows(2).position(|two| two == b"\r\n")?];
        *at += line.len() + 2;
        line.iter().all(|byte| matches!(byte, b'\t' | b' ' | 0x21..=0x7e | 0x80..=0xff)).then_some(line)
    }

    fn line_is_empty(of: &[u8], at: &mut usize) -> Option<bool> {
        line(of, at).map(<[u8]>::is_empty)
    }

    /// `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`
    pub(super) fn is_extension(of: &[u8]) -> bool {
        let one = |from| {
            let named = then(bws(of, from), |at| octet(of, at, b";"));
            let named = then(then(named, |at| bws(of, at)), |at| token(of, at));
            let valued = then(then(named.clone(), |at| bws(of, at)), |at| octet(of, at, b"="));
            let valued = then(then(valued, |at| bws(of, at)), |at| either(token(of, at), quoted_string(of, at)));
            either(named, valued)
        };
        any_number(0, one).contains(&of.len())
    }

    /// `quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE` (RFC 9110 section 5.6.4)
    fn quoted_string(of: &[u8], from: usize) -> Ends {
        let qdtext = |byte: u8| matches!(byte, b'\t' | b' ' | 0x21 | 0x23..=0x5b | 0x5d..=0x7e | 0x80..=0xff);
        let paired = |byte: u8| matches!(byte, b'\t' | b' ' | 0x21..=0x7e | 0x80..=0xff);
        let inside = |from| {
            let pair = then(octet(of, from, b"\\"), |at| one_that(of, at, paired));
            either(one_that(of, from, qdtext), pair)
        };
        let opened = octet(of, from, b"\"");
        then(then(opened, |at| any_number(at, inside)), |at| octet(of, at, b"\""))
    }

    /// `token = 1*tchar` (RFC 9110 section 5.6.2)
    fn token(of: &[u8], from: usize) -> Ends {
        let tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        then(one_that(of, from, tchar), |at| any_number(at, |at| one_that(of, at, tchar)))
    }

    /// `BWS = *( SP / HTAB )` (RFC 9110 section 5.6.3)
    fn bws(of: &[u8], from: usize) -> Ends {
        any_number(from, |at| octet(of, at, b" \t"))
    }

    fn octet(of: &[u8], from: usize, any_of: &[u8]) -> Ends {
        one_that(of, from, |byte| any_of.contains(&byte))
    }

    fn one_that(of: &[u8], from: usize, is_so: impl Fn(u8) -> bool) -> Ends {
        of.get(from).filter(|byte| is_so(**byte)).map(|_| from + 1).into_iter().collect()
    }

    fn then(first: Ends, second: impl Fn(usize) -> Ends) -> Ends {
        first.into_iter().flat_map(second).collect()
    }

    fn either(mut one: Ends, other: Ends) -> Ends {
        one.extend(other);
        one
    }

    fn any_number(from: usize, rule: impl Fn(usize) -> Ends) -> Ends {
        let (mut all, mut last) = (Ends::from([from]), Ends::from([from]));
        while !last.is_empty() {
            last = then(last, &rule).difference(&all).copied().collect();
            all.extend(&last);
        }
        all
    }
}

fn extension() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(&[";", "=", "\"", "\\", " ", "\t", "a", "[", "\r"][..]).prop_map(|text| text.into()),
        proptest::sample::select(&[";a", " ;b", "=c", "=\"d\"", " = \"\\\"\""][..]).prop_map(|text| text.into()),
        any::<u8>().prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces: Vec<Vec<u8>>| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn takes_an_extension_where_the_grammar_does(extension in extension()) {
        prop_assert_eq!(takes_extension(&extension), grammar::is_extension(&extension));
    }
}

/// A chunked body, nearly always with something wrong in it.
fn nearly_chunked() -> impl Strategy<Value = Vec<u8>> {
    let chunk =
        (proptest::collection::vec(any::<u8>(), 1..20), extension(), 0..4usize).prop_map(|(data, extension, zeros)| {
            let size = format!("{}{:X}", "0".repeat(zeros), data.len());
            // Of several extensions, most are wrong.
            let extension = if zeros == 0 { extension } else { Vec::new() };
            [size.as_bytes(), &extension, b"\r\n", &data, b"\r\n"].concat()
        });
    let last = proptest::sample::select(&["0\r\n\r\n", "000;a\r\nA: b\r\n\r\nGET", "0\r\n", "0 \r\n\r\n"][..]);
    let body = (proptest::collection::vec(chunk, 0..4), last)
        .prop_map(|(chunks, last)| [chunks.concat(), last.as_bytes().to_vec()].concat());
    let change = proptest::option::of((any::<proptest::sample::Index>(), any::<bool>(), any::<u8>()));
    (body, change).prop_map(|(mut body, change)| {
        if let Some((at, is_more, byte)) = change {
            let at = at.index(body.len());
            body.splice(at..if is_more { at } else { at + 1 }, [byte]);
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn takes_a_body_where_the_grammar_does(input in nearly_chunked(), size in 1usize..30) {
        let found = decode(&input, size).ok().and_then(|(body, used)| Some((body, used?)));
        prop_assert_eq!(found, grammar::chunked_body(&input));
    }
}

proptest! {
    #[test]
    fn never_panics_and_never_depends_on_the_split(input in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..50) {
        prop_assert_eq!(decode(&input, size).ok(), decode(&input, input.len().max(1)).ok());
    }

    #[test]
    fn gives_back_what_was_encoded(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..10), size in 1usize..50) {
        let mut input = Vec::new();
        for part in &parts {
            input.extend(format!("{:x}\r\n", part.len()).into_bytes());
            input.extend(part);
            input.extend(b"\r\n");
        }
        input.extend(b"0\r\n\r\n");
        let length = input.len();
        prop_assert_eq!(decode(&input, size).unwrap(), (parts.concat(), Some(length)));
    }
}
