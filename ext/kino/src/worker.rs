//! `Kino::Native::Worker`: one thread's end of the engine. It takes a request, hands out its env and sends the answer.

mod takeover;

use std::cell::{Cell, RefCell, RefMut};
use std::path::PathBuf;
use std::sync::Arc;

use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::{Dispatch, Taken};
use kino_core::dispatch::runners::{Runner, Runners, Waited};
use kino_core::http::date::{self, Clock};
use kino_core::http::encode::Plan;
use kino_core::http::spool::Body;
use kino_core::net::exchange::Exchange;
use kino_core::net::notice::Notice;
use magnus::typed_data::Obj;
use magnus::value::{Opaque, ReprValue};
use magnus::{DataTypeFunctions, Error, IntoValue, RArray, RHash, RString, Ruby, Thread, TypedData, Value, gc};

use crate::client::{self, Holder};
use crate::ffi::{gvl, thread_hooks};
use crate::input::Kind;
use crate::mailbox::{Letter, Mailbox};
use crate::outgoing::{self, Content, Outgoing, SendError};
use crate::outlet::Outlet;
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
    interrupt: Arc<Interrupt>,
    mailbox: Arc<Mailbox>,
    template: Template,
    /// The thread, once it has entered.
    thread: Cell<Option<Opaque<Thread>>>,
    seat: RefCell<Option<Arc<Runner>>>,
    /// The number of its request, which an object that is kept for too long is known by.
    number: Cell<u64>,
    /// A request body that is more than bytes.
    held: Cell<Option<Held>>,
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
    Sending(Box<Outgoing>),
}

