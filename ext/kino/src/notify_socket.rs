//! `Kino::Native::NotifySocket`: where the service manager listens that has started this process.

use std::sync::Arc;

use kino_core::notify;

/// Where the service manager listens.
#[magnus::wrap(class = "Kino::Native::NotifySocket", free_immediately)]
pub(crate) struct NotifySocket(Arc<notify::NotifySocket>);

impl NotifySocket {
    /// `NotifySocket.open(address) -> NotifySocket or nil`: a path, or `@name`; `nil` for what is neither, or can't be had.
    pub(crate) fn open(address: String) -> Option<NotifySocket> {
        notify::NotifySocket::open(&address).ok().map(|socket| NotifySocket(Arc::new(socket)))
    }

    /// `tell(text) -> nil`: never waits, and never fails.
    pub(crate) fn tell(&self, text: String) {
        self.0.tell(&text);
    }

    /// `quiet=(is_quiet)`: whether it is to tell nothing.
    pub(crate) fn set_quiet(&self, is_quiet: bool) {
        self.0.set_quiet(is_quiet);
    }

    /// The same socket, for an engine.
    pub(crate) fn socket(&self) -> Arc<notify::NotifySocket> {
        self.0.clone()
    }
}
