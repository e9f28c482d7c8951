//! TLS: an authority that is made when the server starts, a certificate for this machine and for the hosts of the service
//! that it stands in for, and one more for each host of a mail domain when a client first asks for it.
//!
//! Clients that trust the authority believe that the mock is the service. Its key never leaves the process, so nobody
//! else can use that trust.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::unsync::Cache;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use xxhash_rust::xxh3::xxh3_64;

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

/// How many certificates of hosts of mail domains are kept. Assumed: more than a test has clients; others are made again.
const KEPT: usize = 1_024;

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

/// An authority and the certificates that it gives this server.
#[derive(Clone)]
pub struct Authority {
    pem: Arc<str>,
    acceptor: TlsAcceptor,
    domains: Arc<[String]>,
}

/// Shows each client the certificate of the host that it asks for.
struct Certificates {
    issuer: CertifiedIssuer<'static, KeyPair>,
    key: KeyPair,
    provider: Arc<CryptoProvider>,
    domains: Arc<[String]>,
    /// That of this machine and of [`HOSTS`].
    usual: Arc<CertifiedKey>,
    made: Mutex<Cache<String, Arc<CertifiedKey>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes an authority and a certificate for this machine and [`HOSTS`]. It also gives certificates to the given mail
    /// domains and to all hosts in them, such as those of autodiscover.
    ///
    /// # Errors
    ///
    /// If the system gives no randomness.
    pub fn new(domains: &[String]) -> Result<Self, TlsError> {
        let domains: Arc<[String]> = domains.iter().map(|domain| domain.to_lowercase()).collect();
        let certificates = Certificates::new(Arc::clone(&domains))?;
        let pem = Arc::from(certificates.issuer.pem());
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&certificates.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { pem, acceptor: TlsAcceptor::from(Arc::new(config)), domains })
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
        HOSTS.contains(&&*host) || OWN.contains(&&*host) || is_below(&host, &self.domains)
    }

    /// Takes a client's handshake.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<tokio_rustls::server::TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }
}

/// Whether a host is one of some domains, or in one of them.
fn is_below(host: &str, domains: &[String]) -> bool {
    let within =
        |domain: &String| host.strip_suffix(&**domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    domains.iter().any(within)
}

impl Certificates {
    fn new(domains: Arc<[String]>) -> Result<Self, TlsError> {
        let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let names = OWN.iter().chain(&HOSTS).map(|&name| name.to_owned()).collect();
        let usual = give(&issuer, &key, &provider, names)?;
        Ok(Self { issuer, key, provider, domains, usual, made: Mutex::new(Cache::new(KEPT)) })
    }
}

/// Gives a certificate to some names.
fn give(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    key: &KeyPair,
    provider: &CryptoProvider,
    names: Vec<String>,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let certificate = leaf(names)?.signed_by(key, issuer)?;
    let chain = vec![certificate.der().clone(), issuer.der().clone()];
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok(Arc::new(CertifiedKey::from_der(chain, private, provider)?))
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().map(str::to_lowercase).filter(|host| is_below(host, &self.domains));
        let Some(host) = host else { return Some(Arc::clone(&self.usual)) };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(&host) {
            return Some(Arc::clone(known));
        }
        // A name that cannot stand in a certificate is shown the usual one, which the client then refuses.
        let given = give(&self.issuer, &self.key, &self.provider, vec![host.clone()]);
        let given = given.unwrap_or_else(|_| Arc::clone(&self.usual));
        made.insert(host, Arc::clone(&given));
        Some(given)
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
    // Clients refuse two certificates of one issuer and number. All have the same key, of which the number would be made.
    let number = xxh3_64(names.join(" ").as_bytes()) >> 1 | 1;
    let mut params = CertificateParams::new(names)?;
    params.serial_number = Some(SerialNumber::from(number));
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
    fn no_two_certificates_have_the_same_number() {
        let number = |name: &str| leaf(vec![name.to_owned()]).expect("a name").serial_number;
        assert!(number("a.test").is_some());
        assert_ne!(number("a.test"), number("b.test"));
    }

    #[test]
    fn the_mock_stands_in_for_the_service_and_its_own_domains_only() {
        let authority = Authority::new(&["Contoso.test".to_owned()]).expect("a certificate");
        for host in
            ["Graph.microsoft.com", "contoso.test", "autodiscover.contoso.test", "a.b.Contoso.test", "127.0.0.1"]
        {
            assert!(authority.covers(host), "{host}");
        }
        for host in ["example.com", "autodiscover.example.com", "notcontoso.test", "test", ""] {
            assert!(!authority.covers(host), "{host}");
        }
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    }
}
