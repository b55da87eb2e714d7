//! What a request is known by: `x-request-id`, as a proxy or a client has named it, or made here (UUID version 7, RFC 9562).

use super::head::Head;

/// The header's name.
pub const NAME: &str = "x-request-id";
/// The longest that is taken.
const LONGEST: usize = 255;

/// One that was made here, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made([u8; 36]);

impl Made {
    /// The text.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For a request that came so many milliseconds after 1970: those of one process sort by that.
    pub fn of(unix_millis: u64, random: [u8; 10]) -> Made {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&unix_millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = bytes[6] & 0x0f | 0x70;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Made(text(bytes))
    }
}

/// The one that the client gives, if that is one: several are none, and neither is what could do harm where it is shown, or what
/// Rails (`ActionDispatch::RequestId`) would leave characters out of: the app's log is to have the same as Kino's.
pub fn given(head: &Head) -> Option<&[u8]> {
    let mut all =
        head.fields().filter(|(name, _)| name.len() == NAME.len() && name.eq_ignore_ascii_case(NAME.as_bytes()));
    let (_, first) = all.next()?;
    (all.next().is_none() && is_well_formed(first)).then_some(first)
}

fn is_well_formed(id: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-@".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(is_allowed)
}

fn text(bytes: [u8; 16]) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (number, byte) in bytes.into_iter().enumerate() {
        if matches!(number, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = DIGITS[usize::from(byte >> 4)];
        text[at + 1] = DIGITS[usize::from(byte & 15)];
        at += 2;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::http::parse;

    #[test]
    fn a_uuid_of_version_7_begins_with_the_time() {
        let text = |random| String::from_utf8(Made::of(0x0123_4567_89ab, random).bytes().to_vec()).unwrap();
        assert_eq!(text([0; 10]), "01234567-89ab-7000-8000-000000000000");
        assert_eq!(text([0xff; 10]), "01234567-89ab-7fff-bfff-ffffffffffff");
    }

    #[test]
    fn only_one_that_can_do_no_harm_is_taken() {
        let given = |fields: &str| {
            let mut head = Head::default();
            let text = format!("GET / HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
            parse::head(text.as_bytes(), &Limits::default(), &mut head).unwrap().unwrap();
            super::given(&head).map(|id| String::from_utf8(id.to_vec()).unwrap())
        };
        let long = "a".repeat(LONGEST);
        for id in ["a", "01JAZ-x_y@z", &long] {
            assert_eq!(given(&format!("X-Request-ID: {id}\r\n")).as_deref(), Some(id));
        }
        assert_eq!(given(""), None);
        for id in
            ["", "a b", "a,b", "a.b", "a/b", "YQ==", "a+b", "a:b", "a\"", "\u{e9}", "<script>", &format!("{long}a")]
        {
            assert_eq!(given(&format!("x-request-id: {id}\r\n")), None, "{id}");
        }
        assert_eq!(given("x-request-id: a\r\nx-request-id: b\r\n"), None);
    }
}
