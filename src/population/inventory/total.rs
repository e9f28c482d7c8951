//! Rows that are no mailbox but the sum of the others, as spreadsheets end with.

use super::{Inventory, Skipped, Warning};

/// What such rows are called.
const NAMES: [&str; 14] = [
    "total",
    "totals",
    "grand total",
    "sum",
    "summe",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "somme",
    "total général",
    "totale",
    "totaal",
    "suma",
    "totalt",
];

/// How far rounded sizes may be from their sum, as a share of it.
const ROUNDING: f64 = 0.01;

/// Leaves the last mailbox out if it is called a total and is as large as all others together.
pub(super) fn leave_out(inventory: &mut Inventory) -> Option<Warning> {
    let (last, others) = inventory.mailboxes.split_last()?;
    let name = last.name.to_lowercase();
    let sum: u64 = others.iter().map(|mailbox| mailbox.bytes).sum();
    let is_sum = sum > 0 && sum.abs_diff(last.bytes) as f64 <= ROUNDING * sum as f64;
    if !is_sum || !NAMES.contains(&name.trim_end_matches(':').trim()) {
        return None;
    }
    let (name, line) = (last.name.to_string(), last.line);
    inventory.mailboxes.pop();
    inventory.skipped.push(Skipped { line, reason: format!("`{name}` is the sum of the other rows") });
    inventory.skipped.sort_by_key(|row| row.line);
    Some(Warning::TotalRow { name, line })
}
