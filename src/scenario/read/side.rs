//! `[source]` and `[target]`: the two servers.

use mock_server::draw::Distribution;
use mock_server::service::config::{Conditions, Config, Holding, SwitchConfig};
use mock_server::time::Span;
use mock_server::wire::call::{Protocol, Side};

use super::name::PROTOCOL;
use super::{cost, fault, limit, limit_change, policy};
use crate::scenario::kind::{Count, Data, Share, Spread};
use crate::scenario::plan::SidePlan;
use crate::scenario::section::{Otherwise, Section};

/// The documented number of concurrent migrations per endpoint type (KB 2797784).
const DOCUMENTED_PLACES: u32 = 300;

pub(crate) fn read_source(section: Section<'_>) -> SidePlan {
    if section.has("switch") {
        let _ = section.node("switch");
        let help = "a mailbox is switched to the target: write [target.switch]";
        section.report("switch", "belongs to the target", "the source has no switch", help);
    }
    // The source switches nothing; its places are never asked for.
    let switch = SwitchConfig { places: 1, duration: Distribution::Constant(Span::ZERO), failure_rate: 0.0 };
    read(section, Side::Source, Protocol::Ews, switch)
}

pub(crate) fn read_target(section: Section<'_>) -> SidePlan {
    let switch = switch(section.section("switch"));
    read(section, Side::Target, Protocol::Graph, switch)
}

fn read(section: Section<'_>, side: Side, usual: Protocol, switch: SwitchConfig) -> SidePlan {
    let protocol =
        section.or("protocol", &PROTOCOL, Otherwise::default(usual, "assumed: the usual protocol of this side"));
    let limits = limit::read(&section, protocol);
    let costs = match side {
        Side::Source => cost::read(&section, "exchange-observed-source"),
        Side::Target => cost::read(&section, "exchange-observed-target"),
    };
    let note = "150 MB is the largest message that Exchange Online moves since 2015 (secondary sources); tools that are \
                not Microsoft's were held to less";
    let largest_item_bytes = section.or("largest_item", &Data(1..=u32::MAX), Otherwise::default(150_000_000, note));
    let faults = fault::read(&section, side);
    let conditions = policy::conditions(&section, protocol);
    let (limit_changes, policy_changes) = limit_change::read(&section, &limits, &conditions.policies);
    let conditions = Conditions { policy_changes, ..conditions };
    section.finish();
    let server = Config {
        seed: 0,
        holding: match side {
            Side::Source => Holding::Live,
            Side::Target => Holding::Empty,
        },
        clock_at_start: Span::ZERO,
        limits,
        limit_changes,
        faults,
        costs,
        switch,
        largest_item_bytes,
        conditions,
    };
    SidePlan { protocol, server }
}

fn switch(section: Section<'_>) -> SwitchConfig {
    let note = "KB 2797784: 300 concurrent migrations per endpoint type in Exchange Online";
    let places = section.or("places", &Count(1..=1_000_000), Otherwise::default(DOCUMENTED_PLACES, note));
    let usual = Distribution::LogNormal { median: Span::seconds(300), sigma: 0.7 };
    let note = "assumed: completion takes minutes, and nobody published how many";
    let duration = section.or("duration", &Spread, Otherwise::default(usual, note));
    let failure_rate = section.or(
        "failure_rate",
        &Share,
        Otherwise::default(0.0, "assumed: no rate of failed completions was published"),
    );
    section.finish();
    SwitchConfig { places, duration, failure_rate }
}
