//! Progress kept in a file, so that a run that was stopped or killed can be resumed.
//!
//! Every save is one transaction. Not every transaction is forced to the disk at once: a process that dies loses at most
//! the last few saves, and finds what it had stored in the target since then by looking there. The file carries the
//! scenario's hash and the seed, and is refused by every other run.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mock_server::wire::id::{Id, MailboxKey};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{Checkpoint, CheckpointError, Ended, FolderProgress, Pair, Progress, SkippedItem};
use crate::event::{End, Verification};
use crate::pipeline::cutover::machine::{Cutover, Step};

const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
const PROGRESS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("progress");
const PAIRS: TableDefinition<'_, (u32, &[u8]), &[u8]> = TableDefinition::new("pairs");
const ENDED: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("ended");

/// The layout of the file.
const FORMAT: &str = "1";

/// Every so many saves one is forced to the disk, with all before it (assumed: forcing takes milliseconds, during which
/// no lane of this thread works).
const FORCED_EVERY: u32 = 32;

/// Progress in a file.
pub struct Disk {
    database: Database,
    saves: Cell<u32>,
}

impl Disk {
    /// Opens a file, or makes it if there is none, for the run of one scenario and seed.
    ///
    /// # Errors
    ///
    /// If the file cannot be used, or belongs to another scenario or seed.
    pub fn open(file: &Path, plan_hash: &str, seed: u64) -> Result<Self, CheckpointError> {
        let open = |cause: redb::Error| CheckpointError::Open { file: file.to_path_buf(), cause: Box::new(cause) };
        let database = Database::create(file).map_err(|cause| open(cause.into()))?;
        let disk = Self { database, saves: Cell::new(0) };
        let wanted = format!("{plan_hash} with seed {seed}");
        let found = disk.claim(&wanted).map_err(open)?;
        if found == (FORMAT.to_owned(), wanted.clone()) {
            return Ok(disk);
        }
        let found = if found.0 == FORMAT { found.1 } else { format!("{} of format {}", found.1, found.0) };
        Err(CheckpointError::OtherPlan { file: PathBuf::from(file), found, wanted })
    }

    /// Reads whose file it is; a new one becomes ours.
    fn claim(&self, wanted: &str) -> Result<(String, String), redb::Error> {
        let write = self.database.begin_write()?;
        let found = {
            let mut meta = write.open_table(META)?;
            let format = meta.get("format")?.map(|value| value.value().to_owned());
            let owner = meta.get("run")?.map(|value| value.value().to_owned());
            match (format, owner) {
                (Some(format), Some(owner)) => (format, owner),
                _ => {
                    meta.insert("format", FORMAT)?;
                    meta.insert("run", wanted)?;
                    (FORMAT.to_owned(), wanted.to_owned())
                }
            }
        };
        write.open_table(PROGRESS)?;
        write.open_table(PAIRS)?;
        write.open_table(ENDED)?;
        write.commit()?;
        Ok(found)
    }

    /// Forces everything saved so far to the disk.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn flush(&self) -> Result<(), CheckpointError> {
        let flush = || -> Result<(), redb::Error> { Ok(self.database.begin_write()?.commit()?) };
        flush().map_err(store)
    }

    fn write(&self, change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>) -> Result<(), redb::Error> {
        let saves = self.saves.get() + 1;
        let mut write = self.database.begin_write()?;
        if saves % FORCED_EVERY != 0 {
            write.set_durability(Durability::None)?;
        }
        change(&write)?;
        write.commit()?;
        self.saves.set(saves % FORCED_EVERY);
        Ok(())
    }

    fn read(
        &self,
        table: TableDefinition<'_, u32, &'static [u8]>,
        key: u32,
    ) -> Result<Option<Vec<u8>>, CheckpointError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(table)?;
            Ok(table.get(key)?.map(|value| value.value().to_vec()))
        };
        read().map_err(store)
    }
}

