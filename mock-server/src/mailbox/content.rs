//! Mailbox content that is computed, never stored.
//!
//! A population implements [`Content`]; the mock asks it. Every answer is a pure function of the arguments, so a
//! two-million-mailbox tenant costs nothing until a mailbox is touched.
//!
//! A folder starts with `items` base items, ordinals `0..items`. From the staging clock's zero on, it changes: the n-th
//! change is a creation (the next ordinal), an update or a deletion of a base item. Which of them is fixed by the
//! pattern in `mailbox::churn`; how many have happened by a given reading of the clock is [`Content::changes`].

use std::rc::Rc;
use std::sync::Arc;

use super::churn::{Change, Churn};
use crate::draw::{Purpose, hash, mix, unmix};
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

/// What a folder holds after a number of changes.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Totals {
    /// Items in it.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The changes that are counted.
    pub changes: u64,
}

impl Totals {
    /// What a folder holds before it changes.
    #[must_use]
    pub const fn of(folder: &FolderShape) -> Self {
        Self { items: folder.items, bytes: folder.bytes, changes: 0 }
    }

    /// Counts what computed changes did, up to a number of them.
    pub fn advance<C: Content + ?Sized>(
        &mut self,
        content: &C,
        mailbox: MailboxKey,
        folder: &FolderShape,
        changes: u64,
    ) {
        if self.changes >= changes {
            return;
        }
        let churn = content.churn(mailbox, folder);
        let sizes = content.sizes(mailbox, folder);
        let size = |item, version| u64::from(sizes(item, version));
        for change in self.changes..changes {
            match churn.change(change) {
                Change::Create(item) => {
                    self.items += 1;
                    self.bytes += size(item, 0);
                }
                Change::Update(item) => self.bytes = self.bytes - size(item, 0) + size(item, 1),
                Change::Delete(item) => {
                    self.items -= 1;
                    self.bytes -= size(item, 0);
                }
            }
        }
        self.changes = changes;
    }
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

    /// Whether the name of a folder depends on its ordinal alone, so that mailboxes can share it.
    fn names_by_ordinal(&self) -> bool {
        false
    }

    /// The seed of the identities of items: [`Content::item`] must return [`item_key`] of this seed as the key.
    fn key_seed(&self) -> u64;

    /// One item. Ordinals below `folder.items` are base items, higher ones arrived later. `version` counts the updates
    /// of the item; an update may change the size but never the key.
    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape;

