//! One mailbox: its computed content with what clients changed laid over it.
//!
//! Holds the folder table, which is costly to compute, and running totals of every folder, which advance with the
//! changes since they were last asked for. Everything else is computed on demand.

mod edit;
mod folder;
pub mod happenings;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use self::folder::Folder;
use super::content::{Content, FolderShape, Totals, read_item_key};
use super::hidden;
use super::overlay::{Foreign, Incoming, Overlay, Touch};
use super::reference::{self, FIRST_MADE_FOLDER, ItemNumber};
use crate::time::Span;
use crate::wire::answer::FolderEntry;
use crate::wire::call::FolderKind;
use crate::wire::id::{Id, ItemKey, MailboxKey};

/// What is seen of the computed content: whose mailbox, and what the staging clock shows.
#[derive(Debug)]
pub struct View<'a, C: ?Sized> {
    /// The content.
    pub content: &'a C,
    /// The mailbox.
    pub mailbox: MailboxKey,
    /// The reading of the staging clock.
    pub clock: Span,
}

impl<C: ?Sized> Clone for View<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: ?Sized> Copy for View<'_, C> {}

/// An item that exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The folder that it is in.
    pub folder: u32,
    /// Its identity.
    pub key: ItemKey,
    /// Its size in bytes.
    pub size: u32,
    /// Whether its content cannot be read.
    pub corrupt: bool,
}

/// Why a change was not made.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such folder or item.
    #[error("there is no such folder or item")]
    NotFound,
    /// There is such a folder already.
    #[error("there is such a folder already")]
    Exists,
    /// A folder cannot lie within itself.
    #[error("a folder cannot lie within itself")]
    Cycle,
    /// The folder is one that every mailbox has.
    #[error("a default folder cannot be moved or removed")]
    Distinguished,
    /// The item cannot be read.
    #[error("the item cannot be read")]
    Corrupt,
}

/// One mailbox.
#[derive(Clone, Debug)]
pub struct Store {
    /// What clients changed.
    pub overlay: Overlay,
    pub(super) folders: Vec<Folder>,
    computed_folders: usize,
    /// Hidden folders that somebody has looked into.
    pub(super) hidden: BTreeMap<u32, Folder>,
}

impl Store {
    /// A mailbox as nobody has touched it yet. Without computed items it has its default folders, all of them empty.
    pub fn new<C: Content>(content: &C, mailbox: MailboxKey, holds_items: bool) -> Self {
        let shapes = content.folders(mailbox).into_iter();
        let folders: Vec<_> = if holds_items {
            shapes.map(|shape| Folder::new(shape, None, true)).collect()
        } else {
            shapes
                .filter(|shape| shape.kind != FolderKind::User)
                .map(|shape| {
                    Folder::new(FolderShape { items: 0, bytes: 0, changes_per_day: 0.0, ..shape }, None, false)
                })
                .collect()
        };
        Self { overlay: Overlay::default(), computed_folders: folders.len(), folders, hidden: BTreeMap::new() }
    }

    /// The position of a folder in the table.
    #[inline]
    fn position(&self, ordinal: u32) -> Option<usize> {
        if ordinal >= FIRST_MADE_FOLDER {
            let position = self.computed_folders + (ordinal - FIRST_MADE_FOLDER) as usize;
            return self.folders.get(position).is_some_and(|folder| !folder.gone).then_some(position);
        }
        let computed = &self.folders[..self.computed_folders];
        let position = match computed.get(ordinal as usize) {
            Some(folder) if folder.shape.ordinal == ordinal => Some(ordinal as usize),
            _ => computed.binary_search_by_key(&ordinal, |folder| folder.shape.ordinal).ok(),
        };
        position.filter(|&position| !self.folders[position].gone)
    }

    /// A folder, by its ordinal.
    #[inline]
    pub(super) fn folder(&mut self, ordinal: u32) -> Option<&mut Folder> {
        if ordinal >= hidden::FIRST {
            return self.hidden_folder(ordinal);
        }
        self.position(ordinal).map(|position| &mut self.folders[position])
    }

    /// A folder that listings of the visible tree do not show.
    #[cold]
    fn hidden_folder(&mut self, ordinal: u32) -> Option<&mut Folder> {
        let hidden = hidden::get(ordinal)?;
        let parent = self.place(ordinal)?.1;
        let shape = FolderShape { ordinal, parent, kind: hidden::KIND, items: 0, bytes: 0, changes_per_day: 0.0 };
        let fresh = || Folder::new(shape, Some(Arc::from(hidden.name)), false);
        Some(self.hidden.entry(ordinal).or_insert_with(fresh))
    }

    /// Whether there is such a folder.
    #[must_use]
    #[inline]
    pub fn has_folder(&self, ordinal: u32) -> bool {
        self.position(ordinal).is_some() || hidden::get(ordinal).is_some()
    }

