//! `[[source.faults]]` and `[[target.faults]]`: what goes wrong on purpose.

use mock_server::draw::Distribution;
use mock_server::fault::preset;
use mock_server::fault::rule::{Act, FaultRule, Match};
use mock_server::time::{Moment, Span};
use mock_server::wire::call::Side;
use mock_server::wire::refusal::RefusalKind;

use super::entries::{no_such_preset, report_impossible};
use super::name::{Operations, Pair, Refusal};
use super::trick::{self, Plain};
use crate::scenario::file::{Node, Value};
use crate::scenario::kind::{Choice, Count, Duration, Share, Spread, Words};
use crate::scenario::plan::Origin;
use crate::scenario::section::{Otherwise, Section};

/// The acts by name.
const ACTS: Choice<Kind> = Choice(&[
    ("refuse", Kind::Refuse),
    ("delay", Kind::Delay),
    ("reset", Kind::Reset),
    ("truncate", Kind::Truncate),
    ("lose-answer", Kind::LoseAnswer),
    ("corrupt-item", Kind::CorruptItem),
    ("say", Kind::Trick(trick::Kind::Say)),
    ("fail-item", Kind::Trick(trick::Kind::FailItem)),
    ("unreachable", Kind::Trick(trick::Kind::Unreachable)),
    ("drip", Kind::Trick(trick::Kind::Drip)),
    ("malformed", Kind::Trick(trick::Kind::Plain(Plain::Malformed))),
    ("empty", Kind::Trick(trick::Kind::Plain(Plain::Empty))),
    ("wrong-length", Kind::Trick(trick::Kind::Plain(Plain::WrongLength))),
    ("twice", Kind::Trick(trick::Kind::Plain(Plain::Twice))),
    ("shuffled", Kind::Trick(trick::Kind::Plain(Plain::Shuffled))),
    ("expired", Kind::Trick(trick::Kind::Plain(Plain::Expired))),
    ("skew", Kind::Trick(trick::Kind::Skew)),
    ("expire-token", Kind::ExpireToken),
    ("revoke-token", Kind::RevokeToken),
    ("short-token", Kind::ShortToken),
]);

#[derive(Copy, Clone, PartialEq)]
enum Kind {
    Refuse,
    Delay,
    Reset,
    Truncate,
    LoseAnswer,
    CorruptItem,
    Trick(trick::Kind),
    ExpireToken,
    RevokeToken,
    ShortToken,
}

pub(crate) fn read(side: &Section<'_>, which: Side) -> Vec<FaultRule> {
    let mut rules = Vec::new();
    for (position, node) in side.list("faults", "a list of faults").iter().enumerate() {
        match &node.value {
            Value::Text(name) => rules.extend(named(side, name, node)),
            _ => rules.extend(side.entry("faults", position, node).and_then(|section| rule(section, which))),
        }
    }
    rules
}

/// The rules of a preset.
fn named(side: &Section<'_>, name: &str, node: &Node) -> Vec<FaultRule> {
    let found = preset::NAMES.iter().find(|(known, ..)| *known == name).zip(preset::named(name));
    let Some(((_, description, source), rules)) = found else {
        no_such_preset(side, "fault", name, node, preset::NAMES.iter().map(|(name, ..)| *name));
        return Vec::new();
    };
    side.book.record(side.path_of(&format!("faults.{name}")), (*description).to_owned(), Origin::Preset, *source);
    rules
}

fn rule(section: Section<'_>, which: Side) -> Option<FaultRule> {
    let name = section.need("name", &Words, "give the fault a name for reports: name = \"...\"");
    let matches = matches(&section);
    let act = section.need("act", &ACTS, "say what the fault does, for example act = \"refuse\"");
    let act = act.and_then(|kind| act_of(&section, kind));
    if which == Side::Target && act == Some(Act::CorruptItem) {
        let help = "move the rule to [[source.faults]]";
        section.report("act", "belongs to the source", "items are corrupt in the source, not in the target", help);
    }
    section.finish();
    Some(FaultRule { name: name?, matches, act: act? })
}

fn matches(section: &Section<'_>) -> Match {
    let operations = section.or("operations", &Operations, Otherwise::default(Vec::new(), "by definition: every call"));
    let mailboxes = section.maybe("mailboxes", &Pair, "all", "by definition");
    let any = Duration(Span::ZERO);
    let from =
        Moment::START + section.or("from", &any, Otherwise::default(Span::ZERO, "by definition: from the start"));
    let until = section
        .maybe("until", &any, "never", "by definition: until the end")
        .map_or(Moment::NEVER, |span| Moment::START + span);
    if until <= from {
        section.report(
            "until",
            "not after `from`",
            "the fault ends before it begins",
            "let `until` be later than `from`",
        );
    }
    let nth = section.maybe("nth", &Count(1..=u64::MAX >> 1), "every call", "by definition");
    let rate = section.or("rate", &Share, Otherwise::default(1.0, "by definition: every call that matches"));
    let attempts_below = section.maybe("attempts_below", &Count(1..=1_000), "all attempts", "by definition");
    let also = trick::also(section);
    report_impossible(section, &operations, &also.protocols);
    Match { operations, mailboxes, from, until, nth, rate, attempts_below, also }
}

fn act_of(section: &Section<'_>, kind: Kind) -> Option<Act> {
    match kind {
        Kind::Refuse => {
            let default = Otherwise::default(RefusalKind::Unavailable, "assumed: overload or maintenance");
            let kind = section.or("kind", &Refusal, default);
            let default = Otherwise::default(kind.usual_status(), "the status that goes with the refusal");
            let status = section.or("status", &Count(400..=599), default);
            if !kind.allows(status) {
                let message = format!("the refusal `{kind}` has no status {status}");
                section.contradict(&["status", "kind"], "not a status of this refusal", message, kind.status_help());
            }
            let retry_after =
                section.maybe("retry_after", &Duration(Span::ZERO), "none", "by definition: no wait is announced");
            Some(Act::Refuse { kind, status, retry_after })
        }
        Kind::Delay => {
            let help = "say how much later the answer comes: delay = \"exponential mean 200 ms\"";
            let delay: Option<Distribution> = section.need("delay", &Spread, help);
            delay.map(Act::Delay)
        }
        Kind::Reset => Some(Act::Reset),
        Kind::Truncate => Some(Act::Truncate),
        Kind::LoseAnswer => Some(Act::LoseAnswer),
        Kind::CorruptItem => Some(Act::CorruptItem),
        Kind::Trick(kind) => trick::act(section, kind),
        Kind::ExpireToken => Some(Act::ExpireToken),
        Kind::RevokeToken => Some(Act::RevokeToken),
        Kind::ShortToken => {
            let help = "say how long tokens are good for: life = \"30 s\"";
            section.need("life", &Duration(Span::seconds(1)), help).map(Act::ShortenToken)
        }
    }
}
