//! JSON, to be written.

use std::fmt::{self, Write};

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(u64),
    Seconds(f64),
    Exact(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// An object of these fields, in their order.
    pub(super) fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Milliseconds as seconds.
    pub(super) fn seconds(milliseconds: u64) -> Value {
        Value::Seconds(milliseconds as f64 / 1000.0)
    }

    /// A number that may not be known.
    pub(super) fn known(number: Option<u64>) -> Value {
        number.map_or(Value::Null, Value::Number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(u64::from(number))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Seconds(seconds) => write!(f, "{seconds:.3}"),
            Value::Exact(number) => write!(f, "{number}"),
            Value::Text(text) => quote(f, text),
            Value::List(all) => {
                f.write_char('[')?;
                for (index, one) in all.iter().enumerate() {
                    write!(f, "{}{one}", if index == 0 { "" } else { "," })?;
                }
                f.write_char(']')
            }
            Value::Object(fields) => {
                f.write_char('{')?;
                for (index, (name, value)) in fields.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    quote(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            // A page that has it among its own text must not end there.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", char as u32)?,
            char if char.is_control() => write!(f, "\\u{:04x}", char as u32)?,
            char => f.write_char(char)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_any_parser_reads() {
        let text = Value::from("a\"\\\n\t</script>é");
        let list = Value::List(vec![Value::Null, Value::Bool(true), Value::Number(7), Value::seconds(1500)]);
        let object = Value::object([("text", text), ("list", list), ("none", Value::Object(Vec::new()))]);
        let expected = r#"{"text":"a\"\\\n\u0009\u003c/script\u003eé","list":[null,true,7,1.500],"none":{}}"#;
        assert_eq!(object.to_string(), expected);
    }
}
