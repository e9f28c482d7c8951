//! The example with every fault at once, made short.

use std::path::Path;

use wavetank::scenario;
use wavetank::scenario::plan::Plan;

/// Announced waits are whole seconds, and the switch is not what this is about.
const SHORT: [&str; 6] = [
    "population.uniform.items=30",
    "target.switch.duration=\"constant 50 ms\"",
    "pipeline.poll_interval=\"30 ms\"",
    "pipeline.retry.first_back_off=\"5 ms\"",
    "pipeline.retry.longest_back_off=\"100 ms\"",
    "pipeline.requests_per_mailbox=2",
];

/// The plan of a seed, into a target that speaks a protocol.
pub(crate) fn plan(seed: u64, target: &str) -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/fault-heavy.toml");
    let content = std::fs::read_to_string(&file).expect("a scenario").replace("retry_after = \"1 s\"\n", "");
    let content = content.replace("[\"import_item\"]", "[\"import_item\", \"upload_items\"]");
    let target = format!("target.protocol=\"{target}\"");
    let overrides: Vec<_> = SHORT.into_iter().map(str::to_owned).chain([target]).collect();
    scenario::parse(&file, &content, &overrides, Some(seed)).expect("a scenario")
}
