//! Whose cryptography it is: one place, should another be chosen. Why this one: `doc/architecture.md`, "TLS".

use std::sync::{Arc, OnceLock};

pub(super) use ring::{aead, hmac, rand};
use rustls::crypto::CryptoProvider;

/// What handshakes and records are done with.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}
