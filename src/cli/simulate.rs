//! `wavetank simulate`: one wave in virtual time.

use super::clock::Stopwatch;
use super::console::{self, Progress};
use super::exit::Exit;
use super::journal;
use super::journal::JournalArgs;
use super::output::OutputArgs;
use super::wave::{self, Model, ModelArgs};
use crate::engine::virtual_time::run::{Keep, people_alone, rehearse};
use crate::event::AtEnd;
use crate::report::told::Told;

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
    if let Err(exit) = options.output.prepare() {
        return exit;
    }
    let recorder = match options.journal.begin(Some(&options.model), 1.0) {
        Ok(recorder) => recorder,
        Err(exit) => return exit,
    };
    let stopwatch = Stopwatch::start();
    let Model { plan, population } = &model;
    let keep = Keep { recorder: journal::judging(recorder, &plan.goals, 1.0), scripts: None };
    let wave = model.wave();
    let progress = Progress::new(wave.len() as u64, "mailboxes");
    let (finished, _) = rehearse(plan, population, &wave, plan.open(), &AtEnd(|| progress.step()), &keep);
    drop(progress);
    let judged = keep.recorder.map_or(Ok(Vec::new()), |recorder| journal::end(&recorder).map(|card| card.goals));
    let (goals, kept) = judged.map_or_else(|exit| (Vec::new(), exit), |goals| (goals, Exit::Ok));
    let alone = plan.background.as_ref().map(|_| people_alone(plan, population, 0, finished.until));
    let told = Told { world: "virtual", summary: &finished.summary, beside: &finished.beside(alone), goals: &goals };
    let exit = model.tell(&told, stopwatch.seconds(), &options.output);
    console::message(format_args!("to reproduce: wavetank simulate {}", options.model.reproduce()));
    exit.max(kept).max(wave::stuck(finished.stuck))
}
