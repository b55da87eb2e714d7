//! A thread that tells the service manager how the server is: that it lives, and what it is at. It says that it lives only while
//! whoever polls, be it a worker or the fallback poller, answers when it is woken; and it needs neither Ruby nor a worker, so it says
//! so while all of Ruby is stuck in one request.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::dispatch::interrupt::Interrupt;
use crate::dispatch::lead::Dispatch;
use crate::net::context::{Context, Phase};
use crate::notify::Reporting;

/// Between two looks at what there is to tell.
const PAUSE: Duration = Duration::from_secs(1);
/// So many looks later, what has not changed is told once more: the manager may not have listened to this process then.
const AGAIN: u32 = 10;

/// Starts the thread, where there is a manager. It ends with the engine.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start(dispatch: &Arc<Dispatch>) -> io::Result<Option<JoinHandle<()>>> {
    let Some(reporting) = dispatch.context().config.reporting.clone() else { return Ok(None) };
    let dispatch = dispatch.clone();
    let run = move || {
        let interrupt = Interrupt::new(dispatch.context().clone());
        // A half would do. A message may be late by one look.
        let pause = reporting.watchdog.map_or(PAUSE, |seconds| PAUSE.min(seconds / 4));
        let mut reporter = Reporter::new(reporting);
        while !dispatch.wait_until_over(&interrupt, Some(pause)) {
            reporter.look(dispatch.context());
        }
    };
    thread::Builder::new().name("kino reporter".to_owned()).spawn(run).map(Some)
}

struct Reporter {
    reporting: Reporting,
    /// When whoever polls was last woken to be seen.
    asked: Option<u64>,
    told: String,
    looks: u32,
}

impl Reporter {
    fn new(reporting: Reporting) -> Reporter {
        Reporter { reporting, asked: None, told: String::new(), looks: 0 }
    }

    fn look(&mut self, context: &Context) {
        if self.reporting.watchdog.is_some() {
            self.tell_life(context);
        }
        let status = status(context, &self.reporting.what);
        if status != self.told || self.looks >= AGAIN {
            self.reporting.socket.tell(&status);
            (self.told, self.looks) = (status, 0);
        }
        self.looks += 1;
    }

    fn tell_life(&mut self, context: &Context) {
        if self.asked.is_some_and(|asked| context.turn_began() < asked) {
            return; // it has not been seen since
        }
        if self.asked.is_some() {
            self.reporting.socket.tell("WATCHDOG=1");
        }
        self.asked = Some(context.clock.now());
        context.wake();
    }
}

fn status(context: &Context, what: &str) -> String {
    let word = if context.phase() == Phase::Running { "Serving" } else { "Stopping" };
    let running = context.stats.running.get();
    format!("STATUS={word}: {running} request{} running ({what})", if running == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;
    use crate::config::Config;
    use crate::net::listener::Listener;
    use crate::net::trap::At;
    use crate::notify::NotifySocket;
    use crate::server::Server;

    const SOON: Duration = Duration::from_secs(20);

    /// A server without a worker, and who is told of it.
    fn start(watchdog: Option<Duration>) -> (tempfile::TempDir, UnixDatagram, Server) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let socket = Arc::new(NotifySocket::open(path.to_str().unwrap()).unwrap());
        let reporting = Reporting { socket, watchdog, what: "all".to_owned() };
        let config = Config { reporting: Some(reporting), ..Config::default() };
        let server = Server::start(vec![Listener::bind("tcp://127.0.0.1:0").unwrap()], config).unwrap();
        (folder, manager, server)
    }

    fn next(manager: &UnixDatagram, wait: Duration) -> Option<String> {
        manager.set_read_timeout(Some(wait)).unwrap();
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    fn wait_for(manager: &UnixDatagram, text: &str) {
        let end = Instant::now() + SOON;
        while next(manager, SOON).as_deref() != Some(text) {
            assert!(Instant::now() < end, "{text} was not told");
        }
    }

    #[test]
    fn what_it_is_at_is_told_until_it_ends() {
        let (_folder, manager, server) = start(Some(Duration::from_millis(40)));
        wait_for(&manager, "STATUS=Serving: 0 requests running (all)");
        server.lame_duck();
        wait_for(&manager, "STATUS=Stopping: 0 requests running (all)");
        server.stop(); // which waits for all of the engine's threads
    }

    #[test]
    fn life_is_told_as_long_as_somebody_polls_and_not_while_that_one_is_stuck() {
        let (_folder, manager, server) = start(Some(Duration::from_millis(40)));
        (0..3).for_each(|_| wait_for(&manager, "WATCHDOG=1"));
        let let_go: mpsc::Sender<()> = server.context().trap.hold(At::Turn);
        let end = Instant::now() + SOON;
        while !server.context().trap.is_holding() {
            assert!(Instant::now() < end, "nobody leads");
            thread::sleep(Duration::from_millis(1));
        }
        // The status goes on. What was seen before may be told once more, before the first of these.
        wait_for(&manager, "STATUS=Serving: 0 requests running (all)");
        wait_for(&manager, "STATUS=Serving: 0 requests running (all)");
        for _ in 0..3 {
            assert_eq!(next(&manager, SOON).as_deref(), Some("STATUS=Serving: 0 requests running (all)"));
        }
        drop(let_go);
        wait_for(&manager, "WATCHDOG=1");
        server.stop();
    }
}
