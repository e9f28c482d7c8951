//! Items of an open mailbox.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Deletion, Head, Open};
use crate::draw::mix;
use crate::mailbox::content::Content;
use crate::mailbox::hidden;
use crate::mailbox::item::Item;
use crate::mailbox::mime;
use crate::mailbox::overlay::Incoming;
use crate::mailbox::property::{self, FLAG_READ, Value};
use crate::mailbox::records::Recoverable;
use crate::mailbox::reference::SyncPosition;
use crate::mailbox::store::StoreError;
use crate::mailbox::sync::Page;
use crate::mailbox::watch::Origin;
use crate::wire::answer::{ChangeKind, ItemChange};
use crate::wire::call::FolderKind;
use crate::wire::id::{Id, ItemKey};
use crate::wire::stream::search_key;

impl<C: Content> Open<'_, C> {
    /// The numbers of the items of a folder, oldest first. Empty if there is no such folder.
    pub fn list(&mut self, folder: u32) -> Vec<u64> {
        self.store.items(self.view, folder).into_iter().map(|(number, ..)| number).collect()
    }

    /// The numbers of items of a folder, newest first, without those skipped, and not more than wanted: what
    /// [`Self::list`] ends with.
    pub fn newest(&mut self, folder: u32, skip: usize, most: usize) -> Vec<u64> {
        self.store.newest(self.view, folder, skip, most)
    }

    /// What is known of an item without reading it.
    pub fn head(&mut self, number: u64) -> Option<Head> {
        let found = self.store.find(self.view, number)?;
        let records = self.store.overlay.records();
        let item = records.and_then(|records| records.item(number));
        Some(Head {
            folder: found.folder,
            key: found.key,
            size: found.size,
            version: records.map_or(0, |records| records.version(number)),
            read: item.is_none_or(|item| item.is_read()),
            corrupt: found.corrupt || (self.corrupts)(found.key),
        })
    }

    /// An item, whole. Computed items, and those that a migration stored, are made from their bytes.
    ///
    /// # Errors
    ///
    /// If there is no such item or it cannot be read.
    pub fn item(&mut self, number: u64) -> Result<Arc<Item>, StoreError> {
        let head = self.head(number).ok_or(StoreError::NotFound)?;
        if head.corrupt {
            return Err(StoreError::Corrupt);
        }
        if let Some(item) = self.store.overlay.records().and_then(|records| records.item(number)) {
            return Ok(Arc::clone(item));
        }
        let foreign = self.store.foreign(number);
        if foreign.is_none()
            && let Some(item) = self.shelf.get(head.key, head.size)
        {
            return Ok(item);
        }
        let is_computed = foreign.is_none();
        let mut item = match foreign {
            Some(foreign) if foreign.mime => Item::from_mime(&foreign.bytes).map_err(|_| StoreError::Corrupt)?,
            Some(foreign) => Item::import(&foreign.bytes).map_err(|_| StoreError::Corrupt)?,
            None => {
                let bytes = mime::mime(head.key, head.size);
                Item::from_mime(&bytes).map_err(|_| StoreError::Corrupt)?
            }
        };
        let sent = item.time(&property::SUBMIT_TIME).unwrap_or(Timestamp::UNIX_EPOCH);
        for property in [property::DELIVERY_TIME, property::CREATION_TIME, property::LAST_MODIFIED] {
            item.properties.entry(property).or_insert(Value::Time(sent));
        }
        item.properties
            .entry(property::SEARCH_KEY)
            .or_insert_with(|| Value::Binary(search_key(head.key).to_vec().into()));
        item.flag(FLAG_READ, 0);
        let item = Arc::new(item);
        if is_computed {
            self.shelf.put(head.key, head.size, Arc::clone(&item));
        }
        Ok(item)
    }

    /// Stores a new item and returns its number. It gets an identity, and the moments that it lacks.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn create(&mut self, folder: u32, item: Item) -> Result<u64, StoreError> {
        self.insert(folder, item, true)
    }

    fn insert(&mut self, folder: u32, mut item: Item, is_new: bool) -> Result<u64, StoreError> {
        let wall = self.wall();
        for property in [property::CREATION_TIME, property::DELIVERY_TIME] {
            item.properties.entry(property).or_insert(Value::Time(wall));
        }
        if is_new {
            item.put(property::LAST_MODIFIED, Some(Value::Time(wall)));
        }
        let position = self.store.overlay.made_items();
        let fresh = || ItemKey(mix(mix(position ^ u64::from(self.view.mailbox.0) << 32) ^ 0x6974_656d));
        let key = item.key().unwrap_or_else(fresh);
        item.put(property::SEARCH_KEY, Some(Value::Binary(search_key(key).to_vec().into())));
        let incoming = Incoming { key, size: item.size(), foreign: None };
        let Id::Number(number) = self.store.create(folder, incoming)? else {
            unreachable!("the store's own references are numbers")
        };
        self.records().keep(number, Arc::new(item));
        Ok(number)
    }

    /// Replaces an item by what it has become. The message that it was made from is dropped where it says something else
    /// now. If nothing but the read flag differs, that is what clients are told.
    ///
    /// # Errors
    ///
    /// If there is no such item or it cannot be read.
    pub fn update(&mut self, number: u64, mut item: Item) -> Result<(), StoreError> {
        let before = self.item(number)?;
        let key = self.head(number).ok_or(StoreError::NotFound)?.key;
        item.put(property::SEARCH_KEY, Some(Value::Binary(search_key(key).to_vec().into())));
        let reading_only = before.differs_in_reading_only(&item);
        if item.mime.is_some() && item.mime == before.mime && !says_the_same(&before, &item) {
            item.mime = None;
        }
        item.put(property::LAST_MODIFIED, Some(Value::Time(self.wall())));
        if reading_only {
            self.store.mark(self.view, number)?;
        } else {
            let incoming = Incoming { key, size: item.size(), foreign: None };
            self.store.replace(self.view, number, incoming)?;
        }
        self.records().keep(number, Arc::new(item));
        Ok(())
    }

    /// Deletes an item. Returns its new number if it was moved to the deleted items.
    ///
    /// # Errors
    ///
    /// If there is no such item.
    pub fn delete(&mut self, number: u64, deletion: Deletion) -> Result<Option<u64>, StoreError> {
        let head = self.head(number).ok_or(StoreError::NotFound)?;
        if deletion == Deletion::ToDeletedItems
            && let Some(bin) = self.known_folder(FolderKind::Deleted)
            && bin != head.folder
        {
            return self.move_item(number, bin).map(Some);
        }
        if let Some(Origin::Moved { number: before, .. }) = self.watch().origins.get(&number).copied()
            && head.folder == hidden::DELETIONS
        {
            self.records().unearth(before);
        } else if deletion == Deletion::Soft {
            let item = self.item(number)?;
            let buried = Recoverable { folder: head.folder, item, deleted: self.wall() };
            self.move_item(number, hidden::DELETIONS)?;
            self.records().bury(number, buried);
            return Ok(None);
        }
        self.remove(number)?;
        Ok(None)
    }

    fn remove(&mut self, number: u64) -> Result<(), StoreError> {
        self.store.delete(self.view, number)?;
        self.records().remove(number);
        Ok(())
    }

    /// Moves an item to another folder, where it gets another number, as in Exchange.
    ///
    /// # Errors
    ///
    /// If there is no such item or folder, or the item cannot be read.
    pub fn move_item(&mut self, number: u64, folder: u32) -> Result<u64, StoreError> {
        let before = self.head(number).ok_or(StoreError::NotFound)?.folder;
        let item = self.item(number)?;
        let moved = self.insert(folder, Item::clone(&item), false)?;
        self.watch().note(moved, Origin::Moved { number, folder: before });
        self.remove(number)?;
        Ok(moved)
    }

    /// Copies an item to a folder, where it gets an identity of its own.
    ///
    /// # Errors
    ///
    /// If there is no such item or folder, or the item cannot be read.
    pub fn copy_item(&mut self, number: u64, folder: u32) -> Result<u64, StoreError> {
        let source = self.head(number).ok_or(StoreError::NotFound)?.folder;
        let mut item = Item::clone(&*self.item(number)?);
        item.put(property::SEARCH_KEY, None);
        let copy = self.insert(folder, item, false)?;
        self.watch().note(copy, Origin::Copied { number, folder: source });
        Ok(copy)
    }

    /// Stores an item that arrived by mail, as [`Self::create`] does.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn receive(&mut self, folder: u32, item: Item) -> Result<u64, StoreError> {
        let number = self.insert(folder, item, true)?;
        self.watch().note(number, Origin::Arrived);
        Ok(number)
    }

    /// How many items of a folder were not read.
    pub(super) fn unread(&mut self, folder: u32) -> u64 {
        if self.store.overlay.records().is_none() {
            return 0;
        }
        let numbers: Vec<u64> = (0..self.store.overlay.made_items())
            .filter(|&position| self.store.overlay.made(position).is_some_and(|(own, ..)| own == folder))
            .map(crate::mailbox::reference::made_number)
            .collect();
        let made = numbers.into_iter();
        made.filter(|&number| {
            let item = self.store.overlay.records().and_then(|records| records.item(number));
            item.is_some_and(|item| !item.is_read())
        })
        .count() as u64
    }

    /// What changed in a folder since a position, each item once with what it comes to: at most `limit` log entries are
    /// looked at. None if there is no such folder or position.
    pub fn changes(&mut self, folder: u32, since: Option<SyncPosition>, limit: u32) -> Option<Page> {
        if since.is_some_and(|since| !self.store.knows(self.view, folder, since)) {
            return None;
        }
        let mut page = self.store.sync(self.view, folder, since, limit)?;
        let mut merged: Vec<ItemChange> = Vec::with_capacity(page.changes.len());
        for change in page.changes {
            let before = merged.iter().position(|known| known.item == change.item);
            match before {
                None => merged.push(change),
                Some(at) => match (merged[at].kind, change.kind) {
                    (ChangeKind::Create, ChangeKind::Delete) => {
                        merged.remove(at);
                    }
                    (_, ChangeKind::Delete) => {
                        merged.remove(at);
                        merged.push(change);
                    }
                    (ChangeKind::Create, _) => merged[at] = ItemChange { kind: ChangeKind::Create, ..change },
                    (ChangeKind::ReadFlag, _) => merged[at] = change,
                    (kind, _) => merged[at] = ItemChange { kind, ..change },
                },
            }
        }
        if self.shuffled {
            merged.reverse();
        }
        page.changes = merged;
        Some(page)
    }

    /// The items that can be recovered, oldest deletion first: numbers that they had, and what they are.
    #[must_use]
    pub fn recoverable(&self) -> Vec<(u64, Recoverable)> {
        let records = self.store.overlay.records();
        let mut all: Vec<_> = records
            .into_iter()
            .flat_map(|records| records.recoverable().iter().map(|(number, buried)| (*number, buried.clone())))
            .collect();
        all.sort_by_key(|(number, buried)| (buried.deleted, *number));
        all
    }

    /// Forgets an item that could be recovered; tells whether there was one.
    pub fn purge(&mut self, number: u64) -> bool {
        self.records().unearth(number).is_some()
    }
}

/// Whether two states of an item make the same message: what a message does not hold may differ.
fn says_the_same(before: &Item, after: &Item) -> bool {
    const SAID: [property::Property; 9] = [
        property::SUBJECT,
        property::BODY_TEXT,
        property::BODY_HTML,
        property::SUBMIT_TIME,
        property::FROM_ADDRESS,
        property::INTERNET_MESSAGE_ID,
        property::IMPORTANCE,
        property::IN_REPLY_TO,
        property::REFERENCES,
    ];
    SAID.iter().all(|property| before.get(property) == after.get(property))
        && before.people == after.people
        && before.attachments == after.attachments
}
