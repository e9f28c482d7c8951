//! Whole items and what is said about folders: what the overlay of a mailbox keeps beside numbers and sizes once a
//! client has looked closer than a migration does.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item::Item;
use super::property::Properties;
use super::settings::Settings;
use super::watch::{FolderNote, Watch};
use crate::wire::answer::ChangeKind;

/// What is said about a folder beyond its name and place.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct FolderRecord {
    /// The class of its items, if it is not the one that goes with the folder's kind.
    pub class: Option<Arc<str>>,
    /// Its properties.
    pub properties: Properties,
    /// When it was last changed, counted in changes of the mailbox.
    pub version: u64,
}

/// An item that was deleted and can still be recovered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recoverable {
    /// The folder that it was in.
    pub folder: u32,
    /// The item.
    pub item: Arc<Item>,
    /// When it was deleted.
    pub deleted: Timestamp,
}

/// Whole items, and what is said about folders.
#[derive(Clone, Default, Debug)]
pub struct Records {
    /// Items by their numbers.
    pub(super) items: BTreeMap<u64, Arc<Item>>,
    /// When items were last changed, counted in changes of the mailbox.
    pub(super) versions: BTreeMap<u64, u64>,
    pub(super) folders: BTreeMap<u32, FolderRecord>,
    pub(super) folder_log: Vec<(ChangeKind, u32)>,
    pub(super) recoverable: BTreeMap<u64, Recoverable>,
    /// Items that were recoverable and were purged, in the order in which that happened.
    pub(super) purged: Vec<u64>,
    /// What the mailbox keeps beside folders and items.
    pub settings: Settings,
    /// How often somebody set about to change the settings.
    pub(super) settled: u64,
    /// Who watches the mailbox.
    pub watch: Watch,
    /// Changes of the mailbox so far.
    pub(super) changes: u64,
}

impl Records {
    /// An item by its number.
    #[must_use]
    pub fn item(&self, number: u64) -> Option<&Arc<Item>> {
        self.items.get(&number)
    }

    /// Keeps an item under a number.
    pub fn keep(&mut self, number: u64, item: Arc<Item>) {
        self.items.insert(number, item);
        self.touch(number);
    }

    /// Notes that an item changed.
    pub fn touch(&mut self, number: u64) {
        self.changes += 1;
        self.versions.insert(number, self.changes);
    }

    /// Forgets an item; returns it.
    pub fn remove(&mut self, number: u64) -> Option<Arc<Item>> {
        self.changes += 1;
        self.versions.remove(&number);
        self.items.remove(&number)
    }

    /// When an item was last changed; zero if it never was.
    #[must_use]
    pub fn version(&self, number: u64) -> u64 {
        self.versions.get(&number).copied().unwrap_or(0)
    }

    /// What is said about a folder.
    #[must_use]
    pub fn folder(&self, ordinal: u32) -> Option<&FolderRecord> {
        self.folders.get(&ordinal)
    }

    /// What is said about a folder, to be changed; counts as a change of the folder.
    pub fn change_folder(&mut self, ordinal: u32, kind: ChangeKind) -> &mut FolderRecord {
        self.changes += 1;
        self.folder_log.push((kind, ordinal));
        let record = self.folders.entry(ordinal).or_default();
        record.version = self.changes;
        record
    }

    /// As [`Self::change_folder`], with what stands behind the change.
    pub(super) fn note_folder(&mut self, ordinal: u32, kind: ChangeKind, note: FolderNote) {
        self.watch.folder_notes.insert(self.folder_log.len() as u32, note);
        self.change_folder(ordinal, kind);
    }

    /// All changes of folders, oldest first.
    #[must_use]
    pub fn folder_log(&self) -> &[(ChangeKind, u32)] {
        &self.folder_log
    }

    /// Items that can be recovered, by the numbers that they had.
    #[must_use]
    pub fn recoverable(&self) -> &BTreeMap<u64, Recoverable> {
        &self.recoverable
    }

    /// Keeps a deleted item for recovery.
    pub fn bury(&mut self, number: u64, buried: Recoverable) {
        self.recoverable.insert(number, buried);
    }

    /// Takes a deleted item back.
    pub fn unearth(&mut self, number: u64) -> Option<Recoverable> {
        let found = self.recoverable.remove(&number)?;
        self.purged.push(number);
        Some(found)
    }
}
