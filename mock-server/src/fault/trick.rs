//! What faults do beyond refusing, delaying, resetting and cutting: words of any kind, spoiled answers, tricks with
//! time, order and repetition, errors of single items, and connections that never come about.

use std::sync::Arc;

use serde_json::json;

use crate::draw::Distribution;
use crate::time::Span;
use crate::wire::call::Protocol;
use crate::wire::ews;
use crate::wire::http::HttpAnswer;
use crate::wire::refusal::RefusalKind;

/// A refusal in any words; nothing is done.
#[derive(Clone, PartialEq, Debug)]
pub struct Saying {
    /// What the client sees where no words travel.
    pub kind: RefusalKind,
    /// The HTTP status.
    pub status: u16,
    /// The wait that is announced, if any.
    pub retry_after: Option<Span>,
    /// The words.
    pub words: Words,
    /// How much later than usual it comes.
    pub late: Option<Distribution>,
}

impl Saying {
    /// What the client sees where no words travel: the kind that goes with the words, unless the status says otherwise.
    #[must_use]
    pub const fn kind_of(usual: RefusalKind, status: u16) -> RefusalKind {
        match status {
            200..=299 => RefusalKind::Malformed,
            401 => RefusalKind::Unauthorized,
            429 => match usual {
                RefusalKind::AppLimit => usual,
                _ => RefusalKind::RequestLimit,
            },
            500 => RefusalKind::ServerError,
            502 | 504 => RefusalKind::GatewayError,
            503 => RefusalKind::Unavailable,
            _ => RefusalKind::OtherStatus,
        }
    }
}

