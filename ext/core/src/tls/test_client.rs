//! Certificates that are made for tests, and a client in memory.

use std::io::{Read, Write};
use std::sync::Arc;

use pkcs8::pkcs5::pbes2;
use pkcs8::{LineEnding, PrivateKeyInfo};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

use super::given::{Given, Pem, Settings};
use super::port::Port;
use super::provider::provider;

/// A certificate that signs itself.
pub(crate) struct Made {
    der: CertificateDer<'static>,
    cert: String,
    key: KeyPair,
}

impl Made {
    /// 2000-01-01 and 2050-01-01.
    pub(crate) const BEGINS: u64 = 946_684_800;
    pub(crate) const EXPIRES: u64 = 2_524_608_000;

    pub(crate) fn of(names: &[&str]) -> Made {
        Made::until(names, 2050)
    }

    /// One that holds from 2000 until the first of January of that year.
    pub(crate) fn until(names: &[&str], year: i32) -> Made {
        Made::with_key(names, year, KeyPair::generate().unwrap())
    }

    /// The same with a key of that kind.
    pub(crate) fn with_key(names: &[&str], year: i32, key: KeyPair) -> Made {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2000, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let made = params.self_signed(&key).unwrap();
        Made { der: made.der().clone(), cert: made.pem(), key }
    }

    pub(crate) fn cert_der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn given(&self) -> Given {
        let key = Pem::Text(self.key.serialize_pem());
        Given { cert: Pem::Text(self.cert.clone()), key, key_password_command: None, ocsp: None }
    }

    pub(crate) fn key_der(&self) -> Vec<u8> {
        self.key.serialize_der()
    }

    /// What a server is set up with that has this one.
    pub(crate) fn settings(&self) -> Settings {
        Settings { certificates: vec![self.given()], ..Settings::default() }
    }

    /// Its key, encrypted.
    pub(crate) fn locked_key(&self, password: &str) -> String {
        let der = self.key.serialize_der();
        let way = pbes2::Parameters::pbkdf2_sha256_aes256cbc(2, b"12345678", &[7; 16]).unwrap();
        let locked = PrivateKeyInfo::try_from(&der[..]).unwrap().encrypt_with_params(way, password).unwrap();
        locked.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap().to_string()
    }

    fn own_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.serialize_pem().as_bytes()).unwrap()
    }
}

/// It believes any server.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// What clients are told once, and what they remember.
pub(crate) fn client_config(
    versions: &[&'static rustls::SupportedProtocolVersion],
    own: Option<&Made>,
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap();
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match own {
        Some(own) => builder.with_client_auth_cert(vec![own.der.clone()], own.own_key()).unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// A client in memory.
pub(crate) struct Client(pub(crate) ClientConnection);

impl Client {
    pub(crate) fn new(config: &Arc<ClientConfig>, name: &str) -> Client {
        Client(ClientConnection::new(config.clone(), ServerName::try_from(name.to_owned()).unwrap()).unwrap())
    }

    /// One of TLS 1.3 that remembers nothing.
    pub(crate) fn plain() -> Client {
        Client::new(&client_config(&[&rustls::version::TLS13], None), "localhost")
    }

    /// What it sends now.
    pub(crate) fn sends(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// What it says, to be sent.
    pub(crate) fn says(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut left = bytes;
        let mut sent = Vec::new();
        while !left.is_empty() {
            let length = self.0.writer().write(left).unwrap();
            left = &left[length..];
            sent.extend(self.sends());
        }
        sent
    }

    /// What it reads of bytes that have come.
    pub(crate) fn reads(&mut self, mut bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut read = Vec::new();
        while !bytes.is_empty() {
            self.0.read_tls(&mut bytes).unwrap();
            self.0.process_new_packets()?;
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = self.0.reader().read(&mut part) {
                read.extend_from_slice(&part[..length]);
            }
        }
        Ok(read)
    }
}

/// A port that serves one certificate for `localhost`.
pub(crate) fn port() -> Port {
    Port::load(Made::of(&["localhost"]).settings(), [1; 32]).unwrap()
}
