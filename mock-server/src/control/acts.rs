//! What can be switched on: every act with what can be said about it, the conditions of all acts, and the presets.
//!
//! The control page builds its forms from this and knows no act by name, so what is listed here is what it can switch.

use serde::Serialize;
use serde_json::{Value, json};

use super::tricks::SPREADS;
use super::words;
use crate::fault::preset;
use crate::fault::rule::Act;
use crate::fault::trick::{Door, Trick, Words};
use crate::wire::call::Protocol;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemErrorKind, RefusalKind};

/// An act.
#[derive(Copy, Clone, Serialize)]
pub(super) struct Offer {
    /// Its name in scenarios and control requests.
    pub(super) name: &'static str,
    /// What it concerns, for those who look for it in a list.
    group: &'static str,
    /// What it does.
    does: &'static str,
    /// The conditions that have no meaning for it.
    pub(super) ignores: &'static [&'static str],
}

/// What a connection, or a token that is given out, has not: a call of some kind, to a mailbox, by somebody.
const NO_CALL: &[&str] = &[
    "operations",
    "protocols",
    "mailbox",
    "mailboxes",
    "apps",
    "cohort",
    "attempts_below",
    "whole_request",
    "burst_by_mailbox",
];

/// What nobody asks about when a token is looked at: who calls.
const NO_CALLER: &[&str] = &["protocols", "apps"];

/// What is about requests, of which items that stay corrupt know nothing.
const NO_REQUEST: &[&str] = &["nth", "attempts_below", "whole_request", "protocols", "apps"];

const fn offer(group: &'static str, name: &'static str, does: &'static str) -> Offer {
    Offer { name, group, does, ignores: &[] }
}

const fn without(ignores: &'static [&'static str], offer: Offer) -> Offer {
    Offer { ignores, ..offer }
}

/// All acts.
pub(super) const ACTS: [Offer; 20] = [
    offer("refusals", "refuse", "Refuses the call as the service does. Nothing is done."),
    offer("refusals", "say", "Refuses the call with any status and in any words. Nothing is done."),
    offer("time", "delay", "Does the work and answers later than usual."),
    offer("time", "drip", "Does the work; the body of the answer comes in drops."),
    offer("time", "skew", "Answers as if the server's clock were wrong (the Date header)."),
    offer("connections", "reset", "Resets the connection before anything is done."),
    offer("connections", "lose-answer", "Does the work, then resets the connection instead of answering."),
    without(
        NO_CALL,
        offer(
            "connections",
            "unreachable",
            "New connections fail before a request can be sent, also those of this page. Connections that are open stay.",
        ),
    ),
    offer("answers", "truncate", "Does the work, then cuts the answer off half-way."),
    offer(
        "answers",
        "malformed",
        "Does the work; the second half of the answer's body is garbage of the right length.",
    ),
    offer("answers", "empty", "Does the work; the answer has no body."),
    offer("answers", "wrong-length", "Does the work; the answer announces more than it has."),
    without(
        NO_REQUEST,
        offer("items", "corrupt-item", "Items cannot be read, and stay so: the same share of all items."),
    ),
    offer(
        "items",
        "fail-item",
        "Leaves items of a call undone and says so in the answer: the same share of all items.",
    ),
    offer("sync", "expired", "The state that a sync continues from is no longer known."),
    offer("sync", "shuffled", "The changes of a sync page come in the wrong order: newest first."),
    offer("sync", "twice", "The request arrives twice and is carried out twice."),
    without(
        NO_CALLER,
        offer("tokens", "expire-token", "The token that a call shows is expired from now on, if it was seen before."),
    ),
    without(
        NO_CALLER,
        offer("tokens", "revoke-token", "The token that a call shows is revoked from now on, if it was seen before."),
    ),
    without(NO_CALL, offer("tokens", "short-token", "Tokens that are given out meanwhile are good for a short time.")),
];