/// Whether a text may be the value of a header: nothing in it ends a line (RFC 9110, field values, without the bytes that
/// are left to others).
#[must_use]
pub fn may_be_header(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The words of a refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Words {
    /// What goes with the kind.
    Usual,
    /// Any body.
    Body {
        /// The value of `Content-Type`; none is sent if empty.
        content_type: Arc<str>,
        /// The body.
        body: Arc<str>,
    },
    /// The mailbox is being moved: `ErrorMailboxMoveInProgress` (EWS `ResponseCode`; Graph passes Outlook's codes on).
    MailboxMoved,
    /// The mailbox is locked or its store is down: `ErrorMailboxStoreUnavailable` (EWS `ResponseCode`).
    MailboxLocked,
    /// The mailbox is full: `ErrorQuotaExceeded` (EWS `ResponseCode`; 507 in Microsoft Graph error responses).
    QuotaExceeded,
    /// The item is larger than the server takes: `ErrorMessageSizeExceeded` (EWS `ResponseCode`).
    ItemTooLarge,
    /// A mailbox server that cannot be reached from the front: `ErrorInternalServerTransientError` (EWS `ResponseCode`).
    Transient,
    /// Code `UnknownError` and no message, seen with 429 in 2018
    /// (learn.microsoft.com/archive/blogs/deva/gotchas).
    Unknown,
    /// The token is expired or stale: `InvalidAuthenticationToken` (Microsoft Graph), an empty answer in EWS.
    TokenExpired,
}

impl Words {
    /// All words that have a name.
    pub const NAMED: [(&'static str, Self); 8] = [
        ("usual", Self::Usual),
        ("mailbox-moved", Self::MailboxMoved),
        ("mailbox-locked", Self::MailboxLocked),
        ("quota-exceeded", Self::QuotaExceeded),
        ("item-too-large", Self::ItemTooLarge),
        ("transient", Self::Transient),
        ("unknown", Self::Unknown),
        ("token-expired", Self::TokenExpired),
    ];

    /// The kind of refusal and the HTTP status that go with the words. Statuses of Graph other than 507 and 413 are
    /// assumed.
    #[must_use]
    pub const fn usual(&self) -> (RefusalKind, u16) {
        match self {
            Self::Usual | Self::MailboxMoved | Self::MailboxLocked | Self::Transient => (RefusalKind::Unavailable, 503),
            Self::QuotaExceeded => (RefusalKind::OtherStatus, 507),
            Self::ItemTooLarge => (RefusalKind::OtherStatus, 413),
            Self::Unknown => (RefusalKind::AppLimit, 429),
            Self::TokenExpired => (RefusalKind::Unauthorized, 401),
            Self::Body { .. } => (RefusalKind::OtherStatus, 500),
        }
    }

    /// The answer in these words; none where the usual ones are meant.
    #[must_use]
    pub fn say(&self, protocol: Protocol, status: u16, wait: Option<Span>) -> Option<HttpAnswer> {
        let (code, message) = match self {
            Self::Usual => return None,
            Self::Body { content_type, body } => {
                let kind = ("Content-Type", content_type.to_string());
                let headers = (!content_type.is_empty()).then_some(kind).into_iter().chain(waiting(wait)).collect();
                return Some(HttpAnswer { status, headers, body: body.as_bytes().to_vec() });
            }
            Self::MailboxMoved => ("ErrorMailboxMoveInProgress", "The mailbox is being moved. Try again later."),
            Self::MailboxLocked => ("ErrorMailboxStoreUnavailable", "The mailbox database is temporarily unavailable."),
            Self::QuotaExceeded => ("ErrorQuotaExceeded", "The mailbox has exceeded its quota."),
            Self::ItemTooLarge => ("ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."),
            Self::Transient => {
                ("ErrorInternalServerTransientError", "An internal server error occurred. Try again later.")
            }
            Self::Unknown => ("UnknownError", ""),
            Self::TokenExpired => return Some(expired(protocol, status)),
        };
        Some(match protocol {
            Protocol::Ews => ews::encode_fault(code, message, wait),
            Protocol::Graph => {
                let body = json!({ "error": { "code": code, "message": message } });
                let kind = ("Content-Type", "application/json".to_owned());
                let headers = std::iter::once(kind).chain(waiting(wait)).collect();
                HttpAnswer { status, headers, body: body.to_string().into_bytes() }
            }
        })
    }
}

/// What a client hears whose token is no good any more (RFC 6750; the text is Microsoft Graph's).
fn expired(protocol: Protocol, status: u16) -> HttpAnswer {
    let challenge = ("WWW-Authenticate", "Bearer realm=\"\", error=\"invalid_token\"".to_owned());
    match protocol {
        Protocol::Ews => HttpAnswer { status, headers: vec![challenge], body: Vec::new() },
        Protocol::Graph => {
            let message = "Lifetime validation failed, the token is expired.";
            let body = json!({ "error": { "code": "InvalidAuthenticationToken", "message": message } });
            let kind = ("Content-Type", "application/json".to_owned());
            HttpAnswer { status, headers: vec![kind, challenge], body: body.to_string().into_bytes() }
        }
    }
}

fn waiting(wait: Option<Span>) -> Option<(&'static str, String)> {
    wait.map(|wait| ("Retry-After", wait.as_seconds_up().to_string()))
}

/// What becomes of a call that is carried out, or of its answer.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Trick {
    /// The body of the answer comes in drops, over so long.
    Drip(Distribution),
    /// The second half of the answer's body is garbage; its length is right.
    Malformed,
    /// The answer has no body.
    Empty,
    /// The answer announces more than it has, and the connection ends after what it has.
    WrongLength,
    /// The request arrives twice and is carried out twice; the answer is that to the second.
    Twice,
    /// The changes of a page come in the wrong order: newest first.
    Shuffled,
    /// The state that a call continues from is no longer known (Graph 410, EWS `ErrorInvalidSyncStateData`). Calls that
    /// begin without one are not concerned.
    Expired,
    /// The server's clock is wrong in what it says (`Date`).
    Skew {
        /// By how much.
        by: Span,
        /// Whether it is ahead; behind otherwise.
        ahead: bool,
    },
}

/// A trick whose chances are drawn.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Played {
    /// The body of the answer comes in drops, over so long.
    Drip(Span),
    /// The second half of the body is garbage.
    Malformed,
    /// There is no body.
    Empty,
    /// More is announced than there is.
    WrongLength,
    /// The call is carried out twice.
    Twice,
    /// Changes come newest first.
    Shuffled,
    /// The state is no longer known.
    Expired,
    /// The clock is wrong by so many nanoseconds.
    Skew(i64),
}

impl Trick {
    /// The trick as it is played with a draw.
    #[must_use]
    pub fn play(&self, word: u64) -> Played {
        match self {
            Self::Drip(over) => Played::Drip(over.draw(word)),
            Self::Malformed => Played::Malformed,
            Self::Empty => Played::Empty,
            Self::WrongLength => Played::WrongLength,
            Self::Twice => Played::Twice,
            Self::Shuffled => Played::Shuffled,
            Self::Expired => Played::Expired,
            Self::Skew { by, ahead } => {
                let by = i64::try_from(by.0).unwrap_or(i64::MAX);
                Played::Skew(if *ahead { by } else { -by })
            }
        }
    }
}

/// How a connection fails to come about.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Door {
    /// It is refused.
    Refused,
    /// It ends in the middle of the TLS handshake.
    Tls,
    /// The host's name is not found. A server cannot do this to those who know its address; the proxy that leads host
    /// names to it can.
    Name,
}

impl Door {
    /// All of them, with their names in scenarios.
    pub const NAMED: [(&'static str, Self); 3] = [("refused", Self::Refused), ("tls", Self::Tls), ("name", Self::Name)];
}
