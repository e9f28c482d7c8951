//! Tricks that faults play on calls and on what is said beside answers.

use super::core::Service;
use super::refusals;
use super::reply::Spoil;
use super::script;
use crate::fault::also::{Target, Who};
use crate::fault::plan::{Judgement, Strike};
use crate::fault::trick::Played;
use crate::mailbox::content::Content;
use crate::throttle::stack::Asked;
use crate::time::{Moment, Span};
use crate::wire::answer::Answer;
use crate::wire::call::{Call, Protocol, RequestIdentity};
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, ItemErrorKind, Refusal, RefusalKind};

/// An answer that cannot be understood although it arrived.
const MALFORMED: Refusal = Refusal { kind: RefusalKind::Malformed, status: 200, retry_after: None };

/// What Graph does with one item at a time.
const SINGLE: [Operation; 11] = [
    Operation::GetItems,
    Operation::ImportItem,
    Operation::CreateMessage,
    Operation::DeleteItems,
    Operation::ReadItems,
    Operation::CreateItems,
    Operation::UpdateItems,
    Operation::MoveItems,
    Operation::CopyItems,
    Operation::SendItems,
    Operation::ReadAttachments,
];

impl<C: Content> Service<C> {
    /// What the fault rules say to a call.
    #[inline]
    pub(super) fn judge(&self, now: Moment, asked: &Asked, identity: RequestIdentity) -> Judgement {
        self.faults.judge(&self.target(now, asked, identity))
    }

    /// A call as fault rules see it.
    #[inline]
    pub(super) fn target(&self, now: Moment, asked: &Asked, identity: RequestIdentity) -> Target {
        let Asked { app, mailbox, operation, .. } = *asked;
        Target { now, mailbox, operation, identity, who: Some(Who { app, protocol: self.protocol }) }
    }

    /// Notes the words of a rule that refuses.
    #[cold]
    pub(super) fn speak(&mut self, rule: u32, refusal: &Refusal) {
        if let Some(words) = self.faults.words(rule) {
            self.remarks.instead = words.say(self.protocol, refusal.status, refusal.retry_after);
        }
    }

    /// Plays what can be played before a call is carried out, and returns how much later it makes the answer.
    #[cold]
    pub(super) fn play(&mut self, trick: Played) -> Span {
        match trick {
            Played::Drip(over) => {
                self.remarks.drip = Some(over);
                return over;
            }
            Played::Skew(by) => self.remarks.skew = Some(by),
            Played::Twice | Played::Shuffled | Played::Expired => self.trick = Some(trick),
            Played::Malformed | Played::Empty | Played::WrongLength => {}
        }
        Span::ZERO
    }

    /// Whether calls need a look item by item.
    #[inline]
    pub(super) fn is_odd(&self) -> bool {
        self.surroundings.is_some() || self.trick.is_some() || self.fails_items()
    }

    /// Why a call of one item without a list of results is refused by a rule about items, if it is.
    pub(super) fn single_failure(
        &self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        call: &Call,
    ) -> Option<Refusal> {
        if !matches!(call, Call::ImportItem { .. } | Call::CreateMessage { .. }) {
            return None;
        }
        self.item_failure(now, asked, identity, 0).map(refusal_of)
    }

    /// Why an errand is refused by a rule about items, if it is. EWS says of each item on its own what became of it;
    /// Graph asks for items one at a time but for exports.
    pub(super) fn errand_failure(&self, now: Moment, asked: &Asked, identity: RequestIdentity) -> Option<Refusal> {
        let single = self.protocol == Protocol::Graph && SINGLE.contains(&asked.operation);
        if !single || !self.fails_items() {
            return None;
        }
        self.item_failure(now, asked, identity, 0).map(refusal_of)
    }

    /// Why the item at a position is left undone by a rule about items, if it is.
    pub(super) fn item_failure(
        &self,
        now: Moment,
        asked: &Asked,
        identity: RequestIdentity,
        position: u32,
    ) -> Option<ItemError> {
        script::left(self.recording.as_deref(), &self.faults, &self.target(now, asked, identity), position)
    }
}

/// Whether a call continues from a state.
pub(super) fn continues(call: &Call) -> bool {
    matches!(call, Call::SyncItems { state: Some(_), .. } | Call::SyncFolders { state: Some(_) })
}

/// Puts the changes of a page in the wrong order.
pub(super) fn shuffle(answer: &mut Answer) {
    if let Answer::Items { changes, .. } = answer {
        changes.reverse();
    }
}

/// What the client perceives of an answer that a trick spoils, and how it is spoiled; nothing if the trick spares it.
pub(super) fn spoiled(strike: Option<Strike>) -> Option<(Refusal, Spoil)> {
    match strike {
        Some(Strike::Trick(Played::Malformed)) => Some((MALFORMED, Spoil::Malformed)),
        Some(Strike::Trick(Played::Empty)) => Some((MALFORMED, Spoil::Empty)),
        Some(Strike::Trick(Played::WrongLength)) => Some((refusals::TRUNCATED, Spoil::WrongLength)),
        _ => None,
    }
}

/// The refusal of a call of one item for what is wrong with the item. The statuses are those of Microsoft Graph error
/// responses.
fn refusal_of(error: ItemError) -> Refusal {
    let refusal = match error.kind {
        ItemErrorKind::Busy => Refusal { kind: RefusalKind::RequestLimit, status: 429, retry_after: None },
        ItemErrorKind::QuotaExceeded => Refusal { kind: RefusalKind::OtherStatus, status: 507, retry_after: None },
        ItemErrorKind::Stopped | ItemErrorKind::Omitted => {
            Refusal { kind: RefusalKind::ServerError, status: 500, retry_after: None }
        }
        kind => refusals::of_item(kind),
    };
    Refusal { retry_after: error.retry_after, ..refusal }
}
