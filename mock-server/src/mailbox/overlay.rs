//! What clients changed in one mailbox.
//!
//! An item that a client stored takes sixteen bytes, and its line in the log as many; bytes are kept only of items
//! whose bytes cannot be computed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;

use super::hasher::KeyHashes;
use super::records::Records;
use super::reference::{self, FIRST_MADE_FOLDER, ItemNumber};
use crate::time::Span;
use crate::wire::answer::ChangeKind;
use crate::wire::id::ItemKey;

/// Marks an item that was deleted, in place of its folder.
pub(super) const GONE: u32 = u32::MAX;

/// A folder that a client made.
#[derive(Clone, Debug)]
pub struct MadeFolder {
    /// The folder that holds it.
    pub parent: u32,
    /// Its name.
    pub name: Arc<str>,
}

/// An item that a client stored.
#[derive(Copy, Clone, Debug)]
pub(super) struct MadeItem {
    pub(super) key: ItemKey,
    pub(super) size: u32,
    /// The folder that it is in, or [`GONE`].
    pub(super) folder: u32,
}

/// What a client did to a computed item.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Touch {
    /// Its content was replaced.
    Replaced {
        /// The new identity.
        key: ItemKey,
        /// The new size in bytes.
        size: u32,
    },
    /// It was deleted.
    Deleted,
}

/// Bytes that cannot be computed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Foreign {
    /// The bytes.
    pub bytes: Bytes,
    /// Whether they are a MIME message; otherwise they are an exported stream.
    pub mime: bool,
}

/// Content to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incoming {
    /// The identity.
    pub key: ItemKey,
    /// The size in bytes.
    pub size: u32,
    /// The bytes, if they cannot be computed.
    pub foreign: Option<Foreign>,
}

/// One line of the log.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Logged {
    /// The item's number.
    pub number: u64,
    /// The folder it is in.
    pub folder: u32,
    /// What happened.
    pub kind: ChangeKind,
}

/// What clients changed in one mailbox.
#[derive(Clone, Default, Debug)]
pub struct Overlay {
    /// The reading of the staging clock at which the mailbox was closed to its users, if it is.
    pub stopped: Option<Span>,
    /// Whether the user exists.
    pub provisioned: bool,
    /// Whether the user has a license.
    pub licensed: bool,
    /// Import sessions opened.
    pub sessions: u64,
    pub(super) folders: Vec<MadeFolder>,
    pub(super) items: Vec<MadeItem>,
    pub(super) touched: BTreeMap<u64, Touch>,
    pub(super) foreign: BTreeMap<u64, Foreign>,
    pub(super) log: Vec<Logged>,
    index: Index,
    /// Whole items, once a client has written or changed one.
    pub(super) records: Option<Box<Records>>,
}

impl Overlay {
    /// The folders that clients made, in the order of their ordinals.
    #[must_use]
    pub fn folders(&self) -> &[MadeFolder] {
        &self.folders
    }

    /// Makes a folder and returns its ordinal.
    pub fn make_folder(&mut self, parent: u32, name: Arc<str>) -> u32 {
        let ordinal = FIRST_MADE_FOLDER + self.folders.len() as u32;
        self.folders.push(MadeFolder { parent, name });
        ordinal
    }

    /// All changes that clients made to items, oldest first.
    #[must_use]
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// Whether a client changed or deleted any computed item.
    #[must_use]
    pub fn touches_computed(&self) -> bool {
        !self.touched.is_empty()
    }

    /// What a client did to a computed item, by its number.
    #[must_use]
    #[inline]
    pub fn touch(&self, number: u64) -> Option<Touch> {
        if self.touched.is_empty() { None } else { self.touched.get(&number).copied() }
    }

    /// The folder, identity and size of an item that a client stored, unless it was deleted.
    #[must_use]
    #[inline]
    pub fn made(&self, position: u64) -> Option<(u32, ItemKey, u32)> {
        let item = self.items.get(usize::try_from(position).ok()?)?;
        (item.folder != GONE).then_some((item.folder, item.key, item.size))
    }

    /// How many items clients stored, deleted ones included.
    #[must_use]
    pub fn made_items(&self) -> u64 {
        self.items.len() as u64
    }

    /// The bytes of an item that cannot be computed, by its number.
    #[must_use]
    pub fn foreign(&self, number: u64) -> Option<&Foreign> {
        if self.foreign.is_empty() { None } else { self.foreign.get(&number) }
    }

    /// Stores a new item and returns its number.
    #[inline]
    pub fn create(&mut self, folder: u32, incoming: Incoming) -> u64 {
        let number = reference::made_number(self.items.len() as u64);
        self.items.push(MadeItem { key: incoming.key, size: incoming.size, folder });
        if let Some(foreign) = incoming.foreign {
            self.foreign.insert(number, foreign);
        }
        self.log.push(Logged { number, folder, kind: ChangeKind::Create });
        number
    }

