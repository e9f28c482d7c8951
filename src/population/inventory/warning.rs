//! What the reader of an export is told before trusting its numbers.

use std::fmt;

use super::Inventory;

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
    /// Quoted cells have many lines: a quote may be astray, and rows lost in the cell.
    LongRows {
        /// Rows concerned.
        rows: u64,
        /// The first of them.
        line: u64,
    },
    /// The last row is the sum of the others, and was left out.
    TotalRow {
        /// What it is called.
        name: String,
        /// Its line.
        line: u64,
    },
    /// The file is one page of several.
    OnePage,
    /// Whether a mailbox is deleted is said in a word that means neither yes nor no.
    UnknownTruth {
        /// The heading of the column.
        heading: String,
        /// The first of these words.
        text: String,
        /// Its line.
        line: u64,
        /// Rows concerned.
        rows: u64,
    },
    /// Several columns could be the one that is meant.
    SeveralColumns {
        /// What it tells.
        what: &'static str,
        /// The heading of the column that was taken, and its number from one.
        taken: (String, usize),
        /// The others.
        others: Vec<(String, usize)>,
    },
    /// Numbers whose mark could group thousands or begin decimals, in a column that does not decide which.
    DoubtfulMarks {
        /// The heading of the column.
        heading: String,
        /// The first of the numbers.
        text: String,
        /// Its line.
        line: u64,
        /// Rows concerned.
        rows: u64,
        /// Whether the mark was taken to begin decimals.
        as_decimals: bool,
        /// Whether other numbers of the column contradict each other, instead of being silent.
        is_mixed: bool,
    },
    /// Nothing names the unit of bare numbers; they were taken as bytes.
    AssumedBytes {
        /// The heading of the column.
        heading: String,
        /// Rows concerned.
        rows: u64,
    },
    /// Items would be smaller than any message is: the unit of the sizes is probably another.
    TinyItems {
        /// Bytes of the mean item.
        mean: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AssumedEncoding => {
                f.write_str("the file is not UTF-8 and was read as Windows-1252; letters beyond ASCII may be wrong")
            }
            Self::BrokenText { encoding } => write!(f, "some bytes are not valid {encoding} and were replaced"),
            Self::ConcealedNames { rows } => write!(
                f,
                "names are concealed (32 hexadecimal digits) in {}; joining them with other files will match nothing. \
                 An administrator can show real names under Settings, Org settings, Reports",
                counted(*rows)
            ),
            Self::Deleted { rows } => write!(f, "deleted mailboxes were left out: {}", counted(*rows)),
            Self::System { rows } => write!(f, "system mailboxes were left out: {}", counted(*rows)),
            Self::RepeatedAddress { rows, line } => write!(
                f,
                "addresses that an earlier row has already were skipped: {}, the first on line {line}",
                counted(*rows)
            ),
            Self::RepeatedName { rows, line } => write!(
                f,
                "display names that an earlier row has already were kept: {}, the first on line {line}; export \
                 addresses to tell whether they are the same mailbox",
                counted(*rows)
            ),
            Self::RoundedSizes { rows } => write!(f, "sizes are rounded, and so approximate, in {}", counted(*rows)),
            Self::NoItems { rows } => {
                write!(f, "item counts are absent, and estimated where they are needed, in {}", counted(*rows))
            }
            Self::FoldersSummed { rows } => {
                write!(f, "the file lists folders; they were added up by mailbox: {}", counted(*rows))
            }
            Self::TotalRow { name, line } => {
                write!(f, "the last row, `{name}` on line {line}, is the sum of the others and was left out")
            }
            Self::OnePage => f.write_str(
                "CHECK THIS: the file is one page of several (it has an `@odata.nextLink`), so mailboxes are missing; \
                 fetch the other pages and put all `value` arrays into one",
            ),
            Self::UnknownTruth { heading, text, line, rows } => write!(
                f,
                "CHECK THIS: `{text}` under `{heading}` on line {line} means neither yes nor no; such mailboxes count as \
                 not deleted: {}",
                counted(*rows)
            ),
            Self::SeveralColumns { what, taken, others } => {
                let column = |(heading, number): &(String, usize)| format!("`{heading}` (column {number})");
                let others: Vec<String> = others.iter().map(column).collect();
                let (taken, others) = (column(taken), others.join(", "));
                write!(f, "CHECK THIS: {what} was taken from {taken}, but could be in {others} as well")
            }
            Self::LongRows { rows, line } => write!(
                f,
                "CHECK THIS: quoted cells have more than three lines in {}, the first from line {line}; if a quote is \
                 astray, rows are lost in them",
                counted(*rows)
            ),
            Self::DoubtfulMarks { heading, text, line, rows, as_decimals, is_mixed } => {
                let column = if *is_mixed {
                    "other numbers of the column contradict each other"
                } else {
                    "no number of the column decides it"
                };
                let (taken, wrong) = if *as_decimals { ("decimals", "small") } else { ("thousands", "large") };
                write!(
                    f,
                    "CHECK THIS: numbers under `{heading}` such as `{text}` on line {line} could have thousands or \
                     decimals, and {column}; {} taken to have {taken}. If that is wrong, sizes are 1,000 times too \
                     {wrong}: export them as whole numbers of bytes",
                    if *rows == 1 { "1 row was".to_owned() } else { format!("{rows} rows were") }
                )
            }
            Self::AssumedBytes { heading, rows } => write!(
                f,
                "CHECK THIS: neither the heading `{heading}` nor its numbers name a unit; bytes were assumed in {}. If \
                 that is wrong, name the unit in the heading, such as `{heading} (MB)`",
                counted(*rows)
            ),
            Self::TinyItems { mean } => write!(
                f,
                "CHECK THIS: the mean item would have {mean} bytes, and no message is so small; the sizes are probably \
                 in another unit: name it in the heading, such as `Size (MB)`"
            ),
        }
    }
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

impl Inventory {
    /// Whether rows were skipped or anything was guessed, in a line; nothing if not.
    #[must_use]
    pub fn doubts(&self) -> Option<String> {
        let skipped =
            (!self.skipped.is_empty()).then(|| format!("{} of {} skipped", self.skipped.len(), counted(self.rows)));
        let guessed = match self.warnings.len() {
            0 => None,
            1 => Some("1 warning".to_owned()),
            warnings => Some(format!("{warnings} warnings")),
        };
        let doubts: Vec<String> = skipped.into_iter().chain(guessed).collect();
        (!doubts.is_empty()).then(|| doubts.join(" and "))
    }
}
