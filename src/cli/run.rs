//! `wavetank run`: one wave live over HTTP.

mod command;
mod keep;

use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use mock_server::journal::judge::goal::Verdict;
use mock_server::journal::recorder::Recorder;
use mock_server::journal::witness::Witness;
use mock_server::serve::Doors;
use mock_server::time::Moment;

use self::command::Foreign;
use self::keep::Keeping;
use super::clock::Stopwatch;
use super::console::{self, Progress};
use super::exit::Exit;
use super::journal::{self, JournalArgs};
use super::output::OutputArgs;
use super::serve::{self, Limits, Serving, Sides};
use super::servers::ServerArgs;
use super::wave::{Changes, Model, ModelArgs};
use crate::checkpoint::CheckpointError;
use crate::engine::live::run::{self as live, Finished, LiveError};
use crate::engine::live::server::{REPLICATION, ServerChoice};
use crate::engine::virtual_time::run::people_alone;
use crate::event::{Event, Listener};
use crate::metrics::collect::Collector;
use crate::metrics::summary::Summary;
use crate::report::number::count;
use crate::report::told::Told;
use crate::world::Side;

/// Run one wave of a scenario live: the real pipeline over HTTP, by the wall clock
///
/// Starts mock servers on this machine, or talks to those of `wavetank serve` or any others. When it is interrupted, it
/// keeps its progress in a file, and what its own mock servers hold in files beside it: the same command goes on where it
/// ended. Against servers that outlive it, the same holds after a crash. The network of the scenario is modelled only
/// before mock servers of the run's own.
///
/// With COMMAND, that program runs instead of our pipeline. Its environment leads it to mock servers: `HTTPS_PROXY` for
/// Microsoft's host names, `REQUESTS_CA_BUNDLE`, `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS` for the certificate to trust,
/// `WAVETANK_HTTPS_URL`, `WAVETANK_EWS_URL`, `WAVETANK_GRAPH_URL` and `WAVETANK_CA` for whoever knows of us, and the same
/// with `SOURCE_` or `TARGET_` after `WAVETANK_`. `WAVETANK_MAILBOXES_FILE` has the addresses of all mailboxes to move, one
/// on each line, and `WAVETANK_MAILBOXES` the named ones, or the first hundred. In the end the servers tell how it did.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The scenario file; only a COMMAND can do without, with at least one --mailbox
    #[arg(value_name = "SCENARIO", required_unless_present = "command")]
    scenario: Option<PathBuf>,

    #[command(flatten)]
    changes: Changes,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    servers: ServerArgs,

    /// The file that keeps the progress; what mock servers of the run's own hold is in files beside it. By default it is in
    /// the directory of --out, or in the current one, and removed when all is done
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,

    #[command(flatten)]
    journal: JournalArgs,

    /// Run the clock of COMMAND and the servers so many times faster than the wall clock; needs libfaketime
    #[arg(long, value_name = "K", default_value_t = 1.0, value_parser = super::options::factor, requires = "command")]
    time_scale: f64,

    /// Which servers of the scenario COMMAND gets; Microsoft's host names lead to the target, if there are both
    #[arg(long, value_enum, default_value_t, value_name = "SIDE", requires = "command")]
    side: Sides,

    /// The limits of COMMAND's server without a scenario: the name of a preset, or none
    #[arg(long, value_name = "PRESET", default_value = "exchange-online", value_parser = serve::limits, requires = "command")]
    limits: Limits,

    #[command(flatten)]
    doors: Doors,

    /// A program to put into the tank instead of our pipeline, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Options {
    /// The scenario that is run.
    fn model(&self) -> Option<ModelArgs> {
        Some(self.changes.of(self.scenario.as_ref()?))
    }

    /// The program that is put into the tank, with the servers for it.
    fn foreign(&self) -> Foreign<'_> {
        let servers = Serving {
            model: self.model(),
            seed: self.changes.seed,
            side: self.side,
            limits: self.limits.clone(),
            doors: self.doors.clone(),
            journal: self.journal.clone(),
            time_scale: self.time_scale,
        };
        Foreign { command: &self.command, servers, output: &self.output }
    }
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    if !options.command.is_empty() {
        return options.foreign().run().unwrap_or_else(|exit| exit);
    }
    let Doors { tls, proxy, ca_out, named, state, .. } = &options.doors;
    if tls.is_some() || proxy.is_some() || ca_out.is_some() || !named.is_empty() || state.is_some() {
        console::error(
            "--tls, --proxy, --ca-out, --mailbox and --state are for the servers of a COMMAND, and there is none",
        );
        console::message("help: to keep a run in a file of your choice, name it with --checkpoint");
        return Exit::InvalidInput;
    }
    let Some(args) = options.model() else { return Exit::InvalidInput };
    let servers = match options.servers.choose() {
        Ok(servers) => servers,
        Err(exit) => return exit,
    };
    if options.journal.journal.is_some() && servers.iter().any(|server| server.url.is_some()) {
        console::error("--journal keeps what mock servers of the run's own see, and others are named");
        console::message("help: let the server keep it: `wavetank serve SCENARIO --journal FILE`");
        return Exit::InvalidInput;
    }
    let model = match args.load("live") {
        Ok(model) => model,
        Err(exit) => return exit,
    };
    attempt(options, &model, servers).unwrap_or_else(|exit| exit)
}

