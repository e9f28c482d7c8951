//! Limits as people look at them and change them.

use serde::{Deserialize, Serialize};

use super::reply::Wrong;
use super::words::span;
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
    /// The span that it refers to; of requests and bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_seconds: Option<f64>,
    /// The wait that a refusal announces; of requests at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<f64>,
    /// What comes back each hour, and how far the balance may fall below zero before calls are refused, in the unit; of
    /// service time.
    #[serde(skip_serializing_if = "Option::is_none")]
    recharge_per_hour: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cutoff: Option<u64>,
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
    let mut shown = Shown {
        name: limit.name.clone(),
        scope: match limit.scope {
            Scope::AppMailbox => "app and mailbox",
            Scope::Mailbox => "mailbox",
            Scope::App => "app",
            Scope::Tenant => "tenant",
        },
        unit: "",
        most: 0,
        per_seconds: None,
        retry_after_seconds: None,
        recharge_per_hour: None,
        cutoff: None,
        operations: limit.operations.iter().map(|operation| operation.name()).collect(),
        protocols: limit.protocols.iter().map(|protocol| protocol.name()).collect(),
        refusal: limit.refusal.name(),
        used: Vec::new(),
        allowances: 0,
    };
    (shown.unit, shown.most) = match limit.rule {
        Rule::Requests { count, per, .. } => {
            shown.per_seconds = Some(per.as_seconds());
            ("requests", count)
        }
        Rule::UploadBytes { bytes, per } => {
            shown.per_seconds = Some(per.as_seconds());
            ("bytes", bytes)
        }
        Rule::Concurrency { lanes, retry_after } => {
            shown.retry_after_seconds = Some(retry_after.as_seconds());
            ("requests at once", u64::from(lanes))
        }
        Rule::Budget { burst, recharge_per_hour, cutoff } => {
            shown.recharge_per_hour = Some(recharge_per_hour.as_milliseconds_up());
            shown.cutoff = Some(cutoff.as_milliseconds_up());
            ("milliseconds of service time", burst.as_milliseconds_up())
        }
    };
    shown
}

/// A change of the limits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The name of a preset that replaces all limits, or `none`.
    preset: Option<String>,
    /// The limit to change.
    name: Option<String>,
    #[serde(flatten)]
    numbers: Numbers,
}

/// The numbers of a limit that change, as [`Shown`] has them.
#[derive(Clone, Default, Deserialize)]
struct Numbers {
    most: Option<u64>,
    per_seconds: Option<f64>,
    retry_after_seconds: Option<f64>,
    recharge_per_hour: Option<u64>,
    cutoff: Option<u64>,
}

impl Numbers {
    /// The first that is given.
    fn first(&self) -> Option<&'static str> {
        [
            ("most", self.most.is_some()),
            ("per_seconds", self.per_seconds.is_some()),
            ("retry_after_seconds", self.retry_after_seconds.is_some()),
            ("recharge_per_hour", self.recharge_per_hour.is_some()),
            ("cutoff", self.cutoff.is_some()),
        ]
        .into_iter()
        .find_map(|(key, given)| given.then_some(key))
    }
}

/// How a change is written.
pub(super) const CHANGE: &str = "send {\"preset\": \"NAME\"}, or {\"name\": \"LIMIT\", \"most\": N} with the numbers that GET \
                                 /_tank/limits shows of it: per_seconds, retry_after_seconds, recharge_per_hour, cutoff";

/// The limits after a change. What they remember is forgotten.
pub(super) fn change(limits: Vec<Limit>, change: &Change) -> Result<Vec<Limit>, Wrong> {
    if let Some(name) = &change.preset {
        if let Some(key) = change.name.as_ref().map(|_| "name").or(change.numbers.first()) {
            let error = format!("`{key}` beside a preset, which replaces all limits");
            return Err(Wrong::request(error, "send one after the other"));
        }
        return preset::chosen(name).map_err(|known| Wrong::request(format!("there is no preset `{name}`"), known));
    }
    let (Some(name), Some(_)) = (&change.name, change.numbers.first()) else {
        return Err(Wrong::request("nothing to change", CHANGE));
    };
    let mut limits = limits;
    let names: Vec<_> = limits.iter().map(|limit| limit.name.clone()).collect();
    let missing = || Wrong::missing(format!("there is no limit `{name}`"), format!("there are {}", names.join(", ")));
    let limit = limits.iter_mut().find(|limit| limit.name == *name).ok_or_else(missing)?;
    let mut numbers = change.numbers.clone();
    limit.rule = changed(limit.rule, &mut numbers)?;
    match numbers.first() {
        Some(key) => Err(Wrong::request(format!("the limit `{name}` has no `{key}`"), CHANGE)),
        None => Ok(limits),
    }
}

