//! Faults that are switched on and off while the server runs, in the words of scenario files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::reply::Wrong;
use super::tricks::{self, Spread, Tricks};
use super::words::{self, span};
use crate::fault::preset;
use crate::fault::rule::{Act, FaultRule, Match};
use crate::fault::trick::{Door, Words};
use crate::time::{Moment, Span};
use crate::wire::call::Operation;
use crate::wire::refusal::{ItemErrorKind, RefusalKind};

/// How a fault is written, and shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    /// The name by which it is removed again.
    pub(super) name: String,
    /// What it does: one of [`ACTS`] or of [`tricks::ACTS`].
    act: String,
    /// The operations that it concerns; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<String>,
    /// The first and the last mailbox that it concerns, by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mailboxes: Option<(u32, u32)>,
    /// Only every n-th call of a mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    /// The share of calls that are hit.
    #[serde(default = "always")]
    rate: f64,
    /// Only attempts below this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempts_below: Option<u32>,
    /// What a refused client sees, for `refuse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The HTTP status of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The wait that a refusal announces, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<f64>,
    /// How long tokens are good for, in seconds, for `short-token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    life_seconds: Option<f64>,
    /// After how many seconds the fault ends by itself; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// How much later an answer comes, for `delay`.
    #[serde(flatten)]
    delay: Spread,
    /// Further conditions and acts.
    #[serde(flatten)]
    tricks: Tricks,
    /// What nobody knows.
    #[serde(flatten, skip_serializing)]
    unknown: BTreeMap<String, Value>,
}

fn always() -> f64 {
    1.0
}

/// What a control request adds: the rules of a preset, or a fault of its own.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Wanted {
    /// A preset.
    Preset {
        /// Its name.
        preset: String,
        /// After how many seconds its faults end by themselves; never if absent.
        seconds: Option<f64>,
    },
    /// A fault.
    Fault(Box<Fault>),
}

impl Wanted {
    /// The rules that it adds, from `now` on.
    pub(super) fn rules(&self, now: Moment) -> Result<Vec<FaultRule>, Wrong> {
        let (name, seconds) = match self {
            Self::Fault(fault) => return Ok(vec![fault.rule(now)?]),
            Self::Preset { preset, seconds } => (preset, *seconds),
        };
        let mut rules = words::preset(name, preset::named(name), preset::NAMES)?;
        let until = span(seconds, "seconds")?.map_or(Moment::NEVER, |span| now + span);
        for rule in &mut rules {
            (rule.matches.from, rule.matches.until) = (now, until);
        }
        Ok(rules)
    }
}

/// What can be asked for: the acts and the presets.
pub(super) fn offered() -> Value {
    json!({
        "acts": ACTS.into_iter().chain(tricks::ACTS).collect::<Vec<_>>(),
        "kinds": RefusalKind::ALL.map(RefusalKind::name),
        "operations": Operation::ALL.map(Operation::name).to_vec(),
        "words": Words::NAMED.map(|(name, _)| name),
        "errors": ItemErrorKind::ALL.map(ItemErrorKind::name),
        "doors": Door::NAMED.map(|(name, _)| name),
        "presets": words::presets(preset::NAMES),
    })
}

/// The acts by name.
const ACTS: [&str; 9] = [
    "refuse",
    "delay",
    "reset",
    "truncate",
    "lose-answer",
    "corrupt-item",
    "expire-token",
    "revoke-token",
    "short-token",
];

