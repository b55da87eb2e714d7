//! What Ruby says of TLS.

use kino_core::tls::given::{Given, Pem, Settings, Verify, Version};
use magnus::{Error, RArray, RHash, Ruby, Symbol};

use crate::exception;

/// What TLS is served with where an address does not say it: `tls` of the settings, an Array with a Hash for each time that it was
/// written. What is said several times counts as it was said last.
///
/// # Errors
/// What is none of it, which `lib/kino/configuration` lets nobody write.
pub(crate) fn tls_of(ruby: &Ruby, settings: RHash) -> Result<Settings, Error> {
    // Over TLS clients choose it, unless it is off.
    let http2 = settings.lookup::<Symbol, Option<bool>>(ruby.to_symbol("http2"))?.unwrap_or(true);
    let mut all = Settings { http2, ..Settings::default() };
    let Some(given) = settings.lookup::<Symbol, Option<RArray>>(ruby.to_symbol("tls"))? else { return Ok(all) };
    for place in 0..given.len() {
        let hash: RHash = given.entry(place as isize)?;
        let text = |name: &str| hash.lookup::<Symbol, Option<String>>(ruby.to_symbol(name));
        if let (Some(cert), Some(key)) = (text("cert")?, text("key")?) {
            all.certificates.push(Given {
                cert: Pem::of(&cert),
                key: Pem::of(&key),
                key_password_command: text("key_password_command")?,
                ocsp: text("ocsp")?.map(Into::into),
            });
        }
        if let Some(client_ca) = text("client_ca")? {
            all.client_ca = Some(Pem::of(&client_ca));
        }
        let wrong = |name: &str| exception::argument_error(ruby, &format!("tls: {name} can't be that"));
        if let Some(word) = text("verify")? {
            all.verify = Verify::of(&word).ok_or_else(|| wrong("verify"))?;
        }
        if let Some(number) = text("min_version")? {
            all.min_version = Version::of(&number).ok_or_else(|| wrong("min_version"))?;
        }
    }
    Ok(all)
}
