//! The fault rules of one server, asked in order.

use super::also::Target;
use super::rule::{Act, FaultRule, Match};
use super::trick::{Door, Played, Saying, Words};
use crate::draw::{Purpose, hash, unit};
use crate::time::{Moment, Span};
use crate::wire::call::RequestIdentity;
use crate::wire::id::{ItemKey, MailboxKey};
use crate::wire::operation::Operation;
use crate::wire::refusal::{ItemError, Refusal};

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
    /// It is refused in words of a rule's own; nothing is done.
    Say {
        /// What the client sees where no words travel.
        refusal: Refusal,
        /// The number of the rule, which [`FaultPlan::words`] takes.
        rule: u32,
    },
    /// A trick is played on it.
    Trick(Played),
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
    /// The rules that concern items of calls, in order.
    of_lists: Vec<Prepared>,
    /// The rules that concern connections, in order.
    of_doors: Vec<Prepared>,
    /// The rules that concern tokens, in order.
    of_tokens: Vec<Prepared>,
    /// Whether connections fail where they are made. Otherwise they fail with the requests that would have needed them.
    doors_at_front: bool,
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
    /// Whether the rule has no further conditions.
    plain: bool,
}

impl FaultPlan {
    /// A plan for these rules.
    #[must_use]
    pub fn new(seed: u64, rules: Vec<FaultRule>) -> Self {
        let mut plan = Self {
            of_requests: Vec::new(),
            of_items: Vec::new(),
            of_lists: Vec::new(),
            of_doors: Vec::new(),
            of_tokens: Vec::new(),
            doors_at_front: false,
            seed,
            given: 0,
        };
        for rule in rules {
            plan.add(rule);
        }
        plan
    }

    /// Adds a rule at the end.
    pub fn add(&mut self, rule: FaultRule) {
        let prepared = Prepared {
            operations: Operation::bits(&rule.matches.operations),
            seed: hash(self.seed, Purpose::Fault, self.given, 0, 0),
            plain: rule.matches.also.is_empty(),
            rule,
        };
        self.given += 1;
        match prepared.rule.act {
            Act::CorruptItem => self.of_items.push(prepared),
            Act::FailItem(_) => self.of_lists.push(prepared),
            Act::Unreachable(_) => self.of_doors.push(prepared),
            Act::ExpireToken | Act::RevokeToken | Act::ShortenToken(_) => self.of_tokens.push(prepared),
            _ => self.of_requests.push(prepared),
        }
    }

    /// Removes the rules of a name; tells how many there were. The draws of the others stay what they are.
    pub fn remove(&mut self, name: &str) -> usize {
        let before = self.rules().count();
        let Self { of_requests, of_items, of_lists, of_doors, of_tokens, .. } = self;
        for rules in [of_requests, of_items, of_lists, of_doors, of_tokens] {
            rules.retain(|prepared| prepared.rule.name != name);
        }
        before - self.rules().count()
    }

    /// All rules: first those that concern requests, in order, then those that concern anything else.
    pub fn rules(&self) -> impl Iterator<Item = &FaultRule> {
        let apart = self.of_items.iter().chain(&self.of_lists).chain(&self.of_doors).chain(&self.of_tokens);
        self.of_requests.iter().chain(apart).map(|prepared| &prepared.rule)
    }

    /// Whether a request loses the token that it shows; the first rule that hits it decides.
    #[must_use]
    pub fn takes_token(&self, target: &Target) -> Option<TokenLoss> {
        self.of_tokens.iter().find_map(|prepared| {
            let loss = match prepared.rule.act {
                Act::ExpireToken => TokenLoss::Expired,
                Act::RevokeToken => TokenLoss::Revoked,
                _ => return None,
            };
            prepared.hits(target).then_some(loss)
        })
    }

    /// How long the token is good for that is given out as the one of this number, if a rule shortens its life.
    #[must_use]
    pub fn token_life(&self, now: Moment, number: u64) -> Option<Span> {
        self.of_tokens.iter().find_map(|prepared| {
            let Act::ShortenToken(life) = prepared.rule.act else { return None };
            prepared.hits_number(now, number, Purpose::Fault).then_some(life)
        })
    }

    /// What happens to a request. The delays of all rules that hit it add up; of the other acts the first decides.
    #[must_use]
    #[inline]
    pub fn judge(&self, target: &Target) -> Judgement {
        if self.of_requests.is_empty() && self.of_doors.is_empty() {
            return Judgement::default();
        }
        self.judge_by_rules(target)
    }

    fn judge_by_rules(&self, target: &Target) -> Judgement {
        let mut judgement = Judgement::default();
        for (number, prepared) in self.of_requests.iter().enumerate() {
            if prepared.hits(target) {
                prepared.act(target, number as u32, &mut judgement);
            }
        }
        if !self.of_doors.is_empty() && !self.doors_at_front && judgement.strike.is_none() {
            let fails = |prepared: &Prepared| prepared.hits(target);
            judgement.strike = self.of_doors.iter().any(fails).then_some(Strike::Reset);
        }
        judgement
    }