fn store(cause: redb::Error) -> CheckpointError {
    CheckpointError::Store(Box::new(cause))
}

fn encode(id: &Id) -> Vec<u8> {
    match id {
        Id::Number(number) => number.to_be_bytes().into_iter().chain([0]).collect(),
        Id::Text(text) => text.bytes().chain([1]).collect(),
    }
}

fn decode(bytes: &[u8]) -> Option<Id> {
    match bytes.split_last()? {
        (0, number) => Some(Id::Number(u64::from_be_bytes(number.try_into().ok()?))),
        (1, text) => Some(Id::text(std::str::from_utf8(text).ok()?)),
        _ => None,
    }
}

impl Checkpoint for Disk {
    fn load(&self, mailbox: MailboxKey) -> Result<Option<Progress>, CheckpointError> {
        let unreadable = || CheckpointError::Unreadable { mailbox: mailbox.0 };
        let Some(bytes) = self.read(PROGRESS, mailbox.0)? else { return Ok(None) };
        let stored: StoredProgress = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        stored.restore().ok_or_else(unreadable).map(Some)
    }

    fn save(&self, mailbox: MailboxKey, progress: &Progress, pairs: &[Pair]) -> Result<(), CheckpointError> {
        let unreadable = |_| CheckpointError::Unreadable { mailbox: mailbox.0 };
        let bytes = serde_json::to_vec(&StoredProgress::of(progress)).map_err(unreadable)?;
        let change = |write: &WriteTransaction| -> Result<(), redb::Error> {
            write.open_table(PROGRESS)?.insert(mailbox.0, bytes.as_slice())?;
            let mut table = write.open_table(PAIRS)?;
            for pair in pairs {
                table.insert((mailbox.0, encode(&pair.source).as_slice()), encode(&pair.target).as_slice())?;
            }
            Ok(())
        };
        self.write(change).map_err(store)
    }

    fn target_of(&self, mailbox: MailboxKey, source: &Id) -> Result<Option<Id>, CheckpointError> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(PAIRS)?;
            let found = table.get((mailbox.0, encode(source).as_slice()))?;
            Ok(found.map(|value| value.value().to_vec()))
        };
        match read().map_err(store)? {
            None => Ok(None),
            Some(bytes) => decode(&bytes).ok_or(CheckpointError::Unreadable { mailbox: mailbox.0 }).map(Some),
        }
    }

    fn unpaired(&self, mailbox: MailboxKey, mut targets: Vec<Id>) -> Result<Vec<Id>, CheckpointError> {
        let read = || -> Result<BTreeSet<Vec<u8>>, redb::Error> {
            let table = self.database.begin_read()?.open_table(PAIRS)?;
            let from = (mailbox.0, [].as_slice());
            let mut paired = BTreeSet::new();
            for entry in table.range(from..)? {
                let (key, value) = entry?;
                if key.value().0 != mailbox.0 {
                    break;
                }
                paired.insert(value.value().to_vec());
            }
            Ok(paired)
        };
        let paired = read().map_err(store)?;
        targets.retain(|target| !paired.contains(&encode(target)));
        Ok(targets)
    }

    fn finish(&self, mailbox: MailboxKey, ended: &Ended) -> Result<(), CheckpointError> {
        if !ended.is_final() {
            return Ok(());
        }
        let stored = StoredEnd::of(ended);
        let bytes = serde_json::to_vec(&stored).map_err(|_| CheckpointError::Unreadable { mailbox: mailbox.0 })?;
        let change = |write: &WriteTransaction| -> Result<(), redb::Error> {
            write.open_table(ENDED)?.insert(mailbox.0, bytes.as_slice())?;
            Ok(())
        };
        self.write(change).map_err(store)
    }

    fn ended(&self, mailbox: MailboxKey) -> Result<Option<Ended>, CheckpointError> {
        let unreadable = || CheckpointError::Unreadable { mailbox: mailbox.0 };
        let Some(bytes) = self.read(ENDED, mailbox.0)? else { return Ok(None) };
        let stored: StoredEnd = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        Ok(Some(stored.restore()))
    }
}

