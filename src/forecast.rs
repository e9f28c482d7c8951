//! From runs to wave sizes: how many mailboxes fit into a window, how sure that is, what binds, and what would change
//! it.
//!
//! Two rungs work together. The fluid model ([`fluid`]) walks a wave mailbox by mailbox and costs a millisecond; it is
//! run hundreds of times to see how waves differ. The virtual world runs the real pipeline, every request; it is run a
//! few times, on waves that the fluid model ran as well, and the ratio of the two corrects the fluid model
//! ([`correct`]). The estimate is therefore one of virtual runs, with the spread of many. Where the correction leads far from
//! the waves that were run, others are run there ([`bracket`]).
//!
//! Knows nothing of how results are shown.

pub mod bracket;
pub mod calls;
pub mod campaign;
pub mod carried;
pub mod comparison;
pub mod correct;
pub mod failing;
pub mod fluid;
pub mod infer;
pub mod job;
pub mod parallel;
pub mod prestage;
pub mod progress;
pub mod result;
pub mod sensitivity;
pub mod size;
pub mod walk;
pub mod window;

use mock_server::time::Span;

use crate::calendar::Window;
use crate::calendar::opening::Opening;
use crate::population::Population;
use crate::population::describe::Description;
use crate::scenario::plan::Plan;
use campaign::{Taken, campaign};
use job::Rates;
use progress::Progress;
use result::Forecast;
use window::{Effort, Question};

/// Why a forecast cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ForecastError {
    /// There is nothing to size a wave for.
    #[error("the scenario has no window, so there is nothing to size a wave for")]
    NoWindow,
    /// A window does not open any more.
    #[error("window `{0}` does not open on any date after {1}: every opening is frozen")]
    NeverOpens(String, jiff::civil::Date),
}

impl ForecastError {
    /// What may be done about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NoWindow => {
                "say when waves may run with [[windows]]; without one, `wavetank simulate` says how long the wave takes"
            }
            Self::NeverOpens(..) => "let the window open earlier with `from`, or shorten its `freezes`",
        }
    }
}

/// An opening for people: local date, time and zone.
fn label(window: &Window, opening: &Opening) -> String {
    let opens = opening.opens.to_zoned(window.zone.clone());
    let closes = opening.closes.to_zoned(window.zone.clone());
    let time = if opens.second() == 0 && closes.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    let day = format!("%A %Y-%m-%d {time}");
    format!("{} to {}", opens.strftime(&day), closes.strftime(&format!("{day} %Q")))
}

/// Time from one opening of a window to the next, averaged over a week without freezes.
fn recurrence(window: &Window) -> Span {
    Span::from_seconds(7.0 * 86_400.0 / window.days.len().max(1) as f64)
}

/// Forecasts the wave size of every window of a plan.
pub fn forecast(
    plan: &Plan,
    population: &Population,
    described: &Description,
    threads: usize,
    progress: Progress<'_>,
) -> Result<Forecast, ForecastError> {
    if plan.windows.is_empty() {
        return Err(ForecastError::NoWindow);
    }
    let mut openings: Vec<(&Window, Opening)> = Vec::new();
    for window in &plan.windows {
        let opening = window
            .next_opening(window.from)
            .ok_or_else(|| ForecastError::NeverOpens(window.name.clone(), window.from))?;
        openings.push((window, opening));
    }
    let count = openings.len() as f64;
    let mut effort = Effort::default();
    let mut windows = Vec::new();
    for (number, (window, opening)) in openings.iter().enumerate() {
        let lead = plan.wave.prestage.map_or(Span::ZERO, |prestage| prestage.lead);
        let staged = population.clone().staged_for(window, opening, lead);
        let question = Question {
            plan,
            population: &staged,
            described,
            name: &window.name,
            opening: &label(window, opening),
            open: opening.duration(),
            every: recurrence(window),
            threads,
        };
        let told = |share: f64, what: &str| {
            progress((number as f64 + share) / count, &format!("{}: {what}", window.name));
        };
        let (forecast, more) = question.answer(&told);
        effort.virtual_runs += more.virtual_runs;
        effort.fluid_runs += more.fluid_runs;
        effort.requests += more.requests;
        windows.push(forecast);
    }
    if let Some(prestage) = &plan.wave.prestage {
        let longest = openings.iter().map(|(window, _)| recurrence(window)).max().unwrap_or_default();
        let estate = described.bytes as f64 / longest.as_seconds();
        prestage::together(prestage, estate, windows.iter_mut().map(|window| &mut window.prestage).collect());
    }
    // That some fail for good makes no wave smaller: whoever fails comes again, or is moved by hand.
    let taken = openings.iter().zip(&windows).map(|((window, _), found)| Taken {
        window,
        size: found.size.in_time,
        interval: if found.size.recommended == found.size.in_time {
            found.size.interval
        } else {
            (found.size.in_time, found.size.in_time)
        },
    });
    let campaign = campaign(plan, described, &taken.collect::<Vec<_>>());
    let overhead = overhead(plan, population);
    let seen: Vec<infer::Seen> = windows
        .iter()
        .filter_map(|window| {
            let (published, _) = window.published.as_ref()?;
            Some(infer::Seen { window: window.name.clone(), open: window.open, published: *published, overhead })
        })
        .collect();
    let Effort { virtual_runs, fluid_runs, requests: requests_simulated } = effort;
    Ok(Forecast { inference: infer::explain(&seen), campaign, windows, virtual_runs, fluid_runs, requests_simulated })
}

/// Mean time that an open-switch place is held beyond the switch itself, over a sample of mailboxes.
fn overhead(plan: &Plan, population: &Population) -> Span {
    const SAMPLE: u32 = 1_000;
    let rates = Rates::new(plan);
    let sample = crate::population::wave::draw(population, plan.seed, 0, SAMPLE.min(population.len()));
    let held: f64 = sample
        .iter()
        .map(|mailbox| rates.job(plan, *mailbox, &population.mailbox(*mailbox), 0).held.as_seconds())
        .sum();
    let mean = Span::from_seconds(held / sample.len().max(1) as f64);
    mean - plan.target.server.switch.duration.mean()
}
