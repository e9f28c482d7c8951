//! Error bodies: written as the service writes them, and read whoever wrote them.
//!
//! Sources: the throttled body is that of "Microsoft Graph throttling guidance" (learn.microsoft.com/graph/throttling);
//! the `ApplicationThrottled` messages were seen in the field (magodo/terraform-provider-outlook issue 21,
//! alcionai/corso issue 3695); 410 with `syncStateNotFound` is "Microsoft Graph error responses" and "delta query". Where
//! no source shows a code for a status, the comment says "assumed".

use serde::{Deserialize, Serialize};

use super::text::{digits, json_length};
use super::{Frame, JSON, JSON_TYPE};
use crate::time::Span;
use crate::wire::heard::in_seconds;
use crate::wire::http::HttpAnswer;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

/// Why a request cannot be read. Answered with Graph's own error shape.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GraphError {
    /// No such path.
    #[error("no resource at this path")]
    UnknownRoute,
    /// The path exists, but not for this method.
    #[error("the method is not allowed on this resource")]
    MethodNotAllowed,
    /// The URL is longer than [`super::route::MAX_URL_BYTES`].
    #[error("the URL is too long")]
    UrlTooLong,
    /// The body is larger than [`super::MAX_BODY_BYTES`].
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body is not what the resource takes.
    #[error("the body cannot be read")]
    BadBody,
    /// The body's content type is not what the resource takes.
    #[error("the content type does not fit the resource")]
    BadContentType,
    /// A value in the URL or the body is wrong.
    #[error("{0}")]
    BadValue(&'static str),
    /// The request concerns two mailboxes, which one call cannot.
    #[error("the requests of a batch concern different mailboxes")]
    MixedMailboxes,
    /// A request of a batch depends on one that failed.
    #[error("a request that this one depends on failed")]
    FailedDependency,
}

impl GraphError {
    /// The status and code of the error.
    #[must_use]
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::UnknownRoute => (404, "ResourceNotFound"),
            Self::MethodNotAllowed => (405, "Request_BadRequest"),
            Self::UrlTooLong => (414, "BadRequest"),
            Self::BodyTooLarge => (413, "RequestEntityTooLarge"),
            Self::BadBody | Self::BadValue(_) | Self::MixedMailboxes => (400, "BadRequest"),
            Self::FailedDependency => (424, "FailedDependency"),
            Self::BadContentType => (415, "UnsupportedMediaType"),
        }
    }

    /// The error as an answer.
    #[must_use]
    pub fn answer(&self) -> HttpAnswer {
        let (status, code) = self.status();
        body(status, code, &self.to_string(), None)
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    error: Inner<'a>,
}

#[derive(Serialize, Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    code: std::borrow::Cow<'a, str>,
    #[serde(rename = "innerError", skip_serializing_if = "Option::is_none", skip_deserializing, default)]
    detail: Option<Throttled>,
    #[serde(borrow, default)]
    message: std::borrow::Cow<'a, str>,
}

/// The inner error of the documented throttled body, in its documented order.
#[derive(Serialize)]
struct Throttled {
    code: &'static str,
    date: &'static str,
    message: &'static str,
    #[serde(rename = "request-id")]
    request: &'static str,
    status: &'static str,
}

/// The codec has no clock and gives out no request ids: both are those of the documentation's example.
const THROTTLED: Throttled = Throttled {
    code: "429",
    date: "2020-08-18T12:51:51",
    message: "Please retry after",
    request: "94fb3b52-452a-4535-a601-69e0a90e3aa2",
    status: "429",
};

const PLAIN_LENGTH: usize = r#"{"error":{"code":"","message":""}}"#.len();
const THROTTLED_LENGTH: usize = concat!(
    r#","innerError":{"code":"429","date":"2020-08-18T12:51:51","message":"Please retry after","#,
    r#""request-id":"94fb3b52-452a-4535-a601-69e0a90e3aa2","status":"429"}"#
)
.len();

fn body(status: u16, code: &str, message: &str, retry_after: Option<Span>) -> HttpAnswer {
    let detail = (code == "TooManyRequests").then_some(THROTTLED);
    let envelope = Envelope { error: Inner { code: code.into(), detail, message: message.into() } };
    // Whoever answers adds the marks of the request and where its time went.
    let mut headers = Vec::with_capacity(5);
    headers.push(("Content-Type", JSON_TYPE.to_owned()));
    if let Some(wait) = retry_after {
        headers.push(("Retry-After", wait.as_seconds_up().to_string()));
    }
    HttpAnswer { status, headers, body: super::json(&envelope) }
}

