//! The kinds of work that clients ask for, whatever the protocol.

use std::fmt;

use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use super::call::Protocol;

/// The kinds of [`Call`](super::call::Call), and after them the kinds of work that clients ask for in other ways, for
/// limits, costs, faults and counts.
#[derive(
    Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, EnumCount, VariantArray, IntoStaticStr, EnumString,
)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is documented at the call of the same name")]
#[strum(serialize_all = "snake_case")]
pub enum Operation {
    FindFolders,
    SyncFolders,
    SyncItems,
    FindItems,
    GetItems,
    ExportItems,
    CreateFolder,
    CreateImportSession,
    ImportItem,
    UploadItems,
    CreateMessage,
    DeleteItems,
    Batch,
    StopMailbox,
    StartMailbox,
    ProvisionUser,
    AssignLicense,
    RemoveLicense,
    StartSwitch,
    PollSwitch,
    CancelSwitch,
    ReleaseMailbox,
    GetFolders,
    /// Read whole items.
    ReadItems,
    /// List or search the items of a folder.
    FindMessages,
    /// Find people by name.
    ResolveNames,
    /// Make items.
    CreateItems,
    /// Change items.
    UpdateItems,
    /// Move items to another folder.
    MoveItems,
    /// Copy items to another folder.
    CopyItems,
    /// Send items.
    SendItems,
    /// Read attachments.
    ReadAttachments,
    /// Make and delete attachments.
    ChangeAttachments,
    /// Rename, move, copy or empty folders, or change what is said about them.
    UpdateFolders,
    /// Delete folders.
    DeleteFolders,
    /// Begin or end a subscription.
    Subscribe,
    /// Ask what happened to a subscription.
    GetEvents,
    /// Read about users, time zones and the like.
    Directory,
    /// Anything else.
    Other,
}

impl Operation {
    /// All operations, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The name used in scenarios, reports and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// One bit for each operation, at the place of its number; all bits if there are none.
    #[must_use]
    pub fn bits(operations: &[Self]) -> u64 {
        if operations.is_empty() {
            return u64::MAX;
        }
        operations.iter().fold(0, |bits, operation| bits | 1 << *operation as u32)
    }

    /// Whether it is a matter of Exchange's administration, which is asked in a way of its own and in no protocol.
    #[must_use]
    pub const fn is_admin(self) -> bool {
        matches!(
            self,
            Self::StopMailbox
                | Self::StartMailbox
                | Self::StartSwitch
                | Self::PollSwitch
                | Self::CancelSwitch
                | Self::ReleaseMailbox
        )
    }

    /// Whether what names these protocols, or all by naming none, concerns this operation where it arrives in one.
    /// Administration is concerned only by what names none.
    #[must_use]
    pub fn is_in(self, protocols: &[Protocol], protocol: Protocol) -> bool {
        protocols.is_empty() || (protocols.contains(&protocol) && !self.is_admin())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
