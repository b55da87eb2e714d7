//! Accepting clients, reading what they ask and sending answers: one thread for all of them. Answers that take a while are made by
//! threads of their own, a few at most, so health checks never wait for those.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use super::exchange::Exchange;
use super::message::{Answer, Request};
use super::origin::Origin;
use super::routes::{Routes, Work};
use crate::net::listener::Listener;

/// Clients at one time. Others wait in the backlog until one of them is gone, or has had its time.
const MOST: usize = 64;
/// Threads that make answers, of each kind.
const MAKERS: usize = 8;
/// Requests that wait for others that take long: they leave places to those who ask for less.
const MOST_WAITING: usize = 16;
const PAUSE: Duration = Duration::from_millis(20);

/// Serves until the other end of `end` is closed.
pub(super) fn run(routes: &Arc<Routes>, listeners: &[Listener], end: &UnixStream) {
    let mut clients = match Clients::new(routes.clone()) {
        Ok(clients) => clients,
        Err(error) => return tracing::error!(%error, "the control socket is not served"),
    };
    while !is_closed(end) {
        clients.turn(Some(end), listeners);
    }
    if !clients.all.is_empty() {
        // They have their answers, while the sockets that listened are already free for others.
        let finish = move || {
            while !clients.all.is_empty() {
                clients.turn(None, &[]);
            }
        };
        let _ = thread::Builder::new().name("kino control".to_owned()).spawn(finish);
    }
}

/// Whether the other end is closed. It never sends anything.
pub(super) fn is_closed(mut end: &UnixStream) -> bool {
    matches!(end.read(&mut [0]), Ok(0))
}

/// Who is served.
#[derive(Debug)]
struct Clients {
    routes: Arc<Routes>,
    /// By number, so the first to have come first.
    all: BTreeMap<u64, Exchange>,
    /// Numbers given so far.
    numbers: u64,
    /// Threads that make an answer, of what takes a moment and of what takes long.
    makers: [usize; 2],
    made: Receiver<Made>,
    give: Sender<Made>,
    /// A byte for each answer that was made.
    woken: UnixStream,
    wake: Arc<UnixStream>,
}

/// An answer, for whom, and which kind of maker is free again.
type Made = (u64, Option<Answer>, usize);

