//! `wavetank completions`: completion scripts for shells.

use clap_complete::Shell;

use super::console;
use super::exit::Exit;

/// Print the completion script for a shell
#[derive(clap::Args, Debug)]
pub struct Options {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut super::grammar(), "wavetank", &mut script);
    console::print(&String::from_utf8_lossy(&script))
}
