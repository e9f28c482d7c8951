//! The forecast for one window.

use mock_server::time::Span;

use super::bracket::Bracket;
use super::correct::{self, Estimate, correction, quantile};
use super::progress::{Progress, Stretch};
use super::result::{Correction, PrestageFlow, Quantiles, Throughput, WaveSize, WindowForecast};
use super::sensitivity::{self, Base};
use super::size::{Fill, Sample};
use super::walk::Walk;
use super::{failing, parallel, prestage};
use crate::engine::order;
use crate::engine::virtual_time::run::{Finished, observe};
use crate::event::{AtEnd, Cause};
use crate::metrics::beside::Beside;
use crate::population::Population;
use crate::population::describe::Description;
use crate::scenario::plan::Plan;

/// Replications that find the wave size at which virtual runs are made.
const PILOTS: u64 = 2;
/// Virtual runs made between two looks at the interval; fixed, so that the number of threads does not matter.
const BATCH: u32 = 2;
/// Most sizes at which virtual runs are made. Nearly always one is enough.
const MOST_SIZES: u32 = 10;
/// Mailboxes with which the search for the largest wave begins.
const FIRST_SAMPLE: u32 = 2_000;
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
    /// Time from one opening of this window to the next, on average: how often a wave must be ready.
    pub every: Span,
    /// Threads to use.
    pub threads: usize,
}

/// What a virtual run contributes.
struct Check {
    ratio: f64,
    /// Time until the required share was done.
    share_at: Span,
    /// Mailboxes of its wave.
    size: u32,
    finished: Finished,
}

/// The virtual runs of one size, and what follows from them.
struct Checked {
    walks: Vec<Walk>,
    checks: Vec<Check>,
    correction: Correction,
    estimate: Estimate,
    /// Whether the estimate is that of the waves that were run, as the correction contradicts them.
    bracketed: bool,
}

/// What was run for a forecast.
#[derive(Copy, Clone, Default, Debug)]
pub struct Effort {
    /// Runs of the virtual world.
    pub virtual_runs: u32,
    /// Runs of the fluid model.
    pub fluid_runs: u32,
    /// Requests of the pipeline in all virtual runs.
    pub requests: u64,
}

/// Where the progress stands when virtual runs begin, when those of the first size have ended, and when all have.
const CHECKS: (f64, f64, f64) = (0.1, 0.7, 0.8);

/// Where it stands, of one size, when the walks in the fluid model have ended.
const WALKS: f64 = 0.3;

/// The part of the progress that the virtual runs of one size after another take: nearly all for the first, as others are
/// seldom needed, and half of what is left for each of those.
fn part_of(round: u32) -> (f64, f64) {
    let (begin, first, end) = CHECKS;
    let left = |round: u32| (end - first) * 0.5_f64.powf(f64::from(round - 1));
    if round == 1 { (begin, first) } else { (end - left(round - 1), end - left(round)) }
}

/// The part of the progress of virtual runs that so many of them make, of which there are at least and at most some. Those
/// that are always made take most of it, as more are seldom needed.
fn part_of_runs(runs: u32, (fewest, most): (u32, u32)) -> f64 {
    const ALWAYS: f64 = 0.75;

    let (always, rest) = (f64::from(runs.min(fewest)), f64::from(runs.saturating_sub(fewest)));
    let room = f64::from(most.saturating_sub(fewest));
    let ends = if room > 0.0 { (ALWAYS, 1.0 - ALWAYS) } else { (1.0, 0.0) };
    ends.0 * always / f64::from(fewest) + ends.1 * rest / room.max(1.0)
}

