//! Answers' heads on their way from lines, as [`ResponseHead`](crate::http::encode::ResponseHead) has checked and written them, to
//! header blocks. They are compressed where they are sent, since what both sides' tables hold depends on the order of that.

use super::hpack::{Encoder, Indexing};

/// Adds the header block of a head that is given as HTTP/1 has it: a line with the status, and one for each field.
pub(super) fn encode_head(head: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
    encoder.begin(out);
    encoder.status(status(head), out);
    let first = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
    encode_fields(&head[first..], encoder, out);
}

/// The same of trailer fields alone.
pub(super) fn encode_trailers(lines: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
    encoder.begin(out);
    encode_fields(lines, encoder, out);
}

fn encode_fields(lines: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
    let mut lower = Vec::new();
    for (name, value) in fields(lines) {
        let name = if name.iter().any(u8::is_ascii_uppercase) {
            lower.clear();
            lower.extend(name.iter().map(u8::to_ascii_lowercase));
            &lower[..]
        } else {
            name
        };
        if !is_of_connection(name) && !is_of_requests(name) {
            encoder.field(name, value, indexing(name), out);
        }
    }
}

/// Names and values. A name has no colon, and nothing has a line's end.
fn fields(lines: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines.split(|&byte| byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let colon = memchr::memchr(b':', line)?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// Three digits after the protocol's name.
fn status(head: &[u8]) -> u16 {
    let digits = head.get(9..12).unwrap_or_default();
    digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit.wrapping_sub(b'0') % 10))
}

/// What says something of a connection of HTTP/1 has no place here (RFC 9113 section 8.2.2).
pub(super) fn is_of_connection(name: &[u8]) -> bool {
    matches!(name, b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade")
}

/// What an answer has no place for, either: clients take the answer for malformed.
fn is_of_requests(name: &[u8]) -> bool {
    matches!(name, b"te" | b"http2-settings")
}

fn indexing(name: &[u8]) -> Indexing {
    match name {
        b"set-cookie" | b"authorization" | b"proxy-authenticate" | b"www-authenticate" => Indexing::Never,
        b"content-length" | b"etag" | b"last-modified" | b"location" | b"age" | b"expires" | b"content-range"
        | b"x-request-id" | b"x-runtime" | b"server-timing" | b"grpc-message" => Indexing::Once,
        _ => Indexing::Remember,
    }
}

#[cfg(test)]
mod tests {
    use super::super::hpack::{Decoder, Fields};
    use super::*;

    fn decoded(block: &[u8]) -> Vec<(String, String)> {
        let mut fields = Fields::new(65_536, 100);
        Decoder::default().decode(block, &mut fields).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        fields.iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn a_head_is_the_same_without_what_is_of_the_connection() {
        let mut block = Vec::new();
        let head = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nx-empty: \r\nKeep-Alive: 5\r\nconnection: close\r\n\
                     x-time: 10:20\r\nupgrade: x\r\n\r\n";
        encode_head(head, &mut Encoder::default(), &mut block);
        let expected = [(":status", "404"), ("content-type", "text/plain"), ("x-empty", ""), ("x-time", "10:20")];
        assert_eq!(decoded(&block), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn trailers_have_no_status() {
        let mut block = Vec::new();
        encode_trailers(b"x-sum: 1\r\n", &mut Encoder::default(), &mut block);
        assert_eq!(decoded(&block), [("x-sum".to_owned(), "1".to_owned())]);
    }
}
