//! How a mailbox spreads over its folders. Items and bytes of the folders sum exactly to the mailbox.

use std::borrow::Cow;

use mock_server::draw::unit;
use mock_server::mailbox::content::FolderShape;
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::MailboxKey;

use crate::sample::categorical;
use crate::sample::split::Split;

use super::item::SMALLEST;
use super::mailbox::{Drawer, Mailbox};

/// A folder that every mailbox has.
struct DefaultFolder {
    kind: FolderKind,
    name: &'static str,
    /// Median weight of its items; a folder that the user made has 1.
    items: f64,
    /// Mean size of its items, relative to the mailbox's.
    size: f64,
    /// Share of the mailbox's changes.
    changes: f64,
    /// The default folder that holds it, by ordinal.
    parent: u32,
}

const fn folder(kind: FolderKind, name: &'static str, items: f64, size: f64, changes: f64) -> DefaultFolder {
    DefaultFolder { kind, name, items, size, changes, parent: 0 }
}

/// A default folder by its position among those that the protocols know by name, or beyond them.
const fn other(position: u8, name: &'static str, items: f64, parent: u32) -> DefaultFolder {
    DefaultFolder { kind: FolderKind::Default(position), name, items, size: 0.3, changes: 0.0, parent }
}

/// The 22 default folders below the root. Weights, relative sizes and shares of changes are assumed: new mail lands in
/// the inbox, a fifth of all changes is mail sent, calendar and contact items are a tenth as large as the mean.
const DEFAULTS: [DefaultFolder; 22] = [
    folder(FolderKind::Inbox, "Inbox", 4.0, 1.0, 0.62),
    folder(FolderKind::Sent, "Sent Items", 2.5, 1.0, 0.20),
    folder(FolderKind::Deleted, "Deleted Items", 1.0, 0.8, 0.04),
    folder(FolderKind::Drafts, "Drafts", 0.05, 0.8, 0.01),
    folder(FolderKind::Junk, "Junk Email", 0.1, 0.4, 0.02),
    folder(FolderKind::Archive, "Archive", 0.1, 1.0, 0.0),
    folder(FolderKind::Calendar, "Calendar", 0.8, 0.1, 0.04),
    folder(FolderKind::Contacts, "Contacts", 0.1, 0.1, 0.005),
    folder(FolderKind::Tasks, "Tasks", 0.03, 0.1, 0.005),
    other(3, "Outbox", 0.0, 0),
    other(0, "Journal", 0.01, 0),
    other(1, "Notes", 0.01, 0),
    other(2, "Conversation History", 0.3, 0),
    other(26, "RSS Feeds", 0.01, 0),
    other(27, "Clutter", 0.02, 0),
    other(28, "Suggested Contacts", 0.02, 0),
    other(29, "Quick Step Settings", 0.003, 0),
    other(8, "Recipient Cache", 0.02, 0),
    other(4, "Sync Issues", 0.02, 0),
    other(5, "Conflicts", 0.01, 19),
    other(6, "Local Failures", 0.005, 19),
    other(7, "Server Failures", 0.005, 19),
];

/// The ordinal of the first folder that a user made, and the number of folders that every mailbox has.
pub(super) const FIRST_USER_FOLDER: u32 = DEFAULTS.len() as u32 + 1;

/// Share of the changes that falls to the folders users made, by the items they hold. Assumed.
const USER_CHANGES: f64 = 0.06;

/// Spread of the items over folders (Enron, 3,176 folders: standard deviation of the logarithm 1.89; independent
/// weights reproduce the share of the largest folder).
const ITEMS_LN_SIGMA: f64 = 1.9;
/// Spread of the mean item size between folders of one mailbox, beyond chance. Assumed.
const SIZE_LN_SIGMA: f64 = 0.4;
/// Variance of item sizes over the square of their mean, without the far tail: by chance alone, means of small folders
/// spread more than those of large ones.
const SIZE_VARIATION: f64 = 12.0;
/// Shares of folders at each depth below the root (Enron, without export copies).
const DEPTHS: [f64; 5] = [0.815, 0.165, 0.0156, 0.0039, 0.0005];

/// Words that names of folders are made of.
const WORDS: [&str; 16] = [
    "Projects",
    "Team",
    "Reports",
    "Budget",
    "Meetings",
    "Training",
    "Suppliers",
    "Personal",
    "Audit",
    "Planning",
    "Recruitment",
    "Newsletters",
    "Contracts",
    "Travel",
    "Policies",
    "Research",
];

