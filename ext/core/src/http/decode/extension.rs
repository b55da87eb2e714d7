//! What may stand between a chunk's size and the end of its line (RFC 9112 section 7.1.1).

/// A place in `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`.
///
/// ```text
///   Between --;--> BeforeName -> Name -> AfterName --=--> BeforeValue -> Value -> Between
///      (`;` leads to BeforeName from wherever             |
///       an extension may end, `=` from Name, too)         '--"--> Quoted --"--> Closed -> Between
///                                                                 Quoted --\--> Escaped -> Quoted
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    /// White space after a size or a value, which only a further extension may follow.
    Between,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Value,
    Quoted,
    /// After the backslash of a quoted pair.
    Escaped,
    /// After the quote that ends a value.
    Closed,
}

impl Extension {
    /// What the byte that follows the size begins; `None` for one that begins no extension.
    pub(super) fn begin(byte: u8) -> Option<Extension> {
        Extension::Between.after(byte)
    }

    /// Where one more byte leads; `None` for one that the grammar doesn't have here.
    pub(super) fn after(self, byte: u8) -> Option<Extension> {
        use Extension::{AfterName, BeforeName, BeforeValue, Between, Closed, Escaped, Name, Quoted, Value};
        Some(match (self, byte) {
            (Quoted, b'"') => Closed,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, byte) if is_text(byte) => Quoted,
            (Between | Name | AfterName | Value | Closed, b';') => BeforeName,
            (Name | AfterName, b'=') => BeforeValue,
            (BeforeValue, b'"') => Quoted,
            (Between | Value | Closed, b' ' | b'\t') => Between,
            (Name | AfterName, b' ' | b'\t') => AfterName,
            (BeforeName | BeforeValue, b' ' | b'\t') => self,
            (BeforeName | Name, byte) if is_token(byte) => Name,
            (BeforeValue | Value, byte) if is_token(byte) => Value,
            _ => return None,
        })
    }

    /// Whether the line may end here: white space has to be followed by what it may precede.
    pub(super) fn may_end(self) -> bool {
        matches!(self, Extension::Name | Extension::Value | Extension::Closed)
    }
}

/// `HTAB / SP / VCHAR / obs-text` (RFC 9110 section 5.6.4).
pub(super) fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// `tchar` (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
