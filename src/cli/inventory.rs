//! `wavetank inventory`: what an export says about an estate, and the population parameters that fit it.

mod json;
mod text;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::console::{self, Progress};
use super::exit::Exit;
use super::output::Format;
use crate::population::describe::{Spread, quantile};
use crate::population::inventory::fit::Fit;
use crate::population::inventory::{ImportError, Inventory};
use crate::population::preset::{NAMES, Preset};
use crate::scenario::preset::ORDINARY_POPULATION;

/// Bytes from which on a file is long enough to show how reading it goes on.
const LONG: u64 = 4 << 20;
/// Steps of the progress bar.
const STEPS: u64 = 1_000;

/// Shares at which quantiles are printed, and their names.
const QUANTILES: [(f64, &str); 7] =
    [(0.1, "p10"), (0.25, "p25"), (0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99")];

/// Describe an export of mailboxes and fit a population to it
///
/// Reads Microsoft 365 mailbox usage reports, the output of Get-MailboxStatistics and Get-EXOMailboxStatistics, and
/// tables with a name and a size in each row; separated by commas, semicolons or tabs, as JSON or as CLIXML.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The export; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The preset to compare with; it gives the parameters that the export cannot tell, as it does in a scenario
    #[arg(long, value_name = "NAME", default_value = ORDINARY_POPULATION, value_parser = known_preset)]
    pub preset: String,

    /// The form of the result on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub format: Format,
}

fn known_preset(name: &str) -> Result<String, String> {
    match Preset::named(name) {
        Some(preset) => Ok(preset.name),
        None => Err(format!("there are {}", NAMES.join(", "))),
    }
}

/// What is printed in either form.
struct Findings<'o> {
    options: &'o Options,
    inventory: Inventory,
    fit: Fit,
    preset: Preset,
    sizes: Sorted,
    items: Sorted,
}

/// Values in ascending order.
struct Sorted {
    values: Vec<f64>,
    spread: Spread,
}

impl Sorted {
    fn new(values: Vec<f64>) -> Self {
        let spread = Spread::of(values.clone());
        Self { values, spread }
    }

    fn at(&self, share: f64) -> f64 {
        quantile(&self.values, share)
    }
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let Some(preset) = Preset::named(&options.preset) else {
        console::error(&format!("no population preset is called `{}`", options.preset));
        return Exit::InvalidInput;
    };
    let inventory = match read(&options.file) {
        Ok(inventory) => inventory,
        Err(error) => {
            console::error(&error.to_string());
            return Exit::InvalidInput;
        }
    };
    let fit = inventory.fit(&preset);
    let (sizes, items) = (Sorted::new(inventory.sizes()), Sorted::new(inventory.item_counts()));
    let findings = Findings { options, inventory, fit, preset, sizes, items };
    let exit = console::print(&match options.format {
        Format::Text => text::render(&findings, console::width()),
        Format::Json => json::render(&findings),
    });
    match findings.inventory.usable(&options.file) {
        Ok(()) => exit,
        Err(error) => {
            console::error(&error.to_string());
            exit.max(Exit::InvalidInput)
        }
    }
}

/// Reads a file or standard input.
fn read(file: &Path) -> Result<Inventory, ImportError> {
    if file == Path::new("-") {
        return Inventory::read_stream(io::stdin().lock(), Path::new("standard input"));
    }
    let length = fs::metadata(file).map_or(0, |about| about.len());
    let progress = (length >= LONG).then(|| Progress::new(STEPS, "inventory"));
    Inventory::read_told(file, &|read| {
        if let Some(progress) = &progress {
            progress.set(read.saturating_mul(STEPS) / length);
        }
    })
}