/// All folders of a mailbox.
pub(super) fn folders(drawer: &Drawer, key: MailboxKey, mailbox: &Mailbox) -> Vec<FolderShape> {
    let count = mailbox.folders;
    let weights: Vec<f64> = (0..count)
        .map(|ordinal| match weight(ordinal) {
            0.0 => 0.0,
            median => median * libm::exp(ITEMS_LN_SIGMA * drawer.folder_normal(key, ordinal, 0)),
        })
        .collect();
    let user_weight: f64 = weights[FIRST_USER_FOLDER as usize..].iter().sum();
    let default_changes: f64 = DEFAULTS.iter().map(|default| default.changes).sum();
    let all_changes = default_changes + if user_weight > 0.0 { USER_CHANGES } else { 0.0 };
    let mut items = Split::new(mailbox.items, weights.iter().sum());
    let mut shapes = Vec::with_capacity(count as usize);
    let mut tree = Tree::default();
    for (ordinal, &weight) in (0..count).zip(&weights) {
        let (kind, parent, changes) = match default(ordinal) {
            _ if ordinal == 0 => (FolderKind::Root, None, 0.0),
            Some(default) => (default.kind, Some(default.parent), default.changes),
            None => (FolderKind::User, Some(tree.parent(drawer, key, ordinal)), USER_CHANGES * weight / user_weight),
        };
        shapes.push(FolderShape {
            ordinal,
            parent,
            kind,
            items: items.part(weight),
            bytes: 0,
            changes_per_day: mailbox.changes_per_day * changes / all_changes,
        });
    }
    give_bytes(drawer, key, mailbox, &mut shapes);
    shapes
}

/// Every item has its least size; what is left goes by items and by how large they are in each folder.
fn give_bytes(drawer: &Drawer, key: MailboxKey, mailbox: &Mailbox, shapes: &mut [FolderShape]) {
    if mailbox.items == 0 {
        return;
    }
    let floor = SMALLEST.min(mailbox.bytes / mailbox.items);
    let weights: Vec<f64> = shapes
        .iter()
        .map(|shape| match shape.items {
            0 => 0.0,
            items => {
                let size = default(shape.ordinal).map_or(1.0, |default| default.size);
                let variance = SIZE_LN_SIGMA * SIZE_LN_SIGMA + libm::log(1.0 + SIZE_VARIATION / items as f64);
                let normal = drawer.folder_normal(key, shape.ordinal, 1);
                items as f64 * size * libm::exp(libm::sqrt(variance) * normal - 0.5 * variance)
            }
        })
        .collect();
    let mut bytes = Split::new(mailbox.bytes - floor * mailbox.items, weights.iter().sum());
    for (shape, weight) in shapes.iter_mut().zip(weights) {
        shape.bytes = floor * shape.items + bytes.part(weight);
    }
}

fn default(ordinal: u32) -> Option<&'static DefaultFolder> {
    DEFAULTS.get((ordinal as usize).checked_sub(1)?)
}

fn weight(ordinal: u32) -> f64 {
    if ordinal == 0 { 0.0 } else { default(ordinal).map_or(1.0, |default| default.items) }
}

/// The folders that users made so far, by depth.
#[derive(Default)]
struct Tree {
    depths: [Vec<u32>; DEPTHS.len()],
}

impl Tree {
    /// Finds a place for a folder at a random depth, or as deep as there are folders to hold it.
    fn parent(&mut self, drawer: &Drawer, key: MailboxKey, ordinal: u32) -> u32 {
        let mut depth = categorical(drawer.folder_word(key, ordinal, 2), DEPTHS);
        while depth > 0 && self.depths[depth - 1].is_empty() {
            depth -= 1;
        }
        self.depths[depth].push(ordinal);
        if depth == 0 {
            return 0;
        }
        let above = &self.depths[depth - 1];
        let chosen = unit(drawer.folder_word(key, ordinal, 3)) * above.len() as f64;
        above[(chosen as usize).min(above.len() - 1)]
    }
}

/// The display name of a folder, unique in its mailbox.
pub(super) fn name(folder: &FolderShape) -> Cow<'static, str> {
    match default(folder.ordinal) {
        _ if folder.ordinal == 0 => Cow::Borrowed("Top of Information Store"),
        Some(default) => Cow::Borrowed(default.name),
        None => {
            let number = (folder.ordinal - FIRST_USER_FOLDER) as usize;
            Cow::Owned(format!("{} {}", WORDS[number % WORDS.len()], number / WORDS.len() + 1))
        }
    }
}
