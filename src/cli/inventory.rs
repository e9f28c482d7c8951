//! `wavetank inventory`: what an export says about an estate, and the population parameters that fit it.

mod json;
mod text;

use std::path::PathBuf;

use super::console;
use super::exit::Exit;
use super::options::Format;
use crate::population::describe::{Spread, quantile};
use crate::population::inventory::Inventory;
use crate::population::inventory::fit::Fit;
use crate::population::preset::{NAMES, Preset};

/// Shares at which quantiles are printed, and their names.
const QUANTILES: [(f64, &str); 7] =
    [(0.1, "p10"), (0.25, "p25"), (0.5, "p50"), (0.75, "p75"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99")];

/// Describe an export of mailboxes and fit a population to it
///
/// Reads Microsoft 365 mailbox usage reports, the output of Get-MailboxStatistics and Get-EXOMailboxStatistics, and
/// tables with a name and a size in each row; separated by commas, semicolons or tabs, as JSON or as CLIXML.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The export
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The preset to compare with; it gives the parameters that the export cannot tell
    #[arg(long, value_name = "NAME", default_value = "nhs", value_parser = known_preset)]
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
    let inventory = match Inventory::read(&options.file) {
        Ok(inventory) => inventory,
        Err(error) => {
            console::error(&error.to_string());
            return Exit::InvalidInput;
        }
    };
    let fit = inventory.fit(&preset);
    let (sizes, items) = (Sorted::new(inventory.sizes()), Sorted::new(inventory.item_counts()));
    let findings = Findings { options, inventory, fit, preset, sizes, items };
    match options.format {
        Format::Text => console::print(&text::render(&findings, console::width())),
        Format::Json => console::print(&json::render(&findings)),
    }
}