    /// The ordinals of all folders, parents before children.
    pub fn ordinals(&self) -> impl Iterator<Item = u32> {
        self.folders.iter().filter(|folder| !folder.gone).map(|folder| folder.shape.ordinal)
    }

    /// How many folders there are, the root included.
    #[must_use]
    pub fn folder_count(&self) -> usize {
        self.folders.len()
    }

    /// The ordinal of the default folder of a kind.
    #[must_use]
    pub fn default_folder(&self, kind: FolderKind) -> Option<u32> {
        let found = self.folders.iter().find(|folder| folder.shape.kind == kind && kind != FolderKind::User);
        found.map(|folder| folder.shape.ordinal)
    }

    /// The folder at a position of the table, as a listing shows it.
    pub fn entry<C: Content>(&mut self, view: View<'_, C>, position: usize) -> Option<FolderEntry> {
        let Self { overlay, folders, .. } = self;
        folders.get_mut(position).filter(|folder| !folder.gone).map(|folder| folder.entry(view, overlay))
    }

    /// The folder of an ordinal, as a listing shows it.
    pub fn entry_of<C: Content>(&mut self, view: View<'_, C>, ordinal: u32) -> Option<FolderEntry> {
        if ordinal >= hidden::FIRST {
            self.hidden_folder(ordinal)?;
            let Self { overlay, hidden, .. } = self;
            return hidden.get_mut(&ordinal).map(|folder| folder.entry(view, overlay));
        }
        let position = self.position(ordinal)?;
        self.entry(view, position)
    }

    /// The names of the folders from below the root down to this one, joined by slashes.
    pub fn path<C: Content>(&mut self, view: View<'_, C>, ordinal: u32) -> String {
        let mut names = Vec::new();
        let mut next = Some(ordinal);
        while let Some(folder) = next.and_then(|ordinal| self.folder(ordinal)) {
            next = folder.shape.parent;
            if next.is_some() {
                names.push(folder.name(view));
            }
        }
        names.reverse();
        names.join("/")
    }

    /// Makes a folder and returns its ordinal. Names of siblings are compared exactly.
    pub fn make_folder<C: Content>(
        &mut self,
        view: View<'_, C>,
        parent: u32,
        name: &Arc<str>,
    ) -> Result<u32, StoreError> {
        if !self.has_folder(parent) {
            return Err(StoreError::NotFound);
        }
        let mut siblings = self.folders.iter_mut().filter(|folder| !folder.gone && folder.shape.parent == Some(parent));
        if siblings.any(|sibling| sibling.name(view) == *name) {
            return Err(StoreError::Exists);
        }
        let ordinal = self.overlay.make_folder(parent, name.clone());
        let kind = FolderKind::User;
        let shape = FolderShape { ordinal, parent: Some(parent), kind, items: 0, bytes: 0, changes_per_day: 0.0 };
        self.folders.push(Folder::new(shape, Some(name.clone()), false));
        Ok(ordinal)
    }

    /// An item that exists, by its number.
    pub fn find<C: Content>(&mut self, view: View<'_, C>, number: u64) -> Option<Found> {
        match reference::read_item(number) {
            ItemNumber::Made { position } => {
                let (folder, key, size) = self.overlay.made(position)?;
                Some(Found { folder, key, size, corrupt: false })
            }
            ItemNumber::Computed { folder: ordinal, ordinal: item } => {
                let changes = self.folder(ordinal)?.changes(view);
                self.find_computed(view, ordinal, item, changes)
            }
        }
    }

