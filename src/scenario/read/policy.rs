//! `policies` and `topology` of a side: limits in their general form, and where mailboxes are.

use mock_server::service::config::Conditions;
use mock_server::throttle::policy::announce::{Announce, Form, Wait};
use mock_server::throttle::policy::sharing::Sharing;
use mock_server::throttle::policy::topology::Topology;
use mock_server::throttle::policy::unit::Unit;
use mock_server::throttle::policy::{Concerns, Meter, Policy, preset};
use mock_server::time::Span;
use mock_server::wire::call::Protocol;
use mock_server::wire::refusal::RefusalKind;

use super::entries::{Entries, no_such_preset, only, report_impossible};
use super::health;
use super::name::{Numbers, Operations, Protocols, Refusal, Sharings};
use crate::scenario::file::Node;
use crate::scenario::kind::{Choice, Count, CountPer, DataPer, Duration, Factor, Flag, Kind, Share, Words};
use crate::scenario::plan::Origin;
use crate::scenario::section::{Otherwise, Section};
use crate::scenario::unit::{rate, time};

/// What a policy of a table is written with.
const METERS: &str = "say what is limited: `requests`, `writes`, `items` or `resource_units` as \"1000/1 min\", `upload` \
                      as \"150 MB/5 min\", `concurrency` as a count, or a budget with `burst`, `recharge_per_hour` and \
                      `cutoff`";

/// How windows and buckets count.
const WAYS: Choice<Way> = Choice(&[("sliding", Way::Sliding), ("fixed", Way::Fixed), ("bucket", Way::Bucket)]);

/// What is said about waiting.
const SAID: Choice<Said> = Choice(&[
    ("exact", Said::Exact),
    ("constant", Said::Constant),
    ("missing", Said::Missing),
    ("too-short", Said::TooShort),
    ("growing", Said::Growing),
]);

/// How it is written.
const FORMS: Choice<Form> = Choice(&[("seconds", Form::Seconds), ("decimals", Form::Decimals), ("date", Form::Date)]);

/// Keys with counts in a span, and what they count.
const COUNTED: [(&str, Unit); 4] = [
    ("requests", Unit::Requests),
    ("writes", Unit::Writes),
    ("items", Unit::Items),
    ("resource_units", Unit::ResourceUnits),
];

#[derive(Copy, Clone, PartialEq)]
enum Way {
    Sliding,
    Fixed,
    Bucket,
}

#[derive(Copy, Clone, PartialEq)]
enum Said {
    Exact,
    Constant,
    Missing,
    TooShort,
    Growing,
}

/// What a side has beyond limits, faults and costs.
pub(crate) fn conditions(side: &Section<'_>, protocol: Protocol) -> Conditions {
    Conditions {
        policies: policies(side, protocol),
        policy_changes: Vec::new(),
        topology: topology(side.section("topology")),
        health: health::read(side.section("health")),
    }
}

fn topology(section: Section<'_>) -> Topology {
    let usual = Topology::default();
    let many = Count(1..=1_000_000);
    let topology = Topology {
        mailboxes_per_tenant: section.maybe("mailboxes_per_tenant", &Count(1..=u32::MAX), "", ""),
        databases: section.maybe("databases", &many, "", "").unwrap_or(usual.databases),
        servers: section.maybe("servers", &many, "", "").unwrap_or(usual.servers),
    };
    section.finish();
    topology
}

fn policies(side: &Section<'_>, protocol: Protocol) -> Vec<Policy> {
    let entries = Entries { protocol, key: "policies", noun: "policy", example: "entra-large" };
    let named = |name: &str, node: &Node| named(side, name, node);
    let table = |section: Section<'_>| table(section, protocol);
    entries.read(
        side,
        named,
        table,
        |policy| &policy.name,
        |Policy { concerns, .. }| (&concerns.operations, &concerns.protocols),
    )
}

/// The policies of a preset.
fn named(side: &Section<'_>, name: &str, node: &Node) -> Vec<Policy> {
    let Some(policies) = preset::named(name) else {
        no_such_preset(side, "policy", name, node, preset::NAMES.iter().map(|(name, ..)| *name));
        return Vec::new();
    };
    for policy in &policies {
        let key = side.path_of(&format!("policies.{}", policy.name));
        side.book.record(key, print(policy), Origin::Preset, preset::source_of(policy));
    }
    policies
}

