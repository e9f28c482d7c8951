//! `wavetank simulate`: one wave in virtual time.

use super::clock::Stopwatch;
use super::exit::Exit;
use super::journal::JournalArgs;
use super::options::OutputArgs;
use super::wave::ModelArgs;
use super::{console, journal};
use crate::engine::virtual_time::run::{Keep, rehearse};

/// Run one wave of a scenario in virtual time: the real pipeline, every request
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    model: ModelArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    journal: JournalArgs,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let model = match options.model.load("virtual") {
        Ok(model) => model,
        Err(exit) => return exit,
    };
    let recorder = match options.journal.begin(Some(&options.model), 1.0) {
        Ok(recorder) => recorder,
        Err(exit) => return exit,
    };
    let stopwatch = Stopwatch::start();
    let keep = Keep { recorder, scripts: None };
    let (finished, _) = rehearse(&model.plan, &model.population, &model.wave(), model.plan.open(), &keep);
    let kept =
        keep.recorder.map_or(Exit::Ok, |recorder| journal::end(&recorder).map_or_else(|exit| exit, |_| Exit::Ok));
    let exit = model.tell("virtual", &finished.summary, stopwatch.seconds(), &options.output);
    console::message(format_args!("to reproduce: wavetank simulate {}", options.model.reproduce()));
    exit.max(kept)
}
