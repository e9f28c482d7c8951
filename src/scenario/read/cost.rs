//! `[source.costs]` and `[target.costs]`: the time that calls take the server.

use mock_server::service::config::{Cost, Costs};
use mock_server::time::Span;
use mock_server::wire::operation::Operation;

use crate::scenario::file::Value;
use crate::scenario::kind::{Count, Duration, Kind, Spread, Words, Wrong, suggestion};
use crate::scenario::plan::Origin;
use crate::scenario::preset::{self, COSTS, CostPreset};
use crate::scenario::section::{Otherwise, Section};

/// Reads the costs of a side. `costs` may be the name of a preset or a table that may name one.
pub(crate) fn read(side: &Section<'_>, default_preset: &str) -> Costs {
    let servers =
        side.maybe("servers", &Count(1..=1_000_000), "unlimited", "assumed: the server's capacity does not bind");
    let fallback = preset::cost(default_preset).expect("the default names a preset");
    if let Some(Value::Text(_)) = side.node("costs").map(|node| &node.value) {
        let name = side.read_quietly("costs", &Words).unwrap_or_default();
        let found = named(side, "costs", &name).unwrap_or(fallback);
        let (origin, note) = side.provenance("costs");
        side.book.record(side.path_of("costs"), found.name.to_owned(), origin, note);
        record(side, found);
        return Costs { default: cost_of(found), by_operation: Vec::new(), servers };
    }
    let section = side.section("costs");
    let name = section.or("preset", &Words, Otherwise::default(fallback.name.to_owned(), fallback.note));
    let found = named(&section, "preset", &name).unwrap_or(fallback);
    let default = cost(&section, &cost_of(found), found.note);
    let by_operation = section
        .named_sections()
        .into_iter()
        .filter_map(|(name, place, inner)| {
            let note = format!("as for the other calls of this server; {}", found.note);
            let cost = cost(&inner, &default, &note);
            inner.finish();
            let operation = name.parse().ok();
            if operation.is_none() {
                let help = suggestion(&name, &Operation::ALL.map(Operation::name));
                section.book.report(
                    &place,
                    "no such operation",
                    Wrong::new(format!("there is no operation `{name}`"), help),
                );
            }
            Some((operation?, cost))
        })
        .collect();
    section.finish();
    Costs { default, by_operation, servers }
}

fn named(section: &Section<'_>, key: &str, name: &str) -> Option<&'static CostPreset> {
    let found = preset::cost(name);
    if found.is_none() {
        let help = suggestion(name, &COSTS.map(|preset| preset.name));
        section.report(key, "no such costs", format!("there is no cost preset `{name}`"), help);
    }
    found
}

fn cost_of(preset: &CostPreset) -> Cost {
    Cost { call: preset.call, per_item: preset.per_item, per_mebibyte: preset.per_mebibyte }
}

/// Writes down what a preset that is only named stands for.
fn record(side: &Section<'_>, preset: &CostPreset) {
    let row = |key: &str, value: String| {
        side.book.record(side.path_of(&format!("costs.{key}")), value, Origin::Preset, preset.note);
    };
    row("call", Spread.print(&preset.call));
    row("per_item", Duration(Span::ZERO).print(&preset.per_item));
    row("per_mebibyte", Duration(Span::ZERO).print(&preset.per_mebibyte));
}

fn cost(section: &Section<'_>, from: &Cost, note: &str) -> Cost {
    let duration = Duration(Span::ZERO);
    Cost {
        call: section.or("call", &Spread, Otherwise::preset(from.call, note)),
        per_item: section.or("per_item", &duration, Otherwise::preset(from.per_item, note)),
        per_mebibyte: section.or("per_mebibyte", &duration, Otherwise::preset(from.per_mebibyte, note)),
    }
}
