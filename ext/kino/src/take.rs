//! A worker's thread takes a request: waits for one, and hands out its env.

use std::sync::Arc;

use kino_core::dispatch::gvl_group::{Runner, Waited};
use kino_core::dispatch::interrupt::Interrupt;
use kino_core::dispatch::lead::{Awaited, Dispatch};
use kino_core::http::spool::Body;
use kino_core::net::exchange::Exchange;
use kino_core::spool_file::Claim;
use magnus::typed_data::Obj;
use magnus::value::ReprValue;
use magnus::{Error, IntoValue, RHash, Ruby, Value};

use crate::client_gone::ClientGone;
use crate::completions::Completed;
use crate::ffi::gvl;
use crate::request::Request;
use crate::trailers::trailers_of;
use crate::worker_thread::WorkerThread;
use crate::{env, exception, input};

/// What a thread is given to do.
enum Next {
    Exchange(Box<Exchange>),
    Completed(Completed),
    Over,
}

/// `take -> Hash, Array or nil`: waits for a request; its env, or `nil` when there will be none any more. Or what became
/// of an answer that was left to the engine: `[number, whether all of it was sent]`.
/// In a child that the app has forked there will be none.
pub(crate) fn take(ruby: &Ruby, this: Obj<WorkerThread>) -> Result<Option<Value>, Error> {
    if !this.is_ours() {
        return Ok(None);
    }
    // Whoever waits keeps nothing of the last one: a stream that the app has lost is to be seen as lost.
    this.has_taken(None);
    let runner =
        this.runner().ok_or_else(|| exception::misuse(ruby, "take: the thread is no worker; call enter first"))?;
    let mut exchange = match next(&this, runner)? {
        Next::Exchange(exchange) => exchange,
        Next::Completed((number, is_sent)) => {
            let told = [number.into_value_with(ruby), is_sent.into_value_with(ruby)];
            return Ok(Some(ruby.ary_from_iter(told).as_value()));
        }
        Next::Over => return Ok(None),
    };
    let head = exchange.head();
    runner.run_since(exchange.taken(), head.method(), head.target(), Some(exchange.peer()));
    exchange.served_by(runner.number());

    let request = Request::make(ruby, this)?;
    this.has_taken(Some(request.object()));
    match env_of(ruby, this, &mut exchange, request.object()) {
        Ok((env, file)) => {
            request.begin(exchange, Some(env), file);
            Ok(Some(env.as_value()))
        }
        // Raised into this thread meanwhile: the request is open, for whoever rescues that to answer.
        Err(error) => {
            request.begin(exchange, None, None);
            Err(error)
        }
    }
}

/// What the app is called with, and the body's file.
fn env_of(
    ruby: &Ruby,
    this: Obj<WorkerThread>,
    exchange: &mut Exchange,
    request: Value,
) -> Result<(RHash, Option<(Value, Claim)>), Error> {
    let body = exchange.take_body();
    // Decoded, a chunked body that has come has a length, be it nothing.
    let decoded = (exchange.is_chunked() && !matches!(body, Body::Arriving)).then_some(0);
    let trailers = if exchange.may_have_trailers() { Some(trailers_of(ruby, exchange.take_trailers())?) } else { None };
    let input = input::of(ruby, body, request, trailers)?;
    // One of its own, even where there is no body: middleware may extend it, or give it variables.
    let object = input.object.map_or_else(|| input::none(ruby), Ok)?;
    let client_gone = ClientGone::of(ruby, request)?;
    let keys = env::Own { request, client_gone, input: object, length: input.length.or(decoded), trailers };
    let env = env::build(ruby, &this.prototype, exchange, keys)?;
    Ok((env, input.object.zip(input.claim)))
}

fn next(this: &WorkerThread, runner: &Arc<Runner>) -> Result<Next, Error> {
    let (dispatch, interrupt) = (&**this.dispatch(), &*this.interrupt);
    if let Some(completed) = this.completions.take() {
        return Ok(Next::Completed(completed));
    }
    if !this.group.goes_on(runner) {
        return Ok(Next::Over);
    }
    if dispatch.is_shared() {
        if let Some(time) = runner.served() {
            dispatch.served(time);
        }
    }
    if this.group.is_contended() {
        gvl::pass()?;
    }
    if runner.fetch() {
        if let Some(exchange) = dispatch.try_take() {
            return Ok(Next::Exchange(exchange));
        }
    }
    loop {
        match gvl::without(|| wait(runner, interrupt, dispatch), || interrupt.raise()) {
            Some(Awaited::Request) => {
                if let Some(exchange) = dispatch.take_ready() {
                    return Ok(Next::Exchange(exchange));
                }
            }
            // What became of an answer before the end is still told.
            Some(Awaited::Over) => return Ok(this.completions.take().map_or(Next::Over, Next::Completed)),
            Some(Awaited::Interrupted) | None => gvl::check_interrupts()?,
        }
        if let Some(completed) = this.completions.take() {
            return Ok(Next::Completed(completed));
        }
        if !this.group.goes_on(runner) {
            return Ok(Next::Over);
        }
    }
}

/// Waits for a request without the GVL, first for the right to fetch one. It is taken with the GVL, which somebody may hold for
/// long: who waits for that is still in the queue.
fn wait(runner: &Arc<Runner>, interrupt: &Interrupt, dispatch: &Dispatch) -> Awaited {
    if !runner.has_token() {
        match runner.wait(interrupt) {
            Waited::HasToken => {}
            Waited::Interrupted => return Awaited::Interrupted,
        }
    }
    dispatch.wait(interrupt)
}
