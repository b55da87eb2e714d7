//! Sending a request's answer: as a whole, part by part, or by whom the app hands it on to.

use std::path::PathBuf;

use kino_core::error::Fault;
use kino_core::http::date;
use kino_core::http::plan::Plan;
use kino_core::net::completion::Completion;
use kino_core::net::exchange::Exchange;
use kino_core::net::response_writer::ResponseWriter;
use kino_core::net::response_writer::file::{Content, OpenError, send_file};
use kino_core::net::response_writer::whole::send_whole;
use magnus::typed_data::Obj;
use magnus::value::ReprValue;
use magnus::{Error, IntoValue, RArray, RHash, Ruby, Value};

use super::{Held, State, WorkerThread};
use crate::detached_response::DetachedResponse;
use crate::ffi::gvl;
use crate::response_writer::{Lock, SendError, Strings, string_of};
use crate::{exception, response};

/// A request, what its answer's head has promised, and that head.
type Answer = (Box<Exchange>, Plan, Vec<u8>);

impl WorkerThread {
    /// `answer(status, headers, parts) -> nil, Integer or :hijack`: sends a whole answer whose body is an Array of Strings;
    /// a number when some of it is left to the engine, see [`WorkerThread::take`]. `:hijack` when the app wants the socket after
    /// the head (`rack.hijack`): nothing has been sent then.
    pub(crate) fn answer(
        ruby: &Ruby,
        this: &WorkerThread,
        status: Value,
        headers: RHash,
        parts: RArray,
    ) -> Result<Value, Error> {
        let strings = Strings::of(parts);
        let made = this.make_head(ruby, status, headers, true, || strings.length(ruby).map(Some))?;
        let Some((exchange, plan, mut head)) = made else { return this.without_answer(ruby) };
        if plan.is_encoded {
            return this.answer_encoded(ruby, ResponseWriter::new(exchange, plan, head), strings);
        }
        let sent = send_whole(*exchange, plan, &mut head, &strings, || this.completion());
        // Until here the array has kept its strings alive.
        std::hint::black_box(parts);
        this.answered(ruby, head, sent)
    }

    /// `send_file(status, headers, path) -> nil, Integer or :hijack`: as [`WorkerThread::answer`], for a body that is a file.
    pub(crate) fn send_file(
        ruby: &Ruby,
        this: &WorkerThread,
        status: Value,
        headers: RHash,
        path: PathBuf,
    ) -> Result<Value, Error> {
        let content = loop {
            let descriptors = this.dispatch.context().descriptors.clone();
            match this.briefly(|| gvl::without(|| Content::open(&path, &descriptors), || ())) {
                Some(Ok(content)) => break content,
                Some(Err(OpenError::Descriptors)) => return this.refuse(ruby, Fault::OpenFiles),
                Some(Err(OpenError::File(error))) => {
                    return Err(exception::system_error(ruby, &error, &path.to_string_lossy()));
                }
                None => gvl::check_interrupts()?,
            }
        };
        let made = this.make_head(ruby, status, headers, true, || Ok(Some(content.len())))?;
        let Some((exchange, plan, head)) = made else { return this.without_answer(ruby) };
        let sent = this.briefly(|| send_file(*exchange, plan, &head, content, &Lock, || this.completion()));
        this.answered(ruby, head, sent)
    }

    /// `start(status, headers, length) -> true or false`: sends the head of an answer whose body follows with `write`;
    /// `length` is the body's where it is known, else `nil`. False when the answer has no body, as with HEAD.
    pub(crate) fn start(
        ruby: &Ruby,
        this: &WorkerThread,
        status: Value,
        headers: RHash,
        length: Option<u64>,
    ) -> Result<bool, Error> {
        let Some((exchange, plan, head)) = this.make_head(ruby, status, headers, length.is_some(), || Ok(length))?
        else {
            return Err(exception::misuse(ruby, "start: the app has taken the socket, or wants it"));
        };
        let outgoing = ResponseWriter::new(exchange, plan, head);
        let wants_body = outgoing.wants_body();
        this.work(ruby)?.state = State::Sending(Box::new(outgoing));
        Ok(wants_body)
    }

    /// `write(string) -> nil`: sends one part of the body at once, and waits until the client has taken it.
    pub(crate) fn write(ruby: &Ruby, this: &WorkerThread, part: Value) -> Result<(), Error> {
        let part = Strings::One(string_of(ruby, part)?);
        this.sending(ruby, |outgoing| outgoing.part(&part).map_err(|error| error.raise(ruby)))?;
        this.wait_for_client(ruby)?;
        if let Some(runner) = &*this.seat.borrow() {
            runner.progress();
        }
        Ok(())
    }

    /// `flush -> nil`: sends the head of an answer whose first part is still to come.
    pub(crate) fn flush(ruby: &Ruby, this: &WorkerThread) -> Result<(), Error> {
        this.sending(ruby, |outgoing| outgoing.flush().map_err(|error| SendError::from(error).raise(ruby)))?;
        this.wait_for_client(ruby)
    }

