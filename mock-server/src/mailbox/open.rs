//! A mailbox that is open before a client: everything that can be done with whole items and with folders.
//!
//! What is done here and what calls of the migration do is seen by both: totals, the log and identities are the store's.

mod folders;
mod items;
mod watch;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::content::Content;
use super::item::Item;
use super::property::Properties;
use super::records::Records;
use super::shelf::Shelf;
use super::store::{Store, View};
use crate::wire::call::FolderKind;
use crate::wire::id::{ItemKey, MailboxKey};
use crate::wire::refusal::ItemError;

/// An open mailbox.
pub struct Open<'a, C> {
    view: View<'a, C>,
    store: &'a mut Store,
    shelf: &'a mut Shelf,
    wall: Timestamp,
    corrupts: &'a dyn Fn(ItemKey) -> bool,
    fails: Option<&'a dyn Fn(u32) -> Option<ItemError>>,
    begun: u32,
    shuffled: bool,
    /// What was sent, to be delivered once the work is done.
    pub outbox: Vec<Item>,
}

impl<C> fmt::Debug for Open<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("mailbox", &self.view.mailbox).field("wall", &self.wall).finish_non_exhaustive()
    }
}

/// A folder with everything about it.
#[derive(Clone, PartialEq, Debug)]
pub struct FolderInfo {
    /// Its number within the mailbox.
    pub ordinal: u32,
    /// The folder that holds it; absent for the root.
    pub parent: Option<u32>,
    /// What it is for.
    pub kind: FolderKind,
    /// Its display name.
    pub name: Arc<str>,
    /// The class of its items (`IPF.Note` and so on); empty if it has none.
    pub class: Arc<str>,
    /// Items directly in it.
    pub items: u64,
    /// Those of them that were not read.
    pub unread: u64,
    /// Folders directly in it.
    pub children: u32,
    /// Bytes of its items.
    pub bytes: u64,
    /// When it was last changed, counted in changes of the mailbox.
    pub version: u64,
    /// Its properties.
    pub properties: Properties,
}

/// What is known of an item without reading it.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The folder that it is in.
    pub folder: u32,
    /// Its identity.
    pub key: ItemKey,
    /// Its size in bytes.
    pub size: u32,
    /// When it was last changed, counted in changes of the mailbox.
    pub version: u64,
    /// Whether it was read. Computed items were.
    pub read: bool,
    /// Whether it cannot be read.
    pub corrupt: bool,
}

/// How to delete.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Deletion {
    /// For good.
    Hard,
    /// So that it can be recovered.
    Soft,
    /// By moving it to the deleted items; for good if it is there already.
    ToDeletedItems,
}

impl<'a, C: Content> Open<'a, C> {
    /// Opens a mailbox. `wall` is the present moment as clients see it, `corrupts` tells which items cannot be read.
    pub fn new(
        view: View<'a, C>,
        store: &'a mut Store,
        shelf: &'a mut Shelf,
        wall: Timestamp,
        corrupts: &'a dyn Fn(ItemKey) -> bool,
    ) -> Self {
        Self { view, store, shelf, wall, corrupts, fails: None, begun: 0, shuffled: false, outbox: Vec::new() }
    }

    /// The same mailbox, of which some work is left undone: `fails` tells of which item, by its place in the work, and
    /// why.
    #[must_use]
    pub fn failing(self, fails: &'a dyn Fn(u32) -> Option<ItemError>) -> Self {
        Self { fails: Some(fails), ..self }
    }

    /// Lets pages of changes come in the wrong order: newest first.
    pub fn shuffle(&mut self) {
        self.shuffled = true;
    }

    /// Begins the work on the next of several items.
    ///
    /// # Errors
    ///
    /// If that item is to be left undone.
    pub fn begin_item(&mut self) -> Result<(), ItemError> {
        let place = self.begun;
        self.begun += 1;
        self.fails.and_then(|fails| fails(place)).map_or(Ok(()), Err)
    }

    /// Which mailbox it is.
    #[must_use]
    pub fn mailbox(&self) -> MailboxKey {
        self.view.mailbox
    }

    /// Its SMTP address.
    #[must_use]
    pub fn address(&self) -> String {
        self.view.content.address(self.view.mailbox)
    }

    /// The mailbox of an address, if this server has it.
    #[must_use]
    pub fn find_mailbox(&self, address: &str) -> Option<MailboxKey> {
        self.view.content.find(address)
    }

    /// The SMTP address of another mailbox of this server.
    #[must_use]
    pub fn address_of(&self, mailbox: MailboxKey) -> Option<String> {
        (mailbox.0 < self.view.content.mailboxes()).then(|| self.view.content.address(mailbox))
    }

    /// The present moment, in whole seconds: the protocols show no fractions.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        Timestamp::from_second(self.wall.as_second()).unwrap_or(self.wall)
    }

    /// Sends an item once the work is done: to the inboxes of those of its people whom this server knows.
    pub fn send(&mut self, item: Item) {
        self.outbox.push(item);
    }

    fn records(&mut self) -> &mut Records {
        self.store.overlay.records_mut()
    }
}
