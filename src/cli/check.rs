//! `wavetank check`: whether scenario files are right.

use std::path::PathBuf;

use super::console;
use super::exit::Exit;
use super::options::report;
use crate::scenario;

/// Check scenario files and report everything that is wrong with them
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    files: Vec<PathBuf>,
}

/// Runs the subcommand. All files are checked, whatever is wrong with the first.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let mut exit = Exit::Ok;
    for file in &options.files {
        let this = match scenario::load(file, &[], None) {
            Ok(plan) => console::print(&format!("{} {}: {}\n", plan.hash, file.display(), plan.title)),
            Err(problems) => report(&problems),
        };
        exit = exit.max(this);
    }
    exit
}
