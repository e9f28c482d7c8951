//! The file: tables of mailboxes, items and logs, changed in transactions.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition,
    TableError, WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StateError;
use crate::mailbox::keep::Kept;
use crate::service::keep::Unsaved;
use crate::service::switch::KeptSwitch;
use crate::time::Span;
use crate::wire::id::MailboxKey;

/// The layout of the file. It names the tables and what their rows hold, so that any change of either is another one.
const FORMAT: &str = "1";

/// How the files of the database engine begin (redb, `docs/design.md`, "Database header").
const MAGIC: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// What is known of the whole: `format`, `owner`.
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");
/// Numbers: `clock` (nanoseconds of the staging clock), `starts`.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// Addresses of mailboxes that were added, by their place.
const ADDED: TableDefinition<'_, u64, &str> = TableDefinition::new("added");
/// Everything of a mailbox but items, logs and settings, by mailbox.
const MAILBOXES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("mailboxes");
/// Items, by mailbox and number.
const ITEMS: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("items");
/// Lines of the log of items, by mailbox and place.
const LOG: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("log");
/// Lines of the log of folders, by mailbox and place.
const FOLDER_LOG: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("folder_log");
/// Settings, by mailbox.
const SETTINGS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("settings");
/// Switches, by mailbox.
const SWITCHES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("switches");

/// How much of the file is held in memory, in bytes (assumed: writing is not slower with more).
const CACHE_BYTES: usize = 16 << 20;

/// A file with state, which belongs to one kind of server.
#[derive(Debug)]
pub struct StateFile {
    database: Database,
    path: PathBuf,
}

/// How a server begins that has been there before.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Begun {
    /// What the staging clock showed last.
    pub(super) clock: Option<Span>,
    /// How often it was started before.
    pub(super) starts: u64,
}

