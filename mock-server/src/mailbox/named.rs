//! Empty mailboxes with names that somebody chose, beside the computed ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::{Content, FolderShape, ItemShape, Totals};
use crate::time::Span;
use crate::wire::call::FolderKind;
use crate::wire::id::MailboxKey;

/// Content that mailboxes can be added to while the server runs.
pub trait Directory: Content {
    /// Adds an empty mailbox; the existing one if the address is known already. None if no more fit.
    fn add(&mut self, address: &str) -> Option<MailboxKey>;

    /// The addresses of all added mailboxes, in the order in which they were added.
    fn added(&self) -> &[String];
}

/// Longest address of a mailbox, in bytes (RFC 5321 section 4.5.3.1.3, without the brackets of a path).
const ADDRESS_BYTES: usize = 254;

/// Whether a text is an SMTP address as mailboxes have them: without quotes and comments.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>@,;\"".contains(c);
    let fits = |part: &str| !part.is_empty() && !part.contains(odd);
    text.len() <= ADDRESS_BYTES && text.split_once('@').is_some_and(|(local, domain)| fits(local) && fits(domain))
}

/// The folders of a named mailbox below its root, each with the position of the folder that holds it (0 is the root):
/// those that a fresh mailbox of Exchange Online shows.
const FOLDERS: [(FolderKind, &str, u32); 18] = [
    (FolderKind::Inbox, "Inbox", 0),
    (FolderKind::Sent, "Sent Items", 0),
    (FolderKind::Deleted, "Deleted Items", 0),
    (FolderKind::Drafts, "Drafts", 0),
    (FolderKind::Junk, "Junk Email", 0),
    (FolderKind::Archive, "Archive", 0),
    (FolderKind::Calendar, "Calendar", 0),
    (FolderKind::Contacts, "Contacts", 0),
    (FolderKind::Tasks, "Tasks", 0),
    (FolderKind::Default(0), "Journal", 0),
    (FolderKind::Default(1), "Notes", 0),
    (FolderKind::Default(2), "Conversation History", 0),
    (FolderKind::Default(3), "Outbox", 0),
    (FolderKind::Default(4), "Sync Issues", 0),
    (FolderKind::Default(5), "Conflicts", 14),
    (FolderKind::Default(6), "Local Failures", 14),
    (FolderKind::Default(7), "Server Failures", 14),
    (FolderKind::Default(8), "Recipient Cache", 8),
];

/// The name of the default folder of a kind, and the kind of the folder that holds it, if every mailbox has one below
/// its root.
pub(super) fn default_folder(kind: FolderKind) -> Option<(&'static str, FolderKind)> {
    let (_, name, parent) = FOLDERS.iter().find(|(one, ..)| *one == kind)?;
    let above = (*parent as usize).checked_sub(1).map_or(FolderKind::Root, |position| FOLDERS[position].0);
    Some((name, above))
}

/// Computed mailboxes, and after them empty ones with names.
#[derive(Clone, Debug)]
pub struct Named<C> {
    computed: C,
    addresses: Vec<String>,
    by_address: BTreeMap<String, MailboxKey>,
}

impl<C: Content> Named<C> {
    /// The computed mailboxes alone.
    pub fn new(computed: C) -> Self {
        Self { computed, addresses: Vec::new(), by_address: BTreeMap::new() }
    }

    /// The number of a mailbox among the named ones.
    fn position(&self, mailbox: MailboxKey) -> Option<usize> {
        mailbox.0.checked_sub(self.computed.mailboxes()).map(|position| position as usize)
    }
}

impl<C: Content> Directory for Named<C> {
    fn add(&mut self, address: &str) -> Option<MailboxKey> {
        if let Some(known) = self.find(address) {
            return Some(known);
        }
        let key = MailboxKey(self.mailboxes());
        key.0.checked_add(1)?;
        self.addresses.push(address.to_owned());
        self.by_address.insert(address.to_lowercase(), key);
        Some(key)
    }

