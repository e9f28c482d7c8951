//! Makes a scenario that fails as small as it can be while it still fails.
//!
//! It works on the scenario file itself: fewer mailboxes, fewer faults, crashes, episodes of bad health and
//! limits, fewer items, defaults instead of values. A change that is no scenario any more, or that does not fail, is taken back. Where a change needs
//! luck, a few other seeds are tried. What is left is minimal in one sense: taking away any single rule makes it pass.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::scenario::parse;
use crate::scenario::plan::Plan;

/// Other seeds that are tried for a change that does not fail with the present one.
const OTHER_SEEDS: u64 = 16;

/// Seeds that tell how much the seed matters.
const PROBED_SEEDS: u64 = 20;

/// Rounds over all changes.
const MOST_ROUNDS: usize = 4;

/// The lists of rules of a scenario.
const LISTS: [&[&str]; 11] = [
    &["target", "faults"],
    &["source", "faults"],
    &["crashes"],
    &["target", "health", "episodes"],
    &["source", "health", "episodes"],
    &["target", "limit_changes"],
    &["source", "limit_changes"],
    &["target", "limits"],
    &["source", "limits"],
    &["target", "policies"],
    &["source", "policies"],
];

/// Values that are replaced by their defaults if that still fails.
const SIMPLER: [&[&str]; 25] = [
    &["background"],
    &["target", "health"],
    &["source", "health"],
    &["wave", "prestage"],
    &["windows"],
    &["forecast"],
    &["network"],
    &["source", "costs"],
    &["target", "costs"],
    &["source", "largest_item"],
    &["target", "largest_item"],
    &["target", "switch"],
    &["population", "corrupt_factor"],
    &["population", "change_factor"],
    &["pipeline", "pace"],
    &["pipeline", "batch"],
    &["pipeline", "batch", "export_items"],
    &["pipeline", "batch", "export_size"],
    &["pipeline", "batch", "upload_items"],
    &["pipeline", "batch", "upload_size"],
    &["pipeline", "batch", "sync_changes"],
    &["pipeline", "retry"],
    &["pipeline", "patience"],
    &["pipeline", "poll_interval"],
    &["pipeline", "verify"],
];

/// Numbers that are made smaller if that still fails, with what they may become, smallest first.
const SMALLER: [(&[&str], &[i64]); 7] = [
    (&["population", "uniform", "items"], &[0, 1, 2, 3, 5, 8, 12, 20, 40, 80, 150, 400, 1_000]),
    (&["population", "uniform", "folders"], &[1, 2, 4, 8]),
    (&["population", "uniform", "changes_per_day"], &[0, 1_000, 4_000, 10_000, 40_000, 100_000]),
    (&["pipeline", "lanes"], &[1, 2, 3, 4]),
    (&["pipeline", "requests_per_mailbox"], &[1, 2, 4]),
    (&["pipeline", "open_switches"], &[1, 2]),
    (&["target", "switch", "places"], &[1, 2]),
];

/// A rule without which the scenario does not fail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Needed {
    /// Where it stands in the scenario, for example `target.faults`.
    pub list: String,
    /// Its name, or what else tells it from others.
    pub name: String,
}

/// A scenario that cannot be made smaller.
#[derive(Clone, Debug)]
pub struct Minimal {
    /// The scenario file.
    pub text: String,
    /// The seed with which it fails.
    pub seed: u64,
    /// Mailboxes of its wave.
    pub mailboxes: u32,
    /// The faults, crashes, episodes and limits that are left; without any one of them it passes.
    pub needed: Vec<Needed>,
    /// Of so many other seeds, how many fail as well.
    pub other_seeds: (u64, u64),
    /// Runs that were made to find it.
    pub runs: u64,
}

impl Minimal {
    /// How many rules of a kind are left: of lists whose name ends so.
    #[must_use]
    pub fn count(&self, list: &str) -> usize {
        self.needed.iter().filter(|needed| needed.list.ends_with(list)).count()
    }
}

/// Why a scenario cannot be made smaller.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// The text is no TOML.
    #[error("the scenario cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// It does not fail as it is.
    #[error("the scenario does not fail as it is, so there is nothing to make smaller")]
    Passes,
}

/// Makes a scenario smaller as long as `fails` says so. The path is where its relative paths begin.
///
/// # Errors
///
/// If it is no TOML or does not fail.
pub fn shrink(path: &Path, text: &str, fails: &dyn Fn(&Plan) -> bool) -> Result<Minimal, ShrinkError> {
    let table: Table = text.parse()?;
    let mut shrinker = Shrinker { path: path.to_path_buf(), table, fails, runs: 0 };
    if !shrinker.still_fails(&shrinker.table.clone()) {
        return Err(ShrinkError::Passes);
    }
    for _ in 0..MOST_ROUNDS {
        let before = shrinker.table.clone();
        shrinker.mailboxes();
        for list in LISTS {
            shrinker.list(list);
        }
        shrinker.values();
        if shrinker.table == before {
            break;
        }
    }
    Ok(shrinker.minimal())
}

