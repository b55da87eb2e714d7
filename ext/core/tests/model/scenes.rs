//! What is tried, and what must come of it.

use std::sync::Arc;
use std::time::Duration;

use shuttle::rand::Rng;
use shuttle::thread::{self, JoinHandle};

use crate::dispatch::client_wait::Woken;
use crate::dispatch::fallback;
use crate::dispatch::gvl_group::{Bounds, GvlGroup, Waited};
use crate::dispatch::interrupt::Interrupt;
use crate::dispatch::lead::{Dispatch, Taken};
use crate::net::connection::{Connection, Outcome};
use crate::net::context::{Config, Context};
use crate::net::deadlines::{Deadline, Deadlines};
use crate::net::exchange::Exchange;
use crate::net::poller::Poller;
use crate::net::{Event, Outside};
use crate::sync::{AtomicBool, AtomicU32, FOR_EVER, Mutex, Ordering};

type Scene = fn();

/// Name, how many times as many orders as usual it takes to find what it is there for, and the scene.
pub(crate) const ALL: &[(&str, usize, Scene)] = &[
    ("a_lone_clients_requests_are_all_served", 1, lone_client),
    ("a_request_that_another_leader_queues_is_not_slept_over", 8, other_leader),
    ("the_fallback_poller_wakes_when_the_only_worker_is_busy", 1, fallback_awakes),
    ("requests_of_several_clients_are_all_served_by_several_workers", 1, several_clients),
    ("a_request_that_finds_no_worker_is_refused_in_time", 1, refused_in_time),
    ("whoever_waits_for_a_client_has_queued_requests_refused_in_time", 1, refused_by_who_waits),
    ("a_raise_is_heard", 1, raise_is_heard),
    ("a_wait_for_a_client_ends_when_its_event_comes", 1, client_wait),
    ("a_wait_for_a_client_is_not_deaf", 1, client_wait_called),
    ("a_wait_for_a_client_ends_with_its_request", 1, client_wait_ended),
    ("a_wait_for_a_client_ends_with_the_engine", 1, client_wait_over),
    ("what_came_while_a_request_was_served_is_looked_at", 1, looked_at_again),
    ("a_request_is_answered_once_and_its_connection_has_one_owner", 1, one_owner),
    ("the_end_is_heard_and_closes_the_poller", 1, end_is_heard),
    ("the_end_closes_the_poller_of_a_leader_who_leaves", 1, end_while_leaving),
    ("the_run_token_is_held_by_one_and_never_lost", 1, run_token),
    ("a_thread_is_asked_for_when_all_wait", 1, lacking_thread),
    ("a_thread_is_asked_for_when_all_wait_for_clients_and_one_of_them_leads", 1, lacking_thread_beside_client),
    ("an_early_deadline_is_scheduled", 1, deadline),
];

/// An engine, all of whose threads are joined.
struct Engine {
    dispatch: Arc<Dispatch>,
    outside: Arc<Outside>,
    fallback: Option<JoinHandle<()>>,
}

impl Engine {
    fn new(queue_timeout: Duration) -> Engine {
        let outside = Arc::<Outside>::default();
        let context = Arc::new(Context::new(Config { queue_depth: 8, queue_timeout }, outside.clone()));
        Engine { dispatch: Arc::new(Dispatch::new(Poller::new(context))), outside, fallback: None }
    }

    /// With the thread that polls when no worker does.
    fn with_fallback(queue_timeout: Duration) -> Engine {
        let mut engine = Engine::new(queue_timeout);
        let dispatch = engine.dispatch.clone();
        engine.fallback = Some(thread::spawn(move || fallback::run(&dispatch)));
        engine
    }

