//! Queries, which may hold what nobody should read in a log.

/// What is left out of a target's query, and a referer's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    #[default]
    Nothing,
    /// The query.
    All,
    /// The values of the parameters with these names, in lower case.
    Values(Vec<String>),
}

const FILTERED: &[u8] = b"[FILTERED]";

impl Filter {
    /// What values of parameters of these names are left out of, in upper or lower case, also as a part of another
    /// (`user[password]`).
    pub fn values<'n>(names: impl IntoIterator<Item = &'n str>) -> Filter {
        Filter::Values(names.into_iter().map(str::to_ascii_lowercase).collect())
    }

    /// Gives what may be written of a target, piece by piece.
    pub(super) fn each(&self, target: &[u8], mut give: impl FnMut(&[u8])) {
        let Some(at) = memchr::memchr(b'?', target).filter(|_| *self != Filter::Nothing) else { return give(target) };
        let Filter::Values(names) = self else { return give(&target[..at]) };
        let (path, mut rest) = target.split_at(at + 1);
        give(path);
        while !rest.is_empty() {
            let end = memchr::memchr3(b'&', b';', b'#', rest).unwrap_or(rest.len());
            let pair = &rest[..end];
            match memchr::memchr(b'=', pair) {
                Some(at) if is_named(&pair[..at], names) => {
                    give(&pair[..=at]);
                    give(FILTERED);
                }
                _ => give(pair),
            }
            let after = (end + 1).min(rest.len());
            if after > end {
                give(&rest[end..after]);
            }
            rest = &rest[after..];
        }
    }
}

/// `user[password]` is a password, too, and so are `password[]` and `password[a]`, however their letters are written.
fn is_named(name: &[u8], names: &[String]) -> bool {
    let name = decoded(name);
    let mut parts = name.split(|byte| b"[]".contains(byte));
    parts.any(|part| names.iter().any(|other| part == other.as_bytes()))
}

/// In lower case, with what stands as `%xx` as what it is.
fn decoded(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'%').and_then(|it| std::str::from_utf8(it).ok());
        match code.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                out.push(byte.to_ascii_lowercase());
                rest = &after[2..];
            }
            None => {
                out.push(if first == b'+' { b' ' } else { first.to_ascii_lowercase() });
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(filter: &Filter, target: &str) -> String {
        let mut out = Vec::new();
        filter.each(target.as_bytes(), |part| out.extend_from_slice(part));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn leaves_out_what_it_is_told_to() {
        assert_eq!(written(&Filter::Nothing, "/a?b=c"), "/a?b=c");
        assert_eq!(written(&Filter::All, "/a?b=c"), "/a");
        assert_eq!(written(&Filter::All, "/a"), "/a");
        let filter = Filter::values(["token", "Password"]);
        for (target, expected) in [
            ("/a?b=c", "/a?b=c"),
            ("/a?token=c", "/a?token=[FILTERED]"),
            ("/a?b=1&TOKEN=c&d", "/a?b=1&TOKEN=[FILTERED]&d"),
            ("/a?user[password]=x;token=", "/a?user[password]=[FILTERED];token=[FILTERED]"),
            ("/a?token[]=x&a[token][b]=y", "/a?token[]=[FILTERED]&a[token][b]=[FILTERED]"),
            ("/a?password%5B%5D=x&password[a]=y", "/a?password%5B%5D=[FILTERED]&password[a]=[FILTERED]"),
            ("/a?user%5Bpass%77ord%5d=x", "/a?user%5Bpass%77ord%5d=[FILTERED]"),
            ("/a?tokens=x&token&&%zz=y&%", "/a?tokens=x&token&&%zz=y&%"),
            ("/a?", "/a?"),
            ("/a?token=a=b?c", "/a?token=[FILTERED]"),
        ] {
            assert_eq!(written(&filter, target), expected);
        }
    }
}
