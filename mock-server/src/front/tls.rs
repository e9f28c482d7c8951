//! TLS: an authority that is made when the server starts, and a certificate for this machine and for the hosts that it
//! stands in for.
//!
//! Clients that trust the authority believe that the mock is the service. Its key never leaves the process, so nobody
//! else can use that trust.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The hosts that the mock stands in for, beside this machine.
pub const HOSTS: [&str; 9] = [
    "outlook.office365.com",
    "outlook.office.com",
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "autodiscover-s.outlook.com",
    "autodiscover.outlook.com",
];

/// The names of this machine.
const OWN: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A name cannot stand in a certificate, or the system gives no randomness.
    #[error("no certificate can be made")]
    Certificate(#[from] rcgen::Error),
    /// The certificate is not accepted.
    #[error("the certificate cannot be used")]
    Setup(#[from] rustls::Error),
}

/// An authority and the certificate that it gave this server.
#[derive(Clone)]
pub struct Authority {
    pem: Arc<str>,
    acceptor: TlsAcceptor,
    domains: Arc<[String]>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes an authority and a certificate for this machine, [`HOSTS`], and the given mail domains with their
    /// autodiscover hosts.
    ///
    /// # Errors
    ///
    /// If a domain cannot stand in a certificate.
    pub fn new(domains: &[String]) -> Result<Self, TlsError> {
        let mut names: Vec<String> = OWN.iter().chain(&HOSTS).map(|&name| name.to_owned()).collect();
        for domain in domains {
            names.extend([domain.clone(), format!("autodiscover.{domain}")]);
        }
        let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = leaf(names)?.signed_by(&key, &issuer)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone(), issuer.der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            pem: Arc::from(issuer.pem()),
            acceptor: TlsAcceptor::from(Arc::new(config)),
            domains: domains.iter().map(|domain| domain.to_lowercase()).collect(),
        })
    }

    /// The certificate of the authority, for clients to trust, as PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Whether the mock stands in for a host.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let bare = host.strip_prefix("autodiscover.").unwrap_or(&host);
        HOSTS.contains(&&*host) || OWN.contains(&&*host) || self.domains.iter().any(|domain| domain == bare)
    }

    /// Takes a client's handshake.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<tokio_rustls::server::TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "mock-server");
    params.distinguished_name.push(DnType::OrganizationName, "mock-server, for tests on this machine only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "mock-server on this machine");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mock_stands_in_for_the_service_and_its_own_domains_only() {
        let authority = Authority::new(&["Contoso.test".to_owned()]).expect("a certificate");
        for host in ["Graph.microsoft.com", "contoso.test", "autodiscover.contoso.test", "127.0.0.1"] {
            assert!(authority.covers(host), "{host}");
        }
        for host in ["example.com", "autodiscover.example.com", "www.contoso.test", ""] {
            assert!(!authority.covers(host), "{host}");
        }
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
