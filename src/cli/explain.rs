//! `wavetank explain`: a scenario with every default filled in, and where each value comes from.

use std::fmt::Write;

use serde::Serialize;

use super::console;
use super::exit::Exit;
use super::options::ScenarioArgs;
use super::output::Format;
use crate::report::json::render;
use crate::scenario::plan::{Assumption, Plan};

/// Show a scenario with every value filled in, and where each comes from
///
/// The source of a value is the comment behind it in the file, or on the lines above, or else the one above its section. A
/// value without any counts as assumed.
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    scenario: ScenarioArgs,

    /// The form of the result on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Format,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let plan = match options.scenario.load() {
        Ok(plan) => plan,
        Err(exit) => return exit,
    };
    console::print(&match options.format {
        Format::Text => text(&plan),
        Format::Json => json(&plan),
    })
}

fn text(plan: &Plan) -> String {
    let mut text = String::new();
    let mut section = None;
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{}\nscenario {}, seed {}, file {}", plan.title, plan.hash, plan.seed, plan.file.display());
    for Assumption { key, value, origin, note } in &plan.assumptions {
        let (this, rest) = key.split_once('.').unwrap_or(("", key));
        if this.is_empty() {
            continue;
        }
        if section != Some(this) {
            let _ = writeln!(text, "\n[{this}]");
            section = Some(this);
        }
        let _ = writeln!(text, "  {rest} = {value}\n      {}: {note}", origin.name());
    }
    text
}

#[derive(Serialize)]
struct Explanation<'p> {
    schema: &'static str,
    scenario: Identity<'p>,
    values: Vec<Row<'p>>,
}

#[derive(Serialize)]
struct Identity<'p> {
    title: &'p str,
    hash: &'p str,
    seed: u64,
    file: String,
}

#[derive(Serialize)]
struct Row<'p> {
    key: &'p str,
    value: &'p str,
    origin: &'static str,
    note: &'p str,
}

/// The explanation as JSON.
pub(super) fn json(plan: &Plan) -> String {
    let explanation = Explanation {
        schema: "wavetank.explain/1",
        scenario: Identity {
            title: &plan.title,
            hash: &plan.hash,
            seed: plan.seed,
            file: plan.file.display().to_string(),
        },
        values: plan
            .assumptions
            .iter()
            .map(|row| Row { key: &row.key, value: &row.value, origin: row.origin.name(), note: &row.note })
            .collect(),
    };
    render(&explanation)
}
