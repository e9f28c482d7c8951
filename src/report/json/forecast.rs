//! `forecast --format json`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::beside::{self, PeopleReport, StateReport};
use super::{ScenarioIdentity, by_cause};
use crate::forecast::campaign::Campaign;
use crate::forecast::result::{CurvePoint, Effect, Forecast, Inference, Quantiles, WindowForecast};
use crate::population::describe::Description;
use crate::scenario::plan::{Assumption, Plan};

/// The version of this format.
pub const SCHEMA: &str = "wavetank.forecast/1";

/// The whole answer.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ForecastReport {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The scenario.
    pub scenario: ScenarioIdentity,
    /// The population.
    pub population: PopulationReport,
    /// One entry for each window.
    pub windows: Vec<WindowReport>,
    /// When the whole estate is done, at best; absent if no window opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignReport>,
    /// Which assumptions would explain published wave sizes.
    pub inference: Option<InferenceReport>,
    /// Every value of the scenario, with where it comes from.
    pub assumptions: Vec<AssumptionReport>,
    /// Runs by rung.
    pub runs: RunsReport,
    /// Requests of the pipeline in all virtual runs.
    pub requests_simulated: u64,
    /// Time that the forecast took; the only value that differs from one run to the next.
    pub wall_seconds: f64,
}

/// The population.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PopulationReport {
    /// Mailboxes.
    pub mailboxes: u64,
    /// Bytes in all of them.
    pub bytes: u64,
    /// Items in all of them.
    pub items: u64,
}

impl From<&Description> for PopulationReport {
    fn from(totals: &Description) -> Self {
        Self { mailboxes: totals.mailboxes.into(), bytes: totals.bytes, items: totals.items }
    }
}

/// Runs by rung.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunsReport {
    /// Runs of the real pipeline in virtual time.
    #[serde(rename = "virtual")]
    pub virtual_runs: u32,
    /// Runs of the fluid model.
    pub fluid: u32,
}

/// One window.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WindowReport {
    name: String,
    opening: String,
    open_hours: f64,
    wave_size: WaveSizeReport,
    curve: Vec<CurvePointReport>,
    makespan_hours: QuantilesReport,
    last_mailbox_hours: QuantilesReport,
    makespan_hours_by_run: Vec<f64>,
    stragglers: f64,
    failed_share: f64,
    prestage: PrestageReport,
    throughput: ThroughputReport,
    time_by_cause: BTreeMap<&'static str, f64>,
    correction: CorrectionReport,
    sensitivity: Vec<EffectReport>,
    published: Option<PublishedReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    move_states: Option<Vec<StateReport>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    people: BTreeMap<&'static str, PeopleReport>,
}

/// When the whole estate is done, at best.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CampaignReport {
    /// The local date of the first opening.
    begins: String,
    /// The local date on which the last opening closes that is needed; absent if it takes more than twenty years.
    done: Option<String>,
    /// The same with the largest and the smallest waves of the interval.
    interval: [Option<String>; 2],
    /// Openings that are needed, by window.
    waves: BTreeMap<String, u32>,
    /// What copying ahead does to that, if it makes it later.
    copying: Option<CopyingReport>,
}

/// Copying ahead that decides when everybody is done.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct CopyingReport {
    gigabytes_per_hour: f64,
    days: f64,
    /// When the windows would be done if everybody were copied in time.
    done_by_windows_alone: String,
}

