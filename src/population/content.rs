//! The population as content for the mock server.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use mock_server::draw::{Purpose, hash, mix, unit};
use mock_server::mailbox::content::{Content, FolderShape, ItemKeys, ItemShape, item_key};
use mock_server::time::Span;
use mock_server::wire::call::FolderKind;
use mock_server::wire::id::{ItemKey, MailboxKey};

use crate::sample::permutation::Permutation;
use crate::scenario::plan::UniformMailbox;

use super::item::{Holding, Spread};
use super::mailbox::Mailbox;
use super::{Population, Source, folder};

/// Days in a week, over which daily rates are averaged.
const WEEK_DAYS: f64 = 7.0;

/// The domain of generated addresses; RFC 2606 reserves it.
const DOMAIN: &str = "example.org";

impl Population {
    /// The domains that all addresses are in, or below: that of generated addresses and those of an inventory.
    #[must_use]
    pub fn domains(&self) -> Vec<String> {
        let generated = std::iter::once(DOMAIN);
        let owned = if let Source::Owned(owned) = &self.inner.source { Some(owned.domains()) } else { None };
        let all: BTreeSet<&str> = generated.chain(owned.into_iter().flatten()).collect();
        all.into_iter().map(str::to_owned).collect()
    }
}

/// Content that works the sizes of the items that a folder holds from the beginning out from something that is the same
/// for all of them, so that whoever asks often can keep it.
pub trait Spreads: Content {
    /// What is the same for all items of a folder.
    type Spread: Clone + fmt::Debug;

    /// What is the same for all items of this folder; nothing where there is nothing worth keeping.
    fn spread(&self, mailbox: MailboxKey, folder: &FolderShape) -> Option<Self::Spread>;

    /// The size of an item that the folder holds from the beginning, as long as it was never updated.
    fn spread_size(spread: &Self::Spread, ordinal: u64) -> u32;

    /// Whether an item that the folder holds from the beginning cannot be read.
    fn is_corrupt(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64) -> bool;
}

impl<'p> Spreads for &'p Population {
    type Spread = Spread<'p>;

    fn spread(&self, mailbox: MailboxKey, folder: &FolderShape) -> Option<Self::Spread> {
        let is_drawn = !matches!(self.inner.source, Source::Uniform(_)) && folder.items > 0;
        is_drawn.then(|| self.inner.sizes.spread(&self.holding(mailbox, folder)))
    }

    fn spread_size(spread: &Self::Spread, ordinal: u64) -> u32 {
        spread.size(ordinal)
    }

    fn is_corrupt(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64) -> bool {
        Population::is_corrupt(self, mailbox, folder, ordinal)
    }
}

impl Content for Population {
    fn mailboxes(&self) -> u32 {
        self.len()
    }

    fn find(&self, address: &str) -> Option<MailboxKey> {
        if let Source::Owned(owned) = &self.inner.source
            && let Some(key) = owned.find(address)
        {
            return Some(key);
        }
        let digits = address.get(1..)?.split('@').next()?;
        let key = MailboxKey(digits.parse().ok().filter(|&number| number < self.len())?);
        self.address(key).eq_ignore_ascii_case(address).then_some(key)
    }

    fn address(&self, mailbox: MailboxKey) -> String {
        if let Source::Owned(owned) = &self.inner.source
            && let Some(address) = owned.address(mailbox)
        {
            return address.to_owned();
        }
        format!("m{:07}@o{:05}.{DOMAIN}", mailbox.0, self.organisation_of(mailbox))
    }

    fn folders(&self, key: MailboxKey) -> Vec<FolderShape> {
        let mailbox = self.mailbox(key);
        match self.inner.source {
            Source::Uniform(uniform) => uniform_folders(&mailbox, &uniform),
            Source::Drawn | Source::Owned(_) => folder::folders(&self.inner.drawer, key, &mailbox),
        }
    }

    fn folder_name(&self, _mailbox: MailboxKey, folder: &FolderShape) -> Arc<str> {
        Arc::from(&*folder::name(folder))
    }

    fn names_by_ordinal(&self) -> bool {
        true
    }

    fn key_seed(&self) -> u64 {
        self.inner.seed
    }

