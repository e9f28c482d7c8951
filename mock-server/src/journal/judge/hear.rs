//! What a refusal says, in the words of any server: its kind and the wait that it announces.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::time::Span;
use crate::wire::refusal::RefusalKind;

/// What was heard.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// Why the request was refused, if it was.
    pub kind: Option<RefusalKind>,
    /// The wait that was announced.
    pub wait: Option<Span>,
}

/// Hears an answer: its status (zero where the connection failed), its header `Retry-After` and the beginning of its body.
/// `wall` is when it was heard.
#[must_use]
pub fn heard(status: u16, retry_after: Option<&str>, text: &str, wall: Timestamp) -> Heard {
    let kind = kind(status, text);
    let wait = back_off(text).or_else(|| retry_after.and_then(|value| wait(value, wall)));
    Heard { kind, wait: wait.filter(|_| kind.is_some()) }
}

/// The kind of refusal that a status and some words are. The words are those of Graph's and EWS' throttling answers
/// (learn.microsoft.com/graph/throttling; EWS throttling in Exchange).
fn kind(status: u16, text: &str) -> Option<RefusalKind> {
    let says = |words: &str| text.contains(words);
    if says("ErrorServerBusy") {
        return Some(RefusalKind::ServerBusy);
    }
    if says("ErrorExceededConnectionCount") {
        return Some(RefusalKind::ConnectionCount);
    }
    let kind = match status {
        0 => RefusalKind::ConnectionReset,
        429 if says("MailboxConcurrency") => RefusalKind::ConcurrencyLimit,
        429 if says("IncomingBytes") => RefusalKind::UploadLimit,
        429 if says("Request limit") || says("ApplicationThrottled") => RefusalKind::RequestLimit,
        429 => RefusalKind::AppLimit,
        400 => RefusalKind::Invalid,
        401 => RefusalKind::Unauthorized,
        403 => RefusalKind::Forbidden,
        404 => RefusalKind::NotFound,
        409 => RefusalKind::Conflict,
        410 => RefusalKind::SyncStateLost,
        500 => RefusalKind::ServerError,
        502 | 504 => RefusalKind::GatewayError,
        503 => RefusalKind::Unavailable,
        1..400 => return None,
        _ => RefusalKind::OtherStatus,
    };
    Some(kind)
}

/// The wait of EWS: `<t:Value Name="BackOffMilliseconds">297749</t:Value>`.
fn back_off(text: &str) -> Option<Span> {
    let rest = text.split_once("BackOffMilliseconds")?.1;
    let digits = rest.split_once('>')?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok().map(Span::milliseconds)
}

/// The wait of `Retry-After`: whole seconds or a date (RFC 9110 section 10.2.3), or the decimals that some servers write.
fn wait(value: &str, wall: Timestamp) -> Option<Span> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then(|| Span::from_seconds(seconds));
    }
    let until = DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Some(Span(u64::try_from(until.duration_since(wall).as_nanos()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, retry_after: Option<&str>, text: &str, kind: Option<RefusalKind>, wait: Option<Span>) {
        assert_eq!(heard(status, retry_after, text, Timestamp::UNIX_EPOCH), Heard { kind, wait }, "{status} {text}");
    }

    #[test]
    fn kinds_and_waits_are_understood_in_every_form() {
        check(200, Some("5"), "", None, None);
        let concurrency = "Application is over its MailboxConcurrency limit.";
        check(429, Some("5"), concurrency, Some(RefusalKind::ConcurrencyLimit), Some(Span::seconds(5)));
        check(429, Some("2.5"), "", Some(RefusalKind::AppLimit), Some(Span::milliseconds(2_500)));
        let date = Some("Thu, 01 Jan 1970 00:00:09 GMT");
        check(503, date, "", Some(RefusalKind::Unavailable), Some(Span::seconds(9)));
        let ews = r#"<e:ResponseCode>ErrorServerBusy</e:ResponseCode><t:Value Name="BackOffMilliseconds">12</t:Value>"#;
        check(500, None, ews, Some(RefusalKind::ServerBusy), Some(Span::milliseconds(12)));
        check(0, None, "", Some(RefusalKind::ConnectionReset), None);
        check(418, Some("soon"), "", Some(RefusalKind::OtherStatus), None);
    }
}
