//! An answer that is sent as a whole.

use std::path::PathBuf;

use kino_core::error::Fault;
use kino_core::http::plan::Plan;
use kino_core::net::exchange::Exchange;
use kino_core::net::response_writer::ResponseWriter;
use kino_core::net::response_writer::file::{Content, OpenError, send_file};
use kino_core::net::response_writer::whole::send_whole;
use magnus::value::ReprValue;
use magnus::{Error, IntoValue, RArray, RHash, Ruby, Value};

use super::{Request, State, begun, over};
use crate::ffi::embedded::Handle;
use crate::ffi::gvl;
use crate::response_writer::{Lock, SendError, Strings};
use crate::{exception, response};

/// A request, what its answer's head has promised, and that head.
pub(super) type Answer = (Box<Exchange>, Plan, Vec<u8>);

impl Request {
    /// `answer(status, headers, parts) -> nil, Integer or :hijack`: sends a whole answer whose body is an Array of Strings;
    /// a number when some of it is left to the engine, see [`crate::take`]. `:hijack` when the app wants the socket after
    /// the head (`rack.hijack`): nothing has been sent then.
    pub(crate) fn answer(
        ruby: &Ruby,
        this: Handle<Request>,
        status: Value,
        headers: RHash,
        parts: RArray,
    ) -> Result<Value, Error> {
        let strings = Strings::of(parts)?;
        let made = this.make_head(ruby, status, headers, true, || strings.length(ruby).map(Some))?;
        let Some((exchange, plan, mut head)) = made else { return this.without_answer(ruby) };
        if plan.is_encoded {
            return this.answer_encoded(ruby, ResponseWriter::new(exchange, plan, head), strings);
        }
        let thread = this.thread(ruby);
        let sent = send_whole(*exchange, plan, &mut head, &strings, || thread.completion(this.number.into()));
        // Until here the array has kept its strings alive.
        std::hint::black_box(strings);
        thread.give_head(head);
        this.answered(ruby, sent)
    }

    /// `send_file(status, headers, path) -> nil, Integer or :hijack`: as [`Request::answer`], for a body that is a file.
    pub(crate) fn send_file(
        ruby: &Ruby,
        this: Handle<Request>,
        status: Value,
        headers: RHash,
        path: PathBuf,
    ) -> Result<Value, Error> {
        let thread = this.thread(ruby);
        let content = loop {
            let descriptors = thread.dispatch().context().descriptors.clone();
            match thread.briefly(|| gvl::without(|| Content::open(&path, &descriptors), || ())) {
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
        let completion = || thread.completion(this.number.into());
        let sent = thread.briefly(|| send_file(*exchange, plan, &head, content, &Lock, completion));
        thread.give_head(head);
        this.answered(ruby, sent)
    }

    /// Makes the head of its answer and takes it from those that wait for one. Nothing has been sent yet; with an error, the
    /// request is open as before. `None` when the app has taken the socket, or wants it.
    pub(super) fn make_head(
        &self,
        ruby: &Ruby,
        status: Value,
        headers: RHash,
        is_whole: bool,
        length: impl FnOnce() -> Result<Option<u64>, Error>,
    ) -> Result<Option<Answer>, Error> {
        let asked = self.look(|state| match state {
            State::Open(exchange) => {
                // A whole answer is out at once, so that nobody would read the body any more.
                if is_whole {
                    exchange.skip_body();
                }
                Ok(Some((exchange.asked(), exchange.own_fields())))
            }
            State::Hijacked => Ok(None),
            State::Sending(_) | State::Detached(_) => Err(begun(ruby)),
            State::Over => Err(over(ruby)),
        })?;
        let Some((asked, own)) = asked else { return Ok(None) };
        let thread = self.thread(ruby);
        let (mut head, date) = thread.head();
        // An object's `to_s` may run in here, so nothing is borrowed.
        let plan = response::head(ruby, &mut head, (status, headers), length, (asked, &own), &date);
        match plan {
            Ok(Some(plan)) => self.take_open(ruby).map(|exchange| Some((exchange, plan, head))),
            Ok(None) | Err(_) => {
                thread.give_head(head);
                plan.map(|_| None)
            }
        }
    }

    /// The same for parts that are chunks already.
    fn answer_encoded(&self, ruby: &Ruby, mut writer: ResponseWriter, parts: Strings) -> Result<Value, Error> {
        if let Err(error) = send_encoded(ruby, &mut writer, parts) {
            // As with any answer, one of which nothing has been sent can be another.
            self.put_state(State::Sending(Box::new(writer)));
            return Err(error);
        }
        let thread = self.thread(ruby);
        self.answered(ruby, writer.conclude(|| thread.completion(self.number.into())).map_err(SendError::from))
    }

    /// Answers it in the app's place.
    fn refuse(&self, ruby: &Ruby, fault: Fault) -> Result<Value, Error> {
        let exchange = self.take_open(ruby)?;
        exchange.context().tell_refusal(fault, exchange.peer());
        exchange.refuse(fault);
        self.close_file(ruby)?;
        Ok(ruby.qnil().as_value())
    }

    fn answered(&self, ruby: &Ruby, sent: Result<bool, SendError>) -> Result<Value, Error> {
        self.close_file(ruby)?;
        let is_left = sent.map_err(|error| error.raise(ruby))?;
        Ok(if is_left { self.number.into_value_with(ruby) } else { ruby.qnil().as_value() })
    }

    /// What there is to tell where nothing has been sent.
    fn without_answer(&self, ruby: &Ruby) -> Result<Value, Error> {
        Ok(if self.look(|state| matches!(state, State::Hijacked)) {
            ruby.qnil().as_value()
        } else {
            ruby.to_symbol("hijack").as_value()
        })
    }
}

fn send_encoded(ruby: &Ruby, writer: &mut ResponseWriter, parts: Strings) -> Result<(), Error> {
    let mut at = 0;
    // Asked for each time: while a part is written to a file the app may change the others.
    while at < parts.number() {
        let part = parts.part(ruby, at)?;
        writer.part(&part).and_then(|()| writer.relieve(&Lock)).map_err(|error| error.raise(ruby))?;
        at += 1;
    }
    writer.end(b"").map_err(|error| SendError::from(error).raise(ruby))
}
