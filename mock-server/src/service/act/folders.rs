//! Folders: listing, describing and making them.

use std::sync::Arc;

use super::Bench;
use crate::mailbox::content::Content;
use crate::mailbox::reference;
use crate::service::refusals;
use crate::wire::answer::{Answer, FolderEntry};
use crate::wire::call::FolderRef;
use crate::wire::id::Id;
use crate::wire::opaque::Kind;
use crate::wire::refusal::{ItemErrorKind, Refusal};

/// The first folder of a mailbox is the root, which listings of what is below it leave out.
const BELOW_ROOT: usize = 1;

impl<C: Content> Bench<'_, C> {
    /// Lists the folders below the root, one page.
    pub(super) fn find_folders(&mut self, from: u32, limit: u32) -> Answer {
        let count = self.store.folder_count();
        let first = (from as usize).saturating_add(BELOW_ROOT).min(count);
        let last = first.saturating_add(limit as usize).min(count);
        let next = (last < count).then_some((last - BELOW_ROOT) as u32);
        Answer::Folders { folders: self.entries(first, last), state: None, next }
    }

    /// Lists the folders below the root that are new since a state, which is the number of folders that clients had made.
    /// What became of older ones is told only to clients that see whole folders.
    pub(super) fn sync_folders(&mut self, state: Option<&Id>) -> Result<Answer, Refusal> {
        let (count, made) = (self.store.folder_count(), self.store.overlay.folders().len());
        let first = match state {
            None => BELOW_ROOT,
            Some(state) => {
                let known = self.resolve(Kind::SyncState, state).and_then(|number| usize::try_from(number).ok());
                let known = known.filter(|known| *known <= made).ok_or(refusals::SYNC_STATE_LOST)?;
                count - made + known
            }
        };
        let folders = self.entries(first, count);
        Ok(Answer::Folders { folders, state: Some(Id::Number(made as u64)), next: None })
    }

    /// Describes some folders.
    pub(super) fn get_folders(&mut self, folders: &[FolderRef]) -> Answer {
        let entries = folders.iter().map(|folder| {
            let ordinal = match folder {
                FolderRef::Id(id) => self.folder(id),
                FolderRef::Kind(kind) => self.store.ensure_default_folder(self.view, *kind),
            };
            let entry = ordinal.and_then(|ordinal| self.store.entry_of(self.view, ordinal));
            entry.ok_or(refusals::item_error(ItemErrorKind::NotFound))
        });
        Answer::FolderList(entries.collect())
    }

    /// Makes a folder.
    pub(super) fn create_folder(&mut self, parent: &Id, name: &Arc<str>) -> Result<Answer, Refusal> {
        let parent = self.folder(parent).ok_or(refusals::NOT_FOUND)?;
        let ordinal = self.store.make_folder(self.view, parent, name)?;
        Ok(Answer::Created(reference::folder(ordinal)))
    }

    fn entries(&mut self, first: usize, last: usize) -> Vec<FolderEntry> {
        let mut entries = Vec::with_capacity(last.saturating_sub(first));
        entries.extend((first..last).filter_map(|position| self.store.entry(self.view, position)));
        entries
    }
}
