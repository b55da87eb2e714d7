//! Ids for requests that have none.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::http::request_id::Made;

/// Random bytes that are asked for at once.
const ROOM: usize = 1280;
/// Those of one id.
const EACH: usize = 10;

/// Makes ids of random bytes of the system's, many for one call.
#[derive(Debug)]
pub(super) struct Ids(Mutex<Random>);

#[derive(Debug)]
struct Random {
    bytes: [u8; ROOM],
    used: usize,
}

impl Default for Ids {
    fn default() -> Self {
        Ids(Mutex::new(Random { bytes: [0; ROOM], used: ROOM }))
    }
}

impl Ids {
    /// The next one.
    pub(super) fn next(&self) -> Made {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Made::of(now.as_millis() as u64, self.0.lock().next())
    }
}

impl Random {
    fn next(&mut self) -> [u8; EACH] {
        if self.used == ROOM {
            if let Err(error) = fill(&mut self.bytes) {
                tracing::error!(%error, "there are no random bytes to be had: ids of requests repeat");
            }
            self.used = 0;
        }
        let mut next = [0; EACH];
        next.copy_from_slice(&self.bytes[self.used..self.used + EACH]);
        self.used += EACH;
        next
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn fill(mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty()) {
            Ok(length) => bytes = &mut bytes[length..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn fill(bytes: &mut [u8]) -> io::Result<()> {
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_are_the_same() {
        let ids = Ids::default();
        let all: HashSet<Vec<u8>> = (0..1000).map(|_| ids.next().bytes().to_vec()).collect();
        assert_eq!(all.len(), 1000);
    }
}