/// A policy that is written out, or a preset of which something is changed.
fn table(section: Section<'_>, protocol: Protocol) -> Vec<Policy> {
    let protocols = section.maybe("protocols", &Protocols, "", "");
    let protocol = protocols.as_deref().and_then(only).unwrap_or(protocol);
    let mut policies = if let Some(node) = section.node("preset").cloned() {
        let Some(name) = section.read_quietly("preset", &Words) else { return Vec::new() };
        named(&section, &name, &node)
    } else {
        written(&section, protocol).into_iter().collect()
    };
    let scope = section.maybe("scope", &Sharings, "", "").and_then(|names| Sharing::named(names).ok());
    let refused_count = section.maybe("refused_count", &Flag, "", "");
    let refusal = section.maybe("refusal", &Refusal, "", "");
    let operations = section.maybe("operations", &Operations, "", "");
    let apps = section.maybe("apps", &Numbers, "", "");
    let announce = announce(&section);
    for policy in &mut policies {
        let Concerns { operations: usual_operations, protocols: usual_protocols, apps: usual_apps } = &policy.concerns;
        policy.concerns = Concerns {
            operations: operations.clone().unwrap_or_else(|| usual_operations.clone()),
            protocols: protocols.clone().unwrap_or_else(|| usual_protocols.clone()),
            apps: apps.clone().unwrap_or_else(|| usual_apps.clone()),
        };
        policy.sharing = scope.unwrap_or(policy.sharing);
        policy.refused_count = refused_count.unwrap_or(policy.refused_count);
        policy.refusal = refusal.unwrap_or(policy.refusal);
        if let Some(wait) = announce.0 {
            policy.announce.wait = wait;
        }
        policy.announce.form = announce.1.unwrap_or(policy.announce.form);
        report_impossible(&section, &policy.concerns.operations, &policy.concerns.protocols);
    }
    section.finish();
    policies
}

/// A policy that is written out, with what goes with its meter unless the table says otherwise.
fn written(section: &Section<'_>, protocol: Protocol) -> Option<Policy> {
    let name = section.need("name", &Words, "give the policy a name for reports: name = \"...\"");
    let rules: Vec<&str> = COUNTED.iter().map(|(key, _)| *key).chain(["upload", "concurrency", "burst"]).collect();
    let given: Vec<&str> = rules.into_iter().filter(|key| section.has(key)).collect();
    match given.as_slice() {
        [] => section.report("name", "no rule", "a policy without a rule", METERS),
        [_] => {}
        [_, second, ..] => section.report(second, "a second rule", "a policy with more than one rule", METERS),
    }
    let meter = meter(section, given.first().copied());
    let (meter, name) = (meter?, name?);
    let mut policy = Policy::new(&name, meter, Sharing::APP_MAILBOX, refusal_of(&meter, protocol));
    // Usage is recorded while throttled (Microsoft Graph throttling page) where requests are counted; what a refused
    // request carried was not taken.
    policy.refused_count = !matches!(meter.unit(), Some(Unit::Bytes | Unit::Items));
    if matches!(meter, Meter::Lanes { .. }) {
        policy.announce = Announce::of(Wait::Constant(Span::seconds(1)));
    }
    Some(policy)
}

fn meter(section: &Section<'_>, given: Option<&str>) -> Option<Meter> {
    for key in COUNTED.map(|(key, _)| key).into_iter().chain([
        "upload",
        "concurrency",
        "burst",
        "recharge_per_hour",
        "cutoff",
        "longest_batch",
        "meter",
        "holds",
    ]) {
        // Asked for whatever the rule, so that a misspelled key finds its neighbor.
        let _ = section.node(key);
    }
    let given = given?;
    match given {
        "concurrency" => {
            let most = section.need("concurrency", &Count(1..=1_000_000), METERS)?;
            Some(Meter::Lanes { most })
        }
        "burst" => {
            let (long, help) = (Duration(Span(1)), "a budget has `burst`, `recharge_per_hour` and `cutoff`");
            let burst = section.need("burst", &long, help);
            let recharge_per_hour = section.need("recharge_per_hour", &long, help);
            let cutoff = section.need("cutoff", &Duration(Span::ZERO), help);
            let longest_batch = section.maybe("longest_batch", &long, "", "");
            Some(Meter::Budget { burst: burst?, recharge_per_hour: recharge_per_hour?, cutoff: cutoff?, longest_batch })
        }
        _ => {
            let unit = COUNTED.iter().find(|(key, _)| *key == given).map_or(Unit::Bytes, |(_, unit)| *unit);
            let (most, per) = match unit {
                Unit::Bytes => section.need("upload", &DataPer, METERS)?,
                _ => section.need(given, &CountPer, METERS)?,
            };
            let note = "assumed: as the limits of Outlook";
            let way = section.or("meter", &WAYS, Otherwise::default(Way::Sliding, note));
            Some(match way {
                Way::Sliding => Meter::Sliding { unit, most, per },
                Way::Fixed => Meter::Fixed { unit, most, per },
                Way::Bucket => {
                    let burst = section.maybe("holds", &Count(1..=u64::MAX >> 1), "", "").unwrap_or(most);
                    Meter::Bucket { unit, burst, refill: most, per }
                }
            })
        }
    }
}

