//! `[forecast]`: how forecasts are made.

use super::name::Pair;
use super::wave::known_window;
use super::window::Windows;
use crate::scenario::kind::{Count, Share, Words};
use crate::scenario::plan::{ForecastPlan, Published};
use crate::scenario::section::{Otherwise, Section};

pub(crate) fn read(section: Section<'_>, windows: &Windows) -> ForecastPlan {
    let share = |key, value, note| {
        let value = section.or(key, &Share, Otherwise::default(value, note));
        if value == 0.0 {
            let help = "write a share above 0, for example \"95%\"";
            section.report(key, "zero", format!("`{key}` of zero asks for nothing"), help);
        }
        value
    };
    let completed_share = share("completed_share", 0.99, "assumed: one in a hundred may be left to the next window");
    let confidence = share("confidence", 0.95, "assumed: one window in twenty may disappoint");
    if confidence >= 1.0 {
        let help = "write a probability below 1, for example \"95%\"";
        section.report("confidence", "certainty", "no finite number of runs gives certainty", help);
    }
    let precision = share("precision", 0.02, "assumed: closer than the assumptions are known");
    let note = "assumed: enough to see 95% and to stay within the time of a coffee";
    let virtual_runs = section.or("virtual_runs", &Pair, Otherwise::default((4, 40), note));
    if virtual_runs.0 < 2 {
        section.report(
            "virtual_runs",
            "fewer than two",
            "a forecast needs at least two virtual runs, to see how much they differ",
            "write, for example, [2, 40]",
        );
    }
    let fluid_runs = section.or(
        "fluid_runs",
        &Count(1..=1_000_000),
        Otherwise::default(400, "assumed: an interval of two points on 95%"),
    );
    let runs = f64::from(fluid_runs);
    if confidence < 1.0 && runs * (1.0 - confidence) < 1.0 - 1e-9 {
        section.contradict(
            &["confidence", "fluid_runs"],
            "more than the runs can show",
            format!("{fluid_runs} fluid runs can show a confidence of {}% at most", (1.0 - 1.0 / runs) * 100.0),
            format!("ask for less, or for {:.0} `fluid_runs` or more", (1.0 / (1.0 - confidence)).ceil()),
        );
    }
    let published = section.sections("published").into_iter().filter_map(|entry| published(entry, windows)).collect();
    section.finish();
    ForecastPlan { completed_share, confidence, precision, virtual_runs, fluid_runs, published }
}

fn published(section: Section<'_>, windows: &Windows) -> Option<Published> {
    let help = "write window, mailboxes and source";
    let window = section.need("window", &Words, help);
    if let Some(name) = &window {
        known_window(&section, "window", name, windows);
    }
    let mailboxes = section.need("mailboxes", &Count(1..=20_000_000), help);
    let source = section.need("source", &Words, "say who published it: source = \"...\"");
    section.finish();
    Some(Published { window: window?, mailboxes: mailboxes?, source: source? })
}
