//! The copying ahead of a window that a wave size implies.

use mock_server::time::Span;

use super::result::PrestageFlow;
use crate::population::describe::{Description, SHARES};
use crate::scenario::plan::{Plan, PrestagePlan};

/// Bytes per second that one mailbox can receive: 150 MB in 5 minutes for each app and mailbox (Microsoft Graph
/// throttling limits page; the same value is reported for EWS imports).
const MAILBOX_BYTES_PER_SECOND: f64 = 500_000.0;

/// Bytes per second that the network carries from one side to the other.
fn network(plan: &Plan) -> f64 {
    let link = |rate: Option<f64>| rate.unwrap_or(f64::INFINITY);
    link(plan.network.source.bytes_per_second).min(link(plan.network.target.bytes_per_second))
}

/// Bytes per second that the lanes granted can copy ahead, day and night, over the network.
#[must_use]
pub fn bytes_per_second(plan: &Plan, prestage: &PrestagePlan) -> f64 {
    network(plan).min(f64::from(prestage.lanes) * prestage.lane_bytes_per_second)
}

/// What must be copied ahead for waves of a size that come `every` so often, and whether it can be.
#[must_use]
pub fn flow(plan: &Plan, described: &Description, prestage: &PrestagePlan, wave: u32, every: Span) -> PrestageFlow {
    let wave_bytes = described.size_bytes.mean * f64::from(wave);
    let needed = wave_bytes / every.as_seconds();
    let lanes = (needed / prestage.lane_bytes_per_second).ceil();
    let network = network(plan);
    let lead_days = prestage.lead.as_seconds() / 86_400.0;
    let mut obstacles = Vec::new();
    if lanes > f64::from(prestage.lanes) {
        obstacles.push(format!(
            "{lanes:.0} lanes are needed to copy {:.0} GB/h at {:.2} GB/h each, {} are granted",
            needed * 3_600.0 / 1e9,
            prestage.lane_bytes_per_second * 3_600.0 / 1e9,
            prestage.lanes
        ));
    }
    if needed > network {
        obstacles.push(format!(
            "{} are needed, the network carries {}",
            bits_per_second(needed),
            bits_per_second(network)
        ));
    }
    let rate = prestage.lane_bytes_per_second.min(MAILBOX_BYTES_PER_SECOND);
    let largest = hundredth(described) / rate;
    if largest > prestage.lead.as_seconds() {
        obstacles.push(format!(
            "one mailbox in a hundred takes {:.1} days or more to copy on one lane, the lead is {lead_days:.1} days",
            largest / 86_400.0
        ));
    }
    if wave_bytes / (f64::from(prestage.lanes) * prestage.lane_bytes_per_second) > prestage.lead.as_seconds() {
        obstacles.push(format!("a whole wave cannot be copied within the lead of {lead_days:.1} days"));
    }
    PrestageFlow {
        wave_bytes,
        gigabytes_per_hour: needed * 3_600.0 / 1e9,
        lanes: lanes as u32,
        lanes_granted: prestage.lanes,
        lead_days,
        feasible: obstacles.is_empty(),
        obstacles,
    }
}

/// A rate of bytes per second, in the unit in which networks are sold.
fn bits_per_second(bytes_per_second: f64) -> String {
    let megabits = bytes_per_second * 8.0 / 1e6;
    if megabits < 1_000.0 { format!("{megabits:.1} Mbit/s") } else { format!("{:.1} Gbit/s", megabits / 1_000.0) }
}

/// Adds to the flow of each window what all windows need together, where that is more than is granted. `estate` is the
/// flow, in bytes per second, that copies everybody once from one opening of the rarest window to the next: where waves
/// are so large that there are not as many mailboxes, all windows together need no more than that, or than one of them.
pub fn together(prestage: &PrestagePlan, estate: f64, mut flows: Vec<&mut PrestageFlow>) {
    let sum: f64 = flows.iter().map(|flow| flow.gigabytes_per_hour).sum();
    let most = flows.iter().map(|flow| flow.gigabytes_per_hour).fold(0.0, f64::max);
    let gigabytes = sum.min((estate * 3_600.0 / 1e9).max(most));
    let lanes = flows.iter().map(|flow| f64::from(flow.lanes)).sum::<f64>() * (gigabytes / sum.max(f64::MIN_POSITIVE));
    let lanes = lanes.ceil();
    if gigabytes <= most || lanes <= f64::from(prestage.lanes) {
        return;
    }
    for flow in &mut flows {
        flow.feasible = false;
        flow.obstacles.push(format!(
            "all windows together need {lanes:.0} lanes for {gigabytes:.0} GB/h, {} are granted",
            prestage.lanes
        ));
    }
}

/// The size that one mailbox in a hundred reaches, in bytes.
fn hundredth(described: &Description) -> f64 {
    let place = SHARES.iter().position(|share| *share >= 0.99).expect("the 99th percentile is described");
    described.size_bytes.quantiles[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(gigabytes_per_hour: f64) -> PrestageFlow {
        PrestageFlow {
            wave_bytes: 0.0,
            gigabytes_per_hour,
            lanes: gigabytes_per_hour as u32,
            lanes_granted: 100,
            lead_days: 7.0,
            feasible: true,
            obstacles: Vec::new(),
        }
    }

    /// What two windows are told that need so many gigabytes an hour, each on a lane of its own, of an estate of which so
    /// many an hour are everybody; a hundred lanes are granted.
    fn told(flows: [f64; 2], estate: f64) -> [Vec<String>; 2] {
        let prestage = PrestagePlan {
            lead: Span::seconds(7 * 86_400),
            interval: Span::seconds(86_400),
            age: Span::ZERO,
            lanes: 100,
            lane_bytes_per_second: 1e9 / 3_600.0,
        };
        let mut flows = flows.map(flow);
        together(&prestage, estate * 1e9 / 3_600.0, flows.iter_mut().collect());
        flows.map(|flow| {
            assert_eq!(flow.feasible, flow.obstacles.is_empty());
            flow.obstacles
        })
    }

    #[test]
    fn all_windows_together_need_no_more_than_everybody_does() {
        let need =
            |lanes: u32| vec![format!("all windows together need {lanes} lanes for {lanes} GB/h, 100 are granted")];
        assert_eq!(told([60.0, 80.0], 1_000.0), [need(140), need(140)]);
        assert_eq!(told([60.0, 80.0], 120.0), [need(120), need(120)]);
        // Fewer than are granted, or not more than one window needs, which says so itself.
        for (flows, estate) in [([60.0, 80.0], 90.0), ([60.0, 180.0], 90.0), ([60.0, 30.0], 1_000.0)] {
            assert_eq!(told(flows, estate), [Vec::<String>::new(), Vec::new()], "{flows:?}");
        }
    }
}
