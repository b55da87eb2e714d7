//! What one address serves TLS with: as it was read at the start, and read again when a file of it changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::{Mutex, RwLock};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};

use super::given::{Pem, Settings, SetupError, Verify, Version};
use super::identity::Identity;
use super::names::Names;
use super::provider::provider;
use super::tickets::Tickets;
pub use super::tickets::{Secret, new_secret};

/// What may be spoken inside (RFC 7301).
const HTTP11: &[u8] = b"http/1.1";
/// The same, which is wanted more where it is allowed.
pub(crate) const HTTP2: &[u8] = b"h2";

/// TLS at one address.
#[derive(Debug)]
pub struct Port {
    settings: Settings,
    secret: Secret,
    /// Never locked for longer than it takes to copy.
    current: RwLock<Loaded>,
    /// How its files were when they were read last.
    seen: Mutex<Stamps>,
}

/// What it serves with now.
#[derive(Clone, Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    certificates: Vec<Certificate>,
}

/// What is known of a certificate that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// What it is called in what people read.
    pub label: String,
    /// The names of hosts that it is for.
    pub names: Vec<String>,
    /// Until when it holds, in seconds since 1970.
    pub expires: Option<u64>,
}

/// A file as it was: when it was changed, how long it is, and which one stands there. None where it can't be looked at.
type Stamp = Option<(SystemTime, u64, u64)>;
type Stamps = HashMap<PathBuf, Stamp>;

/// Two are the same only where they are one.
impl PartialEq for Port {
    fn eq(&self, other: &Port) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Port {}

impl Port {
    /// Reads all that is given. Tickets of all that have the secret, and verify clients alike, are one another's.
    ///
    /// # Errors
    /// A [`SetupError`], ready to be shown to whoever gave it.
    pub fn load(settings: Settings, secret: Secret) -> Result<Port, SetupError> {
        let seen = stamps(&settings);
        let loaded = load(&settings, &secret)?;
        Ok(Port { settings, secret, current: RwLock::new(loaded), seen: Mutex::new(seen) })
    }

    /// What a new connection is served with.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.current.read().config.clone()
    }

    /// Whether this is what comes of that.
    pub(crate) fn is_of(&self, settings: &Settings, secret: &Secret) -> bool {
        self.settings == *settings && self.secret == *secret
    }

    /// Whether clients may show a certificate of their own.
    pub fn asks_clients(&self) -> bool {
        self.settings.verify != Verify::Off
    }

    /// The certificates that are served now.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.current.read().certificates.clone()
    }

    /// Reads its files again where one has changed since the last time, or where `anyway`: `None` when none has. Connections that
    /// there are stay as they are. May take long.
    ///
    /// # Errors
    /// What can't be served; what was is served on, and the same files are not read again.
    pub fn look(&self, anyway: bool) -> Option<Result<(), SetupError>> {
        let now = stamps(&self.settings);
        {
            let mut seen = self.seen.lock();
            if *seen == now && !anyway {
                return None;
            }
            *seen = now;
        }
        Some(load(&self.settings, &self.secret).map(|loaded| *self.current.write() = loaded))
    }
}

fn stamps(settings: &Settings) -> Stamps {
    use std::os::unix::fs::MetadataExt;
    let stamp = |path: &std::path::Path| {
        let known = path.metadata().ok()?;
        Some((known.modified().ok()?, known.len(), known.ino()))
    };
    settings.files().map(|path| (path.to_owned(), stamp(path))).collect()
}

fn load(settings: &Settings, secret: &Secret) -> Result<Loaded, SetupError> {
    let provider = provider();
    if settings.certificates.is_empty() {
        return Err(SetupError("there is no certificate to serve; write tls cert: \"FILE\", key: \"FILE\"".to_owned()));
    }
    let identities = settings.certificates.iter().map(|given| Identity::load(given, &provider));
    let identities = identities.collect::<Result<Vec<_>, _>>()?;
    let versions: &[&rustls::SupportedProtocolVersion] = match settings.min_version {
        Version::Tls12 => &[&version::TLS13, &version::TLS12],
        Version::Tls13 => &[&version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| SetupError(format!("TLS can't be served: {error}")))?;
    let (verifier, roots) = verifier(settings)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Names::of(&identities)));
    config.alpn_protocols = settings.http2.then_some(HTTP2).into_iter().chain([HTTP11]).map(<[u8]>::to_vec).collect();
    config.ticketer = Arc::new(Tickets::new(*secret, &roots));
    // Nothing is kept here of a session: any process can take its ticket.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    let certificate = |one: Identity| Certificate { label: one.label, names: one.names, expires: one.expires };
    Ok(Loaded { config: Arc::new(config), certificates: identities.into_iter().map(certificate).collect() })
}