/// Runs the wave, tells the result, and keeps what the same command can go on from.
fn attempt(options: &Options, model: &Model, mut servers: [ServerChoice; 2]) -> Result<Exit, Exit> {
    with_people(model, &mut servers)?;
    options.output.prepare()?;
    let keeping = Keeping::begin(options, model, &mut servers)?;
    let recorder = witness(options, model, &mut servers)?;
    let stopwatch = Stopwatch::start();
    let (mut finished, summary) = migrate(model, &servers, &keeping).map_err(|error| failed(&error))?;
    let kept = keeping.save(&finished);
    if !finished.beside.people.is_empty() {
        // The same requests without a wave, in virtual time.
        let alone = people_alone(&model.plan, &model.population, REPLICATION, finished.at);
        for people in &mut finished.beside.people {
            people.alone = alone.iter().find(|(side, _)| *side == people.side).map(|(_, tally)| tally.clone());
        }
    }
    let judged = recorder.map_or(Ok(Vec::new()), |recorder| journal::end(&recorder).map(|card| card.goals));
    let (goals, judged) = judged.map_or_else(|exit| (Vec::new(), exit), |goals| (goals, Exit::Ok));
    let told = conclude(options, model, (&finished, &summary), &goals, stopwatch).max(judged);
    // Whoever could not keep the run has said so, and nobody can go on from it.
    Ok(kept.map_or_else(|exit| told.max(exit), |()| keeping.end(&finished, &summary, told)))
}

/// Has the people of the scenario work at mock servers of our own. At others nobody does, which is refused.
fn with_people(model: &Model, servers: &mut [ServerChoice; 2]) -> Result<(), Exit> {
    let Some(background) = &model.plan.background else { return Ok(()) };
    let sides = [(Side::Source, background.source), (Side::Target, background.target)];
    for (server, (side, _)) in servers.iter_mut().zip(sides).filter(|(_, (_, factor))| *factor > 0.0) {
        let name = side.name();
        if server.url.is_some() {
            console::error(&format!(
                "[background] has people at the {name}, and they are at work only at mock servers of the run's own"
            ));
            console::message(format_args!(
                "help: leave them out with --set background.{name}=0, and have `wavetank load` do their work"
            ));
            return Err(Exit::InvalidInput);
        }
        server.people = Some(Arc::clone(&model.population));
    }
    Ok(())
}

/// Puts a witness before each server of our own if there is to be a journal, or if there are goals.
fn witness(options: &Options, model: &Model, servers: &mut [ServerChoice; 2]) -> Result<Option<Recorder>, Exit> {
    let mut goals = &model.plan.goals[..];
    if !goals.is_empty() && servers.iter().any(|server| server.url.is_some()) {
        console::message("warning: nobody judges the goals: mock servers of the run's own do, and others are named");
        console::message("help: have the server judge them: `wavetank serve SCENARIO` does when it ends");
        goals = &[];
    }
    let recorder = options.journal.begin(options.model().as_ref(), 1.0)?;
    let recorder = journal::judging(recorder, goals, 1.0);
    for (server, side) in servers.iter_mut().zip([Side::Source, Side::Target]) {
        server.witness = recorder.clone().map(|recorder| Witness::new(recorder, Some(side.name())));
    }
    Ok(recorder)
}

/// Writes the result and how to repeat the run.
fn conclude(
    options: &Options,
    model: &Model,
    (finished, summary): (&Finished, &Summary),
    goals: &[Verdict],
    stopwatch: Stopwatch,
) -> Exit {
    let told = Told { world: "live", summary, beside: &finished.beside, goals };
    let exit = model.tell(&told, stopwatch.seconds(), &options.output);
    if finished.waiting > 0 && !finished.interrupted {
        console::message(format_args!(
            "the window closed before {} mailboxes were begun",
            count(finished.waiting as u64)
        ));
    }
    let reproduce = options.model().map(|model| model.reproduce()).unwrap_or_default();
    console::message(format_args!("the same in virtual time: wavetank simulate {reproduce}"));
    exit
}

fn failed(error: &LiveError) -> Exit {
    console::failure(error);
    match error {
        LiveError::Unreachable { .. } => Exit::Unreachable,
        LiveError::Denied { .. } => {
            console::message("help: give --tenant, --client-id and --client-secret-file");
            Exit::InvalidInput
        }
        LiveError::Checkpoint(CheckpointError::Store(_)) => Exit::Incomplete,
        LiveError::Checkpoint(_) | LiveError::State(_) | LiveError::Listen(_) | LiveError::Runtime(_) => {
            Exit::InvalidInput
        }
    }
}

fn migrate(model: &Model, servers: &[ServerChoice; 2], keeping: &Keeping) -> Result<(Finished, Summary), LiveError> {
    let wave = model.wave();
    let open = model.plan.open();
    let deadline = open.map_or(Moment::NEVER, |open| Moment::START + open);
    let watch = Rc::new(Watch {
        collector: Collector::new(wave.len() as u64, deadline),
        progress: Progress::new(wave.len() as u64, "mailboxes"),
        items: Cell::new(0),
    });
    let listener = Rc::clone(&watch);
    let mut wishes = 0;
    let interrupts = async || {
        live::interrupted().await;
        keeping.wish();
        wishes += 1;
        console::message(match wishes {
            1 => "stopping at the next safe place of every mailbox in progress; interrupt again to stop at once",
            _ => "stopping at once",
        });
    };
    let progress = keeping.progress();
    let finished = live::migrate(&model.plan, &model.population, &wave, open, servers, progress, listener, interrupts)?;
    Ok((finished, watch.collector.summary()))
}

/// Listens for a run: collects the sums and moves the progress bar.
struct Watch {
    collector: Collector,
    progress: Progress,
    items: Cell<u64>,
}

impl Listener for Watch {
    fn note(&self, at: Moment, event: &Event) {
        self.collector.note(at, event);
        match *event {
            Event::MailboxEnded { .. } => self.progress.step(),
            Event::ItemsCopied { items, .. } => {
                self.items.set(self.items.get() + u64::from(items));
                self.progress.say(&format!("{} items copied, mailboxes", count(self.items.get())));
            }
            _ => {}
        }
    }
}
