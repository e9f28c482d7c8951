//! Progress kept in a file, so that a run that was stopped or killed can be resumed.
//!
//! Every save is one transaction. Not every transaction is forced to the disk at once: a process that dies loses at most
//! the last few saves, and finds what it had stored in the target since then by looking there. The file carries the
//! scenario's hash and the seed, and is refused by every other run.

mod stored;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use mock_server::wire::id::{Id, MailboxKey};
use redb::backends::InMemoryBackend;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use tempfile::NamedTempFile;

use self::stored::{StoredEnd, StoredProgress};
use super::{Checkpoint, CheckpointError, Ended, Pair, Progress};

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
        let wanted = format!("{plan_hash} with seed {seed}");
        if !file.exists() {
            Self::make(file, &wanted).map_err(open)?;
        }
        let database = Database::create(file).map_err(|cause| open(cause.into()))?;
        let disk = Self { database, saves: Cell::new(0) };
        let found = disk.claim(&wanted).map_err(open)?;
        if found == (FORMAT.to_owned(), wanted.clone()) {
            return Ok(disk);
        }
        let found = if found.0 == FORMAT { found.1 } else { format!("{} of format {}", found.1, found.0) };
        Err(CheckpointError::OtherPlan { file: PathBuf::from(file), found, wanted })
    }

    /// Makes the file of a run. It appears whole: what a dying process leaves half made, nobody could open.
    fn make(file: &Path, wanted: &str) -> Result<(), redb::Error> {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let new = NamedTempFile::new_in(directory.unwrap_or(Path::new("."))).map_err(redb::Error::Io)?;
        let handle = new.reopen().map_err(redb::Error::Io)?;
        Self { database: Database::builder().create_file(handle)?, saves: Cell::new(0) }.claim(wanted)?;
        match new.persist_noclobber(file) {
            // Another process was faster; whose file it is will be seen.
            Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(failed) => Err(redb::Error::Io(failed.error)),
            Ok(_) => Ok(()),
        }
    }

    /// The same in memory, from where it can be [copied](Self::copy_to) to a file.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn in_memory(plan_hash: &str, seed: u64) -> Result<Self, CheckpointError> {
        let make = || -> Result<Self, redb::Error> {
            let database = Database::builder().create_with_backend(InMemoryBackend::new())?;
            let disk = Self { database, saves: Cell::new(0) };
            disk.claim(&format!("{plan_hash} with seed {seed}"))?;
            Ok(disk)
        };
        make().map_err(store)
    }

    /// Adds all progress that is kept here to another file of the same run.
    ///
    /// # Errors
    ///
    /// If one of the files cannot be used.
    pub fn copy_to(&self, other: &Self) -> Result<(), CheckpointError> {
        let copy = || -> Result<(), redb::Error> {
            let (read, write) = (self.database.begin_read()?, other.database.begin_write()?);
            for rows in [PROGRESS, ENDED] {
                let mut table = write.open_table(rows)?;
                for entry in read.open_table(rows)?.iter()? {
                    let (key, value) = entry?;
                    table.insert(key.value(), value.value())?;
                }
            }
            {
                let mut table = write.open_table(PAIRS)?;
                for entry in read.open_table(PAIRS)?.iter()? {
                    let (key, value) = entry?;
                    table.insert(key.value(), value.value())?;
                }
            }
            Ok(write.commit()?)
        };
        copy().map_err(store)
    }

    /// Reads whose file it is; a new one becomes ours.
    fn claim(&self, wanted: &str) -> Result<(String, String), redb::Error> {
        let write = self.database.begin_write()?;
        let found = {
            let mut meta = write.open_table(META)?;
            let format = meta.get("format")?.map(|value| value.value().to_owned());
            let owner = meta.get("run")?.map(|value| value.value().to_owned());
            if let (Some(format), Some(owner)) = (format, owner) {
                (format, owner)
            } else {
                meta.insert("format", FORMAT)?;
                meta.insert("run", wanted)?;
                (FORMAT.to_owned(), wanted.to_owned())
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

    fn write(
        &self,
        force: bool,
        change: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let force = force || self.saves.get() + 1 == FORCED_EVERY;
        let mut write = self.database.begin_write()?;
        if !force {
            write.set_durability(Durability::None)?;
        }
        change(&write)?;
        write.commit()?;
        self.saves.set(if force { 0 } else { self.saves.get() + 1 });
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
        // That a run is at work on the mailbox, and on which folders, must be on the disk before the first item is stored
        // in the target: only then does a resumed run look for what it may find there. So must be how far the cutover is
        // before what cannot be done again is done.
        let force = pairs.is_empty() && progress.cutover.is_none_or(|cutover| cutover.step.must_last());
        self.write(force, change).map_err(store)
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
        if targets.is_empty() {
            return Ok(targets);
        }
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
        self.write(true, change).map_err(store)
    }

    fn ended(&self, mailbox: MailboxKey) -> Result<Option<Ended>, CheckpointError> {
        let unreadable = || CheckpointError::Unreadable { mailbox: mailbox.0 };
        let Some(bytes) = self.read(ENDED, mailbox.0)? else { return Ok(None) };
        let stored: StoredEnd = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        Ok(Some(stored.restore()))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::cutover::{Cutover, Step};
    use crate::checkpoint::{FolderProgress, SkippedItem};
    use crate::event::{End, Verification};

    fn id() -> impl Strategy<Value = Id> {
        prop_oneof![any::<u64>().prop_map(Id::Number), "[a-z=/+]{0,9}".prop_map(|text| Id::text(&text))]
    }

    fn progress() -> impl Strategy<Value = Progress> {
        let number = || prop::option::of(any::<u64>());
        let folder = (id(), id(), prop::option::of(id()), number(), any::<bool>(), any::<bool>(), number()).prop_map(
            |(source, target, state, items, ours, restarting, place)| FolderProgress {
                source,
                target,
                state,
                items,
                ours,
                restarting,
                place: place.and_then(NonZeroU64::new),
            },
        );
        let skip = (any::<u32>(), id(), any::<u32>(), any::<bool>())
            .prop_map(|(folder, item, size, large)| SkippedItem { folder, item, size, large });
        let cutover = (prop::sample::select(Step::ALL.to_vec()), any::<u32>(), any::<bool>())
            .prop_map(|(step, switches, residue)| Cutover { step, switches, residue });
        (
            prop::collection::vec(folder, 0..5),
            prop::collection::vec(skip, 0..3),
            any::<bool>(),
            any::<u64>(),
            prop::option::of(cutover),
        )
            .prop_map(|(folders, skipped, open, requests, cutover)| Progress {
                folders: Arc::new(folders),
                skipped,
                open,
                requests,
                cutover,
                verification: Verification { expected: requests, ..Verification::default() },
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_was_saved_is_there_when_the_file_is_opened_again(
            progress in progress(), pairs in prop::collection::btree_map(id(), id(), 0..9),
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("checkpoint");
            let mailbox = MailboxKey(7);
            let pairs: Vec<Pair> = pairs.into_iter().map(|(source, target)| Pair { source, target }).collect();
            {
                let disk = Disk::open(&file, "plan", 1).expect("a new file");
                disk.save(mailbox, &progress, &pairs).expect("saved");
                disk.save(MailboxKey(8), &Progress::default(), &[]).expect("saved");
                disk.flush().expect("flushed");
            }
            let disk = Disk::in_memory("plan", 1).expect("memory");
            Disk::open(&file, "plan", 1).and_then(|file| file.copy_to(&disk)).expect("the same file");
            prop_assert_eq!(disk.load(mailbox).expect("loaded"), Some(progress));
            prop_assert_eq!(disk.load(MailboxKey(9)).expect("loaded"), None);
            for pair in &pairs {
                let found = disk.target_of(mailbox, &pair.source).expect("found");
                prop_assert_eq!(found.as_ref(), Some(&pair.target));
                prop_assert_eq!(disk.target_of(MailboxKey(8), &pair.source).expect("read"), None);
            }
            let targets: Vec<Id> = pairs.iter().map(|pair| pair.target.clone()).collect();
            prop_assert!(disk.unpaired(mailbox, targets.clone()).expect("read").is_empty());
            prop_assert_eq!(disk.unpaired(MailboxKey(6), targets.clone()).expect("read"), targets);
        }
    }

    #[test]
    fn a_file_of_another_scenario_or_seed_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("checkpoint");
        drop(Disk::open(&file, "0123", 1).expect("a new file"));
        for (hash, seed) in [("0123", 2), ("4567", 1)] {
            let Err(error) = Disk::open(&file, hash, seed) else { panic!("{hash} {seed} was let in") };
            let text = error.to_string();
            assert!(text.contains("belongs to scenario 0123 with seed 1"), "{text}");
        }
        assert!(Disk::open(&file, "0123", 1).is_ok());
    }

    /// What a process that is killed leaves behind: the file as it is while it is in use.
    fn killed(file: &Path) -> Disk {
        let left = file.with_extension("left");
        std::fs::copy(file, &left).expect("a copy");
        Disk::open(&left, "plan", 1).expect("a file that can be repaired")
    }

    #[test]
    fn how_far_a_cutover_is_survives_a_kill_before_what_cannot_be_done_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("checkpoint");
        let disk = Disk::open(&file, "plan", 1).expect("a new file");
        let mailbox = MailboxKey(3);
        for step in Step::ALL {
            let cutover = Some(Cutover { step, switches: 0, residue: false });
            let progress = Progress { cutover, requests: step as u64, ..Progress::default() };
            disk.save(mailbox, &progress, &[]).expect("saved");
            let left = killed(&file).load(mailbox).expect("read");
            assert_eq!(left.is_some_and(|left| left == progress), step.must_last(), "{step:?}");
        }
        let ended = Ended { end: End::Completed, verification: Verification::default() };
        disk.finish(mailbox, &ended).expect("saved");
        assert_eq!(killed(&file).ended(mailbox).expect("read"), Some(ended));
    }

    #[test]
    fn only_final_ends_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::open(&folder.path().join("checkpoint"), "plan", 1).expect("a new file");
        let verification = Verification { expected: 9, present: 8, missing: 0, duplicate: 0, skipped: 1, added: 2 };
        for (number, end) in [End::Completed, End::Failed, End::HalfSwitched, End::Unfinished].into_iter().enumerate() {
            let mailbox = MailboxKey(number as u32);
            let ended = Ended { end, verification };
            disk.finish(mailbox, &ended).expect("saved");
            assert_eq!(disk.ended(mailbox).expect("read"), ended.is_final().then_some(ended));
        }
    }
}