impl StateFile {
    /// Opens a file, or makes it if there is none. `owner` says whose state it is, in words that follow "the state of":
    /// everything that numbers of mailboxes and items depend on.
    ///
    /// # Errors
    ///
    /// If the file cannot be used, is of another format or holds the state of another owner.
    pub fn open(path: &Path, owner: &str) -> Result<Self, StateError> {
        let file = || path.to_owned();
        if !may_be_database(path).map_err(|error| unusable(path, error.into()))? {
            return Err(StateError::Foreign { file: file() });
        }
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StateError::Taken { file: file() },
            other => unusable(path, other.into()),
        })?;
        let Some((format, found)) = claim(&database, owner).map_err(|error| unusable(path, error))? else {
            return Err(StateError::Foreign { file: file() });
        };
        if format != FORMAT {
            return Err(StateError::Format { file: file(), found: format, expected: FORMAT });
        }
        if found != owner {
            return Err(StateError::Other { file: file(), found, expected: owner.to_owned() });
        }
        Ok(Self { database, path: file() })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, source: redb::Error) -> StateError {
        unusable(&self.path, source)
    }

    fn unreadable(&self, mailbox: u32) -> StateError {
        StateError::Unreadable { file: self.path.clone(), mailbox }
    }

    /// Counts one more start.
    pub(super) fn begin(&self) -> Result<Begun, StateError> {
        let begin = || -> Result<Begun, redb::Error> {
            let write = self.database.begin_write()?;
            let begun = {
                let mut numbers = write.open_table(NUMBERS)?;
                let clock = numbers.get("clock")?.map(|clock| Span(clock.value()));
                let starts = numbers.get("starts")?.map_or(0, |starts| starts.value());
                numbers.insert("starts", starts + 1)?;
                Begun { clock, starts }
            };
            write.commit()?;
            Ok(begun)
        };
        begin().map_err(|error| self.failed(error))
    }

    /// The addresses of mailboxes that were added, in their order.
    pub(super) fn added(&self) -> Result<Vec<String>, StateError> {
        let read = || -> Result<Vec<String>, redb::Error> {
            let table = self.database.begin_read()?.open_table(ADDED)?;
            let rows = table.iter()?;
            rows.map(|row| Ok(row?.1.value().to_owned())).collect()
        };
        read().map_err(|error| self.failed(error))
    }

    /// All switches.
    pub(super) fn switches(&self) -> Result<Vec<(MailboxKey, KeptSwitch)>, StateError> {
        let read = || -> Result<Vec<(u32, Vec<u8>)>, redb::Error> {
            let table = self.database.begin_read()?.open_table(SWITCHES)?;
            let rows = table.iter()?;
            rows.map(|row| row.map(|(mailbox, row)| (mailbox.value(), row.value().to_vec())).map_err(Into::into))
                .collect()
        };
        let rows = read().map_err(|error| self.failed(error))?;
        let kept = |(mailbox, row): (u32, Vec<u8>)| Ok((MailboxKey(mailbox), self.decode(mailbox, &row)?));
        rows.into_iter().map(kept).collect()
    }

    /// Hands every mailbox out, one after the other.
    pub(super) fn mailboxes(
        &self,
        mut take: impl FnMut(MailboxKey, Kept) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let tables = |read: &ReadTransaction| -> Result<Tables, redb::Error> {
            Ok(Tables {
                settings: read.open_table(SETTINGS)?,
                items: read.open_table(ITEMS)?,
                log: read.open_table(LOG)?,
                folder_log: read.open_table(FOLDER_LOG)?,
            })
        };
        let open = || -> Result<_, redb::Error> {
            let read = self.database.begin_read()?;
            Ok((read.open_table(MAILBOXES)?, tables(&read)?))
        };
        let (mailboxes, tables) = open().map_err(|error| self.failed(error))?;
        let failed = |error: redb::StorageError| self.failed(error.into());
        for row in mailboxes.iter().map_err(failed)? {
            let (mailbox, row) = row.map_err(failed)?;
            let mailbox = mailbox.value();
            let settings = tables.settings.get(mailbox).map_err(failed)?;
            let kept = Kept {
                mailbox: self.decode(mailbox, row.value())?,
                settings: settings.map(|row| self.decode(mailbox, row.value())).transpose()?,
                items: self.rows(&tables.items, mailbox)?,
                log: self.lines(&tables.log, mailbox)?,
                folder_log: self.lines(&tables.folder_log, mailbox)?,
            };
            take(MailboxKey(mailbox), kept)?;
        }
        Ok(())
    }

    fn decode<T: DeserializeOwned>(&self, mailbox: u32, bytes: &[u8]) -> Result<T, StateError> {
        postcard::from_bytes(bytes).map_err(|_| self.unreadable(mailbox))
    }

    /// The rows of a mailbox, each with the second part of its key.
    fn rows<T: DeserializeOwned>(&self, table: &Rows, mailbox: u32) -> Result<Vec<(u64, T)>, StateError> {
        let failed = |error: redb::StorageError| self.failed(error.into());
        let rows = table.range((mailbox, 0)..=(mailbox, u64::MAX)).map_err(failed)?;
        let decoded = rows.map(|row| {
            let (key, row) = row.map_err(failed)?;
            Ok((key.value().1, self.decode(mailbox, row.value())?))
        });
        decoded.collect()
    }

    /// The lines of a log of a mailbox, which must be all there.
    fn lines<T: DeserializeOwned>(&self, table: &Rows, mailbox: u32) -> Result<Vec<T>, StateError> {
        let rows: Vec<(u64, T)> = self.rows(table, mailbox)?;
        let all_there = (0..).zip(&rows).all(|(place, (own, _))| place == *own);
        if all_there { Ok(rows.into_iter().map(|(_, line)| line).collect()) } else { Err(self.unreadable(mailbox)) }
    }

    /// Writes what changed, one batch after the other, all of it or nothing. When this returns, the disk has it.
    ///
    /// # Errors
    ///
    /// If the disk refuses.
    pub fn write(&self, batches: &[Unsaved]) -> Result<(), StateError> {
        let write = || -> Result<(), redb::Error> {
            let mut write = self.database.begin_write()?;
            // Whoever is killed finds the file again at once, whatever its size.
            write.set_quick_repair(true);
            for batch in batches {
                write_to(&write, batch)?;
            }
            Ok(write.commit()?)
        };
        write().map_err(|error| self.failed(error))
    }
}

/// A table of rows by mailbox and a number.
type Rows = ReadOnlyTable<(u32, u64), &'static [u8]>;