    fn item(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> ItemShape {
        let key = item_key(self.inner.seed, mailbox, folder.ordinal, ordinal);
        let size = self.size_of(mailbox, folder, ordinal, version, key);
        ItemShape { key, size, corrupt: self.is_corrupt(mailbox, folder, ordinal) }
    }

    #[inline]
    fn size(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32) -> u32 {
        let key = item_key(self.inner.seed, mailbox, folder.ordinal, ordinal);
        self.size_of(mailbox, folder, ordinal, version, key)
    }

    fn sizes(&self, mailbox: MailboxKey, folder: &FolderShape) -> impl Fn(u64, u32) -> u32 {
        let inner = &*self.inner;
        let keys = ItemKeys::new(inner.seed, mailbox);
        let spread = OnceCell::new();
        move |ordinal, version| match inner.source {
            Source::Drawn | Source::Owned(_) if ordinal < folder.items && version == 0 => {
                spread.get_or_init(|| inner.sizes.spread(&self.holding(mailbox, folder))).size(ordinal)
            }
            _ => self.size_of(mailbox, folder, ordinal, version, keys.of(folder.ordinal, ordinal)),
        }
    }

    fn changes(&self, mailbox: MailboxKey, folder: &FolderShape, clock: Span) -> u64 {
        if folder.changes_per_day <= 0.0 {
            return 0;
        }
        let phase = unit(self.inner.change_hashes.of(u64::from(mailbox.0), u64::from(folder.ordinal), 0));
        (folder.changes_per_day * WEEK_DAYS * self.inner.week.elapsed(clock) + phase) as u64
    }
}

impl Population {
    #[inline]
    fn size_of(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64, version: u32, key: ItemKey) -> u32 {
        let inner = &*self.inner;
        match inner.source {
            Source::Uniform(uniform) => uniform.item_bytes,
            Source::Drawn | Source::Owned(_) if ordinal < folder.items && version == 0 => {
                inner.sizes.base(&self.holding(mailbox, folder), ordinal)
            }
            Source::Drawn | Source::Owned(_) => {
                let word = inner.size_hashes.of(key.0, u64::from(mailbox.0), u64::from(version));
                inner.sizes.arriving(word)
            }
        }
    }

    fn holding(&self, mailbox: MailboxKey, folder: &FolderShape) -> Holding {
        let drawer = &self.inner.drawer;
        let word = self.inner.size_hashes.of(u64::from(mailbox.0), u64::from(folder.ordinal), 0);
        let oversize = match folder.kind {
            FolderKind::Inbox => drawer.oversize_item(mailbox).map(u64::from),
            _ => None,
        };
        Holding { items: folder.items, bytes: folder.bytes, word, oversize }
    }

    /// Whether a base item is one of those that cannot be read: they lie anywhere in the mailbox, each item as likely
    /// as any other.
    fn is_corrupt(&self, mailbox: MailboxKey, folder: &FolderShape, ordinal: u64) -> bool {
        if ordinal >= folder.items || matches!(self.inner.source, Source::Uniform(_)) {
            return false;
        }
        let corrupt = u64::from(self.inner.drawer.corrupt_items(mailbox));
        if corrupt == 0 {
            return false;
        }
        // Few mailboxes come this far, so the place among all items may cost a walk over the folders.
        let shapes = self.folders(mailbox);
        let before: u64 = shapes.iter().take(folder.ordinal as usize).map(|shape| shape.items).sum();
        let all: u64 = shapes.iter().map(|shape| shape.items).sum();
        let word = hash(self.inner.seed, Purpose::ItemDefect, u64::from(mailbox.0), 0, 0);
        Permutation::new(all, mix(word)).apply(before + ordinal) < corrupt
    }
}

/// The root, the inbox, and below it a tree of other folders, each of which has at most two inside it.
fn uniform_folders(mailbox: &Mailbox, uniform: &UniformMailbox) -> Vec<FolderShape> {
    let count = uniform.folders.max(1);
    let root =
        FolderShape { ordinal: 0, parent: None, kind: FolderKind::Root, items: 0, bytes: 0, changes_per_day: 0.0 };
    let below = (1..=count).map(|ordinal| {
        let share = mailbox.items / u64::from(count);
        let items = share + u64::from(u64::from(ordinal) <= mailbox.items % u64::from(count));
        FolderShape {
            ordinal,
            parent: Some(ordinal / 2),
            kind: if ordinal == 1 { FolderKind::Inbox } else { FolderKind::User },
            items,
            bytes: items * u64::from(uniform.item_bytes),
            changes_per_day: mailbox.changes_per_day / f64::from(count),
        }
    });
    std::iter::once(root).chain(below).collect()
}
