//! A certificate and its key, read and looked at.

use std::sync::Arc;

use pkcs8::EncryptedPrivateKeyInfo;
use rustls::Error;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use super::expiry;
use super::given::{Given, SetupError, password, read};

/// What begins an encrypted key of today, and one of long ago.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END_ENCRYPTED: &str = "-----END ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_OF_OLD: &str = "Proc-Type: 4,ENCRYPTED";

/// One of those that a server can be.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    /// The names that it is for, in lower case; `*.` begins those of any one label.
    pub(super) names: Vec<String>,
    /// In seconds since 1970, where it says so.
    pub(super) expires: Option<u64>,
    /// What it is called in what people read.
    pub(super) label: String,
}

impl Identity {
    /// Reads it. May take long.
    pub(super) fn load(given: &Given, provider: &CryptoProvider) -> Result<Identity, SetupError> {
        let label = given.cert.label("cert");
        let chain = chain(given, &label)?;
        let key = private_key(given)?;
        let key_label = given.key.label("key");
        let mut key = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            SetupError(match error {
                Error::InconsistentKeys(_) => {
                    format!("{key_label} is not the key of {label}; give the two that belong together")
                }
                Error::InvalidCertificate(_) => {
                    format!("{label} can't be used: {error}; its first certificate has to be the server's, of X.509 version 3")
                }
                error => format!("{key_label} can't be used: {error}; write one of RSA (2048 bits and up), ECDSA or Ed25519"),
            })
        })?;
        if let Some(path) = &given.ocsp {
            let response = read(path, "ocsp")?;
            if !expiry::is_ocsp_response(&response) {
                return Err(SetupError(format!(
                    "ocsp {path:?} is no answer about a certificate (DER, successful); write one with openssl ocsp -respout, or leave ocsp out"
                )));
            }
            key.ocsp = Some(response);
        }
        let der = key.cert.first().ok_or_else(|| none_in(&label))?;
        Ok(Identity { names: names(der), expires: expiry::expires(der), key: Arc::new(key), label })
    }
}

fn none_in(label: &str) -> SetupError {
    SetupError(format!(
        "{label} has no certificate in it; it has to have one in PEM (BEGIN CERTIFICATE), and those between it \
                        and its root after that"
    ))
}

fn chain(given: &Given, label: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let text = given.cert.read("cert")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(none_in(label)),
        Ok(chain) => Ok(chain),
        Err(error) => {
            Err(SetupError(format!("{label} is no PEM: {error}; it was cut, or changed, when it was copied")))
        }
    }
}

fn private_key(given: &Given) -> Result<PrivateKeyDer<'static>, SetupError> {
    let label = given.key.label("key");
    let bytes = given.key.read("key")?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains(ENCRYPTED_OF_OLD) {
        let cure = "openssl pkcs8 -topk8 -in OLD -out NEW makes one of today's";
        return Err(SetupError(format!("{label} is encrypted in a form of long ago that Kino can't read; {cure}")));
    }
    if let Some(from) = text.find(ENCRYPTED) {
        return decrypted(given, &label, &text[from..]);
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| {
        SetupError(format!("{label} has no private key in it; it has to have one in PEM (BEGIN PRIVATE KEY)"))
    })
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

/// The names of hosts that stand in it.
fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return Vec::new() };
    certificate.valid_dns_names().map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::given::Pem;
    use crate::tls::provider::provider;
    use crate::tls::test_client::Made;

    fn load(given: &Given) -> Result<Identity, String> {
        Identity::load(given, &provider()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_says_whose_it_is_and_until_when() {
        let loaded = load(&Made::of(&["Example.org", "*.example.org"]).given()).unwrap();
        assert_eq!(loaded.names, ["example.org", "*.example.org"]);
        assert_eq!(loaded.expires, Some(Made::EXPIRES));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_to_do() {
        let made = Made::of(&["a"]);
        let other = Given { key: Made::of(&["a"]).given().key, ..made.given() };
        let error = load(&other).unwrap_err();
        assert!(error.contains("is not the key of cert that is given as text"), "{error}");
        let swapped = Given { cert: made.given().key, ..made.given() };
        assert!(load(&swapped).unwrap_err().contains("has no certificate in it"));
        let swapped = Given { key: made.given().cert, ..made.given() };
        assert!(load(&swapped).unwrap_err().contains("has no private key in it"));
        let Pem::Text(cert) = made.given().cert else { panic!("it is text") };
        let cut = Given { cert: Pem::Text(cert[..cert.len() / 2].to_owned()), ..made.given() };
        assert!(load(&cut).unwrap_err().contains("is no PEM"), "{}", load(&cut).unwrap_err());
    }

    #[test]
    fn an_ocsp_response_is_stapled_as_it_lies_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ocsp");
        let given = Given { ocsp: Some(path.clone()), ..Made::of(&["a"]).given() };
        assert!(load(&given).unwrap_err().starts_with("ocsp \""));
        let answer = [0x30, 0x09, 0x0a, 0x01, 0x00, 0xa0, 0x04, 0x30, 0x02, 0x06, 0x00];
        std::fs::write(&path, answer).unwrap();
        assert_eq!(load(&given).unwrap().key.ocsp.as_deref(), Some(&answer[..]));
        std::fs::write(&path, b"response").unwrap();
        assert!(load(&given).unwrap_err().contains("is no answer about a certificate"));
    }

    #[test]
    fn an_encrypted_key_is_opened_with_what_a_command_prints() {
        let made = Made::of(&["a"]);
        let locked = Given { key: Pem::Text(made.locked_key("secret")), ..made.given() };
        assert!(load(&locked).unwrap_err().contains("write key_password_command"));
        let with = |command: &str| Given { key_password_command: Some(command.to_owned()), ..locked.clone() };
        assert!(load(&with("echo other")).unwrap_err().contains("can't be decrypted with what"));
        load(&with("echo secret")).unwrap();
        let old = Pem::Text(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
                .to_owned(),
        );
        assert!(load(&Given { key: old, ..made.given() }).unwrap_err().contains("openssl pkcs8 -topk8"));
    }
}
