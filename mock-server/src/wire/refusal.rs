//! What a client hears when its call was refused, failed or lost.

use std::fmt;

use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::time::Span;

/// Why a call has no answer.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString,
)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum RefusalKind {
    /// Graph 429, "Application is over its Request limit."
    RequestLimit,
    /// Graph 429, "Application is over its MailboxConcurrency limit."
    ConcurrencyLimit,
    /// Graph 429, "Application is over its IncomingBytes limit."
    UploadLimit,
    /// Graph 429, code `TooManyRequests`: a limit of the whole app.
    AppLimit,
    /// EWS `ErrorServerBusy`: the caller's budget is spent.
    ServerBusy,
    /// EWS `ErrorExceededConnectionCount`: too many requests at once.
    ConnectionCount,
    /// 503: overload or maintenance.
    Unavailable,
    /// 500.
    ServerError,
    /// 502 or 504.
    GatewayError,
    /// Another status from 400 up.
    OtherStatus,
    /// The connection was reset before the answer was complete.
    ConnectionReset,
    /// The answer ended too early.
    Truncated,
    /// No answer came in time.
    TimedOut,
    /// The answer could not be understood.
    Malformed,
    /// 401: the token is missing, stale or wrong.
    Unauthorized,
    /// 403: the token is good but not for this.
    Forbidden,
    /// 404: no such mailbox, folder, item or session.
    NotFound,
    /// 400: the request is wrong.
    Invalid,
    /// 409: it exists already.
    Conflict,
    /// 410: the sync state is no longer known; start over without it.
    SyncStateLost,
}

impl RefusalKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in scenarios, reports and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The HTTP status that goes with it: the documented one for limits and errors of Graph, 500 for SOAP faults and for
    /// what is no answer at all.
    #[must_use]
    pub const fn usual_status(self) -> u16 {
        match self {
            Self::RequestLimit | Self::ConcurrencyLimit | Self::UploadLimit | Self::AppLimit => 429,
            Self::Unavailable => 503,
            Self::GatewayError => 502,
            Self::TimedOut => 504,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Invalid | Self::OtherStatus => 400,
            Self::Conflict => 409,
            Self::SyncStateLost => 410,
            Self::ServerBusy
            | Self::ConnectionCount
            | Self::ServerError
            | Self::ConnectionReset
            | Self::Truncated
            | Self::Malformed => 500,
        }
    }

    /// The act of a fault that brings it about where no server can say it.
    #[must_use]
    pub const fn act_instead(self) -> Option<&'static str> {
        match self {
            Self::ConnectionReset => Some("reset"),
            Self::Truncated => Some("truncate"),
            Self::Malformed => Some("malformed"),
            _ => None,
        }
    }

    /// Whether it can be asked for with a status.
    #[must_use]
    pub fn allows(self, status: u16) -> bool {
        match self {
            Self::GatewayError => matches!(status, 502 | 504),
            Self::OtherStatus => (400..=599).contains(&status),
            _ => status == self.usual_status(),
        }
    }

    /// What to do about a status that it does not allow.
    #[must_use]
    pub const fn status_help(self) -> &'static str {
        match self {
            Self::GatewayError => "give 502 or 504",
            Self::OtherStatus => "give a status from 400 to 599",
            _ => {
                "leave the status out: this kind has that of its protocol; the kind `other_status` has any from 400 to 599"
            }
        }
    }

    /// Whether a limit refused the call: nothing was done, and waiting helps.
    #[must_use]
    pub const fn is_throttle(self) -> bool {
        matches!(
            self,
            Self::RequestLimit
                | Self::ConcurrencyLimit
                | Self::UploadLimit
                | Self::AppLimit
                | Self::ServerBusy
                | Self::ConnectionCount
        )
    }

    /// Whether the same call may succeed later without any change to it.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        self.is_throttle()
            || matches!(
                self,
                Self::Unavailable
                    | Self::ServerError
                    | Self::GatewayError
                    | Self::ConnectionReset
                    | Self::Truncated
                    | Self::TimedOut
                    | Self::Malformed
            )
    }

    /// Whether the work may have been done although the client saw an error. A call that is not idempotent must be
    /// preceded by a look before it is repeated.
    #[must_use]
    pub const fn is_ambiguous(self) -> bool {
        self.is_transient() && !self.is_throttle()
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call that has no answer, as the client sees it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Why.
    pub kind: RefusalKind,
    /// The HTTP status; zero where no status arrived.
    pub status: u16,
    /// How long the server asks the client to wait (`Retry-After`, `BackOffMilliseconds`). May be absent or zero.
    pub retry_after: Option<Span>,
}

/// Why one item of a call that succeeded as a whole has no result.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString,
)]
#[repr(u8)]
#[strum(serialize_all = "snake_case")]
pub enum ItemErrorKind {
    /// The item cannot be read (`ErrorItemCorrupt`, `ErrorCorruptData`).
    Corrupt,
    /// The item is larger than the server takes (`ErrorMessageSizeExceeded`).
    TooLarge,
    /// There is no such item (`ErrorItemNotFound`).
    NotFound,
    /// The caller's budget ran out within the batch (`ErrorServerBusy`, per-item 429).
    Busy,
    /// Processing stopped before this item (`ErrorBatchProcessingStopped`).
    Stopped,
    /// The mailbox is full (`ErrorQuotaExceeded`).
    QuotaExceeded,
    /// The stream is not valid (`ErrorInvalidRequest`, `ErrorMimeContentInvalid`).
    Invalid,
    /// The server left the item out of its answer without a word.
    Omitted,
}

impl ItemErrorKind {
    /// All kinds.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in reports and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether asking again for this item may help.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Busy | Self::Stopped | Self::Omitted)
    }
}

/// One item of a call that succeeded as a whole, without a result.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ItemError {
    /// Why.
    pub kind: ItemErrorKind,
    /// How long the server asks the client to wait before it tries this item again.
    pub retry_after: Option<Span>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_call_was_never_carried_out() {
        for kind in RefusalKind::ALL {
            assert!(!(kind.is_throttle() && kind.is_ambiguous()), "{kind}");
        }
    }
}
