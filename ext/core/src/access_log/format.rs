//! What a line has in it: plain text with fields, prepared at boot, or JSON.

use super::fields::{Entry, Field};
use super::json;

/// The form of a line.
#[derive(Debug)]
pub enum Format {
    /// An object of JSON with all fields.
    Json,
    /// Text with fields in it.
    Parts(Parts),
}

/// Text and fields, in order.
#[derive(Debug)]
pub struct Parts(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(Vec<u8>),
    Field(Field),
}

/// A template has a field that there is none of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no field {{{0}}}")]
pub struct Unknown(String);

const COMMON: &str = r#"{peer} - - {clf_time} "{request}" {status} {bytes}"#;
const COMBINED: &str = r#"{peer} - - {clf_time} "{request}" {status} {bytes} "{referer}" "{user_agent}""#;
const TEXT: &str = r#"{time} {peer} "{request}" {status} bytes={bytes} queue={queue} app={app} total={total} id={request_id} worker={worker} process={process} cause="{cause}""#;

impl Format {
    /// The one of that name, or what a template says: text with `{field}` in it; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// For a field that there is none of.
    pub fn of(text: &str) -> Result<Format, Unknown> {
        Ok(Format::Parts(match text {
            "json" => return Ok(Format::Json),
            "common" => Parts::of(COMMON)?,
            "combined" => Parts::of(COMBINED)?,
            "text" => Parts::of(TEXT)?,
            template => Parts::of(template)?,
        }))
    }

    pub(super) fn write(&self, entry: &Entry<'_>, out: &mut Vec<u8>) {
        match self {
            Format::Json => json::write(entry, out),
            Format::Parts(Parts(parts)) => {
                for part in parts {
                    match part {
                        Part::Text(text) => out.extend_from_slice(text),
                        Part::Field(field) => field.write(entry, out),
                    }
                }
            }
        }
    }
}

impl Parts {
    fn of(template: &str) -> Result<Parts, Unknown> {
        let (mut parts, mut text, mut rest) = (Vec::new(), Vec::new(), template);
        while let Some(first) = rest.chars().next() {
            let doubled = rest.strip_prefix("{{").map(|after| ('{', after));
            if let Some((brace, after)) = doubled.or_else(|| rest.strip_prefix("}}").map(|after| ('}', after))) {
                text.push(brace as u8);
                rest = after;
            } else if first == '{' {
                let name =
                    rest[1..].split_once('}').map(|(name, _)| name).ok_or_else(|| Unknown(rest[1..].to_owned()))?;
                let field = Field::named(name).ok_or_else(|| Unknown(name.to_owned()))?;
                if !text.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                }
                parts.push(Part::Field(field));
                rest = &rest[name.len() + 2..];
            } else {
                // A line is one, whatever is written there.
                let kept = if first.is_control() { ' ' } else { first };
                text.extend_from_slice(kept.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[first.len_utf8()..];
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Parts(parts))
    }
}