/// Whether there is an act of this name.
pub(super) fn is_known(act: &str) -> bool {
    ACTS.iter().any(|offer| offer.name == act)
}

/// Whether something can be said about a fault of this act, by its key.
pub(super) fn takes(act: &str, key: &str) -> bool {
    let ignores = |key| ACTS.iter().any(|offer| offer.name == act && offer.ignores.contains(&key));
    let mut parameters = parameters(act).into_iter().chain(common()).chain(conditions());
    key == "act" || parameters.any(|parameter| parameter.key == key && !ignores(key))
}

/// The name of an act.
pub(super) const fn name_of(act: &Act) -> &'static str {
    match act {
        Act::Refuse { .. } => "refuse",
        Act::Delay(_) => "delay",
        Act::Reset => "reset",
        Act::Truncate => "truncate",
        Act::LoseAnswer => "lose-answer",
        Act::CorruptItem => "corrupt-item",
        Act::Say(_) => "say",
        Act::FailItem(_) => "fail-item",
        Act::Unreachable(_) => "unreachable",
        Act::ExpireToken => "expire-token",
        Act::RevokeToken => "revoke-token",
        Act::ShortenToken(_) => "short-token",
        Act::Trick(trick) => match trick {
            Trick::Drip(_) => "drip",
            Trick::Malformed => "malformed",
            Trick::Empty => "empty",
            Trick::WrongLength => "wrong-length",
            Trick::Twice => "twice",
            Trick::Shuffled => "shuffled",
            Trick::Expired => "expired",
            Trick::Skew { .. } => "skew",
        },
    }
}

/// What a value looks like.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Seconds, with decimals.
    Seconds,
    /// A share from 0 to 1.
    Share,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    Text,
    /// Text of several lines.
    Lines,
    /// True or absent.
    Flag,
    /// One of some words.
    Choice,
    /// A list of some words.
    Choices,
    /// A list of whole numbers.
    Wholes,
    /// The first and the last whole number.
    Range,
}

/// Something that can be said about a fault.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Parameter {
    /// Its key in control requests.
    pub(super) key: &'static str,
    /// What it is.
    label: &'static str,
    kind: Kind,
    /// The words to choose from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<&'static str>,
    /// What is usual, for whoever wants to start from something.
    #[serde(skip_serializing_if = "Option::is_none")]
    usual: Option<Value>,
    /// What it means to leave it out; it must be there if this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<&'static str>,
    /// The parameter on whose value it depends whether this one is looked at, and that value.
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<(&'static str, &'static str)>,
}

impl Parameter {
    fn new(key: &'static str, label: &'static str, kind: Kind) -> Self {
        Self { key, label, kind, choices: Vec::new(), usual: None, absent: None, only: None }
    }

