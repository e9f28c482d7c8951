//! Faults that are switched on and off while the server runs, in the words of scenario files.

use serde::{Deserialize, Serialize};

use super::acts;
use super::reply::{self, Wrong};
use super::tricks::{Spread, Tricks};
use super::words::{self, span};
use crate::fault::preset;
use crate::fault::rule::{Act, FaultRule, Match};
use crate::time::{Moment, Span};
use crate::wire::id::MailboxKey;
use crate::wire::refusal::RefusalKind;

/// How a fault is written, and shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    /// The name by which it is removed again.
    pub(super) name: String,
    /// What it does: one of [`acts::ACTS`].
    act: String,
    /// The operations that it concerns; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<String>,
    /// The only mailbox that it concerns, by address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mailbox: Option<String>,
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
}

fn always() -> f64 {
    1.0
}

/// How faults are switched on.
const HELP: &str = "send {\"act\": \"refuse\", \"kind\": \"request_limit\", \"nth\": 5, \"seconds\": 60}, or {\"preset\": \
                    \"NAME\", \"seconds\": 60}; GET /_tank/faults/acts tells all that can be said";

/// A preset of faults, as it is asked for.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preset {
    /// Its name.
    preset: String,
    /// After how many seconds its faults end by themselves; never if absent.
    seconds: Option<f64>,
}

/// What a control request adds: the rules of a preset, or a fault of its own.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Wanted {
    /// A preset.
    Preset(Preset),
    /// A fault.
    Fault(Box<Fault>),
}

impl Wanted {
    /// Reads a control request. What has no meaning for its act is refused.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let mut fields = reply::fields(body, HELP)?;
        if fields.contains_key("preset") {
            return reply::of_fields(fields, HELP).map(Self::Preset);
        }
        let Some(act) = fields.get("act").cloned() else { return Err(Wrong::request("act is missing", HELP)) };
        if let Some(act) = act.as_str().filter(|act| acts::is_known(act))
            && let Some(key) = fields.keys().find(|key| !acts::takes(act, key))
        {
            return Err(Wrong::request(format!("the act `{act}` has no `{key}`"), "look at GET /_tank/faults/acts"));
        }
        fields.entry("name").or_insert(act);
        reply::of_fields(fields, HELP).map(|fault| Self::Fault(Box::new(fault)))
    }

    /// The rules that it adds, from `now` on, where mailboxes are found by their addresses.
    pub(super) fn rules(
        &self,
        now: Moment,
        find: impl Fn(&str) -> Option<MailboxKey>,
    ) -> Result<Vec<FaultRule>, Wrong> {
        let (name, seconds) = match self {
            Self::Fault(fault) => return Ok(vec![fault.rule(now, find)?]),
            Self::Preset(Preset { preset, seconds }) => (preset, *seconds),
        };
        let mut rules = words::preset(name, preset::named(name), preset::NAMES)?;
        let until = span(seconds, "seconds")?.map_or(Moment::NEVER, |span| now + span);
        for rule in &mut rules {
            (rule.matches.from, rule.matches.until) = (now, until);
        }
        Ok(rules)
    }
}

impl Fault {
    /// The rule that this is, from `now` on.
    fn rule(&self, now: Moment, find: impl Fn(&str) -> Option<MailboxKey>) -> Result<FaultRule, Wrong> {
        if self.name.is_empty() || self.name.len() > 100 {
            return Err(Wrong::request("the name is empty or longer than 100 bytes", "give the fault a short name"));
        }
        words::share(Some(self.rate), "rate")?;
        if self.nth == Some(0) {
            return Err(Wrong::request("nth is 0", "give a number from 1: every n-th call is hit"));
        }
        if self.attempts_below == Some(0) {
            return Err(Wrong::request("attempts_below is 0", "give a number from 1: only the first attempts are hit"));
        }
        let until = span(self.seconds, "seconds")?.map_or(Moment::NEVER, |span| now + span);
        let matches = Match {
            operations: self.operations.iter().map(|name| words::operation(name)).collect::<Result<_, _>>()?,
            mailboxes: self.mailboxes(find)?,
            from: now,
            until,
            nth: self.nth,
            rate: self.rate,
            attempts_below: self.attempts_below,
            also: self.tricks.also()?,
        };
        Ok(FaultRule { name: self.name.clone(), matches, act: self.act()? })
    }

