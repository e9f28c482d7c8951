//! How the server says no: SOAP faults, errors of single response messages, and bare HTTP statuses; and how a client
//! understands them.

use super::envelope::{self, Names};
use super::xml::{ERRORS_URI, Element, MAX_ANSWER_BYTES, Space, TYPES_URI, Writer, parse};
use super::{EwsError, http_answer};
use crate::time::Span;
use crate::wire::call::Call;
use crate::wire::heard::{in_milliseconds, in_seconds};
use crate::wire::http::HttpAnswer;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

/// The text of a busy fault (exchangelib, Thunderbird and other clients recorded it identically).
pub(super) const BUSY: &str = "The server cannot service this request right now. Try again later.";
/// The concurrency that the service's own text names: `EWSMaxConcurrency` (Microsoft Learn, "EWS throttling in
/// Exchange").
const MAX_CONCURRENCY: &str = "27";
/// What a server's front end says when it is overloaded or down (IIS).
const UNAVAILABLE: &str = "The service is unavailable.";
/// The longest wait that is believed, in milliseconds: ten years. It keeps hostile numbers from overflowing.
const LONGEST_WAIT_MS: u64 = 10 * 365 * 86_400_000;

/// The words that stand before the number of milliseconds in the concurrency variant.
const SUGGESTED: &str = "Suggested backoff time ";

/// An error code with its text. The texts of errors other than the busy ones are those of "`ResponseCode`" (Microsoft
/// Learn) in short form.
pub(super) type Words = (&'static str, &'static str);

/// What the server says about one item.
pub(super) fn item_words(kind: ItemErrorKind, malformed: bool) -> Words {
    match kind {
        ItemErrorKind::NotFound | ItemErrorKind::Invalid if malformed => words("ErrorInvalidIdMalformed"),
        ItemErrorKind::Corrupt => words("ErrorItemCorrupt"),
        ItemErrorKind::TooLarge => words("ErrorMessageSizeExceeded"),
        ItemErrorKind::NotFound => words("ErrorItemNotFound"),
        ItemErrorKind::Busy => words("ErrorServerBusy"),
        ItemErrorKind::Stopped | ItemErrorKind::Omitted => words("ErrorBatchProcessingStopped"),
        ItemErrorKind::QuotaExceeded => words("ErrorQuotaExceeded"),
        ItemErrorKind::Invalid => words("ErrorInvalidRequest"),
    }
}

/// The text of a code.
pub(super) fn words(code: &'static str) -> Words {
    let text = match code {
        "ErrorServerBusy" => BUSY,
        "ErrorExceededConnectionCount" => {
            "You have exceeded the available concurrent connections for your account. Try again once your other \
             requests have completed."
        }
        "ErrorInvalidIdMalformed" => "Id is malformed.",
        "ErrorItemCorrupt" => "The item is corrupt and cannot be read.",
        "ErrorMessageSizeExceeded" => "The message exceeds the maximum supported size.",
        "ErrorItemNotFound" => "The specified object was not found in the store.",
        "ErrorFolderNotFound" => "The specified folder could not be found in the store.",
        "ErrorFolderExists" => "A folder with the specified name already exists.",
        "ErrorNonExistentMailbox" => "The SMTP address has no mailbox associated with it.",
        "ErrorBatchProcessingStopped" => "The batch was stopped before this item was processed.",
        "ErrorQuotaExceeded" => "The mailbox has exceeded its quota.",
        "ErrorInvalidSyncStateData" => "The synchronization state data is corrupt or otherwise invalid.",
        "ErrorAccessDenied" => "Access is denied. Check credentials and try again.",
        "ErrorTimeoutExpired" => "The operation timed out.",
        "ErrorInternalServerError" => "An internal server error occurred. The operation failed.",
        "ErrorSchemaValidation" => "The request failed schema validation",
        _ => "The request is invalid.",
    };
    (code, text)
}

/// Writes one message that tells of an error.
pub(super) fn write_error(writer: &mut Writer, names: &Names, (code, text): Words, wait: Option<Span>) {
    writer.open(names.message, &[("ResponseClass", "Error")]);
    writer.leaf("m:MessageText", text);
    writer.leaf("m:ResponseCode", code);
    writer.leaf("m:DescriptiveLinkKey", "0");
    if let Some(wait) = wait {
        writer.open("m:MessageXml", &[]);
        write_wait(writer, wait);
        writer.close("m:MessageXml");
    }
    write_containers(writer, names);
    writer.close(names.message);
}