impl Clients {
    fn new(routes: Arc<Routes>) -> std::io::Result<Clients> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let (give, made) = channel();
        let (all, wake) = (BTreeMap::new(), Arc::new(wake));
        Ok(Clients { routes, all, numbers: 0, makers: [0; 2], made, give, woken, wake })
    }

    /// Waits for something to happen, and does what there is to do.
    fn turn(&mut self, end: Option<&UnixStream>, listeners: &[Listener]) {
        let now = Instant::now();
        // With no place for anybody, whoever comes waits.
        let has_room = self.all.len() < MOST || self.next_to_leave(now).is_some();
        let listeners = if has_room { listeners } else { &[] };
        let (ready, moved) = self.poll(end, listeners, if has_room { None } else { Some(PAUSE) }, now);

        let now = Instant::now();
        moved.iter().filter_map(|number| self.all.get_mut(number).map(|one| one.go_on(now))).for_each(drop);
        let _ = (&self.woken).read(&mut [0; 64]);
        while let Ok((number, answer, kind)) = self.made.try_recv() {
            self.makers[kind] -= 1;
            if let Some(client) = self.all.get_mut(&number) {
                match answer {
                    Some(answer) => client.answer(&answer, now),
                    None => client.end(),
                }
            }
        }
        self.all.values_mut().for_each(|client| client.expire(now));
        self.forget_those_over();
        ready.into_iter().for_each(|listener| self.accept(listener, now));
        self.answer(now);
        self.forget_those_over();
    }

    /// What was asked for is done only now: a process that is told to stop may end before its client has heard of it.
    fn forget_those_over(&mut self) {
        let mut is_due = false;
        self.all.retain(|_, client| {
            is_due |= client.may_be_done();
            !client.is_over()
        });
        if is_due {
            self.routes.asked.ring();
        }
    }

    /// The listeners at which somebody waits, and the numbers of clients that can go on.
    fn poll<'l>(
        &self,
        end: Option<&UnixStream>,
        listeners: &'l [Listener],
        most: Option<Duration>,
        now: Instant,
    ) -> (Vec<&'l Listener>, Vec<u64>) {
        let mut asked = vec![PollFd::new(&self.woken, PollFlags::IN)];
        asked.extend(listeners.iter().map(|listener| PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)));
        let waiting = self.all.iter().filter_map(|(number, client)| Some((*number, client.client(), client.awaits()?)));
        let waiting: Vec<_> = waiting.collect();
        asked.extend(waiting.iter().map(|(_, client, what)| PollFd::new(*client, *what)));
        asked.extend(end.map(|end| PollFd::new(end, PollFlags::IN)));
        let due = self.all.values().filter_map(Exchange::due).min();
        let limit = due.map(|due| due.saturating_duration_since(now)).into_iter().chain(most).min();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        // A signal is as good as nobody.
        let _ = poll(&mut asked, limit.as_ref());
        let mut is_ready = asked[1..].iter().map(|one| !one.revents().is_empty());
        let ready = listeners.iter().filter(|_| is_ready.next() == Some(true)).collect();
        let moved = waiting.iter().filter(|_| is_ready.next() == Some(true)).map(|(number, ..)| *number).collect();
        (ready, moved)
    }

    /// Who has to leave where others need a place.
    fn next_to_leave(&self, now: Instant) -> Option<u64> {
        let leaving = self.all.iter().filter_map(|(number, client)| Some((client.leaves_for_others(now)?, *number)));
        leaving.min().map(|(_, number)| number)
    }

    fn accept(&mut self, listener: &Listener, now: Instant) {
        if self.all.len() >= MOST {
            let Some(number) = self.next_to_leave(now) else { return };
            if let Some(client) = self.all.get_mut(&number) {
                client.end();
            }
            self.forget_those_over();
        }
        match SockRef::from(listener).accept() {
            Ok((client, address)) => {
                let origin = Origin::of(listener, &client, &address);
                let mut client = Exchange::new(client, origin, now);
                client.go_on(now);
                self.numbers += 1;
                self.all.insert(self.numbers, client);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // There may be no descriptor left, for long.
            Err(_) => thread::sleep(PAUSE),
        }
    }

    /// Answers, or has answered, what was asked.
    fn answer(&mut self, now: Instant) {
        let mut waiting = 0;
        for (number, client) in &mut self.all {
            let Some(request) = client.request() else { continue };
            let work = self.routes.work(request);
            let kind = match work {
                Work::None => {
                    let answer = self.routes.answer(request);
                    client.answer(&answer, now);
                    continue;
                }
                Work::Little => 0,
                Work::Long => 1,
            };
            if self.makers[kind] < MAKERS {
                let Some(request) = client.take_request() else { continue };
                self.makers[kind] += 1;
                let (give, wake) = (self.give.clone(), self.wake.clone());
                let errand = Errand { number: *number, answer: None, kind, give, wake };
                let routes = self.routes.clone();
                let make = move || errand.run(&routes, &request);
                // Without a thread the errand is over at once, and the client has no answer.
                let _ = thread::Builder::new().name("kino control".to_owned()).spawn(make);
            } else if work == Work::Long {
                waiting += 1;
                if waiting > MOST_WAITING {
                    client.refuse(now);
                }
            }
        }
    }
}

/// The making of an answer. Dropped, it is over, whatever has ended it.
struct Errand {
    number: u64,
    answer: Option<Answer>,
    kind: usize,
    give: Sender<Made>,
    wake: Arc<UnixStream>,
}

impl Errand {
    fn run(mut self, routes: &Routes, request: &Request) {
        self.answer = Some(routes.answer(request));
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let _ = self.give.send((self.number, self.answer.take(), self.kind));
        // Where it is full there is no need.
        let _ = (&*self.wake).write(&[0]);
    }
}
