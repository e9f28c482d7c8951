//! Named costs and links. Every number cites its source or is marked as assumed.

use mock_server::draw::Distribution;
use mock_server::time::Span;

/// Names of the populations that a scenario can name; the population model gives them their meaning.
pub const POPULATIONS: [&str; 4] = ["nhs", "enterprise", "university", "small-business"];

/// The population of whoever names none: it fills in what an inventory does not tell.
pub const ORDINARY_POPULATION: &str = "enterprise";

/// A named cost of calls.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct CostPreset {
    /// Its name in scenarios.
    pub name: &'static str,
    /// Time for a call itself.
    pub call: Distribution,
    /// Time for each item.
    pub per_item: Span,
    /// Time for each mebibyte of item content.
    pub per_mebibyte: Span,
    /// Where the numbers come from.
    pub note: &'static str,
}

/// All named costs.
pub const COSTS: [CostPreset; 3] = [
    CostPreset {
        name: "free",
        call: Distribution::Constant(Span::ZERO),
        per_item: Span::ZERO,
        per_mebibyte: Span::ZERO,
        note: "by definition: calls take no time, for closed-form checks",
    },
    CostPreset {
        name: "exchange-observed-source",
        call: Distribution::Exponential { mean: Span::milliseconds(40) },
        per_item: Span::milliseconds(236),
        per_mebibyte: Span::milliseconds(1_220),
        note: "derived: a move of 0.66 GB/h spends 79% of its time on the source (Microsoft's sample of 50 moves in \
               Mailbox Migration Performance Analysis, 2014), at 75 kB an item; 73% of it by item and 27% by byte as \
               in Microsoft's table of RPC tools; the 40 ms of the call itself are assumed",
    },
    CostPreset {
        name: "exchange-observed-target",
        call: Distribution::Exponential { mean: Span::milliseconds(40) },
        per_item: Span::milliseconds(57),
        per_mebibyte: Span::milliseconds(293),
        note: "derived: a move of 0.66 GB/h spends 19% of its time on the target (Microsoft's sample of 50 moves in \
               Mailbox Migration Performance Analysis, 2014), at 75 kB an item; 73% of it by item and 27% by byte as \
               in Microsoft's table of RPC tools; the 40 ms of the call itself are assumed",
    },
];

/// A named network path.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct LinkPreset {
    /// Its name in scenarios.
    pub name: &'static str,
    /// Bytes per second; unlimited if absent.
    pub bytes_per_second: Option<f64>,
    /// Time to cross, one way.
    pub latency: Distribution,
    /// Where the numbers come from.
    pub note: &'static str,
}

/// All named links.
pub const LINKS: [LinkPreset; 5] = [
    LinkPreset {
        name: "ideal",
        bytes_per_second: None,
        latency: Distribution::Constant(Span::ZERO),
        note: "by definition: no latency and no limit, for closed-form checks",
    },
    LinkPreset {
        name: "data-center",
        bytes_per_second: Some(1.25e9),
        latency: Distribution::Constant(Span::microseconds(500)),
        note: "assumed: 10 Gbit/s and half a millisecond inside one site",
    },
    LinkPreset {
        name: "dedicated-10g",
        bytes_per_second: Some(1.25e9),
        latency: Distribution::Constant(Span::milliseconds(10)),
        note: "assumed: 10 Gbit/s to the service, 20 ms there and back within one country",
    },
    LinkPreset {
        name: "dedicated-1g",
        bytes_per_second: Some(1.25e8),
        latency: Distribution::Constant(Span::milliseconds(15)),
        note: "assumed: 1 Gbit/s to the service, 30 ms there and back",
    },
    LinkPreset {
        name: "office-internet",
        bytes_per_second: Some(1.25e7),
        latency: Distribution::Constant(Span::milliseconds(21)),
        note: "assumed: 100 Mbit/s upstream; 42 ms there and back is the middle of the client latencies of 37-48 ms in \
               Microsoft's migration best practices",
    },
];

/// The named cost, if there is one.
#[must_use]
pub fn cost(name: &str) -> Option<&'static CostPreset> {
    COSTS.iter().find(|preset| preset.name == name)
}

/// The named link, if there is one.
#[must_use]
pub fn link(name: &str) -> Option<&'static LinkPreset> {
    LINKS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observed_costs_add_up_to_the_observed_rate() {
        let item_mebibytes = 75_000.0 / f64::from(1 << 20);
        let time = |name: &str| {
            let cost = cost(name).expect("a preset");
            cost.per_item.as_seconds() + cost.per_mebibyte.as_seconds() * item_mebibytes
        };
        let item_at_rate = 75_000.0 / (0.66e9 / 3600.0);
        assert!((time("exchange-observed-source") / (0.79 * item_at_rate) - 1.0).abs() < 0.01);
        assert!((time("exchange-observed-target") / (0.19 * item_at_rate) - 1.0).abs() < 0.01);
    }

    #[test]
    fn every_preset_says_where_its_numbers_come_from() {
        for note in COSTS.iter().map(|cost| cost.note).chain(LINKS.iter().map(|link| link.note)) {
            assert!(["derived", "assumed", "by definition"].iter().any(|word| note.starts_with(word)), "{note}");
        }
    }
}
