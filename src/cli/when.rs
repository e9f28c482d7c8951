//! `wavetank when`: the moment after which a failure was sealed.

use serde::Serialize;
use std::fmt::Write as _;

use super::console;
use super::exit::Exit;
use super::options::ScenarioArgs;
use super::output::Format;
use crate::pipeline::planted::Planted;
use crate::report::json::render;
use crate::swarm::condition::Condition;
use crate::swarm::when::{Explanation, explain};

/// Columns of the plot.
const WIDTH: usize = 40;

/// Find the moment after which the failure of a scenario was sealed
///
/// Runs it in virtual time, again and again, with other chance from a moment on, for a ladder of moments, and plots the
/// share of runs that fail. What decided happened where the share rises.
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    scenario: ScenarioArgs,

    /// When a run counts as failed, as for `wavetank shrink`
    #[arg(long, value_name = "CONDITION", default_value = "broken", value_parser = Condition::parse)]
    fails_if: Condition,

    /// Steps of the ladder
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    steps: u32,

    /// Runs for each step
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    runs: u32,

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
    console::headline(&plan, "virtual");
    let fails = |observed: &_| options.fails_if.holds(observed);
    let explanation = match explain(&plan, Planted::NONE, &fails, options.steps, options.runs) {
        Ok(explanation) => explanation,
        Err(error) => {
            console::failure(&error);
            return Exit::InvalidInput;
        }
    };
    if explanation.ladder.is_empty() {
        console::error("the scenario does not fail, so there is nothing to explain");
        return Exit::VerdictFailed;
    }
    match options.format {
        Format::Text => console::print(&text(&explanation)),
        Format::Json => console::print(&json(&explanation)),
    }
}

fn text(explanation: &Explanation) -> String {
    let mut text = "chance anew from   share of runs that fail\n".to_owned();
    for rung in &explanation.ladder {
        let bar = "#".repeat((rung.share() * WIDTH as f64).round() as usize);
        let (after, percent) = (rung.after.as_seconds(), rung.share() * 100.0);
        let _ = writeln!(text, "{after:>14.3} s   |{bar:<WIDTH$}| {percent:>3.0}%");
    }
    let Some((open, sealed)) = explanation.between else {
        text.push_str("it fails whatever chance does\n");
        return text;
    };
    let (open, sealed) = (open.as_seconds(), sealed.as_seconds());
    let _ = writeln!(text, "open until {open:.3} s, sealed from {sealed:.3} s on; what happened around it:");
    for happened in &explanation.around {
        let at = happened.at.as_seconds();
        let mark = if at >= open && at <= sealed { '>' } else { ' ' };
        let _ = writeln!(text, "{mark}{at:>13.3} s   {}", happened.what);
    }
    text
}

/// The result for programs.
#[derive(Serialize)]
struct Document<'e> {
    schema: &'static str,
    ladder: Vec<Step>,
    open_until_seconds: Option<f64>,
    sealed_from_seconds: Option<f64>,
    around: Vec<Line<'e>>,
}

#[derive(Serialize)]
struct Step {
    after_seconds: f64,
    failed: u32,
    runs: u32,
}

#[derive(Serialize)]
struct Line<'e> {
    at_seconds: f64,
    what: &'e str,
}

fn json(explanation: &Explanation) -> String {
    let step = |rung: &crate::swarm::when::Rung| Step {
        after_seconds: rung.after.as_seconds(),
        failed: rung.failed,
        runs: rung.runs,
    };
    let document = Document {
        schema: "wavetank.when/1",
        ladder: explanation.ladder.iter().map(step).collect(),
        open_until_seconds: explanation.between.map(|(open, _)| open.as_seconds()),
        sealed_from_seconds: explanation.between.map(|(_, sealed)| sealed.as_seconds()),
        around: explanation
            .around
            .iter()
            .map(|happened| Line { at_seconds: happened.at.as_seconds(), what: &happened.what })
            .collect(),
    };
    render(&document)
}
