//! `wavetank serve`: the servers of a scenario as a process of their own, which outlives the runs against it; or a
//! server of named mailboxes alone.

use std::path::PathBuf;

use clap::ValueEnum;
use mock_server::front::clock::Clock;
use mock_server::front::listen::{Handle, ListenError};
use mock_server::journal::recorder::Recorder;
use mock_server::journal::witness::Witness;
use mock_server::mailbox::plain::Plain;
use mock_server::serve::interrupt::Interrupt;
use mock_server::serve::{Doors, Kept, Ready, ServeError};
use mock_server::service::config::Config;
use mock_server::service::credentials::Credentials;
use mock_server::throttle::limit::Limit;
use mock_server::throttle::preset;
use serde::Serialize;

use super::exit::Exit;
use super::journal::JournalArgs;
use super::output::Format;
use super::wave::{Changes, Model, ModelArgs};
use super::{console, journal};
use crate::engine::live::server;
use crate::world::Side;

/// Serve mailboxes over EWS and Microsoft Graph, with limits, costs and faults, until interrupted
///
/// With a scenario, the servers are its source and its target (the network between them is not modelled between
/// processes). Without one, there is one server with the mailboxes that are named. What clients change is kept in memory
/// until the end, and longer with --state. Each server has a control page under /_tank/.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The scenario file; without one, at least one --mailbox is needed
    #[arg(value_name = "SCENARIO")]
    scenario: Option<PathBuf>,

    #[command(flatten)]
    changes: Changes,

    /// Which servers of the scenario to start. With both, ports other than 0 are those of the source, and the target has
    /// the next ones
    #[arg(long, value_enum, default_value_t, value_name = "SIDE", requires = "scenario")]
    side: Sides,

    /// The limits of a server without a scenario: the name of a preset, or none
    #[arg(long, value_name = "PRESET", default_value = "exchange-online", value_parser = limits, conflicts_with = "scenario")]
    limits: Limits,

    #[command(flatten)]
    doors: Doors,

    #[command(flatten)]
    journal: JournalArgs,

    /// Run limits, health, delays and the waits that are announced so many times faster than the wall clock, for clients
    /// whose clock runs as fast
    #[arg(long, value_name = "K", default_value_t = 1.0, value_parser = super::options::factor)]
    time_scale: f64,

    /// How to say that the servers are ready
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

/// Servers of a scenario.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Sides {
    /// The server that mailboxes come from
    Source,
    /// The server that mailboxes go to
    Target,
    /// Both, on a port each
    #[default]
    Both,
}

/// The limits of a preset.
#[derive(Clone, Debug)]
pub(super) struct Limits(Vec<Limit>);

/// Reads the name of a preset.
pub(super) fn limits(name: &str) -> Result<Limits, String> {
    preset::chosen(name).map(Limits)
}

/// A server that accepts, and what it is for.
pub(super) struct Open {
    side: Option<Side>,
    ready: Ready,
    /// It serves until this is dropped.
    _handle: Handle,
}

impl Open {
    /// An open server.
    pub(super) fn new(side: Option<Side>, ready: Ready, handle: Handle) -> Self {
        Self { side, ready, _handle: handle }
    }

    /// What it is for, if it belongs to a scenario.
    pub(super) fn side(&self) -> Option<Side> {
        self.side
    }

    /// Where it is.
    pub(super) fn ready(&self) -> &Ready {
        &self.ready
    }
}

/// The line that says that the servers are ready. At its top is the first of them.
#[derive(Serialize)]
struct Said<'a> {
    schema: &'static str,
    #[serde(flatten)]
    first: &'a Ready,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a Ready>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a Ready>,
}

