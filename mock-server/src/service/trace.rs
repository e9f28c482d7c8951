//! What became of each piece of work, for whoever keeps a journal.
//!
//! A request is one piece of work or several: each call inside a batch passes faults and limits on its own, and so do the
//! parts of what a client of EWS or Graph asks at once. A piece is a [`Step`].

use super::reply::Spent;
use crate::fault::plan::Strike;
use crate::fault::trick::Played;
use crate::time::Span;
use crate::wire::call::RequestIdentity;
use crate::wire::id::MailboxKey;
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, Refusal, RefusalKind};

/// An item that a fault or a budget left undone although the work as a whole was let pass.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Undone {
    /// Its place in the work, from zero.
    pub place: u32,
    /// Why.
    pub error: ItemError,
}

/// What became of one piece of work.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// The mailbox concerned.
    pub mailbox: MailboxKey,
    /// The kind of work.
    pub operation: Operation,
    /// Which request it belongs to.
    pub identity: RequestIdentity,
    /// Whether faults and limits let it pass.
    pub admitted: bool,
    /// Why it has no outcome: what a fault or a limit says if it was not admitted, otherwise what is wrong with the work.
    pub refusal: Option<Refusal>,
    /// How a fault struck it beyond refusing it.
    pub strike: Option<Strike>,
    /// Items that it moved or removed.
    pub items: u64,
    /// Items that were left undone, in their order.
    pub undone: Vec<Undone>,
    /// Where the time until the answer went.
    pub spent: Spent,
}

impl Step {
    /// Whether the work was done, whatever the client heard of it.
    #[must_use]
    pub const fn done(&self) -> bool {
        self.admitted && self.refusal.is_none()
    }

    /// The kind of refusal that a client perceives, whether the work was done or not.
    #[must_use]
    pub fn perceived(&self) -> Option<RefusalKind> {
        match (self.strike, self.refusal) {
            (Some(Strike::Reset | Strike::LoseAnswer), _) => Some(RefusalKind::ConnectionReset),
            (_, Some(refusal)) => Some(refusal.kind),
            (Some(Strike::Truncate | Strike::Trick(Played::WrongLength)), None) => Some(RefusalKind::Truncated),
            (Some(Strike::Trick(Played::Malformed | Played::Empty)), None) => Some(RefusalKind::Malformed),
            _ => None,
        }
    }
}

/// The name of what a strike does, with a number where it has one: what [`strike_named`] takes. Strikes that only refuse
/// have none: the refusal says it all.
#[must_use]
pub fn strike_name(strike: Strike) -> Option<String> {
    let name = match strike {
        Strike::Refuse(_) | Strike::Say { .. } => return None,
        Strike::Reset => "reset",
        Strike::Truncate => "truncate",
        Strike::LoseAnswer => "lose-answer",
        Strike::Trick(Played::Malformed) => "malformed",
        Strike::Trick(Played::Empty) => "empty",
        Strike::Trick(Played::WrongLength) => "wrong-length",
        Strike::Trick(Played::Twice) => "twice",
        Strike::Trick(Played::Shuffled) => "shuffled",
        Strike::Trick(Played::Expired) => "expired",
        Strike::Trick(Played::Drip(over)) => return Some(format!("drip {}", over.0)),
        Strike::Trick(Played::Skew(by)) => return Some(format!("skew {by}")),
    };
    Some(name.to_owned())
}

/// The strike of a name.
#[must_use]
pub fn strike_named(name: &str) -> Option<Strike> {
    let trick = |played| Some(Strike::Trick(played));
    match name {
        "reset" => Some(Strike::Reset),
        "truncate" => Some(Strike::Truncate),
        "lose-answer" => Some(Strike::LoseAnswer),
        "malformed" => trick(Played::Malformed),
        "empty" => trick(Played::Empty),
        "wrong-length" => trick(Played::WrongLength),
        "twice" => trick(Played::Twice),
        "shuffled" => trick(Played::Shuffled),
        "expired" => trick(Played::Expired),
        _ => match name.split_once(' ')? {
            ("drip", over) => trick(Played::Drip(Span(over.parse().ok()?))),
            ("skew", by) => trick(Played::Skew(by.parse().ok()?)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strike_is_found_by_its_name() {
        let tricks = [
            Played::Malformed,
            Played::Empty,
            Played::WrongLength,
            Played::Twice,
            Played::Shuffled,
            Played::Expired,
            Played::Drip(Span(7)),
            Played::Skew(-7),
        ];
        let strikes = [Strike::Reset, Strike::Truncate, Strike::LoseAnswer];
        for strike in strikes.into_iter().chain(tricks.map(Strike::Trick)) {
            assert_eq!(strike_name(strike).as_deref().and_then(strike_named), Some(strike));
        }
        assert_eq!(strike_named("sulk"), None);
    }
}