    /// A worker that serves until it is called or all is over; as Ruby's does, it looks first without waiting.
    fn worker(&self) -> (JoinHandle<()>, Arc<Interrupt>) {
        let interrupt = self.interrupt();
        let (dispatch, own) = (self.dispatch.clone(), interrupt.clone());
        let worker = thread::spawn(move || {
            loop {
                let taken = dispatch.try_take().map_or_else(|| dispatch.take(&own), Taken::Exchange);
                match taken {
                    Taken::Exchange(exchange) => {
                        exchange.answer();
                    }
                    Taken::Interrupted | Taken::Over => return,
                }
            }
        });
        (worker, interrupt)
    }

    fn interrupt(&self) -> Arc<Interrupt> {
        Arc::new(Interrupt::new(self.dispatch.context().clone()))
    }

    fn request(&self) -> Arc<Connection> {
        let connection = Arc::<Connection>::default();
        self.outside.happens(Event::Request(connection.clone()));
        connection
    }

    /// A request, and the worker's end of it.
    fn taken(&self) -> Box<Exchange> {
        self.request();
        match self.dispatch.take(&self.interrupt()) {
            Taken::Exchange(exchange) => exchange,
            other => panic!("{other:?}"),
        }
    }

    fn end(self, workers: impl IntoIterator<Item = JoinHandle<()>>) {
        self.dispatch.end();
        for worker in workers.into_iter().chain(self.fallback) {
            worker.join().unwrap();
        }
        assert!(self.outside.is_closed.load(Ordering::SeqCst), "nobody has closed the poller");
    }
}

/// Waits for the client until there is something in its socket, or it has ended, trying first as Ruby's side does.
fn read(dispatch: &Dispatch, connection: &Arc<Connection>, interrupt: &Interrupt) -> Woken {
    loop {
        let client = crate::net::client::Client::new(connection.clone());
        if connection.has_some.swap(false, Ordering::SeqCst) || connection.is_cut.load(Ordering::SeqCst) {
            return Woken::Ready;
        }
        match dispatch.wait_for_client(&client, FOR_EVER, interrupt) {
            Woken::Ready => {}
            woken => return woken,
        }
    }
}

fn lone_client() {
    let engine = Engine::with_fallback(FOR_EVER);
    let (worker, _) = engine.worker();
    for _ in 0..3 {
        assert_eq!(engine.request().outcome(), Outcome::Answered);
    }
    engine.end([worker]);
}

/// A worker that comes for work, and one who leads for a moment meanwhile and takes no request.
fn other_leader() {
    let engine = Engine::new(FOR_EVER);
    let exchange = engine.taken();
    engine.request();
    let dispatch = engine.dispatch.clone();
    let other = thread::spawn(move || {
        let (client, interrupt) = (exchange.client(), Interrupt::new(dispatch.context().clone()));
        let woken = dispatch.wait_for_client(&client, Duration::from_millis(5), &interrupt);
        assert_ne!(woken, Woken::Called);
    });
    let (dispatch, interrupt) = (engine.dispatch.clone(), engine.interrupt());
    let worker = thread::spawn(move || match dispatch.take(&interrupt) {
        Taken::Exchange(exchange) => exchange.answer(),
        other => panic!("{other:?}"),
    });
    worker.join().unwrap();
    engine.end([other]);
}

/// The only worker serves for as long as a second request waits.
fn fallback_awakes() {
    let engine = Engine::with_fallback(Duration::from_millis(20));
    let (dispatch, interrupt, second) = (engine.dispatch.clone(), engine.interrupt(), Arc::<Connection>::default());
    let (awaited, taken) = (second.clone(), Arc::new(AtomicBool::new(false)));
    let is_taken = taken.clone();
    let worker = thread::spawn(move || match dispatch.take(&interrupt) {
        Taken::Exchange(exchange) => {
            taken.store(true, Ordering::SeqCst);
            assert_eq!(awaited.outcome(), Outcome::Refused);
            exchange.answer();
        }
        Taken::Over => {}
        Taken::Interrupted => panic!("nobody has called it"),
    });
    // Time enough for the fallback poller to fall asleep beside a worker that leads.
    for _ in 0..30 {
        thread::yield_now();
    }
    let first = engine.request();
    // A worker that has only seen it may be too slow to take it.
    while !is_taken.load(Ordering::SeqCst) && !first.is_refused() {
        thread::yield_now();
    }
    if !first.is_refused() {
        engine.outside.happens(Event::Request(second.clone()));
        assert_eq!((second.outcome(), first.outcome()), (Outcome::Refused, Outcome::Answered));
    }
    engine.end([worker]);
}

