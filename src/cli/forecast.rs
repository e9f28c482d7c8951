//! `wavetank forecast`: how many mailboxes fit into each window.

use super::clock::Stopwatch;
use super::console::{self, Progress};
use super::exit::Exit;
use super::options::{ScenarioArgs, ThreadArgs};
use super::output::OutputArgs;
use super::{explain, wave};
use crate::calendar::Window;
use crate::forecast;
use crate::population::Population;
use crate::report::html::SizeBins;
use crate::report::{html, json, number, text};
use crate::scenario::plan::Verify;

/// Steps of the progress bar.
const STEPS: u64 = 1_000;

/// Items from which on comparing each of them is worth a word: one or two minutes for each virtual run of all of them.
const MANY_ITEMS: u64 = 100_000_000;

/// Size the waves of a scenario: how many mailboxes fit into each window, how sure that is, and what would change it
#[derive(clap::Args, Debug)]
pub struct Options {
    #[command(flatten)]
    scenario: ScenarioArgs,

    #[command(flatten)]
    output: OutputArgs,

    #[command(flatten)]
    threads: ThreadArgs,
}

/// Runs the subcommand.
#[must_use]
pub fn run(options: &Options) -> Exit {
    let (plan, inventory) = match options.scenario.read() {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    console::headline(&plan, "virtual");
    let population = match Population::with(&plan.population, plan.seed, inventory.as_ref()) {
        Ok(population) => population,
        Err(error) => {
            console::error(&error.to_string());
            return Exit::InvalidInput;
        }
    };
    if let Err(exit) = options.output.prepare() {
        return exit;
    }
    let stopwatch = Stopwatch::start();
    let totals = population.describe(population.len());
    let long = long_comparison(plan.pipeline.verify, totals.items);
    let windows = open_together(&plan.windows).into_iter().chain(plan.windows.iter().filter_map(open_through));
    for warning in long.into_iter().chain(windows) {
        console::message(format_args!("warning: {warning}"));
    }
    let progress = Progress::new(STEPS, "forecast");
    let told = |share: f64, what: &str| {
        progress.set((share * STEPS as f64) as u64);
        progress.say(what);
    };
    let answer = forecast::forecast(&plan, &population, &totals, options.threads.count(), &told);
    drop(progress);
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            console::error(&format!("{}: {error}", plan.file.display()));
            console::message(format_args!("help: {}", error.help()));
            return Exit::InvalidInput;
        }
    };
    let wall_seconds = stopwatch.seconds();
    let published = json::forecast::report(&plan, &totals, &answer, wall_seconds);
    let readable = text::forecast::report(&plan, &totals, &answer, wall_seconds);
    let exit = options.output.tell(&json::render(&published), &readable, || {
        let page = html::forecast(&plan, &totals, &answer, &published, &SizeBins::of(&population));
        vec![("report.html", page), ("scenario.json", explain::json(&plan))]
    });
    console::message(format_args!("to reproduce: wavetank forecast {}", options.scenario.reproduce()));
    exit.max(wave::stuck(answer.windows.iter().map(|window| window.stuck).sum()))
}

/// What to say of a comparison that makes virtual runs long.
fn long_comparison(verify: Verify, items: u64) -> Option<String> {
    (verify == Verify::Fingerprint && items >= MANY_ITEMS).then(|| {
        format!(
            "every item of a wave is compared, out of {}: each million takes a virtual run a second or two; with \
             --set pipeline.verify=counts folders are compared by their items and bytes",
            number::count(items)
        )
    })
}

/// What to say of windows that are open at the same time.
fn open_together(windows: &[Window]) -> Vec<String> {
    let pairs =
        windows.iter().enumerate().flat_map(|(place, one)| windows[..place].iter().map(move |other| (other, one)));
    let met = pairs.filter_map(|(one, other)| {
        let at = one.meets(other)?.to_zoned(one.zone.clone());
        Some(format!(
            "windows `{}` and `{}` are both open on {}: each is sized as if there were no wave in the other",
            one.name,
            other.name,
            at.strftime("%A %Y-%m-%d %H:%M %Q")
        ))
    });
    met.collect()
}

/// What to say of a window that does not close for a freeze.
fn open_through(window: &Window) -> Option<String> {
    let (opening, freeze) = window.open_through()?;
    Some(format!(
        "window `{}` opens on {} and is still open on {}, which is frozen ({}): a freeze keeps windows from opening and \
         does not close them; freeze {} as well to leave that opening out",
        window.name,
        opening.date.strftime("%A %Y-%m-%d"),
        freeze.from.strftime("%A %Y-%m-%d"),
        freeze.reason,
        opening.date
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_comparisons_of_many_items_are_worth_a_word() {
        assert_eq!(long_comparison(Verify::Counts, MANY_ITEMS), None);
        assert_eq!(long_comparison(Verify::Fingerprint, MANY_ITEMS - 1), None);
        let said = long_comparison(Verify::Fingerprint, 5_300_000_000).expect("many items");
        assert!(said.contains("out of 5,300,000,000: "), "{said}");
    }
}
