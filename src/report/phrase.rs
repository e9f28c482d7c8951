//! What forecasts and runs say of a window, in the same words wherever it is shown.

use super::inside::Inside;
use super::number::{bytes, count, percent, plural, significant};
use crate::forecast::campaign::Campaign;
use crate::forecast::result::{Effect, WindowForecast};

/// How much of the wave of a run was done inside its window.
pub(super) fn inside(inside: &Inside<'_>) -> String {
    let verdict = if inside.fits() { "the wave fits" } else { "the wave does not fit" };
    format!(
        "{}: {} of {} mailboxes done inside ({}), {} are wanted: {verdict}",
        inside.window,
        count(inside.done),
        count(inside.total),
        percent(inside.share()),
        percent(inside.wanted)
    )
}

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
fn nothing_fits(window: &WindowForecast) -> Option<String> {
    (window.size.in_time == 0).then(|| {
        let confidence = percent(window.size.confidence);
        format!(
            "no wave fits: not even one mailbox is done in time with {confidence} confidence; the times below are those of one \
             mailbox"
        )
    })
}

/// What to know where mailboxes fail for good; nothing elsewhere.
fn failing(window: &WindowForecast) -> Option<String> {
    (window.failed_share > 0.0).then(|| {
        let may = percent(1.0 - window.size.completed_share);
        let failed = percent(window.failed_share);
        let found = format!("{failed} of the mailboxes of the virtual runs failed for good; {may} may");
        if window.size.recommended == window.size.in_time {
            return found;
        }
        format!("{found}; {} would be done in time, and the times below are theirs", count(window.size.in_time.into()))
    })
}

/// What to know where the size lies between waves that were run; nothing elsewhere.
fn bracketed(window: &WindowForecast) -> Option<String> {
    window
        .size
        .bracketed
        .then(|| "a limit gives out between waves that were run: times and effects of knobs are rough there".to_owned())
}

/// All that is to be known of a wave size beside it.
pub(super) fn cautions(window: &WindowForecast) -> impl Iterator<Item = String> {
    [nothing_fits(window), failing(window), bracketed(window)].into_iter().flatten()
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

/// When the whole estate is done, and what that rests on.
pub(super) fn campaign(campaign: &Campaign) -> Vec<String> {
    let begins = campaign.begins;
    let mut lines = Vec::new();
    if let Some(done) = &campaign.done {
        let waves: Vec<_> = done
            .waves
            .iter()
            .filter(|(_, waves)| *waves > 0)
            .map(|(window, waves)| format!("{} {window}", count((*waves).into())))
            .collect();
        let (soonest, latest) = campaign.interval;
        let [soonest, latest] = [soonest, latest].map(|date| date.map_or("never".to_owned(), |date| date.to_string()));
        let on = done.on.strftime("%A %Y-%m-%d");
        lines.push(format!("done at best on {on} (interval {soonest} to {latest})"));
        lines.push(format!(
            "in {} openings from {begins} on: none is left out, nothing ramps up, pauses or grows, and whoever misses a \
             window comes with a later one",
            waves.join(" and ")
        ));
    } else {
        lines.push(format!("not done within twenty years of {begins} with these waves"));
    }
    if let Some(copying) = &campaign.copying {
        lines.push(format!(
            "copying ahead decides: {} GB/h, which lanes and network carry, copy everybody in {} days; the windows alone \
             would be done on {}",
            significant(copying.gigabytes_per_hour),
            significant(copying.days),
            copying.windows_alone
        ));
    }
    lines
}

/// What must be copied ahead, and whether that is feasible.
pub(super) fn prestage(window: &WindowForecast, verdict: &str) -> String {
    let prestage = &window.prestage;
    if prestage.lead_days <= 0.0 {
        return format!(
            "none: {} are copied within the window; [wave.prestage] copies ahead",
            bytes(prestage.wave_bytes)
        );
    }
    format!(
        "{} a wave, {} GB/h on {}, {} days ahead: {verdict}",
        bytes(prestage.wave_bytes),
        significant(prestage.gigabytes_per_hour),
        plural(prestage.lanes.into(), "lane"),
        significant(prestage.lead_days)
    )
}
