//! What folders are for, in the words of EWS: distinguished names, folder classes and element names.

use super::xml::{Element, Space};
use crate::wire::call::FolderKind;

/// How a kind of folder appears on the wire.
pub(super) struct Row {
    /// The kind.
    pub(super) kind: FolderKind,
    /// Its distinguished name; absent for folders that users make.
    pub(super) distinguished: Option<&'static str>,
    /// The class of its items' forms.
    pub(super) class: &'static str,
    /// The element that describes it.
    pub(super) element: &'static str,
}

const fn row(kind: FolderKind, distinguished: &'static str, class: &'static str, element: &'static str) -> Row {
    Row { kind, distinguished: Some(distinguished), class, element }
}

const fn default(position: u8, distinguished: &'static str, class: &'static str) -> Row {
    row(FolderKind::Default(position), distinguished, class, "t:Folder")
}

/// All kinds that the wire can tell apart. The names are those of `DistinguishedFolderIdNameType` in `types.xsd`, but
/// for `archive`, which the schema lacks: the archive folder of a primary mailbox has a well-known name in Graph only,
/// and that name is used here as well (assumed). Classes: \[MS-OXOSFLD\].
pub(super) static ROWS: [Row; 37] = [
    Row { kind: FolderKind::User, distinguished: None, class: "IPF.Note", element: "t:Folder" },
    row(FolderKind::Root, "msgfolderroot", "IPF.Note", "t:Folder"),
    row(FolderKind::Inbox, "inbox", "IPF.Note", "t:Folder"),
    row(FolderKind::Sent, "sentitems", "IPF.Note", "t:Folder"),
    row(FolderKind::Deleted, "deleteditems", "IPF.Note", "t:Folder"),
    row(FolderKind::Drafts, "drafts", "IPF.Note", "t:Folder"),
    row(FolderKind::Junk, "junkemail", "IPF.Note", "t:Folder"),
    row(FolderKind::Archive, "archive", "IPF.Note", "t:Folder"),
    row(FolderKind::Calendar, "calendar", "IPF.Appointment", "t:CalendarFolder"),
    row(FolderKind::Contacts, "contacts", "IPF.Contact", "t:ContactsFolder"),
    row(FolderKind::Tasks, "tasks", "IPF.Task", "t:TasksFolder"),
    default(0, "journal", "IPF.Journal"),
    default(1, "notes", "IPF.StickyNote"),
    default(2, "conversationhistory", "IPF.Note"),
    default(3, "outbox", "IPF.Note"),
    default(4, "syncissues", "IPF.Note"),
    default(5, "conflicts", "IPF.Note"),
    default(6, "localfailures", "IPF.Note"),
    default(7, "serverfailures", "IPF.Note"),
    default(8, "recipientcache", "IPF.Contact.RecipientCache"),
    default(9, "quickcontacts", "IPF.Contact.MOC.QuickContacts"),
    default(10, "imcontactlist", "IPF.Contact.MOC.ImContactList"),
    default(11, "voicemail", "IPF.Note.Microsoft.Voicemail"),
    default(12, "searchfolders", "IPF.Note"),
    default(13, "todosearch", "IPF.Task"),
    default(14, "mycontacts", "IPF.Note"),
    default(15, "peopleconnect", "IPF.Contact.PeopleConnect"),
    default(16, "favorites", "IPF.Note"),
    default(17, "mecontact", "IPF.Note"),
    default(18, "personmetadata", "IPF.Note"),
    default(19, "directory", "IPF.Note"),
    default(20, "adminauditlogs", "IPF.Note"),
    default(21, "teamchat", "IPF.Note"),
    default(22, "externalcontacts", "IPF.Contact"),
    default(23, "orionnotes", "IPF.StickyNote"),
    default(24, "scheduled", "IPF.Note"),
    default(25, "yammerroot", "IPF.Note"),
];

/// Where a kind stands in [`ROWS`]. Default folders beyond the last one that has a name look like a user's own.
pub(super) fn position(kind: FolderKind) -> usize {
    match kind {
        FolderKind::User => 0,
        FolderKind::Root => 1,
        FolderKind::Inbox => 2,
        FolderKind::Sent => 3,
        FolderKind::Deleted => 4,
        FolderKind::Drafts => 5,
        FolderKind::Junk => 6,
        FolderKind::Archive => 7,
        FolderKind::Calendar => 8,
        FolderKind::Contacts => 9,
        FolderKind::Tasks => 10,
        FolderKind::Default(number) => Some(11 + usize::from(number)).filter(|&at| at < ROWS.len()).unwrap_or(0),
    }
}

/// How a kind appears on the wire.
pub(super) fn appearance(kind: FolderKind) -> &'static Row {
    &ROWS[position(kind)]
}

/// The kind of a distinguished name. `root`, the invisible parent of the visible tree, is not one.
pub(super) fn distinguished(name: &str) -> Option<FolderKind> {
    ROWS.iter().find(|row| row.distinguished == Some(name)).map(|row| row.kind)
}

/// The distinguished name of a kind.
pub(super) fn distinguished_name(kind: FolderKind) -> Option<&'static str> {
    appearance(kind).distinguished
}

/// The kind of a folder that a server described. Where it does not say the distinguished name, the folder is a user's
/// own, whatever it holds.
pub(super) fn of(folder: &Element<'_>) -> FolderKind {
    let name = folder.child(Space::Types, "DistinguishedFolderId").map(Element::text);
    name.and_then(distinguished).unwrap_or(FolderKind::User)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_a_name_is_found_by_it() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(position(row.kind), at);
            if let Some(name) = row.distinguished {
                assert_eq!(distinguished(name), Some(row.kind));
            }
        }
        assert_eq!(position(FolderKind::Default(255)), 0);
        assert_eq!(distinguished("root"), None);
    }
}
