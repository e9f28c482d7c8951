//! What a forecast says of a window, in the same words wherever it is shown.

use super::number::{bytes, count, significant};
use crate::forecast::result::{Effect, WindowForecast};

/// How long the wave takes.
pub(super) fn makespan(window: &WindowForecast) -> String {
    let makespan = &window.makespan_hours;
    format!(
        "p50 {} h, p90 {} h, p95 {} h, p99 {} h; the very last mailbox p95 {} h",
        significant(makespan.p50),
        significant(makespan.p90),
        significant(makespan.p95),
        significant(makespan.p99),
        significant(window.last_hours.p95)
    )
}

/// The change of a wave size.
pub(super) fn change(effect: &Effect) -> String {
    effect.relative.map_or_else(String::new, |relative| format!("{:+.1}%", (relative - 1.0) * 100.0))
}

/// What to know where not even one mailbox fits; nothing elsewhere.
pub(super) fn nothing_fits(window: &WindowForecast) -> Option<&'static str> {
    (window.size.recommended == 0)
        .then_some("no wave fits: not even one mailbox is done in time; the times below are those of one mailbox")
}

/// What to know where the size lies between waves that were run; nothing elsewhere.
pub(super) fn bracketed(window: &WindowForecast) -> Option<&'static str> {
    window
        .size
        .bracketed
        .then_some("a limit gives out between waves that were run: times and effects of knobs are rough there")
}

/// Who misses the window.
pub(super) fn stragglers(window: &WindowForecast) -> String {
    format!("{} mailboxes on average", significant(window.stragglers))
}

/// What flows.
pub(super) fn throughput(window: &WindowForecast) -> String {
    let flow = &window.throughput;
    format!(
        "{} mailboxes/h, {} GB/h, {} requests/s",
        significant(flow.mailboxes_per_hour),
        significant(flow.gigabytes_per_hour),
        significant(flow.requests_per_second)
    )
}

/// What must be copied ahead.
pub(super) fn prestage(window: &WindowForecast) -> String {
    let prestage = &window.prestage;
    format!(
        "{} a wave, {} GB/h on {} lanes, {} days ahead",
        bytes(prestage.wave_bytes),
        significant(prestage.gigabytes_per_hour),
        count(prestage.lanes.into()),
        significant(prestage.lead_days)
    )
}