fn several_clients() {
    let engine = Engine::with_fallback(FOR_EVER);
    let workers = [engine.worker().0, engine.worker().0];
    let requests: Vec<_> = (0..3).map(|_| engine.request()).collect();
    for request in requests {
        assert_eq!(request.outcome(), Outcome::Answered);
    }
    engine.end(workers);
}

fn refused_in_time() {
    let engine = Engine::with_fallback(Duration::from_millis(20));
    assert_eq!(engine.request().outcome(), Outcome::Refused);
    engine.end([]);
}

fn refused_by_who_waits() {
    let engine = Engine::new(Duration::from_millis(20));
    let (exchange, interrupt) = (engine.taken(), engine.interrupt());
    let (dispatch, own) = (engine.dispatch.clone(), interrupt.clone());
    let waiter = thread::spawn(move || assert_eq!(read(&dispatch, &exchange.connection, &own), Woken::Called));
    assert_eq!(engine.request().outcome(), Outcome::Refused);
    interrupt.raise();
    engine.end([waiter]);
}

fn raise_is_heard() {
    let engine = Engine::with_fallback(FOR_EVER);
    let (one, its) = engine.worker();
    let (other, others) = engine.worker();
    its.raise();
    one.join().unwrap();
    others.raise();
    other.join().unwrap();
    engine.end([]);
}

/// Two threads wait for one client, a third for work, and one event comes for each of the two.
fn client_wait() {
    let engine = Engine::new(FOR_EVER);
    let exchange = engine.taken();
    let (worker, _) = engine.worker();
    let read_some = Arc::new(AtomicU32::new(0));
    let readers = [(); 2].map(|()| {
        let (dispatch, interrupt) = (engine.dispatch.clone(), engine.interrupt());
        let (connection, read_some) = (exchange.connection.clone(), read_some.clone());
        thread::spawn(move || {
            assert_eq!(read(&dispatch, &connection, &interrupt), Woken::Ready);
            read_some.fetch_add(1, Ordering::SeqCst);
        })
    });
    let request = engine.request();
    for number in 1..=2 {
        exchange.connection.has_some.store(true, Ordering::SeqCst);
        engine.outside.happens(Event::Ready(exchange.connection.clone()));
        while read_some.load(Ordering::SeqCst) < number {
            thread::yield_now();
        }
    }
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(request.outcome(), Outcome::Answered);
    exchange.answer();
    engine.end([worker]);
}

fn client_wait_called() {
    let engine = Engine::new(FOR_EVER);
    let exchange = engine.taken();
    let interrupts = [engine.interrupt(), engine.interrupt()];
    let readers = interrupts.clone().map(|interrupt| {
        let (dispatch, connection) = (engine.dispatch.clone(), exchange.connection.clone());
        thread::spawn(move || assert_eq!(read(&dispatch, &connection, &interrupt), Woken::Called))
    });
    for (reader, interrupt) in readers.into_iter().zip(interrupts) {
        interrupt.raise();
        reader.join().unwrap();
    }
    exchange.answer();
    engine.end([]);
}

