//! What TLS is to be served with at a listener.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::address::Address;
use super::parameters::TlsOptions;
use crate::error::ListenError;
use crate::tls::given::{Given, Pem, Settings, SetupError};
use crate::tls::kept::Kept;
use crate::tls::port::{Otherwise, Port, Secret, new_secret};

/// What an address says of TLS, and what came of that.
#[derive(Debug)]
pub(super) struct Security {
    options: TlsOptions,
    /// What tickets are encrypted with: the same for all processes that have the listener.
    secret: Secret,
    /// A file with that, without a name, for a program that is started with the listener; and with what was served last.
    file: Option<Arc<File>>,
    /// Once an engine has read it.
    port: Option<Arc<Port>>,
}

impl Security {
    /// For a listener at this address; all that are bound together have one secret.
    pub(super) fn of(address: &Address<'_>, secret: &mut Option<Secret>) -> Result<Security, ListenError> {
        let secret = match secret {
            Some(secret) => *secret,
            none => {
                let lacks = || ListenError::Io {
                    uri: address.uri.to_owned(),
                    source: io::Error::other("the system has no random bytes"),
                };
                *none.insert(new_secret().ok_or_else(lacks)?)
            }
        };
        // Without one, the next program's clients shake hands in full once.
        Ok(Security {
            options: address.options.tls.clone(),
            secret,
            file: written(&secret).ok().map(Arc::new),
            port: None,
        })
    }

    /// The same for an engine.
    pub(super) fn of_engine(&self) -> Security {
        let (file, port) = (self.file.clone(), self.port.clone());
        Security { options: self.options.clone(), secret: self.secret, file, port }
    }

    #[cfg(test)]
    pub(super) fn secret(&self) -> Secret {
        self.secret
    }

    /// The file.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_deref()
    }

    /// Goes on with the secret of another program, by its file.
    pub(super) fn take_over(&mut self, file: File) {
        let mut secret = Secret::default();
        if file.read_exact_at(&mut secret, 0).is_ok() {
            (self.secret, self.file) = (secret, Some(Arc::new(file)));
        }
    }

    /// As it is written in the address.
    pub(super) fn query(&self) -> &str {
        &self.options.query
    }

    /// What was read.
    pub(super) fn port(&self) -> Option<Arc<Port>> {
        self.port.clone()
    }

    /// Reads it: what the address says, or else `settings`; unless that has been `read` for another. May take long.
    pub(super) fn load(
        &mut self,
        settings: &Settings,
        otherwise: Otherwise,
        read: &mut Vec<Arc<Port>>,
    ) -> Result<(), SetupError> {
        let settings = self.settings(settings)?;
        let port = match read.iter().find(|port| port.is_of(&settings, &self.secret)) {
            Some(port) => {
                self.kept().into_iter().for_each(|kept| port.keep_in(kept));
                port.clone()
            }
            None => {
                let port = Arc::new(Port::load_beside(settings, self.secret, self.kept(), otherwise)?);
                read.push(port.clone());
                port
            }
        };
        self.port = Some(port);
        Ok(())
    }

    /// What was served last. Keys are kept where the file is in memory alone.
    fn kept(&self) -> Option<Kept> {
        let file = self.file.clone().filter(|_| cfg!(any(target_os = "linux", target_os = "android")))?;
        Some(Kept::of(file, self.secret))
    }

    /// A certificate that the address names is the only one there is for it.
    fn settings(&self, settings: &Settings) -> Result<Settings, SetupError> {
        let options = &self.options;
        let mut settings = settings.clone();
        match (&options.cert, &options.key) {
            (Some(cert), Some(key)) => {
                settings.certificates = vec![Given {
                    cert: Pem::File(cert.into()),
                    key: Pem::File(key.into()),
                    key_password_command: options.key_password_command.clone(),
                    ocsp: options.ocsp.clone().map(Into::into),
                }];
            }
            (None, None) => {}
            (given, _) => return Err(SetupError::half(given.is_some())),
        }
        if let Some(client_ca) = &options.client_ca {
            settings.client_ca = Some(Pem::File(client_ca.into()));
        }
        settings.verify = options.verify.unwrap_or(settings.verify);
        settings.min_version = options.min_version.unwrap_or(settings.min_version);
        Ok(settings)
    }
}

/// Nobody else can open it, and it is on no disk where the system has such files.
fn written(secret: &Secret) -> io::Result<File> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let file = File::from(rustix::fs::memfd_create("kino tickets", rustix::fs::MemfdFlags::CLOEXEC)?);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let file = tempfile::tempfile()?;
    file.write_all_at(secret, 0)?;
    Ok(file)
}
