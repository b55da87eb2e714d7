//! `Kino::Native::DetachedResponse`: the rest of an answer that the app writes as a stream, on whatever thread, for as long as it
//! likes. No worker waits for it.

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::sync::Arc;

use kino_core::dispatch::lead::Dispatch;
use kino_core::error::AnswerError;
use kino_core::net::completion::Completion;
use kino_core::net::exchange::{AT_ONCE, Exchange};
use kino_core::net::response_writer::{Apart, FEW, ResponseWriter};
use kino_core::spool_file::Claim;
use magnus::value::{Opaque, ReprValue};
use magnus::{DataTypeFunctions, Error, RHash, RString, Ruby, TypedData, Value, gc};

use crate::client::{self, Holder};
use crate::response_writer::{Lock, SendError, Strings};
use crate::{exception, response};

/// An answer that has been begun. One thread may wait for its client to read on, and one for more of its body: both hear of
/// its end, whoever brings it about.
#[derive(TypedData)]
#[magnus(class = "Kino::Native::DetachedResponse", free_immediately, mark)]
pub(crate) struct DetachedResponse {
    process: u32,
    /// Where its client is waited for.
    dispatch: Arc<Dispatch>,
    work: RefCell<Work>,
    /// A request body's open file, closed after the answer.
    file: Cell<Option<Opaque<Value>>>,
    /// Of that file, dropped after it has been closed.
    claim: Cell<Option<Claim>>,
}

struct Work {
    /// `None` once it has ended.
    outgoing: Option<Box<ResponseWriter>>,
    /// Room to read a streamed body into.
    room: Vec<u8>,
}

impl DataTypeFunctions for DetachedResponse {
    fn mark(&self, marker: &gc::Marker) {
        if let Some(file) = self.file.get() {
            marker.mark(file);
        }
    }
}

/// One that the app has lost without closing it: the client sees that the answer is not whole. In a forked child, the
/// connection is the parent's.
impl Drop for DetachedResponse {
    fn drop(&mut self) {
        let outgoing = self.work.get_mut().outgoing.take();
        if self.process != std::process::id() {
            std::mem::forget((outgoing, self.dispatch.clone(), self.claim.take()));
        } else if let Some(outgoing) = outgoing {
            outgoing.abort();
        }
    }
}

impl DetachedResponse {
    pub(crate) fn new(
        outgoing: Box<ResponseWriter>,
        file: Option<(Opaque<Value>, Option<Claim>)>,
        dispatch: Arc<Dispatch>,
    ) -> DetachedResponse {
        let (file, claim) = file.unzip();
        let work = RefCell::new(Work { outgoing: Some(outgoing), room: Vec::new() });
        DetachedResponse {
            process: std::process::id(),
            dispatch,
            work,
            file: Cell::new(file),
            claim: Cell::new(claim.flatten()),
        }
    }

    /// `write(string) -> nil`: sends one part of the body at once, and waits until the client has taken it.
    pub(crate) fn write(ruby: &Ruby, this: &DetachedResponse, part: RString) -> Result<(), Error> {
        this.use_it(ruby, |outgoing| outgoing.part(&Strings::One(part)).map_err(|error| error.raise(ruby)))?;
        client::flush(ruby, &this.dispatch, this)
    }

    /// `flush -> nil`: sends the head of an answer whose first part is still to come.
    pub(crate) fn flush(ruby: &Ruby, this: &DetachedResponse) -> Result<(), Error> {
        this.use_it(ruby, |outgoing| outgoing.flush().map_err(|error| SendError::from(error).raise(ruby)))?;
        client::flush(ruby, &this.dispatch, this)
    }

    /// `leave_worker -> nil`: the body's `call` has returned, and no worker has anything to do with it any more.
    pub(crate) fn leave_worker(ruby: &Ruby, this: &DetachedResponse) -> Result<(), Error> {
        this.with(ruby, |exchange, _| exchange.detach())
    }

    /// `read_body(number, most) -> String or nil`: as a worker's.
    pub(crate) fn read_body(
        ruby: &Ruby,
        this: &DetachedResponse,
        _: u64,
        most: usize,
    ) -> Result<Option<RString>, Error> {
        client::read(ruby, &this.dispatch, this, most)
    }

    /// `trailers(number) -> Hash`: as a worker's.
    pub(crate) fn trailers(ruby: &Ruby, this: &DetachedResponse, _: u64) -> Result<RHash, Error> {
        let trailers = this.with(ruby, |exchange, _| exchange.take_trailers())?;
        client::trailers_of(ruby, trailers)
    }

