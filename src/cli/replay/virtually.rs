//! A journal, played to our pipeline in virtual time.

use std::fmt::Write;

use mock_server::journal::read::Journal;
use mock_server::journal::steps;
use mock_server::service::script::Script;
use mock_server::service::trace::Step;
use mock_server::wire::refusal::RefusalKind;

use super::{Options, model, of_side};
use crate::cli::clock::Stopwatch;
use crate::cli::console::{self, Progress};
use crate::cli::exit::Exit;
use crate::cli::output::Format;
use crate::cli::{journal, wave};
use crate::engine::virtual_time::run::{Followed, Keep, rehearse};
use crate::event::AtEnd;
use crate::report::told::Told;
use crate::world::Side;

/// Runs the wave of the scenario against recorded fates.
pub(super) fn run(options: &Options, journal: &Journal) -> Result<Exit, Exit> {
    let Some(model) = model(options, journal, "replayed in virtual time")? else {
        console::error("the journal does not say which scenario was run");
        console::message("help: name one whose wave is to meet the recorded refusals: --scenario FILE");
        return Err(Exit::InvalidInput);
    };
    let mut steps: [Vec<Step>; 2] = Default::default();
    for side in [Side::Source, Side::Target] {
        steps[side as usize] = steps::of(of_side(options, journal, side)).map_err(|error| {
            console::error(&options.journal.display().to_string());
            console::failure(&error);
            Exit::InvalidInput
        })?;
    }
    let recorded = refusals(&steps);
    let recorder = journal::judging(None, &model.plan.goals, 1.0);
    let keep = Keep { recorder, scripts: Some(steps.map(Script::new)) };
    let stopwatch = Stopwatch::start();
    let (plan, wave) = (&model.plan, model.wave());
    let progress = Progress::new(wave.len() as u64, "mailboxes");
    let listener = AtEnd(|| progress.step());
    let (finished, followed) = rehearse(plan, &model.population, &wave, plan.open(), &listener, &keep);
    drop(progress);
    let goals = keep.recorder.map(|recorder| recorder.card().goals).unwrap_or_default();
    let told = Told { world: "replay", summary: &finished.summary, beside: &finished.beside(None), goals: &goals };
    let exit = model.tell(&told, stopwatch.seconds(), &options.output);
    let exit = exit.max(wave::stuck(finished.stuck));
    let compared = compared(&recorded, &finished.summary.refusals, &followed);
    match options.output.format {
        Format::Text => Ok(exit.max(console::print(&compared))),
        Format::Json => {
            console::message(compared.trim_end());
            Ok(exit)
        }
    }
}

/// Recorded refusals by kind, as the pipeline heard them: an answer that was lost was no answer.
fn refusals(steps: &[Vec<Step>; 2]) -> [u64; RefusalKind::ALL.len()] {
    let mut counts = [0; RefusalKind::ALL.len()];
    for step in steps.iter().flatten() {
        if let Some(kind) = step.perceived() {
            counts[kind as usize] += 1;
        }
    }
    counts
}

/// The table of refusals, and how far the script was followed.
fn compared(
    recorded: &[u64; RefusalKind::ALL.len()],
    replayed: &[u64; RefusalKind::ALL.len()],
    followed: &Followed,
) -> String {
    let mut text = format!("{:<18}{:>10}{:>10}\n", "refusals", "recorded", "replayed");
    for (kind, (recorded, replayed)) in RefusalKind::ALL.into_iter().zip(recorded.iter().zip(replayed)) {
        if recorded + replayed > 0 {
            // Writing to memory does not fail.
            let _ = writeln!(text, "{:<18}{recorded:>10}{replayed:>10}", kind.name());
        }
    }
    for (side, played) in [Side::Source, Side::Target].into_iter().zip(followed.sides) {
        let _ = writeln!(
            text,
            "{:<18}{} of {} recorded steps met, {} met none",
            side.name(),
            played.played,
            played.steps,
            played.beyond
        );
    }
    text
}
