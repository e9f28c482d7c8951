//! Computed content that is computed once: what several parts of a virtual run ask of the mailboxes in progress.
//!
//! Both servers and the checkpoint ask for the same folder tables, names and counts of changes. They are kept here until
//! the mailbox is forgotten. Answers are those of the content underneath.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use hashbrown::HashMap;
use mock_server::mailbox::churn::Churn;
use mock_server::mailbox::content::{Content, FolderShape, ItemShape, Totals, item_key};
use mock_server::mailbox::hasher::KeyHashes;
use mock_server::time::Span;
use mock_server::wire::id::MailboxKey;

use crate::population::content::Spreads;

/// Folders whose names are remembered: more than almost any mailbox has.
const MOST_NAMES: usize = 4_096;

/// Content that remembers the mailboxes in progress.
#[derive(Debug)]
pub struct Remembered<C: Spreads> {
    content: C,
    /// A reading of the staging clock that is asked for again and again: that of copies made before the run.
    often: Option<Span>,
    mailboxes: RefCell<HashMap<MailboxKey, Known<C::Spread>, KeyHashes>>,
    /// Names of folders by ordinal, if they depend on nothing else.
    names: RefCell<Vec<Option<Arc<str>>>>,
}

/// What is known of one mailbox.
#[derive(Debug)]
struct Known<S> {
    shapes: Vec<FolderShape>,
    folders: Vec<Folder<S>>,
}

/// What is known of one folder beside its shape.
#[derive(Debug)]
struct Folder<S> {
    /// Changes up to the reading that is asked for often.
    changes: Option<u64>,
    /// Apart, as few folders change while somebody looks.
    beyond: Option<Box<Beyond<S>>>,
}

/// What is known of a folder that changes.
#[derive(Debug)]
struct Beyond<S> {
    /// What it held at the reading that is asked for often.
    totals: Option<Totals>,
    /// How it changes.
    churn: Option<Churn>,
    /// How its bytes are spread.
    spread: Option<S>,
}

impl<S> Known<S> {
    fn new(shapes: Vec<FolderShape>) -> Self {
        let folders = shapes.iter().map(|_| Folder { changes: None, beyond: None }).collect();
        Self { shapes, folders }
    }

    fn folder(&mut self, ordinal: u32) -> Option<&mut Folder<S>> {
        // In nearly all mailboxes the place of a folder is its ordinal.
        let place = match self.shapes.get(ordinal as usize) {
            Some(shape) if shape.ordinal == ordinal => ordinal as usize,
            _ => self.shapes.iter().position(|shape| shape.ordinal == ordinal)?,
        };
        self.folders.get_mut(place)
    }
}

impl<S> Folder<S> {
    fn beyond(&mut self) -> &mut Beyond<S> {
        self.beyond.get_or_insert_with(|| Box::new(Beyond { totals: None, churn: None, spread: None }))
    }
}

impl<C: Spreads> Remembered<C> {
    /// Remembers what is asked of `content`. `often` is a reading of the staging clock that is asked for again and
    /// again, if there is one.
    pub fn new(content: C, often: Option<Span>) -> Self {
        Self { content, often, mailboxes: RefCell::default(), names: RefCell::default() }
    }

    /// Forgets a mailbox.
    pub fn forget(&self, mailbox: MailboxKey) {
        self.mailboxes.borrow_mut().remove(&mailbox);
    }

    /// Asks what is known of a folder of a mailbox; nothing if the mailbox is not remembered.
    fn folder<T>(
        &self,
        mailbox: MailboxKey,
        folder: &FolderShape,
        ask: impl FnOnce(&C, &mut Folder<C::Spread>) -> T,
    ) -> Option<T> {
        let mut mailboxes = self.mailboxes.borrow_mut();
        let known = mailboxes.get_mut(&mailbox)?.folder(folder.ordinal)?;
        Some(ask(&self.content, known))
    }

    /// Asks how the bytes of a folder are spread; nothing if the mailbox is not remembered or there is nothing to keep.
    fn spread<T>(&self, mailbox: MailboxKey, folder: &FolderShape, ask: impl FnOnce(&C::Spread) -> T) -> Option<T> {
        self.folder(mailbox, folder, |content, known| {
            let spread = &mut known.beyond().spread;
            if spread.is_none() {
                *spread = content.spread(mailbox, folder);
            }
            spread.as_ref().map(ask)
        })
        .flatten()
    }

    /// The size of an item that a folder holds from the beginning and that was never updated; nothing for any other.
    fn base_size(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> Option<u32> {
        if version > 0 || ordinal >= folder.items {
            return None;
        }
        self.spread(mailbox, folder, |spread| C::spread_size(spread, ordinal))
    }
}

impl<C: Spreads> Content for Remembered<C> {
    fn mailboxes(&self) -> u32 {
        self.content.mailboxes()
    }

    fn find(&self, address: &str) -> Option<MailboxKey> {
        self.content.find(address)
    }

    fn address(&self, mailbox: MailboxKey) -> String {
        self.content.address(mailbox)
    }

    fn folders(&self, mailbox: MailboxKey) -> Vec<FolderShape> {
        let mut mailboxes = self.mailboxes.borrow_mut();
        let known = mailboxes.entry(mailbox).or_insert_with(|| Known::new(self.content.folders(mailbox)));
        known.shapes.clone()
    }

    fn folder_name(&self, mailbox: MailboxKey, folder: &FolderShape) -> Arc<str> {
        let place = folder.ordinal as usize;
        if !self.content.names_by_ordinal() || place >= MOST_NAMES {
            return self.content.folder_name(mailbox, folder);
        }
        let mut names = self.names.borrow_mut();
        if names.len() <= place {
            names.resize(place + 1, None);
        }
        Arc::clone(names[place].get_or_insert_with(|| self.content.folder_name(mailbox, folder)))
    }

