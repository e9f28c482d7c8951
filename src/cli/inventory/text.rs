//! The findings for people.

use std::fmt::{self, Write as _};

use super::{Findings, QUANTILES};
use crate::population::Population;
use crate::population::describe::{Spread, quantile};
use crate::population::inventory::Skipped;
use crate::report::number::{count, significant};
use crate::scenario::plan::PopulationPlan;

/// Skipped rows that are listed one by one; JSON lists all.
const LISTED: usize = 20;
/// Mailboxes that are drawn from the preset for comparison.
const COMPARED: u32 = 20_000;
/// Widest bar of the histogram, in columns.
const BAR_WIDEST: usize = 60;
/// Columns that the histogram needs beside its bars.
const BAR_MARGIN: usize = 34;

/// The findings as text of a width in columns.
pub(super) fn render(findings: &Findings<'_>, width: usize) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, findings, width);
    text
}

fn write(text: &mut String, findings: &Findings<'_>, width: usize) -> fmt::Result {
    headline(text, findings)?;
    if !findings.inventory.mailboxes.is_empty() {
        table(text, findings)?;
        histogram(text, &findings.sizes.values, width)?;
        fit(text, findings)?;
    }
    list(text, "Warnings", findings.inventory.warnings.iter().map(ToString::to_string))?;
    skipped(text, &findings.inventory.skipped)
}

fn headline(text: &mut String, findings: &Findings<'_>) -> fmt::Result {
    let inventory = &findings.inventory;
    writeln!(text, "{}", findings.options.file.display())?;
    writeln!(text, "  rows        {:>16}", count(inventory.rows))?;
    writeln!(text, "  mailboxes   {:>16}", count(inventory.mailboxes.len() as u64))?;
    writeln!(text, "  size        {:>16}  ({} bytes)", bytes(inventory.bytes() as f64), count(inventory.bytes()))?;
    let unknown = || "not told".to_owned();
    writeln!(text, "  items       {:>16}", inventory.items().map_or_else(unknown, count))?;
    writeln!(text, "  archives    {:>16}", inventory.archives().map_or_else(unknown, count))?;
    if let Some(archives) = inventory.archive_bytes() {
        writeln!(text, "  archived    {:>16}  ({} bytes)", bytes(archives as f64), count(archives))?;
    }
    writeln!(text, "  skipped     {:>16}", count(inventory.skipped.len() as u64))
}

/// Quantiles beside those of the preset.
fn table(text: &mut String, findings: &Findings<'_>) -> fmt::Result {
    let compared = compared(findings);
    let name = &findings.preset.name;
    writeln!(
        text,
        "\n{:<10}{:>12}{:>12}{:>18}{:>18}",
        "",
        "size",
        "items",
        format!("{name} size"),
        format!("{name} items")
    )?;
    let has_items = !findings.items.values.is_empty();
    let mut line = |label: &str, size: f64, items: f64, [preset_size, preset_items]: [f64; 2]| {
        let items = if has_items { count(items.round() as u64) } else { "-".to_owned() };
        let preset_items = count(preset_items.round() as u64);
        writeln!(text, "{label:<10}{:>12}{items:>12}{:>18}{preset_items:>18}", bytes(size), bytes(preset_size))
    };
    let (sizes, items) = (&findings.sizes, &findings.items);
    let [preset_sizes, preset_items] = &compared;
    let means = [preset_sizes, preset_items].map(|values| Spread::of(values.clone()).mean);
    line("mean", sizes.spread.mean, items.spread.mean, means)?;
    for (share, label) in QUANTILES {
        let preset = [quantile(preset_sizes, share), quantile(preset_items, share)];
        line(label, sizes.at(share), items.at(share), preset)?;
    }
    let greatest = [quantile(preset_sizes, 1.0), quantile(preset_items, 1.0)];
    line("greatest", sizes.at(1.0), items.at(1.0), greatest)
}