impl Question<'_> {
    fn fill(&self) -> Fill<'_> {
        Fill { plan: self.plan, population: self.population, open: self.open }
    }

    fn share(&self) -> f64 {
        self.plan.forecast.completed_share
    }

    fn sample(&self, number: u64, size: u32) -> Sample {
        Sample::draw(self.plan, self.population, number, size)
    }

    /// The largest wave of one replication.
    fn pilot(&self, number: u64) -> u32 {
        let first = FIRST_SAMPLE.min(self.population.len());
        self.fill().largest(&self.sample(number, first), first / 2)
    }

    fn walk(&self, number: u64, size: u32) -> Walk {
        let more = |most: u32| self.sample(number, most).cutovers(self.plan);
        Walk::of(&more(size), self.share(), more)
    }

    /// Runs one wave in the virtual world and compares it with the fluid model.
    fn check(&self, size: u32, number: u64, mailboxes: &Stretch<'_>) -> Check {
        let fluid = self.sample(number, size).cutovers(self.plan).flow(size);
        let wave = order::wave(self.plan, self.population, number, size);
        let finished = observe(self.plan, self.population, &wave, number, None, &AtEnd(|| mailboxes.step()));
        let expected = fluid.time_of_share(self.share());
        // Where so many fail that the share is never done, their number decides, and the last that is done tells of time.
        let wanted = (self.share() * f64::from(size)).ceil() as usize;
        let virtual_time = finished.done.get(wanted.max(1) - 1).or(finished.done.last()).copied().unwrap_or(expected);
        Check { ratio: virtual_time.as_seconds() / expected.as_seconds(), share_at: virtual_time, size, finished }
    }

    /// Makes the forecast, and says what was run for it.
    pub fn answer(&self, progress: Progress<'_>) -> (WindowForecast, Effort) {
        let plan = self.plan;
        progress(0.0, "finding the right order of magnitude");
        let pilots = parallel::map(self.threads, 0..PILOTS, |number| self.pilot(number));
        let size = pilots.into_iter().min().unwrap_or(1).max(1);

        let (Checked { walks, checks, correction, estimate, bracketed }, effort) = self.find(size, progress);
        let all = self.population.len();
        let failed_share = failed_share(&checks);
        let (share, confidence) = (self.share(), plan.forecast.confidence);
        let without_too_many_failures = |wave: u32| failing::largest(wave, failed_share, share, confidence);
        let in_time = |value: f64| (value.floor() as u32).min(all);
        let clamp = |value: f64| without_too_many_failures(in_time(value));
        let (recommended, in_time) = (clamp(estimate.value), in_time(estimate.value));
        // Where nothing fits, times are those of the smallest wave there is. That too many fail does not change times.
        let shown = f64::from(in_time.max(1));

        let base = Base { fill: self.fill(), ratio: correction.mean, recommended: in_time };
        let rest = |share: f64, what: &str| progress(CHECKS.2 + (1.0 - CHECKS.2) * share, what);
        let mut sensitivity = sensitivity::effects(&base, self.threads, &rest);
        if failed_share > 0.0 {
            for effect in &mut sensitivity {
                effect.recommended = without_too_many_failures(effect.recommended);
                effect.relative = (recommended > 0).then(|| f64::from(effect.recommended) / f64::from(recommended));
            }
        }
        progress(1.0, "done");

        let hours = |seconds: f64| seconds * correction.mean / 3_600.0;
        let mut makespans: Vec<f64> = walks.iter().map(|walk| hours(walk.share_at + walk.added(shown))).collect();
        makespans.sort_by(f64::total_cmp);
        let mut lasts: Vec<f64> = walks.iter().map(|walk| hours(walk.last_at + walk.added(shown))).collect();
        lasts.sort_by(f64::total_cmp);
        let late = |walk: &Walk| {
            let open = self.open.as_seconds() / correction.mean - walk.added(shown);
            walk.flow.late(Span::from_seconds(open)) as f64
        };
        let mut curve = correct::curve(self.sizes(&walks, &correction), CURVE_POINTS, all);
        for point in &mut curve {
            let probability = failing::probability(point.mailboxes, failed_share, share);
            point.probability *= probability;
            point.interval = (point.interval.0 * probability, point.interval.1 * probability);
        }
        let forecast = WindowForecast {
            name: self.name.to_owned(),
            opening: self.opening.to_owned(),
            open: self.open,
            size: WaveSize {
                recommended,
                in_time,
                interval: (clamp(estimate.interval.0), clamp(estimate.interval.1)),
                interval_confidence: 0.95,
                completed_share: self.share(),
                confidence: plan.forecast.confidence,
                whole_population: recommended == all,
                bracketed,
            },
            curve,
            makespan_hours: quantiles(&makespans),
            last_hours: quantiles(&lasts),
            // Who fails may be late besides.
            stragglers: (walks.iter().map(late).sum::<f64>() / walks.len() as f64 + failed_share * f64::from(in_time))
                .min(shown),
            failed_share,
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
            beside: beside(&checks),
            stuck: checks.iter().map(|check| check.finished.stuck).sum(),
            correction,
        };
        (forecast, effort)
    }

    /// Finds the largest wave, first by virtual runs of a size that the fluid model holds for the largest, then of those
    /// that they lead to if that is far from there. Says as well what was run.
    fn find(&self, first: u32, progress: Progress<'_>) -> (Checked, Effort) {
        let (mut bracket, mut size, mut effort) = (Bracket::default(), first, Effort::default());
        for round in 1.. {
            let (begin, end) = part_of(round);
            let progress = &|share: f64, what: &str| progress(begin + (end - begin) * share, what);
            let numbers = 0..u64::from(self.plan.forecast.fluid_runs.max(1));
            let what = format!("waves in the fluid model, {size} mailboxes");
            let stretch = Stretch::new(progress, (0.0, WALKS), what, numbers.end);
            let walks = parallel::map(self.threads, numbers, |number| {
                let walk = self.walk(number, size);
                stretch.step();
                walk
            });
            let (checks, correction, estimate) = self.correct(&walks, size, progress);
            effort.virtual_runs += checks.len() as u32;
            effort.fluid_runs += walks.len() as u32;
            effort.requests += checks.iter().map(|check| check.finished.requests()).sum::<u64>();
            let open = self.open.as_seconds();
            bracket.note(size, &checks.iter().map(|check| check.share_at.as_seconds() / open).collect::<Vec<_>>());
            let next = bracket.next(size, estimate.value).map(|next| next.min(self.population.len()));
            if let Some(next) = next.filter(|next| *next != size && round < MOST_SIZES) {
                size = next;
                continue;
            }
            let held = bracket.hold(estimate);
            let bracketed = held != estimate;
            return (Checked { walks, checks, correction, estimate: held, bracketed }, effort);
        }
        unreachable!("the number of sizes is bounded")
    }

    /// The wave of each replication whose corrected time just fills the window.
    fn sizes(&self, walks: &[Walk], correction: &Correction) -> Vec<f64> {
        walks.iter().map(|walk| self.size(walk, correction, correction.mean)).collect()
    }

    /// The wave of a replication that fills the window if the virtual world takes `ratio` times as long as the fluid model.
    fn size(&self, walk: &Walk, correction: &Correction, ratio: f64) -> f64 {
        walk.size_within(self.open.as_seconds(), correction.mean, ratio)
    }

    /// Makes virtual runs until the interval on the wave size is narrow enough, or there have been enough of them.
    fn correct(&self, walks: &[Walk], size: u32, progress: Progress<'_>) -> (Vec<Check>, Correction, Estimate) {
        let wanted = &self.plan.forecast;
        let (fewest, most) = wanted.virtual_runs;
        let mut checks: Vec<Check> = Vec::new();
        loop {
            let first = checks.len() as u32;
            let last = (first + BATCH).min(most);
            let numbers = u64::from(first)..u64::from(last);
            let share = |runs: u32| WALKS + (1.0 - WALKS) * part_of_runs(runs, wanted.virtual_runs);
            let what = format!("virtual runs {} to {last} of at most {most}", first + 1);
            let mailboxes = u64::from(size) * u64::from(last - first);
            let stretch = Stretch::new(progress, (share(first), share(last)), what, mailboxes);
            checks.extend(parallel::map(self.threads, numbers, |number| self.check(size, number, &stretch)));
            let correction = correction(checks.iter().map(|check| check.ratio).collect(), size);
            let size = |number: usize, ratio: f64| self.size(&walks[number], &correction, ratio);
            let estimate = correct::estimate(self.plan.seed, (walks.len(), size), &correction, wanted.confidence);
            let width = (estimate.interval.1 - estimate.interval.0) / estimate.value.max(1.0);
            let runs = checks.len() as u32;
            if runs >= fewest && (width <= wanted.precision || runs >= most) {
                return (checks, correction, estimate);
            }
        }
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

/// The share of mailboxes that were never done.
fn failed_share(checks: &[Check]) -> f64 {
    let sum = |of: fn(&Check) -> u64| checks.iter().map(of).sum::<u64>() as f64;
    let all = sum(|check| check.size.into());
    (all - sum(|check| check.finished.done.len() as u64)) / all.max(1.0)
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

/// What was beside the waves of the virtual runs. People without a wave are not looked at: that would take as many runs.
fn beside(checks: &[Check]) -> Beside {
    let mut sum = Beside::default();
    for check in checks {
        sum.add(&check.finished.beside(None));
    }
    sum
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_the_progress_is_made_by_the_runs_that_are_always_made() {
        for (ends, expected) in [((2, 8), [0.375, 0.75, 0.875, 1.0]), ((8, 8), [0.125, 0.25, 0.625, 1.0])] {
            let parts = [1, 2, 5, 8].map(|runs| part_of_runs(runs, ends).to_bits());
            assert_eq!(parts, expected.map(f64::to_bits), "{ends:?}");
        }
    }

    #[test]
    fn progress_never_goes_back_however_many_sizes_are_run() {
        let parts: Vec<_> = (1..=MOST_SIZES).map(part_of).collect();
        assert_eq!(parts[0], (CHECKS.0, CHECKS.1));
        assert!(parts.iter().all(|(begin, end)| begin < end && *end <= CHECKS.2));
        assert!(parts.windows(2).all(|pair| (pair[0].1 - pair[1].0).abs() < 1e-12));
    }
}
