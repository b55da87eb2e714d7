//! An answer's body as its head has promised it: counted, cut off at its length, in chunks or not. It owns no socket and
//! copies no byte of a part: it says what stands before and after each.

use super::decode::{Chunked, Piece};
use super::encode::{LAST_CHUNK, push_chunk_size};
use super::plan::{BodyFraming, Plan};
use crate::error::AnswerError;

/// What is sent of a body, part by part.
///
/// ```text
///   part, part, ... --end--> check
/// ```
#[derive(Debug)]
pub struct BodyWriter {
    plan: Plan,
    given: u64,
    /// Where the app gives the body in chunks.
    decoder: Option<Box<Chunked>>,
}

/// How one part is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// So many bytes of it, from its first on.
    pub length: usize,
    /// What follows them.
    pub after: &'static [u8],
}

impl BodyWriter {
    /// Nothing of it has been sent.
    pub fn new(plan: Plan) -> BodyWriter {
        BodyWriter { plan, given: 0, decoder: plan.is_encoded.then(Box::default) }
    }

    /// What its head has promised.
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// Whether there is a body at all.
    pub fn is_wanted(&self) -> bool {
        self.plan.framing != BodyFraming::None
    }

    /// Whether trailer fields can follow it.
    pub fn takes_trailers(&self) -> bool {
        matches!(self.plan.framing, BodyFraming::Chunked | BodyFraming::UntilEnd)
    }

    /// Whether its parts are chunks that the app has made, for [`BodyWriter::decode`] and not for [`BodyWriter::part`].
    pub fn is_encoded(&self) -> bool {
        self.decoder.is_some()
    }

    /// How a part of `length` bytes is sent: what stands before it is added to `before`. An empty one would end the body as
    /// a chunk, so it is nothing.
    pub fn part(&mut self, length: usize, before: &mut Vec<u8>) -> Frame {
        let before_this = self.given;
        self.given += length as u64;
        match self.plan.framing {
            BodyFraming::Chunked if length > 0 => {
                push_chunk_size(before, length);
                Frame { length, after: b"\r\n" }
            }
            BodyFraming::None | BodyFraming::Chunked => Frame { length: 0, after: b"" },
            BodyFraming::UntilClose | BodyFraming::UntilEnd => Frame { length, after: b"" },
            BodyFraming::Sized(stated) => {
                let left = stated.saturating_sub(before_this).min(length as u64);
                Frame { length: left as usize, after: b"" }
            }
        }
    }

    /// Looks whether the parts so far are more than the head has said.
    ///
    /// # Errors
    /// [`AnswerError::TooLong`]
    pub fn check_so_far(&self) -> Result<(), AnswerError> {
        match self.plan.check(self.given) {
            error @ Err(AnswerError::TooLong { .. }) => error,
            _ => Ok(()),
        }
    }

    /// The bytes of the body in a part that is given in chunks, so that they can be framed as the client needs them, and
    /// can't break the connection.
    ///
    /// # Errors
    /// [`AnswerError::Encoding`] for anything but well-formed chunks, and for what follows the last.
    pub fn decode(&mut self, mut input: &[u8]) -> Result<Vec<u8>, AnswerError> {
        let Some(decoder) = &mut self.decoder else { return Err(AnswerError::Encoding) };
        let mut data = Vec::with_capacity(input.len());
        while !input.is_empty() {
            let used = match decoder.step(input) {
                Ok(Piece::Data(length)) => {
                    data.extend_from_slice(&input[..length]);
                    length
                }
                Ok(Piece::Framing(length)) => length,
                Ok(Piece::End) | Err(_) => return Err(AnswerError::Encoding),
            };
            input = &input[used..];
        }
        Ok(data)
    }