/// Writes the error of one item.
pub(super) fn write_item_error(writer: &mut Writer, names: &Names, error: ItemError, malformed: bool) {
    write_error(writer, names, item_words(error.kind, malformed), error.retry_after);
}

/// Writes the empty containers that the schema demands, or that clients look into before they look at the code.
fn write_containers(writer: &mut Writer, names: &Names) {
    if *names == envelope::GET_ITEM || *names == envelope::CREATE_ITEM {
        writer.empty("m:Items", &[]);
        return;
    }
    let last = if *names == envelope::SYNC_FOLDER_ITEMS {
        "m:IncludesLastItemInRange"
    } else if *names == envelope::SYNC_FOLDER_HIERARCHY {
        "m:IncludesLastFolderInRange"
    } else {
        return;
    };
    writer.leaf("m:SyncState", "");
    writer.leaf(last, "true");
    writer.empty("m:Changes", &[]);
}

fn write_wait(writer: &mut Writer, wait: Span) {
    writer.leaf_with("t:Value", &[("Name", "BackOffMilliseconds")], &wait.as_milliseconds_up().to_string());
}

fn fault(code: &str, text: &str, values: &[(&str, &str)]) -> HttpAnswer {
    let mut writer = Writer::document(0);
    envelope::write_envelope(&mut writer, |writer| {
        writer.open("s:Fault", &[]);
        writer.leaf_with("faultcode", &[("xmlns:a", TYPES_URI)], &format!("a:{code}"));
        writer.leaf_with("faultstring", &[("xml:lang", "en-US")], text);
        writer.open("detail", &[]);
        writer.leaf_with("e:ResponseCode", &[("xmlns:e", ERRORS_URI)], code);
        writer.leaf_with("e:Message", &[("xmlns:e", ERRORS_URI)], text);
        if !values.is_empty() {
            writer.open("t:MessageXml", &[("xmlns:t", TYPES_URI)]);
            for (name, value) in values {
                writer.leaf_with("t:Value", &[("Name", name)], value);
            }
            writer.close("t:MessageXml");
        }
        writer.close("detail");
        writer.close("s:Fault");
    });
    http_answer(500, writer)
}

/// Writes a fault with any code and message.
pub(super) fn encode_any(code: &str, message: &str, wait: Option<Span>) -> HttpAnswer {
    let wait = wait.map(|wait| wait.as_milliseconds_up().to_string());
    let back_off: Vec<_> = wait.iter().map(|wait| ("BackOffMilliseconds", wait.as_str())).collect();
    fault(code, message, &back_off)
}

fn bare(status: u16, text: &str, wait: Option<Span>) -> HttpAnswer {
    let mut headers = vec![("Content-Type", "text/html; charset=utf-8".to_owned())];
    if let Some(wait) = wait {
        headers.push(("Retry-After", wait.as_seconds_up().to_string()));
    }
    HttpAnswer { status, headers, body: text.as_bytes().to_vec() }
}

