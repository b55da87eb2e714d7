//! How much of its answers an engine keeps in memory for clients that have not read it yet: one number, whatever the
//! pieces are and whoever owns them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

/// Bytes that are kept now, and how many should be at most. What comes past that goes to files ([`super::overflow`]).
#[derive(Debug)]
pub struct Kept {
    bytes: AtomicU64,
    most: u64,
}

/// Some of them, until this is dropped. It lies beside the memory that it counts, so that both end together.
#[derive(Debug)]
pub struct Claim {
    kept: Arc<Kept>,
    bytes: u64,
}

/// Bytes and their claim.
struct Claimed<T>(T, #[expect(dead_code, reason = "it is dropped with the bytes")] Claim);

impl<T: AsRef<[u8]>> AsRef<[u8]> for Claimed<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl Kept {
    pub(super) fn new(most: u64) -> Arc<Kept> {
        Arc::new(Kept { bytes: AtomicU64::new(0), most })
    }

    /// Bytes that are kept now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether more is kept than should be.
    pub fn is_full(&self) -> bool {
        self.bytes() > self.most
    }

    /// Counts bytes that are kept from now on.
    pub fn claim(self: &Arc<Kept>, bytes: usize) -> Claim {
        let mut claim = Claim { kept: self.clone(), bytes: 0 };
        claim.add(bytes);
        claim
    }

    /// Counts bytes for as long as anybody holds them.
    pub fn hold<T: AsRef<[u8]> + Send + 'static>(self: &Arc<Kept>, bytes: T) -> Bytes {
        let claim = self.claim(bytes.as_ref().len());
        claim.hold(bytes)
    }
}

impl Claim {
    /// So many bytes more.
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.kept.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The bytes that it counts, from now on together with it.
    pub(super) fn hold<T: AsRef<[u8]> + Send + 'static>(self, bytes: T) -> Bytes {
        Bytes::from_owner(Claimed(bytes, self))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.kept.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_until_nobody_holds_any_of_it() {
        let kept = Kept::new(10);
        let bytes = kept.hold(vec![0; 8]);
        let mut claim = kept.claim(2);
        assert_eq!((kept.bytes(), kept.is_full()), (10, false));
        claim.add(1);
        assert!(kept.is_full());
        drop(claim);
        let part = bytes.slice(7..);
        drop(bytes);
        assert_eq!(kept.bytes(), 8);
        drop(part);
        assert_eq!(kept.bytes(), 0);
    }
}
