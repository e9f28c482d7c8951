//! `wavetank judge`: how the clients of a journal did.

use std::path::PathBuf;

use mock_server::journal::judge::Judge;

use super::exit::Exit;
use super::options::Format;
use super::{console, journal};

/// Tell from a journal how each client did: whether it waits when told to, what it sends in vain, loses or doubles
///
/// Reads journals of `serve`, `run` and `simulate`, and HTTP archives (HAR) of browsers and proxies.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The journal, or an HTTP archive
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,

    /// Only what one server saw, where there were several: source or target
    #[arg(long, value_name = "NAME")]
    server: Option<String>,

    /// The form of the result on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let journal = match journal::load(&options.journal) {
        Ok(journal) => journal,
        Err(exit) => return exit,
    };
    let mut judge = Judge::new(journal.header.time_scale);
    let wanted = |server: &Option<String>| options.server.is_none() || *server == options.server;
    for record in journal.records.iter().filter(|record| wanted(&record.server)) {
        judge.hear(record);
    }
    console::print(&journal::shown(&judge.card(), options.format))
}
