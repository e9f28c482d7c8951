//! What control requests are answered with: JSON, text, or what was wrong.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::wire::http::HttpAnswer;

/// What was wrong with a control request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Wrong {
    /// The HTTP status.
    #[serde(skip)]
    pub(super) status: u16,
    /// What was found.
    pub(super) error: String,
    /// What to do about it.
    pub(super) help: String,
}

impl Wrong {
    /// The request cannot be carried out as it is.
    pub(super) fn request(error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status: 400, error: error.into(), help: help.into() }
    }

    /// What the request names is not there.
    pub(super) fn missing(error: impl Into<String>, help: impl Into<String>) -> Self {
        Self { status: 404, error: error.into(), help: help.into() }
    }

    /// The answer that says so.
    pub(super) fn answer(&self) -> HttpAnswer {
        json(self.status, self)
    }
}

/// An answer in JSON.
pub(super) fn json<T: Serialize>(status: u16, value: &T) -> HttpAnswer {
    let mut body = serde_json::to_vec(value).expect("control answers have text keys");
    body.push(b'\n');
    typed(status, "application/json; charset=utf-8", body)
}

/// An answer of a type of content. Nothing of the control desk may be kept or shown inside of another page.
pub(super) fn typed(status: u16, content_type: &str, body: Vec<u8>) -> HttpAnswer {
    let headers = vec![
        ("Content-Type", content_type.to_owned()),
        ("Cache-Control", "no-store".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        (
            "Content-Security-Policy",
            "default-src 'self' 'unsafe-inline'; img-src data:; frame-ancestors 'none'".to_owned(),
        ),
    ];
    HttpAnswer { status, headers, body }
}

/// Reads the JSON object of a request, keys and values.
pub(super) fn fields(body: &[u8], help: &str) -> Result<Map<String, Value>, Wrong> {
    read(body, help)
}

/// Reads an object of a request, which is never a list of what belongs into it.
pub(super) fn object<T: DeserializeOwned>(body: &[u8], help: &str) -> Result<T, Wrong> {
    of_fields(fields(body, help)?, help)
}

/// What the keys and values of a request stand for.
pub(super) fn of_fields<T: DeserializeOwned>(fields: Map<String, Value>, help: &str) -> Result<T, Wrong> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| unexpected(&error, help))
}

fn unexpected(error: &serde_json::Error, help: &str) -> Wrong {
    Wrong::request(format!("the body is not as expected: {error}"), help)
}

/// Reads the JSON of a request. The error says where and what was expected.
pub(super) fn read<T: DeserializeOwned>(body: &[u8], help: &str) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|error| unexpected(&error, help))
}
