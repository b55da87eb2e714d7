//! What has to come before a connection's first request: the header of a proxy that speaks the PROXY protocol, at a listener
//! that is bound for such proxies. It is part of the time for the first head.

use super::life::{Connection, Life};
use crate::http::proxy_header;
use crate::net::peer::PeerAddr;

impl Connection {
    /// Takes what belongs to the preface off `length` bytes in `buffer` that have come: how many are left, at its beginning.
    /// `None` when the connection is to be closed.
    #[inline]
    pub(super) fn pass_preface(&self, life: &mut Life, buffer: &mut [u8], length: usize) -> Option<usize> {
        match &mut life.preface {
            None => Some(length),
            Some(held) => {
                held.extend_from_slice(&buffer[..length]);
                self.read_preface(life, buffer)
            }
        }
    }

    /// What comes at once may be more than a header, and is at most what is read at once.
    #[cold]
    fn read_preface(&self, life: &mut Life, buffer: &mut [u8]) -> Option<usize> {
        let held = life.preface.as_deref().unwrap_or_default();
        match proxy_header::parse(held) {
            Ok(None) => Some(0),
            Ok(Some(header)) => {
                if let Some(address) = header.client {
                    // Told once: there is one header.
                    let _ = self.client.set(PeerAddr::from(address));
                }
                let rest = &held[header.length..];
                buffer[..rest.len()].copy_from_slice(rest);
                let left = rest.len();
                life.preface = None;
                Some(left)
            }
            Err(error) => {
                self.tell_of_preface(&error.to_string());
                None
            }
        }
    }

    /// Counts it, and tells whoever runs the server: either side may be set up wrongly.
    pub(super) fn tell_of_preface(&self, reason: &str) {
        self.context.stats.proxy_header.add();
        if self.context.may_name("proxy=true") {
            tracing::warn!(peer = %self.peer(), "a connection without a PROXY header was closed: {reason} (bind with proxy=true)");
        }
    }
}
