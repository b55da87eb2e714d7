//! Session tickets (RFC 8446 section 4.6.1): what a client brings back of an earlier session, so that the next handshake costs
//! neither side a signature. They are encrypted with keys that change by the clock, each made of one secret and the number of its
//! period, so all processes that have the secret have the same keys at the same time, and nothing is told between them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::server::ProducesTickets;

use super::provider::{aead, hmac, rand};
use super::stale;

/// A key is used for so long, and tickets of it are taken for as long again.
const PERIOD: Duration = Duration::from_secs(6 * 3600);
const LABEL: &[u8] = b"kino session tickets 1";
const NUMBER: usize = 8;

/// What the keys are made of.
pub type Secret = [u8; 32];

/// A new one; `None` where the system has no random bytes.
pub fn new_secret() -> Option<Secret> {
    Some(rand::generate(&rand::SystemRandom::new()).ok()?.expose())
}

/// Makes and takes tickets.
pub(super) struct Tickets {
    secret: Secret,
    /// What a ticket says of its client must hold where it comes back to: who verifies clients otherwise has other keys.
    context: Vec<u8>,
}

impl Tickets {
    /// Those of a place where clients are verified by what `context` says.
    pub(super) fn new(secret: Secret, context: &[u8]) -> Tickets {
        Tickets { secret, context: context.to_vec() }
    }

    fn key(&self, period: u64) -> Option<aead::LessSafeKey> {
        let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.secret));
        signing.update(LABEL);
        signing.update(&period.to_be_bytes());
        signing.update(&self.context);
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, signing.sign().as_ref()).ok()?;
        Some(aead::LessSafeKey::new(key))
    }

    /// `number || nonce || sealed`
    fn seal(&self, plain: &[u8], period: u64) -> Option<Vec<u8>> {
        let number = period.to_be_bytes();
        let nonce: [u8; aead::NONCE_LEN] = rand::generate(&rand::SystemRandom::new()).ok()?.expose();
        let mut sealed = plain.to_vec();
        let key = self.key(period)?;
        key.seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::from(number), &mut sealed)
            .ok()?;
        Some([&number[..], &nonce, &sealed].concat())
    }

    fn open(&self, ticket: &[u8], period: u64) -> Option<Vec<u8>> {
        let (number, rest) = ticket.split_at_checked(NUMBER)?;
        let (nonce, sealed) = rest.split_at_checked(aead::NONCE_LEN)?;
        let number: [u8; NUMBER] = number.try_into().ok()?;
        let made_in = u64::from_be_bytes(number);
        if made_in != period && Some(made_in) != period.checked_sub(1) {
            return None;
        }
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let length = self.key(made_in)?.open_in_place(nonce, aead::Aad::from(number), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        PERIOD.as_secs() as u32
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, period())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.open(ticket, period()).filter(|session| !stale::is_stale(session, now()))
    }
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tickets")
    }
}

fn period() -> u64 {
    now() / PERIOD.as_secs()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_taken_in_its_period_and_the_next_by_all_who_have_the_secret() {
        let (one, other) = (Tickets::new([7; 32], b""), Tickets::new([7; 32], b""));
        let ticket = one.seal(b"session", 10).unwrap();
        assert_ne!(ticket, one.seal(b"session", 10).unwrap());
        assert_eq!(other.open(&ticket, 10).unwrap(), b"session");
        assert_eq!(other.open(&ticket, 11).unwrap(), b"session");
        assert_eq!(other.open(&ticket, 12), None);
        assert_eq!(other.open(&ticket, 9), None, "nobody's clock goes so far wrong");
    }

    #[test]
    fn what_was_changed_or_is_of_another_place_is_no_ticket() {
        let tickets = Tickets::new([7; 32], b"any client");
        let ticket = tickets.seal(b"session", 10).unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(tickets.open(&changed, 10), None, "byte {at}");
            assert_eq!(tickets.open(&ticket[..at], 10), None);
        }
        assert_eq!(Tickets::new([8; 32], b"any client").open(&ticket, 10), None);
        assert_eq!(Tickets::new([7; 32], b"verified clients").open(&ticket, 10), None);
    }
}
