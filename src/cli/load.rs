//! `wavetank load`: requests at a rate of one's own, and an honest account of how long they took.

mod demand;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use mock_server::time::{Moment, Span};

use self::demand::DemandArgs;
use self::target::Target;
use super::console::{self, Progress};
use super::exit::Exit;
use super::output::OutputArgs;
use super::wave::Changes;
use crate::engine::live::drive::{self, DriveError, DriveOptions, Driven, Http};
use crate::engine::live::run as live;
use crate::load::outcome::Outcome;
use crate::load::verdict;
use crate::report::number::count;
use crate::report::{json, text};
use crate::scenario::unit::time;

/// Send a load to a server, and measure response times from the moment when each request was due
///
/// With a scenario, the load is what the people of its estate do with their mailboxes: Outlook, phones, the web and chat,
/// as real requests to EWS and Graph. A mock server of the scenario is started, unless --url leads to one. Without a
/// scenario, --url is fetched again and again. Only this machine is loaded, unless a host is allowed by name.
///
/// A run in which the generator itself was late for most of the response time is invalid, and ends with exit code 6.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The scenario whose people make the load
    #[arg(value_name = "SCENARIO", required_unless_present = "url")]
    scenario: Option<PathBuf>,

    #[command(flatten)]
    changes: Changes,

    /// The server: of a scenario's people its base, otherwise what is fetched
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Where tokens for this server come from, if not from itself
    #[arg(long, value_name = "URL", requires = "url")]
    token_url: Option<String>,

    /// A host besides this machine that may be loaded; may be repeated
    #[arg(long = "allow-host", value_name = "HOST")]
    allowed: Vec<String>,

    #[command(flatten)]
    demand: DemandArgs,

    /// What is spoken with the server
    #[arg(long, value_enum, default_value_t, value_name = "VERSION")]
    http: Spoken,

    /// How many connections there are
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections: u32,

    /// How many requests are under way at a time on each connection of HTTP/2
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    streams: u32,

    /// How many threads send; each keeps one core busy at most
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    workers: u32,

    /// After how long a request is given up
    #[arg(long, value_name = "DURATION", default_value = "30 s", value_parser = super::options::duration)]
    timeout: Span,

    /// How many requests of an open loop may wait for a free connection; more are dropped
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000_000)]
    queue: u32,

    /// How much later than due a request may be sent without being late, and how much of that is harmless to a run
    #[arg(long, value_name = "DURATION", default_value = "1 ms", value_parser = time::parse)]
    tolerance: Span,

    #[command(flatten)]
    output: OutputArgs,
}

/// Versions of HTTP.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Spoken {
    /// HTTP/1.1
    #[default]
    #[value(name = "1.1")]
    One,
    /// HTTP/2 without TLS, by prior knowledge
    #[value(name = "2")]
    Two,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    match attempt(options) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn attempt(options: &Options) -> Result<Exit, Exit> {
    let target = Target::choose(options)?;
    let (http, streams) = match options.http {
        Spoken::One => (Http::One, 1),
        Spoken::Two => (Http::Two, options.streams),
    };
    let slots = options.connections.saturating_mul(streams);
    let demand = options.demand.read(target.seed, slots, target.people.as_ref())?;
    let errand = target.errand(&demand);
    let drive = DriveOptions {
        url: target.url.clone(),
        http,
        connections: options.connections,
        streams,
        workers: options.workers.min(options.connections),
        patience: options.timeout,
        queue: options.queue,
        warm_up: demand.warm_up,
        end: Moment::START + demand.length,
        tolerance: options.tolerance,
    };
    let drive = Arc::new(drive);
    options.output.prepare()?;
    let progress = Progress::new(demand.length.as_milliseconds_up(), "load");
    let watch = |at: drive::Progress| {
        progress.set(at.elapsed.as_milliseconds_up().min(demand.length.as_milliseconds_up()));
        progress.say(&format!("{} ended, {} waiting, ms", count(at.ended), count(at.waiting)));
    };
    let driven = drive::drive(&drive, |share| demand.of(share), &errand, watch, live::interrupted());
    drop(progress);
    let help = "lower the rate, give it more --workers, or let nothing else run on this machine";
    let told = Told { target: target.said, demand: demand.said, seed: target.seed, output: &options.output, help };
    told.tell(&drive, driven)
}

/// What a load was for people, and how they are told what came of it.
pub(super) struct Told<'a> {
    /// Where it went.
    pub(super) target: String,
    /// What was sent when.
    pub(super) demand: String,
    /// The seed of all draws.
    pub(super) seed: u64,
    /// Where the result goes.
    pub(super) output: &'a OutputArgs,
    /// What may be done about a generator that was late.
    pub(super) help: &'static str,
}

impl Told<'_> {
    /// Writes the result, and how the command ends.
    pub(super) fn tell(self, drive: &DriveOptions, driven: Result<Driven, DriveError>) -> Result<Exit, Exit> {
        let Driven { tally, measured, interrupted } = driven.map_err(|error| failed(&error))?;
        let outcome = Outcome {
            target: self.target,
            demand: self.demand,
            http: drive.http.name(),
            connections: drive.connections,
            streams: drive.streams,
            workers: drive.workers,
            seed: self.seed,
            spoiled: verdict::spoiled(&tally, drive.tolerance),
            tally,
            measured,
            tolerance: drive.tolerance,
            interrupted,
        };
        let published = json::render(&json::load::report(&outcome));
        let exit = self.output.tell(&published, &text::load::report(&outcome), Vec::new);
        let spoiled = if outcome.spoiled.is_some() {
            console::error(
                "the run is invalid: the generator was late itself, and what it measured says little of the server",
            );
            console::message(format_args!("help: {}", self.help));
            Exit::Spoiled
        } else {
            Exit::Ok
        };
        let interrupted = if interrupted { Exit::Incomplete } else { Exit::Ok };
        Ok(exit.max(interrupted).max(spoiled))
    }
}

fn failed(error: &DriveError) -> Exit {
    console::failure(error);
    match error {
        DriveError::Unreachable { .. } => Exit::Unreachable,
        DriveError::Denied { .. } | DriveError::Path { .. } | DriveError::Runtime(_) => Exit::InvalidInput,
        DriveError::Worker => Exit::Bug,
    }
}