    fn added(&self) -> &[String] {
        &self.addresses
    }
}

impl<C: Content> Content for Named<C> {
    fn mailboxes(&self) -> u32 {
        self.computed.mailboxes() + self.addresses.len() as u32
    }

    fn find(&self, address: &str) -> Option<MailboxKey> {
        let named = if self.by_address.is_empty() { None } else { self.by_address.get(&address.to_lowercase()) };
        named.copied().or_else(|| self.computed.find(address))
    }

    fn address(&self, mailbox: MailboxKey) -> String {
        match self.position(mailbox) {
            Some(position) => self.addresses[position].clone(),
            None => self.computed.address(mailbox),
        }
    }

    fn folders(&self, mailbox: MailboxKey) -> Vec<FolderShape> {
        if self.position(mailbox).is_none() {
            return self.computed.folders(mailbox);
        }
        let empty =
            |ordinal, parent, kind| FolderShape { ordinal, parent, kind, items: 0, bytes: 0, changes_per_day: 0.0 };
        let below = FOLDERS.iter().zip(1..).map(|(&(kind, _, parent), ordinal)| empty(ordinal, Some(parent), kind));
        std::iter::once(empty(0, None, FolderKind::Root)).chain(below).collect()
    }

    fn folder_name(&self, mailbox: MailboxKey, folder: &FolderShape) -> Arc<str> {
        if self.position(mailbox).is_none() {
            return self.computed.folder_name(mailbox, folder);
        }
        let below = (folder.ordinal as usize).checked_sub(1).and_then(|position| FOLDERS.get(position));
        Arc::from(below.map_or("Top of Information Store", |(_, name, _)| name))
    }

    fn key_seed(&self) -> u64 {
        self.computed.key_seed()
    }

    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape {
        self.computed.item(mailbox, folder, ordinal, version)
    }

    fn size(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> u32 {
        self.computed.size(mailbox, folder, ordinal, version)
    }

    fn changes(&self, mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
        if self.position(mailbox).is_some() { 0 } else { self.computed.changes(mailbox, folder, clock) }
    }

    fn totals(&self, mailbox: MailboxKey, folder: &FolderShape, changes: u64) -> Totals {
        if self.position(mailbox).is_some() {
            return Totals::of(folder);
        }
        self.computed.totals(mailbox, folder, changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::plain::Plain;

    #[test]
    fn named_mailboxes_come_after_the_computed_ones_and_are_empty() {
        let mut named = Named::new(Plain::default());
        let alice = named.add("Alice@contoso.test").expect("there is room");
        assert_eq!(alice, MailboxKey(3));
        assert_eq!(named.add("alice@CONTOSO.test"), Some(alice));
        assert_eq!((named.mailboxes(), named.address(alice)), (4, "Alice@contoso.test".to_owned()));
        assert_eq!(named.find("user2@contoso.test"), Some(MailboxKey(2)));
        assert_eq!(named.add("user2@contoso.test"), Some(MailboxKey(2)));
        let folders = named.folders(alice);
        assert!(folders.iter().all(|folder| folder.items == 0 && folder.parent < Some(folder.ordinal)));
        assert_eq!(&*named.folder_name(alice, &folders[1]), "Inbox");
    }

    #[test]
    fn an_address_has_two_parts_without_odd_characters() {
        for text in ["alice@contoso.test", "a.b+c@d"] {
            assert!(is_address(text), "{text}");
        }
        let long = format!("{}@b", "a".repeat(ADDRESS_BYTES));
        for text in ["alice", "@b", "a@", "a@b@c", "a b@c", "<a@b>", "a@b,c@d", "a\u{0}@b", &long] {
            assert!(!is_address(text), "{text}");
        }
    }

    #[test]
    fn names_of_siblings_differ() {
        for (at, (_, name, parent)) in FOLDERS.iter().enumerate() {
            assert!(FOLDERS[..at].iter().all(|(_, other, above)| other != name || above != parent), "{name}");
        }
    }
}
