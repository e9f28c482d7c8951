//! What of a mailbox outlives the process: what clients changed in it, in portions since it was last kept.
//!
//! Every change of an item is a line of the log, so the lines since then say which items to keep anew; the rest of a
//! mailbox is small and kept whole. Nothing computed is kept but the counts that changes of clients and computed changes
//! share.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::content::{FolderShape, Totals};
use super::hidden;
use super::item::Item;
use super::overlay::{Foreign, Logged, MadeFolder, MadeItem, Overlay, Touch};
use super::records::{FolderRecord, Records, Recoverable};
use super::reference::{self, FIRST_MADE_FOLDER, ItemNumber};
use super::settings::Settings;
use super::store::{Folder, Store};
use super::watch::{FolderNote, Origin};
use crate::time::Span;
use crate::wire::answer::ChangeKind;
use crate::wire::call::FolderKind;
use crate::wire::id::ItemKey;

/// How much of a mailbox has been kept: compared with what there is, it tells whether there is more.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Mark {
    log: usize,
    folder_log: usize,
    purged: usize,
    folders: usize,
    changes: u64,
    sessions: u64,
    settled: u64,
    given: u64,
    stopped: Option<Span>,
    user: (bool, bool),
}

/// A line of the log of items as it is kept.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptLine {
    number: u64,
    folder: u32,
    kind: u8,
}

/// A line of the log of folders as it is kept.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptFolderLine {
    folder: u32,
    kind: u8,
    note: Option<FolderNote>,
}

/// A folder that is not as it was computed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct KeptFolder {
    ordinal: u32,
    parent: Option<u32>,
    name: Option<Arc<str>>,
    gone: bool,
    items: u64,
    bytes: u64,
    changes: u64,
}

/// Everything about a mailbox but its items, logs and settings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeptMailbox {
    stopped: Option<u64>,
    provisioned: bool,
    licensed: bool,
    sessions: u64,
    made_folders: Vec<(u32, Arc<str>)>,
    folders: Vec<KeptFolder>,
    records: Option<KeptRecords>,
}

/// What is known beyond computed content.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct KeptRecords {
    changes: u64,
    given: u64,
    folders: Vec<(u32, FolderRecord)>,
}

/// What a client did to a computed item.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum KeptTouch {
    /// It has another key and size.
    Replaced(u64, u32),
    Deleted,
}

/// Everything that clients did to one item.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct KeptItem {
    /// Key, size and folder of an item that a client stored.
    made: Option<(u64, u32, u32)>,
    touch: Option<KeptTouch>,
    /// Bytes that cannot be computed, and whether they are a message.
    foreign: Option<(Bytes, bool)>,
    item: Option<Arc<Item>>,
    version: Option<u64>,
    buried: Option<Recoverable>,
    origin: Option<Origin>,
    /// Whether it was moved and has another number since.
    left: bool,
}

/// What is to be kept of a mailbox since it was last kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Portion {
    /// Everything but items, logs and settings, in place of what was kept before.
    pub mailbox: KeptMailbox,
    /// The settings, if they changed, in place of what was kept before.
    pub settings: Option<Settings>,
    /// The items that changed, by number, each in place of what was kept before. One without anything is to be forgotten.
    pub items: Vec<(u64, KeptItem)>,
    /// New lines of the log of items, and the place of the first.
    pub log: (u64, Vec<KeptLine>),
    /// New lines of the log of folders, and the place of the first.
    pub folder_log: (u64, Vec<KeptFolderLine>),
}

/// A mailbox as it was kept.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept {
    /// Everything but items, logs and settings.
    pub mailbox: KeptMailbox,
    /// Its settings, if it has any.
    pub settings: Option<Settings>,
    /// Its items, in the order of their numbers.
    pub items: Vec<(u64, KeptItem)>,
    /// The log of items.
    pub log: Vec<KeptLine>,
    /// The log of folders.
    pub folder_log: Vec<KeptFolderLine>,
}

/// What was kept of a mailbox does not fit together.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("what was kept of the mailbox does not fit together")]
pub struct Misfit;

/// Kinds of changes by the numbers that stand for them in a file.
const KINDS: [ChangeKind; 4] = [ChangeKind::Create, ChangeKind::Update, ChangeKind::ReadFlag, ChangeKind::Delete];

fn write_kind(kind: ChangeKind) -> u8 {
    match kind {
        ChangeKind::Create => 0,
        ChangeKind::Update => 1,
        ChangeKind::ReadFlag => 2,
        ChangeKind::Delete => 3,
    }
}

