//! Who may control the server: on this machine anybody, from elsewhere whoever has the token.
//!
//! A web page that a user of this machine happens to visit could send requests to loopback as well. So the host that a
//! request names must be this machine too (a page elsewhere can point its own name here, but cannot change what the
//! browser says the name is), and what changes anything must be JSON or raw content, which a page of another origin
//! cannot send without asking first.

use std::net::{IpAddr, SocketAddr};

use crate::front::exchange::Received;

/// Who may control the server.
#[derive(Clone, Default)]
pub struct Guard {
    /// What clients from other machines must prove; they are all turned away if absent.
    token: Option<String>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("token", &self.token.is_some()).finish()
    }
}

/// Why a control request was turned away.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum TurnedAway {
    /// It comes from another machine and does not have the token.
    Stranger,
    /// It comes from this machine, but names another host.
    ForeignHost,
    /// It would change something and could have been sent by any web page.
    Simple,
}

/// The types of content that a web page of another origin may send without asking (Fetch standard, "CORS-safelisted
/// request-header").
const SIMPLE: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

impl Guard {
    /// Lets this machine in, and other machines with a token if there is one.
    #[must_use]
    pub fn new(token: Option<String>) -> Self {
        Self { token }
    }

    /// Decides whether a control request is let in.
    pub(super) fn admit(&self, request: &Received) -> Result<(), TurnedAway> {
        if self.has_token(request) {
            return Ok(());
        }
        if !request.peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
            return Err(TurnedAway::Stranger);
        }
        if !names_this_machine(request.host()) {
            return Err(TurnedAway::ForeignHost);
        }
        let kind = request.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let changes = request.method != "GET" && request.method != "HEAD";
        let simple = kind.is_empty() && request.method == "POST" || SIMPLE.iter().any(|s| s.eq_ignore_ascii_case(kind));
        if changes && simple { Err(TurnedAway::Simple) } else { Ok(()) }
    }

    fn has_token(&self, request: &Received) -> bool {
        let Some(token) = &self.token else { return false };
        let given = request.header("authorization").and_then(|header| header.split_once(' '));
        given.is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("bearer") && same(given.trim(), token))
    }
}

/// Compares two secrets in a time that depends on their lengths only.
fn same(one: &str, other: &str) -> bool {
    let differences = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

/// Whether the host of a request, port included, is this machine.
fn names_this_machine(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.strip_prefix('[').and_then(|rest| rest.split(']').next());
    let name = name.unwrap_or_else(|| host.split(':').next().unwrap_or_default());
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};

    use super::*;

    fn check(peer: &str, method: Method, headers: &[(&'static str, &str)], expected: Result<(), TurnedAway>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header value"));
        }
        let uri = "/_tank/faults".parse().expect("a path");
        let peer = Some(peer.parse().expect("an address"));
        let request = Received { method, uri, headers: map, body: Bytes::new(), peer, secure: false };
        assert_eq!(Guard::new(Some("open".into())).admit(&request), expected, "{headers:?}");
    }

    #[test]
    fn this_machine_is_let_in_and_others_need_the_token() {
        let local = [("host", "localhost:80")];
        check("127.0.0.1:9", Method::GET, &local, Ok(()));
        check("[::1]:9", Method::GET, &[("host", "[::1]:80")], Ok(()));
        check("10.0.0.1:9", Method::GET, &local, Err(TurnedAway::Stranger));
        check("10.0.0.1:9", Method::GET, &[("authorization", "Bearer opem")], Err(TurnedAway::Stranger));
        check("10.0.0.1:9", Method::POST, &[("authorization", "Bearer open")], Ok(()));
    }

    #[test]
    fn web_pages_of_other_origins_change_nothing() {
        let json = [("host", "127.0.0.1:80"), ("content-type", "application/json")];
        check("127.0.0.1:9", Method::POST, &json, Ok(()));
        check("127.0.0.1:9", Method::POST, &[("host", "127.0.0.1")], Err(TurnedAway::Simple));
        check("127.0.0.1:9", Method::DELETE, &[("host", "127.0.0.1")], Ok(()));
        let plain = [("host", "127.0.0.1"), ("content-type", "text/plain; charset=utf-8")];
        check("127.0.0.1:9", Method::POST, &plain, Err(TurnedAway::Simple));
        check("127.0.0.1:9", Method::GET, &[("host", "evil.example:80")], Err(TurnedAway::ForeignHost));
    }
}
