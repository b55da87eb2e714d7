//! `Kino::Native::WorkerThread`: one thread's end of the engine. It takes a request, hands out its env and sends the answer.

mod answer;
mod body;
mod takeover;

use std::cell::{Cell, RefCell, RefMut};
use std::sync::Arc;

use kino_core::dispatch::gvl_group::{GvlGroup, Runner, Waited};
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::{Dispatch, Taken};
use kino_core::http::date::DateCache;
use kino_core::http::spool::Body;
use kino_core::net::exchange::Exchange;
use kino_core::net::response_writer::ResponseWriter;
use kino_core::spool_file::Claim;
use magnus::typed_data::Obj;
use magnus::value::{Opaque, ReprValue};
use magnus::{DataTypeFunctions, Error, IntoValue, RHash, Ruby, Thread, TypedData, Value, gc};

use crate::client::{self, Holder};
use crate::completions::{Completed, Completions};
use crate::env_prototype::EnvPrototype;
use crate::ffi::{gvl, thread_hooks};
use crate::input::{Input, Kind};
use crate::{env, exception, input};

/// One thread's end of the engine.
#[derive(TypedData)]
#[magnus(class = "Kino::Native::WorkerThread", free_immediately, mark)]
pub(crate) struct WorkerThread {
    /// The process that it serves in.
    process: u32,
    dispatch: Arc<Dispatch>,
    group: Arc<GvlGroup>,
    interrupt: Arc<Interrupt>,
    completions: Arc<Completions>,
    prototype: EnvPrototype,
    /// The thread, once it has entered.
    thread: Cell<Option<Opaque<Thread>>>,
    seat: RefCell<Option<Arc<Runner>>>,
    /// The number of its request, which an object that is kept for too long is known by.
    number: Cell<u64>,
    /// A request body that is more than bytes.
    held: Cell<Option<Held>>,
    /// Of its file.
    claim: Cell<Option<Claim>>,
    /// The app has taken the socket.
    is_hijacked: Cell<bool>,
    work: RefCell<Work>,
}

/// A request body that needs looking after.
#[derive(Clone, Copy)]
enum Held {
    /// An open file, closed after the answer.
    File(Opaque<Value>),
    /// A `Kino::StreamedInput`, which reads from whoever has the request.
    Streamed(Opaque<Value>),
}

/// ```text
///   Idle --take--> Open --answer--> Idle
///                   \--start--> Sending --finish, abort--> Idle
/// ```
enum State {
    Idle,
    Open(Box<Exchange>),
    Sending(Box<ResponseWriter>),
}

/// What a worker is given to do.
enum Next {
    Exchange(Box<Exchange>),
    Completed(Completed),
    Over,
}

struct Work {
    state: State,
    /// Room for an answer's head, used again for each.
    head: Vec<u8>,
    /// Room to read a streamed body into.
    room: Vec<u8>,
    clock: DateCache,
}

impl State {
    /// The request that is open, or whose answer is being sent.
    fn exchange(&mut self) -> Option<&mut Exchange> {
        match self {
            State::Idle => None,
            State::Open(exchange) => Some(exchange),
            State::Sending(outgoing) => Some(outgoing.exchange()),
        }
    }
}

impl DataTypeFunctions for WorkerThread {
    fn mark(&self, marker: &gc::Marker) {
        self.prototype.mark(marker);
        if let Some(Held::File(body) | Held::Streamed(body)) = self.held.get() {
            marker.mark(body);
        }
        if let Some(thread) = self.thread.get() {
            marker.mark(thread);
        }
    }
}

/// In a child that the app has forked, connections and threads are the parent's: nothing of them may be touched, least of
/// all when the child's exit frees its objects.
impl Drop for WorkerThread {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget((self.dispatch.clone(), self.claim.take()));
            std::mem::forget(std::mem::replace(&mut self.work.get_mut().state, State::Idle));
        }
    }
}

