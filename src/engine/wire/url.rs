//! Where a server is, and whether we may go there.
//!
//! A live run sends what a migration sends. It goes to this machine alone unless the user names other hosts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::Uri;

/// The base URL of a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerUrl {
    host: String,
    port: u16,
    prefix: String,
}

/// Why a URL cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrlError {
    /// It is no URL of a server.
    #[error("`{text}` is not a URL such as http://127.0.0.1:8080")]
    Malformed {
        /// What was written.
        text: String,
    },
    /// It asks for a protocol that this program does not speak.
    #[error("`{text}` asks for {scheme}, but only http is spoken; put a local proxy that speaks {scheme} in between")]
    Scheme {
        /// What was written.
        text: String,
        /// The scheme.
        scheme: String,
    },
    /// It leads to another machine, which was not allowed.
    #[error("`{host}` is not this machine; a live run goes there only if the host is allowed by name")]
    NotAllowed {
        /// The host.
        host: String,
    },
}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let malformed = || UrlError::Malformed { text: text.to_owned() };
        let uri: Uri = text.trim().parse().map_err(|_| malformed())?;
        let scheme = uri.scheme_str().ok_or_else(malformed)?;
        if scheme != "http" {
            return Err(UrlError::Scheme { text: text.to_owned(), scheme: scheme.to_owned() });
        }
        let authority = uri.authority().ok_or_else(malformed)?;
        if authority.host().is_empty() || authority.as_str().contains('@') || uri.query().is_some() {
            return Err(malformed());
        }
        Ok(Self {
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(80),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}{}", self.host, self.port, self.prefix)
    }
}

impl ServerUrl {
    /// The URL of a server that listens on an address.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("[{address}]"),
        };
        Self { host, port: address.port(), prefix: String::new() }
    }

    /// The value of the header `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The path of a request below this URL.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The host as the system's resolver takes it, and the port.
    #[must_use]
    pub fn socket(&self) -> (&str, u16) {
        (self.host.trim_matches(['[', ']']), self.port)
    }

    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let (host, _) = self.socket();
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// Passes a server on this machine or on one of the allowed hosts, compared without regard to case.
    pub fn allowed(self, hosts: &[String]) -> Result<Self, UrlError> {
        if self.is_loopback() || hosts.iter().any(|host| host.eq_ignore_ascii_case(self.socket().0)) {
            Ok(self)
        } else {
            Err(UrlError::NotAllowed { host: self.host })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let read = text.parse::<ServerUrl>().map_or_else(|error| error.to_string(), |url| url.to_string());
        assert!(read.contains(expected), "{text} gave {read}");
    }

    #[test]
    fn urls_are_read_with_their_defaults() {
        check("http://127.0.0.1:8080", "http://127.0.0.1:8080");
        check("http://LOCALHOST/", "http://localhost:80");
        check("http://[::1]:9/mock/", "http://[::1]:9/mock");
    }

    #[test]
    fn what_cannot_be_used_is_explained() {
        check("https://graph.microsoft.com", "asks for https");
        check("127.0.0.1:8080", "not a URL");
        check("http://user:secret@localhost", "not a URL");
        check("http://localhost/?a=b", "not a URL");
        check("", "not a URL");
    }

    #[test]
    fn other_machines_must_be_allowed_by_name() {
        let allowed = |text: &str, hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
            text.parse::<ServerUrl>().expect("a URL").allowed(&hosts).is_ok()
        };
        assert!(allowed("http://localhost:1", &[]));
        assert!(allowed("http://127.9.9.9:1", &[]));
        assert!(allowed("http://[::1]:1", &[]));
        assert!(!allowed("http://127.0.0.1.example.org", &[]));
        assert!(!allowed("http://10.0.0.1", &["10.0.0.2"]));
        assert!(allowed("http://mail.example.org", &["Mail.Example.Org"]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,60}") {
            let _ = text.parse::<ServerUrl>();
        }
    }
}
