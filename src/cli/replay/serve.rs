//! A journal, played to any client: a server that gives the recorded refusals and delays.

use mock_server::front::clock::Clock;
use mock_server::front::listen::Handle;
use mock_server::journal::read::Journal;
use mock_server::journal::recorder::Recorder;
use mock_server::journal::rehearse::Rehearsal;
use mock_server::journal::witness::Witness;
use mock_server::mailbox::plain::Plain;
use mock_server::serve::{Doors, Kept, Ready, ServeError};
use mock_server::service::config::Config;
use mock_server::service::credentials::Credentials;
use mock_server::service::script;

use super::{Options, model, of_side};
use crate::cli::exit::Exit;
use crate::cli::serve::{self, Open};
use crate::cli::wave::Model;
use crate::cli::{console, journal};
use crate::engine::live::server;
use crate::world::Side;

/// Serves until interrupted; then tells how the client did.
pub(super) fn run(options: &Options, journal: &Journal) -> Result<Exit, Exit> {
    // Whatever the scale of the recorded time was, the client's clock is the wall's.
    let recorder = Recorder::new(1.0);
    let clock = Clock::start();
    let model = model(options, journal, "replayed to a client")?;
    let opened = match &model {
        Some(model) => of_scenario(options, journal, model, (&recorder, &clock)),
        None => of_names(options, journal, (&recorder, &clock)).map(|open| vec![open]),
    };
    let servers = opened.map_err(|error| {
        console::failure(&error);
        Exit::InvalidInput
    })?;
    if servers.is_empty() {
        console::error("the journal holds no request that could be answered again");
        return Err(Exit::InvalidInput);
    }
    serve::until_interrupted(servers, options.output.format)?;
    let card = journal::end(&recorder)?;
    Ok(journal::tell(&card, &options.output))
}

/// What is kept and played of one side.
fn kept(options: &Options, journal: &Journal, side: Side, recorder: &Recorder) -> Kept {
    let rehearsal = Rehearsal::new(of_side(options, journal, side));
    Kept { witness: Some(Witness::new(recorder.clone(), Some(side.name()))), rehearsal: Some(rehearsal) }
}

/// The servers of the scenario, as far as anything was recorded of them.
fn of_scenario(
    options: &Options,
    journal: &Journal,
    model: &Model,
    (recorder, clock): (&Recorder, &Clock),
) -> Result<Vec<Open>, ServeError> {
    let authority = options.doors.authority(model.population.domains())?;
    let sides = [Side::Source, Side::Target].into_iter();
    let sides: Vec<_> = sides.filter(|side| of_side(options, journal, *side).next().is_some()).collect();
    let mut doors: Doors = options.doors.clone();
    let mut open = Vec::new();
    for side in sides {
        let config = script::stage(server::config(&model.plan, side));
        let kept = kept(options, journal, side, recorder);
        let owner = format!("the {} of scenario {}, replayed", side.name(), model.plan.hash);
        let (content, credentials) = (model.population.clone(), Credentials::default());
        let (clock, authority) = (clock.clone(), authority.clone());
        let handle: Handle = doors.open_kept(config, content, &owner, clock, authority, credentials, kept)?;
        open.push(Open::new(Some(side), Ready::of(&doors, &handle), handle));
        doors = doors.next();
    }
    Ok(open)
}

/// A server of the mailboxes that were recorded, and of those that are named.
fn of_names(options: &Options, journal: &Journal, (recorder, clock): (&Recorder, &Clock)) -> Result<Open, ServeError> {
    let mut doors = options.doors.clone();
    let recorded = journal.records.iter().filter_map(|record| record.mailbox.as_deref());
    for address in recorded.filter(|address| address.contains('@')) {
        if !doors.named.iter().any(|named| named.eq_ignore_ascii_case(address)) {
            doors.named.push(address.to_owned());
        }
    }
    let authority = doors.authority(Vec::new())?;
    let config = Config::instant(options.seed.unwrap_or(1), Vec::new());
    let none = Plain { mailboxes: 0, ..Plain::default() };
    let side = Side::from(options.side);
    let rehearsal = Rehearsal::new(&journal.records);
    let kept = Kept { rehearsal: Some(rehearsal), ..kept(options, journal, side, recorder) };
    let (owner, credentials) = ("recorded mailboxes alone", Credentials::default());
    let handle = doors.open_kept(config, none, owner, clock.clone(), authority, credentials, kept)?;
    Ok(Open::new(None, Ready::of(&doors, &handle), handle))
}
