//! TLS at the door itself: the certificate that Spine shows, and those that it lets programs show.

use std::path::Path;
use std::sync::Arc;
use std::{fmt, fs};

use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::validity;
use crate::config;

/// The certificate that a client has shown, and proved to have the key of, with those between it and its authority. It is of
/// the authority that the configuration names.
#[derive(Debug, Clone)]
pub(super) struct ClientCertificate {
    chain: Arc<[CertificateDer<'static>]>,
    /// Until when it is good, with those between it and its authority; none if they never end.
    pub(super) until: Option<Timestamp>,
}

impl ClientCertificate {
    /// The chain of a connection; none if it is empty.
    pub(super) fn of(chain: Option<&[CertificateDer<'_>]>) -> Option<Self> {
        let chain = chain.filter(|chain| !chain.is_empty())?;
        let until = chain.iter().filter_map(|certificate| validity::not_after(certificate)).min();
        Some(Self { chain: chain.iter().map(|certificate| certificate.clone().into_owned()).collect(), until })
    }

    /// Whether it is issued to this name (DNS, among its alternative names).
    pub(super) fn is_of(&self, name: &str) -> bool {
        let Ok(name) = ServerName::try_from(name) else { return false };
        let Some(certificate) = self.chain.first() else { return false };
        let certificate = ParsedCertificate::try_from(certificate);
        certificate.is_ok_and(|certificate| rustls::client::verify_server_name(&certificate, &name).is_ok())
    }
}

/// What makes TLS of a connection.
#[derive(Clone)]
pub struct Tls {
    pub(super) acceptor: TlsAcceptor,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl Tls {
    /// Reads the files of the configuration. An error is the key of a setting and what is wrong with it; it tells nothing of a
    /// private key.
    pub fn new(tls: &config::Tls) -> Result<Self, (&'static str, String)> {
        let verifier = verifier(tls.client_ca.as_deref())?;
        Ok(Self { acceptor: acceptor(tls, Arc::clone(&verifier))?, verifier })
    }

    /// Until when the certificate that Spine shows is good, with those between it and its authority; none if they never end. An
    /// error is the key of a setting and what is wrong with it.
    pub fn good_until(tls: &config::Tls) -> Result<Option<Timestamp>, (&'static str, String)> {
        let chain = certificates("certificate", &tls.certificate)?;
        Ok(chain.iter().filter_map(|certificate| validity::not_after(certificate)).min())
    }

    /// Whether a certificate that was shown before these files were read would be taken now.
    pub(super) fn takes(&self, ClientCertificate { chain, .. }: &ClientCertificate) -> bool {
        let Some((certificate, between)) = chain.split_first() else { return false };
        self.verifier.offer_client_auth()
            && self.verifier.verify_client_cert(certificate, between, UnixTime::now()).is_ok()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Whose certificates are taken: those of an authority, or none.
fn verifier(authority: Option<&Path>) -> Result<Arc<dyn ClientCertVerifier>, (&'static str, String)> {
    let Some(file) = authority else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let mut roots = RootCertStore::empty();
    let useless = || ("client_ca", format!("{} holds a certificate that is of no authority", file.display()));
    for certificate in certificates("client_ca", file)? {
        roots.add(certificate).map_err(|_| useless())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()));
    verifier.allow_unauthenticated().build().map_err(|_| useless())
}

fn acceptor(tls: &config::Tls, verifier: Arc<dyn ClientCertVerifier>) -> Result<TlsAcceptor, (&'static str, String)> {
    let provider = Arc::new(default_provider());
    let chain = certificates("certificate", &tls.certificate)?;
    let pem = read("key", &tls.key)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| ("key", format!("{} holds no private key in PEM", tls.key.display())))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ("certificate", "TLS cannot be set up".to_owned()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|_| ("key", format!("is not the key of the certificate in {}", tls.certificate.display())))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(setting: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, (&'static str, String)> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(setting, file)?).collect();
    let all = all.ok().filter(|all| !all.is_empty());
    all.ok_or_else(|| (setting, format!("{} holds no certificates in PEM", file.display())))
}

fn read(setting: &'static str, file: &Path) -> Result<Vec<u8>, (&'static str, String)> {
    fs::read(file).map_err(|error| (setting, format!("the file {} cannot be read: {}", file.display(), error.kind())))
}