    /// A computed item that exists after a number of changes of its folder.
    fn find_computed<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, item: u64, changes: u64) -> Option<Found> {
        let touch = self.overlay.touch(reference::item_number(ordinal, item));
        let folder = self.folder(ordinal)?;
        if !folder.computed || !folder.holds(view, item, changes) {
            return None;
        }
        match touch {
            Some(Touch::Deleted) => None,
            Some(Touch::Replaced { key, size }) => Some(Found { folder: ordinal, key, size, corrupt: false }),
            None => {
                let shape = folder.item(view, item, changes);
                Some(Found { folder: ordinal, key: shape.key, size: shape.size, corrupt: shape.corrupt })
            }
        }
    }

    /// The bytes of an item that cannot be computed, by its number.
    #[must_use]
    pub fn foreign(&self, number: u64) -> Option<&Foreign> {
        self.overlay.foreign(number)
    }

    /// The items of a folder with an identity: references and sizes. Nothing if there is no such folder.
    pub fn with_key<C: Content>(&mut self, view: View<'_, C>, folder: u32, key: ItemKey) -> Option<Vec<(Id, u32)>> {
        if !self.has_folder(folder) {
            return None;
        }
        let mut found = Vec::new();
        if let Some((place, ordinal)) = read_item_key(view.content.key_seed(), view.mailbox, key)
            && place == folder
        {
            let number = reference::item_number(folder, ordinal);
            if self.overlay.touch(number).is_none()
                && let Some(item) = self.find(view, number)
                && item.key == key
            {
                found.push((Id::Number(number), item.size));
            }
        }
        for (number, size) in self.overlay.find(folder, key) {
            if self.find(view, number).is_some() {
                found.push((Id::Number(number), size));
            }
        }
        Some(found)
    }

    /// Stores an item and returns its reference.
    #[inline]
    pub fn create(&mut self, folder: u32, incoming: Incoming) -> Result<Id, StoreError> {
        let totals = self.folder(folder).ok_or(StoreError::NotFound)?.totals_mut();
        totals.items += 1;
        totals.bytes += u64::from(incoming.size);
        Ok(Id::Number(self.overlay.create(folder, incoming)))
    }

    /// Replaces the content of an item that exists.
    pub fn replace<C: Content>(
        &mut self,
        view: View<'_, C>,
        number: u64,
        incoming: Incoming,
    ) -> Result<Id, StoreError> {
        let found = self.find(view, number).ok_or(StoreError::NotFound)?;
        let totals = self.advanced(view, found.folder)?;
        totals.bytes = totals.bytes - u64::from(found.size) + u64::from(incoming.size);
        self.overlay.replace(number, found.folder, incoming);
        Ok(Id::Number(number))
    }

    /// Deletes an item that exists.
    pub fn delete<C: Content>(&mut self, view: View<'_, C>, number: u64) -> Result<(), StoreError> {
        let found = self.find(view, number).ok_or(StoreError::NotFound)?;
        let totals = self.advanced(view, found.folder)?;
        totals.items -= 1;
        totals.bytes -= u64::from(found.size);
        self.overlay.delete(number, found.folder);
        Ok(())
    }

    /// Notes that an item that exists was read or marked unread, and nothing else of it changed.
    pub fn mark<C: Content>(&mut self, view: View<'_, C>, number: u64) -> Result<(), StoreError> {
        let found = self.find(view, number).ok_or(StoreError::NotFound)?;
        self.overlay.mark(number, found.folder);
        Ok(())
    }

    /// The totals of a folder with all changes that have happened. Whoever changes a computed item must ask for them
    /// first, so that changes of clients and computed ones are counted in the order in which they happened.
    fn advanced<C: Content>(&mut self, view: View<'_, C>, ordinal: u32) -> Result<&mut Totals, StoreError> {
        if ordinal >= hidden::FIRST {
            return self.hidden_folder(ordinal).map(Folder::totals_mut).ok_or(StoreError::NotFound);
        }
        let position = self.position(ordinal).ok_or(StoreError::NotFound)?;
        let folder = &mut self.folders[position];
        folder.advance(view, &self.overlay);
        Ok(folder.totals_mut())
    }

    /// The numbers of items of a folder from the last of [`Store::items`] backwards, without those skipped, and not more
    /// than wanted.
    pub fn newest<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, skip: usize, most: usize) -> Vec<u64> {
        let made = (0..self.overlay.made_items()).rev();
        let made = made.filter(|&position| self.overlay.made(position).is_some_and(|(folder, ..)| folder == ordinal));
        let mut left = skip;
        let mut newest = Vec::with_capacity(most.min(1_024));
        let mut take = |number: u64| {
            if left == 0 {
                newest.push(number);
            }
            left = left.saturating_sub(1);
            newest.len() < most
        };
        if most == 0 || !made.map(reference::made_number).all(&mut take) {
            return newest;
        }
        let Some(folder) = self.folder(ordinal) else { return newest };
        let changes = folder.changes(view);
        let mut items = (0..folder.last_ordinal(changes)).rev();
        while let Some(item) = items.next()
            && (self.find_computed(view, ordinal, item, changes).is_none()
                || take(reference::item_number(ordinal, item)))
        {}
        newest
    }

    /// Every item of a folder: numbers, identities and sizes, computed items first.
    pub fn items<C: Content>(&mut self, view: View<'_, C>, ordinal: u32) -> Vec<(u64, ItemKey, u32)> {
        let mut items = Vec::new();
        if let Some(folder) = self.folder(ordinal) {
            let changes = folder.changes(view);
            for item in 0..folder.last_ordinal(changes) {
                let found = self.find_computed(view, ordinal, item, changes);
                items.extend(found.map(|found| (reference::item_number(ordinal, item), found.key, found.size)));
            }
        }
        for position in 0..self.overlay.made_items() {
            if let Some((folder, key, size)) = self.overlay.made(position)
                && folder == ordinal
            {
                items.push((reference::made_number(position), key, size));
            }
        }
        items
    }
}