/// Servers that are to be started, and what is kept of them.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    /// The scenario, if there is one.
    pub(super) model: Option<ModelArgs>,
    /// The seed of a server without a scenario.
    pub(super) seed: Option<u64>,
    /// Which servers of the scenario to start.
    pub(super) side: Sides,
    /// The limits of a server without a scenario.
    pub(super) limits: Limits,
    /// Where clients find the servers.
    pub(super) doors: Doors,
    /// What is kept.
    pub(super) journal: JournalArgs,
    /// How many times faster than the wall clock time runs.
    pub(super) time_scale: f64,
}

impl Options {
    /// The servers that the options name.
    fn serving(&self) -> Serving {
        let model = self.scenario.as_ref().map(|file| self.changes.of(file));
        Serving {
            model,
            seed: self.changes.seed,
            side: self.side,
            limits: self.limits.clone(),
            doors: self.doors.clone(),
            journal: self.journal.clone(),
            time_scale: self.time_scale,
        }
    }
}

impl Serving {
    /// Begins the journal, if there is to be one.
    pub(super) fn begin_journal(&self) -> Result<Option<Recorder>, Exit> {
        self.journal.spare()?;
        self.journal.begin(self.model.as_ref(), self.time_scale)
    }

    /// The scenario with its mailboxes, if there is one; problems are written to stderr.
    pub(super) fn load(&self) -> Result<Option<Model>, Exit> {
        self.model.as_ref().map(|model| model.load("serving")).transpose()
    }

    /// Starts the servers, those of what was loaded if it was; problems are written to stderr.
    pub(super) fn start(&self, model: Option<&Model>, recorder: &Recorder) -> Result<Vec<Open>, Exit> {
        match model {
            Some(model) => self.start_scenario(model, recorder),
            None if self.doors.named.is_empty() => {
                console::error("there is nothing to serve");
                console::message("help: name a scenario file, or add a mailbox: --mailbox alice@contoso.test");
                Err(Exit::InvalidInput)
            }
            None => self.start_named(recorder).map_err(|error| failed(&error)),
        }
    }

    /// One server with the named mailboxes and nothing else.
    fn start_named(&self, recorder: &Recorder) -> Result<Vec<Open>, ServeError> {
        let doors = &self.doors;
        let credentials = Credentials::default();
        warn(doors, &credentials);
        let config = Config::instant(self.seed.unwrap_or(1), self.limits.0.clone());
        let none = Plain { mailboxes: 0, ..Plain::default() };
        let owner = format!("named mailboxes alone with seed {}", config.seed);
        let clock = Clock::start_scaled(self.time_scale);
        let kept = kept(recorder, None);
        let handle = doors.open_kept(config, none, &owner, clock, doors.authority(Vec::new())?, credentials, kept)?;
        Ok(vec![Open::new(None, Ready::of(doors, &handle), handle)])
    }

