//! Mailboxes that were copied ahead of the run, by computation instead of by a copy.
//!
//! A mock whose target holds a copy of the source as it was at a reading of the staging clock numbers folders and items
//! alike on both sides. So the progress of such a mailbox, and which target item belongs to which source item, follow
//! from the content. What the run itself adds is kept by the checkpoint underneath.

use std::cell::RefCell;
use std::sync::Arc;

use hashbrown::HashMap;
use mock_server::mailbox::churn::counts;
use mock_server::mailbox::content::Content;
use mock_server::mailbox::hasher::KeyHashes;
use mock_server::mailbox::reference::{self, ItemNumber, SyncPosition};
use mock_server::time::Span;
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::{Id, MailboxKey};
use mock_server::wire::opaque::{self, Kind};

use super::{Checkpoint, CheckpointError, Ended, FolderProgress, Pair, Progress};

/// A checkpoint that knows of copies made before the run.
pub struct Prestaged<S, C> {
    content: S,
    taken: Span,
    text: bool,
    inner: C,
    /// For each mailbox in progress and each of its folders by ordinal: one more than the last item that was copied.
    copied: RefCell<HashMap<MailboxKey, Vec<u64>, KeyHashes>>,
}

impl<S: Content, C: Checkpoint> Prestaged<S, C> {
    /// Copies of `content` as it was when the staging clock showed `taken`. With `text`, references are written as the
    /// opaque text that clients read from the wire; otherwise they are the mock's own numbers.
    pub fn new(content: S, taken: Span, text: bool, inner: C) -> Self {
        Self { content, taken, text, inner, copied: RefCell::default() }
    }

    /// The checkpoint underneath.
    pub fn inner(&self) -> &C {
        &self.inner
    }

    fn write(&self, kind: Kind, mailbox: MailboxKey, id: Id) -> Id {
        match id {
            Id::Number(number) if self.text => Id::text(&opaque::encode(kind, mailbox, number)),
            id => id,
        }
    }

    fn progress(&self, mailbox: MailboxKey) -> Progress {
        let shapes = self.content.folders(mailbox);
        let mut copied = Vec::with_capacity(shapes.len());
        let mut folders = Vec::with_capacity(shapes.len());
        for shape in &shapes {
            let changes = self.content.changes(mailbox, shape, self.taken);
            let ordinal = shape.ordinal as usize;
            copied.resize(copied.len().max(ordinal + 1), 0);
            copied[ordinal] = shape.items + counts(shape.items, changes).creates;
            if shape.kind == FolderKind::Root {
                continue;
            }
            let folder = self.write(Kind::Folder, mailbox, reference::folder(shape.ordinal));
            let place = || {
                let parent = shape.parent.map(|parent| self.write(Kind::Folder, mailbox, reference::folder(parent)));
                FolderProgress::place_of(parent.as_ref(), &self.content.folder_name(mailbox, shape))
            };
            let position = SyncPosition { base: shape.items as u32, changes: changes as u32, made: 0 };
            folders.push(FolderProgress {
                source: folder.clone(),
                target: folder,
                state: Some(self.write(Kind::SyncState, mailbox, position.id())),
                items: None,
                ours: true,
                restarting: false,
                place: (shape.kind == FolderKind::User).then(place),
            });
        }
        self.copied.borrow_mut().insert(mailbox, copied);
        Progress { folders: Arc::new(folders), ..Progress::default() }
    }

    /// Whether a reference is that of an item which was copied before the run.
    fn was_copied(&self, mailbox: MailboxKey, item: &Id) -> bool {
        let number = match item {
            Id::Number(number) => Some(*number),
            Id::Text(text) => {
                opaque::decode(Kind::Item, text).and_then(|(owner, number)| (owner == mailbox).then_some(number))
            }
        };
        let Some(ItemNumber::Computed { folder, ordinal }) = number.map(reference::read_item) else { return false };
        if !self.copied.borrow().contains_key(&mailbox) {
            self.progress(mailbox);
        }
        let copied = self.copied.borrow();
        copied.get(&mailbox).and_then(|folders| folders.get(folder as usize)).is_some_and(|last| ordinal < *last)
    }
}

