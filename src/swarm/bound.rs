//! When a run must be over: the storm, then what the same work takes in calm weather, with some allowance.

use mock_server::fault::rule::Act;
use mock_server::throttle::health::episode::{Effect, When};
use mock_server::throttle::limit::Rule;
use mock_server::time::{Moment, Span};

use crate::engine::order;
use crate::engine::virtual_time::run::simulate;
use crate::pipeline::cutover::machine::MOST_SWITCHES;
use crate::population::Population;
use crate::scenario::plan::Plan;

/// Tries of a call from which on nothing that ends with a storm makes the pipeline give up (assumed: at the swarm's
/// rates of at most one call in four, twenty failures in a row never happen).
const PATIENT_ATTEMPTS: u32 = 20;

/// How often what the run takes in calm weather may pass after the storm (assumed: what was not saved is done again, what
/// was stored is looked for, and the source has changed more in the meantime).
const CALM_RUNS: u64 = 4;

/// Repeats from which on a mailbox's budget does not bind.
const PATIENT_BUDGET: u32 = 10_000;

/// Whether a pipeline is patient enough that every mailbox must complete: failures use up neither its tries nor its
/// budget, no limit on items left behind is low, no switch fails, and faults that are no transient refusals are only
/// about items.
#[must_use]
pub fn is_patient(plan: &Plan) -> bool {
    let pipeline = &plan.pipeline;
    let low = PATIENT_BUDGET;
    pipeline.retry.attempts >= PATIENT_ATTEMPTS
        && pipeline.retry.budget >= low
        && pipeline.bad_item_limit >= low
        && pipeline.large_item_limit >= low
        && plan.target.server.switch.failure_rate == 0.0
        && plan.wave.window.is_none()
}

/// When the storm is over: when the last fault ends, other than items that cannot be read, all resources are well and
/// the pipeline has been started after its last crash. Nothing if a fault never ends, or resources suffer again and again.
#[must_use]
pub fn end_of_storm(plan: &Plan) -> Option<Span> {
    let sides = [&plan.source.server, &plan.target.server];
    let faults = sides.iter().flat_map(|server| &server.faults).filter(|rule| rule.act != Act::CorruptItem);
    let episodes = sides.iter().flat_map(|server| &server.conditions.health.episodes);
    let well = episodes.map(|episode| match episode.when {
        When::Window { from, length, every: None } => Moment::START + from + length,
        When::Window { .. } | When::Random { .. } => Moment::NEVER,
    });
    let last = faults.map(|rule| rule.matches.until).chain(well).max().unwrap_or(Moment::START);
    let started = plan.crashes.last().map_or(Span::ZERO, |crash| crash.at + crash.restart);
    (last != Moment::NEVER).then(|| last.since(Moment::START).max(started))
}

/// The longest single wait that may reach beyond the storm, in this plan: a back-off, an answer that does not come, what
/// a limit or a fault asks for, an interval between two looks at a switch.
fn longest_wait(plan: &Plan) -> Span {
    let pipeline = &plan.pipeline;
    let sides = [&plan.source.server, &plan.target.server];
    let limits = sides.iter().flat_map(|server| &server.limits).map(|limit| match limit.rule {
        Rule::Requests { per, .. } | Rule::UploadBytes { per, .. } => per,
        Rule::Concurrency { retry_after, .. } => retry_after,
        Rule::Budget { burst, recharge_per_hour, cutoff } => {
            let share = (burst + cutoff).as_seconds() / recharge_per_hour.as_seconds();
            Span::from_seconds(share * 3_600.0)
        }
    });
    let faults = sides.iter().flat_map(|server| &server.faults).map(|rule| match rule.act {
        Act::Refuse { retry_after, .. } => retry_after.unwrap_or_default(),
        Act::Delay(distribution) => distribution.mean().scale(8.0),
        _ => Span::ZERO,
    });
    let episodes = sides.iter().flat_map(|server| &server.conditions.health.episodes);
    let stalls = episodes.map(|episode| match episode.effect {
        Effect::Stall { patience, back_off } => patience + back_off,
        Effect::Down { back_off } => back_off.unwrap_or_default(),
        Effect::Slow { .. } => Span::ZERO,
    });
    let own = [pipeline.retry.longest_back_off, pipeline.patience, pipeline.poll_interval];
    limits.chain(faults).chain(stalls).chain(own).max().unwrap_or_default()
}

/// When the last mailbox must have ended: four times what the run takes without faults and crashes, after the end of the
/// storm, and for each mailbox that a lane takes one after another some of the longest waits and the switches that a
/// mailbox may need. Nothing if the storm does not end or a window bounds the run.
///
/// A run that ended at `makespan` sooner than that in any case is not run again to find out.
#[must_use]
pub fn limit(plan: &Plan, makespan: Span) -> Option<Span> {
    let storm = end_of_storm(plan).filter(|_| plan.wave.window.is_none())?;
    let switch = plan.target.server.switch.duration.mean() * 4;
    let switches = plan.target.server.switch.places.min(plan.pipeline.open_switches).min(plan.pipeline.lanes).max(1);
    let in_turn = u64::from(plan.wave.mailboxes.div_ceil(switches));
    let allowance = (longest_wait(plan) * 6 + switch * u64::from(MOST_SWITCHES)) * in_turn;
    let soon = storm + allowance;
    if makespan <= soon {
        return Some(soon);
    }
    let mut calm = plan.clone();
    calm.crashes.clear();
    calm.source.server.faults.retain(|rule| rule.act == Act::CorruptItem);
    calm.target.server.faults.clear();
    for server in [&mut calm.source.server, &mut calm.target.server] {
        server.conditions.health.episodes.clear();
    }
    let population = Population::of(&calm).ok()?;
    let mailboxes = order::wave(&calm, &population, 0, calm.wave.mailboxes);
    let finished = simulate(&calm, &population, &mailboxes, 0, None);
    Some(soon + finished.summary.makespan.since(Moment::START) * CALM_RUNS)
}