/// What a worker is given to do.
enum Next {
    Exchange(Box<Exchange>),
    Letter(Letter),
    Over,
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
            interrupt: Arc::new(interrupt),
            mailbox: Arc::default(),
            template,
            thread: Cell::new(None),
            seat: RefCell::new(None),
            number: Cell::new(0),
            held: Cell::new(None),
            is_hijacked: Cell::new(false),
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
        this.thread.set(Some(ruby.thread_current().into()));
        *this.seat.borrow_mut() = Some(thread_hooks::enter(ruby.thread_current(), &this.group));
    }

    /// `leave`: it is not any more. A request that is still open is given up.
    pub(crate) fn leave(ruby: &Ruby, this: &Worker) {
        if let Some(runner) = this.seat.take() {
            thread_hooks::leave(ruby.thread_current(), runner);
        }
        this.thread.set(None);
        if let Ok(mut work) = this.work.try_borrow_mut() {
            work.state = State::Idle;
        }
        this.interrupt.close();
    }

    /// `take -> Hash, Array or nil`: waits for a request; its env, or `nil` when there will be none any more. Or what became
    /// of an answer that was left to the engine: `[number, whether all of it was sent]`.
    pub(crate) fn take(ruby: &Ruby, this: Obj<Worker>) -> Result<Option<Value>, Error> {
        let seat = this.seat.borrow().clone();
        let runner = seat.ok_or_else(|| exception::misuse(ruby, "take: the thread is no worker; call enter first"))?;
        let mut exchange = match this.next(&runner)? {
            Next::Exchange(exchange) => exchange,
            Next::Letter(letter) => {
                return Ok(Some(
                    ruby.ary_from_iter([letter.0.into_value_with(ruby), letter.1.into_value_with(ruby)]).as_value(),
                ));
            }
            Next::Over => return Ok(None),
        };
        runner.run(exchange.head().method(), exchange.head().target());

        let number = this.number.get() + 1;
        this.number.set(number);
        let body = exchange.take_body();
        // Decoded, a chunked body that has come has a length, be it nothing.
        let decoded = (exchange.is_chunked() && !matches!(body, Body::Arriving)).then_some(0);
        let trailers =
            if exchange.is_chunked() { Some(client::trailers_of(ruby, exchange.take_trailers())?) } else { None };
        let input = input::of(ruby, body, (this, number), trailers)?;
        let keys = env::BodyKeys { input: input.object, length: input.length.or(decoded), trailers };
        let env = env::build(ruby, &this.template, &exchange, keys)?;
        let mut work = this.work(ruby)?;
        this.held.set(match (input.object, input.kind) {
            (Some(file), Kind::File) => Some(Held::File(file.into())),
            (Some(body), Kind::Streamed) => Some(Held::Streamed(body.into())),
            (_, Kind::Bytes) | (None, _) => None,
        });
        this.is_hijacked.set(false);
        work.state = State::Open(exchange);
        Ok(Some(env.as_value()))
    }

    /// `answer(status, headers, parts) -> nil, Integer or :hijack`: sends a whole answer whose body is an Array of Strings;
    /// a number when some of it is left to the engine, see [`Worker::take`]. `:hijack` when the app wants the socket after
    /// the head (`rack.hijack`): nothing has been sent then.
    pub(crate) fn answer(
        ruby: &Ruby,
        this: &Worker,
        status: Value,
        headers: RHash,
        parts: RArray,
    ) -> Result<Value, Error> {
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
        let made = this.make_head(ruby, status, headers, Some(length))?;
        let Some((exchange, plan, mut head)) = made else { return this.without_answer(ruby) };
        if plan.is_encoded {
            return this.answer_encoded(ruby, Outgoing::new(exchange, plan, head), strings);
        }
        let sent = outgoing::send_whole(*exchange, plan, &mut head, strings, || this.notice());
        // Until here the array has kept its strings alive.
        std::hint::black_box(parts);
        this.answered(ruby, head, sent)
    }

    /// `send_file(status, headers, path) -> nil, Integer or :hijack`: as [`Worker::answer`], for a body that is a file.
    pub(crate) fn send_file(
        ruby: &Ruby,
        this: &Worker,
        status: Value,
        headers: RHash,
        path: PathBuf,
    ) -> Result<Value, Error> {
        let content = loop {
            match gvl::without(|| Content::open(&path), || ()) {
                Some(Ok(content)) => break content,
                Some(Err(error)) => return Err(exception::system_error(ruby, &error, &path.to_string_lossy())),
                None => gvl::check_interrupts()?,
            }
        };
        let made = this.make_head(ruby, status, headers, Some(content.len()))?;
        let Some((exchange, plan, mut head)) = made else { return this.without_answer(ruby) };
        let sent = outgoing::send_file(*exchange, plan, &mut head, content, || this.notice());
        this.answered(ruby, head, sent)
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
        let Some((exchange, plan, head)) = this.make_head(ruby, status, headers, length)? else {
            return Err(exception::misuse(ruby, "start: the app has taken the socket, or wants it"));
        };
        let outgoing = Outgoing::new(exchange, plan, head);
        let wants_body = outgoing.wants_body();
        this.work(ruby)?.state = State::Sending(Box::new(outgoing));
        Ok(wants_body)
    }

    /// `write(string) -> nil`: sends one part of the body at once, and waits until the client has taken it.
    pub(crate) fn write(ruby: &Ruby, this: &Worker, part: Value) -> Result<(), Error> {
        let part = string_of(ruby, part)?;
        this.sending(ruby, |outgoing| outgoing.part(part).map_err(|error| error.raise(ruby)))?;
        this.wait_for_client(ruby)?;
        if let Some(runner) = &*this.seat.borrow() {
            runner.progress();
        }
        Ok(())
    }

    /// `flush -> nil`: sends the head of an answer whose first part is still to come.
    pub(crate) fn flush(ruby: &Ruby, this: &Worker) -> Result<(), Error> {
        this.sending(ruby, |outgoing| outgoing.flush().map_err(|error| error.raise(ruby)))?;
        this.wait_for_client(ruby)
    }

    /// `finish(trailers) -> nil`: the answer is whole; trailer fields follow it where the body is sent in chunks.
    pub(crate) fn finish(ruby: &Ruby, this: &Worker, trailers: Option<RHash>) -> Result<(), Error> {
        this.sending(ruby, |outgoing| outgoing.end(ruby, trailers))?;
        this.wait_for_client(ruby)?;
        let finished = match std::mem::replace(&mut this.work(ruby)?.state, State::Idle) {
            // Its client has been waited for.
            State::Sending(outgoing) => outgoing.conclude(|| Notice::new(|_| ())).map(|_| ()),
            State::Idle | State::Open(_) => Ok(()),
        };
        this.close_file(ruby)?;
        finished.map_err(|error| error.raise(ruby))
    }

    /// `detach -> Outlet`: the answer that has been started is the app's, to be written on whatever thread; the worker has
    /// nothing to do with it any more.
    pub(crate) fn detach(ruby: &Ruby, this: &Worker) -> Result<Obj<Outlet>, Error> {
        let outgoing = {
            let mut work = this.work(ruby)?;
            match std::mem::replace(&mut work.state, State::Idle) {
                State::Sending(outgoing) => outgoing,
                state => {
                    work.state = state;
                    return Err(exception::misuse(ruby, "detach: no answer has been started"));
                }
            }
        };
        let (file, streamed) = match this.held.take() {
            Some(Held::File(file)) => (Some(file), None),
            Some(Held::Streamed(body)) => (None, Some(body)),
            None => (None, None),
        };
        let outlet = ruby.obj_wrap(Outlet::new(outgoing, file));
        if let Some(body) = streamed {
            ruby.get_inner(body).funcall::<_, _, Value>("read_from", (outlet,))?;
        }
        Ok(outlet)
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

    /// `attach(outlet) -> nil`: ends what [`Worker::detach`] began, where nothing has been sent yet.
    pub(crate) fn attach(ruby: &Ruby, this: &Worker, outlet: Obj<Outlet>) -> Result<(), Error> {
        if let Some(outgoing) = outlet.take_unsent() {
            this.work(ruby)?.state = State::Sending(outgoing);
        }
        Ok(())
    }

    /// `read_body(number, most) -> String or nil`: a part of a request's body that is still arriving, `most` bytes at most;
    /// waits for it, and is `nil` when all has been read.
    pub(crate) fn read_body(ruby: &Ruby, this: &Worker, number: u64, most: usize) -> Result<Option<RString>, Error> {
        if this.number.get() != number {
            return Err(over(ruby));
        }
        this.waiting(|| client::read(ruby, &this.interrupt, this, most))
    }

    /// `trailers(number) -> Hash`: the trailer fields of a body that has been read to its end, once.
    pub(crate) fn trailers(ruby: &Ruby, this: &Worker, number: u64) -> Result<RHash, Error> {
        let mut work = this.work(ruby)?;
        let exchange = work.state.exchange().filter(|_| this.number.get() == number);
        let trailers = exchange.map(Exchange::take_trailers).unwrap_or_default();
        drop(work);
        client::trailers_of(ruby, trailers)
    }

    /// `client_gone? -> true or false`: whether nobody waits for the answer any more.
    pub(crate) fn is_client_gone(&self) -> bool {
        // Borrowed, it is being used to send or to read, which tells by itself.
        self.work.try_borrow_mut().is_ok_and(|mut work| work.state.exchange().is_none_or(|open| open.is_client_gone()))
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

    fn next(&self, runner: &Arc<Runner>) -> Result<Next, Error> {
        if let Some(letter) = self.mailbox.take() {
            return Ok(Next::Letter(letter));
        }
        if runner.is_retired() {
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
                Some(Taken::Over) => return Ok(self.mailbox.take().map_or(Next::Over, Next::Letter)),
                Some(Taken::Interrupted) | None => gvl::check_interrupts()?,
            }
            if let Some(letter) = self.mailbox.take() {
                return Ok(Next::Letter(letter));
            }
            if runner.is_retired() {
                return Ok(Next::Over);
            }
        }
    }

    /// The same for parts that are chunks already.
    fn answer_encoded(&self, ruby: &Ruby, mut outgoing: Outgoing, parts: &[RString]) -> Result<Value, Error> {
        let sent = parts.iter().try_for_each(|&part| outgoing.part(part).map_err(|error| error.raise(ruby)));
        if let Err(error) = sent.and_then(|()| outgoing.end(ruby, None)) {
            // As with any answer, one of which nothing has been sent can be another.
            self.work(ruby)?.state = State::Sending(Box::new(outgoing));
            return Err(error);
        }
        self.answered(ruby, Vec::new(), outgoing.conclude(|| self.notice()))
    }

    fn notice(&self) -> Notice {
        self.mailbox.notice(&self.interrupt, self.number.get())
    }

    fn answered(&self, ruby: &Ruby, head: Vec<u8>, sent: Result<bool, SendError>) -> Result<Value, Error> {
        self.work(ruby)?.head = head;
        self.close_file(ruby)?;
        let is_left = sent.map_err(|error| error.raise(ruby))?;
        Ok(if is_left { self.number.get().into_value_with(ruby) } else { ruby.qnil().as_value() })
    }

    /// What there is to tell where nothing has been sent.
    fn without_answer(&self, ruby: &Ruby) -> Result<Value, Error> {
        Ok(if self.is_hijacked.get() { ruby.qnil().as_value() } else { ruby.to_symbol("hijack").as_value() })
    }

    /// Takes the open request, and makes the head of its answer. Nothing has been sent yet; with an error, the request is
    /// open as before. `None` when the app has taken the socket, or wants it.
    fn make_head(
        &self,
        ruby: &Ruby,
        status: Value,
        headers: RHash,
        length: Option<u64>,
    ) -> Result<Option<Answer>, Error> {
        if self.is_hijacked.get() {
            return Ok(None);
        }
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
            (Ok(Some(plan)), State::Open(exchange)) => Ok(Some((exchange, plan, head))),
            (plan @ (Err(_) | Ok(None)), state) => {
                (work.state, work.head) = (state, head);
                plan.map(|_| None)
            }
            (Ok(Some(_)), State::Idle | State::Sending(_)) => {
                Err(exception::misuse(ruby, "the request was answered meanwhile"))
            }
        }
    }

    fn sending<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut Outgoing) -> Result<T, Error>) -> Result<T, Error> {
        match &mut self.work(ruby)?.state {
            State::Sending(outgoing) => work(outgoing),
            State::Idle | State::Open(_) => Err(exception::misuse(ruby, "no answer has been started")),
        }
    }

    /// Waits until the client has taken what is kept for it.
    fn wait_for_client(&self, ruby: &Ruby) -> Result<(), Error> {
        let is_blocked = self.with(ruby, |exchange, _| exchange.is_blocked())?;
        if is_blocked { self.waiting(|| client::flush(ruby, &self.interrupt, self)) } else { Ok(()) }
    }

    /// Does what waits for the client.
    fn waiting<T>(&self, work: impl FnOnce() -> T) -> T {
        let seat = self.seat.borrow().clone();
        match seat {
            None => work(),
            Some(runner) => {
                runner.wait_for_client(true);
                let result = work();
                runner.wait_for_client(false);
                result
            }
        }
    }

    fn close_file(&self, ruby: &Ruby) -> Result<(), Error> {
        match self.held.take() {
            Some(Held::File(file)) => ruby.get_inner(file).funcall::<_, _, Value>("close", ()).map(|_| ()),
            Some(Held::Streamed(_)) | None => Ok(()),
        }
    }

    fn work(&self, ruby: &Ruby) -> Result<RefMut<'_, Work>, Error> {
        self.work.try_borrow_mut().map_err(|_| exception::misuse(ruby, "another thread is using this worker"))
    }
}

impl Holder for Worker {
    fn with<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> T) -> Result<T, Error> {
        let mut own = self.work(ruby)?;
        let Work { state, room, .. } = &mut *own;
        Ok(work(state.exchange().ok_or_else(|| over(ruby))?, room))
    }
}

fn over(ruby: &Ruby) -> Error {
    exception::io_error(ruby, "the request is over: its client can't be reached any more")
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
