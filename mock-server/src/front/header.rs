//! Names of headers that HTTP does not know, made once: a name in text is read anew whenever it is looked for.

use hyper::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};

use super::server_timing;
use crate::wire::identity;

/// Which request it is.
pub(super) static IDENTITY: HeaderName = HeaderName::from_static(identity::HEADER);

/// How a client would like to be answered.
pub(super) static PREFER: HeaderName = HeaderName::from_static("prefer");

/// The mailbox that a client of EWS means.
pub(super) static ANCHOR: HeaderName = HeaderName::from_static("x-anchormailbox");

static REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
static SERVER_TIMING: HeaderName = HeaderName::from_static(server_timing::HEADER);

/// The header of a name, if it can be one. Those that most answers have are not read.
pub(super) fn named(name: &str) -> Option<HeaderName> {
    match name {
        "Content-Type" => Some(CONTENT_TYPE),
        "Retry-After" => Some(RETRY_AFTER),
        "request-id" => Some(REQUEST_ID.clone()),
        identity::HEADER => Some(IDENTITY.clone()),
        server_timing::HEADER => Some(SERVER_TIMING.clone()),
        _ => HeaderName::try_from(name).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_known_are_those_that_would_be_read() {
        for name in ["Content-Type", "Retry-After", "request-id", identity::HEADER, server_timing::HEADER, "Location"] {
            assert_eq!(named(name), HeaderName::try_from(name).ok(), "{name}");
        }
        assert_eq!(named("no name"), None);
    }
}