impl<S: Content, C: Checkpoint> Checkpoint for Prestaged<S, C> {
    fn load(&self, mailbox: MailboxKey) -> Result<Option<Progress>, CheckpointError> {
        match self.inner.load(mailbox)? {
            Some(progress) => Ok(Some(progress)),
            None => Ok(Some(self.progress(mailbox))),
        }
    }

    fn save(&self, mailbox: MailboxKey, progress: &Progress, pairs: &[Pair]) -> Result<(), CheckpointError> {
        self.inner.save(mailbox, progress, pairs)
    }

    fn target_of(&self, mailbox: MailboxKey, source: &Id) -> Result<Option<Id>, CheckpointError> {
        match self.inner.target_of(mailbox, source)? {
            Some(target) => Ok(Some(target)),
            None => Ok(self.was_copied(mailbox, source).then(|| source.clone())),
        }
    }

    fn unpaired(&self, mailbox: MailboxKey, mut targets: Vec<Id>) -> Result<Vec<Id>, CheckpointError> {
        targets.retain(|target| !self.was_copied(mailbox, target));
        self.inner.unpaired(mailbox, targets)
    }

    fn finish(&self, mailbox: MailboxKey, ended: &Ended) -> Result<(), CheckpointError> {
        self.copied.borrow_mut().remove(&mailbox);
        self.inner.finish(mailbox, ended)
    }

    fn ended(&self, mailbox: MailboxKey) -> Result<Option<Ended>, CheckpointError> {
        self.inner.ended(mailbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::memory::Memory;
    use mock_server::mailbox::content::{FolderShape, ItemShape, item_key};

    /// One folder of ten items that changes sixteen times an hour.
    struct Ten;

    impl Content for Ten {
        fn mailboxes(&self) -> u32 {
            1
        }

        fn find(&self, _: &str) -> Option<MailboxKey> {
            None
        }

        fn address(&self, _: MailboxKey) -> String {
            String::new()
        }

        fn folders(&self, _: MailboxKey) -> Vec<FolderShape> {
            let shape = |ordinal, parent, kind, items| FolderShape {
                ordinal,
                parent,
                kind,
                items,
                bytes: items * 100,
                changes_per_day: 384.0,
            };
            vec![shape(0, None, FolderKind::Root, 0), shape(1, Some(0), FolderKind::Inbox, 10)]
        }

        fn folder_name(&self, _: MailboxKey, _: &FolderShape) -> Arc<str> {
            Arc::from("Inbox")
        }

        fn key_seed(&self) -> u64 {
            1
        }

        fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, _: u32) -> ItemShape {
            ItemShape { key: item_key(1, mailbox, folder.ordinal, ordinal), size: 100, corrupt: false }
        }

        fn changes(&self, _: MailboxKey, _: &FolderShape, clock: Span) -> u64 {
            clock.0 / Span::seconds(225).0
        }
    }

    #[test]
    fn what_was_copied_ahead_is_known_and_what_came_later_is_not() {
        let mailbox = MailboxKey(0);
        for text in [false, true] {
            // Of sixteen changes twelve are creations: items 0 to 21 were copied.
            let checkpoint = Prestaged::new(Ten, Span::seconds(3_600), text, Memory::default());
            let progress = checkpoint.load(mailbox).expect("computed").expect("known");
            assert_eq!(progress.folders.len(), 1);
            assert_eq!(progress.folders[0].source, progress.folders[0].target);
            for (ordinal, known) in [(0, true), (9, true), (21, true), (22, false)] {
                let item = checkpoint.write(Kind::Item, mailbox, reference::item(1, ordinal));
                assert_eq!(matches!(item, Id::Text(_)), text);
                let found = checkpoint.target_of(mailbox, &item).expect("computed");
                assert_eq!(found, known.then_some(item.clone()), "{ordinal}");
                let unpaired = checkpoint.unpaired(mailbox, vec![item]).expect("computed");
                assert_eq!(unpaired.is_empty(), known);
            }
            let made = checkpoint.write(Kind::Item, mailbox, reference::made_item(3));
            assert_eq!(checkpoint.target_of(mailbox, &made).expect("computed"), None);
        }
    }
}
