//! `wavetank schema`: the JSON Schema of scenario files.

use super::console;
use super::exit::Exit;
use crate::scenario::schema;

/// Print the JSON Schema of scenario files, for editors
#[derive(clap::Args, Debug)]
pub struct Options {}

/// Runs the subcommand.
#[must_use]
pub fn run(_options: &Options) -> Exit {
    console::print(&schema::text())
}
