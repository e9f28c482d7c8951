//! Policies as people look at them and change them, in the words of scenario files.

use serde::{Deserialize, Serialize};

use super::reply::Wrong;
use super::words::{self, span, unknown};
use crate::mailbox::content::Content;
use crate::service::core::Service;
use crate::throttle::policy::announce::{Announce, Form, Wait};
use crate::throttle::policy::sharing::{Sharer, Sharing};
use crate::throttle::policy::unit::Unit;
use crate::throttle::policy::{Concerns, Meter, Policy, preset};
use crate::time::{Moment, Span};
use crate::wire::refusal::RefusalKind;

/// Most allowances that one answer shows; those that are used up most come first.
const SHOWN: usize = 1_000;

/// How policies are written.
pub(super) const CHANGE: &str = "send a list: [{\"preset\": \"entra-large\"}, {\"name\": \"NAME\", \"meter\": \
                                 \"sliding\", \"unit\": \"requests\", \"most\": 100, \"per_seconds\": 60, \"scope\": \
                                 [\"app\"]}]; an empty list ends all";

/// A policy as it is written, and shown.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Entry {
    /// The name of a preset instead of everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    name: String,
    /// `sliding`, `fixed`, `bucket`, `lanes` or `budget`.
    meter: String,
    /// What windows and buckets count.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// The most of it; of lanes, the most at once; of buckets, what comes back in a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_seconds: Option<f64>,
    /// What a bucket holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recharge_seconds_per_hour: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cutoff_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_batch_seconds: Option<f64>,
    /// Who shares it.
    scope: Vec<String>,
    /// Which calls it concerns: of these operations, protocols and apps; all of them where a list is empty.
    operations: Vec<String>,
    protocols: Vec<String>,
    apps: Vec<u32>,
    refused_count: bool,
    /// What a refused client sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// `exact`, `constant`, `missing`, `too-short` or `growing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    announce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    announced_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_retry_after_seconds: Option<f64>,
    /// `seconds`, `decimals` or `date`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_form: Option<String>,
}

/// One policy and how far it is used up.
#[derive(Serialize)]
pub(super) struct Shown {
    #[serde(flatten)]
    policy: Entry,
    /// Who shares an allowance, and what is used of it; those that are used up most first.
    used: Vec<Used>,
    /// How many there are, shown or not.
    allowances: usize,
}

#[derive(Serialize)]
struct Used {
    /// Whose it is, in words; empty if everybody shares it.
    sharer: String,
    used: u64,
}

/// All policies at a moment.
pub(super) fn show<C: Content>(service: &mut Service<C>, now: Moment) -> Vec<Shown> {
    let mut usage = service.policy_usage(now);
    usage.sort_by_key(|usage| (usage.policy, std::cmp::Reverse(usage.used), usage.sharer));
    let policies = service.policies();
    let content = service.content();
    let of = |(position, policy): (usize, &Policy)| {
        let own = usage.iter().filter(|usage| usage.policy == position);
        let allowances = own.clone().count();
        let used = |usage: &crate::throttle::policy::stack::Used| Used {
            sharer: in_words(&usage.sharer, content),
            used: if policy.meter.unit().is_none() && !matches!(policy.meter, Meter::Lanes { .. }) {
                Span(usage.used).as_milliseconds_up()
            } else {
                usage.used
            },
        };
        Shown { policy: Entry::of(policy), used: own.take(SHOWN).map(used).collect(), allowances }
    };
    policies.iter().enumerate().map(of).collect()
}

fn in_words<C: Content>(sharer: &Sharer, content: &C) -> String {
    let mut words = Vec::new();
    if let Some(mailbox) = sharer.mailbox {
        words.push(format!("mailbox {}", content.address(mailbox)));
    }
    let numbers = [
        ("app", sharer.app.map(u64::from)),
        ("user", sharer.user),
        ("tenant", sharer.tenant.map(u64::from)),
        ("address", sharer.address),
        ("database", sharer.database.map(u64::from)),
        ("server", sharer.server.map(u64::from)),
    ];
    words.extend(numbers.iter().filter_map(|(name, number)| number.map(|number| format!("{name} {number}"))));
    words.join(", ")
}

/// The policies that are written.
pub(super) fn read(entries: &[Entry]) -> Result<Vec<Policy>, Wrong> {
    let mut policies: Vec<Policy> = Vec::new();
    for entry in entries {
        for policy in entry.policies()? {
            if policies.iter().any(|other| other.name == policy.name) {
                return Err(Wrong::request(format!("the policy `{}` is given twice", policy.name), CHANGE));
            }
            policies.push(policy);
        }
    }
    Ok(policies)
}

