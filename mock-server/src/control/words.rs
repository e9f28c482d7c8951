//! The words and numbers of control requests, and what is wrong with those that nobody understands.

use std::str::FromStr;

use serde_json::{Value, json};
use strum::VariantArray;

use super::reply::Wrong;
use crate::time::Span;
use crate::wire::operation::Operation;

/// Most seconds that a control request may name: a year.
const SECONDS_MAX: f64 = 31_536_000.0;

/// The spread of a logarithm beyond which delays mean nothing.
const SIGMA_MAX: f64 = 10.0;

/// A word that nobody knows.
pub(super) fn unknown(what: &str, found: &str, known: &[&str]) -> Wrong {
    Wrong::request(format!("there is no {what} `{found}`"), format!("known are {}", known.join(", ")))
}

/// The one of this name among all that there are.
pub(super) fn named<T>(what: &str, name: &str) -> Result<T, Wrong>
where
    T: FromStr + VariantArray + Copy + Into<&'static str>,
{
    let known = || T::VARIANTS.iter().map(|one| (*one).into()).collect::<Vec<_>>();
    name.parse().map_err(|_| unknown(what, name, &known()))
}

/// The one of this name in a table.
pub(super) fn listed<T, const N: usize>(what: &str, name: &str, table: [(&str, T); N]) -> Result<T, Wrong> {
    let names = table.each_ref().map(|(name, _)| *name);
    let wrong = unknown(what, name, &names);
    table.into_iter().find(|(own, _)| *own == name).map(|(_, one)| one).ok_or(wrong)
}

/// The operation of a name.
pub(super) fn operation(name: &str) -> Result<Operation, Wrong> {
    named("operation", name)
}

/// What a preset of this name is, if there is one; `names` are those that there are.
pub(super) fn preset<T>(name: &str, found: Option<T>, names: &[(&str, &str, &str)]) -> Result<T, Wrong> {
    found.ok_or_else(|| unknown("preset", name, &names.iter().map(|(name, ..)| *name).collect::<Vec<_>>()))
}

/// Presets with what they are and where they come from.
pub(super) fn presets(names: &[(&str, &str, &str)]) -> Vec<Value> {
    let shown = |(name, description, source): &(&str, &str, &str)| json!({ "name": name, "description": description, "source": source });
    names.iter().map(shown).collect()
}

/// A span of seconds as written; nothing if absent.
pub(super) fn span(seconds: Option<f64>, key: &str) -> Result<Option<Span>, Wrong> {
    Ok(within(seconds, key, "seconds", SECONDS_MAX)?.map(Span::from_seconds))
}

/// A share as written; nothing if absent.
pub(super) fn share(value: Option<f64>, key: &str) -> Result<Option<f64>, Wrong> {
    within(value, key, "a share", 1.0)
}

/// The standard deviation of a logarithm as written; nothing if absent.
pub(super) fn sigma(value: Option<f64>, key: &str) -> Result<Option<f64>, Wrong> {
    within(value, key, "a number", SIGMA_MAX)
}

fn within(value: Option<f64>, key: &str, what: &str, most: f64) -> Result<Option<f64>, Wrong> {
    match value {
        Some(value) if !(0.0..=most).contains(&value) => {
            Err(Wrong::request(format!("{key} is {value}"), format!("give {what} from 0 to {most}")))
        }
        value => Ok(value),
    }
}
