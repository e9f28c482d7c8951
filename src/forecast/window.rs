//! The forecast for one window.

use mock_server::time::Span;

use super::correct::{self, correction, quantile};
use super::fluid::{Flow, Shared};
use super::job::Rates;
use super::result::{Correction, PrestageFlow, Quantiles, Throughput, WaveSize, WindowForecast};
use super::size::Replication;
use super::{parallel, prestage, sensitivity};
use crate::engine::order;
use crate::engine::virtual_time::run::{Finished, simulate};
use crate::event::Cause;
use crate::population::describe::Description;
use crate::population::{Population, wave};
use crate::scenario::plan::Plan;

/// Replications that find the wave size at which virtual runs are made.
const PILOTS: u64 = 8;
/// Virtual runs made between two looks at the interval; fixed, so that the number of threads does not matter.
const BATCH: u32 = 2;
/// Replications for the effect of a knob.
const KNOB_REPLICATIONS: u64 = 6;
/// Points of the wave-size curve.
const CURVE_POINTS: u32 = 25;

/// What a forecast for one window needs to know.
#[derive(Copy, Clone, Debug)]
pub struct Question<'a> {
    /// The scenario.
    pub plan: &'a Plan,
    /// The population that waves are drawn from.
    pub population: &'a Population,
    /// The population in numbers.
    pub described: &'a Description,
    /// Name of the window.
    pub name: &'a str,
    /// The opening, for people.
    pub opening: &'a str,
    /// How long it is open.
    pub open: Span,
    /// Time from one opening of any window to the next, on average: how often a wave must be ready.
    pub every: Span,
    /// Threads to use.
    pub threads: usize,
}

/// What a virtual run contributes.
struct Check {
    ratio: f64,
    finished: Finished,
}

/// Told after every step; the arguments are the share done, from 0 to 1, and what is being done.
pub type Progress<'a> = &'a (dyn Fn(f64, &str) + Sync);

