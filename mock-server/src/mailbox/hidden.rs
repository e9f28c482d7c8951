//! Folders that every mailbox has beside those that its owner sees: what programs keep, and what can be recovered.
//!
//! They are the same in every mailbox and cost nothing until something is put into one. Listings of the visible tree do
//! not show them. Names and classes are those that EWS clients find in mailboxes of Exchange Online (the tables of
//! exchangelib, `folders/known_folders.py`, and \[MS-OXOSFLD\] 2.2.2).

use crate::wire::call::FolderKind;

/// The number of the invisible folder above the visible tree, which holds most of them.
pub const ROOT: u32 = u32::MAX;

/// The number of the first one; visible folders stay below.
pub const FIRST: u32 = 0xFFFF_0000;

/// What they are for, as far as the visible tree knows.
pub const KIND: FolderKind = FolderKind::Default(u8::MAX);

/// The folder that holds a hidden one.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Above {
    /// The invisible root.
    Root,
    /// The default folder of a kind.
    Kind(FolderKind),
    /// Another hidden one.
    Hidden(u32),
}

/// A hidden folder.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Hidden {
    /// The folder that holds it.
    pub above: Above,
    /// Its name.
    pub name: &'static str,
    /// The class of its items; empty if it has none.
    pub class: &'static str,
    /// Its distinguished name, if it has one.
    pub distinguished: Option<&'static str>,
}

const fn root(name: &'static str, class: &'static str) -> Hidden {
    Hidden { above: Above::Root, name, class, distinguished: None }
}

const fn known(name: &'static str, class: &'static str, distinguished: &'static str) -> Hidden {
    Hidden { above: Above::Root, name, class, distinguished: Some(distinguished) }
}

/// What can be recovered; the first of all, so that its number is known.
const fn recoverable(name: &'static str, distinguished: Option<&'static str>) -> Hidden {
    Hidden { above: Above::Hidden(FIRST), name, class: "", distinguished }
}

const fn contacts(name: &'static str, class: &'static str, distinguished: Option<&'static str>) -> Hidden {
    Hidden { above: Above::Kind(FolderKind::Contacts), name, class, distinguished }
}

/// The number of the folder of items that were deleted and can be recovered.
pub const DELETIONS: u32 = FIRST + 1;

/// All of them, by their numbers from [`FIRST`] on.
pub static ALL: [Hidden; 52] = [
    known("Recoverable Items", "", "recoverableitemsroot"),
    recoverable("Deletions", Some("recoverableitemsdeletions")),
    recoverable("Purges", Some("recoverableitemspurges")),
    recoverable("Versions", Some("recoverableitemsversions")),
    recoverable("DiscoveryHolds", Some("recoverableitemsdiscoveryholds")),
    recoverable("SubstrateHolds", Some("recoverableitemssubstrateholds")),
    recoverable("Audits", None),
    recoverable("Calendar Logging", None),
    known("AllCategorizedItems", "IPF.Note", "allcategorizeditems"),
    known("AllContacts", "IPF.Note", "allcontacts"),
    known("AllItems", "IPF", "allitems"),
    known("AllPersonMetadata", "IPF.Note", "allpersonmetadata"),
    root("AllTodoTasks", "IPF.Task"),
    root("ApplicationDataRoot", ""),
    root("Common Views", ""),
    root("CrawlerData", "IPF.StoreItem.CrawlerData"),
    root("DefaultFoldersChangeHistory", "IPM.DefaultFolderHistoryItem"),
    root("Deferred Action", ""),
    known("DlpPolicyEvaluation", "IPF.StoreItem.DlpPolicyEvaluation", "dlppolicyevaluation"),
    root("EventCheckPoints", "IPF.StoreItem.EventCheckPoints"),
    root("ExchangeSyncData", ""),
    known("Favorites", "IPF.Note", "favorites"),
    known("Finder", "", "searchfolders"),
    root("Freebusy Data", ""),
    root("FreeBusyLocalCache", "IPF.StoreItem.FreeBusyCache"),
    root("Location", ""),
    root("MailboxAssociations", ""),
    known("MyContacts", "IPF.Note", "mycontacts"),
    root("MyContactsExtended", "IPF.Note"),
    root("ParkedMessages", ""),
    root("Pass-Through Search Results", "IPF.StoreItem.PassThroughSearchResults"),
    root("PdpProfileV2Secured", "IPF.StoreItem.PdpProfileSecured"),
    known("PeopleConnect", "", "peopleconnect"),
    root("RecoveryPoints", "IPF.StoreItem.RecoveryPoints"),
    known("RelevantContacts", "IPF.Note", "relevantcontacts"),
    root("Schedule", ""),
    root("ShadowItems", "IPF.StoreItem.ShadowItems"),
    root("Sharing", "IPF.Note"),
    root("Shortcuts", ""),
    root("SmsAndChatsSync", "IPF.SmsAndChatsSync"),
    root("Spooler Queue", ""),
    root("SwssItems", "IPF.StoreItem.SwssItems"),
    root("System", ""),
    known("TemporarySaves", "", "temporarysaves"),
    known("To-Do Search", "IPF.Task", "todosearch"),
    known("UserCuratedContacts", "IPF.Note", "usercuratedcontacts"),
    root("Views", ""),
    root("Working Set", ""),
    contacts("Companies", "IPF.Contact.Company", Some("companycontacts")),
    contacts("GAL Contacts", "IPF.Contact.GalContacts", None),
    contacts("Organizational Contacts", "IPF.Contact.OrganizationalContacts", None),
    contacts(
        "PeopleCentricConversation Buddies",
        "IPF.Contact.PeopleCentricConversationBuddies",
        Some("peoplecentricconversationbuddies"),
    ),
];

/// A hidden folder by its number.
#[must_use]
#[inline]
pub fn get(ordinal: u32) -> Option<&'static Hidden> {
    ALL.get(ordinal.checked_sub(FIRST)? as usize)
}

/// The numbers of all of them.
pub fn ordinals() -> impl Iterator<Item = u32> {
    (FIRST..).take(ALL.len())
}

/// The number of a distinguished name.
#[must_use]
pub fn distinguished(name: &str) -> Option<u32> {
    ordinals().zip(&ALL).find(|(_, hidden)| hidden.distinguished == Some(name)).map(|(ordinal, _)| ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_that_others_name_by_number_are_where_they_say() {
        assert_eq!(get(DELETIONS).and_then(|hidden| hidden.distinguished), Some("recoverableitemsdeletions"));
        assert_eq!(distinguished("recoverableitemsroot"), Some(FIRST));
        assert_eq!(get(ROOT), None);
        assert_eq!(get(5), None);
    }

    #[test]
    fn names_of_siblings_differ_and_distinguished_names_name_one() {
        for (at, one) in ALL.iter().enumerate() {
            let clash = |other: &&Hidden| {
                (other.above == one.above && other.name == one.name)
                    || (one.distinguished.is_some() && other.distinguished == one.distinguished)
            };
            assert!(!ALL[..at].iter().any(|other| clash(&other)), "{}", one.name);
        }
    }
}
