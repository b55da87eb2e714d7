//! TLS between a simulated client and its socket.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::tls::port::Port;
use crate::tls::test_client::{self, Client};

/// A client's session.
pub(super) struct Layer(Client);

impl Layer {
    pub(super) fn new() -> Layer {
        Layer(Client::plain())
    }

    /// What it sends to say that, as far as the handshake lets it; the rest follows by itself.
    pub(super) fn say(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.says(bytes)
    }

    /// Whether it can say nothing yet.
    pub(super) fn is_shaking(&self) -> bool {
        self.0.0.is_handshaking()
    }

    /// What it hears of bytes that have come, and what it sends because of them.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let heard = self.0.reads(bytes).expect("the server keeps to the rules");
        (heard, self.0.sends())
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Layer")
    }
}

/// The same for all worlds: keys are slow to make.
pub(super) fn port() -> Arc<Port> {
    static PORT: OnceLock<Arc<Port>> = OnceLock::new();
    PORT.get_or_init(|| Arc::new(test_client::port())).clone()
}
