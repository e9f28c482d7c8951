//! Real exports: what an organisation already knows about its mailboxes.
//!
//! Reads `MailboxUsageDetail`, `Get-MailboxStatistics`, `Get-EXOMailboxStatistics`, move statistics, folder statistics
//! and tables of people's own making, in every encoding and notation they were seen in. Nothing is silently zero: a row
//! without a readable size is skipped and reported with its line. Knows nothing of servers or pipelines.

mod clixml;
mod collect;
mod column;
mod decode;
pub mod fit;
mod json;
mod notation;
mod number;
mod rows;
mod table;
mod total;
mod warning;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use self::collect::Collector;
use self::decode::Text;
use super::preset::Cohort;

pub use self::warning::Warning;

/// A real export, row by row.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inventory {
    /// Rows of data in the file, skipped and excluded ones included.
    pub rows: u64,
    /// The mailboxes, in the order of the file.
    pub mailboxes: Vec<InventoryMailbox>,
    /// Rows that could not be used.
    pub skipped: Vec<Skipped>,
    /// What the reader should know before trusting the numbers.
    pub warnings: Vec<Warning>,
    /// Whether the file says what kind of mailbox each is.
    pub knows_kinds: bool,
    /// Whether the file says when each was last used.
    pub knows_use: bool,
    /// Whether the file says which of them have an archive.
    pub knows_archives: bool,
}

/// A mailbox of an export.
#[derive(Clone, PartialEq, Debug)]
pub struct InventoryMailbox {
    /// Address or name, as the file has it.
    pub name: Box<str>,
    /// Company, tenant or unit; the domain of the address if the file names none.
    pub organisation: Option<Box<str>>,
    /// The kind; a person's if the file does not tell.
    pub kind: Cohort,
    /// Size in bytes.
    pub bytes: u64,
    /// Items, if the file tells.
    pub items: Option<u64>,
    /// Whether it has an online archive, if the file tells.
    pub has_archive: Option<bool>,
    /// Size of the archive in bytes, if the file tells.
    pub archive_bytes: Option<u64>,
    /// Bytes of deleted items that are kept besides, if the file tells.
    pub deleted_bytes: Option<u64>,
    /// Whether it was ever used, if the file tells.
    pub was_used: Option<bool>,
    /// The line of the file, or the number of the record in a JSON or CLIXML file.
    pub line: u64,
}

/// A row that could not be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The line of the file, or the number of the record in a JSON or CLIXML file.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Why a file is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read the inventory {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("the inventory {} is empty", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// It has no rows that describe mailboxes.
    #[error(
        "{} has no mailbox rows: found {found}; expected a table with one mailbox in each row, a column that names it \
         (such as `User Principal Name` or `DisplayName`) and one with its size (such as `Storage Used (Byte)` or \
         `TotalItemSize`)", file.display()
    )]
    NoMailboxes {
        /// The file.
        file: PathBuf,
        /// What is in it instead.
        found: String,
    },
    /// None of its rows can be used.
    #[error("{0}")]
    NoneUsable(Box<NoneUsable>),
    /// It is not well-formed.
    #[error("{} is not well-formed: {message}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where and how.
        message: String,
    },
}

/// An export without a single mailbox that can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoneUsable {
    /// The file.
    pub file: PathBuf,
    /// Rows that could not be used.
    pub skipped: u64,
    /// Rows of deleted mailboxes and of those of the system.
    pub left_out: u64,
    /// The first row that could not be used.
    pub first: Option<Skipped>,
}

impl fmt::Display for NoneUsable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |rows: u64, verb: &str| {
            if rows == 1 { format!("1 row was {verb}") } else { format!("{rows} rows were {verb}") }
        };
        write!(f, "{} has no mailbox that can be used: {}", self.file.display(), rows(self.skipped, "skipped"))?;
        if let Some(Skipped { line, reason }) = &self.first {
            write!(f, " (first line {line}: {reason})")?;
        }
        if self.left_out > 0 {
            write!(f, ", and {} as deleted or the system's", rows(self.left_out, "left out"))?;
        }
        f.write_str("; expected at least one row with a name and a size")
    }
}

/// Why reading stopped; the file's name is added later.
#[derive(Debug)]
enum Stop {
    Read(io::Error),
    Empty,
    NoMailboxes(String),
    Malformed(String),
}

impl Stop {
    fn of(self, file: &Path) -> ImportError {
        let file = file.to_owned();
        match self {
            Self::Read(source) => ImportError::Read { file, source },
            Self::Empty => ImportError::Empty { file },
            Self::NoMailboxes(found) => ImportError::NoMailboxes { file, found },
            Self::Malformed(message) => ImportError::Malformed { file, message },
        }
    }
}

impl Inventory {
    /// Reads an export. A file is read twice, first to find its encoding, and never held in memory as a whole; what can
    /// be read only once, such as a pipe, is.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is empty or malformed, or does not list mailboxes. Bad rows are no error.
    pub fn read(file: &Path) -> Result<Self, ImportError> {
        Self::read_told(file, &|_| {})
    }

