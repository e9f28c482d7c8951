//! From a scenario file to a checked [`plan::Plan`].
//!
//! The file is read leniently, with the place of every value; all problems are reported at once with file, line and
//! help. A plan that exists is right: checking is its only way into the world.
//!
//! Knows the names of limits, operations and refusals of the mock server, but no population, pipeline or world.

mod file;
mod kind;
mod list;
pub mod plan;
pub mod preset;
pub mod problem;
pub mod program;
mod read;
mod scale;
pub mod schema;
#[cfg(test)]
mod schema_keys;
mod section;
pub mod unit;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use miette::NamedSource;
use xxhash_rust::xxh3::Xxh3;

use file::Text;
use kind::Wrong;
use plan::{Assumption, Origin, Plan};
use problem::{Problem, Problems};
use section::Book;

/// Reads and checks the scenario in a file. Overrides are written `path=value`; a seed replaces the file's.
///
/// # Errors
///
/// Everything that is wrong with the file and the overrides.
pub fn load(path: &Path, overrides: &[String], seed: Option<u64>) -> Result<Plan, Problems> {
    let content = fs::read_to_string(path).map_err(|error| {
        let problem = Problem {
            message: format!("cannot read {}: {error}", path.display()),
            label: String::new(),
            help: Some("name a scenario file; examples are in the folder `scenarios`".to_owned()),
            text: Arc::new(NamedSource::new(path.display().to_string(), String::new())),
            at: None,
        };
        Problems { list: vec![problem] }
    })?;
    parse(path, &content, overrides, seed)
}

/// Reads and checks a scenario that is in memory. The path names it and is where its relative paths begin.
///
/// # Errors
///
/// Everything that is wrong with the text and the overrides.
pub fn parse(path: &Path, content: &str, overrides: &[String], seed: Option<u64>) -> Result<Plan, Problems> {
    let (book, plan) = resolve(path, content, overrides, seed)?;
    let list = book.problems();
    if !list.is_empty() {
        return Err(Problems { list });
    }
    let assumptions = book.values();
    Ok(Plan { hash: hash(&assumptions), assumptions, ..plan })
}

fn resolve(path: &Path, content: &str, overrides: &[String], seed: Option<u64>) -> Result<(Book, Plan), Problems> {
    let mut texts = vec![Text::new(&path.display().to_string(), content, Origin::File)];
    let (mut table, mut list) = file::parse(content, &texts[0]);
    for (number, override_text) in overrides.iter().enumerate() {
        let text = Text::new("--set", override_text, Origin::Override);
        list.extend(file::apply(&mut table, number + 1, &text).err());
        texts.push(text);
    }
    if !list.is_empty() {
        return Err(Problems { list });
    }
    let book = Book::new(texts);
    let plan = read::plan(&book, table, path, seed);
    Ok((book, plan))
}

/// A problem that only shows when what a scenario names is read, at a key of the file or the override that set it.
#[must_use]
pub fn blame(path: &Path, overrides: &[String], key: &str, message: String, help: &str) -> Problems {
    let content = fs::read_to_string(path).unwrap_or_default();
    let mut texts = vec![Text::new(&path.display().to_string(), &content, Origin::File)];
    let (mut table, _) = file::parse(&content, &texts[0]);
    for (number, override_text) in overrides.iter().enumerate() {
        let text = Text::new("--set", override_text, Origin::Override);
        // The scenario was read before, so that its overrides are right.
        let _ = file::apply(&mut table, number + 1, &text);
        texts.push(text);
    }
    let place = file::place_of(&table, key);
    let book = Book::new(texts);
    book.report(&place, "here", Wrong::new(message, help));
    Problems { list: book.problems() }
}

/// The fingerprint of everything that a result depends on but the seed.
fn hash(values: &[Assumption]) -> String {
    let ignored = ["title", "seed", "population.inventory"];
    let is_ignored = |key: &str| ignored.contains(&key) || key.starts_with("goals.");
    let mut hash = Xxh3::new();
    for value in values.iter().filter(|value| !is_ignored(&value.key)) {
        for part in [&value.key, "=", &value.value, "\n"] {
            hash.update(part.as_bytes());
        }
    }
    format!("{:016x}", hash.digest())
}
