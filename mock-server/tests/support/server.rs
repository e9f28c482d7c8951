//! A server without limits, faults or costs.

use mock_server::draw::Distribution;
use mock_server::service::config::{Conditions, Config, Cost, Costs, Holding, SwitchConfig};
use mock_server::time::Span;

/// A configuration without limits, faults or costs.
pub(crate) fn free(holding: Holding) -> Config {
    Config {
        seed: 3,
        holding,
        clock_at_start: Span::ZERO,
        limits: Vec::new(),
        limit_changes: Vec::new(),
        faults: Vec::new(),
        costs: Costs {
            default: Cost { call: Distribution::Constant(Span::ZERO), per_item: Span::ZERO, per_mebibyte: Span::ZERO },
            by_operation: Vec::new(),
            servers: None,
        },
        switch: SwitchConfig { places: 2, duration: Distribution::Constant(Span::seconds(540)), failure_rate: 0.0 },
        largest_item_bytes: 150 << 20,
        conditions: Conditions::default(),
    }
}
