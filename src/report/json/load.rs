//! `load --format json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::load::outcome::Outcome;
use crate::load::tally::{KindTally, Times};
use crate::load::verdict::Spoiled;

/// The version of this format.
pub const SCHEMA: &str = "wavetank.load/1";

/// What a load came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LoadReport {
    schema: &'static str,
    version: &'static str,
    /// Whether the run says something about the server, and not about the generator.
    valid: bool,
    spoiled: Option<SpoiledReport>,
    interrupted: bool,
    target: String,
    demand: String,
    http: &'static str,
    connections: u32,
    streams: u32,
    workers: u32,
    seed: u64,
    measured_seconds: f64,
    answers_per_second: f64,
    requests: RequestsReport,
    bytes: u64,
    statuses: BTreeMap<u16, u64>,
    failures: BTreeMap<&'static str, u64>,
    response: TimesReport,
    service: TimesReport,
    lag: TimesReport,
    kinds: BTreeMap<String, KindReport>,
}

/// Counts; the first one is the sum of the others but `late`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RequestsReport {
    due: u64,
    answered: u64,
    failed: u64,
    dropped: u64,
    unanswered: u64,
    late: u64,
}

/// Requests of one kind.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct KindReport {
    answered: u64,
    refused: u64,
    service: TimesReport,
}

/// Where the generator spoiled its own run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SpoiledReport {
    quantile: f64,
    lag_ms: f64,
    response_ms: f64,
}

/// Times in milliseconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "published numbers carry their unit")]
pub struct TimesReport {
    mean_ms: f64,
    p50_ms: f64,
    p90_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    p999_ms: f64,
    max_ms: f64,
}

impl From<&Times> for TimesReport {
    fn from(nanoseconds: &Times) -> Self {
        let milliseconds = |nanoseconds: f64| nanoseconds / 1e6;
        let at = |quantile| milliseconds(nanoseconds.value_at_quantile(quantile) as f64);
        Self {
            mean_ms: milliseconds(nanoseconds.mean()),
            p50_ms: at(0.50),
            p90_ms: at(0.90),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: milliseconds(nanoseconds.max() as f64),
        }
    }
}

impl From<&KindTally> for KindReport {
    fn from(kind: &KindTally) -> Self {
        Self { answered: kind.answered, refused: kind.refused, service: (&kind.service).into() }
    }
}

impl From<&Spoiled> for SpoiledReport {
    fn from(spoiled: &Spoiled) -> Self {
        let Spoiled { quantile, lag, response } = *spoiled;
        Self { quantile, lag_ms: lag.as_seconds() * 1e3, response_ms: response.as_seconds() * 1e3 }
    }
}

/// What a load came to.
#[must_use]
pub fn report(outcome: &Outcome) -> LoadReport {
    let tally = &outcome.tally;
    LoadReport {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        valid: outcome.spoiled.is_none(),
        spoiled: outcome.spoiled.as_ref().map(SpoiledReport::from),
        interrupted: outcome.interrupted,
        target: outcome.target.clone(),
        demand: outcome.demand.clone(),
        http: outcome.http,
        connections: outcome.connections,
        streams: outcome.streams,
        workers: outcome.workers,
        seed: outcome.seed,
        measured_seconds: outcome.measured.as_seconds(),
        answers_per_second: outcome.answers_per_second(),
        requests: RequestsReport {
            due: tally.offered,
            answered: tally.answered,
            failed: tally.failures(),
            dropped: tally.dropped,
            unanswered: tally.unanswered,
            late: tally.late,
        },
        bytes: tally.bytes,
        statuses: tally.statuses().collect(),
        failures: tally.failed().map(|(failure, count)| (failure.name(), count)).collect(),
        response: (&tally.response).into(),
        service: (&tally.service).into(),
        lag: (&tally.lag).into(),
        kinds: tally.kinds().map(|(name, kind)| (name, kind.into())).collect(),
    }
}
