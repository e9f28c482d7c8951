//! What is kept of a request and its answer, whoever keeps it: at most so much, and nothing that proves who somebody is.

use std::borrow::Cow;

use hyper::header::USER_AGENT;

use super::{redact, subject};
use crate::front::exchange::Received;
use crate::wire::http::{HttpAnswer, text};

/// The answer's headers that are kept.
pub const HEADERS: [&str; 7] =
    ["Retry-After", "request-id", "Server-Timing", "Rate-Limit-Reason", "WWW-Authenticate", "Content-Type", "Location"];

/// Longest part of an error answer that is kept, in bytes. The errors of EWS and Graph are below one kilobyte.
const ERROR_BYTES: usize = 4 << 10;

/// Longest URL that is kept, in bytes.
const URL_BYTES: usize = 2 << 10;

/// Longest name of a client that is kept, in bytes.
const AGENT_BYTES: usize = 200;

/// The beginning of a text, at most so many bytes.
fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The path of a request, and its query unless secrets are exchanged there.
pub(super) fn target(request: &Received) -> &str {
    let path = request.uri.path();
    if subject::proves(path) {
        return path;
    }
    request.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str)
}

/// Adds the URL of a request, as the client meant it, to a text.
pub fn write_url(request: &Received, text: &mut String) {
    let begin = text.len();
    text.push_str(request.scheme());
    text.push_str("://");
    // A user and password before the host are left out.
    text.push_str(request.host().rsplit('@').next().unwrap_or_default());
    text.push_str(&redact::query(target(request)));
    text.truncate(text.floor_char_boundary(begin + URL_BYTES));
}

/// The URL of a request as the client meant it.
#[must_use]
pub fn url(request: &Received) -> String {
    let mut url = String::new();
    write_url(request, &mut url);
    url
}

/// What a client calls itself.
#[must_use]
pub fn agent(request: &Received) -> Option<&str> {
    request.header(USER_AGENT).map(|agent| beginning(agent, AGENT_BYTES))
}

/// A header of an answer as it is kept.
#[must_use]
pub fn header<'a>(answer: &'a HttpAnswer, name: &str) -> Option<Cow<'a, str>> {
    answer.header(name).map(|value| redact::header(name, value))
}

/// The headers of an answer that concern throttling and identity.
#[must_use]
pub fn headers(answer: &HttpAnswer) -> Vec<(String, String)> {
    HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), header(answer, name)?.into_owned()))).collect()
}

/// The beginning of an error answer; nothing of answers that are none, nor where secrets are exchanged.
#[must_use]
pub fn error<'a>(request: &Received, answer: &'a HttpAnswer) -> Option<Cow<'a, str>> {
    if answer.status < 400 || subject::proves(request.uri.path()) {
        return None;
    }
    Some(text(&answer.body[..answer.body.len().min(ERROR_BYTES)]))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};

    use super::*;

    fn received(target: &'static str) -> Received {
        let uri = hyper::Uri::from_static(target);
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Received { method: Method::GET, uri, headers, peer: None, secure: false, body }
    }

    fn check(target: &'static str, expected: &str) {
        assert_eq!(url(&received(target)), format!("http://localhost{expected}"));
    }

    #[test]
    fn urls_are_kept_without_what_they_prove() {
        check("/v1.0/users?$top=1", "/v1.0/users?$top=1");
        check("/t/oauth2/v2.0/token?client_secret=s", "/t/oauth2/v2.0/token");
        check(
            "/api/gbeta/mailboxes/m/importItem?authtoken=s&a=b",
            "/api/gbeta/mailboxes/m/importItem?authtoken=REDACTED&a=b",
        );
        assert_eq!(
            error(&received("/t/oauth2/token"), &HttpAnswer { status: 400, headers: Vec::new(), body: b"s".to_vec() }),
            None
        );
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(beginning("aéb", 2), "a");
        assert_eq!(beginning("aéb", 3), "aé");
        assert_eq!(beginning("ab", 9), "ab");
    }
}
