//! A small population for tests: mailboxes of a few folders with items of random sizes that change steadily.

use std::sync::Arc;

use mock_server::draw::{Purpose, hash};
use mock_server::mailbox::content::{Content, FolderShape, ItemShape, item_key};
use mock_server::time::Span;
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::MailboxKey;

/// A folder: kind, parent, name, base items.
pub(crate) type Folder = (FolderKind, Option<u32>, &'static str, u64);

const FOLDERS: [Folder; 6] = [
    (FolderKind::Root, None, "", 0),
    (FolderKind::Inbox, Some(0), "Inbox", 37),
    (FolderKind::Sent, Some(0), "Sent Items", 12),
    (FolderKind::User, Some(0), "Projects", 5),
    (FolderKind::User, Some(3), "Alpha", 0),
    (FolderKind::Calendar, Some(0), "Calendar", 3),
];

/// Mailboxes that are all alike.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Small {
    /// Their folders, the root first.
    pub(crate) folders: &'static [Folder],
    /// Changes of every folder but the root, each time that `per` has passed.
    pub(crate) changes: u64,
    pub(crate) per: Span,
    /// Whether one item of the third folder cannot be read.
    pub(crate) corrupt: bool,
}

impl Default for Small {
    fn default() -> Self {
        Self { folders: &FOLDERS, changes: 0, per: Span::seconds(3_600), corrupt: true }
    }
}

impl Content for Small {
    fn mailboxes(&self) -> u32 {
        1_000
    }

    fn find(&self, address: &str) -> Option<MailboxKey> {
        address.strip_prefix("user")?.strip_suffix("@example.com")?.parse().ok().map(MailboxKey)
    }

    fn address(&self, mailbox: MailboxKey) -> String {
        format!("user{}@example.com", mailbox.0)
    }

    fn folders(&self, mailbox: MailboxKey) -> Vec<FolderShape> {
        let shape = |(ordinal, &(kind, parent, _, items)): (usize, &Folder)| {
            let changes_per_day = self.changes as f64 * (Span::seconds(86_400).0 / self.per.0) as f64;
            let mut shape = FolderShape { ordinal: ordinal as u32, parent, kind, items, bytes: 0, changes_per_day };
            shape.bytes = (0..items).map(|item| u64::from(self.item(mailbox, &shape, item, 0).size)).sum();
            shape
        };
        self.folders.iter().enumerate().map(shape).collect()
    }

    fn folder_name(&self, _: MailboxKey, folder: &FolderShape) -> Arc<str> {
        Arc::from(self.folders[folder.ordinal as usize].2)
    }

    fn key_seed(&self) -> u64 {
        11
    }

    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape {
        let place = u64::from(folder.ordinal) << 40 | ordinal;
        let word = hash(11, Purpose::ItemSize, u64::from(mailbox.0), place, u64::from(version));
        ItemShape {
            key: item_key(11, mailbox, folder.ordinal, ordinal),
            size: 1_000 + (word % 50_000) as u32,
            corrupt: self.corrupt && folder.ordinal == 2 && ordinal == 7,
        }
    }

    fn changes(&self, _: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
        if folder.ordinal == 0 { 0 } else { clock.0 / self.per.0 * self.changes }
    }
}
