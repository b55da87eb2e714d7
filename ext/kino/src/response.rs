//! The head of an app's answer, as bytes (Rack 3 SPEC, "The Response").

use kino_core::error::HeaderFault;
use kino_core::http::date;
use kino_core::http::encode::{Asked, Plan, ResponseHead};
use magnus::{Error, Integer, RArray, RHash, RString, Ruby, TryConvert, Value, prelude::*};

use crate::exception;
use crate::ffi::protect::{Protected, protect};
use crate::ffi::strings::with_bytes;

/// Writes the head of an answer into `out`.
///
/// # Errors
/// What an object's `to_s` raised; `Kino::ResponseError` for a status or a header that can't be sent.
pub(crate) fn head(
    ruby: &Ruby,
    out: &mut Vec<u8>,
    (status, headers, length): (Value, RHash, Option<u64>),
    asked: Asked,
    date: &[u8; date::LEN],
) -> Result<Plan, Error> {
    let mut head = ResponseHead::begin(out, status_code(ruby, status)?);
    let mut fault = None;
    protect(|calls| {
        calls.each_pair(headers, |name, value| {
            fault = field(calls, &mut head, name, value).err();
            fault.is_none()
        });
    })?;
    match fault {
        None => Ok(head.end(asked, length, date)),
        Some(fault) => Err(exception::response_error(ruby, describe(fault))),
    }
}

/// 100 to 999, given as an Integer or anything that `to_i` makes one (Rack 3 SPEC, "The Status").
fn status_code(ruby: &Ruby, status: Value) -> Result<u16, Error> {
    let code = match Integer::from_value(status) {
        Some(integer) => integer,
        None if status.respond_to("to_i", false)? => status.funcall("to_i", ())?,
        None => return Err(wrong_status(ruby, status)),
    };
    match u16::try_convert(code.as_value()) {
        // An interim status is no answer, and a client would go on waiting for one.
        Ok(code @ 200..=999) => Ok(code),
        Ok(101) => Ok(101),
        _ => Err(wrong_status(ruby, status)),
    }
}

fn wrong_status(ruby: &Ruby, status: Value) -> Error {
    let given = status.inspect();
    exception::response_error(ruby, format!("the app's status is {given}; allowed is an Integer from 200 to 999"))
}

fn field(calls: &Protected, head: &mut ResponseHead<'_>, name: Value, value: Value) -> Result<(), BadHeader> {
    let name_string = calls.to_s(name);
    if with_bytes(name_string, |name| name.starts_with(b"rack.")) {
        return Ok(()); // for the server, not for the client
    }
    match RArray::from_value(value) {
        None => line(calls, head, name_string, value),
        Some(values) => {
            let mut at = 0;
            // Asked for each time: a `to_s` might change the array.
            while at < values.len() {
                let value = calls.element(values, at);
                line(calls, head, name_string, value)?;
                at += 1;
            }
            Ok(())
        }
    }
}

fn line(calls: &Protected, head: &mut ResponseHead<'_>, name: RString, value: Value) -> Result<(), BadHeader> {
    let value = calls.to_s(value);
    with_bytes(name, |name| with_bytes(value, |value| head.field(name, value))).map_err(|fault| BadHeader {
        fault,
        name,
        value,
    })
}

struct BadHeader {
    fault: HeaderFault,
    name: RString,
    value: RString,
}

fn describe(bad: BadHeader) -> String {
    let BadHeader { fault, name, value } = bad;
    match fault {
        HeaderFault::Name => format!("{fault}: given {}", name.inspect()),
        HeaderFault::Value | HeaderFault::Length => {
            format!("{fault}: given {} for {}", value.inspect(), name.inspect())
        }
    }
}
