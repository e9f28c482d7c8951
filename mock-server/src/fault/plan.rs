//! The fault rules of one server, asked in order.

use super::rule::{Act, FaultRule, Match};
use crate::draw::{Purpose, hash, unit};
use crate::time::{Moment, Span};
use crate::wire::call::{Operation, RequestIdentity};
use crate::wire::id::{ItemKey, MailboxKey};
use crate::wire::refusal::Refusal;

/// How a call goes wrong.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Strike {
    /// It is refused; nothing is done.
    Refuse(Refusal),
    /// The connection is reset before anything is done.
    Reset,
    /// The work is done, then the answer is cut off half-way.
    Truncate,
    /// The work is done, then the connection is reset instead of answering.
    LoseAnswer,
}

/// Why a token is no longer taken.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum TokenLoss {
    /// As if its time were over.
    Expired,
    /// As if it had been revoked.
    Revoked,
}

/// What the fault rules say to a call.
#[derive(Copy, Clone, PartialEq, Eq, Default, Debug)]
pub struct Judgement {
    /// How much later than usual the answer comes.
    pub delay: Span,
    /// How the call goes wrong, if it does.
    pub strike: Option<Strike>,
}

/// The fault rules of one server.
///
/// It remembers nothing. Whether a rule hits a request is drawn by (seed, position of the rule, mailbox, request,
/// attempt) and never by the order of arrival, so the same faults hit the same requests in every world; a rule added at
/// the end leaves the draws of the others unchanged.
#[derive(Debug)]
pub struct FaultPlan {
    /// The rules that concern requests, in order.
    of_requests: Vec<Prepared>,
    /// The rules that concern items, in order.
    of_items: Vec<Prepared>,
    /// The rules that concern tokens, in order.
    of_tokens: Vec<Prepared>,
    /// The seed of the plan.
    seed: u64,
    /// How many rules were ever there: the position of the next one.
    given: u64,
}

/// One rule with what can be worked out in advance.
#[derive(Debug)]
struct Prepared {
    rule: FaultRule,
    /// One bit for each operation that the rule concerns.
    operations: u64,
    /// The seed of the rule's own draws.
    seed: u64,
}

impl FaultPlan {
    /// A plan for these rules.
    #[must_use]
    pub fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        let mut plan = Self { of_requests: Vec::new(), of_items: Vec::new(), of_tokens: Vec::new(), seed, given: 0 };
        for rule in rules {
            plan.add(rule);
        }
        plan
    }

    /// Adds a rule at the end.
    pub fn add(&mut self, rule: FaultRule) {
        let prepared = Prepared {
            operations: operation_bits(&rule.matches.operations),
            seed: hash(self.seed, Purpose::Fault, self.given, 0, 0),
            rule,
        };
        self.given += 1;
        match prepared.rule.act {
            Act::CorruptItem => self.of_items.push(prepared),
            Act::ExpireToken | Act::RevokeToken | Act::ShortenToken(_) => self.of_tokens.push(prepared),
            _ => self.of_requests.push(prepared),
        }
    }

    /// Removes the rules of a name; tells how many there were. The draws of the others stay what they are.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.rules().count();
        self.of_requests.retain(|prepared| prepared.rule.name != name);
        self.of_items.retain(|prepared| prepared.rule.name != name);
        self.of_tokens.retain(|prepared| prepared.rule.name != name);
        before - self.rules().count()
    }

    /// All rules: first those that concern requests, in order, then those that concern items, then tokens.
    pub fn rules(&self) -> impl Iterator<Item = &FaultRule> {
        self.of_requests.iter().chain(&self.of_items).chain(&self.of_tokens).map(|prepared| &prepared.rule)
    }

    /// Whether a request loses the token that it shows; the first rule that hits it decides.
    #[must_use]
    pub fn takes_token(
        &self,
        now: Moment,
        mailbox: MailboxKey,
        operation: Operation,
        identity: RequestIdentity,
    ) -> Option<TokenLoss> {
        self.of_tokens.iter().find_map(|prepared| {
            let loss = match prepared.rule.act {
                Act::ExpireToken => TokenLoss::Expired,
                Act::RevokeToken => TokenLoss::Revoked,
                _ => return None,
            };
            prepared.hits(now, mailbox, operation, identity).then_some(loss)
        })
    }

    /// How long the token is good for that is given out as the one of this number, if a rule shortens its life.
    #[must_use]
    pub fn token_life(&self, now: Moment, number: u64) -> Option<Span> {
        self.of_tokens.iter().find_map(|prepared| {
            let Match { from, until, nth, rate, .. } = &prepared.rule.matches;
            let Act::ShortenToken(life) = prepared.rule.act else { return None };
            let hit = *from <= now
                && now < *until
                && nth.is_none_or(|n| n != 0 && number % n == n - 1)
                && falls_within(*rate, || hash(prepared.seed, Purpose::Fault, 0, number, 0));
            hit.then_some(life)
        })
    }

    /// What happens to a request. The delays of all rules that hit it add up; of the other acts the first decides.
    #[must_use]
    #[inline]
    pub fn judge(
        &self,
        now: Moment,
        mailbox: MailboxKey,
        operation: Operation,
        identity: RequestIdentity,
    ) -> Judgement {
        let mut judgement = Judgement::default();
        for prepared in &self.of_requests {
            if prepared.hits(now, mailbox, operation, identity) {
                prepared.act(mailbox, identity, &mut judgement);
            }
        }
        judgement
    }

    /// Whether a source item cannot be read.
    ///
    /// It depends on the item and not on the request: an item that is corrupt stays so, whatever call names it, as long
    /// as the rule's operations, mailboxes and times match. A rule's `nth` and `attempts_below`, which are about
    /// requests, have no meaning for items and are not looked at.
    #[must_use]
    #[inline]
    pub fn corrupts(&self, now: Moment, mailbox: MailboxKey, operation: Operation, item: ItemKey) -> bool {
        self.of_items.iter().any(|prepared| {
            let draw = || hash(prepared.seed, Purpose::ItemDefect, u64::from(mailbox.0), item.0, 0);
            prepared.concerns(now, mailbox, operation) && falls_within(prepared.rule.matches.rate, draw)
        })
    }
}

