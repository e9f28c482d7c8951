//! An HTTP exchange as plain values, for codecs that do no I/O.

use std::borrow::Cow;

use super::operation::Operation;

/// A call that a protocol cannot carry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{operation} cannot be written: {reason}")]
pub struct Unsupported {
    /// The kind of call.
    pub operation: Operation,
    /// Why not, as the end of a sentence.
    pub reason: &'static str,
}

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpCall {
    /// `GET`, `POST`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// Path and query; the whole URL where the call goes to another host than usual (Graph's import URLs).
    pub path: String,
    /// Headers beyond those that belong to the connection, the body's length and the caller's identity.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// Headers beyond those that belong to the connection and the body's length.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpAnswer {
    /// The value of a header, found without regard to case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Bytes as text, with marks where they are none. That all is text, as nearly always, is found out several times faster
/// than where it is not.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
