//! `Kino::Native::Worker`: one thread's end of the engine. It takes a request, hands out its env and sends the answer.

mod body;

use std::cell::{Cell, RefCell, RefMut};
use std::sync::Arc;

use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::{Dispatch, Taken};
use kino_core::dispatch::runners::{Runner, Runners, Waited};
use kino_core::http::date::{self, Clock};
use kino_core::http::encode::Plan;
use kino_core::http::spool::Body;
use kino_core::net::exchange::Exchange;
use magnus::typed_data::Obj;
use magnus::value::{Opaque, ReprValue};
use magnus::{DataTypeFunctions, Error, RArray, RHash, RString, Ruby, TypedData, Value, gc};

use crate::ffi::strings::{with_all_bytes, with_bytes};
use crate::ffi::{gvl, thread_hooks};
use crate::outgoing::{self, Outgoing};
use crate::template::Template;
use crate::{env, exception, input, response};

/// One thread's end of the engine.
#[derive(TypedData)]
#[magnus(class = "Kino::Native::Worker", free_immediately, mark)]
pub(crate) struct Worker {
    /// The process that it serves in.
    process: u32,
    dispatch: Arc<Dispatch>,
    group: Arc<Runners>,
    interrupt: Interrupt,
    template: Template,
    seat: RefCell<Option<Arc<Runner>>>,
    /// The number of its request, which an object that is kept for too long is known by.
    number: Cell<u64>,
    /// A request body's open file, closed after the answer.
    file: Cell<Option<Opaque<Value>>>,
    work: RefCell<Work>,
}

/// ```text
///   Idle --take--> Open --answer--> Idle
///                   \--start--> Sending --finish, abort--> Idle
/// ```
enum State {
    Idle,
    Open(Box<Exchange>),
    Sending(Box<Outgoing>),
}

/// A request, what its answer's head has promised, and that head.
type Answer = (Box<Exchange>, Plan, Vec<u8>);

struct Work {
    state: State,
    /// Room for an answer's head, used again for each.
    head: Vec<u8>,
    /// Room to read a streamed body into.
    room: Vec<u8>,
    clock: Clock,
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

impl DataTypeFunctions for Worker {
    fn mark(&self, marker: &gc::Marker) {
        self.template.mark(marker);
        if let Some(file) = self.file.get() {
            marker.mark(file);
        }
    }
}

/// In a child that the app has forked, connections and threads are the parent's: nothing of them may be touched, least of
/// all when the child's exit frees its objects.
impl Drop for Worker {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.dispatch.clone());
            std::mem::forget(std::mem::replace(&mut self.work.get_mut().state, State::Idle));
        }
    }
}

impl Worker {
    pub(crate) fn new(
        dispatch: Arc<Dispatch>,
        group: Arc<Runners>,
        interrupt: Interrupt,
        template: Template,
    ) -> Worker {
        Worker {
            process: std::process::id(),
            dispatch,
            group,
            interrupt,
            template,
            seat: RefCell::new(None),
            number: Cell::new(0),
            file: Cell::new(None),
            work: RefCell::new(Work {
                state: State::Idle,
                head: Vec::new(),
                room: Vec::new(),
                clock: Clock::default(),
            }),
        }
    }

    /// `enter`: the calling thread is this worker from now on.
    pub(crate) fn enter(ruby: &Ruby, this: &Worker) {
        *this.seat.borrow_mut() = Some(thread_hooks::enter(ruby.thread_current(), &this.group));
    }

    /// `leave`: it is not any more. A request that is still open is given up.
    pub(crate) fn leave(ruby: &Ruby, this: &Worker) {
        if let Some(runner) = this.seat.take() {
            thread_hooks::leave(ruby.thread_current(), runner);
        }
        if let Ok(mut work) = this.work.try_borrow_mut() {
            work.state = State::Idle;
        }
        this.interrupt.close();
    }

    /// `take -> Hash or nil`: waits for a request; its env, or `nil` when there will be none any more.
    pub(crate) fn take(ruby: &Ruby, this: Obj<Worker>) -> Result<Option<RHash>, Error> {
        let seat = this.seat.borrow().clone();
        let runner = seat.ok_or_else(|| exception::misuse(ruby, "take: the thread is no worker; call enter first"))?;
        let Some(mut exchange) = this.next_exchange(&runner)? else { return Ok(None) };
        runner.run(exchange.head().method(), exchange.head().target());

        let number = this.number.get() + 1;
        this.number.set(number);
        let body = exchange.take_body();
        // Decoded, a chunked body that has come has a length, be it nothing.
        let decoded = (exchange.is_chunked() && !matches!(body, Body::Arriving)).then_some(0);
        let trailers =
            if exchange.is_chunked() { Some(body::trailers_of(ruby, exchange.take_trailers())?) } else { None };
        let input = input::of(ruby, body, (this, number), trailers)?;
        let keys = env::BodyKeys { input: input.object, length: input.length.or(decoded), trailers };
        let env = env::build(ruby, &this.template, &exchange, keys)?;
        let mut work = this.work(ruby)?;
        this.file.set(input.object.filter(|_| input.is_file).map(Opaque::from));
        work.state = State::Open(exchange);
        Ok(Some(env))
    }

