//! An answer before it is bytes.

use serde_json::Value;

use crate::wire::graph::JSON_TYPE;
use crate::wire::http::HttpAnswer;

/// The body of an answer.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Body {
    Json(Value),
    /// JSON that is written already.
    Written(Vec<u8>),
    /// Bytes of a content type.
    Bytes(String, Vec<u8>),
    Empty,
}

/// An answer.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

impl Reply {
    /// An entity or a collection.
    pub(super) fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(value) }
    }

    /// JSON that is written already.
    pub(super) fn written(json: Vec<u8>) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Written(json) }
    }

    /// Bytes of a content type.
    pub(super) fn bytes(kind: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { status: 200, headers: Vec::new(), body: Body::Bytes(kind.into(), bytes) }
    }

    /// A number as text, as `$count` answers.
    pub(super) fn count(count: usize) -> Self {
        Self::bytes("text/plain", count.to_string().into_bytes())
    }

    /// Nothing but a status.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    /// The same with one more header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer as bytes.
    pub(super) fn answer(self) -> HttpAnswer {
        let mut headers = self.headers;
        let (kind, body) = match self.body {
            Body::Json(value) => {
                (Some(JSON_TYPE.to_owned()), serde_json::to_vec(&value).expect("texts and numbers are valid JSON"))
            }
            Body::Written(json) => (Some(JSON_TYPE.to_owned()), json),
            Body::Bytes(kind, bytes) => (Some(kind), bytes),
            Body::Empty => (None, Vec::new()),
        };
        if let Some(kind) = kind {
            headers.insert(0, ("Content-Type", kind));
        }
        HttpAnswer { status: self.status, headers, body }
    }
}
