//! Kino's own exceptions, raised from Rust.

use kino_core::error::Fault;
use magnus::{Class, Error, ExceptionClass, Module, RModule, Ruby};

/// `Kino::ResponseError`: the app's answer can't be sent as it is.
pub(crate) fn response_error(ruby: &Ruby, message: impl Into<String>) -> Error {
    of_class(ruby, "ResponseError", message.into())
}

/// `Kino::ClientDisconnected`: nobody is there to hear the rest of an answer.
pub(crate) fn client_disconnected(ruby: &Ruby, message: impl Into<String>) -> Error {
    of_class(ruby, "ClientDisconnected", message.into())
}

/// What a client did wrong while the app read its body, as one of `Kino::ClientError`'s kinds.
pub(crate) fn client_error(ruby: &Ruby, fault: Fault) -> Error {
    let class = match fault {
        Fault::BodyTimeout => "ClientTimeout",
        Fault::BodyTooLarge => "BodyTooLargeError",
        _ => "MalformedBodyError",
    };
    of_class(ruby, class, fault.to_string())
}

/// `IOError`: a stream is used when its request is over.
pub(crate) fn io_error(ruby: &Ruby, message: &str) -> Error {
    made(ruby.exception_io_error(), message)
}

/// The system's own error for what it says of a file, such as `Errno::ENOENT`.
pub(crate) fn system_error(ruby: &Ruby, error: &std::io::Error, about: &str) -> Error {
    let class: Result<ExceptionClass, Error> = ruby.class_object().const_get("SystemCallError");
    match class.and_then(|class| class.new_instance((about, error.raw_os_error().unwrap_or_default()))) {
        Ok(exception) => exception.into(),
        Err(error) => error,
    }
}

/// `Kino::BindError`: an address can't be listened on.
pub(crate) fn bind_error(ruby: &Ruby, message: impl Into<String>) -> Error {
    of_class(ruby, "BindError", message.into())
}

/// `Kino::ConfigurationError`: a setting can't be used.
pub(crate) fn configuration_error(ruby: &Ruby, message: impl Into<String>) -> Error {
    of_class(ruby, "ConfigurationError", message.into())
}

/// `ArgumentError`, for a setting.
pub(crate) fn argument_error(ruby: &Ruby, message: &str) -> Error {
    made(ruby.exception_arg_error(), message)
}

/// A method was called at a time when it makes no sense; only Kino's own code could do so.
pub(crate) fn misuse(ruby: &Ruby, message: &'static str) -> Error {
    made(ruby.exception_thread_error(), message)
}

fn of_class(ruby: &Ruby, name: &str, message: String) -> Error {
    let kino: Result<RModule, Error> = ruby.class_object().const_get("Kino");
    match kino.and_then(|kino| kino.const_get::<_, ExceptionClass>(name)) {
        Ok(class) => made(class, &message),
        Err(error) => error,
    }
}

/// Made at once: making it runs Ruby, so in a thread that is being killed it ends like the thread, and only here can that
/// be passed on.
fn made(class: ExceptionClass, message: &str) -> Error {
    match class.new_instance((message,)) {
        Ok(exception) => exception.into(),
        Err(error) => error,
    }
}
