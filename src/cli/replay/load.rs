//! A journal, played to any server: the recorded requests are sent when they are due.

use std::sync::Arc;

use mock_server::journal::read::Journal;
use mock_server::journal::record::Record;
use mock_server::journal::subject;
use mock_server::time::{Moment, Span};

use super::Options;
use crate::cli::console::{self, Progress};
use crate::cli::exit::Exit;
use crate::cli::options::Format;
use crate::engine::live::drive::errand::Errand;
use crate::engine::live::drive::recorded::{Again, Recorded};
use crate::engine::live::drive::{self, DriveError, DriveOptions, Http};
use crate::engine::live::run as live;
use crate::engine::live::token::Credentials;
use crate::engine::wire::url::{ServerUrl, UrlError};
use crate::load::demand::Demand;
use crate::load::outcome::Outcome;
use crate::load::recorded::{Entry, Recording};
use crate::load::verdict;
use crate::report::number::count;
use crate::report::{json, text};

/// How long after it was due a request may be sent without being late.
const TOLERANCE: Span = Span::milliseconds(1);

/// Where recorded requests are sent, and how.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(super) struct LoadArgs {
    /// The server that a load goes to
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// A host besides this machine that may be loaded; may be repeated
    #[arg(long = "allow-host", value_name = "HOST")]
    allowed: Vec<String>,

    /// How many times faster than recorded a load is sent
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = crate::cli::options::factor)]
    speed: f64,

    /// How many connections a load has
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections: u32,

    /// After how long a request of a load is given up, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_seconds: u64,
}

/// Sends the recorded requests.
pub(super) fn run(options: &Options, journal: &Journal) -> Result<Exit, Exit> {
    let load = &options.load;
    let Some(url) = &load.url else {
        console::error("a load needs a server to go to");
        console::message("help: name it with --url, for example that of `wavetank serve`");
        return Err(Exit::InvalidInput);
    };
    let url: ServerUrl = url.parse().map_err(|error| refused(&error))?;
    let url = url.allowed(&load.allowed).map_err(|error| refused(&error))?;
    let asked: Vec<&Record> = journal.records.iter().filter(|record| is_sent(record)).collect();
    let Some(first) = asked.first() else {
        console::error("the journal holds no request that could be sent again");
        return Err(Exit::InvalidInput);
    };
    let bodiless = asked.iter().filter(|record| record.body.is_none() && record.request_bytes > 0).count() as u64;
    if bodiless > 0 {
        console::message(format_args!(
            "warning: {} requests are sent without their bodies, which were not kept; see --journal-bodies of what made \
             the journal",
            count(bodiless)
        ));
    }
    let begins = first.at();
    let due = |record: &&Record| record.at().since(begins).scale(1.0 / load.speed);
    let entry = |record: &&Record| Entry { at: due(record), client: None, action: None, mailbox: None };
    let recording = Arc::new(Recording::of(asked.iter().map(entry).collect()));
    let requests = asked.iter().map(|record| again(record)).collect();
    let errand =
        Errand::Recorded(Arc::new(Recorded { requests, credentials: Credentials::mock(), token_url: url.clone() }));
    // The last request is due, too.
    let length = recording.length() + Span(1);
    let drive = Arc::new(DriveOptions {
        url,
        http: Http::One,
        connections: load.connections,
        streams: 1,
        workers: 1,
        patience: Span::seconds(load.timeout_seconds),
        queue: u32::MAX,
        warm_up: Span::ZERO,
        end: Moment::START + length,
        tolerance: TOLERANCE,
    });
    let progress = Progress::new(asked.len() as u64, "requests");
    let watch = |at: drive::Progress| progress.set(at.ended);
    let demand = |share| Demand::recorded(Arc::clone(&recording), share, Moment::START + length);
    let driven = drive::drive(&drive, demand, &errand, watch, live::interrupted());
    drop(progress);
    let driven = driven.map_err(|error| failed(&error))?;
    let outcome = Outcome {
        target: drive.url.to_string(),
        demand: format!("open loop, {} recorded requests", count(asked.len() as u64)),
        http: "HTTP/1.1",
        connections: drive.connections,
        streams: 1,
        workers: 1,
        seed: 0,
        spoiled: verdict::spoiled(&driven.tally, TOLERANCE),
        tally: driven.tally,
        measured: driven.measured,
        tolerance: TOLERANCE,
        interrupted: driven.interrupted,
    };
    let exit = console::print(&match options.output.format {
        Format::Json => json::render(&json::load::report(&outcome)),
        Format::Text => text::load::report(&outcome),
    });
    let spoiled = if outcome.spoiled.is_some() { Exit::Spoiled } else { Exit::Ok };
    let interrupted = if outcome.interrupted { Exit::Incomplete } else { Exit::Ok };
    Ok(exit.max(interrupted).max(spoiled))
}

/// Whether a recorded request is sent again: the load gets tokens of its own, and a challenge is no request.
fn is_sent(record: &Record) -> bool {
    let (path, _) = subject::path_of(&record.url);
    record.url.starts_with("http") && !subject::proves(path) && record.status != 401
}

fn again(record: &Record) -> Again {
    let (path, query) = subject::path_of(&record.url);
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    Again {
        method: record.method.clone(),
        target,
        content_type: record.content_type.clone(),
        mailbox: record.mailbox.clone(),
        body: record.body.clone().unwrap_or_default(),
        ews: subject::is_ews(path),
    }
}

fn refused(error: &UrlError) -> Exit {
    console::error(&error.to_string());
    if let UrlError::NotAllowed { host } = error {
        console::message(format_args!("help: if you mean it, add --allow-host {host}"));
    }
    Exit::InvalidInput
}

fn failed(error: &DriveError) -> Exit {
    console::failure(error);
    match error {
        DriveError::Unreachable { .. } => Exit::Unreachable,
        DriveError::Denied { .. } | DriveError::Path { .. } | DriveError::Runtime(_) => Exit::InvalidInput,
        DriveError::Worker => Exit::Bug,
    }
}