impl Fault {
    /// The rule that this is, from `now` on.
    pub(super) fn rule(&self, now: Moment) -> Result<FaultRule, Wrong> {
        if self.name.is_empty() || self.name.len() > 100 {
            return Err(Wrong::request("the name is empty or longer than 100 bytes", "give the fault a short name"));
        }
        words::share(Some(self.rate), "rate")?;
        if self.nth == Some(0) {
            return Err(Wrong::request("nth is 0", "give a number from 1: every n-th call is hit"));
        }
        if let Some(key) = self.unknown.keys().next() {
            return Err(Wrong::request(format!("a fault has no `{key}`"), "look at GET /_tank/faults/acts"));
        }
        let until = span(self.seconds, "seconds")?.map_or(Moment::NEVER, |span| now + span);
        let matches = Match {
            operations: self.operations.iter().map(|name| words::operation(name)).collect::<Result<_, _>>()?,
            mailboxes: self.mailboxes,
            from: now,
            until,
            nth: self.nth,
            rate: self.rate,
            attempts_below: self.attempts_below,
            also: self.tricks.also()?,
        };
        Ok(FaultRule { name: self.name.clone(), matches, act: self.act()? })
    }

    fn act(&self) -> Result<Act, Wrong> {
        Ok(match self.act.as_str() {
            "refuse" => self.refusal()?,
            "delay" => {
                let help = "say how much later the answer comes: \"delay_seconds\": 0.2";
                let delay = self.delay.distribution()?;
                Act::Delay(delay.ok_or_else(|| Wrong::request("delay_seconds is missing", help))?)
            }
            "reset" => Act::Reset,
            "truncate" => Act::Truncate,
            "lose-answer" => Act::LoseAnswer,
            "corrupt-item" => Act::CorruptItem,
            "expire-token" => Act::ExpireToken,
            "revoke-token" => Act::RevokeToken,
            "short-token" => {
                let help = "say how long tokens are good for: \"life_seconds\": 30";
                let life = span(self.life_seconds, "life_seconds")?;
                Act::ShortenToken(life.ok_or_else(|| Wrong::request("life_seconds is missing", help))?)
            }
            other => {
                let wait = span(self.retry_after_seconds, "retry_after_seconds")?;
                let Some(act) = self.tricks.act(other, self.status, wait)? else {
                    return Err(words::unknown("act", other, &[&ACTS[..], &tricks::ACTS[..]].concat()));
                };
                act
            }
        })
    }

    fn refusal(&self) -> Result<Act, Wrong> {
        let name = self.kind.as_deref().unwrap_or(RefusalKind::Unavailable.name());
        let kind = words::named("kind", name, RefusalKind::ALL, RefusalKind::name)?;
        let status = self.status.unwrap_or_else(|| kind.usual_status());
        if !(400..=599).contains(&status) {
            return Err(Wrong::request(format!("status is {status}"), "give a status from 400 to 599"));
        }
        Ok(Act::Refuse { kind, status, retry_after: span(self.retry_after_seconds, "retry_after_seconds")? })
    }

