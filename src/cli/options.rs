//! Arguments that several subcommands share.

use std::path::PathBuf;
use std::thread;

use clap::{Args, ValueEnum};
use mock_server::time::Span;

use super::console;
use super::exit::Exit;
use crate::population::inventory::Inventory;
use crate::population::parameters::parameters;
use crate::population::{Population, PopulationError};
use crate::scenario;
use crate::scenario::plan::Plan;
use crate::scenario::problem::Problems;
use crate::scenario::unit::time;
use crate::world::Side;

/// The greatest seed that a scenario can have.
pub const LAST_SEED: u64 = i64::MAX as u64;

/// A scenario file and what is changed in it.
#[derive(Args, Clone, Debug)]
pub struct ScenarioArgs {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub file: PathBuf,

    /// Replace a value, for example --set target.switch.duration="9 min"; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub overrides: Vec<String>,

    /// Replace the seed
    #[arg(long, value_name = "NUMBER", value_parser = seed)]
    pub seed: Option<u64>,
}

impl ScenarioArgs {
    /// Reads and checks the scenario and the inventory that it names; problems are written to stderr.
    pub fn load(&self) -> Result<Plan, Exit> {
        self.read().map(|(plan, _)| plan)
    }

    /// Reads and checks the scenario; gives the inventory that it names as well. Problems, and that there are doubts about
    /// the inventory, are written to stderr.
    pub fn read(&self) -> Result<(Plan, Option<Inventory>), Exit> {
        let mut plan = scenario::load(&self.file, &self.overrides, self.seed).map_err(|problems| report(&problems))?;
        let Some(file) = &plan.population.inventory else {
            tell_parameters(&mut plan, None);
            return Ok((plan, None));
        };
        let checked = Inventory::read(file).map_err(PopulationError::from).and_then(|inventory| {
            Population::check(&plan, &inventory)?;
            Ok(inventory)
        });
        let inventory = checked.map_err(|error| {
            let message = error.to_string();
            report(&scenario::blame(&self.file, &self.overrides, error.key(), message, error.help()))
        })?;
        if let Some(doubts) = inventory.doubts() {
            let again = quoted(&file.display().to_string());
            console::message(format_args!(
                "warning: {}: {doubts}; `wavetank inventory {again}` tells which",
                file.display()
            ));
        }
        tell_parameters(&mut plan, Some(&inventory));
        Ok((plan, Some(inventory)))
    }

    /// The arguments that give the same scenario again, for the line that says how to reproduce a run.
    #[must_use]
    pub fn reproduce(&self) -> String {
        let mut line = quoted(&self.file.display().to_string());
        for change in &self.overrides {
            line.push_str(" --set ");
            line.push_str(&quoted(change));
        }
        if let Some(seed) = self.seed {
            line.push_str(" --seed ");
            line.push_str(&seed.to_string());
        }
        line
    }
}

/// Puts what mailboxes are drawn by beside what the scenario says of them.
fn tell_parameters(plan: &mut Plan, inventory: Option<&Inventory>) {
    let rows = parameters(&plan.population, inventory);
    let of_population = plan.assumptions.iter().rposition(|row| row.key.starts_with("population."));
    let place = of_population.map_or(0, |last| last + 1);
    plan.assumptions.splice(place..place, rows);
}

/// A server of a migration.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Where {
    /// Where mailboxes come from
    Source,
    /// Where mailboxes go to
    #[default]
    Target,
}

impl From<Where> for Side {
    fn from(side: Where) -> Self {
        match side {
            Where::Source => Self::Source,
            Where::Target => Self::Target,
        }
    }
}

/// Writes the problems of a scenario to stderr.
#[must_use]
pub fn report(problems: &Problems) -> Exit {
    console::message(problems.render(console::stderr_has_color(), console::width()));
    Exit::InvalidInput
}

/// Reads the scale of a model: one mailbox in so many, written `1/k`.
pub fn scale(text: &str) -> Result<u32, String> {
    let k = text.strip_prefix("1/").and_then(|k| k.trim().parse().ok()).filter(|k| *k > 0);
    k.ok_or_else(|| format!("`{text}` is no scale: write 1/k with a whole number k, for example 1/100"))
}

/// Reads a seed: a whole number that a scenario can have too.
pub fn seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed <= LAST_SEED);
    seed.ok_or_else(|| format!("a seed is a whole number from 0 to {LAST_SEED}"))
}

/// Reads a factor: a number from a thousandth to a million.
pub fn factor(text: &str) -> Result<f64, String> {
    let factor = text.trim().parse::<f64>().ok().filter(|factor| (1e-3..=1e6).contains(factor));
    factor.ok_or_else(|| format!("`{text}` is not a number from 0.001 to 1,000,000"))
}

/// Reads a duration that is not zero.
pub fn duration(text: &str) -> Result<Span, String> {
    match time::parse(text) {
        Ok(Span::ZERO) => Err("it must be longer than nothing".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// How much runs at the same time.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ThreadArgs {
    /// Threads to use, as many as there are processors if absent; the result does not depend on it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl ThreadArgs {
    /// How many threads to use.
    #[must_use]
    pub fn count(self) -> usize {
        self.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_reproduces_a_run_survives_a_shell() {
        let options = ScenarioArgs {
            file: PathBuf::from("scenarios/nhsmail.toml"),
            overrides: vec!["target.switch.duration=9 min".to_owned(), "title=it's".to_owned()],
            seed: Some(7),
        };
        let expected = r"scenarios/nhsmail.toml --set 'target.switch.duration=9 min' --set 'title=it'\''s' --seed 7";
        assert_eq!(options.reproduce(), expected);
    }
}
