//! `wavetank judge`: how the clients of a journal did.

use std::path::{Path, PathBuf};

use mock_server::journal::judge::goal::{Goal, Jury};
use mock_server::journal::read::Journal;

use super::exit::Exit;
use super::output::Format;
use super::{console, journal, options};
use crate::scenario;
use crate::world::Side;

/// Tell from a journal how each client did: whether it waits when told to, what it sends in vain, loses or doubles
///
/// Reads journals of `serve`, `run` and `simulate`, and HTTP archives (HAR) of browsers and proxies. Goals of the
/// scenario that was run, or of another one, are judged as well; if one is missed, the exit code is 1.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The journal, or an HTTP archive
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,

    /// Only what one server saw, where there were several
    #[arg(long, value_enum, value_name = "SIDE")]
    server: Option<options::Where>,

    /// The scenario whose goals are judged, if not that of the journal
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// The form of the result on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    match attempt(options) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn attempt(options: &Options) -> Result<Exit, Exit> {
    let journal = journal::load(&options.journal)?;
    let mut goals = goals(options, &journal)?;
    let only = options.server.map(|side| Side::from(side).name());
    let wanted = |server: Option<&str>| only.is_none() || server == only;
    // Of what another server saw nothing is heard.
    goals.retain(|goal| goal.server.is_none() || wanted(goal.server.as_deref()));
    let mut jury = Jury::new(journal.header.time_scale).with_goals(goals);
    for record in journal.records.iter().filter(|record| wanted(record.server.as_deref())) {
        jury.hear(&record.told());
    }
    let card = jury.card();
    let exit = console::print(&journal::shown(&card, options.format));
    Ok(exit.max(journal::exit_of(&card.goals)))
}

/// The goals of the scenario that is named, or else of the one that was run.
fn goals(options: &Options, journal: &Journal) -> Result<Vec<Goal>, Exit> {
    let plan = match (&options.scenario, &journal.header.scenario) {
        (Some(file), _) => scenario::load(file, &[], None),
        // Whoever states no goals need not have a scenario that can still be read.
        (None, Some(kept)) if states_goals(&kept.text, &kept.overrides) => {
            scenario::parse(Path::new(&kept.file), &kept.text, &kept.overrides, kept.seed)
        }
        _ => return Ok(Vec::new()),
    };
    plan.map(|plan| plan.goals).map_err(|problems| options::report(&problems))
}

/// Whether a scenario may state goals.
fn states_goals(text: &str, overrides: &[String]) -> bool {
    text.contains("goals") || overrides.iter().any(|change| change.contains("goals"))
}
