//! What changed in one folder since a client last asked.
//!
//! A client that applies everything it is told ends with exactly what the folder holds. It may be told of a deletion of
//! an item that it never saw, and of an item that is deleted later in the same answer.

use super::churn::Change;
use super::content::Content;
use super::overlay::Touch;
use super::reference::{self, SyncPosition};
use super::store::{Store, View};
use crate::wire::answer::{ChangeKind, ItemChange};
use crate::wire::id::{Id, ItemKey};

/// One page of changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The changes, oldest first.
    pub changes: Vec<ItemChange>,
    /// The position to continue from.
    pub position: SyncPosition,
    /// Whether nothing is left to be told.
    pub complete: bool,
}

/// A page while it is being filled.
struct Filling {
    page: Page,
    limit: usize,
}

impl Filling {
    /// Adds a change, unless the page is full: then there is more to tell.
    fn add(&mut self, kind: ChangeKind, number: u64, content: Option<(ItemKey, u32)>) -> bool {
        if self.page.changes.len() >= self.limit {
            self.page.complete = false;
            return false;
        }
        let (key, size) = content.map_or((None, 0), |(key, size)| (Some(key), size));
        self.page.changes.push(ItemChange { kind, item: Id::Number(number), key, size });
        true
    }
}

impl Store {
    /// Lists what changed in a folder since a position, at most `limit` changes; everything if there is no position.
    /// Nothing if there is no such folder. The position must be of this folder ([`Store::knows`]).
    pub fn sync<C: Content>(
        &mut self,
        view: View<'_, C>,
        ordinal: u32,
        since: Option<SyncPosition>,
        limit: u32,
    ) -> Option<Page> {
        let folder = self.folder(ordinal)?;
        let now = folder.changes(view);
        let base = folder.shape.items as u32;
        let position = since.unwrap_or(SyncPosition { base: 0, changes: now as u32, made: 0 });
        let mut filling =
            Filling { page: Page { changes: Vec::new(), position, complete: true }, limit: limit as usize };
        let snapshot = position.base != base || since.is_none();
        if !snapshot || self.list_snapshot(view, ordinal, &mut filling) {
            let listed = self.list_changes(view, ordinal, now, &mut filling);
            if listed {
                self.list_made(view, ordinal, &mut filling);
            }
        }
        Some(filling.page)
    }

    /// Whether nothing has happened in this folder since a position, so that the answer to it is an empty page with the
    /// same position.
    #[inline]
    pub fn is_up_to_date<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, position: SyncPosition) -> bool {
        let made = self.overlay.log().len() as u64;
        self.folder(ordinal).is_some_and(|folder| {
            u64::from(position.made) == made
                && u64::from(position.base) == folder.shape.items
                && u64::from(position.changes) == folder.changes(view)
        })
    }

    /// Whether a position can be one of this folder.
    pub fn knows<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, position: SyncPosition) -> bool {
        let made = self.overlay.log().len();
        self.folder(ordinal).is_some_and(|folder| {
            let changes = u64::from(position.changes);
            changes <= folder.changes(view)
                && u64::from(position.base) <= folder.last_ordinal(changes) + 1
                && position.made as usize <= made
        })
    }

    /// Lists the items of the snapshot, as they were after `position.changes` changes. Tells whether all are listed.
    fn list_snapshot<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, filling: &mut Filling) -> bool {
        let Some(folder) = self.folder(ordinal) else { return true };
        let changes = u64::from(filling.page.position.changes);
        let (base, last) = (folder.shape.items as u32, folder.last_ordinal(changes));
        // The position passes over one number, so that it equals the number of base items only when all is listed.
        let listed = filling.page.position.base;
        let mut item = u64::from(if listed > base { listed - 1 } else { listed });
        while item < last {
            let number = reference::item_number(ordinal, item);
            let touch = self.overlay.touch(number);
            let Some(folder) = self.folder(ordinal) else { return true };
            let content = match touch {
                _ if !folder.holds(view, item, changes) => None,
                Some(Touch::Deleted) => None,
                Some(Touch::Replaced { key, size }) => Some((key, size)),
                None => {
                    let shape = folder.item(view, item, changes);
                    Some((shape.key, shape.size))
                }
            };
            if content.is_some() && !filling.add(ChangeKind::Create, number, content) {
                filling.page.position.base = if item < u64::from(base) { item as u32 } else { item as u32 + 1 };
                return false;
            }
            item += 1;
        }
        filling.page.position.base = base;
        true
    }

    /// Lists computed changes up to `now`. Tells whether all are listed.
    fn list_changes<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, now: u64, filling: &mut Filling) -> bool {
        while u64::from(filling.page.position.changes) < now {
            let Some(folder) = self.folder(ordinal) else { return true };
            let change = folder.churn(view).change(u64::from(filling.page.position.changes));
            let (Change::Create(item) | Change::Update(item) | Change::Delete(item)) = change;
            let number = reference::item_number(ordinal, item);
            let added = match change {
                Change::Delete(_) => filling.add(ChangeKind::Delete, number, None),
                // What clients deleted is gone for good; what they replaced is told with their content.
                Change::Create(_) | Change::Update(_) => match self.find(view, number) {
                    None => true,
                    Some(found) => {
                        let kind =
                            if matches!(change, Change::Create(_)) { ChangeKind::Create } else { ChangeKind::Update };
                        filling.add(kind, number, Some((found.key, found.size)))
                    }
                },
            };
            if !added {
                return false;
            }
            filling.page.position.changes += 1;
        }
        true
    }

    /// Lists clients' changes.
    fn list_made<C: Content>(&mut self, view: View<'_, C>, ordinal: u32, filling: &mut Filling) {
        while let Some(&logged) = self.overlay.log().get(filling.page.position.made as usize) {
            if logged.folder == ordinal {
                let added = if logged.kind == ChangeKind::Delete {
                    filling.add(ChangeKind::Delete, logged.number, None)
                } else {
                    match self.find(view, logged.number) {
                        None => true,
                        Some(found) => filling.add(logged.kind, logged.number, Some((found.key, found.size))),
                    }
                };
                if !added {
                    return;
                }
            }
            filling.page.position.made += 1;
        }
    }
}