struct Shrinker<'f> {
    path: PathBuf,
    table: Table,
    fails: &'f dyn Fn(&Plan) -> bool,
    runs: u64,
}

impl Shrinker<'_> {
    fn still_fails(&mut self, table: &Table) -> bool {
        let Ok(text) = toml::to_string(table) else { return false };
        let Ok(plan) = parse(&self.path, &text, &[], None) else { return false };
        self.runs += 1;
        (self.fails)(&plan)
    }

    /// Keeps a change if the scenario still fails.
    fn accept(&mut self, candidate: Table) -> bool {
        let accepted = candidate != self.table && self.still_fails(&candidate);
        if accepted {
            self.table = candidate;
        }
        accepted
    }

    /// Keeps a change if the scenario still fails with its seed or with one of a few others.
    fn accept_with_luck(&mut self, candidate: &Table) -> bool {
        if self.accept(candidate.clone()) {
            return true;
        }
        (1..=OTHER_SEEDS).any(|seed| {
            let mut candidate = candidate.clone();
            candidate.insert("seed".to_owned(), Value::Integer(seed.cast_signed()));
            self.accept(candidate)
        })
    }

    fn present_mailboxes(&self) -> i64 {
        get(&self.table, &["wave", "mailboxes"]).and_then(Value::as_integer).unwrap_or(1)
    }

    fn mailboxes(&mut self) {
        let present = self.present_mailboxes();
        for count in (1..present).take_while(|count| *count <= 8).chain([present / 8, present / 4, present / 2]) {
            if count < 1 || count >= self.present_mailboxes() {
                continue;
            }
            let mut fewer = self.table.clone();
            set(&mut fewer, &["wave", "mailboxes"], Value::Integer(count));
            if get(&fewer, &["population", "uniform"]).is_some() {
                set(&mut fewer, &["population", "mailboxes"], Value::Integer(count));
            }
            // A rule about mailboxes that are no longer there is about all of them.
            for list in [&["source", "faults"], &["target", "faults"]] {
                for rule in get_mut(&mut fewer, list).and_then(Value::as_array_mut).into_iter().flatten() {
                    rule.as_table_mut().map(|rule| rule.remove("mailboxes"));
                }
            }
            if self.accept_with_luck(&fewer) {
                return;
            }
        }
    }

    /// Takes rules away: all of a list, or else one after another.
    fn list(&mut self, list: &[&str]) {
        let mut without = self.table.clone();
        if !remove(&mut without, list) {
            return;
        }
        if self.accept(without) {
            return;
        }
        let mut place = 0;
        while place < length(&self.table, list) {
            let mut shorter = self.table.clone();
            if let Some(rules) = get_mut(&mut shorter, list).and_then(Value::as_array_mut) {
                rules.remove(place);
                if rules.is_empty() {
                    remove(&mut shorter, list);
                }
            }
            if !self.accept_with_luck(&shorter) {
                place += 1;
            }
        }
    }

    fn values(&mut self) {
        for key in SIMPLER {
            let mut simpler = self.table.clone();
            if remove(&mut simpler, key) {
                self.accept(simpler);
            }
        }
        for (key, choices) in SMALLER {
            let Some(present) = get(&self.table, key).and_then(Value::as_integer) else { continue };
            for choice in choices.iter().take_while(|choice| **choice < present) {
                let mut smaller = self.table.clone();
                set(&mut smaller, key, Value::Integer(*choice));
                if self.accept(smaller) {
                    break;
                }
            }
        }
    }

    fn minimal(mut self) -> Minimal {
        let table = self.table.clone();
        let seed = table.get("seed").and_then(Value::as_integer).unwrap_or(1).cast_unsigned();
        let failing = (1..=PROBED_SEEDS)
            .filter(|other| {
                let mut candidate = table.clone();
                candidate.insert("seed".to_owned(), Value::Integer((seed + 1_000 + other).cast_signed()));
                self.still_fails(&candidate)
            })
            .count() as u64;
        let needed = LISTS.iter().flat_map(|list| {
            let rules = get(&table, list).and_then(Value::as_array).cloned().unwrap_or_default();
            rules.into_iter().map(|rule| Needed { list: list.join("."), name: name_of(&rule) })
        });
        Minimal {
            needed: needed.collect(),
            seed,
            mailboxes: u32::try_from(self.present_mailboxes()).unwrap_or(u32::MAX),
            other_seeds: (failing, PROBED_SEEDS),
            runs: self.runs,
            text: toml::to_string(&table).expect("it was written before"),
        }
    }
}

