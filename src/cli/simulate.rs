//! `wavetank simulate`: one wave in virtual time.

use super::clock::Stopwatch;
use super::console;
use super::exit::Exit;
use super::options::{Format, OutputArgs, ScenarioArgs};
use crate::engine::{order, virtual_time};
use crate::population::{Population, wave};
use crate::report::{json, text};

/// Run one wave of a scenario in virtual time: the real pipeline, every request
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    scenario: ScenarioArgs,

    #[command(flatten)]
    output: OutputArgs,

    /// Run a scale model: one mailbox in so many, with what mailboxes share divided by as much
    #[arg(long, value_name = "1/K", value_parser = super::options::scale)]
    scale: Option<u32>,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let plan = match options.scenario.load() {
        Ok(plan) => options.scale.map_or(plan.clone(), |k| plan.scaled(k)),
        Err(exit) => return exit,
    };
    console::headline(&plan, "virtual");
    let population = match Population::new(&plan.population, plan.seed) {
        Ok(population) => population,
        Err(error) => {
            console::error(&error.to_string());
            return Exit::InvalidInput;
        }
    };
    let stopwatch = Stopwatch::start();
    let mut mailboxes = wave::draw(&population, plan.seed, 0, plan.wave.mailboxes);
    order::arrange(&plan, &population, &mut mailboxes);
    let finished = virtual_time::run::simulate(&plan, &population, &mailboxes, 0, plan.open());
    let wall_seconds = stopwatch.seconds();
    let report = json::run::report(&plan, "virtual", &finished.summary, wall_seconds);
    let exit = console::print(&match options.output.format {
        Format::Json => json::render(&report),
        Format::Text => text::run::report(&plan, &finished.summary, wall_seconds),
    });
    console::message(format_args!("to reproduce: wavetank simulate {}", options.scenario.reproduce()));
    exit
}
