//! What one address serves TLS with: as it was read at the start, and read again when a file of it changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::{Mutex, RwLock};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};

use super::given::{Settings, SetupError, Verify, Version};
pub use super::identity::Certificate;
use super::identity::Identity;
use super::kept::Kept;
use super::material::Material;
use super::names::Names;
use super::pem;
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
    /// Where what it serves with is kept for processes that follow.
    kept: Mutex<Vec<Kept>>,
    /// What was wrong with the files where it has gone on with what was kept.
    fault: Mutex<Option<SetupError>>,
}

/// What it serves with now.
#[derive(Clone, Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    certificates: Vec<Certificate>,
    material: Arc<Material>,
}

/// What there is to do where what is given can't be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// Nothing is served: whoever asked for it hears why.
    #[default]
    Fails,
    /// What the server's other processes have served last, where there is that, is served on.
    GoesOn,
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
        Port::load_beside(settings, secret, None, Otherwise::Fails)
    }

    /// The same for one of several processes, which have what is kept in common.
    pub(crate) fn load_beside(
        settings: Settings,
        secret: Secret,
        kept: Option<Kept>,
        otherwise: Otherwise,
    ) -> Result<Port, SetupError> {
        let seen = stamps(&settings);
        let known = kept.as_ref().and_then(|kept| kept.find(&settings.identify()));
        let before = known.and_then(|material| load(&settings, &secret, material).ok());
        let (loaded, fault) = match (read(&settings, &secret, before.as_ref()), before) {
            (Ok(loaded), _) => (loaded, None),
            (Err(error), Some(before)) if otherwise == Otherwise::GoesOn => (before, Some(error)),
            (Err(error), _) => return Err(error),
        };
        let port = Port {
            settings,
            secret,
            current: RwLock::new(loaded),
            seen: Mutex::new(seen),
            kept: Mutex::new(Vec::new()),
            fault: Mutex::new(fault),
        };
        kept.into_iter().for_each(|kept| port.keep_in(kept));
        Ok(port)
    }

    /// What it serves with is kept there from now on.
    pub(crate) fn keep_in(&self, kept: Kept) {
        kept.keep(&self.settings.identify(), &self.current.read().material);
        self.kept.lock().push(kept);
    }

    /// What was wrong where it has gone on with what was kept: told once.
    pub(crate) fn take_fault(&self) -> Option<SetupError> {
        self.fault.lock().take()
    }

    /// What is given that does nothing.
    pub(crate) fn needless(&self) -> Option<String> {
        let client_ca = self.settings.client_ca.as_ref().filter(|_| !self.settings.verifies())?;
        let label = client_ca.label("client_ca");
        Some(format!("{label} does nothing, since no client is verified; write verify: :required, or :optional"))
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
        self.settings.verifies()
    }

    /// Whether a setting leaves clients out that know TLS 1.2 alone.
    pub(crate) fn refuses_tls12(&self) -> bool {
        self.settings.min_version == Version::Tls13
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
        let before = self.current.read().clone();
        Some(read(&self.settings, &self.secret, Some(&before)).map(|loaded| {
            let material = loaded.material.clone();
            *self.current.write() = loaded;
            self.kept.lock().iter().for_each(|kept| kept.keep(&self.settings.identify(), &material));
        }))
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

/// Reads what is given, unless that would end what is served `before`.
fn read(settings: &Settings, secret: &Secret, before: Option<&Loaded>) -> Result<Loaded, SetupError> {
    if settings.certificates.is_empty() {
        return Err(SetupError("there is no certificate to serve; write tls cert: \"FILE\", key: \"FILE\"".to_owned()));
    }
    let loaded = load(settings, secret, Material::read(settings)?)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let has_ended = |one: &Certificate| one.expires.is_some_and(|end| end <= now);
    let before = before.map_or(&[][..], |before| &before.certificates);
    match loaded.certificates.iter().zip(before).find(|(new, old)| has_ended(new) && !has_ended(old)) {
        Some((new, _)) => Err(SetupError(format!(
            "{} no longer holds, and the one that is served does; put one there that holds",
            new.label
        ))),
        None => Ok(loaded),
    }
}

fn load(settings: &Settings, secret: &Secret, material: Material) -> Result<Loaded, SetupError> {
    let provider = provider();
    let read = settings.certificates.iter().zip(&material.certificates);
    let identities = read.map(|(given, read)| Identity::of(given, read, &provider)).collect::<Result<Vec<_>, _>>()?;
    let versions: &[&rustls::SupportedProtocolVersion] = match settings.min_version {
        Version::Tls12 => &[&version::TLS13, &version::TLS12],
        Version::Tls13 => &[&version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| SetupError(format!("TLS can't be served: {error}")))?;
    let (verifier, roots) = verifier(settings, &material)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Names::of(&identities)));
    config.alpn_protocols = settings.http2.then_some(HTTP2).into_iter().chain([HTTP11]).map(<[u8]>::to_vec).collect();
    config.ticketer = Arc::new(Tickets::new(*secret, &roots));
    // Nothing is kept here of a session: any process can take its ticket.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    let certificates = identities.into_iter().map(Identity::into_certificate).collect();
    Ok(Loaded { config: Arc::new(config), certificates, material: Arc::new(material) })
}

