//! What an act is to a server, as far as limits, faults and costs go: the kind of work and its size.
//!
//! The operations are those by which the mock counts the requests that programs really send.

use mock_server::wire::call::Protocol;
use mock_server::wire::operation::Operation;

use super::act::Action;
use crate::scenario::program::Program;

/// Characters of a sent message: the mean of mail with its attachments, 60 KB (population figures for `NHSmail`,
/// assumed there).
pub const SENT_CHARACTERS: usize = 60_000;
/// Characters of a draft (assumed).
pub const DRAFT_CHARACTERS: usize = 4_000;
/// Characters of a chat message with what is kept about it (assumed).
pub const CHAT_CHARACTERS: usize = 1_000;

/// Bytes of a request of Graph that are not the text in it.
const GRAPH_BYTES: u64 = 90;
/// Bytes of a request of EWS that are not the text in it.
const EWS_BYTES: u64 = 800;

/// What an act is to a server.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Burden {
    /// The kind of work.
    pub operation: Operation,
    /// Items that are worked on.
    pub items: u64,
    /// Bytes of item content that the request brings.
    pub brought_bytes: u64,
    /// Whether the answer brings the content of an item.
    pub fetches: bool,
    /// Bytes of the request's body.
    pub body_bytes: u64,
}

/// Characters of text in what an action brings.
#[must_use]
pub const fn characters(action: Action) -> usize {
    match action {
        Action::Send => SENT_CHARACTERS,
        Action::Post => CHAT_CHARACTERS,
        Action::Draft => DRAFT_CHARACTERS,
        _ => 0,
    }
}

/// What an action of a program is to a server.
#[must_use]
pub const fn burden(program: Program, action: Action) -> Burden {
    let speaks_ews = matches!(program.protocol(), Protocol::Ews);
    let operation = match action {
        Action::Sync => Operation::SyncItems,
        Action::List | Action::Calendar => Operation::FindMessages,
        Action::Read => Operation::ReadItems,
        Action::Mark => Operation::UpdateItems,
        Action::Draft | Action::Post => Operation::CreateItems,
        Action::Send => Operation::SendItems,
        Action::Folders => Operation::FindFolders,
    };
    let items = match action {
        Action::Sync | Action::List | Action::Calendar | Action::Folders => 0,
        Action::Read | Action::Mark | Action::Draft | Action::Send | Action::Post => 1,
    };
    let brought_bytes = characters(action) as u64;
    let around = match action {
        _ if speaks_ews => EWS_BYTES,
        Action::Mark => 15,
        Action::Draft | Action::Send | Action::Post => GRAPH_BYTES,
        _ => 0,
    };
    Burden {
        operation,
        items,
        brought_bytes,
        fetches: matches!(action, Action::Read),
        body_bytes: brought_bytes + around,
    }
}
