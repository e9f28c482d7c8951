//! What a column as a whole says of its sizes: which mark stands before decimals, and whether anything names a unit.

use super::number::{Mark, Number, Reading};
use super::{Inventory, Skipped, Warning};

/// Bytes below which no mean item is believed. Assumed: an empty message has headers of some hundred bytes.
const ITEM_LEAST: u64 = 64;

/// What a column of sizes is about.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Field {
    /// The mailbox.
    Size,
    /// Its archive.
    Archive,
    /// Deleted items that are kept besides.
    Deleted,
}

/// The columns of sizes of a file.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    decimal_comma: bool,
    columns: [Column; 3],
}

/// One column, as far as it was read.
#[derive(Debug, Default)]
struct Column {
    heading: String,
    /// Rows that show a comma before decimals, or points between thousands.
    commas: u64,
    /// Rows that show it the other way round.
    points: u64,
    /// Rows of bare numbers that nothing names a unit for.
    assumed: u64,
    /// Numbers that the column has to decide.
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    line: u64,
    /// The place of the mailbox.
    place: usize,
    text: Box<str>,
    reading: Reading,
}

impl Sizes {
    /// Takes note that decimal commas are likelier.
    pub(super) fn expect_decimal_commas(&mut self) {
        self.decimal_comma = true;
    }

    /// Takes note of a size of the mailbox at a place.
    pub(super) fn note(&mut self, field: Field, heading: &str, text: &str, line: u64, place: usize, reading: &Reading) {
        let column = &mut self.columns[field as usize];
        if column.heading.is_empty() {
            heading.clone_into(&mut column.heading);
        }
        let is_zero = reading.bytes(None) == Ok(0);
        column.assumed += u64::from(reading.is_assumed && !is_zero);
        if let Number::Either { .. } = reading.number {
            column.open.push(Open { line, place, text: Box::from(text), reading: *reading });
        } else {
            self.learn(field, reading);
        }
    }

    /// Learns from a size how its column writes decimals, even if its row is of no use.
    pub(super) fn learn(&mut self, field: Field, reading: &Reading) {
        let column = &mut self.columns[field as usize];
        match reading.number {
            Number::Sure { decimal: Some(Mark::Comma), .. } => column.commas += 1,
            Number::Sure { decimal: Some(Mark::Point), .. } => column.points += 1,
            _ => {}
        }
    }

    /// Puts open sizes right by what their columns say. Rows that then make no sense are skipped, and with them their
    /// mailboxes, unless rows are folders.
    pub(super) fn settle(&mut self, inventory: &mut Inventory, are_folders: bool) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut refused = Vec::new();
        for field in [Field::Size, Field::Archive, Field::Deleted] {
            let column = std::mem::take(&mut self.columns[field as usize]);
            let (decimal, is_decided) = column.decimal(self.decimal_comma);
            if let Some(warning) = column.doubt(decimal, is_decided) {
                warnings.push(warning);
            }
            if column.assumed > 0 {
                warnings.push(Warning::AssumedBytes { heading: column.heading.clone(), rows: column.assumed });
            }
            for Open { line, place, text, reading } in &column.open {
                let before = reading.bytes(None).unwrap_or(0);
                let after = reading.bytes(decimal).map_err(|reason| {
                    let reason = format!("the size `{text}` {reason}");
                    inventory.skipped.push(Skipped { line: *line, reason });
                    refused.push(*place);
                });
                let mailbox = &mut inventory.mailboxes[*place];
                let put_right = |bytes: u64| bytes - before + after.unwrap_or(0);
                match field {
                    // Folders are added up, so only the difference is put right.
                    Field::Size => mailbox.bytes = put_right(mailbox.bytes),
                    Field::Archive => mailbox.archive_bytes = mailbox.archive_bytes.map(put_right),
                    Field::Deleted => mailbox.deleted_bytes = mailbox.deleted_bytes.map(put_right),
                }
            }
        }
        if !refused.is_empty() {
            refused.sort_unstable();
            refused.dedup();
            inventory.skipped.sort_by_key(|row| row.line);
            inventory.skipped.dedup_by_key(|row| row.line);
            let mut place = 0;
            inventory.mailboxes.retain(|_| {
                place += 1;
                are_folders || refused.binary_search(&(place - 1)).is_err()
            });
        }
        warnings.extend(tiny_items(inventory));
        warnings
    }
}

impl Column {
    /// The mark before decimals, nothing if open marks group thousands, and whether the column decides that.
    fn decimal(&self, decimal_comma: bool) -> (Option<Mark>, bool) {
        let expected = if decimal_comma { Mark::Comma } else { Mark::Point };
        // Bare numbers without a unit are taken as bytes, which have no decimals.
        let silent = if self.assumed > 0 { None } else { Some(expected) };
        match (self.commas, self.points) {
            (0, 0) => (silent, false),
            (_, 0) => (Some(Mark::Comma), true),
            (0, _) => (Some(Mark::Point), true),
            (commas, points) if commas > points => (Some(Mark::Comma), false),
            (commas, points) if commas < points => (Some(Mark::Point), false),
            _ => (silent, false),
        }
    }

    /// What the reader should know if open numbers were not decided.
    fn doubt(&self, decimal: Option<Mark>, is_decided: bool) -> Option<Warning> {
        let first = self.open.first().filter(|_| !is_decided)?;
        let has_decimals =
            |open: &Open| matches!(open.reading.number, Number::Either { mark, .. } if Some(mark) == decimal);
        let as_decimals = has_decimals(first);
        Some(Warning::DoubtfulMarks {
            heading: self.heading.clone(),
            text: first.text.to_string(),
            line: first.line,
            rows: self.open.iter().filter(|open| has_decimals(open) == as_decimals).count() as u64,
            as_decimals,
            is_mixed: self.commas + self.points > 0,
        })
    }
}

/// Whether the mean item is smaller than any message.
fn tiny_items(inventory: &Inventory) -> Option<Warning> {
    let counted = inventory.mailboxes.iter().filter_map(|mailbox| Some((mailbox.bytes, mailbox.items?)));
    let (bytes, items) = counted.fold((0, 0), |(bytes, items), (more, count)| (bytes + more, items + count));
    let mean = bytes.checked_div(items)?;
    (bytes > 0 && mean < ITEM_LEAST).then_some(Warning::TinyItems { mean })
}
