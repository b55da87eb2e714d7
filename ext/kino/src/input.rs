//! A request's body as `rack.input` (Rack 3 SPEC, "The Input Stream").

use std::os::fd::{IntoRawFd, OwnedFd};

use kino_core::http::spool::Body;
use kino_core::spool_file::Claim;
use magnus::value::{Opaque, ReprValue};
use magnus::{Error, RClass, RHash, RString, Ruby, Value, prelude::*};
use std::sync::OnceLock;

struct Classes {
    string_io: Opaque<RClass>,
    file: Opaque<RClass>,
    streamed: Opaque<RClass>,
    /// What reads as nothing.
    none: Opaque<RClass>,
}

static CLASSES: OnceLock<Classes> = OnceLock::new();

/// Finds the classes; once, before the first request.
///
/// # Errors
/// When Ruby does not have them.
pub(crate) fn prepare(ruby: &Ruby) -> Result<(), Error> {
    if CLASSES.get().is_some() {
        return Ok(());
    }
    let kino: magnus::RModule = ruby.class_object().const_get("Kino")?;
    let string_io: RClass = ruby.class_object().const_get("StringIO")?;
    let file: RClass = ruby.class_object().const_get("File")?;
    let streamed: RClass = kino.const_get("StreamedInput")?;
    let none: RClass = kino.const_get("NoInput")?;
    ruby.gc_register_mark_object(string_io);
    ruby.gc_register_mark_object(file);
    ruby.gc_register_mark_object(streamed);
    ruby.gc_register_mark_object(none);
    let _ = CLASSES.set(Classes {
        string_io: string_io.into(),
        file: file.into(),
        streamed: streamed.into(),
        none: none.into(),
    });
    Ok(())
}

/// A body as an object for the app.
pub(crate) struct Input {
    /// `None` where there is no body: the request gets what [`none`] makes.
    pub(crate) object: Option<Value>,
    /// The body's length in bytes, where there is one.
    pub(crate) length: Option<u64>,
    /// Of a file, to be dropped after it has been closed, by whoever closes it.
    pub(crate) claim: Option<Claim>,
}

/// The `rack.input` of a request without a body.
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn none(ruby: &Ruby) -> Result<Value, Error> {
    // It has no `initialize`, and a request would pay for the search of one.
    Ok(ruby.get_inner(classes().none).obj_alloc()?.as_value())
}

/// Makes the object. `request` is where a body that is still arriving is read from, and `trailers` what its trailer fields go
/// to.
///
/// # Errors
/// When Ruby has no memory or no descriptor left.
pub(crate) fn of(ruby: &Ruby, body: Body, request: Value, trailers: Option<RHash>) -> Result<Input, Error> {
    match body {
        Body::Arriving => {
            let class = ruby.get_inner(classes().streamed);
            let object = class.new_instance((request, trailers))?.as_value();
            Ok(Input { object: Some(object), length: None, claim: None })
        }
        Body::Empty => Ok(Input { object: None, length: None, claim: None }),
        Body::Memory(bytes) => {
            let string: RString = ruby.str_from_slice(&bytes);
            string.funcall::<_, _, Value>("force_encoding", (ruby.ascii8bit_encoding(),))?;
            let object = ruby.get_inner(classes().string_io).new_instance((string,))?.as_value();
            Ok(Input { object: Some(object), length: Some(bytes.len() as u64), claim: None })
        }
        Body::File { file, length, claim } => {
            // Ruby's from here on, which closes it when it raises, and when the object is collected.
            let descriptor = OwnedFd::from(file).into_raw_fd();
            let object: Value = ruby.get_inner(classes().file).funcall("for_fd", (descriptor, "rb"))?;
            Ok(Input { object: Some(object), length: Some(length), claim: Some(claim) })
        }
    }
}

fn classes() -> &'static Classes {
    CLASSES.get().expect("the classes are found before the first request")
}
