//! Folders of an open mailbox.

use std::sync::Arc;

use super::{Deletion, FolderInfo, Open};
use crate::mailbox::content::Content;
use crate::mailbox::hidden;
use crate::mailbox::property::{Property, Value};
use crate::mailbox::store::StoreError;
use crate::mailbox::watch::FolderNote;
use crate::wire::answer::ChangeKind;
use crate::wire::call::FolderKind;

/// The class of the items of a folder, by what it is for (\[MS-OXOSFLD\] 2.2.2). Conversation history and the folders
/// below the one of synchronization problems have none in Exchange Online (what exchangelib's own tests find there).
fn class_of(kind: FolderKind) -> &'static str {
    match kind {
        FolderKind::Root | FolderKind::Default(2 | 5 | 6 | 7) => "",
        FolderKind::Calendar => "IPF.Appointment",
        FolderKind::Contacts => "IPF.Contact",
        FolderKind::Tasks | FolderKind::Default(13) => "IPF.Task",
        FolderKind::Default(0) => "IPF.Journal",
        FolderKind::Default(1) => "IPF.StickyNote",
        FolderKind::Default(8) => "IPF.Contact.RecipientCache",
        FolderKind::Default(9) => "IPF.Contact.MOC.QuickContacts",
        FolderKind::Default(10) => "IPF.Contact.MOC.ImContactList",
        _ => "IPF.Note",
    }
}

