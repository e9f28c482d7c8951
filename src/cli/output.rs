//! Where results go: to stdout, and into a directory if the user names one.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::console;
use super::exit::Exit;

/// The result as programs read it, in the directory.
const SUMMARY: &str = "summary.json";

/// The result as it is shown to people, in the directory.
const TEXT: &str = "report.txt";

/// The form of a result on stdout.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Where results go.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs {
    /// The form of the result on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: Format,

    /// A directory to keep the result in: summary.json, report.txt, and of waves the page report.html and the scenario with
    /// every value, scenario.json
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl OutputArgs {
    /// Makes sure that results can be kept, before anything takes long.
    ///
    /// # Errors
    /// If the directory cannot be made or written to; stderr says why.
    pub fn prepare(&self) -> Result<(), Exit> {
        let Some(directory) = &self.out else { return Ok(()) };
        console::try_to_keep(directory).map_err(|error| {
            console::error(&format!("cannot write to {}: {error}", directory.display()));
            console::message("help: name a directory that may be written to with --out");
            Exit::InvalidInput
        })
    }

    /// Keeps a result where the user wants it, as programs and as people read it, and prints it. What cannot be kept is
    /// printed all the same. `beside` makes files that are kept beside it, by name; the first of them, if there are any, is
    /// the page to look at.
    #[must_use]
    pub fn tell(&self, published: &str, readable: &str, beside: impl FnOnce() -> Vec<(&'static str, String)>) -> Exit {
        let kept = self.out.as_ref().map_or(Exit::Ok, |directory| keep(directory, published, readable, &beside()));
        kept.max(console::print(match self.format {
            Format::Json => published,
            Format::Text => readable,
        }))
    }
}

fn keep(directory: &Path, published: &str, readable: &str, beside: &[(&str, String)]) -> Exit {
    let mut files = vec![(SUMMARY, published), (TEXT, readable)];
    files.extend(beside.iter().map(|(name, content)| (*name, content.as_str())));
    if let Err(error) = console::keep(directory, &files) {
        console::error(&format!("cannot write to {}: {error}", directory.display()));
        return Exit::Incomplete;
    }
    let shown = beside.first().map_or(TEXT, |(name, _)| name);
    console::message(format_args!("report: {}", directory.join(shown).display()));
    Exit::Ok
}
