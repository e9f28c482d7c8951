//! What a client hears instead of an answer: `OData` errors with the service's own codes.
//!
//! Sources: learn.microsoft.com/graph/errors for the shape; the Outlook codes are those of EWS
//! (learn.microsoft.com/exchange/client-developer/web-service-reference/responsecode) without change; messages are those
//! seen from the service where known, else assumed.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::mailbox::store::StoreError;
use crate::wire::graph::{self, JSON_TYPE};
use crate::wire::http::HttpAnswer;
use crate::wire::refusal::{Refusal, RefusalKind};

/// Why a request has no result.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The request or what it names is wrong.
    #[error("{code}: {message}")]
    Wrong {
        /// The HTTP status.
        status: u16,
        /// The code that clients act on.
        code: Cow<'static, str>,
        /// The sentence that people read.
        message: String,
        /// Where to start over (`Location` of 410).
        location: Option<String>,
    },
    /// A limit or a fault refused it.
    #[error("refused: {}", .0.kind)]
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::item_not_found(),
            StoreError::Exists => Self::folder_exists(),
            StoreError::Corrupt => Self::item_corrupt(),
            StoreError::Distinguished => {
                Self::new(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted or moved.")
            }
            StoreError::Cycle => {
                Self::new(400, "ErrorMoveCopyFailed", "The folder cannot be moved or copied below itself.")
            }
        }
    }
}

impl Failure {
    /// A failure with a status, a code and a message.
    pub(super) fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::Wrong { status, code: code.into(), message: message.into(), location: None }
    }

    /// A request that does not make sense as a whole.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// A query that cannot be read.
    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(400, "RequestBroker--ParseUri", message)
    }

    /// A value in a body that does not fit its property.
    pub(super) fn property(name: &str) -> Self {
        Self::new(400, "RequestBodyRead", format!("The value of the property '{name}' cannot be read as its type."))
    }

    /// No such path.
    pub(super) fn no_route(segment: &str) -> Self {
        Self::bad(format!("Resource not found for the segment '{segment}'."))
    }

    /// The path exists, but not for this method.
    pub(super) fn no_method() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    /// No such item, folder or attachment.
    pub(super) fn item_not_found() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    /// The item's content cannot be read.
    pub(super) fn item_corrupt() -> Self {
        Self::new(500, "ErrorItemCorrupt", "The item is corrupt and cannot be read.")
    }

    /// A reference that the mailbox cannot have written.
    pub(super) fn id_malformed() -> Self {
        Self::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    }

    /// A folder of that name exists.
    pub(super) fn folder_exists() -> Self {
        Self::new(409, "ErrorFolderExists", "A folder with the specified name already exists.")
    }

    /// No such user.
    pub(super) fn no_user(named: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{named}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// A delta token that is no longer known; the client starts over at `location`.
    pub(super) fn sync_state_lost(location: String) -> Self {
        Self::Wrong {
            status: 410,
            code: Cow::Borrowed("SyncStateNotFound"),
            message: "The sync state generation is not found.".to_owned(),
            location: Some(location),
        }
    }

    /// The status of the answer.
    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Wrong { status, .. } => *status,
            Self::Refused(refusal) => refusal.status,
        }
    }

    /// The failure as an answer. `marks` makes the ids and the date of the request, for those that have an inner error.
    pub(super) fn answer(&self, marks: impl FnOnce() -> Value) -> HttpAnswer {
        match self {
            Self::Refused(refusal) if refusal.kind == RefusalKind::Malformed => {
                Self::bad("The request cannot be read.").answer(marks)
            }
            Self::Refused(refusal) => graph::encode_refusal(refusal),
            Self::Wrong { status, code, message, location } => {
                let mut headers = vec![("Content-Type", JSON_TYPE.to_owned())];
                if let Some(location) = location {
                    headers.push(("Location", location.clone()));
                }
                let body = json!({"error": {"code": code, "message": message, "innerError": marks()}});
                HttpAnswer { status: *status, headers, body: body.to_string().into_bytes() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_written_as_odata_says() {
        let answer = Failure::item_not_found().answer(|| json!({"request-id": "x"}));
        assert_eq!(answer.status, 404);
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(body["error"]["code"], "ErrorItemNotFound");
        assert_eq!(body["error"]["innerError"]["request-id"], "x");
    }

    #[test]
    fn a_lost_state_says_where_to_start_over() {
        let answer = Failure::sync_state_lost("https://h/delta".to_owned()).answer(|| Value::Null);
        assert_eq!((answer.status, answer.header("location")), (410, Some("https://h/delta")));
    }
}
