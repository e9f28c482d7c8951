//! From rows of text to mailboxes: what is kept, what is left out, and what the reader is told.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use super::column::Columns;
use super::notation::{Field, Sizes};
use super::number::{Reading, Unit};
use super::{Inventory, InventoryMailbox, Skipped, Stop, Warning, number, total};
use crate::population::preset::Cohort;

/// How many headings an error message lists.
const LISTED: usize = 12;

/// Beginnings of the names of mailboxes that the system keeps for itself.
const SYSTEM_NAMES: [&str; 9] = [
    "systemmailbox{",
    "microsoft system attendant",
    "discoverysearchmailbox",
    "federatedemail.",
    "migration.8f3e7716",
    "healthmailbox",
    "extest_",
    "smtp (",
    "spam quarantine",
];
/// Kinds of mailbox that the system keeps for itself.
const SYSTEM_KINDS: [&str; 8] = [
    "arbitrationmailbox",
    "auditlogmailbox",
    "auxauditlogmailbox",
    "discoverymailbox",
    "monitoringmailbox",
    "publicfoldermailbox",
    "supervisoryreviewpolicymailbox",
    "systemmailbox",
];

/// Rows of text become an inventory.
#[derive(Debug, Default)]
pub(super) struct Collector {
    inventory: Inventory,
    headings: Vec<String>,
    columns: Columns,
    sizes: Sizes,
    seen: BTreeSet<u64>,
    owners: BTreeMap<String, usize>,
    /// The first word that says neither that a mailbox is deleted nor that it is not, and its line.
    unknown_truth: Option<(String, u64)>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    deleted: u64,
    system: u64,
    unknown_truths: u64,
    repeated_addresses: (u64, u64),
    repeated_names: (u64, u64),
    rounded: u64,
    folders: u64,
}