impl From<&Campaign> for CampaignReport {
    fn from(campaign: &Campaign) -> Self {
        let Campaign { begins, done, interval, copying } = campaign;
        let text = |date: &Option<Date>| date.map(|date| date.to_string());
        Self {
            begins: begins.to_string(),
            done: done.as_ref().map(|done| done.on.to_string()),
            interval: [text(&interval.0), text(&interval.1)],
            waves: done.iter().flat_map(|done| done.waves.iter().cloned()).collect(),
            copying: copying.as_ref().map(|copying| CopyingReport {
                gigabytes_per_hour: copying.gigabytes_per_hour,
                days: copying.days,
                done_by_windows_alone: copying.windows_alone.to_string(),
            }),
        }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct WaveSizeReport {
    recommended: u32,
    interval: [u32; 2],
    interval_confidence: f64,
    completed_share: f64,
    confidence: f64,
    whole_population: bool,
    /// Whether it is known only to lie between a wave that fitted in virtual runs and one that did not.
    bracketed: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct CurvePointReport {
    mailboxes: u32,
    probability: f64,
    interval: [f64; 2],
}

impl From<&CurvePoint> for CurvePointReport {
    fn from(point: &CurvePoint) -> Self {
        let interval = [point.interval.0, point.interval.1];
        Self { mailboxes: point.mailboxes, probability: point.probability, interval }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct QuantilesReport {
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
}

impl From<Quantiles> for QuantilesReport {
    fn from(quantiles: Quantiles) -> Self {
        Self { p50: quantiles.p50, p90: quantiles.p90, p95: quantiles.p95, p99: quantiles.p99 }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct PrestageReport {
    gigabytes_per_hour: f64,
    lanes: u32,
    lanes_granted: u32,
    lead_days: f64,
    feasible: bool,
    wave_bytes: f64,
    obstacles: Vec<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct ThroughputReport {
    mailboxes_per_hour: f64,
    gigabytes_per_hour: f64,
    requests_per_second: f64,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct CorrectionReport {
    virtual_over_fluid: Vec<f64>,
    mean: f64,
    standard_error: f64,
    mailboxes: u32,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct EffectReport {
    knob: String,
    from: String,
    to: String,
    recommended: u32,
    relative: Option<f64>,
}

impl From<&Effect> for EffectReport {
    fn from(effect: &Effect) -> Self {
        Self {
            knob: effect.knob.clone(),
            from: effect.from.clone(),
            to: effect.to.clone(),
            recommended: effect.recommended,
            relative: effect.relative,
        }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct PublishedReport {
    mailboxes: u32,
    source: String,
}

/// Which assumptions would explain published wave sizes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct InferenceReport {
    note: String,
    combinations: Vec<CombinationReport>,
}

#[derive(Clone, PartialEq, Debug, Serialize)]
struct CombinationReport {
    switch_mean_minutes: f64,
    open_switches: BTreeMap<String, f64>,
    explains_all: bool,
}

impl From<&Inference> for InferenceReport {
    fn from(inference: &Inference) -> Self {
        let combinations = inference
            .combinations
            .iter()
            .map(|combination| CombinationReport {
                switch_mean_minutes: combination.switch_mean.as_seconds() / 60.0,
                open_switches: combination.open_switches.iter().cloned().collect(),
                explains_all: combination.explains_all,
            })
            .collect();
        Self { note: inference.note.clone(), combinations }
    }
}

/// One value of the scenario.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AssumptionReport {
    key: String,
    value: String,
    origin: &'static str,
    note: String,
}

impl From<&Assumption> for AssumptionReport {
    fn from(assumption: &Assumption) -> Self {
        let Assumption { key, value, origin, note } = assumption.clone();
        Self { key, value, origin: origin.name(), note }
    }
}

impl From<&WindowForecast> for WindowReport {
    fn from(window: &WindowForecast) -> Self {
        let size = &window.size;
        Self {
            name: window.name.clone(),
            opening: window.opening.clone(),
            open_hours: window.open.as_seconds() / 3_600.0,
            wave_size: WaveSizeReport {
                recommended: size.recommended,
                interval: [size.interval.0, size.interval.1],
                interval_confidence: size.interval_confidence,
                completed_share: size.completed_share,
                confidence: size.confidence,
                whole_population: size.whole_population,
                bracketed: size.bracketed,
            },
            curve: window.curve.iter().map(Into::into).collect(),
            makespan_hours: window.makespan_hours.into(),
            last_mailbox_hours: window.last_hours.into(),
            makespan_hours_by_run: window.makespans.clone(),
            stragglers: window.stragglers,
            failed_share: window.failed_share,
            prestage: PrestageReport {
                gigabytes_per_hour: window.prestage.gigabytes_per_hour,
                lanes: window.prestage.lanes,
                lanes_granted: window.prestage.lanes_granted,
                lead_days: window.prestage.lead_days,
                feasible: window.prestage.feasible,
                wave_bytes: window.prestage.wave_bytes,
                obstacles: window.prestage.obstacles.clone(),
            },
            throughput: ThroughputReport {
                mailboxes_per_hour: window.throughput.mailboxes_per_hour,
                gigabytes_per_hour: window.throughput.gigabytes_per_hour,
                requests_per_second: window.throughput.requests_per_second,
            },
            time_by_cause: by_cause(&window.time_by_cause),
            correction: CorrectionReport {
                virtual_over_fluid: window.correction.ratios.clone(),
                mean: window.correction.mean,
                standard_error: window.correction.standard_error,
                mailboxes: window.correction.mailboxes,
            },
            sensitivity: window.sensitivity.iter().map(Into::into).collect(),
            published: window
                .published
                .as_ref()
                .map(|(mailboxes, source)| PublishedReport { mailboxes: *mailboxes, source: source.clone() }),
            move_states: beside::states(&window.beside),
            people: beside::people(&window.beside),
        }
    }
}

/// The answer as it is published.
#[must_use]
pub fn report(plan: &Plan, totals: &Description, forecast: &Forecast, wall_seconds: f64) -> ForecastReport {
    ForecastReport {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        scenario: plan.into(),
        population: totals.into(),
        windows: forecast.windows.iter().map(Into::into).collect(),
        campaign: forecast.campaign.as_ref().map(Into::into),
        inference: forecast.inference.as_ref().map(Into::into),
        assumptions: plan.assumptions.iter().map(Into::into).collect(),
        runs: RunsReport { virtual_runs: forecast.virtual_runs, fluid: forecast.fluid_runs },
        requests_simulated: forecast.requests_simulated,
        wall_seconds,
    }
}