/// The status, code and message of a refusal.
fn shape(refusal: &Refusal) -> (u16, &'static str, &'static str) {
    match refusal.kind {
        RefusalKind::RequestLimit => (429, "ApplicationThrottled", "Application is over its Request limit."),
        RefusalKind::ConcurrencyLimit => {
            (429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
        }
        RefusalKind::UploadLimit => (429, "ApplicationThrottled", "Application is over its IncomingBytes limit."),
        RefusalKind::AppLimit => (429, "TooManyRequests", "Please retry again later."),
        // Kinds of EWS, should a configuration use them here: assumed.
        RefusalKind::ServerBusy => {
            (429, "ErrorServerBusy", "The server cannot service this request right now. Try again later.")
        }
        RefusalKind::ConnectionCount => {
            (429, "ErrorExceededConnectionCount", "You have exceeded the available concurrent connections.")
        }
        // Codes of 5xx: assumed; the status is what clients act on.
        RefusalKind::Unavailable => (503, "ServiceUnavailable", "The service is temporarily unavailable."),
        RefusalKind::GatewayError if refusal.status == 502 => (502, "BadGateway", "The gateway had no valid answer."),
        RefusalKind::GatewayError | RefusalKind::TimedOut => {
            (504, "GatewayTimeout", "The server did not answer in time.")
        }
        RefusalKind::Unauthorized => (401, "InvalidAuthenticationToken", "Access token is empty, expired or invalid."),
        RefusalKind::Forbidden => (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again."),
        RefusalKind::NotFound => (404, "ErrorItemNotFound", "The specified object was not found in the store."),
        RefusalKind::Invalid => (400, "ErrorInvalidRequest", "The request is invalid."),
        RefusalKind::Conflict => (409, "ErrorFolderExists", "A folder with the specified name already exists."),
        RefusalKind::SyncStateLost => (410, "syncStateNotFound", "The sync state generation is not found."),
        RefusalKind::OtherStatus if (400..600).contains(&refusal.status) => {
            (refusal.status, "UnknownError", "The request was not carried out.")
        }
        // Refusals without a status never travel; whoever writes one anyway gets what a broken server would say.
        RefusalKind::ServerError
        | RefusalKind::OtherStatus
        | RefusalKind::ConnectionReset
        | RefusalKind::Truncated
        | RefusalKind::Malformed => (500, "InternalServerError", "The server failed."),
    }
}

/// Writes a refusal.
pub(super) fn encode(refusal: &Refusal) -> HttpAnswer {
    let (status, code, message) = shape(refusal);
    body(status, code, message, refusal.retry_after)
}

fn frame_of(code: &str, message: &str, retry_after: Option<Span>) -> Frame {
    let inner = if code == "TooManyRequests" { THROTTLED_LENGTH } else { 0 };
    let body = (PLAIN_LENGTH + inner) as u64 + json_length(code) + json_length(message);
    Frame { retry_digits: retry_after.map(|wait| digits(wait.as_seconds_up())), ..Frame::new(body, JSON) }
}

/// The lengths of a refusal.
pub(super) fn frame(refusal: &Refusal) -> Frame {
    let (_, code, message) = shape(refusal);
    frame_of(code, message, refusal.retry_after)
}

/// Reads a refusal.
pub(in crate::wire) fn read(answer: &HttpAnswer) -> Refusal {
    let (code, message) = code_and_message(&answer.body);
    let kind = kind_of(answer.status, &code, &message);
    Refusal { kind, status: answer.status, retry_after: retry_after(answer) }
}

/// What a status, a code and a message stand for.
fn kind_of(status: u16, code: &str, message: &str) -> RefusalKind {
    match status {
        400 => RefusalKind::Invalid,
        401 => RefusalKind::Unauthorized,
        403 => RefusalKind::Forbidden,
        404 => RefusalKind::NotFound,
        409 => RefusalKind::Conflict,
        410 => RefusalKind::SyncStateLost,
        429 => match code {
            "ErrorServerBusy" => RefusalKind::ServerBusy,
            "ErrorExceededConnectionCount" => RefusalKind::ConnectionCount,
            _ if message.contains("MailboxConcurrency") => RefusalKind::ConcurrencyLimit,
            _ if message.contains("IncomingBytes") => RefusalKind::UploadLimit,
            _ if message.contains("Request limit") => RefusalKind::RequestLimit,
            _ => RefusalKind::AppLimit,
        },
        500 => RefusalKind::ServerError,
        502 | 504 => RefusalKind::GatewayError,
        503 => RefusalKind::Unavailable,
        status if (400..600).contains(&status) => RefusalKind::OtherStatus,
        _ => RefusalKind::Malformed,
    }
}

/// What [`read`] makes of what [`encode`] writes.
pub(super) fn heard(refusal: &Refusal) -> Refusal {
    let (status, code, message) = shape(refusal);
    Refusal { kind: kind_of(status, code, message), status, retry_after: refusal.retry_after.map(in_seconds) }
}

/// An answer that arrived but cannot be understood.
pub(super) fn malformed(answer: &HttpAnswer) -> Refusal {
    Refusal { kind: RefusalKind::Malformed, status: answer.status, retry_after: None }
}

/// The wait that an answer asks for. Decimals are accepted (the documentation of 2021 shows `2.128`); a date is not,
/// because the codec has no clock.
fn retry_after(answer: &HttpAnswer) -> Option<Span> {
    let seconds: f64 = answer.header("Retry-After")?.trim().parse().ok()?;
    (seconds.is_finite() && 0.0 <= seconds).then(|| Span::from_seconds(seconds))
}

pub(super) fn code_and_message(body: &[u8]) -> (String, String) {
    match serde_json::from_slice::<Envelope<'_>>(body) {
        Ok(envelope) => (envelope.error.code.into_owned(), envelope.error.message.into_owned()),
        Err(_) => (String::new(), String::new()),
    }
}

/// The status, code and message of an item's error.
pub(super) fn item_shape(kind: ItemErrorKind) -> (u16, &'static str, &'static str) {
    match kind {
        ItemErrorKind::Corrupt => (500, "ErrorItemCorrupt", "The item is corrupt and cannot be read."),
        ItemErrorKind::TooLarge => (413, "ErrorMessageSizeExceeded", "The item exceeds the maximum size."),
        ItemErrorKind::NotFound | ItemErrorKind::Omitted => {
            (404, "ErrorItemNotFound", "The specified object was not found in the store.")
        }
        ItemErrorKind::Busy => {
            (429, "ErrorServerBusy", "The server cannot service this request right now. Try again later.")
        }
        ItemErrorKind::Stopped => (424, "ErrorBatchProcessingStopped", "The batch processing was stopped."),
        ItemErrorKind::QuotaExceeded => (507, "ErrorQuotaExceeded", "The mailbox has exceeded its quota."),
        ItemErrorKind::Invalid => (400, "ErrorMimeContentInvalid", "The content of the item is invalid."),
    }
}

/// The item error of a code.
pub(super) fn item_kind(code: &str) -> Option<ItemErrorKind> {
    Some(match code {
        "ErrorItemCorrupt" | "ErrorCorruptData" => ItemErrorKind::Corrupt,
        "ErrorMessageSizeExceeded" => ItemErrorKind::TooLarge,
        "ErrorItemNotFound" => ItemErrorKind::NotFound,
        "ErrorServerBusy" => ItemErrorKind::Busy,
        "ErrorBatchProcessingStopped" => ItemErrorKind::Stopped,
        "ErrorQuotaExceeded" => ItemErrorKind::QuotaExceeded,
        "ErrorMimeContentInvalid" | "ErrorMimeContentInvalidBase64String" => ItemErrorKind::Invalid,
        _ => return None,
    })
}

/// Writes the error of the only item of a call: the call as a whole then has the item's status.
pub(super) fn encode_item(error: &ItemError) -> HttpAnswer {
    let (status, code, message) = item_shape(error.kind);
    body(status, code, message, error.retry_after)
}

/// The lengths of [`encode_item`].
pub(super) fn item_frame(error: &ItemError) -> Frame {
    let (_, code, message) = item_shape(error.kind);
    frame_of(code, message, error.retry_after)
}

/// Reads the error of the only item of a call: an item's error if the code says so, else a refusal of the call.
pub(super) fn read_item(answer: &HttpAnswer) -> Result<ItemError, Refusal> {
    let (code, _) = code_and_message(&answer.body);
    match item_kind(&code) {
        Some(kind) => Ok(ItemError { kind, retry_after: retry_after(answer) }),
        None => Err(read(answer)),
    }
}
