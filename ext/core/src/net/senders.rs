//! Threads that send what takes long: much, which would keep whoever polls from everyone else, and parts of files, which may
//! have to be waited for. They wait for a client only for a moment: otherwise that is the poll side's.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};

use super::connection::Connection;
use super::context::Context;

/// There are no more threads than that, however many disks are slow.
const MOST: usize = 4;
/// Bytes that are sent to one client before the next one's turn.
const TURN: u64 = 1024 * 1024;

/// Connections that have much to send, and those who send it.
#[derive(Debug, Default)]
pub(crate) struct Senders {
    work: Mutex<Work>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Work {
    waiting: VecDeque<Arc<Connection>>,
    threads: Vec<JoinHandle<()>>,
    /// Threads that have nothing to do.
    idle: usize,
    is_over: bool,
}

impl Senders {
    /// Starts the first thread, so that there is always one. Others follow when they are needed.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(context: &Arc<Context>) -> io::Result<()> {
        context.senders.work.lock().begin_thread(context)
    }

    /// Has more of an answer sent. The connection is the sender's until the socket takes no more, or all of it is out.
    pub(super) fn send(connection: Arc<Connection>, context: &Arc<Context>) {
        let senders = &context.senders;
        let mut work = senders.work.lock();
        if work.is_over {
            return;
        }
        work.waiting.push_back(connection);
        if work.waiting.len() > work.idle && work.threads.len() < MOST {
            // Without another one it takes longer.
            if let Err(error) = work.begin_thread(context) {
                tracing::warn!(%error, "no more threads to send with");
            }
        }
        senders.more.notify_one();
    }

    /// Whether no other connection waits.
    pub(super) fn have_time(&self) -> bool {
        self.work.lock().waiting.is_empty()
    }

    /// The others have their turn first.
    fn put_back(&self, connection: Arc<Connection>) {
        let mut work = self.work.lock();
        if !work.is_over {
            work.waiting.push_back(connection);
        }
    }

    /// Ends it all. What is still to be sent is not.
    pub(crate) fn end(&self) {
        let mut work = self.work.lock();
        work.is_over = true;
        work.waiting.clear();
        self.more.notify_all();
    }

    /// The threads, for whoever waits for them.
    pub(crate) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.work.lock().threads)
    }

    fn next(&self) -> Option<Arc<Connection>> {
        let mut work = self.work.lock();
        while !work.is_over {
            if let Some(connection) = work.waiting.pop_front() {
                return Some(connection);
            }
            work.idle += 1;
            self.more.wait(&mut work);
            work.idle -= 1;
        }
        None
    }
}

impl Work {
    fn begin_thread(&mut self, context: &Arc<Context>) -> io::Result<()> {
        let context = context.clone();
        let thread = thread::Builder::new().name("kino sender".to_owned()).spawn(move || run(&context))?;
        self.threads.push(thread);
        Ok(())
    }
}

fn run(context: &Arc<Context>) {
    while let Some(connection) = context.senders.next() {
        if connection.send_more_contained(TURN, context) {
            context.senders.put_back(connection);
        }
    }
}
