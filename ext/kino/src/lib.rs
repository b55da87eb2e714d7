//! Kino's Ruby extension: the engine of `kino-core` with Ruby as its app. All that is Ruby's is in this crate, all that is
//! unsafe in its `ffi` module.
//!
//! ```text
//! engine_handle (engine) -> gvl_group_handle (a worker's) -> worker_thread -> take -> input, env (a copy of the prototype)
//!   -> (the app) -> request -> response, response_writer
//! ```

#![allow(
    missing_docs,
    reason = "all that is public is the function that Ruby looks for, which the attribute below makes"
)]

use magnus::{Error, Ruby, TypedData, Value, function, method, prelude::*};

mod client_gone;
mod completions;
mod control;
mod crew;
mod ends;
mod engine;
mod engine_handle;
mod env;
mod env_prototype;
mod exception;
mod ffi;
mod gvl_group_handle;
mod input;
mod keys;
mod leisure;
mod listeners;
mod log;
mod notify_socket;
mod parents;
mod request;
mod response;
mod response_writer;
mod scoreboard;
mod take;
mod text;
mod tls;
mod trailers;
mod worker_thread;

use client_gone::ClientGone;
use control::ControlHandle;
use engine_handle::EngineHandle;
use gvl_group_handle::GvlGroupHandle;
use listeners::Listeners;
use notify_socket::NotifySocket;
use request::Request;
use scoreboard::Scoreboard;
use worker_thread::WorkerThread;

