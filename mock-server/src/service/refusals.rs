//! The refusals that the service itself gives. The protocols write them in their own words.

use crate::mailbox::store::StoreError;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

const fn refusal(kind: RefusalKind, status: u16) -> Refusal {
    Refusal { kind, status, retry_after: None }
}

/// There is no such mailbox, folder, item, session or switch.
pub const NOT_FOUND: Refusal = refusal(RefusalKind::NotFound, 404);

/// The request is wrong.
pub const INVALID: Refusal = refusal(RefusalKind::Invalid, 400);

/// It exists already.
pub const CONFLICT: Refusal = refusal(RefusalKind::Conflict, 409);

/// The sync state is not of this folder.
pub const SYNC_STATE_LOST: Refusal = refusal(RefusalKind::SyncStateLost, 410);

/// The item is larger than the server takes. The status is assumed: what Graph says to an import that is too large is
/// not documented; 413 (RFC 9110 section 15.5.14) tells it apart from requests that are wrong.
pub const TOO_LARGE: Refusal = refusal(RefusalKind::OtherStatus, 413);

/// An entry of a batch that could not be handed on; nothing was done.
pub const ENTRY_NOT_DELIVERED: Refusal = refusal(RefusalKind::GatewayError, 502);

/// An entry of a batch whose answer did not come back; the work was done.
pub const ENTRY_ANSWER_LOST: Refusal = refusal(RefusalKind::GatewayError, 504);

/// The connection was reset.
pub const CONNECTION_RESET: Refusal = refusal(RefusalKind::ConnectionReset, 0);

/// The answer was cut off.
pub const TRUNCATED: Refusal = refusal(RefusalKind::Truncated, 0);

/// The refusal of a call that concerns one item for a reason that concerns the item.
#[must_use]
pub const fn of_item(kind: ItemErrorKind) -> Refusal {
    match kind {
        ItemErrorKind::TooLarge => TOO_LARGE,
        ItemErrorKind::NotFound => NOT_FOUND,
        _ => INVALID,
    }
}

/// An item's error without a wait.
#[must_use]
pub const fn item_error(kind: ItemErrorKind) -> ItemError {
    ItemError { kind, retry_after: None }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => NOT_FOUND,
            StoreError::Exists => CONFLICT,
            StoreError::Cycle | StoreError::Distinguished | StoreError::Corrupt => INVALID,
        }
    }
}