impl Collector {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.inventory.warnings.push(warning);
    }

    /// Takes note that the file writes decimal commas, as tables with semicolons do.
    pub(super) fn expect_decimal_commas(&mut self) {
        self.sizes.expect_decimal_commas();
    }

    /// Binds the headings of the rows to come. An error if they are not those of mailboxes.
    pub(super) fn bind(&mut self, headings: Vec<String>) -> Result<(), Stop> {
        if self.headings == headings {
            return Ok(());
        }
        let columns = Columns::bind(&headings);
        if columns.name.is_none() || columns.size.is_none() {
            let lacking = match (columns.name, columns.size) {
                (None, None) => "none of them names a mailbox or gives its size",
                (None, _) => "none of them names a mailbox",
                _ => "none of them gives the size of a mailbox",
            };
            return Err(Stop::NoMailboxes(format!("the columns {}; {lacking}", listed(&headings))));
        }
        self.inventory.knows_kinds |= columns.kind.is_some();
        self.inventory.knows_use |= columns.last_use.is_some() || columns.is_inactive.is_some();
        self.inventory.knows_archives |= columns.has_archive.is_some() || columns.archive_size.is_some();
        for doubt in &columns.doubts {
            if !self.inventory.warnings.contains(doubt) {
                self.inventory.warnings.push(doubt.clone());
            }
        }
        (self.headings, self.columns) = (headings, columns);
        Ok(())
    }

    /// Notes a row that cannot even be taken apart.
    pub(super) fn skip(&mut self, line: u64, reason: String) {
        self.inventory.rows += 1;
        self.inventory.skipped.push(Skipped { line, reason });
    }

    /// Takes one row.
    pub(super) fn row(&mut self, line: u64, cells: &[&str]) {
        self.inventory.rows += 1;
        if let Err(reason) = self.take(line, cells) {
            self.inventory.skipped.push(Skipped { line, reason });
        }
    }

    fn take(&mut self, line: u64, cells: &[&str]) -> Result<(), String> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Err("the row is empty".to_owned());
        }
        let surplus = cells.iter().skip(self.headings.len()).any(|cell| !cell.trim().is_empty());
        if surplus {
            return Err(format!("the row has {} cells under {} headings", cells.len(), self.headings.len()));
        }
        let cell = |place: Option<usize>| place.and_then(|place| cells.get(place)).map_or("", |cell| cell.trim());
        let name = cell(self.columns.name);
        let is_deleted = cell(self.columns.is_deleted);
        if truth(is_deleted) == Some(true) {
            self.counts.deleted += 1;
            return Ok(());
        }
        if !is_deleted.is_empty() && truth(is_deleted).is_none() {
            self.counts.unknown_truths += 1;
            self.unknown_truth.get_or_insert_with(|| (is_deleted.to_owned(), line));
        }
        let kind = cell(self.columns.kind);
        if is_system(name, kind) || is_system(cell(self.columns.display_name), kind) {
            self.counts.system += 1;
            return Ok(());
        }
        if name.is_empty() {
            return Err(format!("the cell under `{}` is empty", self.heading(self.columns.name)));
        }
        let (place, unit) = self.columns.size.expect("rows come after headings that were bound");
        let Some(reading) = number::size(cell(Some(place)), unit)? else {
            return Err(format!("the size under `{}` is `{}`", self.headings[place], cell(Some(place))));
        };
        let items = number::count(cell(self.columns.items))?;
        let archive = self.side_size(self.columns.archive_size, cells)?;
        let deleted = self.side_size(self.columns.deleted_size, cells)?;
        let found = [
            (Field::Size, self.columns.size, Some(reading)),
            (Field::Archive, self.columns.archive_size, archive),
            (Field::Deleted, self.columns.deleted_size, deleted),
        ];
        let mut sizes = [None; 3];
        for (known, (field, column, reading)) in sizes.iter_mut().zip(&found) {
            let Some(reading) = reading else { continue };
            // What the column decides is put right at the end.
            *known = Some(reading.bytes(None).map_err(|reason| {
                self.sizes.learn(*field, reading);
                format!("the size `{}` {reason}", cell(column.map(|(place, _)| place)))
            })?);
        }
        let [bytes, archive_bytes, deleted_bytes] = sizes;
        let mailbox = InventoryMailbox {
            name: Box::from(name),
            organisation: organisation(cell(self.columns.organisation), name),
            kind: cohort(kind),
            bytes: bytes.unwrap_or(0),
            items,
            has_archive: has_archive(cell(self.columns.has_archive))
                .or_else(|| self.columns.archive_size.map(|_| archive_bytes.is_some_and(|bytes| bytes > 0))),
            archive_bytes,
            deleted_bytes,
            was_used: self.was_used(cells),
            line,
        };
        let place = self.keep(mailbox)?;
        self.counts.rounded += u64::from(reading.is_rounded);
        for (field, column, reading) in found {
            if let Some(((column, _), reading)) = column.zip(reading) {
                let (heading, text) = (&self.headings[column], cell(Some(column)));
                self.sizes.note(field, heading, text, line, place, &reading);
            }
        }
        Ok(())
    }

    /// Keeps a mailbox; gives its place.
    fn keep(&mut self, mailbox: InventoryMailbox) -> Result<usize, String> {
        if self.columns.is_folders {
            return Ok(self.add_folder(mailbox));
        }
        let is_new = self.seen.insert(xxh3_64(mailbox.name.to_lowercase().as_bytes()));
        if !is_new {
            let counter = if self.columns.is_unique {
                &mut self.counts.repeated_addresses
            } else {
                &mut self.counts.repeated_names
            };
            if counter.0 == 0 {
                counter.1 = mailbox.line;
            }
            counter.0 += 1;
            if self.columns.is_unique {
                return Err(format!("`{}` is in an earlier row already", mailbox.name));
            }
        }
        self.inventory.mailboxes.push(mailbox);
        Ok(self.inventory.mailboxes.len() - 1)
    }

    /// Adds a folder to its mailbox, and gives its place: `user\Inbox` belongs to `user`.
    fn add_folder(&mut self, folder: InventoryMailbox) -> usize {
        self.counts.folders += 1;
        let owner = folder.name.split(['\\', '/']).next().unwrap_or_default().to_owned();
        let next = self.inventory.mailboxes.len();
        let place = *self.owners.entry(owner.to_lowercase()).or_insert(next);
        if let Some(mailbox) = self.inventory.mailboxes.get_mut(place) {
            mailbox.bytes += folder.bytes;
            mailbox.items = mailbox.items.zip(folder.items).map(|(one, two)| one + two);
        } else {
            self.inventory.mailboxes.push(InventoryMailbox { name: owner.into_boxed_str(), ..folder });
        }
        place
    }

    fn side_size(&self, column: Option<(usize, Option<Unit>)>, cells: &[&str]) -> Result<Option<Reading>, String> {
        let Some((place, unit)) = column else { return Ok(None) };
        let text = cells.get(place).copied().unwrap_or_default();
        number::size(text, unit).map_err(|reason| format!("{reason} (under `{}`)", self.headings[place]))
    }

    fn was_used(&self, cells: &[&str]) -> Option<bool> {
        let cell = |place: usize| cells.get(place).map_or("", |cell| cell.trim());
        if let Some(inactive) = self.columns.is_inactive.and_then(|place| truth(cell(place))) {
            return Some(!inactive);
        }
        self.columns.last_use.map(|place| !cell(place).is_empty())
    }

    fn heading(&self, place: Option<usize>) -> &str {
        place.map_or("", |place| self.headings[place].as_str())
    }

    /// The inventory, if there was a row.
    pub(super) fn finish(mut self) -> Result<Inventory, Stop> {
        if self.inventory.rows == 0 {
            return Err(Stop::NoMailboxes(format!("the columns {}, and no rows below them", listed(&self.headings))));
        }
        let doubts = self.sizes.settle(&mut self.inventory, self.columns.is_folders);
        self.inventory.warnings.extend(doubts);
        let total = total::leave_out(&mut self.inventory);
        self.inventory.warnings.extend(total);
        if let Some((text, line)) = self.unknown_truth.take() {
            let (heading, rows) = (self.heading(self.columns.is_deleted).to_owned(), self.counts.unknown_truths);
            self.inventory.warnings.push(Warning::UnknownTruth { heading, text, line, rows });
        }
        let counts = &self.counts;
        let count = |is_meant: fn(&InventoryMailbox) -> bool| {
            let rows = self.inventory.mailboxes.iter().filter(|mailbox| is_meant(mailbox)).count() as u64;
            if self.columns.is_folders { 0 } else { rows }
        };
        let concealed = count(|mailbox| is_concealed(&mailbox.name));
        let without_items = count(|mailbox| mailbox.items.is_none());
        let warnings = [
            (concealed, Warning::ConcealedNames { rows: concealed }),
            (counts.deleted, Warning::Deleted { rows: counts.deleted }),
            (counts.system, Warning::System { rows: counts.system }),
            (
                counts.repeated_addresses.0,
                Warning::RepeatedAddress { rows: counts.repeated_addresses.0, line: counts.repeated_addresses.1 },
            ),
            (
                counts.repeated_names.0,
                Warning::RepeatedName { rows: counts.repeated_names.0, line: counts.repeated_names.1 },
            ),
            (counts.rounded, Warning::RoundedSizes { rows: counts.rounded }),
            (without_items, Warning::NoItems { rows: without_items }),
            (counts.folders, Warning::FoldersSummed { rows: counts.folders }),
        ];
        self.inventory.warnings.extend(warnings.into_iter().filter(|(rows, _)| *rows > 0).map(|(_, warning)| warning));
        Ok(self.inventory)
    }
}

