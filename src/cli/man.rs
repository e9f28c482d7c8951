//! `wavetank man`: manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap_mangen::Man;

use super::console;
use super::exit::Exit;

/// Print the manual page, or write the pages of all subcommands into a directory
#[derive(clap::Args, Debug)]
pub struct Options {
    /// A directory to write one page for each subcommand into
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let written = match &options.out {
        None => page(super::grammar()).map(|page| console::print(&page)),
        Some(directory) => write_all(directory).map(|()| Exit::Ok),
    };
    written.unwrap_or_else(|error| {
        console::error(&format!("cannot write the manual: {error}"));
        Exit::Incomplete
    })
}

fn page(command: clap::Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write_all(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("wavetank.1"), page(super::grammar())?)?;
    let mut grammar = super::grammar();
    // Gives every subcommand its full name, `wavetank-explain` and so on.
    grammar.build();
    for command in grammar.get_subcommands() {
        let name = command.get_display_name().unwrap_or(command.get_name());
        fs::write(directory.join(format!("{name}.1")), page(command.clone())?)?;
    }
    Ok(())
}