    /// The size of one item, where nothing else of it is of interest.
    fn size(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> u32 {
        self.item(mailbox, folder, ordinal, version).size
    }

    /// The sizes of several items of one folder, by ordinal and version as for [`Content::size`]: what is the same for
    /// all of them is worked out once.
    fn sizes(&self, mailbox: MailboxKey, folder: &FolderShape) -> impl Fn(u64, u32) -> u32 {
        move |ordinal, version| self.size(mailbox, folder, ordinal, version)
    }

    /// How many changes a folder has seen when the staging clock shows `clock`. Zero at zero, never decreasing.
    fn changes(&self, mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64;

    /// The pattern in which a folder changes.
    fn churn(&self, mailbox: MailboxKey, folder: &FolderShape) -> Churn {
        Churn::new(self.key_seed(), mailbox, folder.ordinal, folder.items)
    }

    /// What a folder holds after a number of changes, clients' changes left aside. Takes time with every change, unless
    /// whoever implements it remembers.
    fn totals(&self, mailbox: MailboxKey, folder: &FolderShape, changes: u64) -> Totals {
        let mut totals = Totals::of(folder);
        totals.advance(self, mailbox, folder, changes);
        totals
    }
}

/// Implements [`Content`] for a pointer to something that implements it.
macro_rules! forward {
    ($pointer:ty) => {
        impl<T: Content + ?Sized> Content for $pointer {
            fn mailboxes(&self) -> u32 {
                (**self).mailboxes()
            }

            fn find(&self, address: &str) -> Option<MailboxKey> {
                (**self).find(address)
            }

            fn address(&self, mailbox: MailboxKey) -> String {
                (**self).address(mailbox)
            }

            fn folders(&self, mailbox: MailboxKey) -> Vec<FolderShape> {
                (**self).folders(mailbox)
            }

            fn folder_name(&self, mailbox: MailboxKey, folder: &FolderShape) -> Arc<str> {
                (**self).folder_name(mailbox, folder)
            }

            fn names_by_ordinal(&self) -> bool {
                (**self).names_by_ordinal()
            }

            fn key_seed(&self) -> u64 {
                (**self).key_seed()
            }

            fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape {
                (**self).item(mailbox, folder, ordinal, version)
            }

            fn size(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> u32 {
                (**self).size(mailbox, folder, ordinal, version)
            }

            fn sizes(&self, mailbox: MailboxKey, folder: &FolderShape) -> impl Fn(u64, u32) -> u32 {
                (**self).sizes(mailbox, folder)
            }

            fn changes(&self, mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
                (**self).changes(mailbox, folder, clock)
            }

            fn churn(&self, mailbox: MailboxKey, folder: &FolderShape) -> Churn {
                (**self).churn(mailbox, folder)
            }

            fn totals(&self, mailbox: MailboxKey, folder: &FolderShape, changes: u64) -> Totals {
                (**self).totals(mailbox, folder, changes)
            }
        }
    };
}

forward!(&T);
forward!(Rc<T>);
forward!(Arc<T>);

const ORDINAL_BITS: u32 = 40;
const COMPUTED_FOLDERS: u64 = 1 << 16;

/// The identities of the items of one mailbox.
#[derive(Copy, Clone, Debug)]
pub struct ItemKeys {
    before: u64,
    after: u64,
}

impl ItemKeys {
    /// The identities in a mailbox of the content with a seed.
    #[must_use]
    #[inline]
    pub const fn new(seed: u64, mailbox: MailboxKey) -> Self {
        let before = hash(seed, Purpose::ItemKey, mailbox.0 as u64, 0, 0);
        Self { before, after: mix(before.wrapping_add(0x9e37_79b9_7f4a_7c15)) }
    }

    /// The identity of a computed item; see [`item_key`].
    #[must_use]
    #[inline]
    pub const fn of(self, folder: u32, ordinal: u64) -> ItemKey {
        ItemKey(mix((folder as u64) << ORDINAL_BITS ^ ordinal ^ self.before) ^ self.after)
    }
}

/// The identity of a computed item: a keyed one-to-one map of the folder (below 2^16) and the ordinal (below 2^40), so
/// that no two items of a mailbox share an identity and the place can be read back from it.
#[must_use]
pub const fn item_key(seed: u64, mailbox: MailboxKey, folder: u32, ordinal: u64) -> ItemKey {
    ItemKeys::new(seed, mailbox).of(folder, ordinal)
}

/// The folder and ordinal of the item that has an identity by [`item_key`]. Nothing for identities that no computed
/// item of the mailbox can have; an identity that is not computed may by chance (1 in 256) be read as a place, so the
/// caller must check that the place exists.
#[must_use]
pub const fn read_item_key(seed: u64, mailbox: MailboxKey, key: ItemKey) -> Option<(u32, u64)> {
    let keys = ItemKeys::new(seed, mailbox);
    let place = unmix(key.0 ^ keys.after) ^ keys.before;
    let folder = place >> ORDINAL_BITS;
    if folder < COMPUTED_FOLDERS { Some((folder as u32, place & ((1 << ORDINAL_BITS) - 1))) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_identity_tells_its_place(seed: u64, mailbox: u32, folder in 0u32..1 << 16, ordinal in 0u64..1 << 40) {
            let key = item_key(seed, MailboxKey(mailbox), folder, ordinal);
            prop_assert_eq!(read_item_key(seed, MailboxKey(mailbox), key), Some((folder, ordinal)));
        }
    }
}
