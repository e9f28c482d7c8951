//! What each knob does to the wave size: the scenario is changed, and the waves are walked again.
//!
//! Both variants see the same mailboxes and the same draws, so that the difference is the knob's and not chance's.

use mock_server::draw::Distribution;
use mock_server::time::Span;

use super::correct::quantile;
use super::parallel;
use super::progress::{Progress, Stretch};
use super::result::Effect;
use super::size::{Fill, Sample};
use crate::scenario::plan::{Plan, PrestagePlan};

/// Fewest mailboxes that are drawn for a wave.
const FEWEST: u32 = 100;

/// Fewest waves that a knob is tried on. Large waves hardly differ: what a knob does to one, it does to all.
const FEWEST_WAVES: u64 = 2;
/// Mailboxes of all waves together that a knob is tried on, if those are more: smaller waves differ more.
const MAILBOXES: u64 = 60_000;

/// The smallest number of lanes that is tried, as a share of those that there are.
const FEWER_LANES: f64 = 0.5;

/// One change of a plan.
struct Knob {
    key: &'static str,
    from: String,
    to: String,
    plan: Plan,
    open: Span,
    /// What the wave size may be, as a share of the unchanged one: where the search begins.
    guess: f64,
}

fn minutes(distribution: &Distribution) -> String {
    format!("mean {:.1} min", distribution.mean().as_seconds() / 60.0)
}

fn hours(open: Span) -> String {
    let seconds = open.as_seconds();
    if seconds < 3_600.0 { format!("{:.1} min", seconds / 60.0) } else { format!("{:.1} h", seconds / 3_600.0) }
}

fn knobs(plan: &Plan, open: Span) -> Vec<Knob> {
    let mut knobs = Vec::new();
    let duration = &plan.target.server.switch.duration;
    for factor in [0.5, 0.9, 1.1, 1.5, 2.0] {
        let mut changed = plan.clone();
        changed.target.server.switch.duration = duration.scale(factor);
        knobs.push(Knob {
            key: "target.switch.duration",
            from: minutes(duration),
            to: minutes(&changed.target.server.switch.duration),
            plan: changed,
            open,
            guess: 1.0 / factor,
        });
    }
    let granted = plan.target.server.switch.places;
    let places = plan.pipeline.open_switches.min(granted);
    // Whoever opens fewer switches than there are places for gains nothing from more of these.
    let (key, most) = if places < granted {
        ("pipeline.open_switches (with lanes to match)", granted)
    } else {
        ("target.switch.places (with lanes to match)", u32::MAX)
    };
    for factor in [0.9, 1.1, 2.0] {
        let mut changed = plan.clone();
        let to = ((f64::from(places) * factor).round() as u32).min(most);
        if to == places {
            continue;
        }
        changed.pipeline.open_switches = to;
        changed.target.server.switch.places = if places < granted { granted } else { to };
        changed.pipeline.lanes = changed.pipeline.lanes.max((f64::from(plan.pipeline.lanes) * factor).ceil() as u32);
        knobs.push(Knob { key, from: places.to_string(), to: to.to_string(), plan: changed, open, guess: factor });
    }
    let lanes = |factor: f64| ((f64::from(plan.pipeline.lanes) * factor).round() as u32).max(1);
    // A lane stays with its mailbox through the switch: fewer lanes leave fewer switches open.
    let open_switches = plan.pipeline.open_switches;
    let key =
        if lanes(FEWER_LANES) < open_switches { "pipeline.lanes (with switches to match)" } else { "pipeline.lanes" };
    for factor in [FEWER_LANES, 0.9, 1.1] {
        let mut changed = plan.clone();
        changed.pipeline.lanes = lanes(factor);
        changed.pipeline.open_switches = open_switches.min(changed.pipeline.lanes);
        if changed.pipeline.lanes == plan.pipeline.lanes {
            continue;
        }
        knobs.push(Knob {
            key,
            from: plan.pipeline.lanes.to_string(),
            to: changed.pipeline.lanes.to_string(),
            plan: changed,
            open,
            guess: factor.min(1.0),
        });
    }
    let hour = Span::seconds(3_600);
    let shorter = if open > hour { open - hour } else { open.scale(0.5) };
    for changed in [shorter, open + hour] {
        knobs.push(Knob {
            key: "window hours",
            from: hours(open),
            to: hours(changed),
            plan: plan.clone(),
            open: changed,
            guess: changed.as_seconds() / open.as_seconds(),
        });
    }
    if let Some(prestage) = plan.wave.prestage {
        for factor in [0.5, 2.0] {
            let mut changed = plan.clone();
            let age = prestage.age.scale(factor);
            changed.wave.prestage = Some(PrestagePlan { age, ..prestage });
            knobs.push(Knob {
                key: "changes since the last delta",
                from: "as given".to_owned(),
                to: format!("times {factor}"),
                plan: changed,
                open,
                guess: 1.0,
            });
        }
    }
    knobs
}