impl WorkerThread {
    pub(crate) fn new(
        dispatch: Arc<Dispatch>,
        group: Arc<GvlGroup>,
        interrupt: Interrupt,
        prototype: EnvPrototype,
    ) -> WorkerThread {
        WorkerThread {
            process: std::process::id(),
            dispatch,
            group,
            interrupt: Arc::new(interrupt),
            completions: Arc::default(),
            prototype,
            thread: Cell::new(None),
            seat: RefCell::new(None),
            number: Cell::new(0),
            held: Cell::new(None),
            claim: Cell::new(None),
            is_hijacked: Cell::new(false),
            work: RefCell::new(Work {
                state: State::Idle,
                head: Vec::new(),
                room: Vec::new(),
                clock: DateCache::default(),
            }),
        }
    }

    /// `enter`: the calling thread is this worker from now on.
    pub(crate) fn enter(ruby: &Ruby, this: &WorkerThread) {
        this.thread.set(Some(ruby.thread_current().into()));
        *this.seat.borrow_mut() = Some(thread_hooks::enter(ruby.thread_current(), &this.group));
    }

    /// `leave`: it is not any more. A request that is still open is given up.
    pub(crate) fn leave(ruby: &Ruby, this: &WorkerThread) {
        if let Some(runner) = this.seat.take() {
            thread_hooks::leave(ruby.thread_current(), runner);
        }
        this.thread.set(None);
        if let Ok(mut work) = this.work.try_borrow_mut() {
            work.state = State::Idle;
        }
    }

    /// `take -> Hash, Array or nil`: waits for a request; its env, or `nil` when there will be none any more. Or what became
    /// of an answer that was left to the engine: `[number, whether all of it was sent]`.
    pub(crate) fn take(ruby: &Ruby, this: Obj<WorkerThread>) -> Result<Option<Value>, Error> {
        let seat = this.seat.borrow().clone();
        let runner = seat.ok_or_else(|| exception::misuse(ruby, "take: the thread is no worker; call enter first"))?;
        let mut exchange = match this.next(&runner)? {
            Next::Exchange(exchange) => exchange,
            Next::Completed(completed) => {
                return Ok(Some(
                    ruby.ary_from_iter([completed.0.into_value_with(ruby), completed.1.into_value_with(ruby)])
                        .as_value(),
                ));
            }
            Next::Over => return Ok(None),
        };
        runner.run(exchange.head().method(), exchange.head().target());

        let number = this.number.get() + 1;
        this.number.set(number);
        let (input, env) = match env_of(ruby, &this, number, &mut exchange) {
            Ok(made) => made,
            // Raised into this thread meanwhile: the request is open, for whoever rescues that to answer.
            Err(error) => {
                this.is_hijacked.set(false);
                this.work(ruby)?.state = State::Open(exchange);
                return Err(error);
            }
        };
        let mut work = this.work(ruby)?;
        this.held.set(match (input.object, input.kind) {
            (Some(file), Kind::File) => Some(Held::File(file.into())),
            (Some(body), Kind::StreamingPlace) => Some(Held::Streamed(body.into())),
            (_, Kind::Bytes) | (None, _) => None,
        });
        this.claim.set(input.claim);
        this.is_hijacked.set(false);
        work.state = State::Open(exchange);
        Ok(Some(env.as_value()))
    }

    /// `open? -> true or false`: whether a request waits for its answer, of which nothing has been sent.
    pub(crate) fn is_open(&self) -> bool {
        self.work.try_borrow().is_ok_and(|work| matches!(work.state, State::Open(_)))
    }

