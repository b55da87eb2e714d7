//! What is given to serve TLS with, and how it is read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why TLS can't be served: what was given, what is wrong with it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(pub(super) String);

impl SetupError {
    /// An address has one of two that belong together.
    pub(crate) fn half(has_cert: bool) -> SetupError {
        let (given, missing) = if has_cert { ("cert", "key") } else { ("key", "cert") };
        SetupError(format!("an address has a {given}, and no {missing}; write ssl://HOST:PORT?cert=FILE&key=FILE"))
    }
}

/// Some PEM text, or the file that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pem {
    /// A file's path.
    File(PathBuf),
    /// The text itself.
    Text(String),
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The certificate, and those between it and its root.
    pub cert: Pem,
    /// Its private key.
    pub key: Pem,
    /// A command that prints the key's password.
    pub key_password_command: Option<String>,
    /// A file with the OCSP response that is stapled to it.
    pub ocsp: Option<PathBuf>,
}

/// Whether clients have to show a certificate of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// They are not asked.
    #[default]
    Off,
    /// They are asked, and may have none.
    Optional,
    /// Without one they are sent away.
    Required,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

/// All that TLS is served with at one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The certificates; the first is for clients that ask for no name, or for one that none has.
    pub certificates: Vec<Given>,
    /// The roots of clients' certificates.
    pub client_ca: Option<Pem>,
    /// Whether clients have to have one.
    pub verify: Verify,
    /// The oldest version.
    pub min_version: Version,
    /// Whether clients may choose HTTP/2 (RFC 9113 section 3.2).
    pub http2: bool,
}

impl Verify {
    /// By its word.
    pub fn of(word: &str) -> Option<Verify> {
        match word {
            "none" => Some(Verify::Off),
            "optional" => Some(Verify::Optional),
            "required" => Some(Verify::Required),
            _ => None,
        }
    }
}

impl Version {
    /// By its number.
    pub fn of(number: &str) -> Option<Version> {
        match number {
            "1.2" => Some(Version::Tls12),
            "1.3" => Some(Version::Tls13),
            _ => None,
        }
    }
}

impl Pem {
    /// What a setting says: PEM text has a line that begins it, and no path has one.
    pub fn of(text: &str) -> Pem {
        if text.contains("-----BEGIN ") { Pem::Text(text.to_owned()) } else { Pem::File(PathBuf::from(text)) }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Pem::File(path) => Some(path),
            Pem::Text(_) => None,
        }
    }

    /// What it is called in what people read. Never the text: it may be a key.
    pub(super) fn label(&self, what: &str) -> String {
        match self {
            Pem::File(path) => format!("{what} {:?}", path.display().to_string()),
            Pem::Text(_) => format!("{what} that is given as text"),
        }
    }

    /// Its text.
    pub(super) fn read(&self, what: &str) -> Result<Vec<u8>, SetupError> {
        match self {
            Pem::File(path) => read(path, what),
            Pem::Text(text) => Ok(text.clone().into_bytes()),
        }
    }
}

impl Settings {
    /// Whether clients are asked for certificates.
    pub(super) fn verifies(&self) -> bool {
        self.verify != Verify::Off
    }

    /// All files that it is made of.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let own =
            self.certificates.iter().flat_map(|given| [given.cert.file(), given.key.file(), given.ocsp.as_deref()]);
        own.chain([self.client_ca.as_ref().and_then(Pem::file)]).flatten()
    }
}

/// A file, with what to do where it can't be read.
pub(super) fn read(path: &Path, what: &str) -> Result<Vec<u8>, SetupError> {
    fs::read(path).map_err(|error| {
        let cure = match error.kind() {
            io::ErrorKind::NotFound => "write the path of a file that is there",
            io::ErrorKind::PermissionDenied => {
                "let the user that Kino runs as read it, such as by its group (chmod 640)"
            }
            io::ErrorKind::IsADirectory => "name the file in that folder",
            _ => "see to it that it can be read",
        };
        SetupError(format!("{what} {:?} can't be read: {error}; {cure}", path.display().to_string()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_be_read_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(&folder.path().join("none.pem"), "cert").unwrap_err().to_string();
        assert!(
            error.starts_with("cert \"") && error.contains("none.pem") && error.ends_with("that is there"),
            "{error}"
        );
        let error = read(folder.path(), "key").unwrap_err().to_string();
        assert!(error.ends_with("name the file in that folder"), "{error}");
    }

    #[test]
    fn pem_text_is_told_from_a_path() {
        assert_eq!(Pem::of("/etc/a.pem"), Pem::File("/etc/a.pem".into()));
        let text = Pem::of("a\n-----BEGIN PRIVATE KEY-----\nAAAA");
        assert!(text.file().is_none() && !text.label("key").contains("AAAA"));
    }
}