fn read_kind(number: u8) -> Result<ChangeKind, Misfit> {
    KINDS.get(usize::from(number)).copied().ok_or(Misfit)
}

impl KeptRecords {
    fn read(self, settings: Settings, folder_log: &[KeptFolderLine]) -> Result<Records, Misfit> {
        let mut records = Records { folders: self.folders.into_iter().collect(), settings, ..Records::default() };
        (records.changes, records.watch.given) = (self.changes, self.given);
        for (place, line) in (0..).zip(folder_log) {
            records.folder_log.push((read_kind(line.kind)?, line.folder));
            records.watch.folder_notes.extend(line.note.map(|note| (place, note)));
        }
        Ok(records)
    }
}

impl KeptItem {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(overlay: &Overlay, number: u64) -> Self {
        let made = match reference::read_item(number) {
            ItemNumber::Made { position } => {
                let item = usize::try_from(position).ok().and_then(|position| overlay.items.get(position));
                item.map(|item| (item.key.0, item.size, item.folder))
            }
            ItemNumber::Computed { .. } => None,
        };
        let touch = overlay.touched.get(&number).map(|touch| match *touch {
            Touch::Replaced { key, size } => KeptTouch::Replaced(key.0, size),
            Touch::Deleted => KeptTouch::Deleted,
        });
        let foreign = overlay.foreign.get(&number).map(|foreign| (foreign.bytes.clone(), foreign.mime));
        let records = overlay.records.as_deref();
        Self {
            made,
            touch,
            foreign,
            item: records.and_then(|records| records.items.get(&number)).cloned(),
            version: records.and_then(|records| records.versions.get(&number)).copied(),
            buried: records.and_then(|records| records.recoverable.get(&number)).cloned(),
            origin: records.and_then(|records| records.watch.origins.get(&number)).copied(),
            left: records.is_some_and(|records| records.watch.left.contains(&number)),
        }
    }

    /// Puts an item back. Items that clients stored come in the order of their numbers.
    fn restore(self, number: u64, overlay: &mut Overlay) -> Result<(), Misfit> {
        if let Some((key, size, folder)) = self.made {
            if number != reference::made_number(overlay.items.len() as u64) {
                return Err(Misfit);
            }
            overlay.items.push(MadeItem { key: ItemKey(key), size, folder });
        }
        if let Some(touch) = self.touch {
            let touch = match touch {
                KeptTouch::Replaced(key, size) => Touch::Replaced { key: ItemKey(key), size },
                KeptTouch::Deleted => Touch::Deleted,
            };
            overlay.touched.insert(number, touch);
        }
        if let Some((bytes, mime)) = self.foreign {
            overlay.foreign.insert(number, Foreign { bytes, mime });
        }
        let recorded = self.item.is_some() || self.version.is_some() || self.buried.is_some();
        if recorded || self.origin.is_some() || self.left {
            let records = overlay.records.as_deref_mut().ok_or(Misfit)?;
            records.watch.origins.extend(self.origin.map(|origin| (number, origin)));
            records.watch.left.extend(self.left.then_some(number));
            records.items.extend(self.item.map(|item| (number, item)));
            records.versions.extend(self.version.map(|version| (number, version)));
            records.recoverable.extend(self.buried.map(|buried| (number, buried)));
        }
        Ok(())
    }
}

impl Mark {
    /// A mailbox that nobody has touched, of which nothing is kept.
    #[must_use]
    pub fn untouched(provisioned: bool, licensed: bool) -> Self {
        Self { user: (provisioned, licensed), ..Self::default() }
    }

    /// How much there is of a mailbox.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        let overlay = &store.overlay;
        let records = overlay.records.as_deref();
        Self {
            log: overlay.log.len(),
            folder_log: records.map_or(0, |records| records.folder_log.len()),
            purged: records.map_or(0, |records| records.purged.len()),
            folders: overlay.folders.len(),
            changes: records.map_or(0, |records| records.changes),
            sessions: overlay.sessions,
            settled: records.map_or(0, |records| records.settled),
            given: records.map_or(0, |records| records.watch.given),
            stopped: overlay.stopped,
            user: (overlay.provisioned, overlay.licensed),
        }
    }
}

