//! Keeping journals: the options that say so, and reading them again.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mock_server::journal::judge::card::Scorecard;
use mock_server::journal::judge::goal::{Goal, Verdict};
use mock_server::journal::judge::text;
use mock_server::journal::read::{self, Journal};
use mock_server::journal::record::{FORMAT, Header, Scenario};
use mock_server::journal::recorder::Recorder;
use mock_server::journal::write::Writer;

use super::console;
use super::exit::Exit;
use super::output::{Format, OutputArgs};
use super::wave::ModelArgs;
use crate::report::json;

/// Whether what passes is kept.
#[derive(clap::Args, Clone, Debug)]
pub struct JournalArgs {
    /// Keep everything that passes in this file, without secrets, as JSON Lines compressed with Zstandard: `wavetank
    /// replay` plays it again, `wavetank judge` tells how clients did. Only virtual runs, which happen the same again, replace
    /// one that is there
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,

    /// Longest request body that the journal keeps, in bytes; longer ones are left out
    #[arg(long, value_name = "BYTES", default_value_t = 16_384, requires = "journal")]
    journal_bodies: usize,
}

impl JournalArgs {
    /// Refuses to replace a journal of what happens only once.
    pub fn spare(&self) -> Result<(), Exit> {
        let Some(path) = self.journal.as_ref().filter(|path| path.exists()) else { return Ok(()) };
        console::error(&format!("{} is there, and what it tells of would be lost", path.display()));
        console::message("help: name another file with --journal, or remove this one");
        Err(Exit::InvalidInput)
    }

    /// Begins the journal, if there is to be one; problems are written to stderr. Time runs so many times faster than the
    /// wall clock.
    pub fn begin(&self, model: Option<&ModelArgs>, time_scale: f64) -> Result<Option<Recorder>, Exit> {
        let Some(path) = &self.journal else { return Ok(None) };
        let header = Header {
            format: FORMAT.to_owned(),
            made_by: concat!("wavetank ", env!("CARGO_PKG_VERSION")).to_owned(),
            began: Timestamp::now(),
            time_scale,
            scenario: model.map(scenario),
        };
        let writer = Writer::begin(path, &header).map_err(|error| {
            console::failure(&error);
            Exit::InvalidInput
        })?;
        Ok(Some(Recorder::new(time_scale).with_file(writer, self.journal_bodies)))
    }
}

/// A scenario as a journal keeps it. A file that cannot be read again is kept by name.
fn scenario(model: &ModelArgs) -> Scenario {
    let file = &model.scenario.file;
    Scenario {
        file: file.display().to_string(),
        text: fs::read_to_string(file).unwrap_or_default(),
        overrides: model.scenario.overrides.clone(),
        seed: model.scenario.seed,
        scale: model.scale,
    }
}

/// Has clients judged by goals, if there are some: by whoever keeps a journal, or else by somebody who only judges.
#[must_use]
pub fn judging(recorder: Option<Recorder>, goals: &[Goal], time_scale: f64) -> Option<Recorder> {
    if goals.is_empty() {
        return recorder;
    }
    let recorder = recorder.unwrap_or_else(|| Recorder::new(time_scale));
    Some(recorder.with_goals(goals.to_vec()))
}

/// How the command ends where clients were judged by goals.
#[must_use]
pub fn exit_of(goals: &[Verdict]) -> Exit {
    if goals.iter().all(|goal| goal.met) { Exit::Ok } else { Exit::VerdictFailed }
}

/// Ends a journal; tells how clients did, or that it could not be written.
pub fn end(recorder: &Recorder) -> Result<Scorecard, Exit> {
    recorder.end().map_err(|error| {
        console::failure(&error);
        Exit::Incomplete
    })
}

/// A scorecard as it is shown.
#[must_use]
pub fn shown(card: &Scorecard, format: Format) -> String {
    match format {
        Format::Json => json::render(card),
        Format::Text => text::report(card),
    }
}

/// Keeps a scorecard where the user wants it, and prints it.
#[must_use]
pub fn tell(card: &Scorecard, output: &OutputArgs) -> Exit {
    output.tell(&json::render(card), &text::report(card), Vec::new)
}

/// Reads a journal or an HTTP archive; problems are written to stderr.
pub fn load(path: &Path) -> Result<Journal, Exit> {
    let journal = read::read(path).map_err(|error| {
        console::failure(&error);
        Exit::InvalidInput
    })?;
    if journal.cut {
        console::message(format_args!("warning: {} breaks off; what is there is used", path.display()));
    }
    Ok(journal)
}
