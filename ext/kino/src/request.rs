//! `Kino::Request`: one request, from the moment that a worker's thread takes it to its answer's last byte. Whatever reads,
//! writes or ends does so by this object, so a call that comes late, from a thread that the app has left behind, finds a
//! request that is over, and never the next one.

mod answer;
mod body;
mod client;
mod takeover;
mod whole;

use std::cell::Cell;
use std::sync::OnceLock;

use kino_core::net::exchange::Exchange;
use kino_core::net::response_writer::ResponseWriter;
use kino_core::spool_file::Claim;
use magnus::typed_data::Obj;
use magnus::value::{Opaque, ReprValue};
use magnus::{Class, Error, RClass, RHash, Ruby, Value};

use crate::exception;
use crate::ffi::embedded::{DataType, Embedded, Handle};
use crate::ffi::process::generation;
use crate::worker_thread::WorkerThread;

/// One request. Its state is used for moments in which no Ruby runs, so that one thread may read while another writes. It has
/// just the size (48 bytes) that Ruby has an object of 80 bytes for.
pub(crate) struct Request {
    /// Whose it is, or was.
    thread: Opaque<Obj<WorkerThread>>,
    env: Cell<Option<Opaque<RHash>>>,
    state: Cell<State>,
    /// A body's open file, closed after the answer, and what is to be dropped after that.
    file: Cell<Option<Box<BodyFile>>>,
    /// Among its thread's.
    number: u32,
    /// The process that serves it.
    made_in: u32,
}

/// The app's `File`, and the right to what it takes.
type BodyFile = (Opaque<Value>, Claim);

const _: () = assert!(size_of::<Request>() == 48);

static CLASS: OnceLock<Opaque<RClass>> = OnceLock::new();
static DATA_TYPE: DataType<Request> = DataType::new(c"Kino::Request");

/// ```text
///   Open --answer--> Over
///    |\--start--> Sending --finish, abort--> Over
///    |               \--detach--> Detached --finish, abort--> Over
///    \--hijack--> Hijacked
/// ```
/// `retract` leads back to Open while nothing has been sent.
#[derive(Default)]
enum State {
    /// It waits for its answer.
    Open(Box<Exchange>),
    /// Its thread sends the answer.
    Sending(Box<ResponseWriter>),
    /// The app does, on whatever thread, for as long as it likes: no worker waits for it.
    Detached(Box<ResponseWriter>),
    /// The app has the socket.
    Hijacked,
    #[default]
    Over,
}

impl Embedded for Request {
    fn data_type() -> &'static DataType<Request> {
        &DATA_TYPE
    }

    fn each_value(&self, tell: &mut dyn FnMut(Value)) {
        // Inside the collector, which nothing runs beside: what is told of is Ruby's to look at.
        let ruby = Ruby::get().expect("the collector runs with Ruby's lock");
        tell(ruby.get_inner(self.thread).as_value());
        if let Some(env) = self.env.get() {
            tell(ruby.get_inner(env).as_value());
        }
        let file = self.file.take();
        if let Some(file) = &file {
            tell(ruby.get_inner(file.0));
        }
        self.file.set(file);
    }
}

/// One that has been lost before its answer's end: the client sees that. In a child that the app has forked, connections are
/// the parent's: nothing of them may be touched, least of all when the child's exit frees its objects.
impl Drop for Request {
    fn drop(&mut self) {
        let left = (self.state.take(), self.file.take());
        if matches!(left, (State::Over | State::Hijacked, None)) {
            return;
        }
        if !self.is_ours() {
            return std::mem::forget(left);
        }
        match left.0 {
            State::Open(exchange) => exchange.abort(),
            State::Sending(writer) | State::Detached(writer) => writer.abort(),
            State::Hijacked | State::Over => {}
        }
    }
}

impl State {
    /// The request, until its answer's end.
    fn exchange(&mut self) -> Option<&mut Exchange> {
        match self {
            State::Open(exchange) => Some(exchange),
            State::Sending(writer) | State::Detached(writer) => Some(writer.exchange()),
            State::Hijacked | State::Over => None,
        }
    }
}

impl Request {
    /// Keeps the class of its objects, while the extension is loaded. An app is given one, and makes none.
    pub(crate) fn prepare(ruby: &Ruby, class: RClass) {
        class.undef_default_alloc_func();
        ruby.gc_register_mark_object(class);
        let _ = CLASS.set(class.into());
    }

    /// One whose exchange is still to [come](Request::begin).
    ///
    /// # Errors
    /// When Ruby has no memory left.
    pub(crate) fn make(ruby: &Ruby, thread: Obj<WorkerThread>) -> Result<Handle<Request>, Error> {
        let class = CLASS.get().expect("the class is there from the extension's loading on");
        let request = Request {
            thread: thread.into(),
            env: Cell::new(None),
            state: Cell::default(),
            file: Cell::default(),
            number: thread.count(),
            made_in: generation(),
        };
        Handle::new(ruby.get_inner(*class), request)
    }

