//! What a fault can ask and do beyond the plain acts.

use mock_server::fault::also::{Also, Bursts};
use mock_server::fault::rule::Act;
use mock_server::fault::trick::{Door, Saying, Trick, Words as Said, may_be_header};
use mock_server::time::Span;
use mock_server::wire::refusal::{ItemError, ItemErrorKind};

use super::name::{Numbers, Protocols};
use crate::scenario::kind::{Choice, Count, Duration, Flag, Name, Share, Spread, Words, suggestion};
use crate::scenario::section::{Otherwise, Section};

const DOORS: Choice<Door> = Choice(&Door::NAMED);

/// The acts beyond the plain ones.
#[derive(Copy, Clone, PartialEq)]
pub(super) enum Kind {
    /// Refuse in any words.
    Say,
    /// Leave items undone.
    FailItem,
    /// Let connections fail.
    Unreachable,
    /// Let the body come in drops.
    Drip,
    /// Be wrong about the time.
    Skew,
    /// Anything that needs nothing said about it.
    Plain(Plain),
}

/// Tricks that need nothing said about them.
#[derive(Copy, Clone, PartialEq)]
pub(super) enum Plain {
    /// Spoil the second half of the body.
    Malformed,
    /// Send no body.
    Empty,
    /// Announce more than there is.
    WrongLength,
    /// Deliver twice.
    Twice,
    /// List changes in the wrong order.
    Shuffled,
    /// Forget a state.
    Expired,
}

/// The further conditions of a rule.
pub(super) fn also(section: &Section<'_>) -> Also {
    let protocols = section.maybe("protocols", &Protocols, "", "").unwrap_or_default();
    let apps = section.maybe("apps", &Numbers, "", "").unwrap_or_default();
    let cohort = section.maybe("cohort", &Share, "", "");
    let length = section.maybe("burst_length", &Duration(Span(1)), "", "");
    let share = section.maybe("burst_share", &Share, "", "");
    let by_mailbox = section.maybe("burst_by_mailbox", &Flag, "", "").unwrap_or_default();
    let whole_request = section.maybe("whole_request", &Flag, "", "").unwrap_or_default();
    let bursts = match (length, share) {
        (Some(length), Some(share)) => Some(Bursts { length, share, by_mailbox }),
        (None, None) => None,
        (Some(_), None) => {
            section.report("burst_length", "how often?", "bursts without a share", "say it: burst_share = \"5%\"");
            None
        }
        (None, Some(_)) => {
            section.report("burst_share", "how long?", "bursts without a length", "say it: burst_length = \"5 min\"");
            None
        }
    };
    Also { protocols, apps, cohort, bursts, whole_request }
}

/// What a rule does that is none of the plain acts.
pub(super) fn act(section: &Section<'_>, kind: Kind) -> Option<Act> {
    let trick = match kind {
        Kind::Say => return saying(section).map(Act::Say),
        Kind::FailItem => return item_error(section).map(Act::FailItem),
        Kind::Unreachable => {
            let default = Otherwise::default(Door::Refused, "assumed: the connection is refused");
            return Some(Act::Unreachable(section.or("door", &DOORS, default)));
        }
        Kind::Drip => Trick::Drip(section.need("over", &Spread, "say over how long: over = \"20 s\"")?),
        Kind::Skew => {
            let by = section.need("skew", &Duration(Span::ZERO), "say by how much: skew = \"7 min\"")?;
            Trick::Skew { by, ahead: section.maybe("ahead", &Flag, "", "").unwrap_or(true) }
        }
        Kind::Plain(plain) => match plain {
            Plain::Malformed => Trick::Malformed,
            Plain::Empty => Trick::Empty,
            Plain::WrongLength => Trick::WrongLength,
            Plain::Twice => Trick::Twice,
            Plain::Shuffled => Trick::Shuffled,
            Plain::Expired => Trick::Expired,
        },
    };
    Some(Act::Trick(trick))
}

fn saying(section: &Section<'_>) -> Option<Saying> {
    let body = section.maybe("body", &Words, "", "");
    let content_type = section.maybe("content_type", &Words, "", "");
    let name = section.maybe("words", &Words, "", "");
    let words = match (body, name) {
        (Some(body), _) => {
            let content_type = content_type.unwrap_or_else(|| "text/plain; charset=utf-8".to_owned());
            if !may_be_header(&content_type) {
                let help = "write a type as it stands in a header, such as \"text/html; charset=utf-8\"";
                section.report("content_type", "no header", "no header can hold this text", help);
            }
            Said::Body { content_type: content_type.into(), body: body.into() }
        }
        (None, None) => Said::Usual,
        (None, Some(name)) => {
            let named = Said::NAMED.into_iter().find(|(known, _)| *known == name);
            let Some((_, words)) = named else {
                let help = suggestion(&name, &Said::NAMED.map(|(name, _)| name));
                section.report("words", "no such words", format!("there are no words `{name}`"), help);
                return None;
            };
            words
        }
    };
    let (kind, usual) = words.usual();
    let default = Otherwise::default(usual, "the status that goes with the words");
    let status = section.or("status", &Count(200..=599), default);
    let retry_after = section.maybe("retry_after", &Duration(Span::ZERO), "", "");
    let late = section.maybe("late", &Spread, "", "");
    Some(Saying { kind: Saying::kind_of(kind, status), status, retry_after, words, late })
}

fn item_error(section: &Section<'_>) -> Option<ItemError> {
    let name: Name<ItemErrorKind> = Name::of("an error", "no error");
    let kind = section.need("error", &name, "say what is wrong with the item: error = \"busy\"");
    let retry_after = section.maybe("retry_after", &Duration(Span::ZERO), "", "");
    Some(ItemError { kind: kind?, retry_after })
}