    /// The servers of a scenario that are wanted, the source before the target.
    fn start_scenario(&self, model: &Model, recorder: &Recorder) -> Result<Vec<Open>, Exit> {
        let scale = self.model.as_ref().and_then(|model| model.scale);
        let scale = scale.map_or(String::new(), |scale| format!(" at scale 1/{scale}"));
        if model.plan.background.is_some() {
            console::message("warning: nobody of [background] is at work at these servers");
            console::message(
                "help: `wavetank load SCENARIO --url URL` does the work of people, with changes to mailboxes",
            );
        }
        warn(&self.doors, &model.plan.credentials);
        let clock = Clock::start_scaled(self.time_scale);
        let authority = self.doors.authority(model.population.domains()).map_err(|error| failed(&error))?;
        let sides = match self.side {
            Sides::Source => vec![(Side::Source, self.doors.clone())],
            Sides::Target => vec![(Side::Target, self.doors.clone())],
            Sides::Both => vec![(Side::Source, self.doors.clone()), (Side::Target, self.doors.next())],
        };
        let open = |(side, doors): (Side, Doors)| {
            let config = server::config(&model.plan, side);
            let (hash, seed) = (&model.plan.hash, model.plan.seed);
            let owner = format!("the {} of scenario {hash} with seed {seed}{scale}", side.name());
            let (clock, authority) = (clock.clone(), authority.clone());
            let (credentials, kept) = (model.plan.credentials.clone(), kept(recorder, Some(side)));
            let content = model.population.clone();
            let handle = doors.open_kept(config, content, &owner, clock, authority, credentials, kept)?;
            Ok(Open::new(Some(side), Ready::of(&doors, &handle), handle))
        };
        sides.into_iter().map(open).collect::<Result<_, _>>().map_err(|error| failed(&error))
    }
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    match attempt(options) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn attempt(options: &Options) -> Result<Exit, Exit> {
    let serving = options.serving();
    // A scenario that is wrong leaves no journal.
    let model = serving.load()?;
    let goals = model.as_ref().map_or(&[][..], |model| &model.plan.goals);
    let kept = journal::judging(serving.begin_journal()?, goals, serving.time_scale);
    let recorder = kept.clone().unwrap_or_else(|| Recorder::new(serving.time_scale));
    let servers = serving.start(model.as_ref(), &recorder)?;
    until_interrupted(servers, options.format)?;
    let Some(recorder) = kept else { return Ok(Exit::Ok) };
    let card = journal::end(&recorder)?;
    let exit = console::print(&journal::shown(&card, options.format));
    Ok(exit.max(journal::exit_of(&card.goals)))
}

/// Says that servers are ready, and keeps them until somebody ends this.
pub(super) fn until_interrupted(servers: Vec<Open>, format: Format) -> Result<(), Exit> {
    let interrupt = Interrupt::new().map_err(|error| {
        console::failure(&ListenError::Thread(error));
        Exit::Incomplete
    })?;
    let exit = console::print(&ready(format, &servers));
    if exit != Exit::Ok {
        return Err(exit);
    }
    interrupt.wait().map_err(|error| {
        console::failure(&error);
        Exit::Incomplete
    })?;
    drop(servers);
    Ok(())
}

fn failed(error: &ServeError) -> Exit {
    console::failure(error);
    Exit::InvalidInput
}

/// Says what an open door means.
fn warn(doors: &Doors, credentials: &Credentials) {
    if !doors.listen.ip().is_loopback() || [doors.tls, doors.proxy].iter().flatten().any(|it| !it.ip().is_loopback()) {
        let opens = match (credentials.users.is_empty(), credentials.apps.is_empty()) {
            (true, _) => ", and any password opens any mailbox",
            (false, true) => ", and any app gets a token for any mailbox",
            (false, false) => "",
        };
        console::message(format!("warning: other machines can reach this server{opens}"));
    }
}

/// What a server keeps.
fn kept(recorder: &Recorder, side: Option<Side>) -> Kept {
    let witness = Witness::new(recorder.clone(), side.map(Side::name));
    Kept { witness: Some(witness), rehearsal: None }
}

/// The text that says that servers are ready.
fn ready(format: Format, servers: &[Open]) -> String {
    let of = |side| servers.iter().find(|server| server.side == Some(side)).map(|server| &server.ready);
    let (source, target) = (of(Side::Source), of(Side::Target));
    let mut text = match format {
        Format::Json => {
            let said = Said { schema: "wavetank.serve/1", first: &servers[0].ready, source, target };
            serde_json::to_string(&said).expect("texts are valid JSON")
        }
        Format::Text => {
            let name = |server: &Open| server.side.map_or("serving", Side::name);
            let mut lines: Vec<_> =
                servers.iter().map(|server| format!("{} at {}", name(server), server.ready.sentence())).collect();
            let url = |name: &str, ready: Option<&Ready>| Some(format!("--{name}-url {}", ready?.http));
            let urls: Vec<String> = [url("source", source), url("target", target)].into_iter().flatten().collect();
            lines.push(if urls.is_empty() { "ready".to_owned() } else { format!("ready: {}", urls.join(" ")) });
            lines.join("\n")
        }
    };
    text.push('\n');
    text
}