    fn one_of(key: &'static str, label: &'static str, choices: &[&'static str], usual: &'static str) -> Self {
        Self { choices: choices.to_vec(), usual: Some(usual.into()), ..Self::new(key, label, Kind::Choice) }
    }

    fn usually(self, usual: impl Into<Value>) -> Self {
        Self { usual: Some(usual.into()), ..self }
    }

    fn or(self, absent: &'static str) -> Self {
        Self { absent: Some(absent), ..self }
    }

    fn only(self, key: &'static str, value: &'static str) -> Self {
        Self { only: Some((key, value)), ..self }
    }
}

/// What can be said about an act.
pub(super) fn parameters(act: &str) -> Vec<Parameter> {
    let wait = || Parameter::new("retry_after_seconds", "wait that is announced", Kind::Seconds).or("none");
    let status = || Parameter::new("status", "HTTP status", Kind::Whole).or("the usual one");
    match act {
        "refuse" => {
            let kinds = RefusalKind::ALL.map(RefusalKind::name);
            let kind = Parameter::one_of("kind", "refusal", &kinds, RefusalKind::Unavailable.name());
            vec![kind, status(), wait()]
        }
        "say" => vec![
            Parameter::one_of("words", "words", &Words::NAMED.map(|(name, _)| name), Words::NAMED[0].0),
            status(),
            wait(),
            Parameter::new("late_seconds", "later than usual by", Kind::Seconds).or("at once"),
            Parameter::new("late_sigma", "spread of that (sigma)", Kind::Number).or("none"),
            Parameter::new("body", "body instead of the words", Kind::Lines).or("the words"),
            Parameter::new("content_type", "type of the body", Kind::Text).or("text/plain; charset=utf-8"),
        ],
        "delay" => vec![
            Parameter::new("delay_seconds", "later by", Kind::Seconds).usually(1),
            Parameter::one_of("delay_spread", "spread", &SPREADS, SPREADS[0]),
            Parameter::new("delay_to_seconds", "at most", Kind::Seconds).or("as above").only("delay_spread", "uniform"),
            Parameter::new("delay_sigma", "sigma", Kind::Number).or("0.5").only("delay_spread", "log-normal"),
        ],
        "drip" => vec![Parameter::new("over_seconds", "over", Kind::Seconds).usually(20)],
        "skew" => vec![Parameter::new("skew_seconds", "ahead by (below 0: behind)", Kind::Seconds).usually(420)],
        "unreachable" => {
            let doors = Door::NAMED.map(|(name, _)| name);
            vec![Parameter::one_of("door", "how it fails", &doors, doors[0])]
        }
        "fail-item" => {
            let errors = ItemErrorKind::ALL.map(ItemErrorKind::name);
            vec![Parameter::one_of("error", "what is wrong", &errors, ItemErrorKind::Busy.name()), wait()]
        }
        "short-token" => vec![Parameter::new("life_seconds", "good for", Kind::Seconds).usually(30)],
        _ => Vec::new(),
    }
}

/// What can be said about any fault.
pub(super) fn common() -> [Parameter; 2] {
    [
        Parameter::new("name", "name", Kind::Text).or("the act's"),
        Parameter::new("seconds", "ends after", Kind::Seconds).usually(60).or("never"),
    ]
}

/// Which calls a fault hits: every condition must hold.
pub(super) fn conditions() -> Vec<Parameter> {
    vec![
        Parameter::new("rate", "share of calls", Kind::Share).or("1"),
        Parameter::new("nth", "only every n-th", Kind::Whole).or("every one"),
        Parameter::new("attempts_below", "only attempts below", Kind::Whole).or("all"),
        Parameter {
            choices: Protocol::ALL.map(Protocol::name).to_vec(),
            ..Parameter::new("protocols", "protocols", Kind::Choices)
        }
        .or("both"),
        Parameter::new("mailbox", "mailbox", Kind::Text).or("all"),
        Parameter::new("mailboxes", "mailboxes by number", Kind::Range).or("all"),
        Parameter::new("cohort", "share of mailboxes", Kind::Share).or("1"),
        Parameter::new("apps", "apps by number", Kind::Wholes).or("all"),
        Parameter::new("burst_seconds", "in bursts of", Kind::Seconds).or("always"),
        Parameter::new("burst_share", "share of time in bursts", Kind::Share).or("always"),
        Parameter::new("burst_by_mailbox", "each mailbox has bursts of its own", Kind::Flag).or("no"),
        Parameter::new("whole_request", "all attempts of a request alike", Kind::Flag).or("no"),
        Parameter {
            choices: Operation::ALL.map(Operation::name).to_vec(),
            ..Parameter::new("operations", "operations", Kind::Choices)
        }
        .or("all"),
    ]
}

/// All of it, for those who ask.
pub(super) fn offered() -> Value {
    let act = |offer: &Offer| {
        json!({
            "name": offer.name,
            "group": offer.group,
            "does": offer.does,
            "ignores": offer.ignores,
            "parameters": parameters(offer.name),
        })
    };
    json!({
        "acts": ACTS.iter().map(act).collect::<Vec<_>>(),
        "common": common(),
        "conditions": conditions(),
        "presets": words::presets(preset::NAMES),
    })
}