    fn mailboxes(&self, find: impl Fn(&str) -> Option<MailboxKey>) -> Result<Option<(u32, u32)>, Wrong> {
        if let Some((first, last)) = self.mailboxes.filter(|(first, last)| first > last) {
            let help = "give the first and the last, the smaller number first";
            return Err(Wrong::request(format!("mailboxes are [{first}, {last}]"), help));
        }
        let Some(address) = &self.mailbox else { return Ok(self.mailboxes) };
        let found = find(address).map(|mailbox| (mailbox.0, mailbox.0));
        let missing = || Wrong::request(format!("there is no mailbox `{address}`"), "give the address of a mailbox");
        let only = found.ok_or_else(missing)?;
        if self.mailboxes.is_some_and(|mailboxes| mailboxes != only) {
            return Err(Wrong::request("mailbox and mailboxes name different ones", "give one of them"));
        }
        Ok(Some(only))
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
                    return Err(words::unknown("act", other, &acts::ACTS.map(|offer| offer.name)));
                };
                act
            }
        })
    }

    fn refusal(&self) -> Result<Act, Wrong> {
        let name = self.kind.as_deref().unwrap_or(RefusalKind::Unavailable.name());
        let kind: RefusalKind = words::named("kind", name)?;
        let status = self.status.unwrap_or_else(|| kind.usual_status());
        if !(400..=599).contains(&status) {
            return Err(Wrong::request(format!("status is {status}"), "give a status from 400 to 599"));
        }
        Ok(Act::Refuse { kind, status, retry_after: span(self.retry_after_seconds, "retry_after_seconds")? })
    }

    /// How a rule is shown at a moment; `address` tells how a mailbox is called.
    pub(super) fn of(rule: &FaultRule, now: Moment, address: impl Fn(MailboxKey) -> Option<String>) -> Self {
        let Match { operations, mailboxes, until, nth, rate, attempts_below, also, .. } = &rule.matches;
        let only = mailboxes.filter(|(first, last)| first == last);
        let mut fault = Self {
            name: rule.name.clone(),
            act: acts::name_of(&rule.act).to_owned(),
            operations: operations.iter().map(|operation| operation.name().to_owned()).collect(),
            mailbox: only.and_then(|(first, _)| address(MailboxKey(first))),
            mailboxes: *mailboxes,
            nth: *nth,
            rate: *rate,
            attempts_below: *attempts_below,
            kind: None,
            status: None,
            retry_after_seconds: None,
            delay: Spread::default(),
            tricks: Tricks::of(also),
            life_seconds: None,
            seconds: (*until < Moment::NEVER).then(|| until.since(now).as_seconds()),
        };
        match &rule.act {
            Act::Refuse { kind, status, retry_after } => {
                fault.kind = Some(kind.name().to_owned());
                (fault.status, fault.retry_after_seconds) = (Some(*status), retry_after.map(Span::as_seconds));
            }
            Act::Delay(distribution) => fault.delay = Spread::of(distribution),
            Act::ShortenToken(life) => fault.life_seconds = Some(life.as_seconds()),
            act => {
                let (status, wait) = fault.tricks.show(act);
                (fault.status, fault.retry_after_seconds) = (status, wait.map(Span::as_seconds));
            }
        }
        fault
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::draw::Distribution;
    use crate::fault::trick::{Door, Saying, Trick, Words};
    use crate::wire::refusal::{ItemError, ItemErrorKind};

    /// Mailboxes are called by their numbers.
    fn find(address: &str) -> Option<MailboxKey> {
        address.parse().ok().map(MailboxKey)
    }

    fn shown(rule: &FaultRule, now: Moment) -> Fault {
        Fault::of(rule, now, |mailbox| Some(mailbox.0.to_string()))
    }

    fn check(text: &str, expected: Result<(), &str>) {
        let now = Moment::START + Span::seconds(5);
        let rules = |text: &[u8]| Wanted::read(text).and_then(|wanted| wanted.rules(now, find));
        match (rules(text.as_bytes()), expected) {
            (Ok(found), Ok(())) => {
                let again = serde_json::to_vec(&shown(&found[0], now)).expect("JSON");
                assert_eq!(rules(&again), Ok(found), "{text}");
            }
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
        check(r#"{"name":"l","act":"empty","mailbox":"7"}"#, Ok(()));
        check(r#"{"name":"d","act":"revoke-token","nth":7}"#, Ok(()));
        check(r#"{"name":"e","act":"short-token","life_seconds":30}"#, Ok(()));
        check(r#"{"act":"refuse","seconds":3}"#, Ok(()));
    }

    #[test]
    fn what_is_wrong_with_a_fault_is_said() {
        check(r#"{"name":"a","act":"explode"}"#, Err("no act `explode`"));
        check(r#"{"name":"a","act":"delay"}"#, Err("delay_seconds is missing"));
        check(r#"{"name":"a","act":"reset","sulk":1}"#, Err("no `sulk`"));
        check(r#"{"name":"a","act":"refuse","body":"x"}"#, Err("the act `refuse` has no `body`"));
        check(r#"{"name":"a","act":"unreachable","operations":["find_items"]}"#, Err("has no `operations`"));
        check(r#"{"preset":"storm","rate":1}"#, Err("unknown field `rate`, expected `preset` or `seconds`"));
        check(r#"{"name":"a"}"#, Err("act is missing"));
        check(r#"["a","refuse"]"#, Err("expected a map"));
        check(r#"{"name":"a","act":"reset","cohort":2}"#, Err("cohort is 2"));
        check(r#"{"name":"a","act":"fail-item"}"#, Err("error is missing"));
        check(r#"{"name":"a","act":"say","words":"mumble"}"#, Err("no words `mumble`"));
        check(r#"{"name":"a","act":"short-token"}"#, Err("life_seconds is missing"));
        check(r#"{"name":"a","act":"reset","rate":2}"#, Err("rate is 2"));
        check(r#"{"name":"a","act":"reset","attempts_below":0}"#, Err("attempts_below is 0"));
        check(r#"{"name":"a","act":"reset","mailboxes":[5,2]}"#, Err("mailboxes are [5, 2]"));
        check(r#"{"name":"a","act":"say","body":"no","content_type":"text/plain\r\nX-More: 1"}"#, Err("no header"));
        check(r#"{"name":"","act":"reset"}"#, Err("name is empty"));
        check(r#"{"name":"a","act":"reset","seconds":-1}"#, Err("seconds is -1"));
        check(r#"{"name":"a","act":"refuse","kind":"sulk"}"#, Err("no kind `sulk`"));
        check(r#"{"name":"a","act":"reset","mailbox":"nobody"}"#, Err("no mailbox `nobody`"));
        check(r#"{"name":"a","act":"reset","mailbox":"7","mailboxes":[7,8]}"#, Err("different ones"));
        let delay = r#""act":"delay","delay_seconds":2"#;
        check(
            &format!(r#"{{"name":"a",{delay},"delay_spread":"log-normal","delay_sigma":11}}"#),
            Err("delay_sigma is 11"),
        );
        check(
            &format!(r#"{{"name":"a",{delay},"delay_spread":"uniform","delay_to_seconds":1}}"#),
            Err("delay_to_seconds"),
        );
        check(r#"{"name":"a","act":"say","late_seconds":1,"late_sigma":-1}"#, Err("late_sigma is -1"));
    }

    /// A rule of every act, one after the other: whoever adds an act is sent here by the compiler, and from here to
    /// [`acts::ACTS`] and to what a control request says of it.
    fn next(act: Option<&Act>) -> Option<Act> {
        let Some(act) = act else {
            return Some(Act::Refuse { kind: RefusalKind::Unavailable, status: 503, retry_after: None });
        };
        let second = Distribution::Constant(Span::seconds(1));
        Some(match act {
            Act::Refuse { .. } => Act::Delay(second),
            Act::Delay(_) => Act::Reset,
            Act::Reset => Act::Truncate,
            Act::Truncate => Act::LoseAnswer,
            Act::LoseAnswer => Act::CorruptItem,
            Act::CorruptItem => {
                let (kind, status) = Words::Usual.usual();
                Act::Say(Saying { kind, status, retry_after: None, words: Words::Usual, late: None })
            }
            Act::Say(_) => Act::FailItem(ItemError { kind: ItemErrorKind::Busy, retry_after: None }),
            Act::FailItem(_) => Act::Unreachable(Door::Refused),
            Act::Unreachable(_) => Act::ExpireToken,
            Act::ExpireToken => Act::RevokeToken,
            Act::RevokeToken => Act::ShortenToken(Span::seconds(30)),
            Act::ShortenToken(_) => Act::Trick(Trick::Drip(second)),
            Act::Trick(trick) => Act::Trick(match trick {
                Trick::Drip(_) => Trick::Malformed,
                Trick::Malformed => Trick::Empty,
                Trick::Empty => Trick::WrongLength,
                Trick::WrongLength => Trick::Twice,
                Trick::Twice => Trick::Shuffled,
                Trick::Shuffled => Trick::Expired,
                Trick::Expired => Trick::Skew { by: Span::seconds(420), ahead: true },
                Trick::Skew { .. } => return None,
            }),
        })
    }

    #[test]
    fn every_act_is_offered_and_can_be_switched_on() {
        let mut names = Vec::new();
        let mut act = next(None);
        while let Some(one) = act {
            let rule = FaultRule { name: "a".into(), matches: Match::default(), act: one };
            let fault = shown(&rule, Moment::START);
            assert_eq!(fault.rule(Moment::START, find), Ok(rule.clone()), "{fault:?}");
            names.push(fault.act);
            act = next(Some(&rule.act));
        }
        names.sort_unstable();
        let mut offered = acts::ACTS.map(|offer| offer.name);
        offered.sort_unstable();
        assert_eq!(names, offered);
    }

    #[test]
    fn everything_that_can_be_said_about_a_fault_is_offered() {
        let (text, number) = (|| Some(String::new()), Some(1.0));
        let everything = Fault {
            name: String::new(),
            act: String::new(),
            operations: vec![String::new()],
            mailbox: text(),
            mailboxes: Some((0, 1)),
            nth: Some(1),
            rate: 1.0,
            attempts_below: Some(1),
            kind: text(),
            status: Some(500),
            retry_after_seconds: number,
            life_seconds: number,
            seconds: number,
            delay: Spread::everything(),
            tricks: Tricks::everything(),
        };
        let said = serde_json::to_value(&everything).expect("JSON");
        let said: BTreeSet<&str> = said.as_object().expect("an object").keys().map(String::as_str).collect();
        let of_acts = acts::ACTS.iter().flat_map(|offer| acts::parameters(offer.name));
        let offered = of_acts.chain(acts::common()).chain(acts::conditions()).map(|parameter| parameter.key);
        assert_eq!(said, offered.chain(["act"]).collect());
    }

    #[test]
    fn what_an_act_ignores_are_conditions() {
        let conditions: Vec<&str> = acts::conditions().iter().map(|parameter| parameter.key).collect();
        for key in acts::ACTS.iter().flat_map(|offer| offer.ignores) {
            assert!(conditions.contains(key), "{key}");
        }
    }
}
