//! What a forecast says.

use mock_server::time::Span;

use super::campaign::Campaign;
use crate::event::Cause;
use crate::metrics::beside::Beside;

/// A forecast for every window of a scenario.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// One entry for each window, in the order of the scenario.
    pub windows: Vec<WindowForecast>,
    /// When the whole estate is done, at best.
    pub campaign: Option<Campaign>,
    /// Which switch durations and open-switch caps would explain the published wave sizes. Inference, not forecast.
    pub inference: Option<Inference>,
    /// Virtual runs made.
    pub virtual_runs: u32,
    /// Runs of the fluid model made.
    pub fluid_runs: u32,
    /// Requests of the pipeline in all virtual runs.
    pub requests_simulated: u64,
}

/// A forecast for one window.
#[derive(Clone, Debug)]
pub struct WindowForecast {
    /// Name of the window.
    pub name: String,
    /// The opening that the forecast is for, as a local date and time with its zone.
    pub opening: String,
    /// How long it is open.
    pub open: Span,
    /// How many mailboxes fit.
    pub size: WaveSize,
    /// The probability that a wave fits, by its size.
    pub curve: Vec<CurvePoint>,
    /// Time until the required share of the recommended wave is done, in hours, over replications; where none fits, that of
    /// one mailbox.
    pub makespan_hours: Quantiles,
    /// The same time for each replication, in hours, ascending.
    pub makespans: Vec<f64>,
    /// Time until the very last mailbox is done, in hours, over replications.
    pub last_hours: Quantiles,
    /// Mailboxes of the recommended wave that miss the window, on average, those that fail for good among them.
    pub stragglers: f64,
    /// The share of mailboxes that failed for good in the virtual runs.
    pub failed_share: f64,
    /// What must be copied ahead of the window.
    pub prestage: PrestageFlow,
    /// What flows inside the window.
    pub throughput: Throughput,
    /// Shares of lane time, in the order of [`Cause::ALL`]; they sum to one.
    pub time_by_cause: [f64; Cause::ALL.len()],
    /// How the virtual world corrected the fluid model.
    pub correction: Correction,
    /// What would change the wave size.
    pub sensitivity: Vec<Effect>,
    /// What was published for this window, with its source.
    pub published: Option<(u32, String)>,
    /// What was beside the waves of the virtual runs, all of them together.
    pub beside: Beside,
    /// Lanes of the virtual runs that waited for something that cannot happen. Not zero only if the program is wrong.
    pub stuck: usize,
}

impl WindowForecast {
    /// The two extreme effects of the knob whose values that were tried move the wave size most, the smaller wave
    /// first: what the answer hangs on. Nothing where none of them moves it.
    #[must_use]
    pub fn leading(&self) -> Option<(&Effect, &Effect)> {
        let extremes = |knob: &str| {
            let same = || self.sensitivity.iter().filter(|effect| effect.knob == knob);
            let least = same().min_by_key(|effect| effect.recommended)?;
            let most = same().max_by_key(|effect| effect.recommended)?;
            (least.recommended < most.recommended).then_some((least, most))
        };
        let reach = |(least, most): &(&Effect, &Effect)| most.recommended - least.recommended;
        self.sensitivity.iter().filter_map(|effect| extremes(&effect.knob)).max_by_key(reach)
    }
}

/// How many mailboxes fit.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct WaveSize {
    /// The largest wave that fits with the wanted probability; zero if not even one mailbox does.
    pub recommended: u32,
    /// The largest wave as far as time is concerned: more than recommended only where too many mailboxes fail for good.
    /// Makespan and stragglers are then those of this one.
    pub in_time: u32,
    /// An interval on the recommended wave: it comes from a finite number of runs.
    pub interval: (u32, u32),
    /// Probability with which the interval holds the number that infinitely many runs would give.
    pub interval_confidence: f64,
    /// The share of the wave that must be done inside the window.
    pub completed_share: f64,
    /// The probability with which that must hold.
    pub confidence: f64,
    /// Whether the whole population fits, so that the number is a bound and not an estimate.
    pub whole_population: bool,
    /// Whether it is known only to lie between a wave that fitted in virtual runs and one that did not, because a limit
    /// gives out between them. What the fluid model says near there, times and effects of knobs among it, is rough.
    pub bracketed: bool,
}

/// One point of the wave-size curve.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct CurvePoint {
    /// Mailboxes in the wave.
    pub mailboxes: u32,
    /// Probability that the wave fits.
    pub probability: f64,
    /// A 95% interval on that probability (Wilson 1927).
    pub interval: (f64, f64),
}

/// Quantiles of something.
#[derive(Copy, Clone, PartialEq, Default, Debug)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// What must be copied ahead of a window so that only deltas are left inside it.
#[derive(Clone, PartialEq, Debug)]
pub struct PrestageFlow {
    /// Bytes of one recommended wave, on average.
    pub wave_bytes: f64,
    /// Gigabytes an hour, day and night, that the sequence of openings asks for.
    pub gigabytes_per_hour: f64,
    /// Lanes that carry this flow.
    pub lanes: u32,
    /// Lanes that the scenario grants.
    pub lanes_granted: u32,
    /// Days by which copying begins ahead of the window.
    pub lead_days: f64,
    /// Whether lanes, network and lead time suffice.
    pub feasible: bool,
    /// Why not, if not.
    pub obstacles: Vec<String>,
}

/// What flows inside a window.
#[derive(Copy, Clone, PartialEq, Default, Debug)]
pub struct Throughput {
    /// Mailboxes an hour.
    pub mailboxes_per_hour: f64,
    /// Gigabytes of items an hour.
    pub gigabytes_per_hour: f64,
    /// Requests a second.
    pub requests_per_second: f64,
}

/// How virtual runs corrected the fluid model.
#[derive(Clone, PartialEq, Debug)]
pub struct Correction {
    /// Virtual makespan over fluid makespan, one for each virtual run.
    pub ratios: Vec<f64>,
    /// Their mean.
    pub mean: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// Mailboxes in the waves of these runs.
    pub mailboxes: u32,
}

/// What a knob does to the wave size.
#[derive(Clone, PartialEq, Debug)]
pub struct Effect {
    /// The key of the scenario.
    pub knob: String,
    /// The value in the scenario.
    pub from: String,
    /// The value tried.
    pub to: String,
    /// The wave size with it, everything else unchanged.
    pub recommended: u32,
    /// The same as a share of the unchanged wave size; absent if that is zero.
    pub relative: Option<f64>,
}

/// Which assumptions would explain published wave sizes.
#[derive(Clone, PartialEq, Debug)]
pub struct Inference {
    /// Each combination that was tried.
    pub combinations: Vec<Combination>,
    /// What this is and is not.
    pub note: String,
}

/// A combination of assumptions and the wave sizes that it implies.
#[derive(Clone, PartialEq, Debug)]
pub struct Combination {
    /// Mean duration of a switch.
    pub switch_mean: Span,
    /// Open switches at once that the published size of each window would need, in the order of the windows that have
    /// one.
    pub open_switches: Vec<(String, f64)>,
    /// Whether one number of open switches explains all windows within a tenth.
    pub explains_all: bool,
}