/// One of the two leads, the other sleeps at its bell.
fn client_wait_ended() {
    let engine = Engine::new(FOR_EVER);
    let exchange = engine.taken();
    let readers = [(); 2].map(|()| {
        let (dispatch, client, interrupt) = (engine.dispatch.clone(), exchange.client(), engine.interrupt());
        thread::spawn(move || assert_eq!(dispatch.wait_for_client(&client, FOR_EVER, &interrupt), Woken::Ready))
    });
    exchange.answer();
    for reader in readers {
        reader.join().unwrap();
    }
    engine.end([]);
}

fn client_wait_over() {
    let engine = Engine::with_fallback(FOR_EVER);
    let exchange = engine.taken();
    let readers = [(); 2].map(|()| {
        let (dispatch, interrupt) = (engine.dispatch.clone(), engine.interrupt());
        let connection = exchange.connection.clone();
        thread::spawn(move || assert_eq!(read(&dispatch, &connection, &interrupt), Woken::Ready))
    });
    engine.end(readers);
}

/// Edge-triggered, an event that comes while the connection is served won't come again.
fn looked_at_again() {
    let engine = Engine::new(FOR_EVER);
    let exchange = engine.taken();
    let connection = exchange.connection.clone();
    engine.outside.happens(Event::Ready(connection.clone()));
    let (worker, _) = engine.worker();
    let server = thread::spawn(move || {
        while !exchange.has_events() {
            thread::yield_now();
        }
        exchange.answer();
    });
    connection.wait_for_look();
    engine.end([worker, server]);
}

/// A worker answers while the poll side takes back, and events come.
fn one_owner() {
    let engine = Engine::with_fallback(FOR_EVER);
    let workers = [engine.worker().0, engine.worker().0];
    let requests = [engine.request(), engine.request()];
    for request in &requests {
        engine.outside.happens(Event::Expired(request.clone()));
        engine.outside.happens(Event::Ready(request.clone()));
    }
    for request in requests {
        assert_ne!(request.outcome(), Outcome::Cut);
    }
    engine.end(workers);
}

fn end_is_heard() {
    let engine = Engine::with_fallback(FOR_EVER);
    let workers = [engine.worker().0, engine.worker().0];
    let (dispatch, interrupt) = (engine.dispatch.clone(), engine.interrupt());
    let keeper = thread::spawn(move || assert!(dispatch.wait_until_over(&interrupt, None)));
    engine.request();
    engine.end(workers.into_iter().chain([keeper]));
}

fn end_while_leaving() {
    let engine = Engine::new(FOR_EVER);
    let (worker, interrupt) = engine.worker();
    interrupt.raise();
    engine.end([worker]);
}

/// Three workers of one GVL, which is a lock here; each gives it up in the middle of a request.
fn run_token() {
    let group = Arc::new(GvlGroup::new(0));
    let fetching = Arc::new(AtomicBool::new(false));
    let engine = Engine::new(FOR_EVER);
    let called = engine.interrupt();
    let gvl = Arc::new(Mutex::new(()));
    let mut workers: Vec<_> = (0..3)
        .map(|_| {
            let (group, fetching, gvl) = (group.clone(), fetching.clone(), gvl.clone());
            let interrupt = engine.interrupt();
            thread::spawn(move || {
                let runner = group.join();
                for _ in 0..2 {
                    if !runner.fetch() {
                        assert_eq!(runner.wait(&interrupt), Waited::HasToken);
                    }
                    assert!(!fetching.swap(true, Ordering::SeqCst), "two fetch");
                    assert!(runner.has_token());
                    fetching.store(false, Ordering::SeqCst);
                    let held = gvl.lock();
                    runner.run(b"GET", b"/");
                    runner.give_up_lock();
                    drop(held);
                    runner.want_lock();
                }
                runner.leave();
            })
        })
        .collect();
    // One that is called while it waits, and one who watches.
    let (own_group, own) = (group.clone(), called.clone());
    workers.push(thread::spawn(move || {
        let runner = own_group.join();
        let _ = runner.fetch() || runner.wait(&own) == Waited::HasToken;
        runner.leave();
    }));
    workers.push(thread::spawn(move || {
        group.watch(true);
        group.overtake(Duration::ZERO);
        group.watch(false);
        group.overtake(Duration::ZERO);
    }));
    called.raise();
    engine.end(workers);
}