    /// Replaces the content of an item that exists. `folder` is the one it is in.
    pub fn replace(&mut self, number: u64, folder: u32, incoming: Incoming) {
        self.drop_record(number);
        match reference::read_item(number) {
            ItemNumber::Computed { .. } => {
                self.touched.insert(number, Touch::Replaced { key: incoming.key, size: incoming.size });
            }
            ItemNumber::Made { position } => {
                if let Some(item) = self.items.get_mut(position as usize) {
                    if item.key != incoming.key {
                        self.index = Index::default();
                    }
                    (item.key, item.size) = (incoming.key, incoming.size);
                }
            }
        }
        match incoming.foreign {
            Some(foreign) => self.foreign.insert(number, foreign),
            None => self.foreign.remove(&number),
        };
        self.log.push(Logged { number, folder, kind: ChangeKind::Update });
    }

    /// Deletes an item that exists. `folder` is the one it is in.
    pub fn delete(&mut self, number: u64, folder: u32) {
        self.drop_record(number);
        match reference::read_item(number) {
            ItemNumber::Computed { .. } => {
                self.touched.insert(number, Touch::Deleted);
            }
            ItemNumber::Made { position } => {
                if let Some(item) = self.items.get_mut(position as usize) {
                    item.folder = GONE;
                }
            }
        }
        self.foreign.remove(&number);
        self.log.push(Logged { number, folder, kind: ChangeKind::Delete });
    }

    /// What a whole item says is no longer true.
    fn drop_record(&mut self, number: u64) {
        if let Some(records) = &mut self.records {
            records.remove(number);
        }
    }

    /// Notes that an item that exists was read or marked unread. `folder` is the one it is in.
    pub fn mark(&mut self, number: u64, folder: u32) {
        self.log.push(Logged { number, folder, kind: ChangeKind::ReadFlag });
    }

    /// Whole items and what is said about folders, if there is any.
    #[must_use]
    #[inline]
    pub fn records(&self) -> Option<&Records> {
        self.records.as_deref()
    }

    /// Whole items and what is said about folders, to be changed.
    pub fn records_mut(&mut self) -> &mut Records {
        self.records.get_or_insert_default()
    }

    /// The items in a folder with an identity that clients stored or gave: numbers and sizes, in the order of numbers.
    /// Computed items that were not replaced are not among them, and replaced ones may have been deleted since.
    #[must_use]
    pub fn find(&mut self, folder: u32, key: ItemKey) -> Vec<(u64, u32)> {
        let replaced = self.touched.iter().filter_map(|(&number, touch)| match *touch {
            Touch::Replaced { key: own, size } if own == key && computed_in(number, folder) => Some((number, size)),
            _ => None,
        });
        let mut found: Vec<_> = replaced.collect();
        for position in self.index.positions(&self.items, key) {
            let item = self.items[position as usize];
            if item.folder == folder {
                found.push((reference::made_number(u64::from(position)), item.size));
            }
        }
        found.sort_unstable();
        found
    }
}

fn computed_in(number: u64, folder: u32) -> bool {
    matches!(reference::read_item(number), ItemNumber::Computed { folder: own, .. } if own == folder)
}

/// Positions of stored items by identity, built when first asked and kept up to date from then on.
#[derive(Clone, Default, Debug)]
struct Index {
    /// The last position with each identity, plus one.
    last: HashMap<u64, u32, KeyHashes>,
    /// For each indexed position, the position before it with the same identity, plus one; zero if there is none.
    before: Vec<u32>,
}

impl Index {
    /// All positions with an identity, highest first.
    fn positions(&mut self, items: &[MadeItem], key: ItemKey) -> Vec<u32> {
        for (position, item) in items.iter().enumerate().skip(self.before.len()) {
            let before = self.last.insert(item.key.0, position as u32 + 1).unwrap_or(0);
            self.before.push(before);
        }
        let mut next = self.last.get(&key.0).copied().unwrap_or(0);
        let mut found = Vec::new();
        while next > 0 {
            found.push(next - 1);
            next = self.before[next as usize - 1];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(key: u64) -> Incoming {
        Incoming { key: ItemKey(key), size: 100, foreign: None }
    }

    #[test]
    fn a_stored_item_and_its_line_in_the_log_take_forty_bytes_at_most() {
        assert!(size_of::<MadeItem>() + size_of::<Logged>() <= 40);
    }

    #[test]
    fn items_are_found_by_the_identity_that_they_have_now() {
        let mut overlay = Overlay::default();
        let one = overlay.create(4, incoming(1));
        let two = overlay.create(4, incoming(1));
        overlay.create(5, incoming(1));
        assert_eq!(overlay.find(4, ItemKey(1)), [(one, 100), (two, 100)]);
        overlay.replace(one, 4, incoming(2));
        overlay.delete(two, 4);
        assert_eq!(overlay.find(4, ItemKey(1)), []);
        assert_eq!(overlay.find(4, ItemKey(2)), [(one, 100)]);
        let three = overlay.create(4, incoming(2));
        assert_eq!(overlay.find(4, ItemKey(2)), [(one, 100), (three, 100)]);
    }
}
