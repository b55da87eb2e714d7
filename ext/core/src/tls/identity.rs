//! A certificate and its key, read and looked at.

use std::sync::Arc;

use rustls::Error;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use super::expiry;
use super::given::{Given, SetupError};
use super::material::Certified;
use super::pem::{certificates, no_key_in, none_in};

/// Keys that are none for a server here, by the identifier that stands in them (in DER).
const OTHERS: [(&[u8], &str); 6] = [
    (b"\x06\x05\x2b\x81\x04\x00\x23", "ECDSA P-521"),
    (b"\x06\x05\x2b\x81\x04\x00\x0a", "ECDSA secp256k1"),
    (b"\x06\x03\x2b\x65\x71", "Ed448"),
    (b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01", "DSA"),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a", "RSA-PSS"),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA with too few bits or too many"),
];
/// Those that are.
const ALLOWED: &str = "RSA (2048 to 8192 bits), ECDSA P-256 or P-384, or Ed25519";
const NEW_KEY: &str = "openssl ecparam -name prime256v1 -genkey -noout -out KEY makes one, and the certificate has to be \
                       for that";

/// One of those that a server can be.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) key: Arc<CertifiedKey>,
    /// The names that it is for, in lower case; `*.` begins those of any one label.
    pub(super) names: Vec<String>,
    /// From when on and until when, in seconds since 1970, where it says so.
    pub(super) holds: Option<(u64, u64)>,
    /// What it is called in what people read.
    pub(super) label: String,
}

/// What is known of a certificate that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What it is called in what people read.
    pub label: String,
    /// The names of hosts that it is for.
    pub names: Vec<String>,
    /// From when on it holds, in seconds since 1970.
    pub begins: Option<u64>,
    /// Until when, in the same.
    pub expires: Option<u64>,
}

impl Identity {
    /// What comes of what was read.
    pub(super) fn of(given: &Given, read: &Certified, provider: &CryptoProvider) -> Result<Identity, SetupError> {
        let label = given.cert.label("cert");
        let chain = certificates(&read.cert, &label)?;
        let key_label = given.key.label("key");
        let key = read.private_key().ok_or_else(|| no_key_in(&key_label))?;
        let mut key = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
            SetupError(match error {
                Error::InconsistentKeys(_) => {
                    format!("{key_label} is not the key of {label}; give the two that belong together")
                }
                Error::InvalidCertificate(_) => {
                    format!("{label} can't be used: {error}; its first certificate has to be the server's, of X.509 version 3")
                }
                error => match OTHERS.iter().find(|(bytes, _)| memchr::memmem::find(&read.key, bytes).is_some()) {
                    Some((_, kind)) => {
                        format!("{key_label} is one of {kind}, which Kino can't use; give one of {ALLOWED}: {NEW_KEY}")
                    }
                    None => format!("{key_label} can't be used: {error}; give one of {ALLOWED}: {NEW_KEY}"),
                },
            })
        })?;
        if let Some(response) = &read.ocsp {
            if !expiry::is_ocsp_response(response) {
                let path = given.ocsp.as_deref().unwrap_or_else(|| "".as_ref());
                return Err(SetupError(format!(
                    "ocsp {path:?} is no answer about a certificate (DER, successful); write one with openssl ocsp -respout, or leave ocsp out"
                )));
            }
            key.ocsp = Some(response.clone());
        }
        let der = key.cert.first().ok_or_else(|| none_in(&label))?;
        Ok(Identity { names: names(der), holds: expiry::validity(der), key: Arc::new(key), label })
    }

    /// What is to be known of it.
    pub(super) fn into_certificate(self) -> Certificate {
        let (begins, expires) = self.holds.unzip();
        Certificate { label: self.label, names: self.names, begins, expires }
    }
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
        let read = Certified::read(given).map_err(|error| error.to_string())?;
        Identity::of(given, &read, &provider()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_says_whose_it_is_and_when() {
        let loaded = load(&Made::of(&["Example.org", "*.example.org"]).given()).unwrap();
        assert_eq!(loaded.names, ["example.org", "*.example.org"]);
        assert_eq!(loaded.holds, Some((Made::BEGINS, Made::EXPIRES)));
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

    #[test]
    fn what_is_right_and_only_not_pem_is_named_with_the_command_that_converts_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Pem::File(path)
        };
        let made = Made::of(&["a"]);
        let error = load(&Given { cert: file("cert.der", made.cert_der()), ..made.given() }).unwrap_err();
        assert!(
            error.contains("cert.der\" is a certificate in DER; it has to be PEM: openssl x509 -inform der"),
            "{error}"
        );
        let error = load(&Given { key: file("key.der", &made.key_der()), ..made.given() }).unwrap_err();
        assert!(error.contains("key.der\" is a key in DER; it has to be PEM: openssl pkey -inform der"), "{error}");
        let archive = file("both.p12", &[0x30, 0x06, 0x02, 0x01, 0x03, 0x30, 0x01, 0x00]);
        let error = load(&Given { key: archive, ..made.given() }).unwrap_err();
        assert!(error.contains("is an archive (PKCS #12); it has to be PEM: openssl pkcs12"), "{error}");
        assert!(
            load(&Given { key: file("none", b"0what"), ..made.given() }).unwrap_err().contains("has no private key")
        );
    }

    #[test]
    fn a_key_of_another_kind_is_named_with_those_that_there_may_be() {
        let made = Made::of(&["a"]);
        let key = "-----BEGIN EC PRIVATE KEY-----\n\
                   MIHcAgEBBEIAyd7BuC3nlLs1xgyWF95l9HCZJgrd10p5kiRQqtMZlhyG6EEXcQx6\n\
                   A+nKb2b0MpdD6P9g28AC8gwj7shw2MXCT8ygBwYFK4EEACOhgYkDgYYABAErKgyD\n\
                   dsD++/uZFPfMD+zZ4WZmI0y6sz69sviqjAysj0hlNd17WEv57w8iIkWcM316kmVr\n\
                   Q/LSCeXg1gBk/eAe5wDVpOTjinfmQuDxHntmpfqWIe+1Hc4w0wTgOkoplSnzjuKq\n\
                   CTypXmcUpTW6E46JlJC0WkWGeELPddlejySbOyg0Zw==\n\
                   -----END EC PRIVATE KEY-----\n";
        let given = Given { key: Pem::Text(key.to_owned()), ..made.given() };
        let read = Certified::read(&given).unwrap();
        let error = Identity::of(&given, &read, &provider()).unwrap_err().to_string();
        assert!(error.contains("ECDSA P-521, which Kino can't use; give one of RSA (2048 to 8192 bits)"), "{error}");
    }
}