    /// `finish(trailers) -> nil`: the answer is whole; trailer fields follow it where the body is sent in chunks.
    pub(crate) fn finish(ruby: &Ruby, this: &WorkerThread, trailers: Option<RHash>) -> Result<(), Error> {
        // An object's `to_s` may run in here, so nothing is borrowed.
        let lines = match trailers {
            Some(trailers) if this.sending(ruby, |outgoing| Ok(outgoing.takes_trailers()))? => {
                response::trailers(ruby, trailers)?
            }
            _ => Vec::new(),
        };
        this.sending(ruby, |outgoing| outgoing.end(&lines).map_err(|error| SendError::from(error).raise(ruby)))?;
        this.wait_for_client(ruby)?;
        let finished = match std::mem::replace(&mut this.work(ruby)?.state, State::Idle) {
            // Its client has been waited for.
            State::Sending(outgoing) => outgoing.conclude(|| Completion::new(|_| ())).map(|_| ()),
            State::Idle | State::Open(_) => Ok(()),
        };
        this.close_file(ruby)?;
        finished.map_err(|error| SendError::from(error).raise(ruby))
    }

    /// `detach -> DetachedResponse`: the answer that has been started is the app's, to be written on whatever thread; the worker has
    /// nothing to do with it any more.
    pub(crate) fn detach(ruby: &Ruby, this: &WorkerThread) -> Result<Obj<DetachedResponse>, Error> {
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
        let outlet = ruby.obj_wrap(DetachedResponse::new(
            outgoing,
            file.map(|file| (file, this.claim.take())),
            this.dispatch.clone(),
        ));
        if let Some(body) = streamed {
            ruby.get_inner(body).funcall::<_, _, Value>("read_from", (outlet,))?;
        }
        Ok(outlet)
    }

    /// `abort -> nil`: the answer can't be made whole; the connection is closed so that the client can tell.
    pub(crate) fn abort(ruby: &Ruby, this: &WorkerThread) -> Result<(), Error> {
        match std::mem::replace(&mut this.work(ruby)?.state, State::Idle) {
            State::Idle => {}
            State::Open(exchange) => exchange.abort(),
            State::Sending(outgoing) => outgoing.abort(),
        }
        this.close_file(ruby)
    }

    /// `attach(outlet) -> nil`: ends what [`WorkerThread::detach`] began, where nothing has been sent yet.
    pub(crate) fn attach(ruby: &Ruby, this: &WorkerThread, outlet: Obj<DetachedResponse>) -> Result<(), Error> {
        if let Some(outgoing) = outlet.take_unsent() {
            this.work(ruby)?.state = State::Sending(outgoing);
        }
        Ok(())
    }

    /// `retract -> true or false`: takes an answer back of which nothing has been sent, so that another can be; false when
    /// there is none, or it is too late.
    pub(crate) fn retract(ruby: &Ruby, this: &WorkerThread) -> Result<bool, Error> {
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

    /// The same for parts that are chunks already.
    fn answer_encoded(&self, ruby: &Ruby, mut outgoing: ResponseWriter, parts: Strings) -> Result<Value, Error> {
        if let Err(error) = send_encoded(ruby, &mut outgoing, parts) {
            // As with any answer, one of which nothing has been sent can be another.
            self.work(ruby)?.state = State::Sending(Box::new(outgoing));
            return Err(error);
        }
        self.answered(ruby, Vec::new(), outgoing.conclude(|| self.completion()).map_err(SendError::from))
    }

    /// Answers the open request in the app's place.
    fn refuse(&self, ruby: &Ruby, fault: Fault) -> Result<Value, Error> {
        let exchange = self.take_open(ruby)?;
        exchange.context().tell_refusal(fault, exchange.peer());
        exchange.refuse(fault);
        self.close_file(ruby)?;
        Ok(ruby.qnil().as_value())
    }

    fn completion(&self) -> Completion {
        self.completions.completion(&self.interrupt, self.number.get())
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
        is_whole: bool,
        length: impl FnOnce() -> Result<Option<u64>, Error>,
    ) -> Result<Option<Answer>, Error> {
        if self.is_hijacked.get() {
            return Ok(None);
        }
        let (asked, mut head, mut clock) = {
            let mut work = self.work(ruby)?;
            let State::Open(exchange) = &mut work.state else {
                return Err(exception::misuse(ruby, "no request is open"));
            };
            // A whole answer is out at once, so that nobody would read the body any more.
            if is_whole {
                exchange.skip_body();
            }
            (exchange.asked(), std::mem::take(&mut work.head), std::mem::take(&mut work.clock))
        };
        // An object's `to_s` may run in here, so nothing is borrowed.
        let plan = response::head(ruby, &mut head, (status, headers), length, asked, clock.at(date::now()));
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

    fn sending<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut ResponseWriter) -> Result<T, Error>) -> Result<T, Error> {
        match &mut self.work(ruby)?.state {
            State::Sending(outgoing) => work(outgoing),
            State::Idle | State::Open(_) => Err(exception::misuse(ruby, "no answer has been started")),
        }
    }
}

fn send_encoded(ruby: &Ruby, outgoing: &mut ResponseWriter, parts: Strings) -> Result<(), Error> {
    let mut at = 0;
    // Asked for each time: while a part is written to a file the app may change the others.
    while at < parts.number() {
        let part = parts.part(ruby, at)?;
        outgoing.part(&part).and_then(|()| outgoing.relieve(&Lock)).map_err(|error| error.raise(ruby))?;
        at += 1;
    }
    outgoing.end(b"").map_err(|error| SendError::from(error).raise(ruby))
}