impl Entry {
    fn policies(&self) -> Result<Vec<Policy>, Wrong> {
        if let Some(name) = &self.preset {
            return words::preset(name, preset::named(name), preset::NAMES);
        }
        if self.name.is_empty() || self.name.len() > 100 {
            return Err(Wrong::request("the name is empty or longer than 100 bytes", CHANGE));
        }
        let sharing = Sharing::named(self.scope.iter().map(String::as_str))
            .map_err(|name| unknown("scope", name, &Sharing::NAMES))?;
        let kind = self.refusal.as_deref().unwrap_or(RefusalKind::RequestLimit.name());
        let refusal = words::named("refusal", kind)?;
        let mut policy = Policy::new(&self.name, self.meter()?, sharing, refusal);
        policy.refused_count = self.refused_count;
        let operations = self.operations.iter().map(|name| words::operation(name));
        let protocols = self.protocols.iter().map(|name| words::named("protocol", name));
        policy.concerns = Concerns {
            operations: operations.collect::<Result<_, _>>()?,
            protocols: protocols.collect::<Result<_, _>>()?,
            apps: self.apps.clone(),
        };
        policy.announce = Announce { wait: self.wait()?, form: self.form()? };
        Ok(vec![policy])
    }

    fn meter(&self) -> Result<Meter, Wrong> {
        let most = || self.most.ok_or_else(|| Wrong::request("most is missing", CHANGE));
        let counted = || -> Result<(Unit, u64, Span), Wrong> {
            let name = self.unit.as_deref().unwrap_or(Unit::Requests.name());
            let unit = words::named("unit", name)?;
            let per = span(self.per_seconds, "per_seconds")?.filter(|per| *per > Span::ZERO);
            Ok((unit, most()?, per.ok_or_else(|| Wrong::request("per_seconds is missing or zero", CHANGE))?))
        };
        let needed =
            |seconds, key: &str| span(seconds, key)?.ok_or_else(|| Wrong::request(format!("{key} is missing"), CHANGE));
        match self.meter.as_str() {
            "sliding" => counted().map(|(unit, most, per)| Meter::Sliding { unit, most, per }),
            "fixed" => counted().map(|(unit, most, per)| Meter::Fixed { unit, most, per }),
            "bucket" => counted().map(|(unit, refill, per)| {
                let burst = self.holds.unwrap_or(refill);
                Meter::Bucket { unit, burst, refill, per }
            }),
            "lanes" => Ok(Meter::Lanes { most: u32::try_from(most()?).unwrap_or(u32::MAX) }),
            "budget" => Ok(Meter::Budget {
                burst: needed(self.burst_seconds, "burst_seconds")?,
                recharge_per_hour: needed(self.recharge_seconds_per_hour, "recharge_seconds_per_hour")?,
                cutoff: needed(self.cutoff_seconds, "cutoff_seconds")?,
                longest_batch: span(self.longest_batch_seconds, "longest_batch_seconds")?,
            }),
            other => Err(unknown("meter", other, &["sliding", "fixed", "bucket", "lanes", "budget"])),
        }
    }

    fn wait(&self) -> Result<Wait, Wrong> {
        let retry_after = span(self.retry_after_seconds, "retry_after_seconds")?;
        let usual = if retry_after.is_some() { "constant" } else { "exact" };
        let first = retry_after.unwrap_or(Span::seconds(1));
        let finite = |number: Option<f64>, usual: f64| number.filter(|number| number.is_finite()).unwrap_or(usual);
        Ok(match self.announce.as_deref().unwrap_or(usual) {
            "exact" => Wait::Exact,
            "constant" => Wait::Constant(first),
            "missing" => Wait::Missing,
            "too-short" => Wait::Share(finite(self.announced_share, 0.5).clamp(0.0, 1.0)),
            "growing" => Wait::Growing {
                first,
                factor: finite(self.growth, 2.0).max(1.0),
                longest: span(self.longest_retry_after_seconds, "longest_retry_after_seconds")?
                    .unwrap_or(Span::seconds(300)),
            },
            other => {
                return Err(unknown("announcement", other, &["exact", "constant", "missing", "too-short", "growing"]));
            }
        })
    }