    fn next(&self, runner: &Arc<Runner>) -> Result<Next, Error> {
        if let Some(completed) = self.completions.take() {
            return Ok(Next::Completed(completed));
        }
        if runner.is_quarantined() {
            return Ok(Next::Over);
        }
        if self.dispatch.is_shared()
            && let Some(time) = runner.served()
        {
            self.dispatch.served(time);
        }
        if self.group.is_contended() {
            gvl::pass()?;
        }
        if runner.fetch()
            && let Some(exchange) = self.dispatch.try_take()
        {
            return Ok(Next::Exchange(exchange));
        }
        let (interrupt, dispatch) = (&self.interrupt, &*self.dispatch);
        loop {
            match gvl::without(|| wait(runner, interrupt, dispatch), || interrupt.raise()) {
                Some(Taken::Exchange(exchange)) => return Ok(Next::Exchange(exchange)),
                // What became of an answer before the end is still told.
                Some(Taken::Over) => return Ok(self.completions.take().map_or(Next::Over, Next::Completed)),
                Some(Taken::Interrupted) | None => gvl::check_interrupts()?,
            }
            if let Some(completed) = self.completions.take() {
                return Ok(Next::Completed(completed));
            }
            if runner.is_quarantined() {
                return Ok(Next::Over);
            }
        }
    }

    /// Waits until the client has taken what is kept for it.
    fn wait_for_client(&self, ruby: &Ruby) -> Result<(), Error> {
        let is_blocked = self.with(ruby, |exchange, _| exchange.is_blocked())?;
        if is_blocked { self.waiting(|| client::flush(ruby, &self.dispatch, self)) } else { Ok(()) }
    }

    /// Does what waits for the client.
    fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_seat(Runner::waiting, work)
    }

    /// Does what gives up Ruby's lock for a moment.
    fn briefly<T>(&self, work: impl FnOnce() -> T) -> T {
        self.at_seat(Runner::briefly, work)
    }

    fn at_seat<T, W: FnOnce() -> T>(&self, how: impl FnOnce(&Runner, W) -> T, work: W) -> T {
        let seat = self.seat.borrow().clone();
        match seat {
            None => work(),
            Some(runner) => how(&runner, work),
        }
    }

    fn close_file(&self, ruby: &Ruby) -> Result<(), Error> {
        // To the end: who closes the file for good is not to have Ruby's lock.
        let _claim = self.claim.take();
        match self.held.take() {
            Some(Held::File(file)) => ruby.get_inner(file).funcall::<_, _, Value>("close", ()).map(|_| ()),
            Some(Held::Streamed(_)) | None => Ok(()),
        }
    }

    fn work(&self, ruby: &Ruby) -> Result<RefMut<'_, Work>, Error> {
        self.work.try_borrow_mut().map_err(|_| exception::misuse(ruby, "another thread is using this worker"))
    }
}

impl Holder for WorkerThread {
    fn with<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> T) -> Result<T, Error> {
        let mut own = self.work(ruby)?;
        let Work { state, room, .. } = &mut *own;
        Ok(work(state.exchange().ok_or_else(|| over(ruby))?, room))
    }
}

/// What the app is called with.
fn env_of(
    ruby: &Ruby,
    this: &Obj<WorkerThread>,
    number: u64,
    exchange: &mut Exchange,
) -> Result<(Input, RHash), Error> {
    let body = exchange.take_body();
    // Decoded, a chunked body that has come has a length, be it nothing.
    let decoded = (exchange.is_chunked() && !matches!(body, Body::Arriving)).then_some(0);
    let trailers =
        if exchange.is_chunked() { Some(client::trailers_of(ruby, exchange.take_trailers())?) } else { None };
    let input = input::of(ruby, body, (this.as_value(), number), trailers)?;
    let keys = env::BodyKeys { input: input.object, length: input.length.or(decoded), trailers };
    let env = env::build(ruby, &this.prototype, exchange, keys)?;
    Ok((input, env))
}

fn over(ruby: &Ruby) -> Error {
    exception::io_error(ruby, "the request is over: its client can't be reached any more")
}

/// Waits for a request without the GVL, first for the right to fetch one.
fn wait(runner: &Arc<Runner>, interrupt: &Interrupt, dispatch: &Dispatch) -> Taken {
    if !runner.has_token() {
        match runner.wait(interrupt) {
            Waited::HasToken => {}
            Waited::Interrupted => return Taken::Interrupted,
        }
    }
    dispatch.take(interrupt)
}