/// Who verifies clients, and by what, in bytes.
type Verifier = (Option<Arc<dyn ClientCertVerifier>>, Vec<u8>);

fn verifier(settings: &Settings, material: &Material) -> Result<Verifier, SetupError> {
    if !settings.verifies() {
        return Ok((None, Vec::new()));
    }
    let (Some(given), Some(text)) = (&settings.client_ca, &material.client_ca) else {
        return Err(SetupError(
            "clients can't be verified without client_ca; write client_ca: \"FILE\", with the certificates of those \
             who sign theirs"
                .to_owned(),
        ));
    };
    let label = given.label("client_ca");
    let (roots, bytes) = roots(text, &label)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let (builder, word) = match settings.verify {
        Verify::Required => (builder, 2),
        _ => (builder.allow_unauthenticated(), 1),
    };
    let verifier = builder.build().map_err(|error| SetupError(format!("{label} can't be used: {error}")))?;
    Ok((Some(verifier), [&[word][..], &bytes].concat()))
}

fn roots(text: &[u8], label: &str) -> Result<(RootCertStore, Vec<u8>), SetupError> {
    let (mut roots, mut bytes) = (RootCertStore::empty(), Vec::new());
    for root in pem::certificates(text, label)? {
        bytes.extend_from_slice(&root);
        roots
            .add(root)
            .map_err(|error| SetupError(format!("{label} has a certificate that can't be used: {error}")))?;
    }
    Ok((roots, bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tls::given::{Given, Pem};
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

    #[test]
    fn one_that_follows_goes_on_with_what_was_served_last() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::of(Arc::new(tempfile::tempfile().unwrap()), [0; 32]);
        let settings = put(&folder, &Made::of(&["one"]));
        let load = |otherwise| Port::load_beside(settings.clone(), [0; 32], Some(kept.clone()), otherwise);
        let first = load(Otherwise::GoesOn).unwrap();
        put(&folder, &Made::of(&["two"]));
        assert_eq!(first.look(false), Some(Ok(())));

        fs::write(folder.path().join("key.pem"), "no key").unwrap();
        assert!(load(Otherwise::Fails).unwrap_err().to_string().contains("has no private key in it"));
        let next = load(Otherwise::GoesOn).unwrap();
        assert_eq!(next.certificates(), first.certificates());
        assert!(next.take_fault().unwrap().to_string().contains("has no private key in it"));
        assert!(next.take_fault().is_none(), "it is told once");
        assert!(next.look(false).is_none(), "the same files are not read again");

        let others = Settings { min_version: Version::Tls13, ..settings.clone() };
        let others = Port::load_beside(others, [0; 32], Some(kept.clone()), Otherwise::GoesOn);
        assert!(others.is_err(), "other settings have served nothing");

        put(&folder, &Made::of(&["three"]));
        assert_eq!(next.look(false), Some(Ok(())));
        assert_eq!(next.certificates()[0].names, ["three"]);
    }

    #[test]
    fn one_that_has_ended_does_not_take_the_place_of_one_that_holds() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::of(Arc::new(tempfile::tempfile().unwrap()), [0; 32]);
        let settings = put(&folder, &Made::until(&["one"], 2001));
        let load = |otherwise| Port::load_beside(settings.clone(), [0; 32], Some(kept.clone()), otherwise);
        let port = load(Otherwise::Fails).expect("nothing better is there");
        put(&folder, &Made::of(&["two"]));
        assert_eq!(port.look(false), Some(Ok(())));
        put(&folder, &Made::until(&["three"], 2001));
        let error = port.look(false).unwrap().unwrap_err().to_string();
        assert!(error.contains("no longer holds, and the one that is served does"), "{error}");
        assert_eq!(port.certificates()[0].names, ["two"]);
        assert_eq!(load(Otherwise::GoesOn).unwrap().certificates()[0].names, ["two"]);
        assert!(load(Otherwise::Fails).is_err());
    }

    #[test]
    fn roots_that_verify_nobody_are_told_of() {
        let settings = Settings { client_ca: Some(Made::of(&["a"]).given().cert), ..Made::of(&["a"]).settings() };
        let told = |settings| Port::load(settings, [0; 32]).unwrap().needless();
        assert!(told(settings.clone()).unwrap().starts_with("client_ca that is given as text does nothing"));
        assert_eq!(told(Settings { verify: Verify::Optional, ..settings }), None);
        assert_eq!(told(Made::of(&["a"]).settings()), None);
    }
}
