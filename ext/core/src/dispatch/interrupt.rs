//! A way to call one worker out of any wait.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased};
use mio::{Interest, Waker};
use parking_lot::Mutex;

use crate::net::client::Client;
use crate::net::client_wait::{ClientWait, Woken};
use crate::net::context::Context;

/// Raised by anyone, heard by the worker it belongs to, in this wait or in the next one. Raised twice it is heard once.
#[derive(Debug)]
pub struct Interrupt {
    raise: Sender<()>,
    pub(super) raised: Receiver<()>,
    /// Rung when there is work for it, see [`super::idle`].
    pub(super) bell: (Sender<()>, Receiver<()>),
    context: Arc<Context>,
    /// The worker's own poll, made when it first waits for a client.
    client: Mutex<Option<ClientWait>>,
    client_waker: Mutex<Option<Waker>>,
}

impl Interrupt {
    /// One that nobody has raised.
    pub fn new(context: Arc<Context>) -> Interrupt {
        let (raise, raised) = bounded(1);
        Interrupt { raise, raised, bell: bounded(1), context, client: Mutex::new(None), client_waker: Mutex::new(None) }
    }

    /// Calls the worker, wherever it waits.
    pub fn raise(&self) {
        // Full: it has been raised and not heard yet.
        let _ = self.raise.try_send(());
        if let Some(waker) = &*self.client_waker.lock()
            && let Err(error) = waker.wake()
        {
            tracing::error!(%error, "a worker can't be woken");
        }
        // The worker may be the one who polls.
        self.context.wake();
    }

    /// Waits until `channel` is closed, for `limit` at most; false when it was raised before.
    pub(crate) fn wait_for_close(&self, channel: &Receiver<()>, limit: Duration) -> bool {
        select_biased! {
            recv(channel) -> _ => true,
            recv(self.raised) -> _ => false,
            default(limit) => true,
        }
    }

    /// Waits until it is raised, for `time` at most.
    pub fn wait(&self, time: Duration) {
        let _ = self.raised.recv_timeout(time);
    }

    /// Lets go of the descriptors that waiting for clients took: the worker has ended, even if this lives on.
    pub fn close(&self) {
        self.client.lock().take();
        self.client_waker.lock().take();
    }

    /// Waits until the client reads on, for `write_timeout` at most.
    ///
    /// # Errors
    /// When the kernel gives no poll or refuses to poll the socket.
    pub fn wait_for_room(&self, client: &Client) -> io::Result<Woken> {
        self.wait_for_client(client, Interest::WRITABLE, client.room_wait())
    }

    /// Waits until more of the client's body has come, for as long as that may take.
    ///
    /// # Errors
    /// As [`Interrupt::wait_for_room`].
    pub fn wait_for_body(&self, client: &Client) -> io::Result<Woken> {
        self.wait_for_client(client, Interest::READABLE, client.body_wait())
    }

    fn wait_for_client(&self, client: &Client, interest: Interest, limit: Duration) -> io::Result<Woken> {
        let mut own = self.client.lock();
        let wait = match &mut *own {
            Some(wait) => wait,
            none => {
                let (wait, waker) = ClientWait::new()?;
                *self.client_waker.lock() = Some(waker);
                none.insert(wait)
            }
        };
        if self.raised.try_recv().is_ok() {
            return Ok(Woken::Called);
        }
        wait.until(client.socket(), interest, limit)
    }
}
