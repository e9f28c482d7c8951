//! `wavetank replay`: what was recorded, again: to our pipeline in virtual time, to a client, or as a load.

mod load;
mod serve;
mod virtually;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use mock_server::journal::read::Journal;
use mock_server::journal::record::Record;
use mock_server::serve::Doors;

use self::load::LoadArgs;
use super::exit::Exit;
use super::options::{self, ScenarioArgs};
use super::output::OutputArgs;
use super::wave::{Model, ModelArgs};
use super::{console, journal};
use crate::population::inventory::Inventory;
use crate::scenario;
use crate::world::Side;

/// Play a journal or an HTTP archive (HAR) again
///
/// In virtual time, our pipeline moves the wave of the journal's scenario and meets the recorded refusals and delays. As a
/// server, a client meets them: its requests find recorded ones of the same kind and mailbox, in their order. As a load,
/// the recorded requests are sent again when they are due, whatever the answers do.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The journal of `serve`, `run` or `simulate`, or an HTTP archive of a browser or proxy
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,

    /// To whom it is played
    #[arg(long = "as", value_enum, default_value_t, value_name = "WAY")]
    way: Way,

    /// The scenario, if not that of the journal
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Replace a value of the scenario; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    overrides: Vec<String>,

    /// Replace the seed
    #[arg(long, value_name = "NUMBER", value_parser = options::seed)]
    seed: Option<u64>,

    /// Where requests belong of which the journal does not say it, as in HTTP archives
    #[arg(long, value_enum, default_value_t, value_name = "SIDE")]
    side: options::Where,

    #[command(flatten)]
    doors: Doors,

    #[command(flatten)]
    load: LoadArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// To whom a journal is played.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Way {
    /// To our pipeline, in virtual time
    #[default]
    Virtual,
    /// To any client: a server gives the recorded refusals and delays
    Server,
    /// To any server: the recorded requests are sent on their schedule
    Load,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    if options.way != Way::Load && options.load.is_asked_for() {
        console::error("only a load goes to a server that is named, at a speed that is given");
        console::message("help: add --as load, or leave --url, --allow-host and --speed out");
        return Exit::InvalidInput;
    }
    let journal = match journal::load(&options.journal) {
        Ok(journal) => journal,
        Err(exit) => return exit,
    };
    let played = options.output.prepare().and_then(|()| match options.way {
        Way::Virtual => virtually::run(options, &journal),
        Way::Server => serve::run(options, &journal),
        Way::Load => load::run(options, &journal),
    });
    match played {
        Ok(exit) | Err(exit) => exit,
    }
}

/// The records that concern one side.
fn of_side<'a>(options: &Options, journal: &'a Journal, side: Side) -> impl Iterator<Item = &'a Record> + use<'a> {
    let otherwise = Side::from(options.side);
    journal.records.iter().filter(move |record| match record.server.as_deref() {
        Some(name) => name == side.name(),
        None => side == otherwise,
    })
}

/// The scenario that the options name, or that of the journal; none if there is neither.
fn model(options: &Options, journal: &Journal, world: &str) -> Result<Option<Model>, Exit> {
    if let Some(file) = &options.scenario {
        let scenario = ScenarioArgs { file: file.clone(), overrides: options.overrides.clone(), seed: options.seed };
        return ModelArgs { scenario, scale: None }.load(world).map(Some);
    }
    let Some(kept) = &journal.header.scenario else { return Ok(None) };
    let overrides: Vec<_> = kept.overrides.iter().chain(&options.overrides).cloned().collect();
    let seed = options.seed.or(kept.seed);
    let plan = scenario::parse(Path::new(&kept.file), &kept.text, &overrides, seed);
    let plan = plan.map_err(|problems| options::report(&problems))?;
    let inventory = plan.population.inventory.as_deref().map(Inventory::read).transpose().map_err(|error| {
        console::error(&error.to_string());
        Exit::InvalidInput
    })?;
    Model::of(plan, inventory.as_ref(), kept.scale, world).map(Some)
}