/// Called by Ruby when the extension is loaded. It defines classes, and starts nothing.
///
/// # Errors
/// What Ruby raises.
#[magnus::init(name = "kino")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    ffi::ractor::declare_safe();
    ffi::process::count_forks();
    // Before anybody else's, so that it is run after all others.
    ffi::process::at_exit(ffi::relay::go_on);
    ffi::thread_hooks::reserve();
    keys::make(ruby)?;

    let kino = ruby.define_module("Kino")?;
    let native = kino.define_module("Native")?;
    native.define_module_function("log", function!(log::write, 1))?;
    native.define_module_function("log_lost", function!(log::lost, 0))?;
    native.define_module_function("panic_place", function!(log::panic_place, 0))?;
    native.define_module_function("log_as", function!(log::log_as, 2))?;
    native.define_module_function("json", function!(log::json, 1))?;
    native.define_module_function("log_to", function!(log::send_to, 1))?;
    native.define_module_function("flush_log", function!(log::flush, 0))?;
    let engine = native.define_class("Engine", ruby.class_object())?;
    engine.define_singleton_method("bind", function!(EngineHandle::bind, 2))?;
    engine.define_singleton_method("on", function!(EngineHandle::on, 2))?;
    engine.define_method("start", method!(EngineHandle::start, 0))?;
    engine.define_method("number", method!(EngineHandle::number, 0))?;
    engine.define_method("in_flight", method!(EngineHandle::in_flight, 0))?;
    engine.define_method("overdue", method!(EngineHandle::overdue, 0))?;
    engine.define_method("wait", method!(EngineHandle::wait, 1))?;
    engine.define_method("pause", method!(EngineHandle::pause, 0))?;
    engine.define_method("call", method!(EngineHandle::call, 0))?;
    engine.define_method("end_of", method!(EngineHandle::end_of, 1))?;
    engine.define_method("died", method!(EngineHandle::died, 0))?;
    engine.define_method("quarantine", method!(EngineHandle::quarantine, 2))?;
    engine.define_method("vary", method!(EngineHandle::vary, 4))?;
    engine.define_method("lacking", method!(EngineHandle::lacking, 1))?;
    engine.define_method("filled", method!(EngineHandle::filled, 1))?;
    engine.define_method("rested", method!(EngineHandle::rested, 2))?;
    engine.define_method("uris", method!(EngineHandle::uris, 0))?;
    engine.define_method("port", method!(EngineHandle::port, 0))?;
    engine.define_method("stats", method!(EngineHandle::stats, 0))?;
    engine.define_method("reopen_logs", method!(EngineHandle::reopen_logs, 0))?;
    engine.define_method("reload_certificates", method!(EngineHandle::reload_certificates, 0))?;
    engine.define_method("await_question", method!(control::await_question, 1))?;
    engine.define_method("await_leisure", method!(leisure::await_leisure, 0))?;
    engine.define_method("used_leisure", method!(leisure::used_leisure, 0))?;
    engine.define_method("lame_duck", method!(EngineHandle::lame_duck, 0))?;
    engine.define_method("attend", method!(EngineHandle::attend, 3))?;
    engine.define_method("summoned", method!(EngineHandle::summoned, 0))?;
    engine.define_method("drain", method!(EngineHandle::drain, 0))?;
    engine.define_method("stop", method!(EngineHandle::stop, 0))?;

    let gvl_group = native.define_class("GvlGroup", ruby.class_object())?;
    gvl_group.define_singleton_method("of", function!(GvlGroupHandle::of, 2))?;
    gvl_group.define_singleton_method("tell_end", function!(GvlGroupHandle::tell_end, 4))?;
    gvl_group.define_method("thread", method!(GvlGroupHandle::thread, 1))?;
    gvl_group.define_method("wait", method!(GvlGroupHandle::wait, 0))?;
    gvl_group.define_method("pause", method!(GvlGroupHandle::pause, 0))?;
    gvl_group.define_method("call", method!(GvlGroupHandle::call, 0))?;
    gvl_group.define_method("stopped?", method!(GvlGroupHandle::is_stopped, 0))?;
    gvl_group.define_method("over?", method!(GvlGroupHandle::is_over, 0))?;
    gvl_group.define_method("died", method!(GvlGroupHandle::died, 0))?;

    let listeners = native.define_class("Listeners", ruby.class_object())?;
    listeners.define_singleton_method("bind", function!(Listeners::bind, 1))?;
    listeners.define_singleton_method("inherit", function!(Listeners::inherit, 2))?;
    listeners.define_singleton_method("beside", function!(Listeners::beside, 2))?;
    listeners.define_method("with", method!(Listeners::with, 1))?;
    listeners.define_method("uris", method!(Listeners::uris, 0))?;
    listeners.define_method("port", method!(Listeners::port, 0))?;
    listeners.define_method("descriptors", method!(Listeners::descriptors, 0))?;
    listeners.define_method("handed_on", method!(Listeners::handed_on, 0))?;
    listeners.define_method("describe", method!(Listeners::describe, 0))?;
    listeners.define_method("to_s", method!(Listeners::to_s, 0))?;
    listeners.define_method("inheritable", method!(Listeners::inheritable, 1))?;
    listeners.define_method("own_files", method!(Listeners::own_files, 1))?;
    listeners.define_method("check", method!(Listeners::check, 1))?;
    listeners.define_method("close", method!(Listeners::close, 0))?;

    let scoreboard = native.define_class("Scoreboard", ruby.class_object())?;
    scoreboard.define_singleton_method("create", function!(Scoreboard::create, 1))?;
    scoreboard.define_singleton_method("open", function!(Scoreboard::open, 1))?;
    scoreboard.define_method("fileno", method!(Scoreboard::fileno, 0))?;
    scoreboard.define_method("places", method!(Scoreboard::places, 0))?;
    scoreboard.define_method("take", method!(Scoreboard::take, 1))?;
    scoreboard.define_method("leave", method!(Scoreboard::leave, 1))?;
    scoreboard.define_method("free", method!(Scoreboard::free, 1))?;
    scoreboard.define_method("read", method!(Scoreboard::read, 1))?;
    scoreboard.define_singleton_method("sampled", function!(Scoreboard::sampled, 0))?;
    scoreboard.define_method("introduce", method!(Scoreboard::introduce, 4))?;
    scoreboard.define_method("sample", method!(Scoreboard::sample, 2))?;
    scoreboard.define_method("question", method!(Scoreboard::question, 1))?;
    scoreboard.define_method("answer", method!(Scoreboard::answer, 3))?;
    scoreboard.define_method("log_as_configured", method!(Scoreboard::log_as_configured, 0))?;

    let control = native.define_class("Control", ruby.class_object())?;
    control.define_singleton_method("of", function!(ControlHandle::of, 5))?;
    control.define_method("start", method!(ControlHandle::start, 1))?;
    control.define_method("uris", method!(ControlHandle::uris, 0))?;
    control.define_method("asked", method!(ControlHandle::asked, 0))?;
    control.define_method("stopping", method!(ControlHandle::stopping, 0))?;
    control.define_method("close", method!(ControlHandle::close, 0))?;
    control.define_method("abandon", method!(ControlHandle::abandon, 0))?;

    let notify_socket = native.define_class("NotifySocket", ruby.class_object())?;
    notify_socket.define_singleton_method("open", function!(NotifySocket::open, 1))?;
    notify_socket.define_method("tell", method!(NotifySocket::tell, 1))?;
    notify_socket.define_method("quiet=", method!(NotifySocket::set_quiet, 1))?;

    native.define_module_function("mark_as_io_bound", function!(crew::mark_as_io_bound, 0))?;
    native.define_module_function("engines", function!(engine::Engine::number_running, 0))?;
    native.define_module_function("subreaper", function!(parents::subreaper, 0))?;
    native.define_module_function("bound_arenas", function!(parents::bound_arenas, 1))?;
    native.define_module_function("fill_gaps", function!(parents::fill_gaps, 0))?;
    native.define_module_function("trim_stack", function!(parents::trim_stack, 0))?;
    native.define_module_function("leave_listeners", function!(parents::leave_listeners, 1))?;
    native.define_module_function("die_with", function!(parents::die_with, 1))?;
    native.define_module_function("relay_to", function!(parents::relay_to, 3))?;
    native.define_module_function("leave", function!(parents::leave, 1))?;

    native.define_class("Keeper", ruby.class_object())?;
    ffi::pinned::prepare(ruby);

    let worker_thread = native.define_class("WorkerThread", ruby.class_object())?;
    worker_thread.define_method("enter", method!(WorkerThread::enter, 0))?;
    worker_thread.define_method("leave", method!(WorkerThread::leave, 0))?;
    worker_thread.define_method("number", method!(WorkerThread::number, 0))?;
    worker_thread.define_method("quarantine", method!(WorkerThread::quarantine, 0))?;
    worker_thread.define_method("ours?", method!(WorkerThread::is_ours, 0))?;
    worker_thread.define_method("last_request", method!(WorkerThread::last_request, 0))?;
    worker_thread.define_method("overdue", method!(WorkerThread::overdue, 0))?;
    worker_thread.define_method("take", method!(take::take, 0))?;

    let request = kino.define_class("Request", ruby.class_object())?;
    Request::prepare(ruby, request);
    request.define_method("client_gone?", method!(Request::is_client_gone, 0))?;
    request.define_method("mark_as_io_bound", method!(Request::mark_as_io_bound, 0))?;
    // What only Kino does with one is no method of it: an app has it in its env.
    let exchange = native.define_module("Exchange")?;
    exchange.define_singleton_method("env", function!(Request::env, 1))?;
    exchange.define_singleton_method("open?", function!(Request::is_open, 1))?;
    exchange.define_singleton_method("key", function!(Request::key, 1))?;
    exchange.define_singleton_method("served?", function!(Request::is_served, 1))?;
    exchange.define_singleton_method("hijacked?", function!(Request::is_hijacked, 1))?;
    exchange.define_singleton_method("read_body", function!(Request::read_body, 2))?;
    exchange.define_singleton_method("trailers", function!(Request::trailers, 1))?;
    exchange.define_singleton_method("early_hints", function!(Request::early_hints, 2))?;
    exchange.define_singleton_method("take_socket", function!(Request::take_socket, 1))?;
    exchange.define_singleton_method("take_over", function!(Request::take_over, 4))?;
    exchange.define_singleton_method("answer", function!(Request::answer, 4))?;
    exchange.define_singleton_method("send_file", function!(Request::send_file, 4))?;
    exchange.define_singleton_method("start", function!(Request::start, 4))?;
    exchange.define_singleton_method("detach", function!(Request::detach, 1))?;
    exchange.define_singleton_method("leave_worker", function!(Request::leave_worker, 1))?;
    exchange.define_singleton_method("write", function!(Request::write, 2))?;
    exchange.define_singleton_method("write_some", function!(Request::write_some, 2))?;
    exchange.define_singleton_method("flush", function!(Request::flush, 1))?;
    exchange.define_singleton_method("finish", function!(Request::finish, 2))?;
    exchange.define_singleton_method("abort", function!(Request::abort, 1))?;
    exchange.define_singleton_method("retract", function!(Request::retract, 1))?;
    let client_gone = kino.define_class("ClientGone", ruby.class_object())?;
    ClientGone::prepare(ruby, client_gone);
    client_gone.define_method("call", method!(ClientGone::call, 0))?;

    // Found now, while there is one ractor. The first to ask calls Ruby with a native lock held; of two ractors, one could
    // wait for that lock while the other waits for all ractors to stop.
    let _ = (EngineHandle::class(ruby), GvlGroupHandle::class(ruby), WorkerThread::class(ruby));
    let _ = (Listeners::class(ruby), Scoreboard::class(ruby), ControlHandle::class(ruby));
    // Whoever looks a class up by its path, as the line above does, can't any more.
    kino.funcall::<_, _, Value>("private_constant", ("Native",))?;
    Ok(())
}
