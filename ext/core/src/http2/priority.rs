//! What a client wants first (RFC 9218).

/// How urgent an answer is, and whether its client can use it part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// From 0, the most urgent, to 7.
    pub urgency: u8,
    /// Answers that are as urgent should come beside each other, and not one after the other.
    pub is_incremental: bool,
}

impl Default for Priority {
    fn default() -> Self {
        Priority { urgency: 3, is_incremental: false }
    }
}

impl Priority {
    /// Of a `priority` field's value. What can't be read is as if it were not there (section 4).
    pub fn of(value: &[u8]) -> Priority {
        let mut priority = Priority::default();
        for member in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            // Parameters of a member mean nothing here.
            match member.split(|&byte| byte == b';').next().unwrap_or_default() {
                [b'u', b'=', urgency @ b'0'..=b'7'] => priority.urgency = urgency - b'0',
                b"i" | b"i=?1" => priority.is_incremental = true,
                b"i=?0" => priority.is_incremental = false,
                _ => {}
            }
        }
        priority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_far_as_it_makes_sense() {
        let read = |text: &str| {
            let Priority { urgency, is_incremental } = Priority::of(text.as_bytes());
            (urgency, is_incremental)
        };
        assert_eq!(read(""), (3, false));
        assert_eq!(read("u=5, i"), (5, true));
        assert_eq!(read("i=?1,u=0;x=y"), (0, true));
        assert_eq!(read("u=1, u=7, i, i=?0"), (7, false));
        for nonsense in ["u=8", "u=-1", "u=11", "u", "u=a", "x=1", "i=1", "I", ",,"] {
            assert_eq!(read(nonsense), (3, false), "{nonsense}");
        }
    }
}