/// Writes a refusal, in the shape that the service gives it; see [`super::encode_refusal`].
pub(super) fn encode(call: Option<&Call>, refusal: &Refusal) -> HttpAnswer {
    let wait = refusal.retry_after.map(|wait| wait.as_milliseconds_up().to_string());
    let back_off: Vec<_> = wait.iter().map(|wait| ("BackOffMilliseconds", wait.as_str())).collect();
    let say = |code: &'static str| fault(code, words(code).1, &back_off);
    match refusal.kind {
        RefusalKind::ServerBusy
        | RefusalKind::RequestLimit
        | RefusalKind::ConcurrencyLimit
        | RefusalKind::UploadLimit
        | RefusalKind::AppLimit => say("ErrorServerBusy"),
        RefusalKind::ConnectionCount => match &wait {
            Some(wait) => {
                let message = format!(
                    "This operation exceeds the throttling budget for policy part 'MaxConcurrency', policy value \
                     '{MAX_CONCURRENCY}',  Budget type: 'Ews'.  {SUGGESTED}{wait} ms."
                );
                let values = [
                    ("Policy", "MaxConcurrency"),
                    ("MaxConcurrencyLimit", MAX_CONCURRENCY),
                    ("ErrorMessage", &*message),
                ];
                fault("ErrorServerBusy", BUSY, &values)
            }
            None => say("ErrorExceededConnectionCount"),
        },
        RefusalKind::Unavailable => bare(503, UNAVAILABLE, refusal.retry_after),
        RefusalKind::GatewayError => bare(if refusal.status == 504 { 504 } else { 502 }, "", refusal.retry_after),
        RefusalKind::OtherStatus => bare(refusal.status.clamp(400, 599), "", refusal.retry_after),
        RefusalKind::Malformed => bare(200, "<html><body>", None),
        RefusalKind::Unauthorized => {
            let mut answer = bare(401, "", None);
            answer.headers.push(("WWW-Authenticate", "Bearer".to_owned()));
            answer.headers.push(("WWW-Authenticate", "Basic realm=\"Exchange\"".to_owned()));
            answer
        }
        RefusalKind::Forbidden => bare(403, "", None),
        RefusalKind::TimedOut => say("ErrorTimeoutExpired"),
        RefusalKind::ServerError | RefusalKind::ConnectionReset | RefusalKind::Truncated => {
            say("ErrorInternalServerError")
        }
        RefusalKind::NotFound | RefusalKind::Invalid | RefusalKind::Conflict | RefusalKind::SyncStateLost => {
            let code = no_such(refusal.kind, call.map(Call::operation));
            match call.and_then(envelope::names_of) {
                Some(names) => message(names, code, refusal.retry_after),
                None => say(code),
            }
        }
    }
}

/// Puts the number of a limit into a fault that names the service's own; see [`super::name_concurrency`].
pub(super) fn name_concurrency(answer: &mut HttpAnswer, most: u32) {
    let Ok(text) = std::str::from_utf8(&answer.body) else { return };
    if answer.status != 500 || !text.contains("MaxConcurrencyLimit") {
        return;
    }
    let named = [("policy value '", "'"), ("Name=\"MaxConcurrencyLimit\">", "<")];
    let text = named.into_iter().fold(text.to_owned(), |text, (before, after)| {
        text.replace(&format!("{before}{MAX_CONCURRENCY}{after}"), &format!("{before}{most}{after}"))
    });
    answer.body = text.into_bytes();
}

fn no_such(kind: RefusalKind, operation: Option<Operation>) -> &'static str {
    match (kind, operation) {
        (RefusalKind::NotFound, None) => "ErrorNonExistentMailbox",
        (
            RefusalKind::NotFound,
            Some(Operation::GetItems | Operation::ExportItems | Operation::DeleteItems | Operation::UploadItems),
        ) => "ErrorItemNotFound",
        (RefusalKind::NotFound, _) => "ErrorFolderNotFound",
        (RefusalKind::Conflict, _) => "ErrorFolderExists",
        (RefusalKind::SyncStateLost, _) => "ErrorInvalidSyncStateData",
        _ => "ErrorInvalidRequest",
    }
}

fn message(names: &Names, code: &'static str, wait: Option<Span>) -> HttpAnswer {
    let mut writer = Writer::document(0);
    envelope::write_response(&mut writer, names, |writer| {
        write_error(writer, names, words(code), wait);
    });
    http_answer(200, writer)
}

/// Writes the answer to a request that could not be understood.
pub(super) fn encode_error(error: &EwsError) -> HttpAnswer {
    match error {
        EwsError::Xml(_) | EwsError::Schema(_) => {
            let text = format!("{}: {error}", words("ErrorSchemaValidation").1);
            fault("ErrorSchemaValidation", &text, &[])
        }
        EwsError::Version => fault("ErrorInvalidServerVersion", &error.to_string(), &[]),
        EwsError::Unsupported(_) => fault("ErrorInvalidRequest", &format!("The request is invalid: {error}"), &[]),
        EwsError::Refused { operation, code } => match envelope::names(*operation) {
            Some(names) => message(names, code, None),
            None => fault(code, words(code).1, &[]),
        },
    }
}