impl<C: Content> Open<'_, C> {
    /// All folders, those that hold others before them.
    pub fn folders(&mut self) -> Vec<FolderInfo> {
        let mut ordinals: Vec<u32> = self.store.ordinals().collect();
        // Folders that were moved may come before those that hold them.
        let depth = |ordinal: u32| {
            let above = |one: &u32| self.store.place(*one).and_then(|(_, parent)| parent);
            std::iter::successors(Some(ordinal), above).count()
        };
        ordinals.sort_by_cached_key(|&ordinal| (depth(ordinal), ordinal));
        ordinals.into_iter().filter_map(|ordinal| self.folder(ordinal)).collect()
    }

    /// One folder.
    pub fn folder(&mut self, ordinal: u32) -> Option<FolderInfo> {
        let entry = self.store.entry_of(self.view, ordinal)?;
        let (kind, parent) = self.store.place(ordinal)?;
        let children = self.children(ordinal).len() as u32;
        let unread = self.unread(ordinal);
        let record = self.store.overlay.records().and_then(|records| records.folder(ordinal));
        let usual = || Arc::from(hidden::get(ordinal).map_or_else(|| class_of(kind), |hidden| hidden.class));
        let class = record.and_then(|record| record.class.clone()).unwrap_or_else(usual);
        Some(FolderInfo {
            ordinal,
            parent,
            kind,
            name: entry.name,
            class,
            items: entry.items,
            unread,
            children,
            bytes: entry.bytes,
            version: record.map_or(0, |record| record.version),
            properties: record.map(|record| record.properties.clone()).unwrap_or_default(),
        })
    }

    /// The folders that listings of the visible tree do not show.
    pub fn hidden(&mut self) -> Vec<FolderInfo> {
        hidden::ordinals().filter_map(|ordinal| self.folder(ordinal)).collect()
    }

    pub(super) fn parent_of(&self, ordinal: u32) -> Option<u32> {
        self.store.place(ordinal).and_then(|(_, parent)| parent)
    }

    /// The default folder of a kind, if the mailbox has one by now.
    #[must_use]
    pub fn default_folder(&self, kind: FolderKind) -> Option<u32> {
        self.store.default_folder(kind).filter(|&ordinal| self.store.has_folder(ordinal))
    }

    /// The default folder of a kind. One that every mailbox of Exchange has is made if the computed mailbox lacks it.
    pub fn known_folder(&mut self, kind: FolderKind) -> Option<u32> {
        self.store.ensure_default_folder(self.view, kind)
    }

    /// The folders directly in a folder.
    #[must_use]
    pub fn children(&self, ordinal: u32) -> Vec<u32> {
        self.store.ordinals().filter(|&one| self.parent_of(one) == Some(ordinal)).collect()
    }

    /// Whether a folder holds another of a name, written in any case.
    fn has_child(&mut self, parent: u32, name: &str, except: Option<u32>) -> bool {
        let name = name.to_lowercase();
        let children = self.children(parent).into_iter().filter(|child| Some(*child) != except);
        let children: Vec<_> = children.collect();
        children
            .into_iter()
            .any(|child| self.store.name(self.view, child).is_some_and(|own| own.to_lowercase() == name))
    }

    /// Makes a folder. Without a class it is that of the folder that holds it, or that of messages; an empty one says
    /// that it has none.
    ///
    /// # Errors
    ///
    /// If there is no such parent, or it holds a folder of that name.
    pub fn make_folder(&mut self, parent: u32, name: &str, class: Option<&str>) -> Result<u32, StoreError> {
        if self.has_child(parent, name, None) {
            return Err(StoreError::Exists);
        }
        let above = self.folder(parent).ok_or(StoreError::NotFound)?.class;
        let ordinal = self.store.make_folder(self.view, parent, &Arc::from(name))?;
        let class = match class {
            Some(class) => Arc::from(class),
            None if above.is_empty() => Arc::from("IPF.Note"),
            None => above,
        };
        self.records().change_folder(ordinal, ChangeKind::Create).class = Some(class);
        Ok(ordinal)
    }

    /// Gives a folder another name.
    ///
    /// # Errors
    ///
    /// If there is no such folder, it is a default folder, or its parent holds a folder of that name.
    pub fn rename_folder(&mut self, ordinal: u32, name: &str) -> Result<(), StoreError> {
        let parent = self.own(ordinal)?;
        if self.has_child(parent, name, Some(ordinal)) {
            return Err(StoreError::Exists);
        }
        self.store.rename_folder(ordinal, Arc::from(name))?;
        self.records().change_folder(ordinal, ChangeKind::Update);
        Ok(())
    }

    /// Sets a property of a folder, or takes it away.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn set_folder(&mut self, ordinal: u32, property: Property, value: Option<Value>) -> Result<(), StoreError> {
        if !self.store.has_folder(ordinal) {
            return Err(StoreError::NotFound);
        }
        let properties = &mut self.records().change_folder(ordinal, ChangeKind::Update).properties;
        match value {
            Some(value) => properties.insert(property, value),
            None => properties.remove(&property),
        };
        Ok(())
    }

    /// Puts a folder with all that it holds into another one.
    ///
    /// # Errors
    ///
    /// If one of them does not exist, the folder is a default folder, the other one lies within it or holds a folder of
    /// that name.
    pub fn move_folder(&mut self, ordinal: u32, parent: u32) -> Result<(), StoreError> {
        let before = self.own(ordinal)?;
        let name = self.store.name(self.view, ordinal).ok_or(StoreError::NotFound)?;
        if self.has_child(parent, &name, Some(ordinal)) {
            return Err(StoreError::Exists);
        }
        self.store.move_folder(ordinal, parent)?;
        self.records().note_folder(ordinal, ChangeKind::Update, FolderNote::Moved { parent: before });
        Ok(())
    }

    /// Copies a folder with all that it holds into another one; returns the copy.
    ///
    /// # Errors
    ///
    /// As for [`Self::move_folder`], but default folders can be copied.
    pub fn copy_folder(&mut self, ordinal: u32, parent: u32) -> Result<u32, StoreError> {
        let mut above = Some(parent);
        while let Some(one) = above {
            if one == ordinal {
                return Err(StoreError::Cycle);
            }
            above = self.parent_of(one);
        }
        let source = self.folder(ordinal).filter(|_| hidden::get(ordinal).is_none()).ok_or(StoreError::NotFound)?;
        let place = self.position().folders;
        let copy = self.make_folder(parent, &source.name, Some(&source.class))?;
        if let Some(parent) = source.parent {
            self.watch().folder_notes.insert(place, FolderNote::Copied { ordinal, parent });
        }
        self.records().change_folder(copy, ChangeKind::Update).properties = source.properties;
        for number in self.list(ordinal) {
            self.copy_item(number, copy)?;
        }
        for child in self.children(ordinal) {
            self.copy_folder(child, copy)?;
        }
        Ok(copy)
    }

    /// Deletes a folder with all that it holds, or moves it to the deleted items.
    ///
    /// # Errors
    ///
    /// If there is no such folder or it is a default folder.
    pub fn delete_folder(&mut self, ordinal: u32, deletion: Deletion) -> Result<(), StoreError> {
        let parent = self.own(ordinal)?;
        let bin = self.known_folder(FolderKind::Deleted);
        if let (Deletion::ToDeletedItems, Some(bin)) = (deletion, bin)
            && !self.lies_within(ordinal, bin)
        {
            let name = self.store.name(self.view, ordinal).ok_or(StoreError::NotFound)?;
            let free = (1_u32..).map(|count| if count == 1 { name.to_string() } else { format!("{name}{count}") });
            let free: Vec<_> = free.take(self.children(bin).len() + 1).collect();
            let free = free.into_iter().find(|name| !self.has_child(bin, name, Some(ordinal)));
            self.store.rename_folder(ordinal, Arc::from(free.ok_or(StoreError::Exists)?))?;
            return self.move_folder(ordinal, bin);
        }
        let deletion = if deletion == Deletion::Soft { Deletion::Soft } else { Deletion::Hard };
        self.empty_folder(ordinal, deletion, true)?;
        self.store.remove_folder(ordinal)?;
        self.records().note_folder(ordinal, ChangeKind::Delete, FolderNote::Deleted { parent });
        if self.settings().configurations.contains_key(&ordinal) {
            self.settings_mut().configurations.remove(&ordinal);
        }
        Ok(())
    }

    /// Deletes all items of a folder, and the folders in it where wanted. Default folders in it stay.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn empty_folder(&mut self, ordinal: u32, deletion: Deletion, with_folders: bool) -> Result<(), StoreError> {
        if !self.store.has_folder(ordinal) {
            return Err(StoreError::NotFound);
        }
        for number in self.list(ordinal) {
            self.delete(number, deletion)?;
        }
        if with_folders {
            for child in self.children(ordinal) {
                match self.delete_folder(child, deletion) {
                    Ok(()) | Err(StoreError::Distinguished) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Whether a folder lies within another one.
    fn lies_within(&self, ordinal: u32, other: u32) -> bool {
        let above = |one: &u32| self.parent_of(*one);
        std::iter::successors(self.parent_of(ordinal), above).any(|one| one == other)
    }

    /// The parent of a folder that a user may rename, move and delete.
    fn own(&self, ordinal: u32) -> Result<u32, StoreError> {
        match self.store.place(ordinal).ok_or(StoreError::NotFound)? {
            (FolderKind::User, Some(parent)) => Ok(parent),
            _ => Err(StoreError::Distinguished),
        }
    }

    /// What changed in the folder tree since a state: each folder once, with what it comes to, and the state to continue
    /// from. Everything but the root is new if there is no state. None if there never was such a state.
    pub fn sync_folders(&mut self, since: Option<u64>) -> Option<(Vec<(ChangeKind, u32)>, u64)> {
        let log = self.store.overlay.records().map_or(&[][..], |records| records.folder_log());
        let state = log.len() as u64;
        let Some(since) = since else {
            let folders = self.folders();
            let new = folders.iter().filter(|folder| folder.parent.is_some());
            return Some((new.map(|folder| (ChangeKind::Create, folder.ordinal)).collect(), state));
        };
        let mut changes: Vec<(ChangeKind, u32)> = Vec::new();
        for &(kind, ordinal) in log.get(usize::try_from(since).ok()?..)? {
            let before = changes.iter().position(|(_, known)| *known == ordinal);
            match (before, kind) {
                (None, _) => changes.push((kind, ordinal)),
                (Some(at), ChangeKind::Delete) => {
                    let (was, _) = changes.remove(at);
                    if was != ChangeKind::Create {
                        changes.push((kind, ordinal));
                    }
                }
                (Some(_), _) => {}
            }
        }
        Some((changes, state))
    }
}
