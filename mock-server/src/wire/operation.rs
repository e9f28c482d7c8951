//! The kinds of work that clients ask for, whatever the protocol.

use std::fmt;

use super::call::Protocol;

/// The kinds of [`Call`](super::call::Call), and after them the kinds of work that clients ask for in other ways, for
/// limits, costs, faults and counts.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is documented at the call of the same name")]
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
    pub const ALL: [Self; 39] = [
        Self::FindFolders,
        Self::SyncFolders,
        Self::SyncItems,
        Self::FindItems,
        Self::GetItems,
        Self::ExportItems,
        Self::CreateFolder,
        Self::CreateImportSession,
        Self::ImportItem,
        Self::UploadItems,
        Self::CreateMessage,
        Self::DeleteItems,
        Self::Batch,
        Self::StopMailbox,
        Self::StartMailbox,
        Self::ProvisionUser,
        Self::AssignLicense,
        Self::RemoveLicense,
        Self::StartSwitch,
        Self::PollSwitch,
        Self::CancelSwitch,
        Self::ReleaseMailbox,
        Self::GetFolders,
        Self::ReadItems,
        Self::FindMessages,
        Self::ResolveNames,
        Self::CreateItems,
        Self::UpdateItems,
        Self::MoveItems,
        Self::CopyItems,
        Self::SendItems,
        Self::ReadAttachments,
        Self::ChangeAttachments,
        Self::UpdateFolders,
        Self::DeleteFolders,
        Self::Subscribe,
        Self::GetEvents,
        Self::Directory,
        Self::Other,
    ];

    /// The name used in scenarios, reports and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FindFolders => "find_folders",
            Self::SyncFolders => "sync_folders",
            Self::SyncItems => "sync_items",
            Self::FindItems => "find_items",
            Self::GetItems => "get_items",
            Self::ExportItems => "export_items",
            Self::CreateFolder => "create_folder",
            Self::CreateImportSession => "create_import_session",
            Self::ImportItem => "import_item",
            Self::UploadItems => "upload_items",
            Self::CreateMessage => "create_message",
            Self::DeleteItems => "delete_items",
            Self::Batch => "batch",
            Self::StopMailbox => "stop_mailbox",
            Self::StartMailbox => "start_mailbox",
            Self::ProvisionUser => "provision_user",
            Self::AssignLicense => "assign_license",
            Self::RemoveLicense => "remove_license",
            Self::StartSwitch => "start_switch",
            Self::PollSwitch => "poll_switch",
            Self::CancelSwitch => "cancel_switch",
            Self::ReleaseMailbox => "release_mailbox",
            Self::GetFolders => "get_folders",
            Self::ReadItems => "read_items",
            Self::FindMessages => "find_messages",
            Self::ResolveNames => "resolve_names",
            Self::CreateItems => "create_items",
            Self::UpdateItems => "update_items",
            Self::MoveItems => "move_items",
            Self::CopyItems => "copy_items",
            Self::SendItems => "send_items",
            Self::ReadAttachments => "read_attachments",
            Self::ChangeAttachments => "change_attachments",
            Self::UpdateFolders => "update_folders",
            Self::DeleteFolders => "delete_folders",
            Self::Subscribe => "subscribe",
            Self::GetEvents => "get_events",
            Self::Directory => "directory",
            Self::Other => "other",
        }
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

    /// The operation of a name, as a scenario writes it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_numbered_in_order_and_found_by_name() {
        for (number, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, number);
            assert_eq!(Operation::named(operation.name()), Some(operation));
        }
        assert_eq!(Operation::named("no_such_call"), None);
    }
}
