//! The head of an app's answer, as bytes (Rack 3 SPEC, "The Response").

use kino_core::error::HeaderFault;
use kino_core::http::date;
use kino_core::http::encode::{self, OwnFields, ResponseHead};
use kino_core::http::plan::{Asked, Plan};
use magnus::{Error, Integer, RArray, RHash, RString, Ruby, TryConvert, Value, prelude::*};

use crate::exception;
use crate::ffi::protect::{Protected, protect};
use crate::ffi::strings::with_bytes;

/// Writes the head of an answer into `out`; `None` for one after which the app wants the socket (`rack.hijack`). `length` is
/// the body's, where it is known: it is asked for when all has run that the app has a say in, and before anything else does.
///
/// # Errors
/// What an object's `to_s` raised; `Kino::ResponseError` for a status or a header that can't be sent; what `length` says.
pub(crate) fn head(
    ruby: &Ruby,
    out: &mut Vec<u8>,
    (status, headers): (Value, RHash),
    length: impl FnOnce() -> Result<Option<u64>, Error>,
    (asked, own): (Asked, &OwnFields),
    date: &[u8; date::LEN],
) -> Result<Option<Plan>, Error> {
    let code = match status_code(ruby, status)? {
        // It is an answer to a request for a tunnel, and none that goes on with that; as it is, it would grant it.
        200..300 if asked.is_extended => 501,
        code => code,
    };
    let mut head = ResponseHead::begin(out, code);
    let takes_socket = fields(ruby, &mut head, headers)?;
    // The client would wait for the protocol that it changes to (RFC 9110 section 15.2.2).
    if code < 200 && !takes_socket {
        return Err(wrong_status(ruby, status));
    }
    if takes_socket {
        return Ok(None);
    }
    let length = length()?;
    head.own(own);
    Ok(Some(head.end(asked, length, date)))
}

/// The same where the app has the connection to itself afterwards; with a `protocol`, because it changes to that. The status.
///
/// # Errors
/// As [`head`].
pub(crate) fn raw_head(
    ruby: &Ruby,
    out: &mut Vec<u8>,
    (status, headers, protocol): (Value, RHash, Option<RString>),
    own: &OwnFields,
    date: &[u8; date::LEN],
) -> Result<u16, Error> {
    let code = status_code(ruby, status)?;
    let mut head = ResponseHead::begin_raw(out, code);
    fields(ruby, &mut head, headers)?;
    head.own(own);
    let protocol = protocol.map(|protocol| with_bytes(protocol, <[u8]>::to_vec));
    head.end_raw(protocol.as_deref(), date);
    Ok(code)
}

/// Writes an interim answer with that status.
///
/// # Errors
/// As [`head`].
pub(crate) fn interim(ruby: &Ruby, out: &mut Vec<u8>, status: u16, headers: RHash) -> Result<(), Error> {
    let mut head = ResponseHead::begin(out, status);
    fields(ruby, &mut head, headers)?;
    head.end_interim();
    Ok(())
}

/// The lines of trailer fields.
///
/// # Errors
/// What an object's `to_s` raised; `Kino::ResponseError` for a field that can't be a trailer.
pub(crate) fn trailers(ruby: &Ruby, trailers: RHash) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    each_field(ruby, trailers, |name, value| encode::trailer(&mut lines, name, value))?;
    Ok(lines)
}

/// Whether the app wants the socket.
fn fields(ruby: &Ruby, head: &mut ResponseHead<'_>, headers: RHash) -> Result<bool, Error> {
    each_field(ruby, headers, |name, value| head.field(name, value))
}

fn each_field<F>(ruby: &Ruby, headers: RHash, mut write: F) -> Result<bool, Error>
where
    F: FnMut(&[u8], &[u8]) -> Result<(), HeaderFault>,
{
    let (mut fault, mut takes_socket) = (None, false);
    protect(|calls| {
        calls.each_pair(headers, |name, value| {
            match field(calls, &mut write, name, value) {
                Ok(takes) => takes_socket |= takes,
                Err(bad) => fault = Some(bad),
            }
            fault.is_none()
        });
    })?;
    match fault {
        None => Ok(takes_socket),
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
    let allowed = "an Integer from 200 to 999, or 101 with a callable body";
    exception::response_error(ruby, format!("the app's status is {given}; allowed is {allowed}"))
}

/// Whether it is the field by which the app wants the socket.
fn field<F>(calls: &Protected, write: &mut F, name: Value, value: Value) -> Result<bool, BadHeader>
where
    F: FnMut(&[u8], &[u8]) -> Result<(), HeaderFault>,
{
    let name_string = calls.to_s(name);
    // For the server, not for the client.
    if with_bytes(name_string, |name| name.starts_with(b"rack.")) {
        return Ok(!value.is_nil() && with_bytes(name_string, |name| name == b"rack.hijack"));
    }
    // By Rack's SPEC none of an answer's fields: what CGI scripts, and apps made of them, say their status by.
    if with_bytes(name_string, |name| name.eq_ignore_ascii_case(b"status")) {
        return Ok(false);
    }
    match RArray::from_value(value) {
        None => line(calls, write, name_string, value)?,
        Some(values) => {
            let mut at = 0;
            // Asked for each time: a `to_s` might change the array.
            while at < values.len() {
                let value = calls.element(values, at);
                line(calls, write, name_string, value)?;
                at += 1;
            }
        }
    }
    Ok(false)
}

fn line<F>(calls: &Protected, write: &mut F, name: RString, value: Value) -> Result<(), BadHeader>
where
    F: FnMut(&[u8], &[u8]) -> Result<(), HeaderFault>,
{
    let value = calls.to_s(value);
    // What Rack 2 allowed, and apps of Puma's give: several values in one, a line each.
    let mut lines = |name: &[u8], value: &[u8]| {
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        value.split(|&byte| byte == b'\n').try_for_each(|line| write(name, line))
    };
    with_bytes(name, |name| with_bytes(value, |value| lines(name, value))).map_err(|fault| BadHeader {
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
        HeaderFault::Name | HeaderFault::Trailer => format!("{fault}: given {}", name.inspect()),
        HeaderFault::Value | HeaderFault::Length | HeaderFault::Lengths => {
            format!("{fault}: given {} for {}", value.inspect(), name.inspect())
        }
    }
}
