//! `[network.source]` and `[network.target]`: the paths between the pipeline and the servers.

use crate::scenario::kind::{Flow, Spread, Words, suggestion};
use crate::scenario::plan::{LinkPlan, NetworkPlan};
use crate::scenario::preset::{self, LINKS};
use crate::scenario::section::{Otherwise, Section};

pub(crate) fn read(section: Section<'_>) -> NetworkPlan {
    let source = link(section.section("source"), "data-center");
    let target = link(section.section("target"), "dedicated-10g");
    section.finish();
    NetworkPlan { source, target }
}

fn link(section: Section<'_>, default_preset: &str) -> LinkPlan {
    let fallback = preset::link(default_preset).expect("the default names a preset");
    let name = section.or("preset", &Words, Otherwise::default(fallback.name.to_owned(), fallback.note));
    let preset = preset::link(&name).unwrap_or_else(|| {
        let help = suggestion(&name, &LINKS.map(|preset| preset.name));
        section.report("preset", "no such link", format!("there is no link preset `{name}`"), help);
        fallback
    });
    let bytes_per_second = match preset.bytes_per_second {
        Some(flow) => Some(section.or("bandwidth", &Flow, Otherwise::preset(flow, preset.note))),
        None => section.maybe("bandwidth", &Flow, "unlimited", preset.note),
    };
    let latency = section.or("latency", &Spread, Otherwise::preset(preset.latency, preset.note));
    section.finish();
    LinkPlan { bytes_per_second, latency }
}
