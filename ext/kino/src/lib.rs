//! Kino's Ruby extension: the engine of `kino-core` with Ruby as its app. All that is Ruby's is in this crate, all that is
//! unsafe in its `ffi` module.
//!
//! ```text
//! server (engine) -> worker (one a GVL) -> worker_thread -> input, env (a copy of the prototype) -> (the app)
//!   -> response -> response_writer (-> detached_response)
//! ```

#![allow(
    missing_docs,
    reason = "all that is public is the function that Ruby looks for, which the attribute below makes"
)]

use magnus::{Error, Ruby, TypedData, function, method, prelude::*};

mod client;
mod completions;
mod detached_response;
mod ends;
mod engine;
mod env;
mod env_prototype;
mod exception;
mod ffi;
mod input;
mod keys;
mod log;
mod response;
mod response_writer;
mod server;
mod sleep;
mod text;
mod worker;
mod worker_thread;

use detached_response::DetachedResponse;
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
    ffi::thread_hooks::reserve();
    keys::make(ruby)?;

    let native = ruby.define_module("Kino")?.define_module("Native")?;
    native.define_module_function("sleep", function!(sleep::sleep, 1))?;
    native.define_module_function("log", function!(log::write, 1))?;
    native.define_module_function("log_lost", function!(log::lost, 0))?;
    native.define_module_function("panic_place", function!(log::panic_place, 0))?;
    native.define_module_function("flush_log", function!(log::flush, 0))?;
    let server = native.define_class("Server", ruby.class_object())?;
    server.define_singleton_method("bind", function!(Server::bind, 2))?;
    server.define_method("start", method!(Server::start, 0))?;
    server.define_method("number", method!(Server::number, 0))?;
    server.define_method("at_work", method!(Server::at_work, 0))?;
    server.define_method("wait_for_end", method!(Server::wait_for_end, 1))?;
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
    worker_thread.define_method("take", method!(WorkerThread::take, 0))?;
    worker_thread.define_method("read_body", method!(WorkerThread::read_body, 2))?;
    worker_thread.define_method("trailers", method!(WorkerThread::trailers, 1))?;
    worker_thread.define_method("client_gone?", method!(WorkerThread::is_client_gone, 0))?;
    worker_thread.define_method("answer", method!(WorkerThread::answer, 3))?;
    worker_thread.define_method("send_file", method!(WorkerThread::send_file, 3))?;
    worker_thread.define_method("early_hints", method!(WorkerThread::early_hints, 1))?;
    worker_thread.define_method("hijack", method!(WorkerThread::hijack, 0))?;
    worker_thread.define_method("hijacked?", method!(WorkerThread::has_hijacked, 0))?;
    worker_thread.define_method("take_over", method!(WorkerThread::take_over, 3))?;
    worker_thread.define_method("detach", method!(WorkerThread::detach, 0))?;
    worker_thread.define_method("attach", method!(WorkerThread::attach, 1))?;
    worker_thread.define_method("start", method!(WorkerThread::start, 3))?;
    worker_thread.define_method("write", method!(WorkerThread::write, 1))?;
    worker_thread.define_method("flush", method!(WorkerThread::flush, 0))?;
    worker_thread.define_method("finish", method!(WorkerThread::finish, 1))?;
    worker_thread.define_method("abort", method!(WorkerThread::abort, 0))?;
    worker_thread.define_method("retract", method!(WorkerThread::retract, 0))?;
    worker_thread.define_method("open?", method!(WorkerThread::is_open, 0))?;

    let outlet = native.define_class("DetachedResponse", ruby.class_object())?;
    outlet.define_method("write", method!(DetachedResponse::write, 1))?;
    outlet.define_method("flush", method!(DetachedResponse::flush, 0))?;
    outlet.define_method("write_some", method!(DetachedResponse::write_some, 1))?;
    outlet.define_method("end_body", method!(DetachedResponse::end_body, 1))?;
    outlet.define_method("conclude", method!(DetachedResponse::conclude, 0))?;
    outlet.define_method("abort", method!(DetachedResponse::abort, 0))?;
    outlet.define_method("leave_worker", method!(DetachedResponse::leave_worker, 0))?;
    outlet.define_method("read_body", method!(DetachedResponse::read_body, 2))?;
    outlet.define_method("trailers", method!(DetachedResponse::trailers, 1))?;
    outlet.define_method("client_gone?", method!(DetachedResponse::is_client_gone, 0))?;

    // Found now, while there is one ractor. The first to ask calls Ruby with a native lock held; of two ractors, one could
    // wait for that lock while the other waits for all ractors to stop.
    let _ = (Server::class(ruby), Worker::class(ruby), WorkerThread::class(ruby), DetachedResponse::class(ruby));
    Ok(())
}
