//! A journal, played to any server: the recorded requests are sent when they are due.

use std::sync::Arc;

use mock_server::journal::read::Journal;
use mock_server::journal::record::Record;
use mock_server::journal::subject;
use mock_server::time::{Moment, Span};

use super::Options;
use crate::cli::console::{self, Progress};
use crate::cli::exit::Exit;
use crate::cli::load::Told;
use crate::cli::servers;
use crate::engine::live::drive::errand::Errand;
use crate::engine::live::drive::recorded::{Again, Recorded};
use crate::engine::live::drive::{self, DriveOptions, Http};
use crate::engine::live::run as live;
use crate::engine::live::token::Credentials;
use crate::load::demand::Demand;
use crate::load::recorded::{Entry, Recording};
use crate::load::verdict::HARMLESS;
use crate::report::number::count;

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

    /// How many times faster than recorded a load is sent, if not at the speed of the record
    #[arg(long, value_name = "FACTOR", value_parser = crate::cli::options::factor)]
    speed: Option<f64>,

    /// How many connections a load has
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    connections: u32,

    /// After how long a request of a load is given up
    #[arg(long, value_name = "DURATION", default_value = "30 s", value_parser = crate::cli::options::duration)]
    timeout: Span,
}

impl LoadArgs {
    /// Whether anything is said that concerns nothing but loads.
    pub(super) fn is_asked_for(&self) -> bool {
        self.url.is_some() || !self.allowed.is_empty() || self.speed.is_some()
    }
}

/// Sends the recorded requests.
pub(super) fn run(options: &Options, journal: &Journal) -> Result<Exit, Exit> {
    let load = &options.load;
    let Some(url) = &load.url else {
        console::error("a load needs a server to go to");
        console::message("help: name it with --url, for example that of `wavetank serve`");
        return Err(Exit::InvalidInput);
    };
    let url = servers::allowed(url, &load.allowed)?;
    let mut asked: Vec<&Record> = journal.records.iter().filter(|record| is_sent(record)).collect();
    // Two servers that share a journal do not quite take turns.
    asked.sort_by_key(|record| record.at());
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
    let due = |record: &&Record| record.at().since(begins).scale(1.0 / load.speed.unwrap_or(1.0));
    let entry = |record: &&Record| Entry { at: due(record), program: None, action: None, mailbox: None };
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
        patience: load.timeout,
        queue: u32::MAX,
        warm_up: Span::ZERO,
        end: Moment::START + length,
        tolerance: HARMLESS,
    });
    let progress = Progress::new(asked.len() as u64, "requests");
    let watch = |at: drive::Progress| progress.set(at.ended);
    let demand = |share| Demand::recorded(Arc::clone(&recording), share, Moment::START + length);
    let driven = drive::drive(&drive, demand, &errand, watch, live::interrupted());
    drop(progress);
    let told = Told {
        target: drive.url.to_string(),
        demand: format!("open loop, {} recorded requests", count(asked.len() as u64)),
        seed: 0,
        output: &options.output,
        help: "lower the --speed, or let nothing else run on this machine",
    };
    told.tell(&drive, driven)
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