/// A rule with other numbers. Takes those that it has.
fn changed(rule: Rule, numbers: &mut Numbers) -> Result<Rule, Wrong> {
    let most = numbers.most.take();
    let of_milliseconds = |new: Option<u64>, old: Span| new.map_or(old, Span::milliseconds);
    Ok(match rule {
        Rule::Requests { count, per, refused_count } => {
            Rule::Requests { count: most.unwrap_or(count), per: window(numbers, per)?, refused_count }
        }
        Rule::UploadBytes { bytes, per } => {
            Rule::UploadBytes { bytes: most.unwrap_or(bytes), per: window(numbers, per)? }
        }
        Rule::Concurrency { lanes, retry_after } => Rule::Concurrency {
            lanes: most.map_or(lanes, |most| u32::try_from(most).unwrap_or(u32::MAX)),
            retry_after: span(numbers.retry_after_seconds.take(), "retry_after_seconds")?.unwrap_or(retry_after),
        },
        Rule::Budget { burst, recharge_per_hour, cutoff } => Rule::Budget {
            burst: of_milliseconds(most, burst),
            recharge_per_hour: of_milliseconds(numbers.recharge_per_hour.take(), recharge_per_hour),
            cutoff: of_milliseconds(numbers.cutoff.take(), cutoff),
        },
    })
}

/// The span that a limit refers to: the new one, or else the old.
fn window(numbers: &mut Numbers, old: Span) -> Result<Span, Wrong> {
    let new = span(numbers.per_seconds.take(), "per_seconds")?.unwrap_or(old);
    if new == Span::ZERO {
        return Err(Wrong::request("per_seconds is 0", "give the span that `most` refers to"));
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::reply;

    /// Changes the limits of Graph and EWS, and shows the one that was changed.
    fn check(body: &str, expected: Result<(&str, &str), &str>) {
        let limits = preset::chosen("exchange-online").expect("a preset");
        let changed = reply::object(body.as_bytes(), CHANGE).and_then(|asked: Change| {
            let name = asked.name.clone();
            change(limits, &asked).map(|limits| (name, limits))
        });
        match (changed, expected) {
            (Ok((name, limits)), Ok((key, value))) => {
                let limit = limits.iter().find(|limit| Some(&limit.name) == name.as_ref()).expect("it is there");
                let shown = serde_json::to_value(describe(limit)).expect("JSON");
                assert_eq!(shown[key].to_string(), value, "{body}: {shown}");
            }
            (Err(wrong), Err(part)) => assert!(wrong.error.contains(part), "{body}: {wrong:?}"),
            (changed, _) => panic!("{body}: {:?}", changed.map(|(name, _)| name)),
        }
    }

    #[test]
    fn what_is_shown_of_a_limit_can_be_changed() {
        check(r#"{"name":"outlook-requests","most":3}"#, Ok(("most", "3")));
        check(r#"{"name":"outlook-requests","per_seconds":600.0}"#, Ok(("per_seconds", "600.0")));
        check(r#"{"name":"outlook-concurrency","retry_after_seconds":2.5}"#, Ok(("retry_after_seconds", "2.5")));
        check(r#"{"name":"ews-budget","cutoff":1000,"most":1}"#, Ok(("cutoff", "1000")));
        check(r#"{"name":"ews-budget","recharge_per_hour":60000}"#, Ok(("recharge_per_hour", "60000")));
    }

    #[test]
    fn nothing_that_is_said_of_a_limit_is_left_out_without_a_word() {
        check(r#"{"preset":"graph","name":"outlook-requests","most":3}"#, Err("`name` beside a preset"));
        check(r#"{"preset":"graph","most":3}"#, Err("`most` beside a preset"));
        check(r#"{"name":"outlook-requests","most":1,"retry_after_seconds":7}"#, Err("has no `retry_after_seconds`"));
        check(r#"{"name":"outlook-concurrency","per_seconds":5}"#, Err("has no `per_seconds`"));
        check(r#"{"name":"outlook-requests","per_seconds":0}"#, Err("per_seconds is 0"));
        check(r#"{"name":"outlook-requests","per_seconds":-1}"#, Err("per_seconds is -1"));
        check(r#"{"name":"outlook-requests"}"#, Err("nothing to change"));
        check("{}", Err("nothing to change"));
        check(r#"["graph"]"#, Err("expected a map"));
        check(r#"{"name":"outlook-requests","mots":1}"#, Err("unknown field `mots`"));
        check(r#"{"name":"requests","most":1}"#, Err("there is no limit `requests`"));
    }
}
