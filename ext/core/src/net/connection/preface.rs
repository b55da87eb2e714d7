//! What comes before a connection's first request: the header of a proxy that speaks the PROXY protocol, at a listener that is
//! bound for such proxies; and what says that the client speaks HTTP/2 (RFC 9113 section 3.4), where that is allowed. It is part
//! of the time for the first head.

use std::sync::Arc;

use super::life::{Connection, Life, Preface};
use crate::http::proxy_header;
use crate::http2::frame::PREFACE;
use crate::net::peer::PeerAddr;

impl Connection {
    /// Takes what belongs to the preface off `length` bytes in `buffer` that have come: how many are left, at its beginning.
    /// `None` when the connection is to be closed.
    #[inline]
    pub(super) fn pass_preface(self: &Arc<Self>, life: &mut Life, buffer: &mut [u8], length: usize) -> Option<usize> {
        match &mut life.preface {
            None => Some(length),
            Some(Preface::Proxy(held)) => {
                held.extend_from_slice(&buffer[..length]);
                let held = std::mem::take(held);
                let length = self.read_proxy_header(life, held, buffer)?;
                if length == 0 { Some(0) } else { self.pass_preface(life, buffer, length) }
            }
            Some(Preface::Protocol(held)) => {
                let held = std::mem::take(held);
                Some(self.read_protocol(life, held, buffer, length))
            }
        }
    }

    /// What has come is the beginning of HTTP/2's, or of a request of HTTP/1, with whose first bytes it may begin.
    #[cold]
    fn read_protocol(self: &Arc<Self>, life: &mut Life, mut held: Vec<u8>, buffer: &mut [u8], length: usize) -> usize {
        let seen = length.min(PREFACE.len());
        if held.is_empty() && buffer[..seen] != PREFACE[..seen] {
            life.preface = None;
            return length;
        }
        held.extend_from_slice(&buffer[..length]);
        let seen = held.len().min(PREFACE.len());
        if held[..seen] != PREFACE[..seen] {
            life.preface = None;
            // More than is read at once it can't be, but for what was held: that goes first, and has no end of a head in it.
            let before = held.len() - length;
            if before > 0 {
                let _ = life.receiver.feed(&held[..before], &self.context.config.limits);
            }
            return length;
        }
        if seen == PREFACE.len() {
            life.preface = None;
            self.begin_http2(life);
            self.listen_first(&held);
        } else {
            life.preface = Some(Preface::Protocol(held));
        }
        0
    }

    /// What comes at once may be more than a header, and is at most what is read at once.
    #[cold]
    fn read_proxy_header(&self, life: &mut Life, held: Vec<u8>, buffer: &mut [u8]) -> Option<usize> {
        match proxy_header::parse(&held) {
            Ok(None) => {
                life.preface = Some(Preface::Proxy(held));
                Some(0)
            }
            Ok(Some(header)) => {
                if let Some(address) = header.client {
                    // Told once: there is one header.
                    let _ = self.client.set(PeerAddr::from(address));
                }
                let rest = &held[header.length..];
                buffer[..rest.len()].copy_from_slice(rest);
                let left = rest.len();
                life.preface = Preface::second(&self.local, &self.context.config);
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
