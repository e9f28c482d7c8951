//! `wavetank check`: whether scenario files, and the inventories that they name, are right.

use std::path::PathBuf;

use super::console;
use super::exit::Exit;
use super::options::ScenarioArgs;

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
        let scenario = ScenarioArgs { file: file.clone(), overrides: Vec::new(), seed: None };
        let this = match scenario.load() {
            Ok(plan) => console::print(&format!("{} {}: {}\n", plan.hash, file.display(), plan.title)),
            Err(exit) => exit,
        };
        exit = exit.max(this);
    }
    exit
}