impl Question<'_> {
    fn share(&self) -> f64 {
        self.plan.forecast.completed_share
    }

    /// More mailboxes than any replication can need: half as much again as the places can carry, or everybody.
    fn most(&self, rates: &Rates, shared: &Shared) -> u32 {
        let all = self.population.len();
        let mut most = 1_000.min(all);
        while most < all {
            let replication = Replication::draw(self.plan, self.population, rates, 0, most);
            let largest = replication.largest(shared, self.share(), self.open);
            if largest < most {
                return (largest + largest / 2).clamp(1, all);
            }
            most = most.saturating_mul(4).min(all);
        }
        all
    }

    /// Runs one wave in the virtual world and compares it with the fluid model.
    fn check(&self, rates: &Rates, shared: &Shared, size: u32, number: u64) -> Check {
        let fluid = Replication::draw(self.plan, self.population, rates, number, size).flow(size, shared);
        let mut wave = wave::draw(self.population, self.plan.seed, number, size);
        order::arrange(self.plan, self.population, &mut wave);
        let finished = simulate(self.plan, self.population, &wave, number, None);
        let virtual_time = Flow { done: finished.done.clone() }.time_of_share(self.share());
        Check { ratio: virtual_time.as_seconds() / fluid.time_of_share(self.share()).as_seconds(), finished }
    }

    /// Makes the forecast.
    pub fn answer(&self, progress: Progress<'_>) -> (WindowForecast, u64) {
        let plan = self.plan;
        let (rates, shared) = (Rates::new(plan), Shared::new(plan));
        progress(0.0, "looking for the right order of magnitude");
        let most = self.most(&rates, &shared);
        let sizes = |replications: u64, open: Span, rates: &Rates| {
            parallel::map(self.threads, 0..replications, |number| {
                let replication = Replication::draw(plan, self.population, rates, number, most);
                f64::from(replication.largest(&shared, self.share(), open))
            })
        };
        let mut pilots = sizes(PILOTS, self.open, &rates);
        pilots.sort_by(f64::total_cmp);
        let size = pilots.first().map_or(1, |size| (*size as u32).max(1));

        let mut checks: Vec<Check> = Vec::new();
        let (fewest, most_runs) = plan.forecast.virtual_runs;
        let mut fluid_sizes = Vec::new();
        let estimate = loop {
            let first = checks.len() as u64;
            progress(
                0.1 + 0.6 * first as f64 / f64::from(most_runs.max(1)),
                &format!("virtual runs {} and {} of at most {most_runs}", first + 1, first + u64::from(BATCH)),
            );
            checks.extend(parallel::map(self.threads, first..first + u64::from(BATCH), |number| {
                self.check(&rates, &shared, size, number)
            }));
            let correction = self.correction(&checks, size);
            if fluid_sizes.is_empty() {
                progress(0.2, "waves in the fluid model");
                let open = self.open.scale(1.0 / correction.mean);
                fluid_sizes = sizes(u64::from(plan.forecast.fluid_runs), open, &rates)
                    .into_iter()
                    .map(|size| size * correction.mean)
                    .collect();
            }
            let estimate = correct::estimate(plan.seed, &fluid_sizes, &correction, plan.forecast.confidence);
            let width = (estimate.interval.1 - estimate.interval.0) / estimate.value.max(1.0);
            let runs = checks.len() as u32;
            if runs >= fewest && (width <= plan.forecast.precision || runs >= most_runs) {
                break estimate;
            }
        };
        let correction = self.correction(&checks, size);
        let all = self.population.len();
        let clamp = |value: f64| (value.floor() as u32).clamp(1, all);
        let recommended = clamp(estimate.value);

        progress(0.75, "makespans at the recommended size");
        let times = parallel::map(self.threads, 0..u64::from(plan.forecast.fluid_runs), |number| {
            let flow = Replication::draw(plan, self.population, &rates, number, recommended).flow(recommended, &shared);
            let hours = |span: Span| span.as_seconds() * correction.mean / 3_600.0;
            let open = self.open.scale(1.0 / correction.mean);
            (hours(flow.time_of_share(self.share())), hours(flow.last()), flow.late(open) as f64)
        });
        progress(0.85, "what would change it");
        let sensitivity = sensitivity::effects(
            plan,
            self.population,
            self.open,
            correction.mean,
            recommended,
            most.saturating_mul(3).min(all),
            KNOB_REPLICATIONS,
            self.threads,
        );
        progress(1.0, "done");
        let mut makespans: Vec<f64> = times.iter().map(|time| time.0).collect();
        makespans.sort_by(f64::total_cmp);
        let mut lasts: Vec<f64> = times.iter().map(|time| time.1).collect();
        lasts.sort_by(f64::total_cmp);
        let requests = checks.iter().map(|check| check.finished.requests()).sum();
        let forecast = WindowForecast {
            name: self.name.to_owned(),
            opening: self.opening.to_owned(),
            open: self.open,
            size: WaveSize {
                recommended,
                interval: (clamp(estimate.interval.0), clamp(estimate.interval.1)),
                interval_confidence: 0.95,
                completed_share: self.share(),
                confidence: plan.forecast.confidence,
                whole_population: recommended == all,
            },
            curve: correct::curve(&fluid_sizes, &correction, CURVE_POINTS),
            makespan_hours: quantiles(&makespans),
            last_hours: quantiles(&lasts),
            stragglers: times.iter().map(|time| time.2).sum::<f64>() / times.len().max(1) as f64,
            makespans,
            prestage: self.prestage(recommended),
            throughput: throughput(&checks),
            time_by_cause: time_by_cause(&checks),
            sensitivity,
            published: plan
                .forecast
                .published
                .iter()
                .find(|published| published.window == self.name)
                .map(|published| (published.mailboxes, published.source.clone())),
            correction,
        };
        (forecast, requests)
    }

    fn correction(&self, checks: &[Check], size: u32) -> Correction {
        correction(checks.iter().map(|check| check.ratio).collect(), size)
    }

    fn prestage(&self, wave: u32) -> PrestageFlow {
        match &self.plan.wave.prestage {
            Some(prestage) => prestage::flow(self.plan, self.described, prestage, wave, self.every),
            None => PrestageFlow {
                wave_bytes: self.described.size_bytes.mean * f64::from(wave),
                gigabytes_per_hour: 0.0,
                lanes: 0,
                lanes_granted: 0,
                lead_days: 0.0,
                feasible: true,
                obstacles: Vec::new(),
            },
        }
    }
}

fn quantiles(ascending: &[f64]) -> Quantiles {
    Quantiles {
        p50: quantile(ascending, 0.50),
        p90: quantile(ascending, 0.90),
        p95: quantile(ascending, 0.95),
        p99: quantile(ascending, 0.99),
    }
}

fn throughput(checks: &[Check]) -> Throughput {
    let count = checks.len() as f64;
    let mean = |rate: fn(&Finished, f64) -> f64| {
        checks
            .iter()
            .map(|check| rate(&check.finished, check.finished.summary.makespan.as_seconds().max(1e-9)))
            .sum::<f64>()
            / count
    };
    Throughput {
        mailboxes_per_hour: mean(|run, seconds| run.summary.mailboxes.completed as f64 * 3_600.0 / seconds),
        gigabytes_per_hour: mean(|run, seconds| run.summary.items.copied_bytes as f64 * 3.6e-6 / seconds),
        requests_per_second: mean(|run, seconds| run.requests() as f64 / seconds),
    }
}

fn time_by_cause(checks: &[Check]) -> [f64; Cause::ALL.len()] {
    let mut shares = [0.0; Cause::ALL.len()];
    for check in checks {
        for (share, charged) in shares.iter_mut().zip(check.finished.summary.charged) {
            *share += charged.as_seconds();
        }
    }
    let total: f64 = shares.iter().sum();
    shares.map(|share| if total > 0.0 { share / total } else { 0.0 })
}