    /// `write_some(string) -> true or false`: as [`DetachedResponse::write`], but never waits: false, and nothing is sent, while the
    /// client has not taken what it was sent before.
    pub(crate) fn write_some(ruby: &Ruby, this: &DetachedResponse, part: RString) -> Result<bool, Error> {
        let is_sent = this.use_it(ruby, |outgoing| {
            let gone = |error: io::Error| SendError::from(error).raise(ruby);
            if outgoing.exchange().is_blocked() && !outgoing.exchange().flush(AT_ONCE).map_err(gone)? {
                return Ok(false);
            }
            outgoing.part(&Strings::One(part)).map(|()| true).map_err(|error| error.raise(ruby))
        })?;
        this.relieve(ruby)?;
        Ok(is_sent)
    }

    /// `end_body(trailers) -> nil`: the body is whole; trailer fields follow it where it is sent in chunks. What the client
    /// still sends can be read.
    pub(crate) fn end_body(ruby: &Ruby, this: &DetachedResponse, trailers: Option<RHash>) -> Result<(), Error> {
        // An object's `to_s` may run in here, so nothing is borrowed.
        let lines = match trailers {
            Some(trailers) if this.use_it(ruby, |outgoing| Ok(outgoing.takes_trailers()))? => {
                response::trailers(ruby, trailers)?
            }
            _ => Vec::new(),
        };
        this.use_it(ruby, |outgoing| outgoing.end(&lines).map_err(|error| SendError::from(error).raise(ruby)))?;
        client::flush(ruby, &this.dispatch, this)
    }

    /// `conclude -> nil`: the connection goes on to the next request. Only after [`DetachedResponse::end_body`].
    pub(crate) fn conclude(ruby: &Ruby, this: &DetachedResponse) -> Result<(), Error> {
        let outgoing = this.work(ruby)?.outgoing.take();
        this.close(ruby)?;
        match outgoing {
            // Its client has been waited for.
            Some(outgoing) => {
                let ended = outgoing.conclude(|| Completion::new(|_| ()));
                ended.map(|_| ()).map_err(|error| SendError::from(error).raise(ruby))
            }
            None => Ok(()),
        }
    }

    /// `abort -> nil`: the answer can't be made whole; the connection is closed so that the client can tell.
    pub(crate) fn abort(ruby: &Ruby, this: &DetachedResponse) -> Result<(), Error> {
        if let Some(outgoing) = this.work(ruby)?.outgoing.take() {
            outgoing.abort();
        }
        this.close(ruby)
    }

    /// `client_gone? -> true or false`: whether nobody reads the answer any more.
    pub(crate) fn is_client_gone(&self) -> bool {
        // Borrowed, it is being used to send or to read, which tells by itself.
        let work = self.work.try_borrow_mut();
        work.is_ok_and(|mut work| work.outgoing.as_mut().is_none_or(|outgoing| outgoing.exchange().is_client_gone()))
    }

    /// The answer again, if nothing of it has been sent.
    pub(crate) fn take_unsent(&self) -> Option<Box<ResponseWriter>> {
        self.work.try_borrow_mut().ok()?.outgoing.take_if(|outgoing| outgoing.is_unsent())
    }

    /// Moves to a file what a client has left of a part that nobody waits for, where memory should hold no more.
    fn relieve(&self, ruby: &Ruby) -> Result<(), Error> {
        let begin = |exchange: &mut Exchange, _: &mut _| exchange.overflows(FEW).then(|| exchange.begin_spill());
        let Some(mut spilling) = self.with(ruby, begin)? else { return Ok(()) };
        // Nothing is borrowed meanwhile: another thread may be reading.
        let spilled = Lock.apart(|| spilling.spill());
        self.with(ruby, |exchange, _| exchange.end_spill(spilling))?;
        match spilled {
            Ok(done) => done.map_err(|error| SendError::from(AnswerError::NoRoom(error)).raise(ruby)),
            Err(error) => Err(error.raise(ruby)),
        }
    }

    fn use_it<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut ResponseWriter) -> Result<T, Error>) -> Result<T, Error> {
        work(self.work(ruby)?.outgoing.as_mut().ok_or_else(|| ended(ruby))?)
    }

    fn close(&self, ruby: &Ruby) -> Result<(), Error> {
        let _claim = self.claim.take();
        match self.file.take() {
            None => Ok(()),
            Some(file) => ruby.get_inner(file).funcall::<_, _, Value>("close", ()).map(|_| ()),
        }
    }

    fn work(&self, ruby: &Ruby) -> Result<RefMut<'_, Work>, Error> {
        self.work.try_borrow_mut().map_err(|_| exception::misuse(ruby, "another thread is using this stream"))
    }
}

impl Holder for DetachedResponse {
    fn with<T>(&self, ruby: &Ruby, work: impl FnOnce(&mut Exchange, &mut Vec<u8>) -> T) -> Result<T, Error> {
        let mut own = self.work(ruby)?;
        let Work { outgoing, room } = &mut *own;
        Ok(work(outgoing.as_mut().ok_or_else(|| ended(ruby))?.exchange(), room))
    }
}

fn ended(ruby: &Ruby) -> Error {
    exception::io_error(ruby, "the stream has ended")
}
