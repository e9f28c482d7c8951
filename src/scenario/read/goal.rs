//! `[[goals]]`: what clients shall keep to.

use mock_server::journal::judge::goal::{Bound, Goal};
use mock_server::journal::judge::measure::{MEASURES, Measure, Unit};
use mock_server::time::Span;

use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Choice, Count, Data, Duration, Factor, Kind, Share, Words, Wrong, suggestion};
use crate::scenario::section::Section;

const SERVERS: Choice<&str> = Choice(&[("source", "source"), ("target", "target")]);

/// The largest count: numbers above it have no neighbors among the numbers that measures are compared as.
const MOST: u64 = 1 << 53;

/// Reads what clients shall keep to; nothing if nothing is said.
pub(crate) fn read(root: &Section<'_>) -> Vec<Goal> {
    root.sections("goals").into_iter().filter_map(goal).collect()
}

fn goal(section: Section<'_>) -> Option<Goal> {
    let name = section.maybe("name", &Words, "", "").unwrap_or_default();
    let client = section.maybe("client", &Words, "", "");
    let server = section.maybe("server", &SERVERS, "", "").map(str::to_owned);
    let help = "say what is measured: measure = \"calls_too_early\"";
    let measure = section.need("measure", &Measures, help);
    let bound = bound(&section, measure);
    section.finish();
    Some(Goal { name, client, server, measure: measure?, bound: bound? })
}

fn bound(section: &Section<'_>, measure: Option<&'static Measure>) -> Option<Bound> {
    let number = |key| match measure {
        Some(measure) => section.maybe(key, &Amount(measure.unit), "", ""),
        // Nobody knows what it is of.
        None => section.node(key).and(None),
    };
    let (most, least) = (number("at_most"), number("at_least"));
    let example = measure.map_or("0", |measure| example(measure.unit));
    match (section.has("at_most"), section.has("at_least")) {
        (true, true) => {
            let help = "write two goals, one with `at_most` and one with `at_least`";
            section.report("at_least", "the second", "a goal with two bounds", help);
            None
        }
        (false, false) => {
            let help = format!("say how far it may go: at_most = {example}, or at_least = {example}");
            section.report("measure", "how far?", "a goal without a bound", help);
            None
        }
        (true, false) => most.map(Bound::AtMost),
        (false, true) => least.map(Bound::AtLeast),
    }
}

const fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "0",
        Unit::Share => "\"5%\"",
        Unit::Index => "0.95",
        Unit::Ratio => "1.5",
        Unit::Seconds => "\"30 s\"",
        Unit::Bytes => "\"1 MB\"",
    }
}

/// The name of a measure.
struct Measures;

impl Kind for Measures {
    type Value = &'static Measure;

    fn read(&self, node: &Node) -> Result<&'static Measure, Wrong> {
        let names: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
        let Value::Text(name) = &node.value else {
            return Err(Wrong::expected("the name of a measure", node, suggestion("", &names)));
        };
        let unknown = || Wrong::new(format!("there is no measure `{name}`"), suggestion(name, &names));
        Measure::named(name).ok_or_else(unknown)
    }

    fn print(&self, value: &&'static Measure) -> String {
        format!("{} ({})", value.name, value.what)
    }
}

/// A number of what a measure is in.
struct Amount(Unit);

impl Kind for Amount {
    type Value = f64;

    fn read(&self, node: &Node) -> Result<f64, Wrong> {
        match self.0 {
            Unit::Count => Count(0..=MOST).read(node).map(|count| count as f64),
            Unit::Share | Unit::Index => Share.read(node),
            Unit::Ratio => Factor.read(node),
            Unit::Seconds => Duration(Span::ZERO).read(node).map(Span::as_seconds),
            Unit::Bytes => Data(0..=u64::MAX).read(node).map(|bytes| bytes as f64),
        }
    }

    fn print(&self, value: &f64) -> String {
        self.0.print(*value)
    }
}
