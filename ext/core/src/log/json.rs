//! Lines of the server's log as objects of JSON, for whoever collects logs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::text::escape;
use crate::text::wall::Wall;

static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// Whether lines are to be JSON from now on.
pub fn want(is_wanted: bool) {
    IS_WANTED.store(is_wanted, Ordering::Relaxed);
}

/// Whether they are.
pub fn is_wanted() -> bool {
    IS_WANTED.load(Ordering::Relaxed)
}

/// A line: time, severity in lower case, what there is to say, and more of it by name.
pub fn line<'f>(level: &'f str, message: &'f str, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> Vec<u8> {
    let mut wall = Wall::default();
    wall.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let mut out = b"{\"time\":\"".to_vec();
    out.extend_from_slice(wall.iso());
    out.push(b'"');
    let first = [("level", level), ("message", message)];
    for (name, value) in first.into_iter().chain(fields) {
        out.push(b',');
        escape::json(&mut out, name.as_bytes());
        out.push(b':');
        escape::json(&mut out, value.as_bytes());
    }
    out.extend_from_slice(format!(",\"process\":{}}}\n", std::process::id()).as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_whatever_it_says() {
        let line = String::from_utf8(line("warn", "a \"b\"\nc", [("peer", "::1")])).unwrap();
        assert!(line.starts_with("{\"time\":\"2"), "{line}");
        let process = std::process::id();
        assert!(
            line.ends_with(&format!(
                "Z\",\"level\":\"warn\",\"message\":\"a \\\"b\\\"\\u000ac\",\"peer\":\"::1\",\"process\":{process}}}\n"
            )),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    }
}