/// What a table says about waiting.
fn announce(section: &Section<'_>) -> (Option<Wait>, Option<Form>) {
    let any = Duration(Span::ZERO);
    let retry_after = section.maybe("retry_after", &any, "", "");
    let said = section.maybe("announce", &SAID, "", "");
    let share = section.maybe("announced_share", &Share, "", "");
    let factor = section.maybe("growth", &Factor, "", "");
    let longest = section.maybe("longest_retry_after", &any, "", "");
    let form = section.maybe("retry_after_form", &FORMS, "", "");
    let said = said.or_else(|| retry_after.map(|_| Said::Constant));
    let wait = said.map(|said| match said {
        Said::Exact => Wait::Exact,
        Said::Missing => Wait::Missing,
        Said::Constant => Wait::Constant(retry_after.unwrap_or(Span::seconds(1))),
        Said::TooShort => Wait::Share(share.unwrap_or(0.5)),
        Said::Growing => Wait::Growing {
            first: retry_after.unwrap_or(Span::seconds(1)),
            factor: factor.unwrap_or(2.0).max(1.0),
            longest: longest.unwrap_or(Span::seconds(300)),
        },
    });
    (wait, form)
}

fn refusal_of(meter: &Meter, protocol: Protocol) -> RefusalKind {
    match (protocol, meter) {
        (Protocol::Graph, Meter::Lanes { .. }) => RefusalKind::ConcurrencyLimit,
        (Protocol::Ews, Meter::Lanes { .. }) => RefusalKind::ConnectionCount,
        (Protocol::Graph, Meter::Budget { .. }) | (Protocol::Ews, _) => RefusalKind::ServerBusy,
        (Protocol::Graph, _) => match meter.unit() {
            Some(Unit::Bytes) => RefusalKind::UploadLimit,
            Some(Unit::ResourceUnits | Unit::Writes) => RefusalKind::AppLimit,
            _ => RefusalKind::RequestLimit,
        },
    }
}

/// A policy in a line.
fn print(policy: &Policy) -> String {
    let amount = |unit: Unit, most, per| match unit {
        Unit::Bytes => format!("{} of uploads", rate::print_data((most, per))),
        _ => format!("{} {}", rate::print_count((most, per)), unit.name()),
    };
    let rule = match policy.meter {
        Meter::Sliding { unit, most, per } => amount(unit, most, per),
        Meter::Fixed { unit, most, per } => format!("{} in fixed frames", amount(unit, most, per)),
        Meter::Bucket { unit, burst, refill, per } => {
            format!("bucket of {burst}, refilled by {}", amount(unit, refill, per))
        }
        Meter::Lanes { most } => format!("{most} requests at once"),
        Meter::Budget { burst, recharge_per_hour, cutoff, longest_batch } => format!(
            "burst {}, recharge {} an hour, cutoff {}{}",
            time::print(burst),
            time::print(recharge_per_hour),
            time::print(cutoff),
            longest_batch.map_or(String::new(), |longest| format!(", batches of at most {}", time::print(longest)))
        ),
    };
    let counts = if policy.refused_count && policy.meter.unit().is_some() { ", refused ones count" } else { "" };
    let sharers = Sharings.print(&policy.sharing.names());
    let Concerns { operations, protocols, .. } = &policy.concerns;
    let concerned = (Operations.print(operations), Protocols.print(protocols));
    format!("{rule}{counts}, per {sharers}, {} operations, {} protocols, {}", concerned.0, concerned.1, policy.refusal)
}