    fn form(&self) -> Result<Form, Wrong> {
        Ok(match self.retry_after_form.as_deref().unwrap_or("seconds") {
            "seconds" => Form::Seconds,
            "decimals" => Form::Decimals,
            "date" => Form::Date,
            other => return Err(unknown("form", other, &["seconds", "decimals", "date"])),
        })
    }

    /// How a policy is shown.
    fn of(policy: &Policy) -> Self {
        let seconds = |span: Span| Some(span.as_seconds());
        let mut entry = Self {
            name: policy.name.clone(),
            scope: policy.sharing.names().into_iter().map(str::to_owned).collect(),
            operations: policy.concerns.operations.iter().map(|operation| operation.name().to_owned()).collect(),
            protocols: policy.concerns.protocols.iter().map(|protocol| protocol.name().to_owned()).collect(),
            apps: policy.concerns.apps.clone(),
            refused_count: policy.refused_count,
            refusal: Some(policy.refusal.name().to_owned()),
            unit: policy.meter.unit().map(|unit| unit.name().to_owned()),
            ..Self::default()
        };
        let meter = match policy.meter {
            Meter::Sliding { most, per, .. } => {
                (entry.most, entry.per_seconds) = (Some(most), seconds(per));
                "sliding"
            }
            Meter::Fixed { most, per, .. } => {
                (entry.most, entry.per_seconds) = (Some(most), seconds(per));
                "fixed"
            }
            Meter::Bucket { burst, refill, per, .. } => {
                (entry.holds, entry.most, entry.per_seconds) = (Some(burst), Some(refill), seconds(per));
                "bucket"
            }
            Meter::Lanes { most } => {
                entry.most = Some(u64::from(most));
                "lanes"
            }
            Meter::Budget { burst, recharge_per_hour, cutoff, longest_batch } => {
                (entry.burst_seconds, entry.recharge_seconds_per_hour) = (seconds(burst), seconds(recharge_per_hour));
                (entry.cutoff_seconds, entry.longest_batch_seconds) =
                    (seconds(cutoff), longest_batch.and_then(seconds));
                "budget"
            }
        };
        meter.clone_into(&mut entry.meter);
        entry.announced(policy.announce);
        entry
    }

    fn announced(&mut self, announce: Announce) {
        let said = match announce.wait {
            Wait::Exact => "exact",
            Wait::Missing => "missing",
            Wait::Constant(wait) => {
                self.retry_after_seconds = Some(wait.as_seconds());
                "constant"
            }
            Wait::Share(share) => {
                self.announced_share = Some(share);
                "too-short"
            }
            Wait::Growing { first, factor, longest } => {
                (self.retry_after_seconds, self.growth) = (Some(first.as_seconds()), Some(factor));
                self.longest_retry_after_seconds = Some(longest.as_seconds());
                "growing"
            }
        };
        let form = match announce.form {
            Form::Seconds => "seconds",
            Form::Decimals => "decimals",
            Form::Date => "date",
        };
        (self.announce, self.retry_after_form) = (Some(said.to_owned()), Some(form.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_shown_as_it_can_be_written() {
        for (name, ..) in preset::NAMES {
            for policy in preset::named(name).expect("listed") {
                let entry = Entry::of(&policy);
                assert_eq!(read(&[entry]), Ok(vec![policy]), "{name}");
            }
        }
        let mut mine = Policy::new("mine", Meter::Lanes { most: 1 }, Sharing::APP, RefusalKind::ServerBusy);
        mine.concerns.apps = vec![7, 9];
        assert_eq!(read(&[Entry::of(&mine)]), Ok(vec![mine]));
    }

    fn check(text: &str, expected: &str) {
        let entries: Vec<Entry> = serde_json::from_str(text).expect("a list of policies");
        match read(&entries) {
            Ok(_) => panic!("{text} was taken"),
            Err(wrong) => assert!(wrong.error.contains(expected), "{wrong:?}"),
        }
    }

    #[test]
    fn what_is_wrong_with_a_policy_is_said() {
        check(r#"[{"preset":"no"}]"#, "no preset `no`");
        check(r#"[{"preset":"store"},{"preset":"store"}]"#, "given twice");
        check(r#"[{"name":"a","meter":"dance"}]"#, "no meter `dance`");
        check(r#"[{"name":"a","meter":"sliding","most":1}]"#, "per_seconds is missing");
        check(r#"[{"name":"a","meter":"lanes","most":1,"scope":["planet"]}]"#, "no scope `planet`");
        check(r#"[{"name":"a","meter":"lanes","most":1,"announce":"sing"}]"#, "no announcement `sing`");
    }
}