struct Tables {
    settings: ReadOnlyTable<u32, &'static [u8]>,
    items: Rows,
    log: Rows,
    folder_log: Rows,
}

fn unusable(file: &Path, source: redb::Error) -> StateError {
    StateError::Open { file: file.to_owned(), source: Box::new(source) }
}

/// Whether a file is new, empty, or begins as databases do.
fn may_be_database(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut beginning = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning.is_empty() || beginning == MAGIC)
}

/// Reads how a database is laid out and whose it is; a new one becomes ours. Nothing if it is something else's.
fn claim(database: &Database, owner: &str) -> Result<Option<(String, String)>, redb::Error> {
    let write = database.begin_write()?;
    let is_new = write.list_tables()?.next().is_none();
    let found = {
        let mut meta = match write.open_table(META) {
            Err(TableError::TableTypeMismatch { .. } | TableError::TableIsMultimap(_)) => return Ok(None),
            meta => meta?,
        };
        if is_new {
            meta.insert("format", FORMAT)?;
            meta.insert("owner", owner)?;
        }
        let format = meta.get("format")?.map(|value| value.value().to_owned());
        let owner = meta.get("owner")?.map(|value| value.value().to_owned());
        format.zip(owner)
    };
    let Some(found) = found else {
        write.abort()?;
        return Ok(None);
    };
    if found.0 != FORMAT {
        // The other format's tables are not ours to make.
        write.abort()?;
        return Ok(Some(found));
    }
    write.open_table(NUMBERS)?;
    write.open_table(ADDED)?;
    write.open_table(MAILBOXES)?;
    for rows in [ITEMS, LOG, FOLDER_LOG] {
        write.open_table(rows)?;
    }
    for rows in [SETTINGS, SWITCHES] {
        write.open_table(rows)?;
    }
    write.commit()?;
    Ok(Some(found))
}

/// The written form of a row.
fn encode(row: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(row).expect("rows are made of plain values")
}

fn write_to(write: &WriteTransaction, unsaved: &Unsaved) -> Result<(), redb::Error> {
    write.open_table(NUMBERS)?.insert("clock", unsaved.clock.0)?;
    let [mut mailboxes, mut settings, mut switches] =
        [write.open_table(MAILBOXES)?, write.open_table(SETTINGS)?, write.open_table(SWITCHES)?];
    let [mut items, mut log, mut folder_log] =
        [write.open_table(ITEMS)?, write.open_table(LOG)?, write.open_table(FOLDER_LOG)?];
    for &MailboxKey(mailbox) in &unsaved.forgotten {
        mailboxes.remove(mailbox)?;
        settings.remove(mailbox)?;
        for table in [&mut items, &mut log, &mut folder_log] {
            table.retain_in((mailbox, 0)..=(mailbox, u64::MAX), |_, _| false)?;
        }
    }
    for (MailboxKey(mailbox), portion) in &unsaved.mailboxes {
        mailboxes.insert(mailbox, encode(&portion.mailbox).as_slice())?;
        if let Some(changed) = &portion.settings {
            settings.insert(mailbox, encode(changed).as_slice())?;
        }
        for (number, item) in &portion.items {
            if item.is_empty() {
                items.remove((*mailbox, *number))?;
            } else {
                items.insert((*mailbox, *number), encode(item).as_slice())?;
            }
        }
        add_lines(&mut log, *mailbox, &portion.log)?;
        add_lines(&mut folder_log, *mailbox, &portion.folder_log)?;
    }
    let mut added = write.open_table(ADDED)?;
    for (place, address) in &unsaved.added {
        added.insert(place, address.as_str())?;
    }
    for (MailboxKey(mailbox), switch) in &unsaved.switches {
        match switch {
            Some(switch) => switches.insert(mailbox, encode(switch).as_slice())?,
            None => switches.remove(mailbox)?,
        };
    }
    Ok(())
}

/// Adds lines to a log, from a place on.
fn add_lines<T: Serialize>(
    table: &mut Table<'_, (u32, u64), &[u8]>,
    mailbox: u32,
    (first, lines): &(u64, Vec<T>),
) -> Result<(), redb::Error> {
    for (place, line) in (*first..).zip(lines) {
        table.insert((mailbox, place), encode(line).as_slice())?;
    }
    Ok(())
}