impl Store {
    /// What is to be kept since a mark, and the new mark; nothing if all of it is kept. Items are shared, not copied.
    #[must_use]
    pub fn portion(&self, since: Mark) -> Option<(Portion, Mark)> {
        let mark = Mark::of(self);
        if mark == since {
            return None;
        }
        let Overlay { log, records, .. } = &self.overlay;
        let lines = &log[since.log..];
        let mut changed: BTreeSet<u64> = lines.iter().map(|line| line.number).collect();
        let mut folder_lines = Vec::new();
        if let Some(records) = records {
            changed.extend(&records.purged[since.purged..]);
            let new = (since.folder_log as u32..).zip(&records.folder_log[since.folder_log..]);
            let line = |(place, &(kind, folder)): (u32, &(ChangeKind, u32))| {
                let note = records.watch.folder_notes.get(&place).copied();
                KeptFolderLine { folder, kind: write_kind(kind), note }
            };
            folder_lines = new.map(line).collect();
        }
        let settings = records.as_deref().filter(|records| records.settled != since.settled);
        let line = |line: &Logged| KeptLine { number: line.number, folder: line.folder, kind: write_kind(line.kind) };
        let portion = Portion {
            mailbox: self.kept(),
            items: changed.into_iter().map(|number| (number, KeptItem::of(&self.overlay, number))).collect(),
            settings: settings.map(|records| records.settings.clone()),
            log: (since.log as u64, lines.iter().map(line).collect()),
            folder_log: (since.folder_log as u64, folder_lines),
        };
        Some((portion, mark))
    }

    fn kept(&self) -> KeptMailbox {
        let overlay = &self.overlay;
        let changed = self.folders.iter().chain(self.hidden.values()).filter(|folder| {
            let made = folder.shape.ordinal >= FIRST_MADE_FOLDER && hidden::get(folder.shape.ordinal).is_none();
            made || folder.edited || folder.gone || folder.totals() != Totals::of(&folder.shape)
        });
        let folders = changed.map(|folder| {
            let Totals { items, bytes, changes } = folder.totals();
            KeptFolder {
                ordinal: folder.shape.ordinal,
                parent: folder.shape.parent,
                name: folder.given_name().cloned().filter(|_| folder.edited),
                gone: folder.gone,
                items,
                bytes,
                changes,
            }
        });
        let records = overlay.records.as_deref().map(|records| KeptRecords {
            changes: records.changes,
            given: records.watch.given,
            folders: records.folders.iter().map(|(&ordinal, record)| (ordinal, record.clone())).collect(),
        });
        KeptMailbox {
            stopped: overlay.stopped.map(|stopped| stopped.0),
            provisioned: overlay.provisioned,
            licensed: overlay.licensed,
            sessions: overlay.sessions,
            made_folders: overlay.folders.iter().map(|folder| (folder.parent, folder.name.clone())).collect(),
            folders: folders.collect(),
            records,
        }
    }

    /// Makes an untouched mailbox what it was when it was kept.
    ///
    /// # Errors
    ///
    /// If the parts do not fit together.
    pub fn restore(&mut self, kept: Kept) -> Result<(), Misfit> {
        let Kept { mailbox: kept, settings, items, log, folder_log } = kept;
        let overlay = &mut self.overlay;
        overlay.stopped = kept.stopped.map(Span);
        (overlay.provisioned, overlay.licensed) = (kept.provisioned, kept.licensed);
        overlay.sessions = kept.sessions;
        for (parent, name) in kept.made_folders {
            let ordinal = FIRST_MADE_FOLDER + overlay.folders.len() as u32;
            let kind = FolderKind::User;
            let shape = FolderShape { ordinal, parent: Some(parent), kind, items: 0, bytes: 0, changes_per_day: 0.0 };
            self.folders.push(Folder::new(shape, Some(name.clone()), false));
            overlay.folders.push(MadeFolder { parent, name });
        }
        if let Some(kept) = kept.records {
            overlay.records = Some(Box::new(kept.read(settings.unwrap_or_default(), &folder_log)?));
        }
        for (number, item) in items {
            item.restore(number, overlay)?;
        }
        for line in log {
            overlay.log.push(Logged { number: line.number, folder: line.folder, kind: read_kind(line.kind)? });
        }
        for kept in kept.folders {
            let folder = self.folder(kept.ordinal).ok_or(Misfit)?;
            folder.edited = kept.name.is_some() || folder.shape.parent != kept.parent;
            folder.shape.parent = kept.parent;
            if let Some(name) = kept.name {
                folder.give_name(name);
            }
            folder.gone = kept.gone;
            *folder.totals_mut() = Totals { items: kept.items, bytes: kept.bytes, changes: kept.changes };
        }
        Ok(())
    }
}
