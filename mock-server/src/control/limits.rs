//! Limits as people look at them and change them.

use serde::{Deserialize, Serialize};

use super::reply::Wrong;
use crate::mailbox::content::Content;
use crate::service::core::Service;
use crate::throttle::limit::{Limit, Rule, Scope};
use crate::throttle::preset;
use crate::time::{Moment, Span};

/// Most allowances that one answer shows; those that are used up most come first.
const SHOWN: usize = 1_000;

/// One limit and how far it is used up.
#[derive(Serialize)]
pub(super) struct Shown {
    name: String,
    scope: &'static str,
    unit: &'static str,
    /// The most that may be used, in the unit.
    most: u64,
    /// The span that it refers to, or the time in which it comes back; none for concurrency.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_seconds: Option<f64>,
    /// Those that it concerns; all if empty.
    operations: Vec<&'static str>,
    /// Those in which calls count; all if empty.
    protocols: Vec<&'static str>,
    refusal: &'static str,
    /// Who shares an allowance, and what is used of it; those that are used up most first.
    used: Vec<Used>,
    /// How many there are, shown or not.
    allowances: usize,
}

#[derive(Serialize)]
struct Used {
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
    #[serde(rename = "used")]
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_for_seconds: Option<f64>,
}

/// All limits at a moment.
pub(super) fn show<C: Content>(service: &mut Service<C>, now: Moment) -> Vec<Shown> {
    let mut usage = service.limits().usage(now);
    usage.sort_by_key(|usage| (usage.limit, std::cmp::Reverse(usage.used)));
    let limits: Vec<Limit> = service.limits().limits().cloned().collect();
    let content = service.content();
    limits
        .iter()
        .enumerate()
        .map(|(position, limit)| {
            let own = usage.iter().filter(|usage| usage.limit == position);
            let allowances = own.clone().count();
            let used = own.take(SHOWN).map(|usage| Used {
                app: usage.app,
                mailbox: usage.mailbox.map(|mailbox| content.address(mailbox)),
                amount: in_unit(&limit.rule, usage.used),
                closed_for_seconds: usage.closed_for.map(Span::as_seconds),
            });
            Shown { used: used.collect(), allowances, ..describe(limit) }
        })
        .collect()
}

/// Milliseconds for budgets; the rest is counted as it is.
fn in_unit(rule: &Rule, used: u64) -> u64 {
    if matches!(rule, Rule::Budget { .. }) { Span(used).as_milliseconds_up() } else { used }
}

fn describe(limit: &Limit) -> Shown {
    let (unit, most, per) = match limit.rule {
        Rule::Requests { count, per, .. } => ("requests", count, Some(per)),
        Rule::UploadBytes { bytes, per } => ("bytes", bytes, Some(per)),
        Rule::Concurrency { lanes, .. } => ("requests at once", u64::from(lanes), None),
        Rule::Budget { burst, .. } => ("milliseconds of service time", burst.as_milliseconds_up(), None),
    };
    Shown {
        name: limit.name.clone(),
        scope: match limit.scope {
            Scope::AppMailbox => "app and mailbox",
            Scope::Mailbox => "mailbox",
            Scope::App => "app",
            Scope::Tenant => "tenant",
        },
        unit,
        most,
        per_seconds: per.map(Span::as_seconds),
        operations: limit.operations.iter().map(|operation| operation.name()).collect(),
        protocols: limit.protocols.iter().map(|protocol| protocol.name()).collect(),
        refusal: limit.refusal.name(),
        used: Vec::new(),
        allowances: 0,
    }
}

/// A change of the limits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The name of a preset that replaces all limits, or `none`.
    #[serde(default)]
    preset: Option<String>,
    /// The limit to change.
    #[serde(default)]
    name: Option<String>,
    /// The most that may be used, in the limit's own unit.
    #[serde(default)]
    most: Option<u64>,
    /// The span that it refers to.
    #[serde(default)]
    per_seconds: Option<u64>,
    /// What concurrency announces as the wait.
    #[serde(default)]
    retry_after_seconds: Option<u64>,
}

/// How a change is written.
pub(super) const CHANGE: &str =
    "send {\"preset\": \"NAME\"}, or {\"name\": \"LIMIT\", \"most\": N, \"per_seconds\": N}";

/// The limits after a change. What they remember is forgotten.
pub(super) fn change(limits: Vec<Limit>, change: &Change) -> Result<Vec<Limit>, Wrong> {
    if let Some(name) = &change.preset {
        return preset::chosen(name).map_err(|known| Wrong::request(format!("there is no preset `{name}`"), known));
    }
    let name = change.name.as_deref().ok_or_else(|| Wrong::request("nothing to change", CHANGE))?;
    let mut limits = limits;
    let names: Vec<_> = limits.iter().map(|limit| limit.name.clone()).collect();
    let missing = || Wrong::missing(format!("there is no limit `{name}`"), format!("there are {}", names.join(", ")));
    let limit = limits.iter_mut().find(|limit| limit.name == name).ok_or_else(missing)?;
    let span = |seconds: Option<u64>, old: Span| seconds.map_or(old, Span::seconds);
    limit.rule = match limit.rule {
        Rule::Requests { count, per, refused_count } => {
            Rule::Requests { count: change.most.unwrap_or(count), per: span(change.per_seconds, per), refused_count }
        }
        Rule::UploadBytes { bytes, per } => {
            Rule::UploadBytes { bytes: change.most.unwrap_or(bytes), per: span(change.per_seconds, per) }
        }
        Rule::Concurrency { lanes, retry_after } => Rule::Concurrency {
            lanes: change.most.map_or(lanes, |most| u32::try_from(most).unwrap_or(u32::MAX)),
            retry_after: span(change.retry_after_seconds, retry_after),
        },
        Rule::Budget { burst, recharge_per_hour, cutoff } => {
            Rule::Budget { burst: change.most.map_or(burst, Span::milliseconds), recharge_per_hour, cutoff }
        }
    };
    Ok(limits)
}
