//! The findings for programs.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Findings, QUANTILES, Sorted};
use crate::population::inventory::fit::METHOD;
use crate::report::json;

/// The version of this form.
const SCHEMA: &str = "wavetank.inventory/1";

#[derive(Serialize)]
struct Report<'f> {
    schema: &'static str,
    file: String,
    rows: u64,
    mailboxes: usize,
    bytes: u64,
    /// Null if no row has an item count.
    items: Option<u64>,
    /// Null if the export does not tell.
    archives: Option<u64>,
    /// Null if no row has the size of an archive.
    archive_bytes: Option<u64>,
    quantiles: Map<String, Value>,
    fit: Value,
    skipped: Vec<Skipped<'f>>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Skipped<'f> {
    line: u64,
    reason: &'f str,
}

/// The findings as one JSON document.
pub(super) fn render(findings: &Findings<'_>) -> String {
    let inventory = &findings.inventory;
    let mut quantiles = Map::new();
    quantiles.insert("size_bytes".to_owned(), spread(&findings.sizes));
    quantiles.insert("items".to_owned(), spread(&findings.items));
    let report = Report {
        schema: SCHEMA,
        file: findings.options.file.display().to_string(),
        rows: inventory.rows,
        mailboxes: inventory.mailboxes.len(),
        bytes: inventory.bytes(),
        items: inventory.items(),
        archives: inventory.archives(),
        archive_bytes: inventory.archive_bytes(),
        quantiles,
        fit: fit(findings),
        skipped: inventory.skipped.iter().map(|row| Skipped { line: row.line, reason: &row.reason }).collect(),
        warnings: inventory.warnings.iter().map(ToString::to_string).collect(),
    };
    json::render(&report)
}

fn spread(sorted: &Sorted) -> Value {
    if sorted.values.is_empty() {
        return Value::Null;
    }
    let mut object = Map::new();
    let at = |share: f64| json!(sorted.at(share).round() as u64);
    object.insert("mean".to_owned(), json!(sorted.spread.mean.round() as u64));
    object.insert("min".to_owned(), at(0.0));
    for (share, name) in QUANTILES {
        object.insert(name.to_owned(), at(share));
    }
    object.insert("max".to_owned(), at(1.0));
    Value::Object(object)
}

fn fit(findings: &Findings<'_>) -> Value {
    let fit = &findings.fit;
    let parameters: Map<String, Value> = fit
        .parameters
        .iter()
        .map(|parameter| {
            let origin = if parameter.standard_error.is_some() { "fitted" } else { "preset" };
            let value = json!({"value": parameter.value, "standard_error": parameter.standard_error, "origin": origin});
            (parameter.name.to_owned(), value)
        })
        .collect();
    json!({
        "preset": findings.preset.name,
        "method": METHOD,
        "parameters": parameters,
        "warnings": fit.warnings,
    })
}