/// The only thread waits, within its request, for another request to be answered.
fn lacking_thread() {
    lacking(|engine, _| assert_eq!(engine.request().outcome(), Outcome::Answered));
}

/// It waits for its client, which sends something when that is answered. It leads meanwhile, so nobody else has to.
fn lacking_thread_beside_client() {
    lacking(|engine, exchange| {
        let (dispatch, interrupt) = (engine.dispatch.clone(), engine.interrupt());
        let (outside, first) = (engine.outside.clone(), exchange.connection.clone());
        let client = thread::spawn(move || {
            // Time for the fallback poller to fall asleep, or to be about to.
            for _ in 0..shuttle::rand::thread_rng().gen_range(0..400) {
                thread::yield_now();
            }
            let second = Arc::<Connection>::default();
            outside.happens(Event::Request(second.clone()));
            assert_eq!(second.outcome(), Outcome::Answered);
            first.has_some.store(true, Ordering::SeqCst);
            outside.happens(Event::Ready(first));
        });
        assert_eq!(read(&dispatch, &exchange.connection, &interrupt), Woken::Ready);
        client.join().unwrap();
    });
}

/// A group of one thread, which may have two; what `wait` does is outside of the GVL.
fn lacking(wait: impl Fn(&Engine, &Exchange) + Send + Sync + 'static) {
    let engine = Arc::new(Engine::with_fallback(FOR_EVER));
    let (group, caller) = (Arc::new(GvlGroup::new(0)), engine.interrupt());
    let call = caller.clone();
    group.vary(Bounds { least: 1, most: 2, most_io_bound: 0 }, move || call.raise());
    engine.dispatch.watch_over(&group);
    let (own_group, own_engine) = (group.clone(), engine.clone());
    let only = thread::spawn(move || {
        let runner = own_group.join();
        runner.begin();
        assert!(runner.fetch());
        let exchange = own_engine.taken();
        runner.run(b"GET", b"/");
        runner.give_up_lock();
        wait(&own_engine, &exchange);
        runner.want_lock();
        exchange.answer();
        runner.leave();
    });
    let own_engine = engine.clone();
    let supervisor = thread::spawn(move || {
        while group.lacking() == 0 {
            caller.wait(FOR_EVER);
        }
        group.expect();
        group.filled();
        let (runner, interrupt) = (group.join(), own_engine.interrupt());
        runner.begin();
        group.expect_no_more();
        assert!(runner.fetch() || runner.wait(&interrupt) == Waited::HasToken);
        match own_engine.dispatch.take(&interrupt) {
            Taken::Exchange(exchange) => exchange.answer(),
            other => panic!("{other:?}"),
        }
        runner.leave();
    });
    only.join().unwrap();
    supervisor.join().unwrap();
    Arc::into_inner(engine).expect("its threads have ended").end([]);
}

/// A deadline that was moved back is moved forward again, while its entry in the heap comes up.
fn deadline() {
    let deadline = Arc::new(Deadline::default());
    let mut heap = Deadlines::default();
    let _ = deadline.set(50);
    heap.schedule(1, &deadline);
    assert!(!deadline.set(150), "the entry comes up earlier");
    let own = deadline.clone();
    let mover = thread::spawn(move || own.set(60));
    let look = |heap: &mut Deadlines, now| {
        let mut is_over = false;
        while let Some((key, at)) = heap.pop(now) {
            is_over |= heap.is_over(key, at, &deadline, now);
        }
        is_over
    };
    assert!(!look(&mut heap, 50));
    if mover.join().unwrap() {
        // The note that tells the poll side.
        heap.schedule(1, &deadline);
    }
    assert!(look(&mut heap, 60), "it was missed");
}
