//! `Kino::ClientGone`: `env["kino.client_gone?"]`, which asks one thing of its request, and can do nothing else with it.

use std::sync::OnceLock;

use magnus::value::Opaque;
use magnus::{Class, Error, RClass, Ruby, TryConvert, Value};

use crate::ffi::embedded::{DataType, Embedded, Handle};
use crate::request::Request;

/// One request's.
pub(crate) struct ClientGone {
    request: Opaque<Value>,
}

static CLASS: OnceLock<Opaque<RClass>> = OnceLock::new();
static DATA_TYPE: DataType<ClientGone> = DataType::new(c"Kino::ClientGone");

impl Embedded for ClientGone {
    fn data_type() -> &'static DataType<ClientGone> {
        &DATA_TYPE
    }

    fn each_value(&self, tell: &mut dyn FnMut(Value)) {
        let ruby = Ruby::get().expect("the collector runs with Ruby's lock");
        tell(ruby.get_inner(self.request));
    }
}

impl ClientGone {
    /// Keeps the class of its objects, while the extension is loaded. An app is given one, and makes none.
    pub(crate) fn prepare(ruby: &Ruby, class: RClass) {
        class.undef_default_alloc_func();
        ruby.gc_register_mark_object(class);
        let _ = CLASS.set(class.into());
    }

    /// That of a request.
    ///
    /// # Errors
    /// When Ruby has no memory left.
    pub(crate) fn of(ruby: &Ruby, request: Value) -> Result<Value, Error> {
        let class = CLASS.get().expect("the class is there from the extension's loading on");
        Ok(Handle::new(ruby.get_inner(*class), ClientGone { request: request.into() })?.object())
    }

    /// `call -> true or false`: as `Request#client_gone?`.
    pub(crate) fn call(ruby: &Ruby, this: Handle<ClientGone>) -> Result<bool, Error> {
        Ok(Request::is_client_gone(Handle::try_convert(ruby.get_inner(this.request))?))
    }
}
