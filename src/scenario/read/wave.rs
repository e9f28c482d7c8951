//! `[wave]`: what is moved in one run.

use mock_server::time::Span;

use super::window::Windows;
use crate::scenario::kind::{Count, Duration, Flag, Flow, Words, suggestion};
use crate::scenario::plan::{PopulationPlan, PrestagePlan, WavePlan};
use crate::scenario::section::{Otherwise, Section};
use crate::scenario::unit::time;

/// The average rate of a move in Microsoft's sample of 50, in bytes per second: 0.66 GB/h.
const OBSERVED_RATE: f64 = 0.66 * 1e9 / 3600.0;

pub(crate) fn read(section: Section<'_>, population: &PopulationPlan, windows: &Windows) -> WavePlan {
    let help = "say how many mailboxes a run moves: mailboxes = 1000";
    let mailboxes = section.need("mailboxes", &Count(1..=20_000_000), help).unwrap_or(1);
    if let Some(all) = population.mailboxes.filter(|all| *all < mailboxes) {
        let message = format!("a wave of {mailboxes} mailboxes is more than the {all} there are");
        section.report("mailboxes", "more than the population", message, "lower it, or raise population.mailboxes");
    }
    let window = section.maybe("window", &Words, "none", "by definition: the run starts at once and has no end");
    if let Some(name) = &window {
        known_window(&section, "window", name, windows);
    }
    let prestage = section.has("prestage").then(|| prestage(section.section("prestage")));
    if prestage.is_none() {
        let _ = section.node("prestage");
    }
    let cutover =
        section.or("cutover", &Flag, Otherwise::default(true, "by definition: the run ends with the cutover"));
    section.finish();
    WavePlan { mailboxes, window, prestage, cutover }
}

/// Reports a window that does not exist.
pub(crate) fn known_window(section: &Section<'_>, key: &str, name: &str, windows: &Windows) {
    let names: Vec<&str> = windows.names.iter().map(String::as_str).collect();
    if names.contains(&name) {
        return;
    }
    let help = if names.is_empty() { "add [[windows]]".to_owned() } else { suggestion(name, &names) };
    section.report(key, "no such window", format!("there is no window `{name}`"), help);
}

fn prestage(section: Section<'_>) -> PrestagePlan {
    let any = Duration(Span::ZERO);
    let note = "a published migration of 40,000 mailboxes began to copy 7 days ahead (FirstAttribute)";
    let lead = section.or("lead", &any, Otherwise::default(Span::seconds(7 * 86_400), note));
    let note = "New-MoveRequest: incremental syncs every 24 hours by default";
    let interval = section.or("interval", &Duration(Span(1)), Otherwise::default(Span::seconds(86_400), note));
    let note = "the oldest that the interval allows";
    let age = section.or("age", &any, Otherwise::default(interval.min(lead), note));
    if age > lead {
        let message =
            format!("the last delta is {} old, but copying begins only {} ahead", time::print(age), time::print(lead));
        section.contradict(&["age", "lead"], "longer than `lead`", message, "lower `age` or raise `lead`");
    } else if age > interval {
        let message =
            format!("the last delta is {} old, but there is one every {}", time::print(age), time::print(interval));
        section.contradict(&["age", "interval"], "longer than `interval`", message, "lower `age` or raise `interval`");
    }
    let note = "KB 2797784: 300 concurrent migrations per endpoint type in Exchange Online";
    let lanes = section.or("lanes", &Count(1..=1_000_000), Otherwise::default(300, note));
    let note = "Microsoft's sample of 50 moves averaged 0.66 GB/h (Mailbox Migration Performance Analysis, 2014)";
    let lane_bytes_per_second = section.or("lane_rate", &Flow, Otherwise::default(OBSERVED_RATE, note));
    section.finish();
    PrestagePlan { lead, interval, age, lanes, lane_bytes_per_second }
}
