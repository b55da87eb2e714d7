//! An answer that is sent part by part: by the thread that serves the request, or by whom the app hands it on to.

use std::io;

use kino_core::error::AnswerError;
use kino_core::net::completion::Completion;
use kino_core::net::exchange::{AT_ONCE, Exchange};
use kino_core::net::response_writer::{Apart, FEW, ResponseWriter};
use magnus::{Error, RHash, Ruby, Value};

use super::{Request, State, over};
use crate::ffi::embedded::Handle;
use crate::response_writer::{Lock, SendError, Strings, string_of};
use crate::{exception, response};

impl Request {
    /// `start(status, headers, length) -> true or false`: makes the head of an answer whose body follows with `write`;
    /// `length` is the body's where it is known, else `nil`. False when the answer has no body, as with HEAD.
    pub(crate) fn start(
        ruby: &Ruby,
        this: Handle<Request>,
        status: Value,
        headers: RHash,
        length: Option<u64>,
    ) -> Result<bool, Error> {
        let Some((exchange, plan, head)) = this.make_head(ruby, status, headers, length.is_some(), || Ok(length))?
        else {
            return Err(exception::misuse(ruby, "start: the app has taken the socket, or wants it"));
        };
        let writer = ResponseWriter::new(exchange, plan, head);
        let wants_body = writer.wants_body();
        this.put_state(State::Sending(Box::new(writer)));
        Ok(wants_body)
    }

    /// `detach -> nil`: the answer that has been started is the app's, to be written on whatever thread.
    pub(crate) fn detach(ruby: &Ruby, this: Handle<Request>) -> Result<(), Error> {
        match this.take_state() {
            State::Sending(writer) => {
                this.put_state(State::Detached(writer));
                Ok(())
            }
            state => {
                this.put_state(state);
                Err(exception::misuse(ruby, "detach: no answer has been started"))
            }
        }
    }

    /// `leave_worker -> nil`: what has called for a stream has returned, and no worker has anything to do with it any more.
    pub(crate) fn leave_worker(ruby: &Ruby, this: Handle<Request>) -> Result<(), Error> {
        this.with(ruby, Exchange::detach)
    }

    /// `write(string) -> nil`: sends one part of the body at once, and waits until the client has taken it.
    pub(crate) fn write(ruby: &Ruby, this: Handle<Request>, part: Value) -> Result<(), Error> {
        let part = Strings::One(string_of(ruby, part)?);
        this.writing(ruby, |writer| writer.part(&part).map_err(|error| error.raise(ruby)))?;
        this.wait_for_client(ruby)?;
        this.thread(ruby).progress();
        Ok(())
    }

    /// `write_some(string) -> true or false`: as [`Request::write`], but never waits: false, and nothing is sent, while the
    /// client has not taken what it was sent before.
    pub(crate) fn write_some(ruby: &Ruby, this: Handle<Request>, part: Value) -> Result<bool, Error> {
        let part = Strings::One(string_of(ruby, part)?);
        let is_sent = this.writing(ruby, |writer| {
            let gone = |error: io::Error| SendError::from(error).raise(ruby);
            if writer.exchange().is_blocked() && !writer.exchange().flush(AT_ONCE).map_err(gone)? {
                return Ok(false);
            }
            writer.part(&part).map(|()| true).map_err(|error| error.raise(ruby))
        })?;
        this.relieve(ruby)?;
        Ok(is_sent)
    }

    /// `flush -> nil`: sends the head of an answer whose first part is still to come.
    pub(crate) fn flush(ruby: &Ruby, this: Handle<Request>) -> Result<(), Error> {
        this.writing(ruby, |writer| writer.flush().map_err(|error| SendError::from(error).raise(ruby)))?;
        this.wait_for_client(ruby)
    }

    /// `finish(trailers) -> nil`: the answer is whole; trailer fields follow it where the body is sent in chunks. The connection
    /// goes on to the next request.
    pub(crate) fn finish(ruby: &Ruby, this: Handle<Request>, trailers: Option<RHash>) -> Result<(), Error> {
        // An object's `to_s` may run in here, so nothing is borrowed.
        let lines = match trailers {
            Some(trailers) if this.writing(ruby, |writer| Ok(writer.takes_trailers()))? => {
                response::trailers(ruby, trailers)?
            }
            _ => Vec::new(),
        };
        this.writing(ruby, |writer| writer.end(&lines).map_err(|error| SendError::from(error).raise(ruby)))?;
        this.wait_for_client(ruby)?;
        let finished = match this.take_state() {
            // Its client has been waited for.
            State::Sending(writer) | State::Detached(writer) => writer.conclude(|| Completion::new(|_| ())).map(|_| ()),
            state => {
                this.put_state(state);
                Ok(())
            }
        };
        this.close_file(ruby)?;
        finished.map_err(|error| SendError::from(error).raise(ruby))
    }

    /// Moves to a file what a client has left of a part that nobody waits for, where memory should hold no more.
    fn relieve(&self, ruby: &Ruby) -> Result<(), Error> {
        let begin = |exchange: &mut Exchange| exchange.overflows(FEW).then(|| exchange.begin_spill());
        let Some(mut spilling) = self.with(ruby, begin)? else { return Ok(()) };
        // Nothing is borrowed meanwhile: another thread may be reading.
        let spilled = Lock.apart(|| spilling.spill());
        self.with(ruby, |exchange| exchange.end_spill(spilling))?;
        match spilled {
            Ok(done) => done.map_err(|error| SendError::from(AnswerError::NoRoom(error)).raise(ruby)),
            Err(error) => Err(error.raise(ruby)),
        }
    }

    fn writing<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut ResponseWriter) -> Result<T, Error>) -> Result<T, Error> {
        self.look(|state| match state {
            State::Sending(writer) | State::Detached(writer) => work(writer),
            State::Over => Err(over(ruby)),
            State::Open(_) | State::Hijacked => Err(exception::misuse(ruby, "no answer has been started")),
        })
    }
}
