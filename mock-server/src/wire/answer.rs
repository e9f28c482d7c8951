//! What a client hears when its call was carried out.

use std::sync::Arc;

use super::call::{Content, FolderKind};
use super::id::{Id, ItemKey};
use super::refusal::{ItemError, Refusal};

/// A folder as a listing shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderEntry {
    /// The folder.
    pub id: Id,
    /// The folder that holds it; absent for the root.
    pub parent: Option<Id>,
    /// Its display name.
    pub name: Arc<str>,
    /// What it is for.
    pub kind: FolderKind,
    /// Items directly in it.
    pub items: u64,
    /// Bytes of those items.
    pub bytes: u64,
}

/// What happened to an item.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ChangeKind {
    /// It is new.
    Create,
    /// Its content changed.
    Update,
    /// Only its read flag changed.
    ReadFlag,
    /// It is gone.
    Delete,
}

/// One line of a sync answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemChange {
    /// What happened.
    pub kind: ChangeKind,
    /// The item.
    pub item: Id,
    /// The identity that the item keeps; a deletion does not tell it.
    pub key: Option<ItemKey>,
    /// The size of the item in bytes; zero for a deletion.
    pub size: u32,
}

/// How far a switch is. On the wire these are the words of `Get-MigrationUser`.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum SwitchState {
    /// Waiting for one of the limited places (`Queued`).
    Queued,
    /// Directory write, replication and provisioning are under way (`Completing`).
    Completing,
    /// The address points to the target (`Completed`).
    Completed,
    /// The switch failed and the address still points to the source (`Failed`).
    Failed,
}

/// The answer to a call that was carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To `FindFolders` and `SyncFolders`.
    Folders {
        /// The folders, parents before children.
        folders: Vec<FolderEntry>,
        /// The sync state, for `SyncFolders`.
        state: Option<Id>,
        /// Where the next page starts, if there is one.
        next: Option<u32>,
    },
    /// To `SyncItems` and `FindItems`.
    Items {
        /// The changes, oldest first.
        changes: Vec<ItemChange>,
        /// The state to continue from.
        state: Id,
        /// Whether this was the last page.
        complete: bool,
    },
    /// To `GetItems` and `ExportItems`: one entry for each item asked, in order.
    Contents(Vec<Result<Content, ItemError>>),
    /// To `CreateFolder`, `ImportItem` and `CreateMessage`: what was made. To `RenameFolder` and `MoveFolder`: the folder.
    Created(Id),
    /// To `CreateImportSession`: the session, reusable until the service forgets it.
    Session(Id),
    /// To `UploadItems`: one entry for each item, in order.
    Uploaded(Vec<Result<Id, ItemError>>),
    /// To `DeleteItems`: one entry for each item, in order.
    Deleted(Vec<Result<(), ItemError>>),
    /// To `StartSwitch`, `PollSwitch` and `CancelSwitch`.
    Switch(SwitchState),
    /// To a batch: one entry for each call, in order.
    Batch(Vec<Result<Answer, Refusal>>),
    /// To everything else.
    Done,
    /// To `GetFolders`: one entry for each folder asked, in order.
    FolderList(Vec<Result<FolderEntry, ItemError>>),
}

impl Answer {
    /// Bytes of item content that the answer carries towards the client, before transfer encoding.
    #[inline]
    #[must_use]
    pub fn content_bytes(&self) -> u64 {
        match self {
            Self::Contents(contents) => contents.iter().flatten().map(|content| u64::from(content.size)).sum(),
            Self::Batch(answers) => content_bytes_of(answers),
            _ => 0,
        }
    }
}

/// Those of the answers to a batch. Apart, so that asking it of one answer costs no more than a look.
fn content_bytes_of(answers: &[Result<Answer, Refusal>]) -> u64 {
    answers.iter().flatten().map(Answer::content_bytes).sum()
}