    /// `answer(status, headers, parts) -> nil`: sends a whole answer whose body is an Array of Strings.
    pub(crate) fn answer(
        ruby: &Ruby,
        this: &Worker,
        status: Value,
        headers: RHash,
        parts: RArray,
    ) -> Result<(), Error> {
        let (one, many);
        let strings = match parts.len() {
            // Nearly every body is one string.
            1 => {
                one = [string_of(ruby, parts.entry(0)?)?];
                &one[..]
            }
            _ => {
                many = strings_of(ruby, parts)?;
                &many[..]
            }
        };
        let length = strings.iter().map(|part| part.len() as u64).sum();
        let (exchange, plan, mut head) = this.make_head(ruby, status, headers, Some(length))?;
        let sent = with_all_bytes(strings, |bodies| outgoing::send_whole(*exchange, plan, &mut head, bodies));
        // Until here the array has kept its strings alive.
        std::hint::black_box(parts);
        this.work(ruby)?.head = head;
        this.close_file(ruby)?;
        sent.map_err(|error| error.raise(ruby))
    }

    /// `start(status, headers, length) -> true or false`: sends the head of an answer whose body follows with `write`;
    /// `length` is the body's where it is known, else `nil`. False when the answer has no body, as with HEAD.
    pub(crate) fn start(
        ruby: &Ruby,
        this: &Worker,
        status: Value,
        headers: RHash,
        length: Option<u64>,
    ) -> Result<bool, Error> {
        let (exchange, plan, head) = this.make_head(ruby, status, headers, length)?;
        let outgoing = Outgoing::new(exchange, plan, head);
        let wants_body = outgoing.wants_body();
        this.work(ruby)?.state = State::Sending(Box::new(outgoing));
        Ok(wants_body)
    }

    /// `write(string) -> nil`: sends one part of the body at once, and waits until the client has taken it.
    pub(crate) fn write(ruby: &Ruby, this: &Worker, part: Value) -> Result<(), Error> {
        let part = string_of(ruby, part)?;
        let mut work = this.work(ruby)?;
        let State::Sending(outgoing) = &mut work.state else {
            return Err(exception::misuse(ruby, "write: no answer has been started"));
        };
        with_bytes(part, |bytes| outgoing.part(bytes)).map_err(|error| error.raise(ruby))?;
        this.wait_for_client(ruby, outgoing)?;
        if let Some(runner) = &*this.seat.borrow() {
            runner.progress();
        }
        Ok(())
    }

    /// `flush -> nil`: sends the head of an answer whose first part is still to come.
    pub(crate) fn flush(ruby: &Ruby, this: &Worker) -> Result<(), Error> {
        let mut work = this.work(ruby)?;
        let State::Sending(outgoing) = &mut work.state else {
            return Err(exception::misuse(ruby, "flush: no answer has been started"));
        };
        outgoing.flush().map_err(|error| error.raise(ruby))?;
        this.wait_for_client(ruby, outgoing)
    }

    /// `finish -> nil`: the answer is whole.
    pub(crate) fn finish(ruby: &Ruby, this: &Worker) -> Result<(), Error> {
        let outgoing = match std::mem::replace(&mut this.work(ruby)?.state, State::Idle) {
            State::Sending(outgoing) => outgoing,
            State::Idle | State::Open(_) => return Err(exception::misuse(ruby, "finish: no answer has been started")),
        };
        let finished = outgoing.finish();
        this.close_file(ruby)?;
        finished.map_err(|error| error.raise(ruby))
    }

    /// `abort -> nil`: the answer can't be made whole; the connection is closed so that the client can tell.
    pub(crate) fn abort(ruby: &Ruby, this: &Worker) -> Result<(), Error> {
        match std::mem::replace(&mut this.work(ruby)?.state, State::Idle) {
            State::Idle => {}
            State::Open(exchange) => exchange.abort(),
            State::Sending(outgoing) => outgoing.abort(),
        }
        this.close_file(ruby)
    }

    /// `retract -> true or false`: takes an answer back of which nothing has been sent, so that another can be; false when
    /// there is none, or it is too late.
    pub(crate) fn retract(ruby: &Ruby, this: &Worker) -> Result<bool, Error> {
        let mut work = this.work(ruby)?;
        match std::mem::replace(&mut work.state, State::Idle) {
            State::Sending(outgoing) if outgoing.is_unsent() => {
                work.state = State::Open(outgoing.into_exchange());
                Ok(true)
            }
            state => {
                work.state = state;
                Ok(false)
            }
        }
    }