/// Understands an answer that is not a response with messages.
pub(super) fn refusal_of_status(answer: &HttpAnswer) -> Refusal {
    let wait = answer.header("Retry-After").and_then(|text| text.trim().parse::<u64>().ok());
    let retry_after = wait.map(|seconds| Span::milliseconds(seconds.saturating_mul(1_000).min(LONGEST_WAIT_MS)));
    match answer.status {
        500 => refusal_of_fault(answer),
        status => Refusal { kind: kind_of_status(status), status, retry_after },
    }
}

/// What a status without a fault stands for.
fn kind_of_status(status: u16) -> RefusalKind {
    match status {
        200..=299 => RefusalKind::Malformed,
        400 => RefusalKind::Invalid,
        401 => RefusalKind::Unauthorized,
        403 => RefusalKind::Forbidden,
        404 => RefusalKind::NotFound,
        429 => RefusalKind::RequestLimit,
        500 => RefusalKind::ServerError,
        502 | 504 => RefusalKind::GatewayError,
        503 => RefusalKind::Unavailable,
        _ => RefusalKind::OtherStatus,
    }
}

/// What a client makes of what [`encode`] writes.
pub(super) fn heard(call: &Call, refusal: &Refusal) -> Refusal {
    let fault = |kind| (kind, 500, refusal.retry_after.map(in_milliseconds));
    let bare = |status| {
        // A server error is looked for in a fault, and a bare answer has none: the wait is not seen.
        let wait = (status != 500).then_some(refusal.retry_after).flatten();
        (kind_of_status(status), status, wait.map(in_seconds))
    };
    let (kind, status, retry_after) = match refusal.kind {
        RefusalKind::ServerBusy
        | RefusalKind::RequestLimit
        | RefusalKind::ConcurrencyLimit
        | RefusalKind::UploadLimit
        | RefusalKind::AppLimit => fault(RefusalKind::ServerBusy),
        kind @ (RefusalKind::ConnectionCount | RefusalKind::TimedOut) => fault(kind),
        RefusalKind::ServerError | RefusalKind::ConnectionReset | RefusalKind::Truncated => {
            fault(RefusalKind::ServerError)
        }
        RefusalKind::Unavailable => bare(503),
        RefusalKind::GatewayError => bare(if refusal.status == 504 { 504 } else { 502 }),
        RefusalKind::OtherStatus => bare(refusal.status.clamp(400, 599)),
        kind @ RefusalKind::Malformed => (kind, 200, None),
        kind @ RefusalKind::Unauthorized => (kind, 401, None),
        kind @ RefusalKind::Forbidden => (kind, 403, None),
        kind @ (RefusalKind::NotFound | RefusalKind::Invalid | RefusalKind::Conflict | RefusalKind::SyncStateLost) => {
            let (_, status, wait) = fault(kind);
            (kind, if envelope::names_of(call).is_some() { 200 } else { status }, wait)
        }
    };
    Refusal { kind, status, retry_after }
}

fn refusal_of_fault(answer: &HttpAnswer) -> Refusal {
    let document = parse(&answer.body, MAX_ANSWER_BYTES);
    let body = document.as_ref().ok().and_then(|document| document.child(Space::Soap, "Body"));
    match body.and_then(|body| body.child(Space::Soap, "Fault")) {
        Some(fault) => read_fault(fault, answer.status),
        None => Refusal { kind: RefusalKind::ServerError, status: answer.status, retry_after: None },
    }
}

/// Understands a SOAP fault.
pub(super) fn read_fault(fault: &Element<'_>, status: u16) -> Refusal {
    let detail = fault.child(Space::Other, "detail");
    let code = detail.and_then(|detail| detail.child(Space::Errors, "ResponseCode")).map(Element::text);
    let code = code.or_else(|| {
        let code = fault.child(Space::Other, "faultcode")?.text();
        Some(code.rsplit_once(':').map_or(code, |(_, code)| code))
    });
    let values = detail.and_then(|detail| detail.typed("MessageXml"));
    let (kind, retry_after) = read_code(code.unwrap_or_default(), values);
    Refusal { kind, status, retry_after }
}

fn value<'d>(values: Option<&'d Element<'_>>, name: &str) -> Option<&'d str> {
    let mut found = values?.children.iter().filter(|child| child.is(Space::Types, "Value"));
    found.find(|child| child.attribute("Name") == Some(name)).map(Element::text)
}

