//! Mailbox content that is computed, never stored.
//!
//! A population implements [`Content`]; the mock asks it. Every answer is a pure function of the arguments, so a
//! two-million-mailbox tenant costs nothing until a mailbox is touched.
//!
//! A folder starts with `items` base items, ordinals `0..items`. From the staging clock's zero on, it changes: the n-th
//! change is a creation (the next ordinal), an update or a deletion of a base item. Which of them is fixed by the
//! pattern in `mailbox::churn`; how many have happened by a given reading of the clock is [`Content::changes`].

use std::sync::Arc;

use crate::time::Span;
use crate::wire::call::FolderKind;
use crate::wire::id::{ItemKey, MailboxKey};

/// A folder as computed.
#[derive(Clone, PartialEq, Debug)]
pub struct FolderShape {
    /// Its number within the mailbox; the root is folder 0 and holds no items of its own.
    pub ordinal: u32,
    /// The folder that holds it; absent for the root. Parents have lower ordinals than their children.
    pub parent: Option<u32>,
    /// What it is for.
    pub kind: FolderKind,
    /// Base items directly in it.
    pub items: u64,
    /// Bytes of those items; the sizes of the items sum exactly to this.
    pub bytes: u64,
    /// Creations, updates and deletions per day, averaged over a week.
    pub changes_per_day: f64,
}

/// An item as computed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct ItemShape {
    /// The identity that it keeps when it moves.
    pub key: ItemKey,
    /// Size of its exported stream in bytes.
    pub size: u32,
    /// Whether reading its content fails.
    pub corrupt: bool,
}

/// Computed mailboxes.
pub trait Content {
    /// How many mailboxes there are; keys run from 0 to one less.
    fn mailboxes(&self) -> u32;

    /// The mailbox of an SMTP address, compared without regard to case.
    fn find(&self, address: &str) -> Option<MailboxKey>;

    /// The SMTP address of a mailbox.
    fn address(&self, mailbox: MailboxKey) -> String;

    /// All folders of a mailbox, in the order of their ordinals.
    fn folders(&self, mailbox: MailboxKey) -> Vec<FolderShape>;

    /// The display name of a folder, unique among its siblings.
    fn folder_name(&self, mailbox: MailboxKey, folder: &FolderShape) -> Arc<str>;

    /// One item. Ordinals below `folder.items` are base items, higher ones arrived later. `version` counts the updates
    /// of the item; an update may change the size but never the key.
    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape;

    /// How many changes a folder has seen when the staging clock shows `clock`. Zero at zero, never decreasing.
    fn changes(&self, mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64;
}
