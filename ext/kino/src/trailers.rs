//! A request's trailer fields as a Hash.

use kino_core::http::decode::Trailers;
use magnus::{Error, RHash, RString, Ruby};

use crate::ffi::strings::with_bytes;

/// Trailer fields by their names in lower case; one that is repeated is one list (RFC 9110 section 5.3).
///
/// # Errors
/// When Ruby has no memory left.
pub(crate) fn trailers_of(ruby: &Ruby, trailers: Trailers) -> Result<RHash, Error> {
    let hash = ruby.hash_new();
    for (name, value) in trailers {
        let name = ruby.str_from_slice(&name.to_ascii_lowercase());
        let value = match hash.lookup::<_, Option<RString>>(name)? {
            Some(before) => [with_bytes(before, <[u8]>::to_vec), value].join(&b", "[..]),
            None => value,
        };
        hash.aset(name, ruby.enc_str_new(value, ruby.ascii8bit_encoding()))?;
    }
    Ok(hash)
}