/// The unchanged case.
#[derive(Copy, Clone, Debug)]
pub struct Base<'a> {
    /// The window.
    pub fill: Fill<'a>,
    /// How much longer the virtual world takes than the fluid model.
    pub ratio: f64,
    /// The wave size.
    pub recommended: u32,
}

/// The effect of every knob on the wave size, as a relative change in the fluid model. Of waves that are small enough for
/// many to be tried it is that of the quantile that is recommended, as smaller waves need more room for chance; of larger
/// ones the mean over a few.
#[must_use]
pub fn effects(base: &Base<'_>, threads: usize, progress: Progress<'_>) -> Vec<Effect> {
    let Fill { plan, population, open } = base.fill;
    let knobs = knobs(plan, open);
    let numbers = 0..knobs.len() as u64;
    let stretch = Stretch::new(progress, (0.0, 1.0), "what would change it".to_owned(), numbers.end);
    let most = (base.recommended.saturating_mul(5) / 2).max(FEWEST);
    let waves =
        (MAILBOXES / u64::from(base.recommended.max(1))).clamp(FEWEST_WAVES, plan.forecast.fluid_runs.max(2).into());
    let samples =
        parallel::map(threads, 0..waves, |number| Sample::draw(plan, population, number, most.min(population.len())));
    let sizes = |plan: &Plan, open: Span, guess: f64| -> Vec<f64> {
        let guess = (f64::from(base.recommended) * guess) as u32;
        let fill = Fill { plan, open: open.scale(1.0 / base.ratio), ..base.fill };
        samples.iter().map(|sample| f64::from(fill.largest(sample, guess))).collect()
    };
    let unchanged = sizes(plan, open, 1.0);
    parallel::map(threads, numbers, |number| {
        let knob = &knobs[number as usize];
        let changed = sizes(&knob.plan, knob.open, knob.guess);
        let relative = (base.recommended > 0).then(|| change(&unchanged, &changed, plan.forecast.confidence));
        // Without a wave that fits there is nothing to compare with: then what the fluid model has must do.
        let recommended = relative.map_or_else(
            || mean(changed.iter().copied()).floor(),
            |relative| (f64::from(base.recommended) * relative).round(),
        );
        stretch.step();
        Effect {
            knob: knob.key.to_owned(),
            from: knob.from.clone(),
            to: knob.to.clone(),
            recommended: recommended as u32,
            relative,
        }
    })
}

/// How many times as large waves are with a knob turned, as far as they are large enough with a probability. Both lists
/// have a size for each of the same waves.
fn change(unchanged: &[f64], changed: &[f64], confidence: f64) -> f64 {
    let share = 1.0 - confidence;
    if share * (unchanged.len() as f64) < 1.0 {
        return mean(unchanged.iter().zip(changed).map(|(unchanged, changed)| changed / unchanged.max(1.0)));
    }
    let [unchanged, changed] = [unchanged, changed].map(|sizes| {
        let mut ascending = sizes.to_vec();
        ascending.sort_by(f64::total_cmp);
        quantile(&ascending, share)
    });
    changed / unchanged.max(1.0)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_that_of_the_quantile_where_there_are_enough_waves() {
        // Twice as large on average, and with four times the spread.
        let unchanged: Vec<f64> = (0..100).map(|n| 950.0 + f64::from(n)).collect();
        let changed: Vec<f64> = (0..100).map(|n| 1_800.0 + 4.0 * f64::from(n)).collect();
        let relative = change(&unchanged, &changed, 0.95);
        assert!((relative - 1_820.0 / 955.0).abs() < 1e-12, "{relative}");
        let few = change(&unchanged[..10], &changed[..10], 0.95);
        assert!((few - 1.905).abs() < 0.01, "{few}");
    }
}