/// What tells a rule from others.
fn name_of(rule: &Value) -> String {
    let key = |key| rule.get(key).and_then(Value::as_str).map(str::to_owned);
    rule.as_str()
        .map(str::to_owned)
        .or_else(|| key("name"))
        .or_else(|| key("preset"))
        .or_else(|| key("at"))
        .unwrap_or_default()
}

fn get<'t>(table: &'t Table, path: &[&str]) -> Option<&'t Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(key))
}

fn get_mut<'t>(table: &'t mut Table, path: &[&str]) -> Option<&'t mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get_mut(*first)?, |value, key| value.get_mut(key))
}

fn length(table: &Table, path: &[&str]) -> usize {
    get(table, path).and_then(Value::as_array).map_or(0, Vec::len)
}

/// Sets a value in a table that is there.
fn set(table: &mut Table, path: &[&str], value: Value) {
    let Some((last, above)) = path.split_last() else { return };
    let inner = if above.is_empty() { Some(table) } else { get_mut(table, above).and_then(Value::as_table_mut) };
    if let Some(inner) = inner {
        inner.insert((*last).to_owned(), value);
    }
}

/// Removes a value; tells whether it was there.
fn remove(table: &mut Table, path: &[&str]) -> bool {
    let Some((last, above)) = path.split_last() else { return false };
    let inner = if above.is_empty() { Some(table) } else { get_mut(table, above).and_then(Value::as_table_mut) };
    inner.is_some_and(|inner| inner.remove(*last).is_some())
}

#[cfg(test)]
mod tests {
    use mock_server::throttle::health::episode::{Effect, Episode};

    use super::*;

    const SCENARIO: &str = r#"
title = "Large"
seed = 5
[population]
preset = "small-business"
mailboxes = 9
uniform = { items = 300, item_size = "4 kB" }
[source]
faults = [{ name = "a", act = "reset" }, { name = "b", act = "truncate" }]
health = { preset = "exchange-online", episodes = [{ name = "e", from = "2 s", length = "9 s", down = true }] }
[target]
limits = ["outlook", { name = "few", requests = "5/1 s" }]
faults = [{ name = "c", act = "reset" }, { name = "d", act = "lose-answer", mailboxes = [7, 8] }]
[[crashes]]
at = "5 s"
[pipeline]
lanes = 4
patience = "9 s"
[wave]
mailboxes = 9
"#;

    fn check(fails: impl Fn(&Plan) -> bool) -> Minimal {
        shrink(Path::new("large.toml"), SCENARIO, &fails).expect("it fails")
    }

    #[test]
    fn what_does_not_matter_is_taken_away() {
        let minimal = check(|plan| plan.target.server.faults.iter().any(|rule| rule.name == "d"));
        assert_eq!((minimal.mailboxes, minimal.count("faults"), minimal.count("limits")), (1, 1, 0));
        assert_eq!(minimal.needed, [Needed { list: "target.faults".to_owned(), name: "d".to_owned() }]);
        assert!(minimal.text.contains("items = 0"), "{}", minimal.text);
        assert!(!minimal.text.contains("health"), "{}", minimal.text);
        assert!(!minimal.text.contains("patience"), "{}", minimal.text);
        assert_eq!(minimal.other_seeds.0, minimal.other_seeds.1, "every seed fails");
    }

    #[test]
    fn what_matters_stays() {
        let minimal = check(|plan| plan.wave.mailboxes >= 3 && plan.crashes.len() == 1 && plan.pipeline.lanes > 1);
        assert_eq!((minimal.mailboxes, minimal.count("crashes"), minimal.count("faults")), (3, 1, 0));
        let down = |episode: &Episode| matches!(episode.effect, Effect::Down { .. });
        let minimal = check(|plan| plan.source.server.conditions.health.episodes.iter().any(down));
        assert_eq!(minimal.needed, [Needed { list: "source.health.episodes".to_owned(), name: "e".to_owned() }]);
    }

    #[test]
    fn another_seed_is_taken_if_the_present_one_passes() {
        let minimal = check(|plan| plan.wave.mailboxes > 1 || plan.seed == 3);
        assert_eq!((minimal.mailboxes, minimal.seed), (1, 3));
    }

    #[test]
    fn what_passes_is_refused() {
        assert!(matches!(shrink(Path::new("a.toml"), SCENARIO, &|_| false), Err(ShrinkError::Passes)));
    }
}
