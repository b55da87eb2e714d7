//! Kino's Ruby extension: the engine of `kino-core` with Ruby as its app. All that is Ruby's is in this crate, all that is
//! unsafe in its `ffi` module.
//!
//! ```text
//! server (engine) -> worker (one a GVL) -> worker_thread -> take -> input, env (a copy of the prototype) -> (the app)
//!   -> request -> response, response_writer
//! ```

#![allow(
    missing_docs,
    reason = "all that is public is the function that Ruby looks for, which the attribute below makes"
)]

use magnus::{Error, Ruby, TypedData, Value, function, method, prelude::*};

mod completions;
mod ends;
mod engine;
mod env;
mod env_prototype;
mod exception;
mod ffi;
mod input;
mod keys;
mod log;
mod request;
mod response;
mod response_writer;
mod server;
mod take;
mod text;
mod trailers;
mod worker;
mod worker_thread;

use request::Request;
use server::Server;
use worker::Worker;
use worker_thread::WorkerThread;

/// Called by Ruby when the extension is loaded. It defines classes, and starts nothing.
///
/// # Errors
/// What Ruby raises.
#[magnus::init(name = "kino")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    ffi::ractor::declare_safe();
    ffi::process::count_forks();
    ffi::thread_hooks::reserve();
    keys::make(ruby)?;

    let kino = ruby.define_module("Kino")?;
    let native = kino.define_module("Native")?;
    native.define_module_function("log", function!(log::write, 1))?;
    native.define_module_function("log_lost", function!(log::lost, 0))?;
    native.define_module_function("panic_place", function!(log::panic_place, 0))?;
    native.define_module_function("log_to", function!(log::send_to, 1))?;
    native.define_module_function("flush_log", function!(log::flush, 0))?;
    let server = native.define_class("Server", ruby.class_object())?;
    server.define_singleton_method("bind", function!(Server::bind, 2))?;
    server.define_method("start", method!(Server::start, 0))?;
    server.define_method("number", method!(Server::number, 0))?;
    server.define_method("in_flight", method!(Server::in_flight, 0))?;
    server.define_method("wait", method!(Server::wait, 1))?;
    server.define_method("pause", method!(Server::pause, 0))?;
    server.define_method("call", method!(Server::call, 0))?;
    server.define_method("end_of", method!(Server::end_of, 1))?;
    server.define_method("died", method!(Server::died, 0))?;
    server.define_method("quarantine", method!(Server::quarantine, 2))?;
    server.define_method("uris", method!(Server::uris, 0))?;
    server.define_method("port", method!(Server::port, 0))?;
    server.define_method("stats", method!(Server::stats, 0))?;
    server.define_method("lame_duck", method!(Server::lame_duck, 0))?;
    server.define_method("drain", method!(Server::drain, 0))?;
    server.define_method("stop", method!(Server::stop, 0))?;

    let worker = native.define_class("Worker", ruby.class_object())?;
    worker.define_singleton_method("of", function!(Worker::of, 2))?;
    worker.define_singleton_method("tell_end", function!(Worker::tell_end, 4))?;
    worker.define_method("thread", method!(Worker::thread, 1))?;
    worker.define_method("wait", method!(Worker::wait, 0))?;
    worker.define_method("pause", method!(Worker::pause, 0))?;
    worker.define_method("call", method!(Worker::call, 0))?;
    worker.define_method("stopped?", method!(Worker::is_stopped, 0))?;
    worker.define_method("died", method!(Worker::died, 0))?;

    native.define_class("Keeper", ruby.class_object())?;
    ffi::pinned::prepare(ruby);

    let worker_thread = native.define_class("WorkerThread", ruby.class_object())?;
    worker_thread.define_method("enter", method!(WorkerThread::enter, 0))?;
    worker_thread.define_method("leave", method!(WorkerThread::leave, 0))?;
    worker_thread.define_method("ours?", method!(WorkerThread::is_ours, 0))?;
    worker_thread.define_method("last_request", method!(WorkerThread::last_request, 0))?;
    worker_thread.define_method("take", method!(take::take, 0))?;

    let request = kino.define_class("Request", ruby.class_object())?;
    Request::prepare(ruby, request);
    request.define_method("env", method!(Request::env, 0))?;
    request.define_method("open?", method!(Request::is_open, 0))?;
    request.define_method("served?", method!(Request::is_served, 0))?;
    request.define_method("hijacked?", method!(Request::is_hijacked, 0))?;
    request.define_method("client_gone?", method!(Request::is_client_gone, 0))?;
    request.define_method("read_body", method!(Request::read_body, 1))?;
    request.define_method("trailers", method!(Request::trailers, 0))?;
    request.define_method("early_hints", method!(Request::early_hints, 1))?;
    request.define_method("take_socket", method!(Request::take_socket, 0))?;
    request.define_method("take_over", method!(Request::take_over, 3))?;
    request.define_method("answer", method!(Request::answer, 3))?;
    request.define_method("send_file", method!(Request::send_file, 3))?;
    request.define_method("start", method!(Request::start, 3))?;
    request.define_method("detach", method!(Request::detach, 0))?;
    request.define_method("leave_worker", method!(Request::leave_worker, 0))?;
    request.define_method("write", method!(Request::write, 1))?;
    request.define_method("write_some", method!(Request::write_some, 1))?;
    request.define_method("flush", method!(Request::flush, 0))?;
    request.define_method("finish", method!(Request::finish, 1))?;
    request.define_method("abort", method!(Request::abort, 0))?;
    request.define_method("retract", method!(Request::retract, 0))?;

    // Found now, while there is one ractor. The first to ask calls Ruby with a native lock held; of two ractors, one could
    // wait for that lock while the other waits for all ractors to stop.
    let _ = (Server::class(ruby), Worker::class(ruby), WorkerThread::class(ruby));
    // Whoever looks a class up by its path, as the line above does, can't any more.
    kino.funcall::<_, _, Value>("private_constant", ("Native",))?;
    Ok(())
}
