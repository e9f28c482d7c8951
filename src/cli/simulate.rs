//! `wavetank simulate`: one wave in virtual time.

use super::clock::Stopwatch;
use super::console;
use super::exit::Exit;
use super::options::OutputArgs;
use super::wave::ModelArgs;
use crate::engine::virtual_time;

/// Run one wave of a scenario in virtual time: the real pipeline, every request
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let model = match options.model.load("virtual") {
        Ok(model) => model,
        Err(exit) => return exit,
    };
    let stopwatch = Stopwatch::start();
    let finished = virtual_time::run::simulate(&model.plan, &model.population, &model.wave(), 0, model.plan.open());
    let exit = model.tell("virtual", &finished.summary, stopwatch.seconds(), &options.output);
    console::message(format_args!("to reproduce: wavetank simulate {}", options.model.reproduce()));
    exit
}
