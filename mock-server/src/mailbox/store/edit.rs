//! Changes of folders: names, places, removal. Few clients make them, and rarely.

use std::sync::Arc;

use super::folder::Folder;
use super::{Store, StoreError, View};
use crate::mailbox::content::Content;
use crate::mailbox::hidden::{self, Above};
use crate::mailbox::named;
use crate::wire::answer::ChangeKind;
use crate::wire::call::FolderKind;

impl Store {
    fn edited(&mut self, ordinal: u32) -> Result<&mut Folder, StoreError> {
        if hidden::get(ordinal).is_some() {
            return Err(StoreError::Distinguished);
        }
        self.folder(ordinal).ok_or(StoreError::NotFound)
    }

    /// What a folder is for, and the folder that holds it.
    #[must_use]
    pub fn place(&self, ordinal: u32) -> Option<(FolderKind, Option<u32>)> {
        if let Some(hidden) = hidden::get(ordinal) {
            let parent = match hidden.above {
                Above::Root => Some(hidden::ROOT),
                Above::Kind(kind) => self.default_folder(kind).or(Some(hidden::ROOT)),
                Above::Hidden(ordinal) => Some(ordinal),
            };
            return Some((hidden::KIND, parent));
        }
        let position = self.position(ordinal)?;
        let shape = &self.folders[position].shape;
        Some((shape.kind, shape.parent))
    }

    /// The default folder of a kind. It is made if the computed mailbox lacks it although every mailbox of Exchange has
    /// one, unless a folder of its name is in its place. Nothing if not every mailbox has one, and this one has none.
    pub fn ensure_default_folder<C: Content>(&mut self, view: View<'_, C>, kind: FolderKind) -> Option<u32> {
        if let Some(ordinal) = self.default_folder(kind) {
            return self.has_folder(ordinal).then_some(ordinal);
        }
        let (name, above) = named::default_folder(kind)?;
        let parent = self.ensure_default_folder(view, above)?;
        let name = Arc::from(name);
        if let Ok(ordinal) = self.make_folder(view, parent, &name) {
            self.folder(ordinal)?.shape.kind = kind;
            self.overlay.records_mut().change_folder(ordinal, ChangeKind::Create);
            return Some(ordinal);
        }
        let sibling = |folder: &&mut Folder| !folder.gone && folder.shape.parent == Some(parent);
        let mut siblings = self.folders.iter_mut().filter(sibling);
        siblings.find_map(|folder| (folder.name(view) == name).then_some(folder.shape.ordinal))
    }

    /// The name of a folder.
    pub fn name<C: Content>(&mut self, view: View<'_, C>, ordinal: u32) -> Option<Arc<str>> {
        self.folder(ordinal).map(|folder| folder.name(view))
    }

    /// Gives a folder another name. Whether a sibling has it is for the caller to see.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn rename_folder(&mut self, ordinal: u32, name: Arc<str>) -> Result<(), StoreError> {
        let folder = self.edited(ordinal)?;
        folder.give_name(name);
        folder.edited = true;
        Ok(())
    }

    /// Puts a folder into another one.
    ///
    /// # Errors
    ///
    /// If there is no such folder, or the other one is the folder itself or lies within it.
    pub fn move_folder(&mut self, ordinal: u32, parent: u32) -> Result<(), StoreError> {
        let mut above = Some(parent);
        while let Some(one) = above {
            if one == ordinal {
                return Err(StoreError::Cycle);
            }
            above = self.place(one).ok_or(StoreError::NotFound)?.1;
        }
        let folder = self.edited(ordinal)?;
        (folder.shape.parent, folder.edited) = (Some(parent), true);
        Ok(())
    }

    /// Removes a folder; its items and the folders in it must be gone already.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn remove_folder(&mut self, ordinal: u32) -> Result<(), StoreError> {
        self.edited(ordinal)?.gone = true;
        Ok(())
    }
}
