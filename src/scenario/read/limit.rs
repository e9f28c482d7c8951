//! `limits` of a side: names of presets and tables, in the order in which they are asked.

use mock_server::throttle::limit::{Limit, Rule, Scope};
use mock_server::throttle::preset;
use mock_server::time::Span;
use mock_server::wire::call::Protocol;
use mock_server::wire::refusal::RefusalKind;

use super::entries::{Entries, no_such_preset, only, report_impossible};
use super::name::{Operations, Protocols, Refusal, SCOPES};
use crate::scenario::file::Node;
use crate::scenario::kind::{Count, CountPer, DataPer, Duration, Flag, Kind, Words};
use crate::scenario::plan::Origin;
use crate::scenario::section::{Otherwise, Section};
use crate::scenario::unit::{rate, time};

/// What a rule of a table is written with.
const RULES: &str = "say what is limited: `requests = \"10000/10 min\"`, `upload = \"150 MB/5 min\"`, \
                     `concurrency = 4`, or a budget with `burst`, `recharge_per_hour` and `cutoff`";

pub(crate) fn read(side: &Section<'_>, protocol: Protocol) -> Vec<Limit> {
    let entries = Entries { protocol, key: "limits", noun: "limit", example: "outlook" };
    let named = |name: &str, node: &Node| named(side, name, node);
    let table = |section: Section<'_>| table(section, protocol);
    let limits = entries.read(side, named, table, |limit| &limit.name, |limit| (&limit.operations, &limit.protocols));
    if limits.is_empty() {
        let note = "by definition: the server refuses nothing";
        side.book.record(side.path_of("limits"), "none".to_owned(), Origin::Default, note);
    }
    limits
}

/// The limits of a preset.
fn named(side: &Section<'_>, name: &str, node: &Node) -> Vec<Limit> {
    let Some(limits) = preset::named(name) else {
        no_such_preset(side, "limit", name, node, preset::NAMES.iter().map(|(name, ..)| *name));
        return Vec::new();
    };
    for limit in &limits {
        record(side, limit, Origin::Preset, note_of(limit));
    }
    limits
}

/// The source of a limit: that of the smallest preset that has it.
fn note_of(limit: &Limit) -> &'static str {
    preset::NAMES
        .iter()
        .filter_map(|(name, _, source)| Some((preset::named(name)?, source)))
        .filter(|(limits, _)| limits.contains(limit))
        .min_by_key(|(limits, _)| limits.len())
        .map_or("", |(_, source)| source)
}

/// A limit that is written out, or a preset of which something is changed.
fn table(section: Section<'_>, protocol: Protocol) -> Vec<Limit> {
    let limits = if let Some(node) = section.node("preset").cloned() {
        let Some(name) = section.read_quietly("preset", &Words) else { return Vec::new() };
        let mut limits = named(&section, &name, &node);
        let scope = section.maybe("scope", &SCOPES, "", "");
        let operations = section.maybe("operations", &Operations, "", "");
        let protocols = section.maybe("protocols", &Protocols, "", "");
        for limit in &mut limits {
            limit.scope = scope.unwrap_or(limit.scope);
            limit.operations = operations.clone().unwrap_or_else(|| limit.operations.clone());
            limit.protocols = protocols.clone().unwrap_or_else(|| limit.protocols.clone());
        }
        limits
    } else {
        written(&section, protocol).into_iter().collect()
    };
    for limit in &limits {
        report_impossible(&section, &limit.operations, &limit.protocols);
    }
    section.finish();
    limits
}

fn written(section: &Section<'_>, protocol: Protocol) -> Option<Limit> {
    let name = section.need("name", &Words, "give the limit a name for reports: name = \"...\"");
    let rules = ["requests", "upload", "concurrency", "burst"];
    let given: Vec<&str> = rules.into_iter().filter(|key| section.has(key)).collect();
    let rule = rule(section, given.first().copied());
    match given.as_slice() {
        [] => section.report("name", "no rule", "a limit without a rule", RULES),
        [_] => {}
        [_, second, ..] => section.report(second, "a second rule", "a limit with more than one rule", RULES),
    }
    let scope =
        section.or("scope", &SCOPES, Otherwise::default(Scope::AppMailbox, "assumed: as most published limits"));
    let operations = section.or("operations", &Operations, Otherwise::default(Vec::new(), "by definition: every call"));
    let protocols = section.or("protocols", &Protocols, Otherwise::default(Vec::new(), "by definition: every call"));
    let rule = rule?;
    let protocol = only(&protocols).unwrap_or(protocol);
    let default =
        Otherwise::default(refusal_of(&rule, protocol), "the refusal that goes with the protocol and the rule");
    let refusal = section.or("refusal", &Refusal, default);
    Some(Limit { name: name?, rule, scope, operations, protocols, refusal })
}