fn listed(headings: &[String]) -> String {
    let quoted: Vec<String> = headings.iter().take(LISTED).map(|heading| format!("`{heading}`")).collect();
    let more = headings.len().saturating_sub(LISTED);
    if more > 0 { format!("{} and {more} more", quoted.join(", ")) } else { quoted.join(", ") }
}

/// Yes and no in the languages that exports were seen in.
fn truth(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" | "x" | "wahr" | "ja" | "j" | "vrai" | "oui" | "o" | "verdadero"
        | "verdadeiro" | "vero" | "sí" | "sì" | "si" | "s" | "sim" | "waar" | "sant" | "sand" | "tak" | "prawda" => {
            Some(true)
        }
        "false" | "f" | "no" | "n" | "0" | "falsch" | "nein" | "faux" | "non" | "falso" | "não" | "nao" | "onwaar"
        | "nee" | "nej" | "falskt" | "falsk" | "nie" | "fałsz" => Some(false),
        _ => None,
    }
}

/// Names that a tenant hides are 32 hexadecimal digits.
fn is_concealed(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_system(name: &str, kind: &str) -> bool {
    let (name, kind) = (name.to_ascii_lowercase(), kind.to_ascii_lowercase());
    SYSTEM_NAMES.iter().any(|start| name.starts_with(start)) || SYSTEM_KINDS.contains(&kind.as_str())
}

fn cohort(kind: &str) -> Cohort {
    let kind = kind.to_ascii_lowercase();
    if ["room", "equipment", "scheduling", "resource"].iter().any(|start| kind.starts_with(start)) {
        Cohort::Room
    } else if ["shared", "group", "team"].iter().any(|start| kind.starts_with(start)) {
        Cohort::Shared
    } else {
        Cohort::Active
    }
}

/// `True`, `Active`, or an identifier that is not all zeros.
fn has_archive(text: &str) -> Option<bool> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "" => None,
        "active" | "localarchive" | "hostedprovisioned" | "enabled" => Some(true),
        "none" | "disabled" | "inactive" => Some(false),
        _ => truth(text).or_else(|| {
            let is_identifier = text.len() >= 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
            is_identifier.then(|| text.chars().any(|c| c != '0' && c != '-'))
        }),
    }
}

fn organisation(named: &str, name: &str) -> Option<Box<str>> {
    if !named.is_empty() {
        return Some(Box::from(named));
    }
    let (_, domain) = name.rsplit_once('@')?;
    Some(domain.to_lowercase().into_boxed_str())
}
