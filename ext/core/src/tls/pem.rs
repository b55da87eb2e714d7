//! Certificates and keys, out of PEM text (RFC 7468).

use pkcs8::EncryptedPrivateKeyInfo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::expiry::{self, Form};
use super::given::{Given, SetupError};
use super::password::password;

/// What begins an encrypted key of today, and one of long ago.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END_ENCRYPTED: &str = "-----END ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_OF_OLD: &str = "Proc-Type: 4,ENCRYPTED";
/// What all PEM has.
const PEM: &[u8] = b"-----BEGIN ";
/// There is no certificate.
pub(super) fn none_in(label: &str) -> SetupError {
    SetupError(format!(
        "{label} has no certificate in it; it has to have one in PEM (BEGIN CERTIFICATE), and those between it \
                        and its root after that"
    ))
}

/// There is no key.
pub(super) fn no_key_in(label: &str) -> SetupError {
    SetupError(format!("{label} has no private key in it; it has to have one in PEM (BEGIN PRIVATE KEY)"))
}

/// What is right, and only not PEM.
fn not_pem(bytes: &[u8], label: &str) -> Result<(), SetupError> {
    if memchr::memmem::find(bytes, PEM).is_some() {
        return Ok(());
    }
    let (what, command) = match expiry::form(bytes) {
        None => return Ok(()),
        Some(Form::Certificate) => ("a certificate in DER", "openssl x509 -inform der -in OLD -out NEW"),
        Some(Form::Key) => ("a key in DER", "openssl pkey -inform der -in OLD -out NEW"),
        Some(Form::Archive) => {
            ("an archive (PKCS #12)", "openssl pkcs12 -in OLD -nodes -out NEW, with certificate and key in it,")
        }
    };
    Err(SetupError(format!("{label} is {what}; it has to be PEM: {command} makes it that")))
}

/// The certificates that stand in PEM text, one at least.
pub(super) fn certificates(text: &[u8], label: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    not_pem(text, label)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(none_in(label)),
        Ok(chain) => Ok(chain),
        Err(error) => {
            Err(SetupError(format!("{label} is no PEM: {error}; it was cut, or changed, when it was copied")))
        }
    }
}

/// Reads the key. May take long.
pub(super) fn private_key(given: &Given) -> Result<PrivateKeyDer<'static>, SetupError> {
    let label = given.key.label("key");
    let bytes = given.key.read("key")?;
    not_pem(&bytes, &label)?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains(ENCRYPTED_OF_OLD) {
        let cure = "openssl pkcs8 -topk8 -in OLD -out NEW makes one of today's";
        return Err(SetupError(format!("{label} is encrypted in a form of long ago that Kino can't read; {cure}")));
    }
    if let Some(from) = text.find(ENCRYPTED) {
        return decrypted(given, &label, &text[from..]);
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| no_key_in(&label))
}

fn decrypted(given: &Given, label: &str, text: &str) -> Result<PrivateKeyDer<'static>, SetupError> {
    let Some(command) = &given.key_password_command else {
        let cure = "write key_password_command, a command that prints its password";
        return Err(SetupError(format!("{label} is encrypted; {cure}")));
    };
    let broken = || SetupError(format!("{label} is no PEM: it was cut, or changed, when it was copied"));
    let end = text.find(END_ENCRYPTED).ok_or_else(broken)? + END_ENCRYPTED.len();
    let (_, document) = pkcs8::SecretDocument::from_pem(&text[..end]).map_err(|_| broken())?;
    let key = EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|error| {
        let cure = "openssl pkcs8 -topk8 -v2 aes-256-cbc makes one that it can read";
        SetupError(format!("{label} is encrypted in a way that Kino can't read ({error}); {cure}"))
    })?;
    let password = password(command)?;
    let der = key.decrypt(password).map_err(|_| {
        SetupError(format!("{label} can't be decrypted with what key_password_command {command:?} prints"))
    })?;
    Ok(PrivatePkcs8KeyDer::from(der.as_bytes().to_vec()).into())
}
