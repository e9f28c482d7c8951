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
mod number;
mod table;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use self::collect::Collector;
use self::decode::Text;
use super::preset::Cohort;

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

/// What the reader of an export should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// The file is in no Unicode encoding.
    AssumedEncoding,
    /// Some bytes mean nothing in the file's encoding.
    BrokenText {
        /// The encoding.
        encoding: &'static str,
    },
    /// The tenant hides names.
    ConcealedNames {
        /// Rows concerned.
        rows: u64,
    },
    /// Deleted mailboxes were left out.
    Deleted {
        /// Rows concerned.
        rows: u64,
    },
    /// Mailboxes of the system were left out.
    System {
        /// Rows concerned.
        rows: u64,
    },
    /// An address occurs again; only its first row counts.
    RepeatedAddress {
        /// Rows left out.
        rows: u64,
        /// The first of them.
        line: u64,
    },
    /// A name occurs again; all of its rows count.
    RepeatedName {
        /// Rows concerned.
        rows: u64,
        /// The first of them.
        line: u64,
    },
    /// Sizes are rounded.
    RoundedSizes {
        /// Rows concerned.
        rows: u64,
    },
    /// Item counts are absent.
    NoItems {
        /// Rows concerned.
        rows: u64,
    },
    /// Rows were folders and have been added up.
    FoldersSummed {
        /// Rows concerned.
        rows: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::AssumedEncoding => {
                f.write_str("the file is not UTF-8 and was read as Windows-1252; letters beyond ASCII may be wrong")
            }
            Self::BrokenText { encoding } => write!(f, "some bytes are not valid {encoding} and were replaced"),
            Self::ConcealedNames { rows } => write!(
                f,
                "names are concealed (32 hexadecimal digits) in {}; joining them with other files will match nothing. \
                 An administrator can show real names under Settings, Org settings, Reports",
                counted(rows)
            ),
            Self::Deleted { rows } => write!(f, "deleted mailboxes were left out: {}", counted(rows)),
            Self::System { rows } => write!(f, "system mailboxes were left out: {}", counted(rows)),
            Self::RepeatedAddress { rows, line } => write!(
                f,
                "addresses that an earlier row has already were skipped: {}, the first on line {line}",
                counted(rows)
            ),
            Self::RepeatedName { rows, line } => write!(
                f,
                "display names that an earlier row has already were kept: {}, the first on line {line}; export \
                 addresses to tell whether they are the same mailbox",
                counted(rows)
            ),
            Self::RoundedSizes { rows } => write!(f, "sizes are rounded, and so approximate, in {}", counted(rows)),
            Self::NoItems { rows } => {
                write!(f, "item counts are absent, and estimated where they are needed, in {}", counted(rows))
            }
            Self::FoldersSummed { rows } => {
                write!(f, "the file lists folders; they were added up by mailbox: {}", counted(rows))
            }
        }
    }
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
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
    /// It is not well-formed.
    #[error("{} is not well-formed: {message}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where and how.
        message: String,
    },
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
    /// Reads an export. The file is read twice, first to find its encoding; it is never held in memory as a whole.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is empty or malformed, or does not list mailboxes. Bad rows are no error.
    pub fn read(file: &Path) -> Result<Self, ImportError> {
        Self::read_unnamed(file).map_err(|stop| stop.of(file))
    }

    fn read_unnamed(file: &Path) -> Result<Self, Stop> {
        let text = Text::detect(File::open(file).map_err(Stop::Read)?).map_err(Stop::Read)?;
        let mut collector = Collector::new();
        text.warn(&mut collector);
        let mut reader = BufReader::new(text.reader(File::open(file).map_err(Stop::Read)?));
        match first_letter(&mut reader).map_err(Stop::Read)? {
            None => return Err(Stop::Empty),
            Some(b'{' | b'[') => json::read(reader, &mut collector)?,
            Some(b'<') => clixml::read(reader, &mut collector)?,
            Some(_) => table::read(reader, &mut collector)?,
        }
        collector.finish()
    }

    /// Bytes of all mailboxes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.mailboxes.iter().map(|mailbox| mailbox.bytes).sum()
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