/// Sizes and items of mailboxes drawn from the preset, in ascending order.
fn compared(findings: &Findings<'_>) -> [Vec<f64>; 2] {
    let plan = PopulationPlan {
        preset: findings.preset.name.clone(),
        mailboxes: Some(COMPARED),
        inventory: None,
        fit: false,
        change_factor: 1.0,
        corrupt_factor: 1.0,
        uniform: None,
    };
    let Ok(population) = Population::new(&plan, 0) else { return [Vec::new(), Vec::new()] };
    let mailboxes: Vec<_> = population.keys().map(|key| population.mailbox(key)).collect();
    let sorted = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values
    };
    let sizes = mailboxes.iter().map(|mailbox| mailbox.bytes as f64).collect();
    let items = mailboxes.iter().map(|mailbox| mailbox.items as f64).collect();
    [sorted(sizes), sorted(items)]
}

/// Mailboxes by size, in steps of 1, 2 and 5.
fn histogram(text: &mut String, sorted: &[f64], width: usize) -> fmt::Result {
    let edges: Vec<f64> =
        (3..15).flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * libm::pow(10.0, f64::from(power)))).collect();
    let mut counts = vec![0_u64; edges.len() + 1];
    for &size in sorted {
        counts[edges.partition_point(|&edge| edge <= size)] += 1;
    }
    let Some(first) = counts.iter().position(|&mailboxes| mailboxes > 0) else { return Ok(()) };
    let last = counts.iter().rposition(|&mailboxes| mailboxes > 0).unwrap_or(first);
    let most = counts.iter().max().copied().unwrap_or(1);
    let widest = width.saturating_sub(BAR_MARGIN).clamp(10, BAR_WIDEST);
    writeln!(text, "\nMailboxes by size")?;
    for (place, &mailboxes) in counts.iter().enumerate().take(last + 1).skip(first) {
        let from = place.checked_sub(1).map_or_else(|| "0 B".to_owned(), |below| bytes(edges[below]));
        let until = edges.get(place).map_or_else(|| "more".to_owned(), |&edge| bytes(edge));
        let eighths = (mailboxes * widest as u64 * 8).div_ceil(most);
        writeln!(text, "{from:>8} to {until:>8}{:>10}  {}", count(mailboxes), bar(eighths))?;
    }
    Ok(())
}

/// A bar of a length in eighths of a column.
fn bar(eighths: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let mut bar = "█".repeat((eighths / 8) as usize);
    bar.push_str(PARTS[(eighths % 8) as usize]);
    bar
}

fn fit(text: &mut String, findings: &Findings<'_>) -> fmt::Result {
    writeln!(text, "\nPopulation parameters that fit (the others are those of {})", findings.preset.name)?;
    for parameter in &findings.fit.parameters {
        let format = |value: f64| {
            if parameter.name.ends_with("bytes") { bytes(value) } else { format!("{value:.3}") }
        };
        let origin = match parameter.standard_error {
            Some(error) => format!("± {}", format(error)),
            None => format!("from {}", findings.preset.name),
        };
        writeln!(text, "  {:<24}{:>12}  {origin}", parameter.name, format(parameter.value))?;
    }
    list(text, "What the fit could not tell", findings.fit.warnings.iter().cloned())
}

fn list(text: &mut String, title: &str, lines: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    if lines.len() == 0 {
        return Ok(());
    }
    writeln!(text, "\n{title}")?;
    for line in lines {
        writeln!(text, "  {line}")?;
    }
    Ok(())
}

fn skipped(text: &mut String, rows: &[Skipped]) -> fmt::Result {
    list(text, "Skipped rows", rows.iter().take(LISTED).map(|row| format!("line {}: {}", row.line, row.reason)))?;
    if rows.len() > LISTED {
        writeln!(text, "  and {} more; `--format json` lists all", count((rows.len() - LISTED) as u64))?;
    }
    Ok(())
}

/// Bytes in decimal units with three digits; round numbers, such as the edges of the histogram, without decimals.
fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let number = if unit == 0 || value.fract() == 0.0 { format!("{value:.0}") } else { significant(value) };
    format!("{number} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits() {
        for (size, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1_000.0, "1 kB"),
            (75_600.0, "75.6 kB"),
            (999_700.0, "1.00 MB"),
            (5.42e9, "5.42 GB"),
            (2.3e15, "2.30 PB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn even_the_smallest_count_shows_a_bar() {
        assert_eq!((bar(1), bar(8), bar(19)), ("▏".to_owned(), "█".to_owned(), "██▍".to_owned()));
    }
}
