//! `wavetank simulate`: one wave in virtual time.

use super::clock::Stopwatch;
use super::exit::Exit;
use super::journal::JournalArgs;
use super::options::OutputArgs;
use super::wave::{self, ModelArgs};
use super::{console, journal};
use crate::engine::virtual_time::run::{Keep, rehearse};
use crate::load::tally::Tally;
use crate::report::number::{count, significant};
use crate::world::Side;

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
    for (side, tally) in &finished.background {
        console::message(beside(*side, tally));
    }
    console::message(format_args!("to reproduce: wavetank simulate {}", options.model.reproduce()));
    exit.max(kept).max(wave::stuck(&finished))
}

/// What came of the load of people beside the wave, in a line.
fn beside(side: Side, tally: &Tally) -> String {
    let side = side.name();
    let refused: u64 = tally.kinds().map(|(_, kind)| kind.refused).sum();
    let milliseconds = |quantile| tally.response.value_at_quantile(quantile) as f64 / 1e6;
    format!(
        "people beside the wave, at the {side}: {} requests, {} refused, {} without an answer; answered within {} ms (half \
         of them) and {} ms (99%)",
        count(tally.offered),
        count(refused),
        count(tally.failures()),
        significant(milliseconds(0.5)),
        significant(milliseconds(0.99)),
    )
}
