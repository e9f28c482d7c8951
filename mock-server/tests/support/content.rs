//! A small population for tests: mailboxes of a few folders with items of random sizes that change steadily.

use std::sync::Arc;

use mock_server::draw::{Purpose, hash};
use mock_server::mailbox::content::{Content, FolderShape, ItemShape, item_key};
use mock_server::time::Span;
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::MailboxKey;

/// Folders of every mailbox: kind, parent, name, base items.
const FOLDERS: [(FolderKind, Option<u32>, &str, u64); 6] = [
    (FolderKind::Root, None, "", 0),
    (FolderKind::Inbox, Some(0), "Inbox", 37),
    (FolderKind::Sent, Some(0), "Sent Items", 12),
    (FolderKind::User, Some(0), "Projects", 5),
    (FolderKind::User, Some(3), "Alpha", 0),
    (FolderKind::Calendar, Some(0), "Calendar", 3),
];

/// Mailboxes in which every folder sees so many changes per hour.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Small {
    /// Changes per hour and folder.
    pub changes_per_hour: u64,
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
        let shape = |(ordinal, (kind, parent, _, items)): (usize, (FolderKind, Option<u32>, &str, u64))| {
            let changes_per_day = self.changes_per_hour as f64 * 24.0;
            let mut shape = FolderShape { ordinal: ordinal as u32, parent, kind, items, bytes: 0, changes_per_day };
            shape.bytes = (0..items).map(|item| u64::from(self.item(mailbox, &shape, item, 0).size)).sum();
            shape
        };
        FOLDERS.into_iter().enumerate().map(shape).collect()
    }

    fn folder_name(&self, _: MailboxKey, folder: &FolderShape) -> Arc<str> {
        Arc::from(FOLDERS[folder.ordinal as usize].2)
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
            corrupt: folder.ordinal == 2 && ordinal == 7,
        }
    }

    fn changes(&self, _: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
        if folder.ordinal == 0 { 0 } else { clock.0 / Span::seconds(3_600).0 * self.changes_per_hour }
    }
}
