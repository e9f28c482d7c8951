//! Mailboxes that are all alike: what the mock serves when nobody hands it a population.

use std::sync::Arc;

use super::content::{Content, FolderShape, ItemShape, item_key};
use crate::time::Span;
use crate::wire::call::FolderKind;
use crate::wire::id::MailboxKey;

/// The domain of all addresses.
pub const DOMAIN: &str = "contoso.test";

/// The folders of every mailbox, all directly below the root, with the weight of their share of the items.
const FOLDERS: [(FolderKind, &str, u64); 10] = [
    (FolderKind::Inbox, "Inbox", 6),
    (FolderKind::Sent, "Sent Items", 2),
    (FolderKind::Deleted, "Deleted Items", 1),
    (FolderKind::Drafts, "Drafts", 0),
    (FolderKind::Junk, "Junk Email", 0),
    (FolderKind::Archive, "Archive", 0),
    (FolderKind::Calendar, "Calendar", 0),
    (FolderKind::Contacts, "Contacts", 0),
    (FolderKind::Tasks, "Tasks", 0),
    (FolderKind::User, "Projects", 1),
];

const SHARES: u64 = 10;

/// Mailboxes that are all alike: `user0@contoso.test` and so on.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Plain {
    /// How many mailboxes.
    pub mailboxes: u32,
    /// Items in each mailbox.
    pub items: u64,
    /// Size of each item in bytes; at least 16, the length of its identity.
    pub item_bytes: u32,
    /// Creations, updates and deletions per day in each mailbox, all in the inbox.
    pub changes_per_day: f64,
}

impl Default for Plain {
    /// Three mailboxes of a hundred items, 16 KiB each (assumed), in which nothing happens.
    fn default() -> Self {
        Self { mailboxes: 3, items: 100, item_bytes: 16 << 10, changes_per_day: 0.0 }
    }
}

impl Plain {
    /// Items in a folder: what its share and those before it come to, less what those before it have.
    fn items_of(&self, folder: usize) -> u64 {
        let before: u64 = FOLDERS[..folder].iter().map(|(_, _, share)| share).sum();
        let share = FOLDERS[folder].2;
        self.items * (before + share) / SHARES - self.items * before / SHARES
    }
}

impl Content for Plain {
    fn mailboxes(&self) -> u32 {
        self.mailboxes
    }

    fn find(&self, address: &str) -> Option<MailboxKey> {
        let (name, domain) = address.split_once('@')?;
        let digits = name.get(..4).filter(|user| user.eq_ignore_ascii_case("user")).and_then(|_| name.get(4..))?;
        let key = digits.parse().ok().filter(|&number| number < self.mailboxes)?;
        let written = digits.len() == 1 || !digits.starts_with(['0', '+']);
        (written && domain.eq_ignore_ascii_case(DOMAIN)).then_some(MailboxKey(key))
    }

    fn address(&self, mailbox: MailboxKey) -> String {
        format!("user{}@{DOMAIN}", mailbox.0)
    }

    fn folders(&self, _mailbox: MailboxKey) -> Vec<FolderShape> {
        let root =
            FolderShape { ordinal: 0, parent: None, kind: FolderKind::Root, items: 0, bytes: 0, changes_per_day: 0.0 };
        let below = FOLDERS.iter().enumerate().map(|(place, &(kind, ..))| FolderShape {
            ordinal: place as u32 + 1,
            parent: Some(0),
            kind,
            items: self.items_of(place),
            bytes: self.items_of(place) * u64::from(self.item_bytes),
            changes_per_day: if kind == FolderKind::Inbox { self.changes_per_day } else { 0.0 },
        });
        std::iter::once(root).chain(below).collect()
    }

    fn folder_name(&self, _mailbox: MailboxKey, folder: &FolderShape) -> Arc<str> {
        let place = (folder.ordinal as usize).checked_sub(1);
        Arc::from(place.and_then(|place| FOLDERS.get(place)).map_or("Top of Information Store", |folder| folder.1))
    }

    fn key_seed(&self) -> u64 {
        0
    }

    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, _version: u32) -> ItemShape {
        let key = item_key(self.key_seed(), mailbox, folder.ordinal, ordinal);
        ItemShape { key, size: self.item_bytes, corrupt: false }
    }

    fn changes(&self, _mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
        (folder.changes_per_day * clock.as_seconds() / 86_400.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_share_all_items() {
        for items in [0, 1, 7, 100, 12_345] {
            let plain = Plain { items, ..Plain::default() };
            let folders = plain.folders(MailboxKey(0));
            assert_eq!(folders.iter().map(|folder| folder.items).sum::<u64>(), items);
            assert_eq!(folders.iter().map(|folder| folder.bytes).sum::<u64>(), items * 16_384);
        }
    }

    #[test]
    fn addresses_lead_back_to_their_mailboxes_and_no_others_do() {
        let plain = Plain { mailboxes: 12, ..Plain::default() };
        for key in (0..12).map(MailboxKey) {
            assert_eq!(plain.find(&plain.address(key).to_uppercase()), Some(key));
        }
        for stranger in
            ["user12@contoso.test", "user01@contoso.test", "user+1@contoso.test", "user1@x.test", "üser1", ""]
        {
            assert_eq!(plain.find(stranger), None, "{stranger}");
        }
    }
}