fn milliseconds(text: &str) -> Option<Span> {
    let digits = text.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse::<u64>().ok().map(|wait| Span::milliseconds(wait.min(LONGEST_WAIT_MS)))
}

fn read_code(code: &str, values: Option<&Element<'_>>) -> (RefusalKind, Option<Span>) {
    let wait = value(values, "BackOffMilliseconds").and_then(milliseconds);
    let busy = code == "ErrorServerBusy" || value(values, "InnerErrorResponseCode") == Some("ErrorServerBusy");
    if busy && value(values, "Policy") == Some("MaxConcurrency") {
        let suggested = value(values, "ErrorMessage").and_then(|text| text.split_once(SUGGESTED));
        return (RefusalKind::ConnectionCount, wait.or_else(|| milliseconds(suggested?.1)));
    }
    (if busy { RefusalKind::ServerBusy } else { refusal_kind(code) }, wait)
}

fn refusal_kind(code: &str) -> RefusalKind {
    match code {
        "ErrorExceededConnectionCount" | "ErrorTooManyObjectsOpened" => RefusalKind::ConnectionCount,
        "ErrorInternalServerError" | "ErrorInternalServerTransientError" => RefusalKind::ServerError,
        "ErrorMailboxStoreUnavailable" | "ErrorMailboxMoveInProgress" | "ErrorConnectionFailed" => {
            RefusalKind::Unavailable
        }
        "ErrorTimeoutExpired" => RefusalKind::TimedOut,
        "ErrorAccessDenied" | "ErrorImpersonateUserDenied" | "ErrorImpersonationDenied" => RefusalKind::Forbidden,
        "ErrorItemNotFound"
        | "ErrorFolderNotFound"
        | "ErrorParentFolderNotFound"
        | "ErrorSyncFolderNotFound"
        | "ErrorNonExistentMailbox" => RefusalKind::NotFound,
        "ErrorFolderExists" | "ErrorIrresolvableConflict" => RefusalKind::Conflict,
        "ErrorInvalidSyncStateData" => RefusalKind::SyncStateLost,
        _ => RefusalKind::Invalid,
    }
}

fn item_error_kind(code: &str) -> ItemErrorKind {
    match code {
        "ErrorItemCorrupt" | "ErrorCorruptData" | "ErrorContentConversionFailed" => ItemErrorKind::Corrupt,
        "ErrorMessageSizeExceeded" | "ErrorDataSizeLimitExceeded" => ItemErrorKind::TooLarge,
        "ErrorItemNotFound" | "ErrorFolderNotFound" => ItemErrorKind::NotFound,
        "ErrorExceededConnectionCount"
        | "ErrorInternalServerTransientError"
        | "ErrorMailboxStoreUnavailable"
        | "ErrorTooManyObjectsOpened" => ItemErrorKind::Busy,
        "ErrorBatchProcessingStopped" | "ErrorInternalServerError" | "ErrorTimeoutExpired" => ItemErrorKind::Stopped,
        "ErrorQuotaExceeded" => ItemErrorKind::QuotaExceeded,
        _ => ItemErrorKind::Invalid,
    }
}

/// The error that a message tells of; nothing if it tells of success or a warning.
fn error_of<'d, 'a>(message: &'d Element<'a>) -> Option<(&'d str, Option<&'d Element<'a>>)> {
    let code = message.message("ResponseCode").map_or("", Element::text);
    (message.attribute("ResponseClass") == Some("Error")).then(|| (code, message.message("MessageXml")))
}

/// Understands the only message of an operation that has one.
pub(super) fn check_message(message: &Element<'_>, status: u16) -> Result<(), Refusal> {
    match error_of(message) {
        Some((code, values)) => {
            let (kind, retry_after) = read_code(code, values);
            Err(Refusal { kind, status, retry_after })
        }
        None => Ok(()),
    }
}

/// Understands the message of one of several items.
pub(super) fn check_item(message: &Element<'_>) -> Result<(), ItemError> {
    match error_of(message) {
        Some((code, values)) => {
            let (refusal, retry_after) = read_code(code, values);
            let busy = matches!(refusal, RefusalKind::ServerBusy | RefusalKind::ConnectionCount);
            let kind = if busy { ItemErrorKind::Busy } else { item_error_kind(code) };
            Err(ItemError { kind, retry_after })
        }
        None => Ok(()),
    }
}
