//! What each knob does to the wave size: the scenario is changed, and the waves are walked again.
//!
//! Both variants see the same mailboxes and the same draws, so that the difference is the knob's and not chance's.

use mock_server::draw::Distribution;
use mock_server::time::Span;

use super::fluid::Shared;
use super::job::Rates;
use super::result::Effect;
use super::size::Replication;
use crate::population::Population;
use crate::scenario::plan::Plan;

/// One change of a plan.
struct Knob {
    key: &'static str,
    from: String,
    to: String,
    plan: Plan,
    open: Span,
}

fn minutes(distribution: &Distribution) -> String {
    format!("mean {:.1} min", distribution.mean().as_seconds() / 60.0)
}

fn hours(open: Span) -> String {
    format!("{:.1} h", open.as_seconds() / 3_600.0)
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
        });
    }
    let places = plan.pipeline.open_switches.min(plan.target.server.switch.places);
    for factor in [0.9, 1.1, 2.0] {
        let mut changed = plan.clone();
        let to = (f64::from(places) * factor).round() as u32;
        changed.pipeline.open_switches = to;
        changed.target.server.switch.places = to;
        changed.pipeline.lanes = changed.pipeline.lanes.max((f64::from(plan.pipeline.lanes) * factor).ceil() as u32);
        knobs.push(Knob {
            key: "target.switch.places (with lanes to match)",
            from: places.to_string(),
            to: to.to_string(),
            plan: changed,
            open,
        });
    }
    for factor in [0.9, 1.1] {
        let mut changed = plan.clone();
        changed.pipeline.lanes = ((f64::from(plan.pipeline.lanes) * factor).round() as u32).max(1);
        knobs.push(Knob {
            key: "pipeline.lanes",
            from: plan.pipeline.lanes.to_string(),
            to: changed.pipeline.lanes.to_string(),
            plan: changed,
            open,
        });
    }
    for shift in [-1.0, 1.0] {
        let changed = Span::from_seconds(open.as_seconds() + shift * 3_600.0);
        knobs.push(Knob {
            key: "window hours",
            from: hours(open),
            to: hours(changed),
            plan: plan.clone(),
            open: changed,
        });
    }
    if let Some(prestage) = plan.wave.prestage {
        for factor in [0.5, 2.0] {
            let mut changed = plan.clone();
            let age = prestage.age.scale(factor);
            changed.wave.prestage = Some(crate::scenario::plan::PrestagePlan { age, ..prestage });
            knobs.push(Knob {
                key: "changes since the last delta",
                from: "as given".to_owned(),
                to: format!("times {factor}"),
                plan: changed,
                open,
            });
        }
    }
    knobs
}

/// The effect of every knob on the wave size, `recommended` being the size without any change.
///
/// The effect is the mean relative change over `replications` waves in the fluid model. `ratio` is how much longer the
/// virtual world takes than the fluid model.
#[must_use]
pub fn effects(
    plan: &Plan,
    population: &Population,
    open: Span,
    ratio: f64,
    recommended: u32,
    most: u32,
    replications: u64,
    threads: usize,
) -> Vec<Effect> {
    let sizes = |plan: &Plan, open: Span| {
        let (rates, shared) = (Rates::new(plan), Shared::new(plan));
        let open = open.scale(1.0 / ratio);
        super::parallel::map(threads, 0..replications, |number| {
            let replication = Replication::draw(plan, population, &rates, number, most);
            f64::from(replication.largest(&shared, plan.forecast.completed_share, open))
        })
    };
    let base = sizes(plan, open);
    knobs(plan, open)
        .into_iter()
        .map(|knob| {
            let changed = sizes(&knob.plan, knob.open);
            let relative = base.iter().zip(&changed).map(|(base, changed)| changed / base.max(1.0)).sum::<f64>()
                / replications as f64;
            Effect {
                knob: knob.key.to_owned(),
                from: knob.from,
                to: knob.to,
                recommended: (f64::from(recommended) * relative).round() as u32,
                relative,
            }
        })
        .collect()
}