    fn names_by_ordinal(&self) -> bool {
        self.content.names_by_ordinal()
    }

    fn key_seed(&self) -> u64 {
        self.content.key_seed()
    }

    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape {
        let Some(size) = self.base_size(mailbox, folder, ordinal, version) else {
            return self.content.item(mailbox, folder, ordinal, version);
        };
        let key = item_key(self.content.key_seed(), mailbox, folder.ordinal, ordinal);
        ItemShape { key, size, corrupt: self.content.is_corrupt(mailbox, folder, ordinal) }
    }

    fn size(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> u32 {
        let size = self.base_size(mailbox, folder, ordinal, version);
        size.unwrap_or_else(|| self.content.size(mailbox, folder, ordinal, version))
    }

    fn sizes(&self, mailbox: MailboxKey, folder: &FolderShape) -> impl Fn(u64, u32) -> u32 {
        let (others, spread) = (self.content.sizes(mailbox, folder), OnceCell::new());
        move |ordinal, version| {
            if version > 0 || ordinal >= folder.items {
                return others(ordinal, version);
            }
            let spread: &Option<C::Spread> = spread.get_or_init(|| self.spread(mailbox, folder, C::Spread::clone));
            spread.as_ref().map_or_else(|| others(ordinal, version), |spread| C::spread_size(spread, ordinal))
        }
    }

    #[inline]
    fn changes(&self, mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
        if folder.changes_per_day <= 0.0 || self.often != Some(clock) {
            return self.content.changes(mailbox, folder, clock);
        }
        let changes = self.folder(mailbox, folder, |content, known| {
            *known.changes.get_or_insert_with(|| content.changes(mailbox, folder, clock))
        });
        changes.unwrap_or_else(|| self.content.changes(mailbox, folder, clock))
    }

    fn churn(&self, mailbox: MailboxKey, folder: &FolderShape) -> Churn {
        let churn = self.folder(mailbox, folder, |content, known| {
            *known.beyond().churn.get_or_insert_with(|| content.churn(mailbox, folder))
        });
        churn.unwrap_or_else(|| self.content.churn(mailbox, folder))
    }

    fn totals(&self, mailbox: MailboxKey, folder: &FolderShape, changes: u64) -> Totals {
        let Some(often) = self.often else { return self.content.totals(mailbox, folder, changes) };
        let often = self.changes(mailbox, folder, often);
        if changes < often {
            return self.content.totals(mailbox, folder, changes);
        }
        let known = self.folder(mailbox, folder, |_, known| known.beyond.as_ref()?.totals).flatten();
        let mut totals = known.unwrap_or_else(|| {
            let mut totals = Totals::of(folder);
            totals.advance(self, mailbox, folder, often);
            self.folder(mailbox, folder, |_, known| known.beyond().totals = Some(totals));
            totals
        });
        totals.advance(self, mailbox, folder, changes);
        totals
    }
}

#[cfg(test)]
mod tests {
    use mock_server::mailbox::plain::Plain;

    use super::*;

    /// Nothing is the same for several items but what they share with all.
    impl Spreads for Plain {
        type Spread = u32;

        fn spread(&self, mailbox: MailboxKey, folder: &FolderShape) -> Option<u32> {
            (folder.items > 0).then(|| self.size(mailbox, folder, 0, 0))
        }

        fn spread_size(spread: &u32, _: u64) -> u32 {
            *spread
        }

        fn is_corrupt(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64) -> bool {
            self.item(mailbox, folder, ordinal, 0).corrupt
        }
    }

    const PLAIN: Plain = Plain { mailboxes: 3, items: 40, item_bytes: 5_000, changes_per_day: 100.0 };
    const DAY: Span = Span::seconds(86_400);

    /// Asks both for everything.
    fn check(remembered: &Remembered<Plain>, mailbox: MailboxKey) {
        let shapes = PLAIN.folders(mailbox);
        assert_eq!(remembered.folders(mailbox), shapes);
        for shape in &shapes {
            assert_eq!(remembered.folder_name(mailbox, shape), PLAIN.folder_name(mailbox, shape));
            for (ordinal, version) in [(0, 0), (0, 1), (shape.items, 0)] {
                let item = PLAIN.item(mailbox, shape, ordinal, version);
                assert_eq!(remembered.item(mailbox, shape, ordinal, version), item);
                assert_eq!(remembered.size(mailbox, shape, ordinal, version), item.size);
                assert_eq!(remembered.sizes(mailbox, shape)(ordinal, version), item.size);
            }
            assert_eq!(remembered.churn(mailbox, shape), PLAIN.churn(mailbox, shape));
            for clock in [Span::ZERO, DAY.scale(0.5), DAY, DAY * 2] {
                let changes = PLAIN.changes(mailbox, shape, clock);
                assert_eq!(remembered.changes(mailbox, shape, clock), changes);
                assert_eq!(
                    remembered.totals(mailbox, shape, changes),
                    PLAIN.totals(mailbox, shape, changes),
                    "folder {} after {changes} changes",
                    shape.ordinal
                );
            }
        }
    }

    #[test]
    fn what_is_remembered_is_what_would_be_computed() {
        for often in [None, Some(DAY)] {
            let remembered = Remembered::new(PLAIN, often);
            for mailbox in [0, 1, 0, 2] {
                check(&remembered, MailboxKey(mailbox));
                check(&remembered, MailboxKey(mailbox));
                remembered.forget(MailboxKey(mailbox));
                check(&remembered, MailboxKey(mailbox));
            }
        }
    }
}