    /// Reads an export and tells after each part how many bytes of the file were read.
    ///
    /// # Errors
    ///
    /// As [`Inventory::read`].
    pub fn read_told(file: &Path, told: &dyn Fn(u64)) -> Result<Self, ImportError> {
        Self::read_file(file, told).map_err(|stop| stop.of(file))
    }

    /// Reads an export from a stream, which is called by a name.
    ///
    /// # Errors
    ///
    /// As [`Inventory::read`].
    pub fn read_stream(stream: impl Read, name: &Path) -> Result<Self, ImportError> {
        Self::read_once(stream).map_err(|stop| stop.of(name))
    }

    fn read_file(file: &Path, told: &dyn Fn(u64)) -> Result<Self, Stop> {
        let mut opened = File::open(file).map_err(Stop::Read)?;
        if !opened.metadata().map_err(Stop::Read)?.is_file() {
            return Self::read_once(opened);
        }
        let text = Text::detect(&opened).map_err(Stop::Read)?;
        opened.rewind().map_err(Stop::Read)?;
        Self::read_text(text, Watched { reader: opened, read: 0, told })
    }

    fn read_once(mut stream: impl Read) -> Result<Self, Stop> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map_err(Stop::Read)?;
        let text = Text::detect(&bytes[..]).map_err(Stop::Read)?;
        Self::read_text(text, &bytes[..])
    }

    fn read_text(text: Text, bytes: impl Read) -> Result<Self, Stop> {
        let mut collector = Collector::new();
        text.warn(&mut collector);
        let mut reader = BufReader::new(text.reader(bytes));
        match first_letter(&mut reader).map_err(Stop::Read)? {
            None => return Err(Stop::Empty),
            Some(b'{' | b'[') => json::read(reader, &mut collector)?,
            Some(b'<') => clixml::read(reader, &mut collector)?,
            Some(_) => table::read(reader, &mut collector)?,
        }
        collector.finish()
    }

    /// Whether there is a mailbox at all.
    ///
    /// # Errors
    ///
    /// If every row was skipped or left out.
    pub fn usable(&self, file: &Path) -> Result<(), ImportError> {
        if !self.mailboxes.is_empty() {
            return Ok(());
        }
        let skipped = self.skipped.len() as u64;
        let (file, first) = (file.to_owned(), self.skipped.first().cloned());
        Err(ImportError::NoneUsable(Box::new(NoneUsable { file, skipped, left_out: self.rows - skipped, first })))
    }

    /// Bytes of all mailboxes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.mailboxes.iter().map(|mailbox| mailbox.bytes).sum()
    }

    /// Bytes of all archives whose size is known; nothing if there are none.
    #[must_use]
    pub fn archive_bytes(&self) -> Option<u64> {
        let known = self.mailboxes.iter().filter_map(|mailbox| mailbox.archive_bytes);
        known.fold(None, |sum, bytes| Some(sum.unwrap_or(0) + bytes))
    }

    /// Items of all mailboxes whose items are known; nothing if there are none.
    #[must_use]
    pub fn items(&self) -> Option<u64> {
        let known: Vec<u64> = self.mailboxes.iter().filter_map(|mailbox| mailbox.items).collect();
        if known.is_empty() { None } else { Some(known.iter().sum()) }
    }

    /// Mailboxes with an archive; nothing if the file does not tell.
    #[must_use]
    pub fn archives(&self) -> Option<u64> {
        self.knows_archives
            .then(|| self.mailboxes.iter().filter(|mailbox| mailbox.has_archive == Some(true)).count() as u64)
    }

    /// Sizes in bytes, ascending.
    #[must_use]
    pub fn sizes(&self) -> Vec<f64> {
        let mut sizes: Vec<f64> = self.mailboxes.iter().map(|mailbox| mailbox.bytes as f64).collect();
        sizes.sort_by(f64::total_cmp);
        sizes
    }

    /// Item counts, ascending, of those mailboxes that have one.
    #[must_use]
    pub fn item_counts(&self) -> Vec<f64> {
        let mut items: Vec<f64> =
            self.mailboxes.iter().filter_map(|mailbox| mailbox.items).map(|items| items as f64).collect();
        items.sort_by(f64::total_cmp);
        items
    }
}

/// A reader that tells how much was read.
struct Watched<'t, R> {
    reader: R,
    read: u64,
    told: &'t dyn Fn(u64),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.read += count as u64;
        (self.told)(self.read);
        Ok(count)
    }
}

/// The first character that is no white space, without consuming anything from it on.
fn first_letter<R: Read>(reader: &mut BufReader<R>) -> io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        let Some(&first) = buffer.first() else { return Ok(None) };
        if !first.is_ascii_whitespace() || first == b'\n' || first == b'\t' {
            let letter = buffer.iter().copied().find(|letter| !letter.is_ascii_whitespace());
            return Ok(letter);
        }
        reader.consume(1);
    }
}