    /// Ends the body: adds what is sent after the last part, with the lines of `trailers`, see
    /// [`trailer`](super::encode::trailer).
    ///
    /// # Errors
    /// [`AnswerError::Encoding`] where the app's chunks have no end.
    pub fn end(&self, trailers: &[u8], out: &mut Vec<u8>) -> Result<(), AnswerError> {
        if self.is_wanted() && self.decoder.as_ref().is_some_and(|decoder| !decoder.is_done()) {
            return Err(AnswerError::Encoding);
        }
        if self.plan.framing == BodyFraming::Chunked {
            out.extend_from_slice(LAST_CHUNK);
            out.extend_from_slice(trailers);
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    /// As [`Plan::check`], of all parts.
    ///
    /// # Errors
    /// As [`Plan::check`].
    pub fn check(&self) -> Result<(), AnswerError> {
        self.plan.check(self.given)
    }

    /// Whether the client has been sent all that the head has promised, though the app may have more to say.
    pub fn is_whole_for_client(&self) -> bool {
        matches!(self.plan.framing, BodyFraming::Sized(stated) if self.given >= stated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(framing: BodyFraming, is_encoded: bool) -> BodyWriter {
        BodyWriter::new(Plan { framing, keep_alive: true, status: 200, is_encoded })
    }

    /// What reaches the wire of these parts, and how it ended.
    fn sent(framing: BodyFraming, parts: &[&str], trailers: &str) -> (String, Result<(), String>) {
        let mut body = writer(framing, false);
        let mut out = Vec::new();
        let mut write = || {
            for part in parts {
                let frame = body.part(part.len(), &mut out);
                out.extend_from_slice(&part.as_bytes()[..frame.length]);
                out.extend_from_slice(frame.after);
                body.check_so_far()?;
            }
            body.end(trailers.as_bytes(), &mut out)?;
            body.check()
        };
        let result = write().map_err(|error| error.to_string());
        (String::from_utf8(out).unwrap(), result)
    }

    #[test]
    fn chunks_have_their_size_before_them_and_empty_parts_are_none() {
        let parts = ["one", "", "seventeen letters"];
        assert_eq!(
            sent(BodyFraming::Chunked, &parts, ""),
            ("3\r\none\r\n11\r\nseventeen letters\r\n0\r\n\r\n".to_owned(), Ok(()))
        );
        assert_eq!(sent(BodyFraming::Chunked, &[], "a: b\r\n"), ("0\r\na: b\r\n\r\n".to_owned(), Ok(())));
        assert_eq!(sent(BodyFraming::UntilClose, &parts, "a: b\r\n"), ("oneseventeen letters".to_owned(), Ok(())));
        assert_eq!(sent(BodyFraming::None, &parts, "a: b\r\n"), (String::new(), Ok(())));
    }

    #[test]
    fn nothing_is_sent_past_the_length_and_too_little_is_told_at_the_end() {
        let sized = BodyFraming::Sized(5);
        assert_eq!(sent(sized, &["he", "", "llo"], "a: b\r\n"), ("hello".to_owned(), Ok(())));
        let (text, result) = sent(sized, &["hell", "o, and more", "never seen"], "");
        assert_eq!((text.as_str(), result.unwrap_err().contains("longer")), ("hello", true));
        let (text, result) = sent(sized, &["hell"], "");
        assert_eq!(text, "hell");
        assert!(result.unwrap_err().contains("4 of 5 bytes"));
        assert_eq!(sent(BodyFraming::Sized(0), &["", ""], ""), (String::new(), Ok(())));
    }

    /// The body in these parts, each given in chunks; an error where they are none.
    fn decoded(framing: BodyFraming, parts: &[&str]) -> Result<String, AnswerError> {
        let mut body = writer(framing, true);
        let mut data = Vec::new();
        for part in parts {
            data.extend(body.decode(part.as_bytes())?);
        }
        body.end(b"", &mut Vec::new())?;
        Ok(String::from_utf8(data).unwrap())
    }

    #[test]
    fn chunks_that_the_app_has_made_are_read_in_any_split() {
        let whole = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n";
        assert_eq!(decoded(BodyFraming::Chunked, &[whole]).unwrap(), "hello world");
        for at in 1..whole.len() {
            let (one, other) = whole.split_at(at);
            assert_eq!(decoded(BodyFraming::UntilClose, &[one, "", other]).unwrap(), "hello world");
        }
    }

    #[test]
    fn what_is_no_chunk_is_cut_off_or_follows_the_last_is_an_error() {
        for parts in
            [&["hello"][..], &["5\r\nhello\r\n"], &["5\r\nhel"], &["0\r\n\r\n", "x"], &["5\r\nhello!\r\n"], &[]]
        {
            let result = decoded(BodyFraming::Chunked, parts);
            assert!(matches!(result, Err(AnswerError::Encoding)), "{parts:?} {result:?}");
        }
        // Nobody waits for its end.
        assert_eq!(decoded(BodyFraming::None, &["5\r\nhel"]).unwrap(), "hel");
    }

    #[test]
    fn only_a_client_that_has_all_that_was_promised_may_be_let_down_gently() {
        let mut body = writer(BodyFraming::Sized(5), false);
        assert!(!body.is_whole_for_client());
        body.part(7, &mut Vec::new());
        assert!(body.is_whole_for_client());
        for framing in [BodyFraming::None, BodyFraming::Chunked, BodyFraming::UntilClose] {
            assert!(!writer(framing, false).is_whole_for_client());
        }
    }
}
