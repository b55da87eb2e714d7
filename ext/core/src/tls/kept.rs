//! What TLS was served with last, where all processes of a server find it: one that is started while the files on the disk are wrong
//! goes on with that.
//!
//! It is a file that is in memory alone and has no name; whoever is forked has it, and whoever is started with the listener is given
//! it. Two places in it are written in turn, each with a seal, so that whatever becomes of who writes, one of them is whole: nobody
//! waits for a lock.
//!
//! ```text
//!   0: the secret of the tickets     PLACE: number, length, seal, bytes     2 x PLACE: the same once more
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::material::Material;
use super::provider::hmac;
use super::tickets::Secret;

/// Where a place begins. Nothing is taken for what lies between.
const PLACE: u64 = 1 << 32;
/// What all that is kept of an address takes at most; more is a file that is no certificate.
const MOST: u64 = 64 * 1024 * 1024;
const SEAL: usize = 32;
/// Number, length and seal.
const HEAD: usize = 8 + 8 + SEAL;
const LABEL: &[u8] = b"kino certificates 1";

/// That file, where the system has such.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    file: Arc<File>,
    secret: Secret,
}

impl Kept {
    /// What is kept in this file.
    pub(crate) fn of(file: Arc<File>, secret: Secret) -> Kept {
        Kept { file, secret }
    }

    /// What was served last by what `identity` says.
    pub(super) fn find(&self, identity: &str) -> Option<Material> {
        Material::of_bytes(&self.newest(identity)?.2)
    }

    /// It is served from now on.
    pub(super) fn keep(&self, identity: &str, material: &Material) {
        let bytes = material.to_bytes();
        let (place, number) = match self.newest(identity) {
            Some((_, _, known)) if known == bytes => return,
            Some((place, number, _)) => (1 - place, number + 1),
            None => (0, 1),
        };
        // Without it, a process that is started while the files are wrong is not.
        if let Err(error) = self.write(identity, place, number, &bytes) {
            tracing::debug!(%error, "what TLS is served with can't be kept");
        }
    }

    fn write(&self, identity: &str, place: u64, number: u64, bytes: &[u8]) -> io::Result<()> {
        let mut head = [&number.to_be_bytes()[..], &(bytes.len() as u64).to_be_bytes()].concat();
        head.extend_from_slice(self.seal(identity, number, bytes).as_ref());
        let at = (place + 1) * PLACE;
        self.file.write_all_at(bytes, at + HEAD as u64)?;
        self.file.write_all_at(&head, at)
    }

    /// The place, the number and the bytes of what was written last.
    fn newest(&self, identity: &str) -> Option<(u64, u64, Vec<u8>)> {
        let read = |place| self.read(identity, place).map(|(number, bytes)| (place, number, bytes));
        [0, 1].into_iter().filter_map(read).max_by_key(|(_, number, _)| *number)
    }

    fn read(&self, identity: &str, place: u64) -> Option<(u64, Vec<u8>)> {
        let at = (place + 1) * PLACE;
        let mut head = [0; HEAD];
        self.file.read_exact_at(&mut head, at).ok()?;
        let (number, rest) = head.split_first_chunk::<8>()?;
        let (length, seal) = rest.split_first_chunk::<8>()?;
        let (number, length) = (u64::from_be_bytes(*number), u64::from_be_bytes(*length));
        if length > MOST {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        self.file.read_exact_at(&mut bytes, at + HEAD as u64).ok()?;
        (self.seal(identity, number, &bytes).as_ref() == seal).then_some((number, bytes))
    }

    fn seal(&self, identity: &str, number: u64, bytes: &[u8]) -> hmac::Tag {
        let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret));
        signing.update(LABEL);
        signing.update(&number.to_be_bytes());
        signing.update(&(identity.len() as u64).to_be_bytes());
        signing.update(identity.as_bytes());
        signing.update(bytes);
        signing.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::test_client::Made;

    fn kept() -> Kept {
        Kept::of(Arc::new(tempfile::tempfile().unwrap()), [7; 32])
    }

    fn material(name: &str) -> Material {
        Material::read(&Made::of(&[name]).settings()).unwrap()
    }

    #[test]
    fn what_was_kept_last_is_found_by_all_who_have_the_file() {
        let kept = kept();
        assert_eq!(kept.find("a"), None);
        let all = [material("one"), material("two"), material("three")];
        for one in &all {
            kept.keep("a", one);
            assert_eq!(kept.clone().find("a").as_ref(), Some(one));
        }
        assert_eq!(kept.find("b"), None, "it is what comes of other settings");
        assert_eq!(Kept { secret: [8; 32], ..kept }.find("a"), None);
    }

    #[test]
    fn what_was_torn_leaves_the_one_before() {
        let kept = kept();
        let all = [material("one"), material("two")];
        all.iter().for_each(|one| kept.keep("a", one));
        // The second is in the second place.
        kept.file.write_all_at(b"torn", 2 * PLACE + HEAD as u64).unwrap();
        assert_eq!(kept.find("a").as_ref(), Some(&all[0]));
        kept.file.write_all_at(&[0xff; HEAD], 2 * PLACE).unwrap();
        assert_eq!(kept.find("a").as_ref(), Some(&all[0]));
        kept.keep("a", &all[1]);
        assert_eq!(kept.find("a").as_ref(), Some(&all[1]));
    }

    #[test]
    fn what_is_kept_already_is_not_written_again() {
        let kept = kept();
        let one = material("one");
        kept.keep("a", &one);
        let (place, number, _) = kept.newest("a").unwrap();
        kept.keep("a", &one);
        assert_eq!(kept.newest("a").map(|(place, number, _)| (place, number)), Some((place, number)));
    }
}