fn rule(section: &Section<'_>, given: Option<&str>) -> Option<Rule> {
    let long = Duration(Span(1));
    // Keys of the other rules are asked for as well, so that a misspelled one finds its neighbor.
    for key in
        ["requests", "refused_count", "upload", "concurrency", "retry_after", "burst", "recharge_per_hour", "cutoff"]
    {
        let _ = section.node(key);
    }
    match given? {
        "requests" => {
            let (count, per) = section.need("requests", &CountPer, RULES)?;
            let note = "Microsoft Graph throttling page: usage is recorded while throttled";
            let refused_count = section.or("refused_count", &Flag, Otherwise::default(true, note));
            Some(Rule::Requests { count, per, refused_count })
        }
        "upload" => {
            let (bytes, per) = section.need("upload", &DataPer, RULES)?;
            Some(Rule::UploadBytes { bytes, per })
        }
        "concurrency" => {
            let lanes = section.need("concurrency", &Count(1..=1_000_000), RULES)?;
            let default = Otherwise::default(Span::seconds(1), "assumed: no service documents it");
            let retry_after = section.or("retry_after", &Duration(Span::ZERO), default);
            Some(Rule::Concurrency { lanes, retry_after })
        }
        _ => {
            let help = "a budget has `burst`, `recharge_per_hour` and `cutoff`, all durations of service time";
            let burst = section.need("burst", &long, help);
            let recharge_per_hour = section.need("recharge_per_hour", &long, help);
            let cutoff = section.need("cutoff", &Duration(Span::ZERO), help);
            Some(Rule::Budget { burst: burst?, recharge_per_hour: recharge_per_hour?, cutoff: cutoff? })
        }
    }
}

fn refusal_of(rule: &Rule, protocol: Protocol) -> RefusalKind {
    match (protocol, rule) {
        (Protocol::Graph, Rule::Requests { .. }) => RefusalKind::RequestLimit,
        (Protocol::Graph, Rule::UploadBytes { .. }) => RefusalKind::UploadLimit,
        (Protocol::Graph, Rule::Concurrency { .. }) => RefusalKind::ConcurrencyLimit,
        (Protocol::Ews, Rule::Concurrency { .. }) => RefusalKind::ConnectionCount,
        (Protocol::Graph | Protocol::Ews, _) => RefusalKind::ServerBusy,
    }
}

fn record(side: &Section<'_>, limit: &Limit, origin: Origin, note: &str) {
    let rule = match limit.rule {
        Rule::Requests { count, per, refused_count: true } => {
            format!("{} requests, refused ones count", rate::print_count((count, per)))
        }
        Rule::Requests { count, per, refused_count: false } => format!("{} requests", rate::print_count((count, per))),
        Rule::UploadBytes { bytes, per } => format!("{} of uploads", rate::print_data((bytes, per))),
        Rule::Concurrency { lanes, retry_after } => {
            format!("{lanes} requests at once, refusals announce {}", time::print(retry_after))
        }
        Rule::Budget { burst, recharge_per_hour, cutoff } => format!(
            "burst {}, recharge {} an hour, cutoff {}",
            time::print(burst),
            time::print(recharge_per_hour),
            time::print(cutoff)
        ),
    };
    let value = format!(
        "{rule}, per {}, {} operations, {} protocols, {}",
        SCOPES.print(&limit.scope),
        Operations.print(&limit.operations),
        Protocols.print(&limit.protocols),
        limit.refusal
    );
    side.book.record(side.path_of(&format!("limits.{}", limit.name)), value, origin, note);
}