    /// It waits for its answer from now on. Until here the caller has held all three.
    pub(crate) fn begin(&self, exchange: Box<Exchange>, env: Option<RHash>, file: Option<(Value, Claim)>) {
        self.env.set(env.map(Opaque::from));
        self.file.set(file.map(|(file, claim)| Box::new((file.into(), claim))));
        self.state.set(State::Open(exchange));
    }

    /// `env -> Hash`: as it was handed to the app.
    pub(crate) fn env(ruby: &Ruby, this: Handle<Request>) -> Option<RHash> {
        this.env.get().map(|env| ruby.get_inner(env))
    }

    /// `open? -> true or false`: whether it waits for its answer, of which nothing has been sent.
    pub(crate) fn is_open(this: Handle<Request>) -> bool {
        this.look(|state| matches!(state, State::Open(_)))
    }

    /// `key -> Integer or nil`: a number that is this request's, see `Engine#overdue`; nil once it is answered.
    pub(crate) fn key(this: Handle<Request>) -> Option<usize> {
        this.look(|state| if let State::Open(exchange) = state { Some(exchange.key()) } else { None })
    }

    /// `served? -> true or false`: whether its thread has still to answer it, or to end its answer.
    pub(crate) fn is_served(this: Handle<Request>) -> bool {
        this.look(|state| matches!(state, State::Open(_) | State::Sending(_)))
    }

    /// `mark_as_io_bound -> true or false`: its thread waits for something outside of Ruby from now on, and doesn't count against the
    /// most threads that there may be; false where that changes nothing, or its thread serves it no more.
    pub(crate) fn mark_as_io_bound(ruby: &Ruby, this: Handle<Request>) -> bool {
        Request::is_served(this) && this.thread(ruby).runner().is_some_and(|runner| runner.mark_io_bound())
    }

    /// `hijacked? -> true or false`: whether the app has taken the socket.
    pub(crate) fn is_hijacked(this: Handle<Request>) -> bool {
        this.look(|state| matches!(state, State::Hijacked))
    }

    /// `abort -> nil`: the answer can't be made whole; the connection is closed so that the client can tell.
    pub(crate) fn abort(ruby: &Ruby, this: Handle<Request>) -> Result<(), Error> {
        match this.take_state() {
            State::Over => {}
            State::Hijacked => this.put_state(State::Hijacked),
            State::Open(exchange) => exchange.abort(),
            State::Sending(writer) | State::Detached(writer) => writer.abort(),
        }
        this.close_file(ruby)
    }

    /// `retract -> true or false`: takes an answer back of which nothing has been sent, so that another can be; false when
    /// there is none, or it is too late.
    pub(crate) fn retract(this: Handle<Request>) -> bool {
        let (state, is_retracted) = match this.take_state() {
            State::Sending(writer) | State::Detached(writer) if writer.is_unsent() => {
                (State::Open(writer.into_exchange()), true)
            }
            state => (state, false),
        };
        this.put_state(state);
        is_retracted
    }

    /// The thread that has taken it. Alive for as long as this is, which marks it.
    fn thread(&self, ruby: &Ruby) -> Obj<WorkerThread> {
        ruby.get_inner(self.thread)
    }

    /// Takes it for its answer.
    fn take_open(&self, ruby: &Ruby) -> Result<Box<Exchange>, Error> {
        match self.take_state() {
            State::Open(exchange) => Ok(exchange),
            State::Over => Err(over(ruby)),
            state => {
                self.put_state(state);
                Err(begun(ruby))
            }
        }
    }

    fn close_file(&self, ruby: &Ruby) -> Result<(), Error> {
        // The claim goes last: who closes the file for good is not to have Ruby's lock.
        match self.file.take() {
            Some(file) if !self.is_ours() => {
                std::mem::forget(file);
                Ok(())
            }
            Some(file) => ruby.get_inner(file.0).funcall::<_, _, Value>("close", ()).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Lets `work`, which runs no Ruby that could ask for it, look at the state.
    fn look<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.take_state();
        let seen = work(&mut state);
        self.put_state(state);
        seen
    }

    /// The state, to be [put](Request::put_state) there again, or another. In a child that the app has forked the request is
    /// the parent's, and over.
    fn take_state(&self) -> State {
        if self.is_ours() { self.state.take() } else { State::Over }
    }

    fn put_state(&self, state: State) {
        if self.is_ours() {
            self.state.set(state);
        }
    }

    fn is_ours(&self) -> bool {
        self.made_in == generation()
    }

    /// Lets `work`, as above, use the request.
    fn with<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut Exchange) -> T) -> Result<T, Error> {
        self.look(|state| state.exchange().map(work)).ok_or_else(|| over(ruby))
    }
}

fn over(ruby: &Ruby) -> Error {
    exception::io_error(ruby, "the request is over: its client can't be reached any more")
}

fn begun(ruby: &Ruby) -> Error {
    exception::io_error(ruby, "the answer has begun, or the app has taken the socket")
}