    /// `open? -> true or false`: whether a request waits for its answer, of which nothing has been sent.
    pub(crate) fn is_open(&self) -> bool {
        self.work.try_borrow().is_ok_and(|work| matches!(work.state, State::Open(_)))
    }

    /// `sending? -> true or false`: whether an answer has been begun and not ended.
    pub(crate) fn is_sending(&self) -> bool {
        self.work.try_borrow().is_ok_and(|work| matches!(work.state, State::Sending(_)))
    }

    fn next_exchange(&self, runner: &Arc<Runner>) -> Result<Option<Box<Exchange>>, Error> {
        if runner.is_retired() {
            return Ok(None);
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
            return Ok(Some(exchange));
        }
        let (interrupt, dispatch) = (&self.interrupt, &*self.dispatch);
        loop {
            match gvl::without(|| wait(runner, interrupt, dispatch), || interrupt.raise()) {
                Some(Taken::Exchange(exchange)) => return Ok(Some(exchange)),
                Some(Taken::Over) => return Ok(None),
                Some(Taken::Interrupted) | None => gvl::check_interrupts()?,
            }
            if runner.is_retired() {
                return Ok(None);
            }
        }
    }

    /// Takes the open request, and makes the head of its answer. Nothing has been sent yet; with an error, the request is
    /// open as before.
    fn make_head(&self, ruby: &Ruby, status: Value, headers: RHash, length: Option<u64>) -> Result<Answer, Error> {
        let (asked, mut head, mut clock) = {
            let mut work = self.work(ruby)?;
            let State::Open(exchange) = &mut work.state else {
                return Err(exception::misuse(ruby, "no request is open"));
            };
            // An answer of known length is out at once, so that nobody would read the body any more.
            if length.is_some() {
                exchange.skip_body();
            }
            (exchange.asked(), std::mem::take(&mut work.head), std::mem::take(&mut work.clock))
        };
        // An object's `to_s` may run in here, so nothing is borrowed.
        let plan = response::head(ruby, &mut head, (status, headers, length), asked, clock.at(date::now()));
        let mut work = self.work(ruby)?;
        work.clock = clock;
        match (plan, std::mem::replace(&mut work.state, State::Idle)) {
            (Ok(plan), State::Open(exchange)) => Ok((exchange, plan, head)),
            (Err(error), state) => {
                (work.state, work.head) = (state, head);
                Err(error)
            }
            (Ok(_), State::Idle | State::Sending(_)) => {
                Err(exception::misuse(ruby, "the request was answered meanwhile"))
            }
        }
    }

    fn wait_for_client(&self, ruby: &Ruby, outgoing: &mut Outgoing) -> Result<(), Error> {
        let interrupt = &self.interrupt;
        while outgoing.is_blocked() {
            match gvl::without(|| outgoing.wait(interrupt), || interrupt.raise()) {
                Some(Ok(true)) => {}
                Some(Ok(false)) | None => gvl::check_interrupts()?,
                Some(Err(error)) => return Err(error.raise(ruby)),
            }
        }
        Ok(())
    }

    fn close_file(&self, ruby: &Ruby) -> Result<(), Error> {
        match self.file.take() {
            None => Ok(()),
            Some(file) => ruby.get_inner(file).funcall::<_, _, Value>("close", ()).map(|_| ()),
        }
    }

    fn work(&self, ruby: &Ruby) -> Result<RefMut<'_, Work>, Error> {
        self.work.try_borrow_mut().map_err(|_| exception::misuse(ruby, "another thread is using this worker"))
    }
}

/// Waits for a request without the GVL, first for the right to fetch one.
fn wait(runner: &Arc<Runner>, interrupt: &Interrupt, dispatch: &Dispatch) -> Taken {
    if !runner.has_baton() {
        match runner.wait(interrupt) {
            Waited::HasBaton => {}
            Waited::Interrupted => return Taken::Interrupted,
        }
    }
    dispatch.take(interrupt)
}

fn strings_of(ruby: &Ruby, parts: RArray) -> Result<Vec<RString>, Error> {
    let mut strings = Vec::with_capacity(parts.len());
    for part in parts {
        strings.push(string_of(ruby, part)?);
    }
    Ok(strings)
}

fn string_of(ruby: &Ruby, part: Value) -> Result<RString, Error> {
    RString::from_value(part).ok_or_else(|| {
        let given = part.inspect();
        exception::response_error(ruby, format!("a part of the app's body is {given}; allowed are Strings"))
    })
}