impl Prepared {
    /// Whether the rule concerns calls of this kind to this mailbox at this moment.
    fn concerns(&self, now: Moment, mailbox: MailboxKey, operation: Operation) -> bool {
        let Match { mailboxes, from, until, .. } = &self.rule.matches;
        self.operations & (1 << operation as u32) != 0
            && *from <= now
            && now < *until
            && mailboxes.is_none_or(|(first, last)| (first..=last).contains(&mailbox.0))
    }

    /// Whether the rule hits a request.
    fn hits(&self, now: Moment, mailbox: MailboxKey, operation: Operation, identity: RequestIdentity) -> bool {
        let Match { nth, rate, attempts_below, .. } = &self.rule.matches;
        self.concerns(now, mailbox, operation)
            && nth.is_none_or(|n| n != 0 && identity.request % n == n - 1)
            && attempts_below.is_none_or(|most| identity.attempt < most)
            && falls_within(*rate, || self.draw(Purpose::Fault, mailbox, identity))
    }

    /// Does to a request what the rule does.
    fn act(&self, mailbox: MailboxKey, identity: RequestIdentity, judgement: &mut Judgement) {
        let strike = match self.rule.act {
            Act::Delay(distribution) => {
                judgement.delay += distribution.draw(self.draw(Purpose::FaultDelay, mailbox, identity));
                return;
            }
            Act::Refuse { kind, status, retry_after } => Strike::Refuse(Refusal { kind, status, retry_after }),
            Act::Reset => Strike::Reset,
            Act::Truncate => Strike::Truncate,
            Act::LoseAnswer => Strike::LoseAnswer,
            // Rules about items and tokens are kept apart.
            Act::CorruptItem | Act::ExpireToken | Act::RevokeToken | Act::ShortenToken(_) => return,
        };
        judgement.strike = judgement.strike.or(Some(strike));
    }

    fn draw(&self, purpose: Purpose, mailbox: MailboxKey, identity: RequestIdentity) -> u64 {
        hash(self.seed, purpose, u64::from(mailbox.0), identity.request, u64::from(identity.attempt))
    }
}

/// Whether a draw falls within a share; nothing is drawn where the answer is certain.
fn falls_within(rate: f64, draw: impl FnOnce() -> u64) -> bool {
    1.0 <= rate || (0.0 < rate && unit(draw()) < rate)
}

/// One bit for each operation; all bits if there are none.
fn operation_bits(operations: &[Operation]) -> u64 {
    if operations.is_empty() {
        return u64::MAX;
    }
    operations.iter().fold(0, |bits, operation| bits | 1 << *operation as u32)
}
