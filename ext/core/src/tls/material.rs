//! What TLS is served with, as bytes: read once from where it is given, so that all of it is of one time.

use rustls::pki_types::PrivateKeyDer;

use super::given::{Given, Settings, SetupError, read};
use super::pem;

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Material {
    /// One for each certificate.
    pub(super) certificates: Vec<Certified>,
    /// The roots of clients' certificates, in PEM.
    pub(super) client_ca: Option<Vec<u8>>,
}

/// What belongs to one certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Certified {
    /// The chain, in PEM.
    pub(super) cert: Vec<u8>,
    /// The key, in DER, as whoever has its password has it.
    pub(super) key: Vec<u8>,
    /// The OCSP response.
    pub(super) ocsp: Option<Vec<u8>>,
}

/// A key is nobody's to read.
impl std::fmt::Debug for Certified {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Certified")
    }
}

impl Material {
    /// Reads it. May take long: a command may have to print a password.
    pub(super) fn read(settings: &Settings) -> Result<Material, SetupError> {
        let certificates = settings.certificates.iter().map(Certified::read).collect::<Result<_, _>>()?;
        let client_ca = settings.client_ca.as_ref().filter(|_| settings.verifies());
        Ok(Material { certificates, client_ca: client_ca.map(|pem| pem.read("client_ca")).transpose()? })
    }

    /// In a row, each with its length.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let of_each = self.certificates.iter().flat_map(|one| [Some(&one.cert), Some(&one.key), one.ocsp.as_ref()]);
        let mut bytes = Vec::new();
        for part in of_each.chain([self.client_ca.as_ref()]) {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part.map_or(&[], Vec::as_slice));
        }
        bytes
    }

    /// The same again; `None` for what [`Material::to_bytes`] does not write.
    pub(super) fn of_bytes(mut bytes: &[u8]) -> Option<Material> {
        let mut parts = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk() {
            let length = u64::from_be_bytes(*length);
            let (part, rest) = match length {
                u64::MAX => (None, rest),
                length => {
                    let (part, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                    (Some(part.to_vec()), rest)
                }
            };
            parts.push(part);
            bytes = rest;
        }
        let client_ca = parts.pop()?;
        let certified = |parts: &[Option<Vec<u8>>]| match parts {
            [Some(cert), Some(key), ocsp] => {
                Some(Certified { cert: cert.clone(), key: key.clone(), ocsp: ocsp.clone() })
            }
            _ => None,
        };
        let certificates = parts.chunks(3).map(certified).collect::<Option<_>>()?;
        Some(Material { certificates, client_ca })
    }
}

impl Certified {
    /// Reads it. May take long.
    pub(super) fn read(given: &Given) -> Result<Certified, SetupError> {
        let cert = given.cert.read("cert")?;
        let key = pem::private_key(given)?.secret_der().to_vec();
        let ocsp = given.ocsp.as_deref().map(|path| read(path, "ocsp")).transpose()?;
        Ok(Certified { cert, key, ocsp })
    }

    /// The key, as it is used.
    pub(super) fn private_key(&self) -> Option<PrivateKeyDer<'static>> {
        PrivateKeyDer::try_from(self.key.clone()).ok()
    }
}

impl Settings {
    /// All that is given, as it is given: what was read for others is not what comes of these.
    pub(super) fn identify(&self) -> String {
        format!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::given::{Pem, Verify};
    use crate::tls::test_client::Made;

    #[test]
    fn what_was_read_is_the_same_in_bytes() {
        let settings = Settings {
            certificates: vec![Made::of(&["a"]).given(), Made::of(&["b"]).given()],
            client_ca: Some(Made::of(&["ca"]).given().cert),
            verify: Verify::Required,
            ..Settings::default()
        };
        let read = Material::read(&settings).unwrap();
        assert!(read.certificates[0].private_key().is_some() && read.client_ca.is_some());
        let bytes = read.to_bytes();
        assert_eq!(Material::of_bytes(&bytes), Some(read.clone()));
        let without = Material { client_ca: None, ..read };
        assert_eq!(Material::of_bytes(&without.to_bytes()), Some(without));
        for length in 0..bytes.len() {
            // Whatever is missing, it is no panic.
            let _ = Material::of_bytes(&bytes[..length]);
        }
    }

    #[test]
    fn roots_are_read_where_somebody_is_verified_by_them() {
        let missing = Some(Pem::File("/none.pem".into()));
        let settings = Settings { client_ca: missing, ..Made::of(&["a"]).settings() };
        assert_eq!(Material::read(&settings).unwrap().client_ca, None);
        let verified = Settings { verify: Verify::Optional, ..settings };
        assert!(
            Material::read(&verified).unwrap_err().to_string().starts_with("client_ca \"/none.pem\" can't be read")
        );
    }
}