    /// The words of a rule that speaks, by its number.
    #[must_use]
    pub fn words(&self, rule: u32) -> Option<&Words> {
        match self.of_requests.get(rule as usize)?.rule.act {
            Act::Say(ref saying) => Some(&saying.words),
            _ => None,
        }
    }

    /// Whether any rule concerns the items of calls.
    #[must_use]
    #[inline]
    pub fn fails_items(&self) -> bool {
        !self.of_lists.is_empty()
    }

    /// Why the item at a position of a call is left undone, if it is; the first rule that hits it decides.
    #[must_use]
    pub fn item_error(&self, target: &Target, position: u32) -> Option<ItemError> {
        self.of_lists.iter().find_map(|prepared| {
            let Act::FailItem(error) = prepared.rule.act else { return None };
            let draw = || {
                let Target { mailbox, identity, .. } = *target;
                let which = u64::from(position) << 32 | u64::from(prepared.attempt(identity));
                hash(prepared.seed, Purpose::FaultItem, u64::from(mailbox.0), identity.request, which)
            };
            (prepared.matches(target) && falls_within(prepared.rule.matches.rate, draw)).then_some(error)
        })
    }

    /// Says that connections fail where they are made, and not with the requests that need them.
    pub fn fail_at_front(&mut self) {
        self.doors_at_front = true;
    }

    /// How a connection fails to come about, if it does; connections are numbered in the order of their arrival. A rule's
    /// conditions on requests, mailboxes and callers have no meaning here and are not looked at.
    #[must_use]
    pub fn door(&self, now: Moment, connection: u64) -> Option<Door> {
        self.of_doors.iter().find_map(|prepared| {
            let Act::Unreachable(door) = prepared.rule.act else { return None };
            prepared.hits_number(now, connection, Purpose::FaultDoor).then_some(door)
        })
    }

    /// The seed of the plan.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
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
            prepared.concerns(now, mailbox, operation)
                && (prepared.plain || prepared.rule.matches.also.hold(prepared.seed, now, mailbox, operation, None))
                && falls_within(prepared.rule.matches.rate, draw)
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

    /// Whether the rule matches a request: whether it may hit it.
    #[inline]
    fn matches(&self, target: &Target) -> bool {
        let Target { now, mailbox, operation, identity, who } = *target;
        let Match { nth, attempts_below, also, .. } = &self.rule.matches;
        self.concerns(now, mailbox, operation)
            && nth.is_none_or(|n| n != 0 && identity.place() % n == n - 1)
            && attempts_below.is_none_or(|most| identity.attempt < most)
            && (self.plain || also.hold(self.seed, now, mailbox, operation, who))
    }

    /// Whether the rule hits what has a number of its own and belongs to no mailbox.
    fn hits_number(&self, now: Moment, number: u64, purpose: Purpose) -> bool {
        let Match { from, until, nth, rate, also, .. } = &self.rule.matches;
        *from <= now
            && now < *until
            && also.bursts.is_none_or(|bursts| bursts.hold(self.seed, now, MailboxKey(0)))
            && nth.is_none_or(|n| n != 0 && number % n == n - 1)
            && falls_within(*rate, || hash(self.seed, purpose, 0, number, 0))
    }

    /// Whether the rule hits a request.
    #[inline]
    fn hits(&self, target: &Target) -> bool {
        self.matches(target)
            && falls_within(self.rule.matches.rate, || {
                let Target { mailbox, identity, .. } = *target;
                let identity = RequestIdentity { attempt: self.attempt(identity), ..identity };
                self.draw(Purpose::Fault, mailbox, identity)
            })
    }

    /// The attempt that the rule's luck depends on.
    #[inline]
    fn attempt(&self, identity: RequestIdentity) -> u32 {
        if self.rule.matches.also.whole_request { 0 } else { identity.attempt }
    }

    /// Does to a request what the rule does.
    fn act(&self, target: &Target, number: u32, judgement: &mut Judgement) {
        let late = || self.draw(Purpose::FaultDelay, target.mailbox, target.identity);
        let strike = match self.rule.act {
            Act::Delay(ref distribution) => {
                judgement.delay += distribution.draw(late());
                return;
            }
            Act::Refuse { kind, status, retry_after } => Strike::Refuse(Refusal { kind, status, retry_after }),
            Act::Reset => Strike::Reset,
            Act::Truncate => Strike::Truncate,
            Act::LoseAnswer => Strike::LoseAnswer,
            Act::Say(ref saying) => {
                if judgement.strike.is_none() {
                    judgement.delay += saying.late.map_or(Span::ZERO, |distribution| distribution.draw(late()));
                }
                let Saying { kind, status, retry_after, .. } = *saying;
                Strike::Say { refusal: Refusal { kind, status, retry_after }, rule: number }
            }
            Act::Trick(ref trick) => Strike::Trick(trick.play(late())),
            // Rules about items, connections and tokens are kept apart.
            Act::CorruptItem
            | Act::FailItem(_)
            | Act::Unreachable(_)
            | Act::ExpireToken
            | Act::RevokeToken
            | Act::ShortenToken(_) => return,
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