/// A reference in the file.
#[derive(Serialize, Deserialize)]
enum StoredId {
    N(u64),
    T(String),
}

#[derive(Serialize, Deserialize)]
struct StoredFolder {
    source: StoredId,
    target: StoredId,
    state: Option<StoredId>,
    items: Option<u64>,
    ours: bool,
    restarting: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredSkip {
    folder: u32,
    item: StoredId,
    size: u32,
    large: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredCutover {
    step: u8,
    switches: u32,
    residue: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredProgress {
    folders: Vec<StoredFolder>,
    skipped: Vec<StoredSkip>,
    open: bool,
    requests: u64,
    cutover: Option<StoredCutover>,
}

#[derive(Serialize, Deserialize)]
struct StoredEnd {
    completed: bool,
    expected: u64,
    present: u64,
    missing: u64,
    duplicate: u64,
    skipped: u64,
}

impl StoredId {
    fn of(id: &Id) -> Self {
        match id {
            Id::Number(number) => Self::N(*number),
            Id::Text(text) => Self::T(text.to_string()),
        }
    }

    fn restore(self) -> Id {
        match self {
            Self::N(number) => Id::Number(number),
            Self::T(text) => Id::text(&text),
        }
    }
}

impl StoredProgress {
    fn of(progress: &Progress) -> Self {
        let folder = |folder: &FolderProgress| StoredFolder {
            source: StoredId::of(&folder.source),
            target: StoredId::of(&folder.target),
            state: folder.state.as_ref().map(StoredId::of),
            items: folder.items,
            ours: folder.ours,
            restarting: folder.restarting,
        };
        let skip = |skip: &SkippedItem| StoredSkip {
            folder: skip.folder,
            item: StoredId::of(&skip.item),
            size: skip.size,
            large: skip.large,
        };
        let cutover = |cutover: Cutover| StoredCutover {
            step: cutover.step as u8,
            switches: cutover.switches,
            residue: cutover.residue,
        };
        Self {
            folders: progress.folders.iter().map(folder).collect(),
            skipped: progress.skipped.iter().map(skip).collect(),
            open: progress.open,
            requests: progress.requests,
            cutover: progress.cutover.map(cutover),
        }
    }

    fn restore(self) -> Option<Progress> {
        let folder = |folder: StoredFolder| FolderProgress {
            source: folder.source.restore(),
            target: folder.target.restore(),
            state: folder.state.map(StoredId::restore),
            items: folder.items,
            ours: folder.ours,
            restarting: folder.restarting,
        };
        let skip = |skip: StoredSkip| SkippedItem {
            folder: skip.folder,
            item: skip.item.restore(),
            size: skip.size,
            large: skip.large,
        };
        let cutover = match self.cutover {
            None => None,
            Some(StoredCutover { step, switches, residue }) => {
                Some(Cutover { step: *Step::ALL.get(usize::from(step))?, switches, residue })
            }
        };
        Some(Progress {
            folders: self.folders.into_iter().map(folder).collect(),
            skipped: self.skipped.into_iter().map(skip).collect(),
            open: self.open,
            requests: self.requests,
            cutover,
        })
    }
}

impl StoredEnd {
    fn of(ended: &Ended) -> Self {
        let Verification { expected, present, missing, duplicate, skipped } = ended.verification;
        Self { completed: ended.end == End::Completed, expected, present, missing, duplicate, skipped }
    }

    fn restore(self) -> Ended {
        let Self { completed, expected, present, missing, duplicate, skipped } = self;
        Ended {
            end: if completed { End::Completed } else { End::HalfSwitched },
            verification: Verification { expected, present, missing, duplicate, skipped },
        }
    }
}
