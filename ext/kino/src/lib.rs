//! Kino's Ruby extension: the engine of `kino-core` with Ruby as its app. All that is Ruby's is in this crate, all that is
//! unsafe in its `ffi` module.
//!
//! ```text
//! server (engine) -> crew (one a GVL) -> worker (one a thread) -> input, env (a copy of the template) -> (the app) -> response -> outgoing (-> outlet)
//! ```

#![allow(
    missing_docs,
    reason = "all that is public is the function that Ruby looks for, which the attribute below makes"
)]

use magnus::{Error, Ruby, TypedData, function, method, prelude::*};

mod client;
mod crew;
mod ends;
mod engine;
mod env;
mod exception;
mod ffi;
mod input;
mod keys;
mod log;
mod mailbox;
mod outgoing;
mod outlet;
mod response;
mod server;
mod sleep;
mod template;
mod text;
mod worker;

use crew::Crew;
use outlet::Outlet;
use server::Server;
use worker::Worker;

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

    let crew = native.define_class("Crew", ruby.class_object())?;
    crew.define_singleton_method("of", function!(Crew::of, 2))?;
    crew.define_singleton_method("tell_end", function!(Crew::tell_end, 4))?;
    crew.define_method("worker", method!(Crew::worker, 1))?;
    crew.define_method("wait", method!(Crew::wait, 0))?;
    crew.define_method("pause", method!(Crew::pause, 0))?;
    crew.define_method("call", method!(Crew::call, 0))?;
    crew.define_method("stopped?", method!(Crew::is_stopped, 0))?;
    crew.define_method("died", method!(Crew::died, 0))?;

    native.define_class("Keeper", ruby.class_object())?;
    ffi::kept::prepare(ruby);

    let worker = native.define_class("Worker", ruby.class_object())?;
    worker.define_method("enter", method!(Worker::enter, 0))?;
    worker.define_method("leave", method!(Worker::leave, 0))?;
    worker.define_method("take", method!(Worker::take, 0))?;
    worker.define_method("read_body", method!(Worker::read_body, 2))?;
    worker.define_method("trailers", method!(Worker::trailers, 1))?;
    worker.define_method("client_gone?", method!(Worker::is_client_gone, 0))?;
    worker.define_method("answer", method!(Worker::answer, 3))?;
    worker.define_method("send_file", method!(Worker::send_file, 3))?;
    worker.define_method("early_hints", method!(Worker::early_hints, 1))?;
    worker.define_method("hijack", method!(Worker::hijack, 0))?;
    worker.define_method("hijacked?", method!(Worker::has_hijacked, 0))?;
    worker.define_method("take_over", method!(Worker::take_over, 3))?;
    worker.define_method("detach", method!(Worker::detach, 0))?;
    worker.define_method("attach", method!(Worker::attach, 1))?;
    worker.define_method("start", method!(Worker::start, 3))?;
    worker.define_method("write", method!(Worker::write, 1))?;
    worker.define_method("flush", method!(Worker::flush, 0))?;
    worker.define_method("finish", method!(Worker::finish, 1))?;
    worker.define_method("abort", method!(Worker::abort, 0))?;
    worker.define_method("retract", method!(Worker::retract, 0))?;
    worker.define_method("open?", method!(Worker::is_open, 0))?;

    let outlet = native.define_class("Outlet", ruby.class_object())?;
    outlet.define_method("write", method!(Outlet::write, 1))?;
    outlet.define_method("flush", method!(Outlet::flush, 0))?;
    outlet.define_method("write_some", method!(Outlet::write_some, 1))?;
    outlet.define_method("end_body", method!(Outlet::end_body, 1))?;
    outlet.define_method("conclude", method!(Outlet::conclude, 0))?;
    outlet.define_method("abort", method!(Outlet::abort, 0))?;
    outlet.define_method("leave_worker", method!(Outlet::leave_worker, 0))?;
    outlet.define_method("read_body", method!(Outlet::read_body, 2))?;
    outlet.define_method("trailers", method!(Outlet::trailers, 1))?;
    outlet.define_method("client_gone?", method!(Outlet::is_client_gone, 0))?;

    // Found now, while there is one ractor. The first to ask calls Ruby with a native lock held; of two ractors, one could
    // wait for that lock while the other waits for all ractors to stop.
    let _ = (Server::class(ruby), Crew::class(ruby), Worker::class(ruby), Outlet::class(ruby));
    Ok(())
}
