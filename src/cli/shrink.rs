//! `wavetank shrink`: the smallest scenario that still fails.

use std::fs;
use std::path::PathBuf;

use super::console;
use super::exit::Exit;
use crate::pipeline::planted::Planted;
use crate::scenario::plan::Plan;
use crate::swarm::condition::Condition;
use crate::swarm::shrink::{Minimal, shrink};
use crate::swarm::trial::{self, Observed};

/// Make a scenario that fails as small as it can be while it still fails
///
/// Runs it in virtual time, again and again, with fewer mailboxes, items, faults, limits and crashes, and writes the
/// smallest scenario that fails to stdout or a file.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    file: PathBuf,

    /// When a run counts as failed, for example "lost > 0 or hammering > 0 or makespan > 10 min". Measures: lost,
    /// duplicates, skipped, refusals, `refusals_per_item`, hammering, unfinished, hung, makespan, and broken for any law
    #[arg(long, value_name = "CONDITION", default_value = "broken", value_parser = Condition::parse)]
    fails_if: Condition,

    /// The file to write; stdout if absent
    #[arg(long, value_name = "FILE", alias = "output")]
    out: Option<PathBuf>,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let text = match fs::read_to_string(&options.file) {
        Ok(text) => text,
        Err(error) => {
            console::error(&format!("cannot read {}: {error}", options.file.display()));
            return Exit::InvalidInput;
        }
    };
    if let Some(file) = &options.out
        && let Err(error) = console::try_to_write(file)
    {
        console::error(&format!("cannot write {}: {error}", file.display()));
        return Exit::InvalidInput;
    }
    // Problems of the scenario itself are told with their places.
    let plan = match crate::scenario::parse(&options.file, &text, &[], None) {
        Ok(plan) => plan,
        Err(problems) => return super::options::report(&problems),
    };
    console::headline(&plan, "virtual");
    let observe = |plan: &Plan| trial::observe(plan, Planted::NONE).ok();
    let Some(observed) = observe(&plan) else {
        console::error("the scenario's population cannot be made: `wavetank simulate` says why");
        return Exit::InvalidInput;
    };
    tell("as it is", &observed);
    let fails = |plan: &Plan| observe(plan).is_some_and(|observed| options.fails_if.holds(&observed));
    match shrink(&options.file, &text, &fails) {
        Ok(minimal) => write(options, &minimal, &observe),
        Err(error) => {
            console::failure(&error);
            Exit::VerdictFailed
        }
    }
}

fn tell(what: &str, observed: &Observed) {
    console::message(format_args!(
        "{what}: {} items, lost {}, duplicates {}, refusals {}, early calls {}, unfinished {}, {:.1} s",
        observed.items,
        observed.lost,
        observed.duplicates,
        observed.manners.refusals,
        observed.manners.early,
        observed.unfinished,
        observed.makespan().as_seconds()
    ));
    for broken in &observed.broken {
        console::message(format_args!("  {broken}"));
    }
}

fn write(options: &Options, minimal: &Minimal, observe: &dyn Fn(&Plan) -> Option<Observed>) -> Exit {
    let smallest = crate::scenario::parse(&options.file, &minimal.text, &[], None).ok();
    if let Some(observed) = smallest.and_then(|plan| observe(&plan)) {
        tell("made small", &observed);
    }
    let (failing, tried) = minimal.other_seeds;
    let seed = match failing {
        0 => format!("the seed matters: none of {tried} others fails"),
        failing if failing == tried => format!("the seed does not matter: all of {tried} others fail as well"),
        failing => format!("{failing} of {tried} other seeds fail as well"),
    };
    console::message(format_args!(
        "{} mailboxes, seed {} ({seed}), {} runs",
        minimal.mailboxes, minimal.seed, minimal.runs
    ));
    if minimal.needed.is_empty() {
        console::message("no fault, limit or crash is needed");
    }
    for needed in &minimal.needed {
        console::message(format_args!("needed: `{}` in {}; without it the run passes", needed.name, needed.list));
    }
    let Some(file) = &options.out else { return console::print(&minimal.text) };
    match fs::write(file, &minimal.text) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            console::error(&format!("cannot write {}: {error}", file.display()));
            Exit::Incomplete
        }
    }
}
