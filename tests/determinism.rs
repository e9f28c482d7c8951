//! A virtual result is a function of scenario, seed and version: not of chance, nor of threads, nor of how often it was
//! made before. That debug and release builds agree is shown by the golden reports, which both are compared with.

use std::cell::RefCell;
use std::path::Path;

use mock_server::time::Moment;
use serde_json::Value;
use wavetank::engine::{order, virtual_time};
use wavetank::event::{Event, Listener};
use wavetank::forecast;
use wavetank::population::Population;
use wavetank::report::json;
use wavetank::scenario;
use wavetank::scenario::plan::Plan;
use xxhash_rust::xxh3::Xxh3;

/// A migration of small mailboxes with everything that draws random numbers: organisations, mailboxes, churn, costs,
/// faults, limits, switches, latency and jitter. Small, so that a forecast of it takes a moment.
const SMALL: &str = r#"
title = "Small, and random in every way"
seed = 5

[population]
preset = "enterprise"
mailboxes = 3_000

[source]
limits = ["ews-online"]
servers = 8
costs = { call = "exponential mean 30 ms", per_item = "3 ms" }

[target]
limits = ["graph"]
costs = { call = "log-normal median 50 ms sigma 0.6", per_item = "5 ms" }

[[target.faults]]
name = "overload"
rate = "1%"
attempts_below = 3
act = "refuse"

[[target.faults]]
name = "lost answers"
rate = "1%"
attempts_below = 2
act = "lose-answer"

[target.switch]
places = 6
duration = "log-normal median 4 min sigma 0.5"
failure_rate = "2%"

[network.target]
bandwidth = "1 Gbit/s"
latency = "exponential mean 15 ms"

[pipeline]
lanes = 9
open_switches = 6
verify = "counts"

[wave]
mailboxes = 60
window = "noon"

[wave.prestage]
lead = "7 d"
interval = "24 h"
age = "12 h"

[[windows]]
name = "noon"
days = ["Tue"]
opens = "12:00"
closes = "13:30"
zone = "Europe/London"
from = 2026-03-02

[forecast]
completed_share = "95%"
confidence = "90%"
precision = "20%"
virtual_runs = [2, 3]
fluid_runs = 40
"#;

fn plan(seed: u64) -> Plan {
    scenario::parse(Path::new("small.toml"), SMALL, &[], Some(seed)).expect("a scenario")
}

/// Hashes everything that happens, in its order.
#[derive(Default)]
struct Fingerprint(RefCell<(Xxh3, u64)>);

impl Listener for Fingerprint {
    fn note(&self, at: Moment, event: &Event) {
        let mut fingerprint = self.0.borrow_mut();
        fingerprint.0.update(format!("{at:?} {event:?}\n").as_bytes());
        fingerprint.1 += 1;
    }
}

/// Simulates a wave: the fingerprint of its events, their number, and the report.
fn simulate(plan: &Plan, replication: u64) -> (u64, u64, String) {
    let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
    let mailboxes = order::wave(plan, &population, replication, plan.wave.mailboxes);
    let ear = Fingerprint::default();
    let finished = virtual_time::run::observe(plan, &population, &mailboxes, replication, plan.open(), &ear);
    let (hash, events) = ear.0.into_inner();
    (hash.digest(), events, without_wall(&json::run::report(plan, "virtual", &finished.summary, 0.0)))
}

fn without_wall(report: &impl serde::Serialize) -> String {
    let mut value = serde_json::to_value(report).expect("reports are JSON");
    value.as_object_mut().expect("a report is an object").shift_remove("wall_seconds");
    json::render(&value)
}

#[test]
fn the_same_seed_makes_the_same_events_in_the_same_order() {
    let (first, again) = (simulate(&plan(5), 0), simulate(&plan(5), 0));
    assert!(first.1 > 5_000, "{} events", first.1);
    assert_eq!(first, again);
}

#[test]
fn another_seed_or_replication_makes_others() {
    let runs = [simulate(&plan(5), 0), simulate(&plan(6), 0), simulate(&plan(5), 1)];
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        assert_ne!(runs[one].0, runs[other].0);
    }
    let report: Value = serde_json::from_str(&runs[0].2).expect("JSON");
    assert_eq!(report["mailboxes"]["total"].as_u64(), Some(60));
}

#[test]
fn runs_do_not_disturb_each_other_whatever_thread_they_are_on() {
    let alone: Vec<_> = (0..4).map(|replication| simulate(&plan(5), replication)).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|replication| scope.spawn(move || simulate(&plan(5), replication))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the run ends")).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn a_forecast_does_not_depend_on_the_number_of_threads() {
    let forecast = |threads: usize| {
        let plan = plan(5);
        let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
        let described = population.describe(population.len());
        let answer = forecast::forecast(&plan, &population, &described, threads, &|_, _| {}).expect("a window opens");
        without_wall(&json::forecast::report(&plan, &described, &answer, threads as f64))
    };
    let (one, two) = (forecast(1), forecast(2));
    assert!(one == two, "one thread:\n{one}\ntwo threads:\n{two}");
    let report: Value = serde_json::from_str(&one).expect("JSON");
    let recommended = report["windows"][0]["wave_size"]["recommended"].as_u64().expect("a number");
    assert!(recommended > 20 && recommended < 3_000, "{one}");
    assert!(report["requests_simulated"].as_u64().is_some_and(|requests| requests > 1_000), "{one}");
}

#[test]
fn a_forecast_makes_no_more_virtual_runs_of_a_size_than_it_may() {
    let mut plan = plan(5);
    plan.forecast.precision = 0.0;
    let population = Population::new(&plan.population, plan.seed).expect("the preset is known");
    let described = population.describe(population.len());
    let answer = forecast::forecast(&plan, &population, &described, 2, &|_, _| {}).expect("a window opens");
    assert_eq!(answer.windows[0].correction.ratios.len(), 3);
}