    /// How a rule is shown at a moment.
    pub(super) fn of(rule: &FaultRule, now: Moment) -> Self {
        let Match { operations, mailboxes, until, nth, rate, attempts_below, also, .. } = &rule.matches;
        let mut fault = Self {
            name: rule.name.clone(),
            act: String::new(),
            operations: operations.iter().map(|operation| operation.name().to_owned()).collect(),
            mailboxes: *mailboxes,
            nth: *nth,
            rate: *rate,
            attempts_below: *attempts_below,
            kind: None,
            status: None,
            retry_after_seconds: None,
            delay: Spread::default(),
            tricks: Tricks::of(also),
            unknown: BTreeMap::new(),
            life_seconds: None,
            seconds: (*until < Moment::NEVER).then(|| until.since(now).as_seconds()),
        };
        let act = match rule.act {
            Act::Refuse { kind, status, retry_after } => {
                fault.kind = Some(kind.name().to_owned());
                fault.status = Some(status);
                fault.retry_after_seconds = retry_after.map(Span::as_seconds);
                ACTS[0]
            }
            Act::Delay(ref distribution) => {
                fault.delay = Spread::of(distribution);
                ACTS[1]
            }
            Act::Reset => ACTS[2],
            Act::Truncate => ACTS[3],
            Act::LoseAnswer => ACTS[4],
            Act::CorruptItem => ACTS[5],
            Act::ExpireToken => ACTS[6],
            Act::RevokeToken => ACTS[7],
            Act::ShortenToken(life) => {
                fault.life_seconds = Some(life.as_seconds());
                ACTS[8]
            }
            ref act => {
                let (name, status, wait) = fault.tricks.show(act);
                (fault.status, fault.retry_after_seconds) = (status, wait.map(Span::as_seconds));
                name
            }
        };
        act.clone_into(&mut fault.act);
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), &str>) {
        let fault: Fault = serde_json::from_str(text).expect("a fault");
        let now = Moment::START + Span::seconds(5);
        match (fault.rule(now), expected) {
            (Ok(rule), Ok(())) => assert_eq!(Fault::of(&rule, now).rule(now), Ok(rule), "{text}"),
            (Err(wrong), Err(part)) => assert!(wrong.error.contains(part), "{wrong:?}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn faults_are_shown_as_they_were_written() {
        check(r#"{"name":"a","act":"refuse","kind":"request_limit","retry_after_seconds":2.5,"nth":5}"#, Ok(()));
        check(r#"{"name":"b","act":"delay","delay_seconds":0.25,"rate":0.5,"seconds":60}"#, Ok(()));
        check(r#"{"name":"c","act":"reset","operations":["export_items"],"mailboxes":[0,3]}"#, Ok(()));
        for spread in ["exponential", "uniform", "log-normal"] {
            let text = format!(r#"{{"name":"d","act":"delay","delay_seconds":2,"delay_spread":"{spread}"}}"#);
            check(&text, Ok(()));
        }
        let words = r#""words":"mailbox-locked","retry_after_seconds":60,"late_seconds":20,"late_sigma":0.3"#;
        check(&format!(r#"{{"name":"e","act":"say",{words}}}"#), Ok(()));
        check(r#"{"name":"f","act":"say","status":418,"body":"no","content_type":"text/plain"}"#, Ok(()));
        check(r#"{"name":"g","act":"fail-item","error":"busy","retry_after_seconds":3,"rate":0.1}"#, Ok(()));
        check(r#"{"name":"h","act":"unreachable","door":"tls"}"#, Ok(()));
        check(r#"{"name":"i","act":"skew","skew_seconds":-420}"#, Ok(()));
        check(r#"{"name":"j","act":"drip","over_seconds":20}"#, Ok(()));
        let also = r#""protocols":["ews"],"apps":[1],"cohort":0.5,"whole_request":true"#;
        let bursts = r#""burst_seconds":60,"burst_share":0.1,"burst_by_mailbox":true"#;
        check(&format!(r#"{{"name":"k","act":"expired",{also},{bursts}}}"#), Ok(()));
        check(r#"{"name":"d","act":"revoke-token","nth":7}"#, Ok(()));
        check(r#"{"name":"e","act":"short-token","life_seconds":30}"#, Ok(()));
    }

    #[test]
    fn what_is_wrong_with_a_fault_is_said() {
        check(r#"{"name":"a","act":"explode"}"#, Err("no act `explode`"));
        check(r#"{"name":"a","act":"delay"}"#, Err("delay_seconds is missing"));
        check(r#"{"name":"a","act":"reset","sulk":1}"#, Err("no `sulk`"));
        check(r#"{"name":"a","act":"reset","cohort":2}"#, Err("cohort is 2"));
        check(r#"{"name":"a","act":"fail-item"}"#, Err("error is missing"));
        check(r#"{"name":"a","act":"say","words":"mumble"}"#, Err("no words `mumble`"));
        check(r#"{"name":"a","act":"short-token"}"#, Err("life_seconds is missing"));
        check(r#"{"name":"a","act":"reset","rate":2}"#, Err("rate is 2"));
        check(r#"{"name":"","act":"reset"}"#, Err("name is empty"));
        check(r#"{"name":"a","act":"reset","seconds":-1}"#, Err("seconds is -1"));
        check(r#"{"name":"a","act":"refuse","kind":"sulk"}"#, Err("no kind `sulk`"));
    }
}
