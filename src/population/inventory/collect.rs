//! From rows of text to mailboxes: what is kept, what is left out, and what the reader is told.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use super::column::Columns;
use super::{Inventory, InventoryMailbox, Skipped, Stop, Warning, number};
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
    decimal_comma: bool,
    seen: BTreeSet<u64>,
    owners: BTreeMap<String, usize>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    concealed: u64,
    deleted: u64,
    system: u64,
    repeated_addresses: (u64, u64),
    repeated_names: (u64, u64),
    rounded: u64,
    without_items: u64,
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
        self.decimal_comma = true;
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
        if truth(cell(self.columns.is_deleted)) == Some(true) {
            self.counts.deleted += 1;
            return Ok(());
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
        let Some(size) = number::size(cell(Some(place)), unit, self.decimal_comma)? else {
            return Err(format!("the size under `{}` is `{}`", self.headings[place], cell(Some(place))));
        };
        let items = number::count(cell(self.columns.items))?;
        let archive_bytes = self.side_size(self.columns.archive_size, cells)?;
        let mailbox = InventoryMailbox {
            name: Box::from(name),
            organisation: organisation(cell(self.columns.organisation), name),
            kind: cohort(kind),
            bytes: size.bytes,
            items,
            has_archive: has_archive(cell(self.columns.has_archive))
                .or_else(|| self.columns.archive_size.map(|_| archive_bytes.is_some_and(|bytes| bytes > 0))),
            archive_bytes,
            deleted_bytes: self.side_size(self.columns.deleted_size, cells)?,
            was_used: self.was_used(cells),
            line,
        };
        self.counts.rounded += u64::from(size.rounded);
        self.keep(mailbox)
    }

    fn keep(&mut self, mailbox: InventoryMailbox) -> Result<(), String> {
        if self.columns.is_folders {
            self.add_folder(mailbox);
            return Ok(());
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
        self.counts.concealed += u64::from(is_concealed(&mailbox.name));
        self.counts.without_items += u64::from(mailbox.items.is_none());
        self.inventory.mailboxes.push(mailbox);
        Ok(())
    }

    /// Adds a folder to its mailbox: `user\Inbox` belongs to `user`.
    fn add_folder(&mut self, folder: InventoryMailbox) {
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
    }

    fn side_size(&self, column: Option<(usize, number::Unit)>, cells: &[&str]) -> Result<Option<u64>, String> {
        let Some((place, unit)) = column else { return Ok(None) };
        let text = cells.get(place).copied().unwrap_or_default();
        let size = number::size(text, unit, self.decimal_comma)
            .map_err(|reason| format!("{reason} (under `{}`)", self.headings[place]))?;
        Ok(size.map(|size| size.bytes))
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
        let counts = &self.counts;
        let warnings = [
            (counts.concealed, Warning::ConcealedNames { rows: counts.concealed }),
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
            (counts.without_items, Warning::NoItems { rows: counts.without_items }),
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

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
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