/// Who verifies clients, and by what, in bytes.
type Verifier = (Option<Arc<dyn ClientCertVerifier>>, Vec<u8>);

fn verifier(settings: &Settings) -> Result<Verifier, SetupError> {
    let Some(given) = settings.client_ca.as_ref().filter(|_| settings.verify != Verify::Off) else {
        return if settings.verify == Verify::Off {
            Ok((None, Vec::new()))
        } else {
            Err(SetupError(
                "clients can't be verified without client_ca; write client_ca: \"FILE\", with the certificates of \
                            those who sign theirs"
                    .to_owned(),
            ))
        };
    };
    let (roots, bytes) = roots(given)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let (builder, word) = match settings.verify {
        Verify::Required => (builder, 2),
        _ => (builder.allow_unauthenticated(), 1),
    };
    let label = given.label("client_ca");
    let verifier = builder.build().map_err(|error| SetupError(format!("{label} can't be used: {error}")))?;
    Ok((Some(verifier), [&[word][..], &bytes].concat()))
}

fn roots(given: &Pem) -> Result<(RootCertStore, Vec<u8>), SetupError> {
    let label = given.label("client_ca");
    let text = given.read("client_ca")?;
    let (mut roots, mut bytes) = (RootCertStore::empty(), Vec::new());
    for root in CertificateDer::pem_slice_iter(&text) {
        let root = root.map_err(|error| SetupError(format!("{label} is no PEM: {error}")))?;
        bytes.extend_from_slice(&root);
        roots
            .add(root)
            .map_err(|error| SetupError(format!("{label} has a certificate that can't be used: {error}")))?;
    }
    if roots.is_empty() {
        return Err(SetupError(format!(
            "{label} has no certificate in it; it has to have one in PEM (BEGIN CERTIFICATE)"
        )));
    }
    Ok((roots, bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tls::given::Given;
    use crate::tls::test_client::Made;

    fn text(pem: &Pem) -> &str {
        match pem {
            Pem::Text(text) => text,
            Pem::File(_) => panic!("it is text"),
        }
    }

    fn put(folder: &tempfile::TempDir, made: &Made) -> Settings {
        let given = made.given();
        let [cert, key] = [("cert.pem", &given.cert), ("key.pem", &given.key)].map(|(name, pem)| {
            let path = folder.path().join(name);
            // A new file, as those who renew certificates make one.
            let _ = fs::remove_file(&path);
            fs::write(&path, text(pem)).unwrap();
            Pem::File(path)
        });
        Settings { certificates: vec![Given { cert, key, ..given }], ..Settings::default() }
    }

    #[test]
    fn files_that_change_are_read_again_and_what_is_wrong_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::load(put(&folder, &Made::of(&["one"])), [0; 32]).unwrap();
        let names = || port.certificates()[0].names.clone();
        assert!(port.look(false).is_none());

        put(&folder, &Made::of(&["two-names", "two"]));
        assert_eq!(port.look(false), Some(Ok(())));
        assert_eq!(names(), ["two-names", "two"]);

        fs::remove_file(folder.path().join("cert.pem")).unwrap();
        assert!(port.look(false).unwrap().unwrap_err().to_string().contains("can't be read"));
        assert!(port.look(false).is_none(), "it is said once");
        assert!(port.look(true).unwrap().is_err(), "unless it is asked for");
        assert_eq!(names(), ["two-names", "two"]);

        put(&folder, &Made::of(&["three"]));
        assert_eq!(port.look(false), Some(Ok(())));
        assert_eq!(names(), ["three"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Port::load(Settings::default(), [0; 32]).unwrap_err().to_string();
        assert!(error.contains("write tls cert:"), "{error}");
        let settings = Settings { certificates: vec![Made::of(&["a"]).given()], ..Settings::default() };
        let verified = Settings { verify: Verify::Required, ..settings.clone() };
        assert!(Port::load(verified.clone(), [0; 32]).unwrap_err().to_string().contains("write client_ca:"));
        let wrong = Settings { client_ca: Some(Made::of(&["a"]).given().key), ..verified };
        assert!(Port::load(wrong, [0; 32]).unwrap_err().to_string().contains("has no certificate in it"));
    }
}
